//! Where an address is registered, by optional databases: MaxMind's, DB-IP's or ip-location-db's.
//!
//! A hint, never a proof; measured round trips overrule it ([`Region::rtt_min_ms`]). Nothing needs it and none is shipped.
//! Files that change are read again while the node runs; a broken one costs its hints, not the node.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use maxminddb::{LookupResult, MaxMindDbError, Reader, path};
use sharechain::UnixTime;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{clock::every, region::Region};

/// Time between two looks whether a file has changed.
const LOOK_INTERVAL: Duration = Duration::from_secs(60);
/// A database older than this is worth a warning: addresses move.
pub(crate) const AGE_MAX: Duration = Duration::from_secs(90 * 86_400);

/// Where an address is registered, as far as that is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Registration {
    /// The continent.
    pub region: Option<Region>,
    /// The country, ISO 3166-1 alpha-2.
    pub country: Option<[u8; 2]>,
    /// The autonomous system that announces it.
    pub asn: Option<u32>,
}

/// The operator's files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GeoFiles {
    /// A country or city database.
    pub country_db: Option<PathBuf>,
    /// A database of autonomous systems.
    pub asn_db: Option<PathBuf>,
}

/// What a database says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatabaseFacts {
    /// What is in it, like `GeoLite2-City`.
    pub(crate) kind: String,
    /// When it was made, Unix seconds.
    pub(crate) built: u64,
}

/// What a file says of itself, when it can be used.
///
/// # Errors
/// When it cannot be read, or is no such database.
pub(crate) fn facts(file: &Path) -> Result<DatabaseFacts, MaxMindDbError> {
    Database::open(file).map(|database| database.facts())
}

/// Loaded databases.
#[derive(Debug, Default)]
pub struct Geo {
    countries: Option<Database>,
    systems: Option<Database>,
}

#[derive(Debug)]
struct Database {
    reader: Reader<Vec<u8>>,
    modified: Option<SystemTime>,
}

impl Database {
    /// Reads the whole file: mapping it would crash when it is replaced in place (RUSTSEC-2025-0132).
    fn open(file: &Path) -> Result<Self, MaxMindDbError> {
        // Before the content: a file that is replaced in between is read again.
        let modified = modified(file);
        Ok(Self { reader: Reader::open_readfile(file)?, modified })
    }

    fn facts(&self) -> DatabaseFacts {
        let metadata = self.reader.metadata();
        DatabaseFacts { kind: metadata.database_type.clone(), built: metadata.build_epoch }
    }

    fn lookup(&self, address: IpAddr) -> Option<LookupResult<'_, Vec<u8>>> {
        self.reader.lookup(address).ok()
    }
}

impl Geo {
    /// Loads what there is.
    pub fn open(files: &GeoFiles) -> Self {
        let open = |path: &Option<PathBuf>| path.as_deref().and_then(open_or_tell);
        Self { countries: open(&files.country_db), systems: open(&files.asn_db) }
    }

    /// What is known of an address.
    pub fn registration(&self, address: IpAddr) -> Registration {
        let record = self.countries.as_ref().and_then(|database| database.lookup(address));
        let (region, country) = record.as_ref().map(region_and_country).unwrap_or_default();
        let system = self.systems.as_ref().and_then(|database| database.lookup(address));
        Registration { region, country, asn: system.as_ref().and_then(asn) }
    }

    /// What is configured, each with its age in seconds; `None` for what could not be read.
    pub(crate) fn databases(&self, files: &GeoFiles, now: UnixTime) -> Vec<(&'static str, Option<u64>)> {
        let all = [
            ("countries (geo.country_db)", &files.country_db, &self.countries),
            ("networks (geo.asn_db)", &files.asn_db, &self.systems),
        ];
        let configured = all.into_iter().filter(|(_, file, _)| file.is_some());
        let aged = configured.map(|(what, _, database)| {
            (what, database.as_ref().map(|database| now.saturating_sub(database.facts().built)))
        });
        aged.collect()
    }

    /// Whether a file is another one than was read.
    fn is_stale(&self, files: &GeoFiles) -> bool {
        let differs = |path: &Option<PathBuf>, database: &Option<Database>| {
            let seen = path.as_deref().and_then(modified);
            seen.is_some() && seen != database.as_ref().and_then(|database| database.modified)
        };
        differs(&files.country_db, &self.countries) || differs(&files.asn_db, &self.systems)
    }
}

/// Keeps the databases fresh until the token is cancelled, and takes others when it is told.
pub async fn run(mut files: watch::Receiver<GeoFiles>, geo: watch::Sender<Arc<Geo>>, token: CancellationToken) {
    let mut looks = every(LOOK_INTERVAL);
    loop {
        let are_others = tokio::select! {
            biased;
            () = token.cancelled() => return,
            Ok(()) = files.changed() => true,
            _ = looks.tick() => false,
        };
        let files = files.borrow_and_update().clone();
        if are_others || geo.borrow().is_stale(&files) {
            // Reading tens of megabytes must not hold up anybody.
            if let Ok(fresh) = tokio::task::spawn_blocking(move || Geo::open(&files)).await {
                geo.send_replace(Arc::new(fresh));
            }
        }
    }
}

fn modified(file: &Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok()
}

fn open_or_tell(path: &Path) -> Option<Database> {
    let database = match Database::open(path) {
        Ok(database) => database,
        Err(cause) => {
            error!(path = %path.display(), %cause, "the geo database cannot be used; places stay what peers claim");
            return None;
        }
    };
    let DatabaseFacts { kind, built } = database.facts();
    let built = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(built));
    let age = built.and_then(|built| built.elapsed().ok()).unwrap_or_default();
    info!(path = %path.display(), kind, age_days = age.as_secs() / 86_400, "geo database loaded");
    if age > AGE_MAX {
        warn!(path = %path.display(), "the geo database is more than 90 days old; addresses move");
    }
    Some(database)
}

/// MaxMind nests, ip-location-db is flat, ipinfo calls the code the country.
fn region_and_country(record: &LookupResult<'_, Vec<u8>>) -> (Option<Region>, Option<[u8; 2]>) {
    let text = |path: &[_]| record.decode_path::<&str>(path).ok().flatten();
    let nested = || text(&path!["country", "iso_code"]);
    let flat = || text(&path!["country_code"]);
    let plain = || text(&path!["country"]);
    let country = nested().or_else(flat).or_else(plain).filter(|code| code.len() == 2);
    let continent = text(&path!["continent", "code"]).and_then(|code| code.parse().ok());
    let code = country.and_then(|code| code.as_bytes().try_into().ok());
    (continent.or_else(|| country.and_then(region_of_country)), code)
}

/// MaxMind and ip-location-db have a number, ipinfo writes `AS64496`.
fn asn(record: &LookupResult<'_, Vec<u8>>) -> Option<u32> {
    let number = record.decode_path::<u32>(&path!["autonomous_system_number"]).ok().flatten();
    let text = || record.decode_path::<&str>(&path!["asn"]).ok().flatten();
    number.or_else(|| text()?.trim_start_matches("AS").parse().ok())
}

/// The continent of a country (ISO 3166-1 alpha-2).
fn region_of_country(country: &str) -> Option<Region> {
    let lists = [
        (Region::Na, COUNTRIES_NA),
        (Region::Sa, COUNTRIES_SA),
        (Region::Eu, COUNTRIES_EU),
        (Region::Af, COUNTRIES_AF),
        (Region::As, COUNTRIES_AS),
        (Region::Oc, COUNTRIES_OC),
        (Region::An, COUNTRIES_AN),
    ];
    lists.into_iter().find(|(_, list)| list.split(' ').any(|code| code == country)).map(|(region, _)| region)
}

const COUNTRIES_NA: &str = "AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM \
                            PR SV SX TC TT US VC VG VI";
const COUNTRIES_SA: &str = "AR BO BR CL CO EC FK GF GY PE PY SR UY VE";
const COUNTRIES_EU: &str = "AD AL AT AX BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU \
                            LV MC MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK";
const COUNTRIES_AF: &str = "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR \
                            MU MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW";
const COUNTRIES_AS: &str = "AE AF AM AZ BD BH BN BT CC CN CX GE HK ID IL IN IO IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN \
                            MO MV MY NP OM PH PK PS QA SA SG SY TH TJ TL TM TR TW UZ VN YE";
const COUNTRIES_OC: &str = "AS AU CK FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU WF WS";
const COUNTRIES_AN: &str = "AQ BV GS HM TF";

#[cfg(test)]
mod tests;
