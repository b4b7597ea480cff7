//! What can be asked of `peers_sim`.

use clap::Parser;

/// Compares policies of choosing peers in virtual time, and counts how often a swarm surrounds a node.
#[derive(Clone, Debug, Parser)]
#[command(name = "peers_sim", version)]
pub struct Args {
    /// Nodes of the worlds in which shares spread.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u16).range(20..=2_000))]
    pub nodes: u16,
    /// Worlds.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Shares in each world.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub origins: u16,
    /// Virtual minutes before shares spread, and before hostile slots are counted.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub minutes: u64,
    /// Virtual minutes in which late peers are replaced by others (0: leave that row out).
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=10_000))]
    pub rotate_minutes: u64,
    /// Worlds with a swarm (0: leave that part out).
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(0..=1_000_000))]
    pub trials: u64,
    /// Honest nodes that the victim hears of.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub honest: u16,
    /// Hostile addresses that it hears of.
    #[arg(long, default_value_t = 10_000)]
    pub hostile: u32,
    /// /16 that they are in.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=200))]
    pub groups: u8,
    /// One JSON line instead of tables.
    #[arg(long)]
    pub json: bool,
}
