//! `testnet --sync-shares N`: how long a new node takes to catch up over long lines.

use std::{process::ExitCode, time::Duration};

use node::signals::StopSignals;
use testnet::world::{CatchUpPlan, CaughtUp, NODES_MAX, catch_up};

use super::{Args, unless_stopped};

/// A new node in an emulated network.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "A new node that catches up in an emulated network (root, Linux)")]
pub(super) struct CatchUpArgs {
    /// Measure how long a node takes to sync this many shares of a main network's size.
    #[arg(long, value_name = "N", group = "end", conflicts_with_all = ["nodes", "world"], value_parser = clap::value_parser!(u32).range(2..=300_000))]
    sync_shares: Option<u32>,
    /// Round trip between any two nodes, milliseconds.
    #[arg(long, value_name = "MS", requires = "sync_shares", default_value_t = 80, value_parser = clap::value_parser!(u16).range(0..=2_000))]
    rtt_ms: u16,
    /// Nodes that have the shares.
    #[arg(long, value_name = "NUMBER", requires = "sync_shares", default_value_t = 4, value_parser = parse_peers)]
    peers: usize,
}

fn parse_peers(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(peers) if (1..NODES_MAX).contains(&peers) => Ok(peers),
        _ => Err(format!("1 to {} nodes", NODES_MAX - 1)),
    }
}

/// What to measure, when that is wanted.
pub(super) fn plan(args: &Args) -> Option<CatchUpPlan> {
    let CatchUpArgs { sync_shares, rtt_ms, peers } = args.catch_up;
    Some(CatchUpPlan {
        shares: usize::try_from(sync_shares?).ok()?,
        peers,
        round_trip: Duration::from_millis(rtt_ms.into()),
        dir: args.dir.clone(),
    })
}

/// Measures it and prints the figures.
pub(super) async fn run(plan: CatchUpPlan, args: &Args) -> anyhow::Result<ExitCode> {
    let mut signals = StopSignals::register()?;
    // Dropping it half-way kills what it started.
    let measured = Box::pin(catch_up(&plan, |line| args.say(line)));
    let Some(caught_up) = unless_stopped(&mut signals, measured).await else { return Ok(ExitCode::FAILURE) };
    let text = |caught_up: &CaughtUp| Ok(serde_json::to_string_pretty(caught_up)?);
    args.print(Some((&caught_up?, &[])), text)?;
    Ok(ExitCode::SUCCESS)
}
