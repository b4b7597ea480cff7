//! Whom the pool's blocks paid: the blocks that were on the parent's main chain, newest first, bounded in blocks and in outputs.

use std::{collections::BTreeMap, sync::Arc};

use sharechain::{BlockHash, PayoutScript, UnixTime, payout::Payout};

use super::proof::Proven;

/// Blocks that are remembered: ten years at one a day.
pub const LEDGER_BLOCKS_MAX: usize = 4_096;
/// Outputs that are remembered in all, 43 bytes each: a pool that finds many blocks with many outputs keeps fewer of them.
pub const LEDGER_OUTPUTS_MAX: usize = 500_000;
/// Entries of their windows in all, a hundred bytes each in the files of the proofs.
pub const LEDGER_WINDOWS_MAX: usize = 4_000_000;

/// A block and whom it paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaidBlock {
    /// Its hash.
    pub hash: BlockHash,
    /// Its height.
    pub height: u32,
    /// Its header's time.
    pub time: UnixTime,
    /// Ascending by script.
    pub payouts: Vec<Payout>,
    /// Scripts in the window.
    pub window_len: usize,
    /// Whether it left the main chain, as far as it was followed: it paid nobody.
    pub is_orphaned: bool,
}

/// A payout of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaidScript<'a> {
    /// In which block.
    pub block: &'a PaidBlock,
    /// Who, and how much.
    pub payout: Payout,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    blocks: BTreeMap<(u32, BlockHash), Arc<PaidBlock>>,
    outputs: usize,
    windows: usize,
}

impl From<&Proven> for PaidBlock {
    fn from(proven: &Proven) -> Self {
        let (header, data) = (&proven.share.share().header, &proven.share.share().data);
        Self {
            hash: proven.share.id().into(),
            height: data.block_height,
            time: UnixTime::from(header.time),
            payouts: proven.payouts.clone(),
            window_len: proven.weights.entries().len(),
            is_orphaned: false,
        }
    }
}

impl Ledger {
    /// Whether this block is in it.
    pub fn contains(&self, height: u32, hash: &BlockHash) -> bool {
        self.blocks.contains_key(&(height, *hash))
    }

    /// Adds a block; which ones are forgotten for it, the lowest first. It may be the new one itself.
    pub fn insert(&mut self, block: PaidBlock) -> Vec<BlockHash> {
        let (key, outputs, window) = ((block.height, block.hash), block.payouts.len(), block.window_len);
        if self.blocks.insert(key, Arc::new(block)).is_none() {
            self.outputs = self.outputs.saturating_add(outputs);
            self.windows = self.windows.saturating_add(window);
        }
        let mut forgotten = Vec::new();
        while self.blocks.len() > LEDGER_BLOCKS_MAX
            || self.outputs > LEDGER_OUTPUTS_MAX
            || self.windows > LEDGER_WINDOWS_MAX
        {
            let Some((_, lowest)) = self.blocks.pop_first() else { break };
            self.outputs = self.outputs.saturating_sub(lowest.payouts.len());
            self.windows = self.windows.saturating_sub(lowest.window_len);
            forgotten.push(lowest.hash);
        }
        forgotten
    }

    /// Remembers of a block whether it left the main chain; whether that is another answer than before.
    pub fn set_orphaned(&mut self, height: u32, hash: &BlockHash, is_orphaned: bool) -> bool {
        let block = self.blocks.get_mut(&(height, *hash)).filter(|block| block.is_orphaned != is_orphaned);
        let is_news = block.is_some();
        if let Some(block) = block {
            *block = Arc::new(PaidBlock { is_orphaned, ..PaidBlock::clone(block) });
        }
        is_news
    }

    /// The blocks, the highest first.
    pub fn blocks(&self) -> impl Iterator<Item = &PaidBlock> {
        self.blocks.values().rev().map(AsRef::as_ref)
    }

    /// Payouts of one script, or of all, the newest first.
    pub fn payouts(&self, script: Option<PayoutScript>) -> impl Iterator<Item = PaidScript<'_>> {
        let wanted = move |payout: &&Payout| script.is_none_or(|script| payout.script == script);
        self.blocks().flat_map(move |block| {
            block.payouts.iter().filter(wanted).map(move |payout| PaidScript { block, payout: *payout })
        })
    }
}

#[cfg(test)]
mod tests {
    use sharechain::{Amount, testing};

    use super::*;

    fn block(height: u32, scripts: std::ops::Range<u64>) -> PaidBlock {
        let payout = |tag: u64| Payout { script: testing::script(tag), amount: Amount::from_units(tag) };
        let mut hash = [7; 32];
        hash[..4].copy_from_slice(&height.to_le_bytes());
        let hash = BlockHash::from_bytes(hash);
        PaidBlock {
            hash,
            height,
            time: 0,
            payouts: scripts.map(payout).collect(),
            window_len: 1_000,
            is_orphaned: false,
        }
    }

    #[test]
    fn payouts_come_newest_first_and_by_script() {
        let mut ledger = Ledger::default();
        for height in [2, 3, 1] {
            assert_eq!(ledger.insert(block(height, 1..4)), []);
        }
        assert_eq!(ledger.insert(block(2, 1..4)), [], "again");
        let heights = |script| ledger.payouts(script).map(|paid| paid.block.height).collect::<Vec<_>>();
        assert_eq!(heights(Some(testing::script(2))), [3, 2, 1]);
        assert!(heights(Some(testing::script(9))).is_empty());
        assert_eq!((heights(None).len(), ledger.outputs), (9, 9));
        let known = block(2, 0..0);
        assert!(ledger.contains(2, &known.hash) && !ledger.contains(4, &known.hash));
    }

    #[test]
    fn what_became_of_a_block_is_kept_with_it_and_news_are_told_once() {
        let mut ledger = Ledger::default();
        let known = block(2, 1..3);
        ledger.insert(known.clone());
        let mut set = |height, is_orphaned| ledger.set_orphaned(height, &known.hash, is_orphaned);
        assert_eq!([set(2, false), set(2, true), set(2, true), set(3, true)], [false, true, false, false]);
        let orphaned = PaidBlock { is_orphaned: true, ..known.clone() };
        assert_eq!(ledger.blocks().collect::<Vec<_>>(), [&orphaned]);
        assert_eq!((ledger.outputs, ledger.windows), (2, 1_000));
        assert!(ledger.set_orphaned(2, &known.hash, false), "a reorganisation brings it back");
    }

    #[test]
    fn what_is_too_much_goes_from_the_lowest() {
        let mut ledger = Ledger::default();
        let scripts = 0..LEDGER_OUTPUTS_MAX as u64 / 2;
        assert_eq!(ledger.insert(block(5, scripts.clone())), []);
        assert_eq!(ledger.insert(block(4, scripts.clone())), []);
        assert_eq!(ledger.insert(block(6, 0..1)), [block(4, 0..0).hash]);
        assert_eq!(ledger.insert(block(3, scripts)), [block(3, 0..0).hash], "the new one itself");
        let mut many = Ledger::default();
        let count = u32::try_from(LEDGER_BLOCKS_MAX).unwrap() + 9;
        let forgotten: usize = (0..count).map(|height| many.insert(block(height, 0..1)).len()).sum();
        let kept = LEDGER_WINDOWS_MAX / 1_000;
        assert_eq!((forgotten, many.blocks().count()), (LEDGER_BLOCKS_MAX + 9 - kept, kept), "windows are many first");
    }
}
