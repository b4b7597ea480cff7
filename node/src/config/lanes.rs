//! `[[lane]]`: further lanes of the node. Each has a file of its own, which is that of a node without what a node has once.
//!
//! A lane is read like a node and then given what all lanes share, so that every task of a lane takes the same [`Config`] as
//! that of a node with one lane.

use std::path::{Path, PathBuf};

use libp2p::Multiaddr;
use schemars::JsonSchema;
use serde::Deserialize;
use stratum::lane::LANES_MAX;

use super::{Config, ConfigError, MinersConfig, RawConfig, Settings, error::Placed, file, in_home, p2p};
use crate::{data_dir, notify::NoticeKind};

/// Longest name.
const NAME_LEN_MAX: usize = 24;
/// What miners say in their passwords, where lanes are named too.
const OPTIONS: [&str; 5] = ["c", "d", "fd", "r", "th"];
/// Keys and sections that a lane's file may have: what belongs to one chain.
const OF_A_LANE: [&str; 11] = [
    "chain",
    "custom",
    "data_dir",
    "devnet",
    "directory",
    "p2p",
    "parent",
    "password",
    "solo_until_synced",
    "stratum.default_address",
    "stratum.fee",
];

/// `[[lane]]` as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawLane {
    /// What operators and miners call it.
    pub name: Option<String>,
    /// Its file; a relative path begins at the folder of the node's file.
    pub file: Option<PathBuf>,
}

/// Why lanes are refused.
#[derive(Debug, thiserror::Error)]
pub enum LaneError {
    /// No name, or one that cannot be part of a URL and of a password.
    #[error(
        "lane.name: {0:?} is not a name of 1 to {NAME_LEN_MAX} lower-case letters, digits and hyphens, or is an option of passwords"
    )]
    Name(String),
    /// Nothing says what it is.
    #[error("lane.file: is missing for the lane {0}")]
    File(String),
    /// Nothing is called so: it would be the folder of the node's own file.
    #[error("lane.file: is an empty file name for the lane {0}; name the file that says what the lane is")]
    FileEmpty(String),
    /// Miners could not say which is meant.
    #[error("lane.name: {0} is the name of two lanes; the first lane is called like its chain")]
    NameTwice(String),
    /// More than job ids can tell apart.
    #[error("lane: a node has at most {LANES_MAX} lanes")]
    TooMany,
    /// A miner cannot mine both.
    #[error("lane {lane}: mines {theirs}, but the first lane {ours}; all lanes of a node have one proof of work")]
    Algorithm {
        /// The lane.
        lane: String,
        /// Its proof of work.
        theirs: String,
        /// That of the first.
        ours: String,
    },
    /// Twice the same share chain.
    #[error("lane {0}: is the same pool as another lane; give it another chain or another password")]
    SamePool(String),
    /// Two lanes cannot listen in one place.
    #[error("lane {lane}: p2p.listen: {}", listen_words(address, other))]
    Listen {
        /// The lane.
        lane: String,
        /// The address.
        address: Multiaddr,
        /// That of another lane.
        other: Multiaddr,
    },
    /// The node has it once, for all lanes.
    #[error("lane {lane}: {key} is for all lanes, so it belongs into the node's own file")]
    NotOfALane {
        /// The lane.
        lane: String,
        /// The key.
        key: String,
    },
    /// Miners could not ask for the first lane, or would by accident.
    #[error("custom.name: {0:?} is an option of passwords; beside other lanes the coin needs another name")]
    FirstName(String),
    /// The lane's own file cannot be read.
    #[error("lane {lane}: cannot read {}", .path.display())]
    Read {
        /// The lane.
        lane: String,
        /// Its file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Two lanes would lock each other out.
    #[error("lane {lane}: data_dir: {} is that of another lane", .path.display())]
    SameFolder {
        /// The lane.
        lane: String,
        /// The folder.
        path: PathBuf,
    },
    /// The lane's own file is refused.
    #[error(transparent)]
    Refused(Placed),
}

/// Reads the files of the lanes. `folder` is that of the node's own file.
///
/// # Errors
/// [`LaneError`] names the lane.
pub(super) fn read(lanes: Vec<RawLane>, folder: &Path, node: &Config) -> Result<Vec<(String, Config)>, LaneError> {
    if lanes.len() >= LANES_MAX {
        return Err(LaneError::TooMany);
    }
    if !lanes.is_empty() && OPTIONS.contains(&node.lane_name()) {
        return Err(LaneError::FirstName(node.lane_name().to_owned()));
    }
    let mut read = Vec::<(String, Config)>::with_capacity(lanes.len());
    for RawLane { name, file } in lanes {
        let name = name.unwrap_or_default();
        let is_name = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
        if !(1..=NAME_LEN_MAX).contains(&name.len()) || !name.bytes().all(is_name) || OPTIONS.contains(&name.as_str()) {
            return Err(LaneError::Name(name));
        }
        let file = file.ok_or_else(|| LaneError::File(name.clone()))?;
        if file.to_string_lossy().trim().is_empty() {
            return Err(LaneError::FileEmpty(name));
        }
        let path = folder.join(in_home(file).ok_or_else(|| refused(&name, ConfigError::NoHome))?);
        let lane = of_file(&name, &path, node)?;
        let others =
            || std::iter::once((node.lane_name(), node)).chain(read.iter().map(|(name, lane)| (name.as_str(), lane)));
        go_together(&name, &lane, others)?;
        read.push((name, lane));
    }
    Ok(read)
}

fn refused(lane: &str, error: ConfigError) -> LaneError {
    LaneError::Refused(Placed::new(format!("lane {lane}"), error))
}

fn of_file(name: &str, path: &Path, node: &Config) -> Result<Config, LaneError> {
    let refused = |error| refused(name, error);
    let read_error = |source| LaneError::Read { lane: name.to_owned(), path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(read_error)?;
    let settings: Settings = file::read(&text, path).map_err(refused)?.into_iter().collect();
    let is_of_a_lane = |key: &str| {
        OF_A_LANE
            .iter()
            .any(|own| key.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '_'])))
    };
    if let Some((key, ..)) = settings.iter().find(|(key, ..)| !is_of_a_lane(key)) {
        return Err(LaneError::NotOfALane { lane: name.to_owned(), key: key.to_owned() });
    }
    if let Some(key) = settings.broken_path() {
        return Err(refused(ConfigError::Path(key.to_owned()).at(&settings)));
    }
    let raw = settings.raw().map_err(refused)?;
    let data_dir = raw.data_dir.is_none().then(|| node.data_dir.join(data_dir::LANES).join(name));
    let raw = RawConfig { data_dir: data_dir.or(raw.data_dir), ..raw };
    let lane = raw.resolve().map_err(|error| refused(error.at(&settings)))?;
    Ok(lane.beside(node))
}

/// Whether a lane can be beside the others.
fn go_together<'a, I: Iterator<Item = (&'a str, &'a Config)>>(
    name: &str,
    lane: &Config,
    others: impl Fn() -> I,
) -> Result<(), LaneError> {
    let pow = |config: &Config| config.chain.params.parent().pow;
    for (other_name, other) in others() {
        if other_name == name {
            return Err(LaneError::NameTwice(name.to_owned()));
        }
        if pow(other) != pow(lane) {
            let (theirs, ours) = (pow(lane).to_string(), pow(other).to_string());
            return Err(LaneError::Algorithm { lane: name.to_owned(), theirs, ours });
        }
        if other.chain.params.id() == lane.chain.params.id() {
            return Err(LaneError::SamePool(name.to_owned()));
        }
        if other.data_dir == lane.data_dir {
            return Err(LaneError::SameFolder { lane: name.to_owned(), path: lane.data_dir.clone() });
        }
        if let Some((address, other)) = p2p::shared(&lane.p2p.listen, &other.p2p.listen) {
            let (address, other) = (address.clone(), other.clone());
            return Err(LaneError::Listen { lane: name.to_owned(), address, other });
        }
    }
    Ok(())
}

/// Why an address cannot be listened on beside that of another lane.
fn listen_words(address: &Multiaddr, other: &Multiaddr) -> String {
    if address == other {
        format!("another lane listens on {other} too")
    } else {
        format!("{address} is the same port as {other} of another lane")
    }
}

impl Config {
    /// What the first lane is called: like its chain.
    pub fn lane_name(&self) -> &str {
        &self.chain.name
    }

    /// A lane of the node: with what the node has once.
    fn beside(self, node: &Self) -> Self {
        let (default_script, fee) = (self.stratum.default_script, self.stratum.fee);
        let mut notify = node.notify.clone();
        for target in &mut notify.targets {
            // A worker that left this lane is on another: only the node knows whether it is gone.
            target.kinds.retain(|kind| *kind != NoticeKind::WorkerOffline);
        }
        Self {
            stratum: MinersConfig { default_script, fee, ..node.stratum.clone() },
            api_listen: node.api_listen,
            api_access: node.api_access.clone(),
            geo: node.geo.clone(),
            per_worker_metrics: node.per_worker_metrics,
            log: node.log.clone(),
            notify,
            log_filter: node.log_filter.clone(),
            ..self
        }
    }
}
