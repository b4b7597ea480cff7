//! What shares claim about the parent chain, held against what the own daemon knows. Policy, never validity: a claim spoils
//! at most its own block, but whoever mines on a block that nobody has, or on an old one, does not help to find the next
//! (attack C3, and stale work).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    amount::Amount, chain::not_yet::NotYet, hash::BlockHash, target::CompactTarget, template_key::TemplateKey,
    validate::CheckedShare,
};

/// Parent blocks remembered: some days of the fastest chains. Bounds what a daemon can make us keep.
const BLOCKS_MAX: usize = 8_192;
/// Refused templates remembered. Each cost a daemon a look at a whole block, of which there are few a minute.
const REFUSED_MAX: usize = 1_024;
/// Shares on one of so many newest blocks cannot have been mined long ago: rival histories are compared by them, and a daemon's
/// blocks before them need not be told.
pub const FRESH_BLOCKS: u32 = 144;

/// A block that the own daemon has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParentBlock {
    /// Its hash.
    pub hash: BlockHash,
    /// Its height.
    pub height: u32,
    /// The target a block on it must have, if the daemon said so and the chain has one for all.
    pub next_bits: Option<CompactTarget>,
    /// What a block on it is worth at most, if the daemon said so: more than that was invented.
    pub value_max: Option<Amount>,
}

/// The daemon's blocks. Without any nothing is judged.
#[derive(Clone, Debug, Default)]
pub(super) struct ParentClaims {
    blocks: BTreeMap<BlockHash, ParentBlock>,
    order: VecDeque<BlockHash>,
    newest: u32,
    refused: BTreeSet<TemplateKey>,
    refused_order: VecDeque<TemplateKey>,
}

impl ParentClaims {
    /// The daemon refuses blocks that are made of this template.
    pub(super) fn refuse(&mut self, template: TemplateKey) {
        if self.refused.insert(template) {
            self.refused_order.push_back(template);
        }
        while self.refused_order.len() > REFUSED_MAX
            && let Some(oldest) = self.refused_order.pop_front()
        {
            self.refused.remove(&oldest);
        }
    }

    /// The daemon has this block. Whether it learned something new.
    pub(super) fn learn(&mut self, block: ParentBlock) -> bool {
        self.newest = self.newest.max(block.height);
        let before = self.blocks.get(&block.hash).copied();
        // Told again without target and value, it still has those it had.
        let next_bits = block.next_bits.or_else(|| before?.next_bits);
        let value_max = block.value_max.or_else(|| before?.value_max);
        let block = ParentBlock { next_bits, value_max, ..block };
        self.blocks.insert(block.hash, block);
        if before.is_none() {
            self.order.push_back(block.hash);
        }
        while self.order.len() > BLOCKS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.blocks.remove(&oldest);
        }
        before != Some(block)
    }

    /// Height of a block, 0 when the daemon does not have it.
    pub(super) fn height(&self, hash: &BlockHash) -> u32 {
        self.blocks.get(hash).map_or(0, |block| block.height)
    }

    /// Heights from here on are fresh; `None` without a daemon. Never 0, the height of blocks that the daemon does not have.
    pub(super) fn fresh_from(&self) -> Option<u32> {
        (!self.blocks.is_empty()).then(|| self.newest.saturating_sub(FRESH_BLOCKS.saturating_sub(1)).max(1))
    }

    /// What speaks against the claims of a share; `newest_below` is the height of the newest block in its parent's past.
    pub(super) fn judge(&self, share: &CheckedShare, newest_below: u32) -> Option<NotYet> {
        if self.blocks.is_empty() {
            return None;
        }
        let (header, data) = (&share.share().header, &share.share().data);
        let Some(block) = self.blocks.get(&header.prev_block) else {
            return Some(NotYet::UnknownBlock(header.prev_block));
        };
        let contradicts = block.height.checked_add(1) != Some(data.block_height)
            || block.next_bits.is_some_and(|bits| bits != header.bits)
            || block.value_max.is_some_and(|value| data.coinbase_value > value);
        if contradicts {
            return Some(NotYet::WrongClaims);
        }
        if !self.refused.is_empty() && self.refused.contains(&TemplateKey::of_share(share.share())) {
            return Some(NotYet::RefusedTemplate);
        }
        (block.height.saturating_add(2) <= newest_below).then_some(NotYet::StaleBlock)
    }
}
