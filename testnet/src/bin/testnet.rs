//! `testnet`: a pool of N nodes on this machine; `testnet.sh` builds it and passes its arguments on.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to people on its terminal")]

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use node::signals::StopSignals;
use serde::Serialize;
use testnet::supervisor::{Plan, Pool, Verdict};
use tokio::time::{Instant, sleep_until};

#[cfg(target_os = "linux")]
#[path = "testnet/catching_up.rs"]
mod catching_up;
#[cfg(target_os = "linux")]
#[path = "testnet/emulated.rs"]
mod emulated;

/// Runs a devnet chain, N nodes in different regions and a CPU miner on each.
#[derive(Debug, Parser)]
#[command(name = "testnet.sh", version)]
struct Args {
    /// Nodes.
    #[arg(default_value_t = 3, value_parser = parse_nodes)]
    nodes: usize,
    /// Stop after this long and judge the pool (default: run until Ctrl-C).
    #[arg(long, value_name = "SECONDS", group = "end")]
    seconds: Option<u64>,
    /// Keep everything in this folder instead of a temporary one.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Only the verdict on stdout, as one JSON line; the rest goes to stderr.
    #[arg(long, requires = "end")]
    json: bool,
    /// Wanted seconds between parent blocks.
    #[arg(long, default_value_t = 30)]
    block_interval_secs: u32,
    /// Hashes per second of each miner; 0 for as fast as it can (default: 1e6; with --world 320,000 for all of them together).
    #[arg(long)]
    max_hashrate: Option<f64>,
    #[cfg(target_os = "linux")]
    #[command(flatten)]
    world: emulated::WorldArgs,
    #[cfg(target_os = "linux")]
    #[command(flatten)]
    catch_up: catching_up::CatchUpArgs,
}

/// Time between two reports.
const REPORT_INTERVAL: Duration = Duration::from_secs(5);
/// Hashes per second of each miner on loopback.
const HASHRATE: f64 = 1e6;

fn parse_nodes(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(nodes @ 1..=50) => Ok(nodes),
        _ => Err("1 to 50 nodes".to_owned()),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> anyhow::Result<ExitCode> {
    #[cfg(target_os = "linux")]
    if let Some(plan) = catching_up::plan(&args) {
        return catching_up::run(plan, &args).await;
    }
    #[cfg(target_os = "linux")]
    if let Some(plan) = emulated::plan(&args) {
        return emulated::run(plan, &args).await;
    }
    let mut signals = StopSignals::register()?;
    let hashrate = args.max_hashrate.unwrap_or(HASHRATE);
    let plan = Plan {
        nodes: args.nodes,
        dir: args.dir.clone(),
        block_interval_secs: args.block_interval_secs,
        hashrate_max: (hashrate > 0.0).then_some(hashrate),
    };
    // Dropping the half-started pool kills what it started.
    let Some(pool) = unless_stopped(&mut signals, Pool::start(&plan)).await else { return Ok(ExitCode::FAILURE) };
    let mut pool = pool?;
    let judged = unless_stopped(&mut signals, watch(&mut pool, &args)).await;
    let verdict = judged.map(|verdict| verdict.unwrap_or_else(|cause| Verdict::broken(args.nodes, &cause)));
    let broken = verdict.as_ref().and_then(|verdict| pool.kept_promises(verdict).err());
    args.print(verdict.as_ref().map(|verdict| (verdict, &verdict.differences[..])), verdict_line)?;
    stop(pool, broken, signals).await
}

/// What the work comes to; `None` when a signal comes first.
async fn unless_stopped<T>(signals: &mut StopSignals, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        () = signals.next() => None,
    }
}

/// Tells of a broken promise, stops the pool, and says by the exit code how it went.
async fn stop(mut pool: Pool, broken: Option<&str>, mut signals: StopSignals) -> anyhow::Result<ExitCode> {
    if let Some(broken) = broken {
        eprintln!("error: {broken}");
        if let Some(folder) = pool.keep_folder() {
            eprintln!("hint: the logs are in {}", folder.display());
        }
    }
    tokio::select! {
        stopped = pool.stop() => stopped?,
        // A second signal: what is left is killed when the pool is dropped.
        () = signals.next() => return Ok(ExitCode::FAILURE),
    }
    Ok(if broken.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reports until the time is over, then judges; for ever without a time.
async fn watch(pool: &mut Pool, args: &Args) -> anyhow::Result<Verdict> {
    args.say(&format!("devnet   rpc {}", pool.devnet.rpc));
    for node in &pool.nodes {
        args.say(&format!("{:7}  {}  api {}", node.name, node.endpoints.stratum, node.endpoints.api));
    }
    let end = args.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    while end.is_none_or(|end| Instant::now() < end) {
        let next = Instant::now() + REPORT_INTERVAL;
        sleep_until(end.map_or(next, |end| end.min(next))).await;
        for line in pool.report().await? {
            args.say(&line);
        }
        pool.audit().await;
    }
    pool.judge().await
}

impl Args {
    /// A line for people.
    fn say(&self, line: &str) {
        if self.json {
            eprintln!("{line}");
        } else {
            println!("{line}");
        }
    }

    /// The verdict and what differs, for scripts or by `text` for people; without one that everything stops.
    fn print<V: Serialize>(
        &self,
        judged: Option<(&V, &[String])>,
        text: impl FnOnce(&V) -> anyhow::Result<String>,
    ) -> anyhow::Result<()> {
        let Some((verdict, differences)) = judged else {
            self.say("stopping");
            return Ok(());
        };
        for difference in differences {
            eprintln!("{difference}");
        }
        println!("{}", if self.json { serde_json::to_string(verdict)? } else { text(verdict)? });
        Ok(())
    }
}

fn verdict_line(verdict: &Verdict) -> anyhow::Result<String> {
    let Verdict { nodes, same_tip, same_payouts, blocks_found, shares, rejected, .. } = verdict;
    Ok(format!(
        "{nodes} nodes, same tip: {same_tip}, same payouts: {same_payouts}, {blocks_found} blocks, {shares} shares, \
         {rejected} rejected submits"
    ))
}
