//! How well every part of the node is, since when, and what the node does about it; and the emergencies, from their begin to their
//! end.
//!
//! ```text
//! what tasks publish --look--> Seen --components (pure)--> findings --Tracker (pure)--> components with their `since`
//!                                                                        |
//!     emergencies.jsonl <--Keeper-- began, ended <--Emergencies (pure)---+
//! ```
//! It only reads: nothing waits for it, and nobody mines less because of what it says. What each part does to recover is in that part;
//! docs/OPERATING.md has the list.

use std::{borrow::Cow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};
use sharechain::UnixTime;

mod emergencies;
mod file;
mod lane;
mod look;
mod node;
mod seen;
mod task;
mod tracker;

pub use emergencies::{Emergency, EmergencyKind};
pub use file::EmergencyFile;
pub use look::LaneSources;
pub use task::{HealthSources, HealthTask};

/// How well something is. The greater one is worse.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Condition {
    /// It does its work.
    Healthy,
    /// It does its work, but not as it should, or nobody misses it yet.
    Degraded,
    /// It does not.
    Failed,
}

/// What there is of each lane, and once in a node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A parent daemon.
    Daemon,
    /// What is mined on.
    Templates,
    /// The share chain and its sync.
    ShareChain,
    /// Connections to other nodes.
    Peers,
    /// The share store.
    Store,
    /// Found blocks on their way to the daemons.
    Blocks,
    /// The ledger of what blocks paid.
    Payouts,
    /// The endpoint for miners.
    Stratum,
    /// The HTTP API.
    Api,
    /// The databases of places.
    Geo,
    /// This machine's clock.
    Clock,
    /// The choice among lanes.
    Lanes,
}

/// What a component is called. The same thing has the same name in every version.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Name {
    /// Of which lane; `None` for what the node has once.
    pub lane: Option<String>,
    /// What it is.
    #[serde(rename = "component")]
    pub part: Part,
    /// Which one, where there are several: the daemon's URL.
    pub subject: Option<String>,
}

/// A component as it was found just now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Which one.
    pub name: Name,
    /// How it is.
    pub condition: Condition,
    /// What is so.
    pub reason: String,
    /// What the node does about it; empty where there is nothing to do.
    pub action: Cow<'static, str>,
    /// A failure that has not held for so long counts as degraded.
    pub patience_secs: u64,
}

/// A component.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Component {
    /// Which one.
    pub name: Name,
    /// How it is.
    pub condition: Condition,
    /// What is so.
    pub reason: String,
    /// What the node does about it.
    pub action: Cow<'static, str>,
    /// Since when it is so.
    pub since: UnixTime,
}

/// What others see.
#[derive(Clone, Debug, Default)]
pub struct HealthView {
    /// Those of the node first, then lane by lane.
    pub components: Vec<Component>,
    /// The newest first.
    pub emergencies: Vec<Arc<Emergency>>,
}

impl Condition {
    /// Its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Failed => "failed",
        }
    }

    /// Its value as a metric.
    pub const fn number(self) -> u8 {
        match self {
            Self::Healthy => 0,
            Self::Degraded => 1,
            Self::Failed => 2,
        }
    }
}

impl Part {
    /// Its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Daemon => "daemon",
            Self::Templates => "templates",
            Self::ShareChain => "share_chain",
            Self::Peers => "peers",
            Self::Store => "store",
            Self::Blocks => "blocks",
            Self::Payouts => "payouts",
            Self::Stratum => "stratum",
            Self::Api => "api",
            Self::Geo => "geo",
            Self::Clock => "clock",
            Self::Lanes => "lanes",
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [self.lane.as_deref(), Some(self.part.as_str()), self.subject.as_deref()];
        f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
    }
}

/// Judges one component.
#[derive(Clone, Debug)]
struct Judge(Name);

impl Judge {
    const fn of_node(part: Part) -> Self {
        Self(Name { lane: None, part, subject: None })
    }

    fn healthy(self, reason: impl Into<String>) -> Finding {
        self.found(Condition::Healthy, reason, "")
    }

    fn degraded(self, reason: impl Into<String>, action: impl Into<Cow<'static, str>>) -> Finding {
        self.found(Condition::Degraded, reason, action)
    }

    fn failed(self, reason: impl Into<String>, action: impl Into<Cow<'static, str>>) -> Finding {
        self.found(Condition::Failed, reason, action)
    }

    fn found(self, condition: Condition, reason: impl Into<String>, action: impl Into<Cow<'static, str>>) -> Finding {
        let patience_secs = tracker::PATIENCE_SECS;
        Finding { name: self.0, condition, reason: reason.into(), action: action.into(), patience_secs }
    }
}

impl Finding {
    fn after(self, patience_secs: u64) -> Self {
        Self { patience_secs, ..self }
    }
}
