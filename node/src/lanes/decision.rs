//! What was decided and why: kept whole, so that every decision can be explained and replayed.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sharechain::UnixTime;

use super::{
    Counterfactual, Estimate, Inputs, Mode, Profile, Unusable, Weights, adaptive::Lesson, geographic::Advice,
    prices::PriceError,
};

/// Whether the policy moves miners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunState {
    /// It decides, and moves nobody; what it would have earned is counted.
    #[default]
    #[serde(rename = "DRY-RUN", alias = "dry-run", alias = "DRY_RUN")]
    DryRun,
    /// Its decisions take effect.
    #[serde(rename = "LIVE", alias = "live")]
    Live,
    /// It decides nothing.
    #[serde(rename = "PAUSED", alias = "paused")]
    Paused,
}

/// None of the states.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown state {0:?}; known are dry-run, live and paused")]
pub struct UnknownRunState(String);

/// One decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Counted from 1 since the beginning of the record.
    pub number: u64,
    /// When.
    pub time: UnixTime,
    /// What for.
    pub mode: Mode,
    /// At which risk.
    pub profile: Profile,
    /// Whether it takes effect.
    pub state: RunState,
    /// What it was made of.
    pub inputs: Inputs,
    /// What the lanes are thought to pay, in the order of the inputs.
    pub estimates: Vec<Estimate>,
    /// What the policy wants.
    pub chosen: Weights,
    /// Where miners work from now on: not the same in a dry run, in a pause, and after a manual switch.
    pub in_effect: Weights,
    /// Why.
    pub reason: Reason,
    /// The same in plain words.
    pub why: String,
    /// What other ways to decide would have earned so far; `None` before any time has passed.
    pub counterfactual: Option<Counterfactual>,
    /// What the operator can do, in `GEOGRAPHIC_DISTRIBUTION`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub advice: Vec<Advice>,
    /// What was learned last, in `ADAPTIVE_LEARNING`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lesson: Option<Lesson>,
}

/// Why miners are where they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The first decision: miners begin here.
    Started {
        /// The lane.
        lane: String,
    },
    /// Nothing changes.
    Kept(Keep),
    /// Another lane pays more.
    Switched {
        /// The lane that is left.
        from: String,
        /// The new lane.
        to: String,
        /// Its advantage, percent.
        edge_percent: f64,
        /// The standard error of that.
        standard_error_percent: f64,
        /// How long such advantages last, seconds.
        life_secs: f64,
        /// What the move costs, seconds of mining.
        cost_secs: f64,
    },
    /// A lane cannot be mined.
    FailedOver {
        /// The lane that is left.
        from: String,
        /// Where its miners go; `None` when every other lane fails too.
        to: Option<String>,
        /// What is wrong with it.
        because: String,
    },
    /// A lane that had failed has been well for long enough.
    Returned {
        /// The lane.
        lane: String,
    },
    /// The operator's targets, or the cap on a chain's hash rate, ask for other parts.
    Rebalanced {
        /// The part of the miners that moves, percent.
        moved_percent: f64,
    },
    /// The policy does not know enough, and leaves everything as it is.
    Refused(Refusal),
    /// The operator chose.
    Manual {
        /// The lane.
        lane: String,
        /// The operator's words.
        because: String,
    },
    /// The policy is paused.
    Paused,
}

/// Why nothing changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Keep {
    /// No other lane can be compared and take miners.
    Alone,
    /// The lane that is mined pays most.
    Best,
    /// Too little was seen yet.
    WarmingUp,
    /// Another lane pays more, but not enough more.
    SmallEdge {
        /// The other lane.
        lane: String,
        /// Its advantage, percent.
        edge_percent: f64,
        /// The least that counts.
        needed_percent: f64,
    },
    /// The advantage may be noise.
    Noise {
        /// The other lane.
        lane: String,
        /// Its advantage, percent.
        edge_percent: f64,
        /// The standard error of that.
        standard_error_percent: f64,
    },
    /// Advantages do not last long enough to pay for the move.
    Cost {
        /// The other lane.
        lane: String,
        /// What it is expected to bring, seconds of mining.
        gain_secs: f64,
        /// What going and coming back cost, seconds of mining.
        cost_secs: f64,
    },
    /// It has to be seen more often.
    Unconfirmed {
        /// The other lane.
        lane: String,
        /// Ticks that agree.
        ticks: u32,
        /// Ticks that have to.
        needed: u32,
    },
    /// This node's moment to move comes later, so that nodes do not move together.
    Moment {
        /// The other lane.
        lane: String,
    },
    /// The mode moves miners only away from what fails.
    Steady,
    /// All parts are within the allowed distance of their targets.
    OnTarget,
}

/// Why nothing is decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum Refusal {
    /// A price that is needed is not to be relied on.
    #[error("no price for {coin}: {error}")]
    Price {
        /// Of which coin.
        coin: String,
        /// What is wrong.
        error: PriceError,
    },
    /// The revenue of the lane that is mined cannot be told.
    #[error("{error}")]
    Revenue {
        /// What is wrong.
        error: Unusable,
    },
    /// All lanes fail.
    #[error("no lane can be mined")]
    AllFailed,
    /// The inputs are none.
    #[error("{error}")]
    Inputs {
        /// What is wrong.
        error: String,
    },
    /// The mode needs something that the operator did not give.
    #[error("{missing}")]
    Unconfigured {
        /// What is missing.
        missing: String,
    },
}

impl Reason {
    /// Miners are moved, or would be.
    pub const fn is_move(&self) -> bool {
        match self {
            Self::Switched { .. } | Self::FailedOver { .. } | Self::Returned { .. } | Self::Rebalanced { .. } => true,
            Self::Started { .. } | Self::Kept(_) | Self::Refused(_) | Self::Manual { .. } | Self::Paused => false,
        }
    }
}

impl FromStr for RunState {
    type Err = UnknownRunState;

    /// `DRY-RUN` and `dry_run` are the same.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_uppercase().replace('_', "-").as_str() {
            "DRY-RUN" => Ok(Self::DryRun),
            "LIVE" => Ok(Self::Live),
            "PAUSED" => Ok(Self::Paused),
            _ => Err(UnknownRunState(text.to_owned())),
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DryRun => "DRY-RUN",
            Self::Live => "LIVE",
            Self::Paused => "PAUSED",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { lane } => write!(f, "started on {lane}"),
            Self::Kept(keep) => write!(f, "kept: {keep}"),
            Self::Switched { from, to, edge_percent, standard_error_percent, life_secs, cost_secs } => write!(
                f,
                "{to} pays {edge_percent:.1} % (standard error {standard_error_percent:.1} %) more than {from}; such \
                 advantages last {:.0} min, the move costs {cost_secs:.1} s of mining",
                life_secs / 60.0
            ),
            Self::FailedOver { from, to: Some(to), because } => write!(f, "{from} failed ({because}): {to} is mined"),
            Self::FailedOver { from, to: None, because } => {
                write!(f, "{from} failed ({because}), and there is no other lane to mine")
            }
            Self::Returned { lane } => write!(f, "{lane} is well again"),
            Self::Rebalanced { moved_percent } => {
                write!(f, "{moved_percent:.1} % of the miners move towards their targets")
            }
            Self::Refused(refusal) => write!(f, "nothing is changed: {refusal}"),
            Self::Manual { lane, because } => write!(f, "the operator chose {lane}: {because}"),
            Self::Paused => f.write_str("paused"),
        }
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alone => f.write_str("no other lane can be compared and take miners"),
            Self::Best => f.write_str("no lane pays more"),
            Self::WarmingUp => f.write_str("too little was seen of the lanes yet"),
            Self::SmallEdge { lane, edge_percent, needed_percent } => {
                write!(f, "{lane} pays {edge_percent:.1} % more, a move needs {needed_percent:.1} %")
            }
            Self::Noise { lane, edge_percent, standard_error_percent } => write!(
                f,
                "{lane} seems to pay {edge_percent:.1} % more, which may be noise (standard error \
                 {standard_error_percent:.1} %)"
            ),
            Self::Cost { lane, gain_secs, cost_secs } => write!(
                f,
                "{lane} pays more, but is expected to bring {gain_secs:.0} s of mining, and going there and back costs \
                 {cost_secs:.0} s"
            ),
            Self::Unconfirmed { lane, ticks, needed } => {
                write!(f, "{lane} pays more, seen {ticks} of {needed} times in a row")
            }
            Self::Moment { lane } => write!(f, "{lane} pays more, this node's moment to move comes later"),
            Self::Steady => f.write_str("this mode moves miners only away from a lane that fails"),
            Self::OnTarget => f.write_str("all parts are near their targets"),
        }
    }
}
