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
    /// `ready`, `syncing` or `unhealthy`.
    pub status: String,
    /// What is wrong.
    pub problems: Vec<String>,
}
