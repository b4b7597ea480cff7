//! Whether blocks paid what they had to.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An output of an audited block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditedPayout {
    /// The script, hexadecimal.
    pub script: String,
    /// Its address.
    pub address: Option<String>,
    /// What the share chain says, base units; 0 for an output that it does not know.
    pub expected: u64,
    /// What the block pays, base units.
    pub found: u64,
    /// Whether they are equal.
    pub agrees: bool,
}

/// What an audit of a block shows.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BlockAudit {
    /// Hash of the block, which is also the id of its share.
    pub block: String,
    /// Its height.
    pub height: u32,
    /// Id of its coinbase transaction.
    pub coinbase: String,
    /// The share at which the window was taken.
    pub payout_share: String,
    /// Shares in the window.
    pub window_shares: u64,
    /// Subsidy and fees, base units.
    pub coinbase_value: u64,
    /// `agrees`, `differs`, or `unknown` when no daemon gives the block.
    pub verdict: String,
    /// Every output that pays.
    pub outputs: Vec<AuditedPayout>,
    /// What was done, in words.
    pub steps: Vec<String>,
}
