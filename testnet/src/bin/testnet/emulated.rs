//! `testnet --world N`: the pool in emulated regions instead of on loopback.

use std::process::ExitCode;

use node::{peer_selector::Selection, signals::StopSignals};
use testnet::world::{NODES_MAX, Outage, Partition, World, WorldPlan, WorldVerdict};

use super::{Args, stop, unless_stopped};

/// Hashes per second of all miners together: with the devnet's easiest shares a little more than one share in a second, and
/// a tenth of a processor.
const HASHRATE: f64 = 320_000.0;

/// The emulated world.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "In an emulated world (root, Linux)")]
pub(super) struct WorldArgs {
    /// This many nodes in six regions, in network namespaces joined by a switch with the delays between the regions.
    #[arg(long, value_name = "N", requires = "seconds", conflicts_with = "nodes", value_parser = parse_nodes)]
    world: Option<usize>,
    /// Seconds that shares are found in before the measured ones: peers are chosen by what was measured of them.
    #[arg(long, value_name = "SECONDS", requires = "world", default_value_t = 0)]
    warm_up: u64,
    /// Most outbound peers of each node, 4 to 12 (default: 12); fewer make a world of few nodes one that is not fully connected.
    #[arg(long, value_name = "NUMBER", requires = "world")]
    outbound: Option<usize>,
    /// How nodes choose them: latency or random.
    #[arg(long, value_name = "SELECTION", requires = "world", default_value_t)]
    selection: Selection,
    /// Cut a region (NA SA EU AF AS OC) off for LENGTH seconds, START seconds after all nodes mine; may be repeated.
    #[arg(long, value_name = "REGION:START:LENGTH", requires = "world")]
    partition: Vec<Partition>,
    /// Kill a node and start it again LENGTH seconds later; may be repeated.
    #[arg(long, value_name = "NODE:START:LENGTH", requires = "world")]
    outage: Vec<Outage>,
    /// Stop and start all nodes in turn, START seconds after all nodes mine; may be repeated.
    #[arg(long, value_name = "START", requires = "world")]
    rolling_restart: Vec<u64>,
    /// Hostile peers and hostile miners come from so many places beside the nodes, all the time.
    #[arg(long, value_name = "PLACES", requires = "world", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=8))]
    hostile: u8,
    /// Frames of a hundred that the switch loses by chance.
    #[arg(long, value_name = "PERCENT", requires = "world", default_value_t = 0.0, value_parser = parse_percent)]
    loss_percent: f64,
    /// Seed of that chance, and of what hostile ones do.
    #[arg(long, value_name = "NUMBER", requires = "world", default_value_t = 1)]
    seed: u64,
}

fn parse_nodes(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(nodes) if (1..=NODES_MAX).contains(&nodes) => Ok(nodes),
        _ => Err(format!("1 to {NODES_MAX} nodes")),
    }
}

fn parse_percent(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err("0 to 100".to_owned()),
    }
}

/// What to run, when a world is wanted.
pub(super) fn plan(args: &Args) -> Option<WorldPlan> {
    let (nodes, seconds) = (args.world.world?, args.seconds?);
    #[expect(clippy::cast_precision_loss, reason = "fifty nodes at most")]
    let hashrate = args.max_hashrate.unwrap_or(HASHRATE / nodes as f64);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100 percent")]
    let loss_per_million = (args.world.loss_percent * 1e4).round() as u32;
    Some(WorldPlan {
        nodes,
        dir: args.dir.clone(),
        block_interval_secs: args.block_interval_secs,
        hashrate_max: (hashrate > 0.0).then_some(hashrate),
        warm_up_secs: args.world.warm_up,
        seconds,
        outbound_max: args.world.outbound,
        selection: args.world.selection,
        partitions: args.world.partition.clone(),
        outages: args.world.outage.clone(),
        rolling_restarts: args.world.rolling_restart.clone(),
        hostile: args.world.hostile.into(),
        loss_per_million,
        seed: args.world.seed,
    })
}

/// Runs it to its verdict, or to a signal.
pub(super) async fn run(plan: WorldPlan, args: &Args) -> anyhow::Result<ExitCode> {
    let (mut signals, nodes) = (StopSignals::register()?, plan.nodes);
    // Dropping the half-started world kills what it started.
    let Some(world) = unless_stopped(&mut signals, World::start(plan)).await else { return Ok(ExitCode::FAILURE) };
    let mut world = world?;
    let judged = unless_stopped(&mut signals, world.run(|line| args.say(line))).await;
    let verdict = judged.map(|verdict| verdict.unwrap_or_else(|cause| WorldVerdict::broken(nodes, &cause)));
    let broken = verdict.as_ref().and_then(|verdict| verdict.kept_promises().err());
    // For people the same figures, one below the other.
    let text = |verdict: &WorldVerdict| Ok(serde_json::to_string_pretty(verdict)?);
    args.print(verdict.as_ref().map(|verdict| (verdict, &verdict.differences[..])), text)?;
    // The network goes last: nodes say goodbye through it.
    let (pool, _network) = world.into_parts();
    stop(pool, broken, signals).await
}
