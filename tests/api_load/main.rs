//! `api_load`: how fast the API answers, and what its readers cost, while a node has much to do.
//!
//! A node with a full window of shares in its store, on a devnet; as many miners as wanted, each a connection and an address of its
//! own, that submit at a pace (`devminer --load`); and one reader that asks for every resource of the API in turn. The last line is
//! the result, in JSON. Nothing is asserted: what is fast enough depends on the machine.
//!
//! ```text
//! cargo build --release --workspace --bins && ./target/release/api_load --seconds 60
//! ```
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to people on its terminal")]

use std::{process::Stdio, time::Duration};

use anyhow::{Context, ensure};
use clap::Parser;
use serde_json::{Value, json};
use testnet::{
    cheap_chain::{Busy, CheapChain, Shares},
    process::{NodeProcess, Place},
};
use tests::wait_for;
use tokio::process::Child;

mod connection;
mod latency;
mod resources;

use connection::Connection;
use latency::Latencies;

/// Time for a node to take up its shares, and for all miners to be there.
const PATIENCE: Duration = Duration::from_secs(300);
/// Connections of miners that are opened per second.
const CONNECT_RATE: &str = "1000";
/// A submit of four hashes: miners cost the machine as little as they can.
const PASSWORD: &str = "fd=1e-9";
/// Readers of live events before those that are counted: what the first ones cost once is not a reader's cost.
const FIRST_READERS: u32 = 50;
/// Time after the readers came, in which they are told of events.
const READERS_STAY: Duration = Duration::from_secs(10);

#[derive(Parser)]
#[command(about = "Measures the API of a node that has much to do; prints one JSON line")]
struct Args {
    /// Shares of the window, and in the node's store before it starts.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1_000..=300_000))]
    shares: u32,
    /// Miners, each with a connection.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=15_000))]
    miners: u32,
    /// Submits per second of all miners together.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    submits: u32,
    /// Requests per second.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    reads: u32,
    /// Measured seconds.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// Readers of live events, which come after the measured time.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(0..=1_200))]
    readers: u32,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let place = Place::new(folder.path())?;
    let mut devnet = place.devnet(30).await?;
    let chain = Busy::begun(args.shares, args.shares, &devnet.rpc)?;
    eprintln!("mining {} shares", args.shares);
    let (mined, count) = (chain.clone(), usize::try_from(args.shares)?);
    let all_miners = usize::try_from(args.miners)?;
    let folder = place.folder("node");
    tokio::task::spawn_blocking(move || Shares::mine(&CheapChain::busy(mined)?, count)?.store(&folder))
        .await
        .context("mining panicked")??;
    let node = place.busy_node("node", &chain).await?;
    wait_for("work", PATIENCE, async || Ok(node.api.status().await?.mining.then_some(()))).await?;
    eprintln!("{} miners connect", args.miners);
    let miners = start_miners(&place, &node, &args)?;
    wait_for("all miners", PATIENCE, async || Ok((node.api.status().await?.miners >= all_miners).then_some(())))
        .await?;
    eprintln!("reading for {} s", args.seconds);
    let latencies = read(&node, &args).await?;
    let status: Value = node.api.get("status").await?;
    let rss_before_readers = node.resident_bytes()?;
    let reader_bytes = reader_bytes(&node, args.readers).await?;
    let load = ended(miners).await?;
    let result = json!({
        "window_shares": status["window_shares"],
        "miners": status["miners"],
        "reads": latencies.all().count(),
        "p50_ms": latencies.all().per_mille(500),
        "p99_ms": latencies.all().per_mille(990),
        "resources": latencies.by_resource(),
        "rss_bytes": rss_before_readers,
        "readers": args.readers,
        "reader_bytes": reader_bytes,
        "load": load,
    });
    println!("{result}");
    node.stop().await?;
    devnet.stop().await
}

/// The miners submit for longer than is measured: when they come, and when they go, nothing is.
fn start_miners(place: &Place, node: &NodeProcess, args: &Args) -> anyhow::Result<Child> {
    let seconds = args.seconds + READERS_STAY.as_secs() + 30;
    let (miners, rate) = (args.miners.to_string(), args.submits.to_string());
    let pid = node.process_id().context("the node ended")?.to_string();
    let mut command = place.command("devminer");
    command.args(["--load", "--json", "--addr", node.endpoints.stratum.trim_start_matches("stratum+tcp://")]);
    command.args(["--name", "rig", "--connections", &miners, "--miners", &miners, "--connect-rate", CONNECT_RATE]);
    command.args(["--rate", &rate, "--seconds", &seconds.to_string(), "--password", PASSWORD, "--pid", &pid]);
    command.stdout(Stdio::piped()).spawn().context("cannot start devminer")
}

/// What the miners' client says at its end.
async fn ended(miners: Child) -> anyhow::Result<Value> {
    let output = miners.wait_with_output().await?;
    ensure!(output.status.success(), "the miners' client ended with {}", output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Asks for every resource in turn, at a pace, and again from the first one.
async fn read(node: &NodeProcess, args: &Args) -> anyhow::Result<Latencies> {
    let resources = resources::of(node).await?;
    let mut connection = Connection::open(&node.endpoints.api).await?;
    let mut latencies = Latencies::default();
    let mut turns = tokio::time::interval(Duration::from_secs(1) / args.reads);
    turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let ends = tokio::time::Instant::now() + Duration::from_secs(args.seconds);
    for resource in resources.iter().cycle() {
        let turn = turns.tick().await;
        if turn > ends {
            break;
        }
        let answer = connection.get(resource).await.with_context(|| resource.clone())?;
        latencies.add(resource, &answer);
    }
    Ok(latencies)
}

/// Memory of the node per reader of live events.
async fn reader_bytes(node: &NodeProcess, readers: u32) -> anyhow::Result<Option<u64>> {
    let mut held = Vec::new();
    for _ in 0..FIRST_READERS {
        held.push(Connection::follow(&node.endpoints.api).await?);
    }
    let before = node.resident_bytes()?;
    for _ in 0..readers {
        held.push(Connection::follow(&node.endpoints.api).await?);
    }
    tokio::time::sleep(READERS_STAY).await;
    Ok(node.resident_bytes()?.saturating_sub(before).checked_div(readers.into()))
}
