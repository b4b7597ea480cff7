//! An open channel: its target, its part of the extranonce, the parent block, and the jobs that wait for the next one.

use std::collections::BTreeMap;

use sharechain::Target;

use super::{
    frame::{EXTRANONCE2_LEN_MIN, REQUEST_ID},
    message::{Block, Content, Job, Opened},
    refusal::Refusal,
};
use crate::miner::work::{Root, Work};

/// Version bits that are the miner's (BIP320), in every reading of the specification.
const ROLLING_MASK: u32 = 0x1fff_e000;
/// Jobs that may wait for a parent block; of more the oldest are forgotten. A pool tells one or two.
const WAITING_MAX: usize = 16;
/// Longest extranonce, both parts (specification, section 5.3.3).
const EXTRANONCE_LEN_MAX: usize = 32;

/// See the module.
#[derive(Debug)]
pub(super) struct Channel {
    id: u32,
    group_id: u32,
    target: Target,
    extranonce_prefix: Vec<u8>,
    /// `None` on standard channels.
    extranonce2_len: Option<usize>,
    /// Whether no version bit is the miner's.
    is_version_fixed: bool,
    block: Option<Block>,
    waiting: BTreeMap<u32, Draft>,
    generation: u64,
}

/// A job without time and parent block. Its extranonce is that of the time at which it was told.
#[derive(Clone, Debug)]
struct Draft {
    version: u32,
    version_mask: u32,
    root: Root,
}

impl Channel {
    /// A channel that was just opened.
    pub(super) fn new(opened: Opened, is_version_fixed: bool) -> Result<Self, Refusal> {
        let Opened { request_id, channel_id, group_id, target, extranonce_prefix, extranonce2_len } = opened;
        if request_id != REQUEST_ID {
            return Err(Refusal::protocol("it opens a channel that nobody asked for"));
        }
        let (prefix, len) = (extranonce_prefix.len(), extranonce2_len.unwrap_or(0));
        let is_enough = extranonce2_len.is_none_or(|len| len >= usize::from(EXTRANONCE2_LEN_MIN));
        if !is_enough || prefix + len > EXTRANONCE_LEN_MAX {
            return Err(Refusal::Protocol(format!("an extranonce of {prefix} bytes of its own, {len} of the miner's")));
        }
        Ok(Self {
            id: channel_id,
            group_id,
            target,
            extranonce_prefix,
            extranonce2_len,
            is_version_fixed,
            block: None,
            waiting: BTreeMap::new(),
            generation: 0,
        })
    }

    pub(super) const fn id(&self) -> u32 {
        self.id
    }

    pub(super) const fn is_extended(&self) -> bool {
        self.extranonce2_len.is_some()
    }

    /// Whether a message to this channel is meant: its own id, or that of its group.
    pub(super) const fn is_meant(&self, channel_id: u32) -> bool {
        channel_id == self.id || channel_id == self.group_id
    }

    /// Counts for jobs that begin from now on, those that wait among them (specification, `SetTarget`).
    pub(super) const fn set_target(&mut self, target: Target) {
        self.target = target;
    }

    /// Counts for jobs that are told from now on.
    pub(super) fn set_extranonce_prefix(&mut self, prefix: Vec<u8>) -> Result<(), Refusal> {
        if prefix.len() + self.extranonce2_len.unwrap_or(0) > EXTRANONCE_LEN_MAX {
            return Err(Refusal::protocol("the extranonce gets too long"));
        }
        self.extranonce_prefix = prefix;
        Ok(())
    }

    /// The work of a job that begins at once; `None` for one that waits.
    pub(super) fn on_job(&mut self, job: Job) -> Result<Option<Work<u32>>, Refusal> {
        let Job { id, time, version, content } = job;
        let draft = self.draft(version, content)?;
        match time {
            Some(time) => {
                let block = self.block.ok_or_else(|| Refusal::protocol("a job begins before any parent block"))?;
                Ok(Some(self.begin(id, draft, block, time)))
            }
            None => {
                self.waiting.insert(id, draft);
                if self.waiting.len() > WAITING_MAX {
                    self.waiting.pop_first();
                }
                Ok(None)
            }
        }
    }

    /// The work of the job that begins with its parent block. All others are void.
    pub(super) fn on_block(&mut self, job_id: u32, block: Block, time: u32) -> Result<Work<u32>, Refusal> {
        let draft = std::mem::take(&mut self.waiting).remove(&job_id);
        let draft = draft.ok_or_else(|| Refusal::Protocol(format!("job {job_id} begins, and was never told")))?;
        self.block = Some(block);
        Ok(self.begin(job_id, draft, block, time))
    }

    fn draft(&self, version: u32, content: Content) -> Result<Draft, Refusal> {
        let (root, is_rolling) = match (content, self.extranonce2_len) {
            (Content::Root(root), None) => (Root::Fixed(root), true),
            (Content::Coinbase { begin, end, branch, is_rolling }, Some(extranonce2_len)) => {
                let begin = [begin, self.extranonce_prefix.clone()].concat();
                (Root::Coinbase { begin, end, branch, extranonce2_len }, is_rolling)
            }
            (Content::Root(_), Some(_)) | (Content::Coinbase { .. }, None) => {
                return Err(Refusal::protocol("a job of the other kind of channel"));
            }
        };
        // Some servers set bits and cannot clear them: those that the job has stay as they are.
        let version_mask = if is_rolling && !self.is_version_fixed { ROLLING_MASK & !version } else { 0 };
        Ok(Draft { version, version_mask, root })
    }

    fn begin(&mut self, job_id: u32, draft: Draft, block: Block, time: u32) -> Work<u32> {
        self.generation += 1;
        Work {
            job_id,
            time,
            target: self.target,
            generation: self.generation,
            version_mask: draft.version_mask,
            prev_block: block.prev_block.to_vec(),
            version: draft.version,
            bits: block.bits,
            root: draft.root,
        }
    }
}
