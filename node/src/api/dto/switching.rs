//! The choice among lanes.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which lanes miners are on, why, and what comes next.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Switching {
    /// What lanes are chosen for.
    pub mode: String,
    /// At which risk.
    pub profile: String,
    /// DRY-RUN, LIVE or PAUSED.
    pub state: String,
    /// The lane that the operator chose by hand.
    pub manual_lane: Option<String>,
    /// Why.
    pub manual_reason: Option<String>,
    /// The last decision in plain words.
    pub why: Option<String>,
    /// When lanes are looked at next, Unix seconds.
    pub next_tick: u64,
    /// When this node may move miners for profit next, Unix seconds.
    pub next_move: Option<u64>,
    /// What a move costs, milliseconds of the mining of those who move.
    pub switch_cost_ms: u64,
    /// How that is known: assumed, configured or measured.
    pub switch_cost_source: String,
    /// Moves that it was measured by.
    pub switch_cost_moves: Option<u32>,
    /// Every lane.
    pub lanes: Vec<LaneChoice>,
    /// What the operator can do, where the node cannot.
    pub advice: Vec<String>,
    /// Of an answer to an order: what whoever gave it should know.
    pub warning: Option<String>,
}

/// A lane among the others.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LaneChoice {
    /// Its name.
    pub name: String,
    /// What is earned on it.
    pub coin: String,
    /// The part of the miners that it has.
    pub weight_percent: f64,
    /// The part that the policy wants: not the same in a dry run, in a pause and after a manual switch.
    pub wanted_percent: f64,
    /// healthy, degraded or failed.
    pub health: String,
    /// What is wrong.
    pub problem: Option<String>,
    /// Whether it is left because it failed.
    pub is_out: bool,
    /// Coins that a hash earns in the mean, after orphans, late shares and the fee.
    pub coins_per_hash: Option<f64>,
    /// The same times the price, smoothed.
    pub revenue_per_hash: Option<f64>,
    /// Its standard error, percent.
    pub standard_error_percent: Option<f64>,
    /// Workers on it.
    pub workers: usize,
    /// Their hashes per second.
    pub hashrate: f64,
    /// What this node's work on it should have earned since its start, base units.
    pub estimated_units: u64,
    /// What blocks since its start paid to addresses that mined on it here, for their work at other nodes too; base units.
    pub paid_units: u64,
}

/// A decision about lanes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DecisionEntry {
    /// Counted from 1.
    pub number: u64,
    /// When, Unix seconds.
    pub time: u64,
    /// What lanes were chosen for.
    pub mode: String,
    /// At which risk.
    pub profile: String,
    /// DRY-RUN, LIVE or PAUSED.
    pub state: String,
    /// Whether miners were moved, or would have been.
    pub is_move: bool,
    /// Why, in plain words.
    pub why: String,
    /// All of it: inputs, estimates with errors, chosen and effective weights, reason, counterfactual.
    pub decision: serde_json::Value,
}

/// An order about lanes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SwitchingOrderBody {
    /// Of switch: where all miners go.
    pub lane: Option<String>,
    /// Of switch: why.
    pub reason: Option<String>,
    /// Of state: dry-run, live or paused.
    pub state: Option<String>,
}
