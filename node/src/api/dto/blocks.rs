//! Blocks of the pool, and what they pay.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A block of the pool.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
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
    /// `found`, `submitted`, `refused`, `confirmed`, `matured` or `orphaned`.
    pub status: String,
    /// Blocks on top, itself included.
    pub confirmations: Option<i64>,
    /// Why it was refused.
    pub reason: Option<String>,
    /// Work since the pool's block before it, as part of what a block takes in the mean; null when that is not known.
    pub effort_percent: Option<f64>,
    /// How many outputs of its coinbase pay miners; null when that is not known.
    pub payouts_count: Option<usize>,
}

/// One output of a coinbase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Payout {
    /// The output's script, hexadecimal.
    pub script: String,
    /// Its address.
    pub address: Option<String>,
    /// Its value.
    pub amount: u64,
}

/// Work of one payout script in the window.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Weight {
    /// The script, hexadecimal.
    pub script: String,
    /// Its address.
    pub address: Option<String>,
    /// Its work in the window, hashes.
    pub work: u128,
}

/// What a block found now would pay.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NextPayouts {
    /// The share the window was taken at.
    pub payout_share: String,
    /// Shares in the window.
    pub window_shares: u64,
    /// Work in the window, hashes.
    pub window_work: u128,
    /// The window, the largest work first: a page of it.
    pub weights: Vec<Weight>,
    /// How many weights there are.
    pub weights_total: usize,
    /// What to ask for as `cursor` to get the weights that follow; null on the last page.
    pub weights_next: Option<String>,
    /// Subsidy and fees of the block, when there is a template.
    pub coinbase_value: Option<u64>,
    /// What each would get; empty without a template, and while nobody has work in the window: then the finder gets all.
    pub payouts: Vec<Payout>,
}
