//! What is known of the pool's blocks, and which of them the daemon should be asked about.

use std::time::Duration;

use sharechain::BlockHash;
use tokio::time::Instant;

use crate::defaults::{BLOCK_BURIED_CONFIRMATIONS, BLOCK_CHECK, BLOCK_UNKNOWN_MAX};

/// An own block is given up after this long; a reorganisation may bring it back.
const OWN_BLOCK_UNKNOWN_MAX: Duration = Duration::from_secs(86_400);

/// A block of the pool.
#[derive(Clone, Debug)]
pub struct PoolBlock {
    /// Its hash, which is its share's id too.
    pub hash: BlockHash,
    /// Its height, as its share claims.
    pub height: u32,
    /// Subsidy and fees.
    pub coinbase_value: u64,
    /// Whether a miner of this node found it.
    pub own: bool,
    /// When it was found or seen, Unix seconds.
    pub found_at: u64,
    /// What became of it.
    pub status: PoolBlockStatus,
}

/// What became of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolBlockStatus {
    /// Not known to the daemon yet.
    Pending,
    /// The daemon refuses it.
    Refused(String),
    /// On the main chain with this many blocks, itself included.
    Confirmed(i64),
    /// Known to the daemon, but not on the main chain; or never known.
    Orphaned,
}

impl PoolBlock {
    pub(super) const fn is_confirmed(&self) -> bool {
        matches!(self.status, PoolBlockStatus::Confirmed(_))
    }

    /// The least is forgotten first.
    pub(super) const fn worth(&self) -> (bool, bool, u32) {
        (self.own, self.is_confirmed(), self.height)
    }
}

/// What others see of the blocks.
#[derive(Clone, Debug, Default)]
pub struct BlocksView {
    /// Newest first.
    pub blocks: Vec<PoolBlock>,
    /// Blocks on the main chain, including those no longer listed.
    pub confirmed: u64,
}

/// A block with what the task remembers of it.
#[derive(Debug)]
pub(super) struct Tracked {
    pub(super) block: PoolBlock,
    pub(super) since: Instant,
    /// When the daemon was last asked about it.
    pub(super) looked: Option<Instant>,
    /// A call about it is under way.
    pub(super) busy: bool,
}

impl Tracked {
    /// Whether the daemon should be asked about it now.
    pub(super) fn is_due(&self) -> bool {
        let patience = if self.block.own { OWN_BLOCK_UNKNOWN_MAX } else { BLOCK_UNKNOWN_MAX };
        let is_final = match &self.block.status {
            PoolBlockStatus::Pending | PoolBlockStatus::Orphaned => self.since.elapsed() > patience,
            PoolBlockStatus::Refused(_) => true,
            PoolBlockStatus::Confirmed(confirmations) => *confirmations >= BLOCK_BURIED_CONFIRMATIONS,
        };
        let rested = self.looked.is_none_or(|looked| looked.elapsed() >= BLOCK_CHECK);
        !is_final && !self.busy && rested
    }
}
