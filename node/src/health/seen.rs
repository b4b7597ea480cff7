//! What is looked at: numbers and words out of what the tasks publish, so that judging them needs no task and no clock.

use std::time::Duration;

use sharechain::sync::SyncState;
use stratum::server::{Intake, Room};

use crate::parent::daemons::DaemonSummary;

/// The whole node.
#[derive(Clone, Debug)]
pub(super) struct NodeSeen {
    pub(super) stratum: StratumSeen,
    /// Connections of the API, and how many there may be.
    pub(super) api: (usize, usize),
    /// Configured databases of places, each with its age in seconds; `None` for what could not be read.
    pub(super) geo: Vec<(&'static str, Option<u64>)>,
    /// By how many seconds the clock was lately set, if it was.
    pub(super) clock_step_secs: Option<i64>,
    /// Lanes that nobody mines because they fail.
    pub(super) out: Vec<String>,
    pub(super) lanes: Vec<LaneSeen>,
}

/// The endpoint for miners.
#[derive(Clone, Copy, Debug)]
pub(super) struct StratumSeen {
    pub(super) connections: usize,
    pub(super) room: Room,
    pub(super) intake: Intake,
    pub(super) banned: usize,
}

/// A lane.
#[derive(Clone, Debug)]
pub(super) struct LaneSeen {
    pub(super) name: String,
    pub(super) daemons: Vec<DaemonSummary>,
    pub(super) templates: TemplatesSeen,
    pub(super) chain: ChainSeen,
    pub(super) peers: PeersSeen,
    pub(super) store: StoreSeen,
    pub(super) blocks: BlocksSeen,
    /// Confirmed blocks that wait long for the proof of what they paid.
    pub(super) unproven: usize,
}

#[derive(Clone, Debug)]
pub(super) struct TemplatesSeen {
    /// Height of the block that is mined.
    pub(super) height: Option<u32>,
    /// Since a daemon stood by the template.
    pub(super) age: Option<Duration>,
    /// Whether nothing was heard of any daemon yet.
    pub(super) is_starting: bool,
    /// Why the daemon refuses the block that is mined.
    pub(super) refused: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct ChainSeen {
    pub(super) height: u64,
    pub(super) sync: SyncState,
    /// Whether the height grows while it is behind.
    pub(super) advances: bool,
    pub(super) may_mine: bool,
    /// What the operator has to know of it.
    pub(super) problems: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct PeersSeen {
    pub(super) count: usize,
    /// Regions that they are in, as far as that is known.
    pub(super) regions: usize,
    /// Whether the node knows where peers should be.
    pub(super) are_expected: bool,
    pub(super) alarm: Option<String>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StoreSeen {
    /// Its thread has ended.
    pub(super) has_failed: bool,
    /// Whether it waits for room on the disk.
    pub(super) waits_for_room: bool,
    /// Since when the write takes that is under way.
    pub(super) under_way: Option<Duration>,
    /// The slowest write of the last minute.
    pub(super) slowest: Duration,
}

#[derive(Clone, Debug, Default)]
pub(super) struct BlocksSeen {
    /// Height and age in seconds of own blocks that no daemon has.
    pub(super) waiting: Vec<(u32, u64)>,
    /// Hash, height and reason of own blocks that were refused lately.
    pub(super) refused: Vec<(String, u32, String)>,
}
