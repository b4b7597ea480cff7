//! Region hints from an optional country database: MaxMind's, DB-IP's or ip-location-db's.
//!
//! A hint of where an address is registered, never a proof; measured round trips overrule it. Nothing needs it.

use std::{net::IpAddr, path::Path};

use maxminddb::{MaxMindDbError, Reader, path};

use crate::region::Region;

/// A loaded database.
#[derive(Debug)]
pub struct CountryDb {
    reader: Reader<Vec<u8>>,
}

impl CountryDb {
    /// Reads the whole file: mapping it would crash when it is replaced in place (RUSTSEC-2025-0132).
    ///
    /// # Errors
    /// When the file cannot be read or is no database.
    pub fn open(file: &Path) -> Result<Self, MaxMindDbError> {
        Ok(Self { reader: Reader::open_readfile(file)? })
    }

    /// The region an address is registered in.
    pub fn region(&self, address: IpAddr) -> Option<Region> {
        let found = self.reader.lookup(address).ok()?;
        // MaxMind nests, ip-location-db is flat, ipinfo calls the code the country.
        let continent: Option<&str> = found.decode_path(&path!["continent", "code"]).ok().flatten();
        if let Some(region) = continent.and_then(|code| code.parse().ok()) {
            return Some(region);
        }
        let nested: Option<&str> = found.decode_path(&path!["country", "iso_code"]).ok().flatten();
        let flat = || found.decode_path::<&str>(&path!["country_code"]).ok().flatten();
        let plain = || found.decode_path::<&str>(&path!["country"]).ok().flatten();
        nested.or_else(flat).or_else(plain).and_then(region_of_country)
    }
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
