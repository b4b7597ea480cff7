//! `sim`: runs share-chain worlds from seeds and says whether every promise held.

use std::{
    io::Write,
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread::available_parallelism,
};

use clap::Parser;
use tests::sim::{Outcome, World, args::Args, report, summary::Summary};

/// Worlds between two words of progress.
const PROGRESS_EVERY: u64 = 50;

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(path) = &args.report {
        let (page, broken) = report::page(args.seeds, args.minutes);
        for promise in &broken {
            tell(&format!("broken: {promise}"));
        }
        return match std::fs::write(path, page) {
            Ok(()) if broken.is_empty() => ExitCode::SUCCESS,
            Ok(()) => ExitCode::FAILURE,
            Err(cause) => {
                tell(&format!("error: cannot write {}: {cause}", path.display()));
                ExitCode::FAILURE
            }
        };
    }
    let summary = run(&args);
    let broken = summary.broken_promises();
    for promise in &broken {
        tell(&format!("broken: {promise}"));
    }
    let line = writeln!(std::io::stdout(), "{}", summary.json());
    if line.is_err() || summary.broken > 0 || !broken.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Every seed in a world of its own, as many at a time as there are cores.
fn run(args: &Args) -> Summary {
    let next = AtomicU64::new(0);
    let summary = Mutex::new(Summary::default());
    let threads = available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= args.seeds {
                        return;
                    }
                    let outcome = run_seed(args, args.seed + number);
                    let mut summary = summary.lock().expect("no thread panics while it holds the lock");
                    summary.add(&outcome);
                    if summary.seeds % PROGRESS_EVERY == 0 {
                        tell(&format!(
                            "{} of {} worlds, {} broke a promise",
                            summary.seeds, args.seeds, summary.broken
                        ));
                    }
                }
            });
        }
    });
    summary.into_inner().expect("no thread panics while it holds the lock")
}

fn run_seed(args: &Args, seed: u64) -> Outcome {
    let mut world = World::new(args.request(seed).scenario());
    world.is_loud = args.log && seed == args.seed;
    world.run();
    let outcome = Outcome::of(&mut world);
    for violation in &outcome.violations {
        tell(&format!("seed={seed} commit={}: {violation}\n  replay: {}", commit(), args.replay(seed)));
    }
    outcome
}

/// The commit that the program runs in, for the replay.
fn commit() -> String {
    let output = std::process::Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    let text = output.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    text.map_or_else(|| "unknown".to_owned(), |text| String::from_utf8_lossy(&text).trim().to_owned())
}

#[expect(clippy::print_stderr, reason = "the program's own words; the result goes to standard output")]
fn tell(line: &str) {
    eprintln!("{line}");
}
