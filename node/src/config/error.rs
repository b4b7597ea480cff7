//! Why a configuration is refused: in words, with the key and the place where it was set.

use std::{error::Error, fmt, path::PathBuf};

use libp2p::Multiaddr;
use stratum::{address::AddressError, limits::CONNECTIONS_MAX};

use super::{
    AnnouncementError, LaneError, PriceSourceError, SwitchingError, TelemetryError,
    file::UnknownKey,
    settings::{Place, Settings},
};
use crate::{
    chain_profile::{ChainError, CustomError},
    peer_selector::{
        UnknownSelection,
        limits::{OUTBOUND_SLOTS, OUTBOUND_SLOTS_MIN},
    },
    region::UnknownRegion,
};

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
    /// Not TOML, or a value of the wrong type.
    #[error("{place}: {message}")]
    Value {
        /// File with line and column, variable, or flag.
        place: String,
        /// The key, and what is wrong.
        message: String,
    },
    /// Names that are no keys.
    #[error("{}", unknown_keys(.0))]
    UnknownKeys(Vec<UnknownKey>),
    /// A value that cannot be, and where it was set.
    #[error(transparent)]
    At(Placed),
    /// Not a log filter.
    #[error("log.filter: {0:?} is not a filter like info or node=debug,warn")]
    LogFilter(String),
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
    /// Two listeners that the system does not allow beside each other.
    #[error(
        "p2p.listen: {one} and {other} are one port, for 0.0.0.0 and :: are every address of the machine; leave one of them out"
    )]
    ListenTwice {
        /// The one.
        one: Multiaddr,
        /// The one after it.
        other: Multiaddr,
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
    /// Miners cannot be moved like that.
    #[error(transparent)]
    Switching(#[from] SwitchingError),
    /// A source of prices that is none.
    #[error(transparent)]
    Price(#[from] PriceSourceError),
    /// Lanes that cannot be, or not together.
    #[error(transparent)]
    Lane(#[from] LaneError),
    /// What tells of the node cannot.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
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
    /// Whoever reaches the API from elsewhere has to show something.
    #[error(
        "api.listen: {0} takes questions of other machines, so api.token_file is needed; hint: openssl rand -hex 32 > FILE; chmod 600 FILE"
    )]
    ApiTokenMissing(std::net::SocketAddr),
    /// Not a name.
    #[error("api.hosts: {0:?} is not a name like pool.example, without scheme and port")]
    ApiHost(String),
    /// A number out of range.
    #[error("devnet.block_interval_secs: must be 1 to 3600")]
    BlockInterval,
    /// A path that leads nowhere.
    #[error("{0}: is no path; leave the key out when there is none")]
    Path(String),
    /// There is no home folder to put the default data directory into.
    #[error("data_dir: no home directory is known, so it must be given")]
    NoHome,
}

/// What is wrong, behind the place where it is: a key's, or the lane's whose file it is in.
#[derive(Debug)]
pub struct Placed {
    place: String,
    error: Box<ConfigError>,
}

impl Placed {
    pub(super) fn new(place: String, error: ConfigError) -> Self {
        Self { place, error: Box::new(error) }
    }
}

impl fmt::Display for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.error)
    }
}

impl Error for Placed {
    /// The cause of what is wrong: what is wrong itself is said with its place, and would else be said twice.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

impl ConfigError {
    /// The same, with the places of what was set of the keys that it is about.
    pub(super) fn at(self, settings: &Settings) -> Self {
        let places: Vec<String> = settings.places(&self.keys()).into_iter().map(Place::to_string).collect();
        if places.is_empty() { self } else { Self::At(Placed::new(places.join(", "), self)) }
    }

    /// The keys, or sections, that it is about; none where it says the place itself.
    fn keys(&self) -> Vec<String> {
        let below = |section: &str, names: &[&str]| names.iter().map(|name| format!("{section}.{name}")).collect();
        match self {
            Self::Read { .. } | Self::Value { .. } | Self::UnknownKeys(_) | Self::At(_) | Self::NoHome => Vec::new(),
            Self::LogFilter(_) => vec!["log.filter".to_owned()],
            Self::Path(key) => vec![key.clone()],
            Self::Chain(ChainError::Custom(CustomError::Value { key, .. })) => vec![format!("custom.{key}")],
            Self::Chain(ChainError::Params(_)) => vec!["password".to_owned()],
            Self::Chain(_) | Self::DaemonMissing(_) => vec!["chain".to_owned()],
            Self::Region(_) => vec!["p2p.region".to_owned()],
            Self::Selection(_) => vec!["p2p.selection".to_owned()],
            Self::OutboundMax => vec!["p2p.outbound_max".to_owned()],
            Self::Multiaddr { key, .. } | Self::Address { key, .. } => vec![(*key).to_owned()],
            Self::ListenTwice { .. } => vec!["p2p.listen".to_owned()],
            Self::RelayUnnamed(_) => vec!["p2p.relays".to_owned()],
            Self::RpcUrl { key, .. } | Self::RpcUrlSecret(key) => below(key, &["rpc_url"]),
            Self::RpcUrlMissing(key) => vec![(*key).to_owned()],
            Self::RpcAuth(key) => below(key, &["rpc_user", "rpc_password", "rpc_cookie_file"]),
            Self::Zmq { key, .. } => below(key, &["zmq_hashblock"]),
            Self::Fee | Self::FeeAddressMissing => vec!["stratum.fee_percent".to_owned()],
            Self::TlsFiles => below("stratum", &["tls_cert_file", "tls_key_file"]),
            Self::Announcement(error) => vec![error.key().to_owned()],
            Self::Lane(_) => vec!["lane".to_owned()],
            Self::Price(_) => vec!["price".to_owned()],
            Self::Switching(error) => vec![error.key().to_owned()],
            Self::Telemetry(error) => vec![error.key().to_owned()],
            Self::ShedLoadAbove { .. } => below("stratum", &["shed_load_above", "connections_max"]),
            Self::ApiTokenMissing(_) => below("api", &["listen", "token_file"]),
            Self::ApiHost(_) => vec!["api.hosts".to_owned()],
            Self::ConnectionsMax => vec!["stratum.connections_max".to_owned()],
            Self::BlockInterval => vec!["devnet.block_interval_secs".to_owned()],
        }
    }
}

/// One is an error with a hint, several are a list.
fn unknown_keys(unknown: &[UnknownKey]) -> String {
    let what = |key: &UnknownKey| match key.place {
        Place::File { .. } => format!("{}: unknown key `{}`", key.place, key.name),
        Place::Variable(_) | Place::Flag(_) => format!("{}: unknown variable", key.place),
    };
    match unknown {
        [UnknownKey { meant: Some(meant), .. }] => {
            format!("{}\nhint: did you mean `{meant}`?", unknown.iter().map(what).collect::<String>())
        }
        several => {
            let line = |key: &UnknownKey| {
                let meant = key.meant.as_ref().map(|meant| format!(" (did you mean `{meant}`?)"));
                what(key) + &meant.unwrap_or_default()
            };
            several.iter().map(line).collect::<Vec<_>>().join("\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_once_and_its_cause_after_it() {
        let source = std::io::Error::other("the disk is gone");
        let read = ConfigError::Read { path: "second.toml".into(), source };
        let lane = LaneError::Refused(Placed::new("lane second".to_owned(), read));
        let error = ConfigError::At(Placed::new("node.toml:1:3".to_owned(), lane.into()));
        let told = "node.toml:1:3: lane second: cannot read second.toml: the disk is gone";
        assert_eq!(crate::error::chain(&error), told);
    }
}
