//! Miners.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{RejectCounts, Submits};

/// A worker of a connected miner.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Worker {
    /// Its payout address.
    pub address: String,
    /// Its name.
    pub worker: String,
    /// What it calls itself.
    pub agent: String,
    /// Hashes per second.
    pub hashrate: f64,
    /// Seconds since it connected.
    pub connected_secs: u64,
    /// Its submits.
    pub submits: Submits,
    /// The low end of the band that holds its true hash rate in 95 % of cases; null before its first share.
    pub hashrate_low: Option<f64>,
    /// The high end.
    pub hashrate_high: Option<f64>,
    /// Its connection and its number there: it stays the same while it is connected.
    pub id: String,
    /// Difficulty of its newest share, as miners count it; null before the first.
    pub difficulty: Option<f64>,
    /// Seconds since that share; null before the first.
    pub last_share_secs: Option<u64>,
    /// Its refused submits by reason.
    pub rejects: RejectCounts,
}

/// One address: what it is about to be paid, and what it was.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MinerDetail {
    /// The address.
    pub address: String,
    /// Its script, hexadecimal.
    pub script: String,
    /// Its work in the window that the next block pays, hashes.
    pub window_work_hashes: u128,
    /// The same as part of the window.
    pub window_share_percent: f64,
    /// Linked shares of this address that the node keeps, in the window or not.
    pub shares_kept: u64,
    /// What a block found now would pay it, base units; null when nothing.
    pub next_payout: Option<u64>,
    /// What it would be paid in the mean over many draws, base units; null without a template.
    pub expected_payout: Option<u64>,
    /// How likely the next block pays it; null without a template.
    pub payout_chance_percent: Option<f64>,
    /// Blocks that the pool finds in a day, at its present hash rate; null when that is not known.
    pub blocks_per_day: Option<f64>,
    /// How likely at least one block of the next 24 hours pays it; null when that is not known.
    pub payout_24h_chance_percent: Option<f64>,
    /// Its workers at this node, at most 1,000.
    pub workers: Vec<Worker>,
    /// What blocks paid it, the newest 20 that the node knows of.
    pub payouts: Vec<PayoutEntry>,
}

/// What a block paid to an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PayoutEntry {
    /// Hash of the block.
    pub block: String,
    /// Its height.
    pub height: u32,
    /// When it was mined, Unix seconds.
    pub time: u64,
    /// Who was paid.
    pub address: Option<String>,
    /// How much, base units.
    pub amount: u64,
    /// What became of the block: `found`, `submitted`, `refused`, `confirmed`, `matured` or `orphaned`.
    pub status: String,
}

/// How to connect a miner.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Connect {
    /// Where.
    pub urls: Vec<ConnectUrl>,
    /// Proof of work.
    pub algorithm: String,
    /// What to type as user: an address of the coin, and a name for the worker.
    pub user: String,
    /// What to type as password.
    pub password: String,
    /// Part of the jobs that are credited to the operator.
    pub fee_percent: f64,
    /// What to type into miners.
    pub snippets: Vec<Snippet>,
}

/// Where miners connect to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConnectUrl {
    /// The URL.
    pub url: String,
    /// `v1`, `v1-tls` or `v2`.
    pub kind: String,
    /// From where: `loopback`, `lan` or `public`.
    pub reach: String,
}

/// What to type into a miner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Snippet {
    /// The miner.
    pub miner: String,
    /// The text.
    pub text: String,
}

/// A parent chain with its share chain.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Lane {
    /// Its name.
    pub name: String,
    /// The chain.
    pub chain: String,
    /// Proof of work.
    pub algorithm: String,
    /// Whether miners work on it.
    pub active: bool,
    /// The part of the miners that work on it.
    pub weight_percent: f64,
    /// Height of its share chain.
    pub share_height: u64,
    /// Workers.
    pub workers: usize,
    /// Their hashes per second.
    pub hashrate: f64,
}
