//! What the API says, as JSON. Core types never cross this border; amounts are integers in base units.

use serde::{Deserialize, Serialize};

mod peers;

pub use peers::{BanEntry, Count, NetworkSummary, Peer, PeerOrderBody, PeerOrderResult};

/// A list with its length.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct List<T> {
    /// The elements.
    pub data: Vec<T>,
    /// About them.
    pub meta: Meta,
}

/// About a list.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Meta {
    /// How many elements there are.
    pub count: usize,
}

impl<T> List<T> {
    /// The list of these elements.
    pub fn new(data: Vec<T>) -> Self {
        let meta = Meta { count: data.len() };
        Self { data, meta }
    }
}

/// The node at a glance.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Upgrade {
    /// The bit that shares set.
    pub bit: usize,
    /// `signalled`, `locked_in` or `active`.
    pub state: String,
}

/// Submits since the start.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Submits {
    /// Accepted.
    pub accepted: u64,
    /// Refused because a newer block was there.
    pub stale: u64,
    /// Refused for another reason.
    pub rejected: u64,
}

/// The parent chain.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Health {
    /// `ready`, `syncing` or `unhealthy`.
    pub status: String,
    /// What is wrong.
    pub problems: Vec<String>,
}

/// A node of the directory, as it says of itself; nothing of it was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ListedNode {
    /// Its identity.
    pub peer_id: String,
    /// Whether it is the node that answers.
    pub own: bool,
    /// Multiaddresses for peers, without its identity.
    pub p2p: Vec<String>,
    /// Where miners connect to.
    pub stratum: Vec<String>,
    /// Its region.
    pub region: Option<String>,
    /// Its country.
    pub country: Option<String>,
    /// The AS of its first address, where the answering node knows one.
    pub asn: Option<u32>,
    /// Hundredths of a percent of the jobs that are credited to its operator.
    pub fee_basis_points: u16,
    /// Connections of miners it takes.
    pub capacity: u32,
    /// Connections of miners it had when it said so.
    pub load: u32,
    /// What it calls itself.
    pub agent: String,
    /// Its operator's key, hexadecimal: nodes with the same key prove that they are one operator's.
    pub operator: Option<String>,
    /// When the answering node heard of it first, Unix seconds.
    pub first_seen: u64,
    /// When it said this, Unix seconds.
    pub issued: u64,
    /// Until when it holds, Unix seconds.
    pub expires: u64,
}

/// A miner's connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
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
}

/// A block of the pool.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Block {
    /// Its hash, which is also the id of its share.
    pub hash: String,
    /// Its height.
    pub height: u32,
    /// Subsidy and fees.
    pub coinbase_value: u64,
    /// Whether a miner of this node found it.
    pub own: bool,
    /// When it was found or seen, Unix seconds.
    pub found_at: u64,
    /// `pending`, `refused`, `confirmed` or `orphaned`.
    pub status: String,
    /// Blocks on top, itself included.
    pub confirmations: Option<i64>,
    /// Why it was refused.
    pub reason: Option<String>,
}

/// One output of a coinbase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payout {
    /// The output's script, hexadecimal.
    pub script: String,
    /// Its address.
    pub address: Option<String>,
    /// Its value.
    pub amount: u64,
}

/// Work of one payout script in the window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Weight {
    /// The script, hexadecimal.
    pub script: String,
    /// Its address.
    pub address: Option<String>,
    /// Its work in the window, hashes.
    pub work: u128,
}

/// What a block found now would pay.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NextPayouts {
    /// The share the window was taken at.
    pub payout_share: String,
    /// Shares in the window.
    pub window_shares: u64,
    /// Work in the window, hashes.
    pub window_work: u128,
    /// The window.
    pub weights: Vec<Weight>,
    /// Subsidy and fees of the block, when there is a template.
    pub coinbase_value: Option<u64>,
    /// What each would get; empty without a template, and while nobody has work in the window: then the finder gets all.
    pub payouts: Vec<Payout>,
}

/// One share.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShareDetail {
    /// Its id.
    pub id: String,
    /// Its selected parent.
    pub parent: String,
    /// What it merges.
    pub uncles: Vec<String>,
    /// Its height.
    pub height: u64,
    /// Shares in its past, itself included.
    pub count: u64,
    /// Work in its past, itself included.
    pub total_work: u128,
    /// Its own work.
    pub work: u128,
    /// Its header's time, Unix seconds.
    pub time: u32,
    /// Whom its work is credited to.
    pub payout_script: String,
    /// The same as an address.
    pub payout_address: Option<String>,
    /// The block it extends.
    pub prev_block: String,
    /// Height of the block it could be.
    pub block_height: u32,
    /// Subsidy and fees it claims.
    pub coinbase_value: u64,
    /// Whether its hash meets the parent target it claims.
    pub is_block: bool,
    /// When this node linked it, Unix seconds.
    pub linked_at: u64,
    /// Whom its coinbase has to pay, computed by this node from the share chain.
    pub payouts: Vec<Payout>,
}

/// Why a request was refused (RFC 9457).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// A short name.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened and what to do.
    pub detail: String,
}
