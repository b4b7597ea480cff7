//! What is known of the pool's blocks, what an answer changes in it, and which of them the daemons should be asked about.

use std::{sync::Arc, time::Duration};

use sharechain::BlockHash;
use tokio::{sync::oneshot, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    clock::unix_now,
    defaults::{BLOCK_CHECK, BLOCK_UNKNOWN_MAX},
    parent::rpc::BlockStatus,
};

/// An own block is given up after this long; a reorganisation may bring it back.
const OWN_BLOCK_UNKNOWN_MAX: Duration = Duration::from_secs(86_400);

/// Where to say that a block is kept, or why not in words.
pub type Kept = oneshot::Sender<Result<(), String>>;

/// A block of the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// No daemon of ours has it yet.
    Found,
    /// A daemon took it; it is not on the main chain yet.
    Submitted,
    /// No daemon takes it, for this reason.
    Refused(String),
    /// On the main chain with this many blocks, itself included.
    Confirmed(i64),
    /// The same, and its coinbase can be spent: it is settled.
    Matured(i64),
    /// Known to a daemon, but not on the main chain; or never known.
    Orphaned,
}

impl PoolBlockStatus {
    /// Its name, for programs.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Submitted => "submitted",
            Self::Refused(_) => "refused",
            Self::Confirmed(_) => "confirmed",
            Self::Matured(_) => "matured",
            Self::Orphaned => "orphaned",
        }
    }
}

impl PoolBlock {
    /// A block that nothing became of yet.
    pub(super) fn found(hash: BlockHash, height: u32, coinbase_value: u64, own: bool) -> Self {
        Self { hash, height, coinbase_value, own, found_at: unix_now(), status: PoolBlockStatus::Found }
    }

    /// The same of one that was mined at this time, Unix seconds, as its header says: it may be of long ago.
    pub(super) fn mined_at(self, time: u32) -> Self {
        Self { found_at: self.found_at.min(time.into()), ..self }
    }

    /// Whether it is on the main chain.
    pub const fn is_confirmed(&self) -> bool {
        matches!(self.status, PoolBlockStatus::Confirmed(_) | PoolBlockStatus::Matured(_))
    }

    /// Whether a daemon has it.
    pub(super) const fn is_taken(&self) -> bool {
        matches!(self.status, PoolBlockStatus::Submitted) || self.is_confirmed()
    }

    /// Whether it is not on the main chain, and will not be.
    pub const fn is_lost(&self) -> bool {
        matches!(self.status, PoolBlockStatus::Refused(_) | PoolBlockStatus::Orphaned)
    }

    pub(super) const fn is_matured(&self) -> bool {
        matches!(self.status, PoolBlockStatus::Matured(_))
    }

    /// The least is forgotten first.
    pub(super) const fn worth(&self) -> (bool, bool, u32) {
        (self.own, self.is_confirmed(), self.height)
    }

    /// A daemon has it now. Whether that is news.
    pub(super) fn on_taken(&mut self) -> bool {
        let is_news = matches!(self.status, PoolBlockStatus::Found | PoolBlockStatus::Refused(_));
        if is_news {
            self.status = PoolBlockStatus::Submitted;
        }
        is_news
    }

    /// A daemon refuses it; that counts while none has taken it. Whether it is news.
    pub(super) fn on_refused(&mut self, reason: String) -> bool {
        let is_news = self.status == PoolBlockStatus::Found;
        if is_news {
            self.status = PoolBlockStatus::Refused(reason);
        }
        is_news
    }

    /// What the daemons say of it.
    pub(super) fn on_looked(&mut self, status: Option<BlockStatus>, maturity: i64, is_old: bool) {
        match status {
            Some(BlockStatus { confirmations: confirmations @ 1.., height }) => {
                self.height = height;
                self.status = if confirmations >= maturity {
                    PoolBlockStatus::Matured(confirmations)
                } else {
                    PoolBlockStatus::Confirmed(confirmations)
                };
            }
            Some(_) => self.status = PoolBlockStatus::Orphaned,
            None if is_old => self.status = PoolBlockStatus::Orphaned,
            // Daemons that lost it, or took it back.
            None if self.is_confirmed() => self.status = PoolBlockStatus::Found,
            None => {}
        }
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
    /// When the daemons were last asked about it.
    pub(super) looked: Option<Instant>,
    /// They are being asked.
    pub(super) is_looked_at: bool,
    /// Daemons that it is being handed to.
    pub(super) submissions: usize,
    /// Ends these.
    pub(super) ended: CancellationToken,
    /// The block, while it should have a file and has none.
    pub(super) unwritten: Option<Arc<[u8]>>,
    /// The file is being written.
    pub(super) is_being_written: bool,
    /// Why the file could not be written or read the last time; the log has said so.
    pub(super) trouble: Option<String>,
    /// Miners' answers that wait for the file.
    pub(super) waiting: Vec<Kept>,
}

impl Tracked {
    pub(super) fn new(block: PoolBlock) -> Self {
        Self {
            block,
            since: Instant::now(),
            looked: None,
            is_looked_at: false,
            submissions: 0,
            ended: CancellationToken::new(),
            unwritten: None,
            is_being_written: false,
            trouble: None,
            waiting: Vec::new(),
        }
    }

    /// Answers those who wait, if it is known by now: the block is kept when it is on the disk, or when that failed and a
    /// daemon has it.
    pub(super) fn answer_waiting(&mut self) {
        let is_written = self.unwritten.is_none();
        if is_written || (self.trouble.is_some() && self.block.is_taken()) {
            self.waiting.drain(..).for_each(|kept| drop(kept.send(Ok(()))));
        } else if self.trouble.is_some() && self.submissions == 0 {
            self.refuse_waiting();
        }
    }

    /// Tells those who wait that the block is kept nowhere.
    pub(super) fn refuse_waiting(&mut self) {
        let cause = self.trouble.as_deref().unwrap_or("the disk does not answer");
        let reason = format!("the block could not be written to disk, and no daemon has taken it: {cause}");
        self.waiting.drain(..).for_each(|kept| drop(kept.send(Err(reason.clone()))));
    }

    /// Whether it is being handed to daemons, and none of them has it.
    pub(super) const fn is_undelivered(&self) -> bool {
        self.submissions > 0 && !self.block.is_taken()
    }

    /// Whether it should be handed to the daemons, if they do not know it.
    pub(super) const fn needs_submission(&self) -> bool {
        self.submissions == 0 && !self.block.is_confirmed() && !matches!(self.block.status, PoolBlockStatus::Refused(_))
    }

    /// Whether the daemons should be asked about it now.
    pub(super) fn is_due(&self) -> bool {
        let patience = if self.block.own { OWN_BLOCK_UNKNOWN_MAX } else { BLOCK_UNKNOWN_MAX };
        let is_settled = match &self.block.status {
            PoolBlockStatus::Found
            | PoolBlockStatus::Submitted
            | PoolBlockStatus::Orphaned
            | PoolBlockStatus::Refused(_) => self.since.elapsed() > patience,
            PoolBlockStatus::Confirmed(_) => false,
            PoolBlockStatus::Matured(_) => true,
        };
        let rested = self.looked.is_none_or(|looked| looked.elapsed() >= BLOCK_CHECK);
        !is_settled && !self.is_looked_at && rested
    }
}
