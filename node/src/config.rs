//! Configuration: a TOML file, the environment and the command line become one resolved [`Config`].
//!
//! ```text
//! file < POOLNODE__SECTION__KEY < flags --Sources--> Settings (each with its place) --RawConfig--> Config
//! ```
//! Unknown keys and variables are refused with the nearest known one. Every key is documented in `config/sample.toml`, which
//! is also where the known keys come from. No secret is ever shown: neither here nor in an error.

use std::{
    ffi::OsString,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use schemars::JsonSchema;
use serde::Deserialize;
use sharechain::ShareId;
use tracing_subscriber::EnvFilter;

use crate::{
    chain_profile::{ChainProfile, RawCustom},
    geo::GeoFiles,
    parent::devnet,
};

mod announcement;
mod api;
mod changes;
mod daemon_places;
mod document;
mod entries;
mod environment;
mod error;
mod expectation;
mod file;
mod keys;
mod lanes;
mod miners;
mod p2p;
mod parent;
mod prices;
mod schema;
mod settings;
mod switching;
mod telemetry;

pub use announcement::{AnnouncementConfig, AnnouncementError, RawDirectory};
pub use api::{ApiAccess, RawListen};
pub use changes::{Change, Changes};
pub use daemon_places::{DaemonPlace, daemon_place};
pub use document::{Purpose, UnknownPurpose, Values, check, document, generate};
pub use entries::ConfigEntry;
pub use error::{ConfigError, Placed};
pub use expectation::{Expectation, Outlook};
pub use file::UnknownKey;
pub use lanes::{LaneError, RawLane};
pub use miners::{MinersConfig, RawStratum, TlsConfig};
pub use p2p::{P2pConfig, RawP2p};
pub use parent::{DaemonConfig, ParentConfig, RawFallback, RawParent};
pub use prices::{PriceSourceError, RawPrice};
pub use schema::schema;
pub use settings::{HIDDEN, Origin, Place, Setting, Settings};
pub use switching::{RawSwitching, SwitchingConfig, SwitchingError};
pub use telemetry::{LogConfig, LogFileConfig, LogFormat, NotifyConfig, RawLog, RawMetrics, RawNotify, TelemetryError};

/// All keys with their documentation.
pub const SAMPLE: &str = include_str!("config/sample.toml");
/// What is logged when nothing else is said.
pub const LOG_FILTER: &str = "info";

/// What a node does, resolved.
#[derive(Clone, Debug)]
pub struct Config {
    /// The chain.
    pub chain: ChainProfile,
    /// Folder for key, shares and blocks.
    pub data_dir: PathBuf,
    /// Mine before the share chain is synced.
    pub solo_until_synced: bool,
    /// A share of the branch to be on, whatever its work: a decision for one run, so no file holds it.
    pub adopt_branch: Option<ShareId>,
    /// The coin daemon.
    pub parent: ParentConfig,
    /// Where and how miners connect.
    pub stratum: MinersConfig,
    /// Peers, and how this node is found and reached.
    pub p2p: P2pConfig,
    /// HTTP API.
    pub api_listen: SocketAddr,
    /// Who may ask it.
    pub api_access: ApiAccess,
    /// Databases of places.
    pub geo: GeoFiles,
    /// What others are told of this node.
    pub announcement: AnnouncementConfig,
    /// Metrics of single workers.
    pub per_worker_metrics: bool,
    /// The log.
    pub log: LogConfig,
    /// Who is told of what.
    pub notify: NotifyConfig,
    /// What is logged: a level, or a filter of `tracing`.
    pub log_filter: String,
    /// Further lanes with their names, each configured as if it were a node's first.
    pub lanes: Vec<(String, Self)>,
    /// How miners are moved between lanes.
    pub switching: SwitchingConfig,
    /// What was set, and where.
    pub settings: Settings,
}

/// The file's and the command line's keys; absent ones keep their default.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawConfig {
    /// See `config/sample.toml`, here and below.
    pub chain: Option<String>,
    /// Folder of the node.
    pub data_dir: Option<PathBuf>,
    /// Password of a private pool.
    pub password: Option<String>,
    /// Mine before synced.
    pub solo_until_synced: Option<bool>,
    /// The daemons.
    pub parent: RawParent,
    /// A chain that this version does not know.
    pub custom: Option<RawCustom>,
    /// The embedded chain.
    pub devnet: RawDevnet,
    /// Miners.
    pub stratum: RawStratum,
    /// Peers.
    pub p2p: RawP2p,
    /// HTTP.
    pub api: RawListen,
    /// Geography.
    pub geo: RawGeo,
    /// The directory of nodes.
    pub directory: RawDirectory,
    /// Metrics.
    pub metrics: RawMetrics,
    /// The log.
    pub log: RawLog,
    /// Patience before anybody is told that something is wrong, seconds.
    pub notify_after_secs: Option<u64>,
    /// Who is told of what.
    pub notify: Vec<RawNotify>,
    /// How miners are moved between lanes.
    pub lanes: RawSwitching,
    /// Where prices are read.
    pub price: Vec<RawPrice>,
    /// Further lanes.
    pub lane: Vec<RawLane>,
}

/// `[devnet]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawDevnet {
    /// JSON-RPC address of the embedded chain.
    pub listen: Option<SocketAddr>,
    /// Wanted seconds between blocks.
    pub block_interval_secs: Option<u32>,
}

/// `[geo]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawGeo {
    /// Country or city database.
    pub country_db: Option<PathBuf>,
    /// Database of autonomous systems.
    pub asn_db: Option<PathBuf>,
}

/// Where a configuration comes from. Kept, it can be read again.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file.
    pub file: Option<PathBuf>,
    /// The environment; what is not ours in it is left alone.
    pub variables: Vec<(OsString, OsString)>,
    /// The command line.
    pub flags: Vec<Setting>,
}

impl Sources {
    /// Reads what there is, the stronger over the weaker, and resolves it.
    ///
    /// # Errors
    /// [`ConfigError`] names key and place.
    pub fn read(&self) -> Result<Config, ConfigError> {
        let file = self.file.as_deref().map(|path| file::read(&read_file(path)?, path)).transpose()?;
        let variables = environment::read(&self.variables)?;
        let settings: Settings =
            file.into_iter().flatten().chain(variables).chain(self.flags.iter().cloned()).collect();
        if let Some(key) = settings.broken_path() {
            return Err(ConfigError::Path(key.to_owned()).at(&settings));
        }
        let mut raw = settings.raw()?;
        let lanes = std::mem::take(&mut raw.lane);
        let config = raw.resolve().map_err(|error| error.at(&settings))?;
        let folder = self.file.as_deref().and_then(Path::parent).unwrap_or_else(|| Path::new(""));
        let lanes = lanes::read(lanes, folder, &config).map_err(|error| ConfigError::from(error).at(&settings))?;
        let names = std::iter::once(config.lane_name()).chain(lanes.iter().map(|(name, _)| name.as_str()));
        let names = names.map(ToOwned::to_owned).collect();
        let switching = config.switching.clone().among(names).map_err(|error| error.at(&settings))?;
        Ok(Config { settings, lanes, switching, ..config })
    }
}

fn read_file(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })
}

impl RawConfig {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`] names the place.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::parse(&read_file(path)?, path)
    }

    /// Reads the text of a file; `path` is for messages.
    ///
    /// # Errors
    /// [`ConfigError`] names the place.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        file::read(text, path)?.into_iter().collect::<Settings>().raw()
    }

    /// Fills in defaults and checks every value.
    ///
    /// # Errors
    /// [`ConfigError`] names the key.
    pub fn resolve(self) -> Result<Config, ConfigError> {
        // An empty password would be a third kind of pool, beside the public one and private ones.
        let password = self.password.filter(|password| !password.is_empty());
        let chain = ChainProfile::resolve(self.chain.as_deref().unwrap_or(devnet::NAME), self.custom, password)
            .map_err(ConfigError::Chain)?;
        let ports = chain.ports;
        let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let data_dir = match self.data_dir {
            Some(data_dir) => in_home(data_dir).ok_or(ConfigError::NoHome)?,
            None => default_data_dir(&chain.name).ok_or(ConfigError::NoHome)?,
        };
        let geo_file = |path: Option<PathBuf>| path.map(|path| in_home(path).ok_or(ConfigError::NoHome)).transpose();
        let announcement = self.directory.resolve()?;
        let stratum = self.stratum.resolve(&chain.addresses, loopback(ports.stratum))?;
        if stratum.shed_above.is_some() && !announcement.names_operator() {
            return Err(AnnouncementError::ShedWithoutOperator.into());
        }
        let (api_listen, api_access) = self.api.resolve(loopback(ports.api))?;
        Ok(Config {
            solo_until_synced: self.solo_until_synced.unwrap_or(false),
            adopt_branch: None,
            parent: self.parent.resolve(&chain, self.devnet, &data_dir)?,
            stratum,
            announcement,
            per_worker_metrics: self.metrics.per_worker.unwrap_or(false),
            log_filter: log_filter(self.log.filter.clone())?,
            log: self.log.resolve()?,
            notify: telemetry::notify(self.notify, self.notify_after_secs)?,
            p2p: self.p2p.resolve(ports.p2p, chain.is_local)?,
            api_listen,
            api_access,
            geo: GeoFiles { country_db: geo_file(self.geo.country_db)?, asn_db: geo_file(self.geo.asn_db)? },
            lanes: Vec::new(),
            switching: SwitchingConfig { prices: prices::resolve(self.price)?, ..self.lanes.resolve()? },
            settings: Settings::default(),
            chain,
            data_dir,
        })
    }
}

/// The time between devnet blocks.
///
/// # Errors
/// [`ConfigError::BlockInterval`] when it is zero or above an hour.
pub fn block_interval(secs: u32) -> Result<Duration, ConfigError> {
    if (1..=3_600).contains(&secs) { Ok(Duration::from_secs(u64::from(secs))) } else { Err(ConfigError::BlockInterval) }
}

/// Where a node of this chain keeps its files when nothing else is said.
pub fn default_data_dir(chain: &str) -> Option<PathBuf> {
    Some(std::env::home_dir()?.join(".poolnode").join(chain))
}

/// The path with a leading `~/` replaced, as a shell would have done it.
fn in_home(path: PathBuf) -> Option<PathBuf> {
    match path.strip_prefix("~") {
        Ok(below) => Some(std::env::home_dir()?.join(below)),
        Err(_) => Some(path),
    }
}

fn log_filter(filter: Option<String>) -> Result<String, ConfigError> {
    let Some(filter) = filter else { return Ok(LOG_FILTER.to_owned()) };
    match EnvFilter::try_new(&filter) {
        Ok(_) => Ok(filter),
        Err(_) => Err(ConfigError::LogFilter(filter)),
    }
}

#[cfg(test)]
mod tests;
