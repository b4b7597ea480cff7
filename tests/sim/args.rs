//! What can be asked of `sim`.

use std::path::PathBuf;

use clap::Parser;

use super::{Attack, hostile::ATTACKS, scenario::Request};

/// Part of the work that hostile miners have when several attacks are mixed.
const HOSTILE_PART: f64 = 0.3;
/// Attacks in a mixture.
const MIXED: usize = 3;

/// Runs share-chain worlds from seeds, and ends with one JSON line; fails when a promise was broken.
#[derive(Clone, Debug, Parser)]
#[command(name = "sim", version)]
pub struct Args {
    /// How many seeds.
    #[arg(long, default_value_t = 10)]
    pub seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Nodes.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(4..=200))]
    pub nodes: u64,
    /// Simulated minutes of mining.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub minutes: u64,
    /// Wanted time between shares.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(100..=60_000))]
    pub interval_ms: u32,
    /// Least time between two jobs on one parent block (default: drawn from 2 to 5 s).
    #[arg(long)]
    pub refresh_ms: Option<u64>,
    /// Only this attack, or "none" (default: a mixture drawn from the seed).
    #[arg(long, value_parser = parse_attack)]
    pub attack: Option<Choice>,
    /// Part of the work that hostile miners have.
    #[arg(long, default_value_t = HOSTILE_PART)]
    pub hostile: f64,
    /// Nothing breaks: no loss, partitions, crashes, wrong clocks.
    #[arg(long)]
    pub no_faults: bool,
    /// Tells every event of the first seed on standard error.
    #[arg(long)]
    pub log: bool,
    /// Writes the report page to this file instead; seeds and minutes are then per table cell.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// Which attacks there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// None.
    Nobody,
    /// This one.
    Only(Attack),
}

impl Args {
    /// What one seed asks for.
    pub fn request(&self, seed: u64) -> Request {
        let refresh_ms = self.refresh_ms.unwrap_or(2_000 + seed % 4 * 1_000);
        let attacks = match self.attack {
            Some(Choice::Nobody) => Vec::new(),
            Some(Choice::Only(attack)) => vec![attack],
            None => mixture(seed),
        };
        Request {
            interval_ms: self.interval_ms,
            refresh_ms,
            attacks,
            hostile_part: self.hostile,
            faults: !self.no_faults,
            ..Request::honest(seed, usize::try_from(self.nodes).unwrap_or(20), self.minutes)
        }
    }

    /// The command that runs one seed again.
    pub fn replay(&self, seed: u64) -> String {
        let attack = match self.attack {
            Some(Choice::Nobody) => " --attack none".to_owned(),
            Some(Choice::Only(attack)) => format!(" --attack {}", attack.name()),
            None => String::new(),
        };
        let refresh = self.refresh_ms.map(|millis| format!(" --refresh-ms {millis}")).unwrap_or_default();
        format!(
            "cargo run --release -p tests --bin sim -- --seeds 1 --seed {seed} --nodes {} --minutes {} --interval-ms {} \
             --hostile {}{refresh}{attack}{} --log",
            self.nodes,
            self.minutes,
            self.interval_ms,
            self.hostile,
            if self.no_faults { " --no-faults" } else { "" }
        )
    }
}

/// Some attacks, in turns, so that a few seeds see them all.
fn mixture(seed: u64) -> Vec<Attack> {
    let first = usize::try_from(seed % 15).unwrap_or(0);
    (0..MIXED).map(|number| ATTACKS[(first + number * 5) % ATTACKS.len()].0).collect()
}

fn parse_attack(name: &str) -> Result<Choice, String> {
    if name == "none" {
        return Ok(Choice::Nobody);
    }
    Attack::find(name).map(Choice::Only).ok_or_else(|| {
        let names: Vec<&str> = ATTACKS.iter().map(|(_, name)| *name).collect();
        format!("no such attack; there are none, {}", names.join(", "))
    })
}
