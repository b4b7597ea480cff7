//! Configuration: a TOML file and the command line become one resolved [`Config`].
//!
//! Unknown keys are refused with the nearest known one. Every key is documented in `config/sample.toml`, which is also
//! where the known keys come from.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use libp2p::Multiaddr;
use serde::Deserialize;
use sharechain::ShareId;
use stratum::{address::AddressError, limits::CONNECTIONS_MAX};

use crate::{
    chain_profile::{ChainError, ChainProfile, RawCustom},
    geo::GeoFiles,
    parent::devnet,
    peer_selector::{
        UnknownSelection,
        limits::{OUTBOUND_SLOTS, OUTBOUND_SLOTS_MIN},
    },
    region::UnknownRegion,
};

mod announcement;
mod miners;
mod p2p;
mod parent;
mod telemetry;

pub use announcement::{AnnouncementConfig, AnnouncementError, RawDirectory};
pub use miners::{MinersConfig, RawStratum, TlsConfig};
pub use p2p::{P2pConfig, RawP2p};
pub use parent::{DaemonConfig, ParentConfig, RawFallback, RawParent};
pub use telemetry::{LogConfig, LogFileConfig, LogFormat, NotifyConfig, RawLog, RawMetrics, RawNotify, TelemetryError};

/// All keys with their documentation.
pub const SAMPLE: &str = include_str!("config/sample.toml");
/// Keys further apart than this are not a typing error.
const SUGGESTION_DISTANCE_MAX: usize = 3;

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
}

/// The file's and the command line's keys; absent ones keep their default.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
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
}

/// `[devnet]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawDevnet {
    /// JSON-RPC address of the embedded chain.
    pub listen: Option<SocketAddr>,
    /// Wanted seconds between blocks.
    pub block_interval_secs: Option<u32>,
}

/// `[api]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawListen {
    /// Address and port.
    pub listen: Option<SocketAddr>,
}

/// `[geo]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawGeo {
    /// Country or city database.
    pub country_db: Option<PathBuf>,
    /// Database of autonomous systems.
    pub asn_db: Option<PathBuf>,
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The file is not TOML, or has an unknown key or a wrong type.
    #[error("{}: {message}{}", path.display(), hint.as_ref().map(|hint| format!("\nhint: {hint}")).unwrap_or_default())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line, column and what is wrong.
        message: String,
        /// The nearest known key.
        hint: Option<String>,
    },
    /// No such chain.
    #[error("chain: {0}")]
    Chain(ChainError),
    /// No such region.
    #[error("p2p.region: {0}")]
    Region(UnknownRegion),
    /// No such selection.
    #[error("p2p.selection: {0}")]
    Selection(UnknownSelection),
    /// Too few to hold on to the network, or more than others have room for.
    #[error("p2p.outbound_max: must be {OUTBOUND_SLOTS_MIN} to {OUTBOUND_SLOTS}")]
    OutboundMax,
    /// Not a multiaddress.
    #[error("{key}: {value:?} is not a multiaddress like /ip4/127.0.0.1/tcp/23333")]
    Multiaddr {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// A relay that does not say who it is.
    #[error("p2p.relays: {0} does not name the relay; add its peer id, like /ip4/203.0.113.7/tcp/23333/p2p/12D3KooW..")]
    RelayUnnamed(Multiaddr),
    /// A daemon address that is none.
    #[error("{key}.rpc_url: {url:?} is not an address like http://127.0.0.1:23332")]
    RpcUrl {
        /// The section.
        key: &'static str,
        /// What was given.
        url: String,
    },
    /// A daemon's password without its address.
    #[error("{0}.rpc_url: is missing, though something else of the daemon is given")]
    RpcUrlMissing(&'static str),
    /// Only the devnet has a daemon inside the node.
    #[error("parent.rpc_url: is missing; the chain {0} needs a daemon, see docs/OPERATING.md")]
    DaemonMissing(String),
    /// A URL is logged and shown.
    #[error("{0}.rpc_url: must hold no user and password; use rpc_user and rpc_password, or rpc_cookie_file")]
    RpcUrlSecret(&'static str),
    /// Contradictory credentials.
    #[error("{0}.rpc_user and rpc_password go together, and exclude rpc_cookie_file")]
    RpcAuth(&'static str),
    /// A ZMQ address that is none.
    #[error("{key}.zmq_hashblock: {value:?} is not an address like tcp://127.0.0.1:28332")]
    Zmq {
        /// The section.
        key: &'static str,
        /// What was given.
        value: String,
    },
    /// An address that cannot be paid.
    #[error("{key}: {reason}")]
    Address {
        /// The key.
        key: &'static str,
        /// Why not.
        reason: AddressError,
    },
    /// More than everything, or a part of a basis point.
    #[error("stratum.fee_percent: must be 0 to 100, with at most two decimals")]
    Fee,
    /// A fee needs somebody to take it.
    #[error("stratum.fee_address: is missing, though stratum.fee_percent is given")]
    FeeAddressMissing,
    /// A certificate without its key, or the other way round.
    #[error("stratum.tls_cert_file and tls_key_file go together")]
    TlsFiles,
    /// What is to be announced cannot be.
    #[error(transparent)]
    Announcement(#[from] AnnouncementError),
    /// Miners would be pointed nowhere, or from the first one on.
    #[error(
        "stratum.shed_load_above: must be at least 1 and below stratum.connections_max, which is {connections_max}"
    )]
    ShedLoadAbove {
        /// The bound.
        connections_max: usize,
    },
    /// Nobody could connect.
    #[error("stratum.connections_max: must be 1 to {CONNECTIONS_MAX}")]
    ConnectionsMax,
    /// What tells of the node cannot.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// A number out of range.
    #[error("devnet.block_interval_secs: must be 1 to 3600")]
    BlockInterval,
    /// There is no home folder to put the default data directory into.
    #[error("data_dir: no home directory is known, so it must be given")]
    NoHome,
}

impl RawConfig {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError::Read`] and [`ConfigError::Parse`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Reads the text of a file; `path` is for messages.
    ///
    /// # Errors
    /// [`ConfigError::Parse`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| ConfigError::Parse {
            path: path.to_owned(),
            message: error.to_string().trim_end().to_owned(),
            hint: error.span().and_then(|span| suggestion(text.get(span)?)),
        })
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
        Ok(Config {
            solo_until_synced: self.solo_until_synced.unwrap_or(false),
            adopt_branch: None,
            parent: self.parent.resolve(&chain, self.devnet, &data_dir)?,
            stratum,
            announcement,
            per_worker_metrics: self.metrics.per_worker.unwrap_or(false),
            log: self.log.resolve()?,
            notify: telemetry::notify(self.notify, self.notify_after_secs)?,
            p2p: self.p2p.resolve(ports.p2p, chain.is_local)?,
            api_listen: self.api.listen.unwrap_or_else(|| loopback(ports.api)),
            geo: GeoFiles { country_db: geo_file(self.geo.country_db)?, asn_db: geo_file(self.geo.asn_db)? },
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

/// The known key nearest to what was written.
fn suggestion(written: &str) -> Option<String> {
    let written = written.trim().trim_matches(['[', ']', '"']);
    let known = SAMPLE.lines().filter_map(|line| {
        let line = line.trim_start_matches("# ");
        line.strip_prefix('[').and_then(|line| line.strip_suffix(']')).or_else(|| Some(line.split_once(" = ")?.0))
    });
    let nearest = known.map(|key| (strsim::damerau_levenshtein(written, key), key)).min()?;
    (1..=SUGGESTION_DISTANCE_MAX).contains(&nearest.0).then(|| format!("did you mean `{}`?", nearest.1))
}

#[cfg(test)]
mod tests;
