//! The node at a glance, its parent chain and its health.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The node at a glance.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// Name of the chain.
    pub network: String,
    /// Identity of the share chain.
    pub share_chain: String,
    /// Version of the node.
    pub version: String,
    /// The node's identity.
    pub peer_id: String,
    /// The file with what orders to the API have to show.
    pub cookie_file: String,
    /// Where the node says it is.
    pub region: Option<String>,
    /// Seconds since the start.
    pub uptime_secs: u64,
    /// Whether no peer is known to have more.
    pub synced: bool,
    /// `synced`, `behind` or `alone`.
    pub sync_state: String,
    /// The best height a peer claims, while behind.
    pub sync_target_height: Option<u64>,
    /// Shares linked in a second, over the last ten, while behind.
    pub sync_shares_per_sec: Option<u64>,
    /// Time until that height at this pace, while behind; null while the height does not grow.
    pub sync_secs_left: Option<u64>,
    /// Whether miners get work.
    pub mining: bool,
    /// Height of the best share.
    pub share_height: u64,
    /// Its id.
    pub share_tip: String,
    /// Work in its past, hashes.
    pub total_work: u128,
    /// Shares in the window that the next block pays.
    pub window_shares: u64,
    /// Linked shares.
    pub shares: usize,
    /// Shares waiting for an ancestor.
    pub shares_waiting: usize,
    /// Valid shares that this node's clock or daemon speaks against; they count as soon as it does not, or while
    /// they have clearly more work.
    pub shares_held_back: usize,
    /// Branches with more work that left too long ago to be adopted at once.
    pub rival_branches: Vec<RivalBranch>,
    /// Upgrade bits that nearly all of the window's work sets.
    pub upgrades: Vec<Upgrade>,
    /// Shares that came by gossip since the start; the others were synced or mined here.
    pub shares_gossiped: u64,
    /// Expected hashes of a share at base difficulty.
    pub base_work: u128,
    /// Wanted time between shares of the whole pool, milliseconds.
    pub share_interval_ms: u32,
    /// Connected peers.
    pub peers: usize,
    /// Where peers connect to: multiaddresses, those that other machines can reach first.
    pub p2p_listen: Vec<String>,
    /// Where miners connect to.
    pub stratum_url: String,
    /// The same for Stratum V2, with the key that miners know this node by.
    pub stratum_v2_url: Option<String>,
    /// Hundredths of a percent of the jobs that are credited to the operator.
    pub fee_basis_points: u16,
    /// The operator's address, where there is a fee.
    pub fee_address: Option<String>,
    /// Whether no new miners are taken, by order of the operator.
    #[serde(default)]
    pub draining: bool,
    /// Addresses that may not connect for now, after submits without work or lines that are no Stratum.
    pub banned_addresses: usize,
    /// Authorized workers.
    pub miners: usize,
    /// Their hashes per second.
    pub hashrate: f64,
    /// Submits of this node's miners since the start.
    pub submits: Submits,
    /// The parent chain.
    pub parent: Parent,
    /// The pool's blocks on the parent's main chain.
    pub blocks_found: u64,
    /// The coin that is mined.
    pub coin: Coin,
    /// Hash rate of the whole pool, from the shares of the last ten minutes; null when they are fewer than two.
    pub pool_hashrate: Option<PoolHashrate>,
    /// Where the true hash rate of this node's miners is in 95 % of cases; null before their first shares.
    pub hashrate_band: Option<Band>,
    /// The time since the pool's last block; null when that is not known.
    pub round: Option<Round>,
    /// Difficulty of a block of the parent chain, as its miners count it; null without a template.
    pub network_difficulty: Option<f64>,
    /// Hashes that a block of the parent chain takes in the mean; null without a template.
    pub parent_hashes_per_block: Option<u128>,
}

/// A coin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Coin {
    /// Its name.
    pub name: String,
    /// What amounts are marked with.
    pub symbol: String,
    /// Decimals of an amount in whole coins: amounts are given in units of 10^-decimals.
    pub decimals: u8,
}

/// Where the true value is in 95 % of cases.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Band {
    /// The low end, hashes per second.
    pub low: f64,
    /// The high end, hashes per second.
    pub high: f64,
}

/// A hash rate that was estimated from shares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PoolHashrate {
    /// The estimate.
    pub hashes_per_sec: f64,
    /// The low end of the band that holds the true rate in 95 % of cases.
    pub low: f64,
    /// Its high end.
    pub high: f64,
    /// Shares it was estimated from.
    pub samples: usize,
}

/// The time since the pool's last block.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Round {
    /// When that block was mined, Unix seconds; null when the pool has not found one yet.
    pub since: Option<u64>,
    /// Work of the pool since then, hashes.
    pub work_hashes: u128,
    /// Hashes that a block takes in the mean.
    pub expected_hashes: u128,
    /// The one as part of the other.
    pub effort_percent: f64,
    /// How many rounds of 100 end with less work than this: 1 - e^-effort.
    pub percentile: f64,
}

/// A heavier branch of the share chain that this node is not on.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RivalBranch {
    /// Its best share.
    pub tip: String,
    /// Height of the last share it has in common with ours.
    pub fork_height: u64,
    /// Its work since then, hashes.
    pub work: u128,
    /// Ours since then, hashes.
    pub our_work: u128,
    /// Our height from which on it is adopted if it is still heavier.
    pub adopted_at_height: u64,
}

/// A change of rules that the network is about to agree on; this version knows none of them.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Upgrade {
    /// The bit that shares set.
    pub bit: usize,
    /// `signalled`, `locked_in` or `active`.
    pub state: String,
}

/// Submits since the start.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct Submits {
    /// Accepted.
    pub accepted: u64,
    /// Refused because a newer block was there.
    pub stale: u64,
    /// Refused for another reason.
    pub rejected: u64,
}

/// Refused submits by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RejectCounts {
    /// The job was on an old parent block, or too old.
    pub stale: u64,
    /// Accepted before.
    pub duplicate: u64,
    /// The hash was above the target.
    pub low_difficulty: u64,
    /// A job that the miner was not given, or that was forgotten.
    pub unknown_job: u64,
    /// The time was before the template's, or too far ahead.
    pub bad_time: u64,
    /// Anything else.
    pub other: u64,
}

/// The parent chain.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Parent {
    /// Height of its tip.
    pub height: Option<u32>,
    /// Hash of its tip.
    pub tip: Option<String>,
    /// Whether the daemon gives templates.
    pub ready: bool,
    /// Why not.
    pub problem: Option<String>,
    /// Every daemon, in the order of the configuration.
    pub daemons: Vec<Daemon>,
}

/// A coin daemon of this node.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Daemon {
    /// Its JSON-RPC.
    pub url: String,
    /// Whether its templates are mined on.
    pub chosen: bool,
    /// Whether it gives templates.
    pub ready: bool,
    /// Why not.
    pub problem: Option<String>,
    /// Height of its tip.
    pub height: Option<u32>,
    /// `well`, `behind` or `disagrees`, beside the others.
    pub standing: String,
}

/// Whether the node does its work.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ready`, `syncing`, `draining` or `unhealthy`.
    pub status: String,
    /// What is wrong.
    pub problems: Vec<String>,
    /// What the last diagnosis warned of or failed; empty before the first.
    pub findings: Vec<Finding>,
}

/// What one check of `poolnode doctor` found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// The check, the same in every version.
    pub check: String,
    /// What was looked at, where a check looks at several things.
    pub subject: Option<String>,
    /// `ok`, `warn`, `fail` or `skipped`.
    pub verdict: String,
    /// What is so.
    pub finding: String,
    /// Why, as far as that is known.
    pub cause: Option<String>,
    /// What to do about it.
    pub fix: Option<String>,
}
