//! What `lanes` takes.

use std::path::PathBuf;

use clap::Subcommand;
use node::lanes::{Mode, Profile, RunState};

use super::ListArgs;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct LanesArgs {
    #[command(flatten)]
    pub(crate) list: ListArgs,
    #[command(subcommand)]
    pub(crate) command: Option<LanesCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LanesCommand {
    /// List them.
    Ls(ListArgs),
    /// Where miners are, why, and what comes next.
    Status,
    /// Move all miners to a lane, and keep them there until `release`; a lane that fails is left all the same.
    Switch(SwitchArgs),
    /// Let the policy decide again after `switch`.
    Release,
    /// Have decisions take effect (live), only said (dry-run), or none made (paused).
    State {
        /// live, dry-run or paused.
        state: RunState,
    },
    /// Explain the newest decision, or one by its number.
    Explain {
        /// Its number.
        number: Option<u64>,
    },
    /// Run a policy over a history, beside one lane for ever, the lane of the moment and the oracle; no node is asked.
    Replay(ReplayArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct SwitchArgs {
    /// The lane.
    pub(crate) lane: String,
    /// Why: it is kept with the decision.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArgs {
    /// The history: CSV (`secs,LANE,LANE..`), or decisions of a node, one JSON object a line.
    pub(crate) file: PathBuf,
    /// The policy: optimize-profit, balance-load, maximize-stability, geographic-distribution or adaptive-learning.
    #[arg(long, value_name = "NAME", default_value = "optimize-profit")]
    pub(crate) policy: Mode,
    /// Its risk profile: conservative, balanced or aggressive.
    #[arg(long, value_name = "PROFILE", default_value = "balanced")]
    pub(crate) profile: Profile,
    /// What a move costs, milliseconds of mining (default: what the history says, 10000 for CSV).
    #[arg(long, value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(..=86_400_000))]
    pub(crate) switch_cost_ms: Option<u64>,
    /// Half-life of observations instead of the profile's.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) half_life_secs: Option<u64>,
    /// Least advantage that is worth a move instead of the profile's.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(crate) edge_min_percent: Option<f64>,
    /// Decides at which moments the node may move.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) seed: u64,
}

fn percent(text: &str) -> Result<f64, String> {
    let percent = text.parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
    percent.ok_or_else(|| "expected percent, 0 to 100".to_owned())
}
