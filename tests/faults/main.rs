//! `faults`: real nodes under real faults, while a miner keeps its own list of what it was told is kept.
//!
//! A fault that this machine has no means for is skipped, loudly; everything else has to hold. The last line is the result, in JSON.
//!
//! ```text
//! tests/faults/run.sh --kills 200 --power-cuts 200 --json
//! tests/faults/run.sh --only full-disk
//! ```
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to people on its terminal")]

use std::{process::ExitCode, time::SystemTime};

use anyhow::Context;
use clap::{Parser, ValueEnum};
use node::signals::StopSignals;
use sharechain::testing::Rng;

mod control;
mod disk;
mod flipped_bits;
mod full_disk;
mod full_window;
mod ledger;
mod limits;
mod rounds;
mod served;
mod sync_errors;
mod tally;
mod time;
mod tools;

use rounds::Rounds;
use tally::Tally;

#[derive(Parser)]
#[command(about = "Breaks nodes and looks whether anything acknowledged is lost; prints one JSON line")]
struct Args {
    /// Rounds that end with SIGKILL.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    kills: u32,
    /// Rounds that end with a power cut of the data directory's file system, and again as many while generations of the store
    /// come and go.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    power_cuts: u32,
    /// Shares of the node that is killed with a full window.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1_000..=300_000))]
    shares: u32,
    /// Only this one; may be given several times.
    #[arg(long, value_enum)]
    only: Vec<Fault>,
    /// What moments and places are drawn from (default: the clock); it is part of the result.
    #[arg(long)]
    seed: Option<u64>,
    /// Nothing on standard output but the result.
    #[arg(long)]
    json: bool,
}

/// What is done to a node, in the order in which it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Fault {
    /// SIGKILL at any moment, at times again while it starts.
    Kills,
    /// SIGKILL of a node with many shares.
    FullWindow,
    /// The file system stops without writing its journal.
    PowerCuts,
    /// The same of a node that begins and deletes generations of its store.
    Generations,
    /// A power cut without syncs: shares have to be lost, or the power cut shows nothing.
    NegativeControl,
    /// No space left, and space again.
    FullDisk,
    /// The disk refuses a sync.
    SyncError,
    /// Every sync takes a third of a second.
    SlowDisk,
    /// Few open files, and more connections than them.
    OpenFiles,
    /// A limit of memory, and many connections.
    Memory,
    /// Stopped for seconds, and going on.
    Freeze,
    /// The clock an hour ahead, and back.
    Clock,
    /// A flipped bit, in every file of the data directory in turn.
    FlippedBits,
}

/// How a fault ended that did not fail.
pub(crate) enum Ended {
    /// The node kept its promises.
    Held,
    /// This machine has no means for it.
    Skipped(String),
}

/// Exit code of whoever was told to end.
const INTERRUPTED: u8 = 130;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let mut signals = StopSignals::register().context("cannot wait for signals")?;
    tokio::select! {
        ended = all(&args) => Ok(ended),
        // What was mounted and started goes with the fault that it was for.
        () = signals.next() => {
            eprintln!("told to end: there is no result");
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

async fn all(args: &Args) -> ExitCode {
    let clock = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(1, |since| since.as_secs());
    let seed = args.seed.unwrap_or_else(clock);
    let mut tally = Tally::new(seed);
    for fault in Fault::value_variants() {
        if !args.only.is_empty() && !args.only.contains(fault) {
            continue;
        }
        let name = fault.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        eprintln!("{name} ..");
        // Each draws from a start of its own, so that one alone does what it did among all.
        let mut rng = Rng::new(seed);
        match Box::pin(run(*fault, args, &mut rng, &mut tally)).await {
            Ok(Ended::Held) => tally.held(&name),
            Ok(Ended::Skipped(reason)) => {
                eprintln!("** SKIPPED: {name}, because {reason} **");
                tally.skipped(&name, reason);
            }
            Err(cause) => {
                eprintln!("** FAILED: {name}, seed {seed}: {cause:#} **");
                tally.failed(&name, &cause);
            }
        }
    }
    if !args.json {
        println!("{}", tally.text());
    }
    println!("{}", tally.json());
    if tally.has_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

async fn run(fault: Fault, args: &Args, rng: &mut Rng, tally: &mut Tally) -> anyhow::Result<Ended> {
    match fault {
        Fault::Kills => rounds::run(Rounds::Kills, args.kills, rng, tally).await,
        Fault::FullWindow => full_window::run(args.shares, tally).await,
        Fault::PowerCuts => rounds::run(Rounds::PowerCuts, args.power_cuts, rng, tally).await,
        Fault::Generations => rounds::run(Rounds::Generations, args.power_cuts, rng, tally).await,
        Fault::NegativeControl => control::run(tally).await,
        Fault::FullDisk => full_disk::run(tally).await,
        Fault::SyncError => sync_errors::refused(tally).await,
        Fault::SlowDisk => sync_errors::slow(tally).await,
        Fault::OpenFiles => limits::open_files(tally).await,
        Fault::Memory => limits::memory(tally).await,
        Fault::Freeze => time::freeze(tally).await,
        Fault::Clock => time::clock(tally).await,
        Fault::FlippedBits => flipped_bits::run(rng, tally).await,
    }
}
