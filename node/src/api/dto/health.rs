//! How well every part of the node is, emergencies, and the drain.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A part of the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ComponentEntry {
    /// `stratum`, `api`, `geo`, `clock` and `lanes`; of each lane `daemon`, `templates`, `share_chain`, `peers`, `store`, `blocks` and
    /// `payouts`.
    pub component: String,
    /// Of which lane; null for what the node has once.
    pub lane: Option<String>,
    /// Which one, where there are several: the daemon's URL.
    pub subject: Option<String>,
    /// `healthy`, `degraded` or `failed`.
    pub health: String,
    /// Since when, Unix seconds.
    pub since: u64,
    /// What is so.
    pub reason: String,
    /// What the node does about it; null when all is well.
    pub action: Option<String>,
}

/// What failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EmergencyEntry {
    /// Counted from 1, over restarts.
    pub number: u64,
    /// `component_failed`, `daemons_lost`, `lane_left`, `block_refused` or `many_bans`.
    pub kind: String,
    /// As in the list of components.
    pub component: String,
    /// Of which lane; null for what the node has once.
    pub lane: Option<String>,
    /// Which one: a daemon's URL, a block's hash.
    pub subject: Option<String>,
    /// When it began, Unix seconds.
    pub began: u64,
    /// When it was over, Unix seconds; null while it is not.
    pub ended: Option<u64>,
    /// Why, as far as that is known.
    pub reason: String,
    /// What the node does about it.
    pub action: String,
}

/// Whether new miners are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DrainOrderBody {
    /// True to take none, false to take them again.
    pub on: bool,
}

/// What became of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Drain {
    /// Whether no new miners are taken.
    pub on: bool,
    /// Connections of miners that are left.
    pub connections: usize,
}
