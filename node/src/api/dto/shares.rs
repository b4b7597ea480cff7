//! Shares.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Payout;

/// One share.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
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

/// A share in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShareEntry {
    /// Its id.
    pub id: String,
    /// Its height.
    pub height: u64,
    /// Its header's time, Unix seconds.
    pub time: u32,
    /// Its own work, hashes.
    pub work_hashes: u128,
    /// Whom its work is credited to.
    pub address: Option<String>,
    /// The worker that found it, where it is one of this node since its start.
    pub worker: Option<String>,
    /// Whether it is not on the best chain.
    pub is_uncle: bool,
    /// The share of the best chain that names it as an uncle.
    pub merged_by: Option<String>,
    /// Whether it is a block of the pool that the node remembers.
    pub is_block: bool,
}

/// A share in a slice of the DAG.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DagShare {
    /// Its id.
    pub id: String,
    /// Its selected parent; null when the node does not keep it any more.
    pub parent: Option<String>,
    /// What it merges.
    pub uncles: Vec<String>,
    /// Its height.
    pub height: u64,
    /// Its header's time, Unix seconds.
    pub time: u32,
    /// Its own work, hashes.
    pub work_hashes: u128,
    /// Whom its work is credited to.
    pub address: Option<String>,
    /// Whether it is on the best chain.
    pub selected: bool,
    /// Whether it is a block of the pool that the node remembers.
    pub is_block: bool,
}
