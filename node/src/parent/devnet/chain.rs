//! The devnet chain as a pure state machine: blocks in, answers in the words of submitblock out.

use std::{collections::BTreeMap, time::Duration};

use sharechain::{
    BlockHash, CompactTarget, Header, Target, Work,
    coinbase::{WITNESS_MARKER, height_push},
    difficulty::{Controller, Progress},
    encode::Writer,
    hash::{Txid, sha256d},
    merkle,
    pow::PowHash,
};

use super::{
    block_hash, genesis_header,
    transactions::{self, POOL_SIZE, PoolTransaction},
};
use crate::parent::block::{Block, Transaction};

/// Subsidy of a block, base units.
const SUBSIDY: u64 = 50 * 100_000_000;
/// Weight limit of a block.
pub(super) const WEIGHT_MAX: usize = 4_000_000;
/// A header's time may be this far ahead of the clock, seconds.
const FUTURE_TIME_MAX_SECS: u64 = 7_200;
/// Headers whose times give the median time past.
const MEDIAN_TIME_SPAN: usize = 11;
/// Hashes per second for which the first blocks take the wanted time: a quarter of one slow CPU core, so that the first
/// block is never long in coming.
const START_HASHES_PER_SEC: u128 = 1 << 19;
/// An error of this many block intervals doubles or halves the difficulty: four blocks of twice the wanted speed.
const HALFLIFE_INTERVALS: u32 = 4;

/// One block of the tree.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) header: Header,
    pub(super) height: u32,
    total_work: Work,
    pub(super) bytes: Vec<u8>,
    /// Best child on the main chain, if it is on it.
    pub(super) next: Option<BlockHash>,
}

/// What became of a block, in submitblock's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    /// It is the new tip: null.
    Accepted,
    /// Valid, but another block is the tip.
    Inconclusive,
    /// Known already.
    Duplicate,
    /// Refused for this reason.
    Refused(&'static str),
}

/// All blocks. The best chain is the one with the most work, the first one seen among equals.
#[derive(Debug)]
pub(super) struct DevnetChain {
    blocks: BTreeMap<BlockHash, Entry>,
    /// The main chain by height.
    main: Vec<BlockHash>,
    /// Bits of the first blocks; none are easier.
    easiest: CompactTarget,
    controller: Controller,
}

/// What a miner has to build the next block from.
#[derive(Debug)]
pub(super) struct BlockTemplate {
    pub(super) prev_block: BlockHash,
    pub(super) height: u32,
    pub(super) bits: CompactTarget,
    pub(super) time_min: u32,
    pub(super) transactions: Vec<PoolTransaction>,
    pub(super) coinbase_value: u64,
    pub(super) witness_commitment: [u8; 32],
}

impl DevnetChain {
    /// Only the first block.
    pub(super) fn new(block_interval: Duration) -> Self {
        let header = genesis_header();
        let hash = block_hash(&header);
        let genesis = Entry { header, height: 0, total_work: Work::ZERO, bytes: Vec::new(), next: None };
        let interval_ms = u32::try_from(block_interval.as_millis()).unwrap_or(u32::MAX).max(1);
        let first_work = Work::from_hashes(START_HASHES_PER_SEC.saturating_mul(block_interval.as_secs().max(1).into()));
        let easiest = Target::from_work(first_work).to_compact();
        Self {
            blocks: BTreeMap::from([(hash, genesis)]),
            main: vec![hash],
            easiest,
            controller: Controller {
                share_interval_ms: interval_ms,
                halflife_secs: interval_ms.saturating_mul(HALFLIFE_INTERVALS).div_ceil(1_000),
                base_target_max: easiest.to_target().unwrap_or(Target::EASIEST),
            },
        }
    }

    /// Height of the tip.
    pub(super) fn height(&self) -> u32 {
        u32::try_from(self.main.len()).unwrap_or(u32::MAX).saturating_sub(1)
    }

    /// Hash of the tip.
    pub(super) fn tip(&self) -> BlockHash {
        self.main.last().copied().unwrap_or_default()
    }

    /// The main chain's block at a height.
    pub(super) fn hash_at(&self, height: u32) -> Option<BlockHash> {
        self.main.get(usize::try_from(height).ok()?).copied()
    }

    pub(super) fn entry(&self, hash: &BlockHash) -> Option<&Entry> {
        self.blocks.get(hash)
    }

    /// Blocks from this one to the tip, itself included; -1 off the main chain, as daemons say it.
    pub(super) fn confirmations(&self, hash: &BlockHash) -> i64 {
        let Some(entry) = self.blocks.get(hash) else { return -1 };
        if self.hash_at(entry.height) == Some(*hash) { i64::from(self.height() - entry.height) + 1 } else { -1 }
    }

    /// The template of the next block.
    pub(super) fn template(&self, now: u64) -> BlockTemplate {
        let prev_block = self.tip();
        let since = self.blocks.get(&prev_block).map_or(0, |tip| now.saturating_sub(u64::from(tip.header.time)));
        let transactions: Vec<PoolTransaction> =
            (0..transactions::visible(since)).map(|index| transactions::transaction(prev_block, index)).collect();
        let wtxids: Vec<Txid> = transactions.iter().map(|transaction| transaction.wtxid).collect();
        BlockTemplate {
            prev_block,
            height: self.height() + 1,
            bits: self.next_bits(&prev_block),
            time_min: self.median_time(&prev_block) + 1,
            coinbase_value: SUBSIDY + transactions.iter().map(|transaction| transaction.fee).sum::<u64>(),
            witness_commitment: witness_commitment(&wtxids, &[0; 32]),
            transactions,
        }
    }

    /// Checks a block and adds it.
    pub(super) fn submit(&mut self, bytes: &[u8], now: u64) -> Outcome {
        let Ok(block) = Block::decode(bytes) else { return Outcome::Refused("block-decode-failed") };
        let hash = block_hash(&block.header);
        if self.blocks.contains_key(&hash) {
            return Outcome::Duplicate;
        }
        let pow = PowHash::from_bytes(*hash.as_bytes());
        if !block.header.bits.to_target().is_some_and(|target| target.is_met_by(&pow)) {
            return Outcome::Refused("high-hash");
        }
        match self.check(&block, now) {
            Err(reason) => Outcome::Refused(reason),
            Ok(height) => self.add(hash, &block.header, height, bytes.to_vec()),
        }
    }

    /// Checks a block without its proof of work, as `mode: proposal` asks for.
    pub(super) fn propose(&self, bytes: &[u8], now: u64) -> Outcome {
        let Ok(block) = Block::decode(bytes) else { return Outcome::Refused("block-decode-failed") };
        if self.blocks.contains_key(&block_hash(&block.header)) {
            return Outcome::Duplicate;
        }
        if block.header.prev_block != self.tip() {
            return Outcome::Refused("inconclusive-not-best-prevblk");
        }
        self.check(&block, now).map_or_else(Outcome::Refused, |_| Outcome::Accepted)
    }

    /// Every rule but the proof of work; gives the block's height.
    fn check(&self, block: &Block, now: u64) -> Result<u32, &'static str> {
        let header = &block.header;
        let prev = self.blocks.get(&header.prev_block).ok_or("prev-blk-not-found")?;
        let height = prev.height.checked_add(1).ok_or("bad-height")?;
        if header.bits != self.next_bits(&header.prev_block) {
            return Err("bad-diffbits");
        }
        if header.time <= self.median_time(&header.prev_block) {
            return Err("time-too-old");
        }
        if u64::from(header.time) > now.saturating_add(FUTURE_TIME_MAX_SECS) {
            return Err("time-too-new");
        }
        if header.version < 4 {
            return Err("bad-version");
        }
        let (coinbase, rest) = block.transactions.split_first().ok_or("bad-cb-missing")?;
        let others: Vec<Txid> = rest.iter().map(|transaction| transaction.txid).collect();
        if merkle::root_of_left_path(coinbase.txid, &merkle::left_path(&others)) != header.merkle_root {
            return Err("bad-txnmrklroot");
        }
        if block.weight > WEIGHT_MAX {
            return Err("bad-blk-weight");
        }
        check_coinbase(coinbase, height)?;
        let fees = check_transactions(header.prev_block, rest)?;
        check_witness(coinbase, rest)?;
        let paid = coinbase.outputs.iter().try_fold(0_u64, |sum, output| sum.checked_add(output.value));
        if paid.is_none_or(|paid| paid > SUBSIDY + fees) {
            return Err("bad-cb-amount");
        }
        Ok(height)
    }

    fn add(&mut self, hash: BlockHash, header: &Header, height: u32, bytes: Vec<u8>) -> Outcome {
        let work = header.bits.to_target().and_then(Target::work).unwrap_or(Work::ZERO);
        let total = |hash: &BlockHash| self.blocks.get(hash).map_or(Work::ZERO, |entry| entry.total_work);
        let total_work = total(&header.prev_block).checked_add(work).unwrap_or(Work::MAX);
        let is_better = total_work > total(&self.tip());
        self.blocks.insert(hash, Entry { header: *header, height, total_work, bytes, next: None });
        if !is_better {
            return Outcome::Inconclusive;
        }
        self.reorganize(hash);
        Outcome::Accepted
    }

    /// Makes `tip` the end of the main chain.
    fn reorganize(&mut self, tip: BlockHash) {
        let mut branch = Vec::new();
        let mut at = tip;
        while let Some(entry) = self.blocks.get(&at)
            && self.hash_at(entry.height) != Some(at)
        {
            branch.push(at);
            at = entry.header.prev_block;
        }
        let fork_len = self.blocks.get(&at).map_or(1, |entry| entry.height as usize + 1);
        for left in self.main.split_off(fork_len) {
            self.link(&left, None);
        }
        for hash in branch.into_iter().rev() {
            self.link(&self.tip(), Some(hash));
            self.main.push(hash);
        }
    }

    fn link(&mut self, hash: &BlockHash, next: Option<BlockHash>) {
        if let Some(entry) = self.blocks.get_mut(hash) {
            entry.next = next;
        }
    }

    /// The target of a block on `prev`: relative ASERT of one step, from the time `prev` itself took.
    fn next_bits(&self, prev: &BlockHash) -> CompactTarget {
        let Some(entry) = self.blocks.get(prev) else { return self.easiest };
        let Some(before) = self.blocks.get(&entry.header.prev_block) else { return self.easiest };
        let target = entry.header.bits.to_target().unwrap_or(self.controller.base_target_max);
        // The first block has waited since the chain was designed; that says nothing about its miners.
        if before.height == 0 {
            return self.easiest;
        }
        self.controller.base_bits(
            target,
            Progress { count: 0, median_time: before.header.time },
            Progress { count: 1, median_time: entry.header.time },
        )
    }

    fn median_time(&self, hash: &BlockHash) -> u32 {
        let mut times = Vec::with_capacity(MEDIAN_TIME_SPAN);
        let mut at = *hash;
        while let (Some(entry), true) = (self.blocks.get(&at), times.len() < MEDIAN_TIME_SPAN) {
            times.push(entry.header.time);
            at = entry.header.prev_block;
        }
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    }
}

fn check_coinbase(coinbase: &Transaction, height: u32) -> Result<(), &'static str> {
    let null_outpoint = [[0; 32].as_slice(), &[0xff; 4]].concat();
    let ([outpoint], [script]) = (coinbase.outpoints.as_slice(), coinbase.input_scripts.as_slice()) else {
        return Err("bad-cb-multiple");
    };
    if outpoint.as_slice() != null_outpoint {
        return Err("bad-cb-missing");
    }
    if !(2..=100).contains(&script.len()) {
        return Err("bad-cb-length");
    }
    if script.starts_with(&height_push(height)) { Ok(()) } else { Err("bad-cb-height") }
}

/// Every transaction waits on this block, and none is there twice; gives their fees.
fn check_transactions(prev_block: BlockHash, transactions: &[Transaction]) -> Result<u64, &'static str> {
    let mut pool: BTreeMap<Txid, PoolTransaction> = (0..POOL_SIZE)
        .map(|index| transactions::transaction(prev_block, index))
        .map(|transaction| (transaction.txid, transaction))
        .collect();
    transactions.iter().try_fold(0, |fees: u64, transaction| {
        let known = pool.remove(&transaction.txid).ok_or("bad-txns-inputs-missingorspent")?;
        if known.wtxid == transaction.wtxid { Ok(fees + known.fee) } else { Err("bad-txns-witness") }
    })
}

/// The last output with the marker commits to the witnesses (BIP141).
fn check_witness(coinbase: &Transaction, transactions: &[Transaction]) -> Result<(), &'static str> {
    let committed =
        coinbase.outputs.iter().rev().find_map(|output| output.script.strip_prefix(WITNESS_MARKER.as_slice()));
    let Some(committed) = committed.filter(|commitment| commitment.len() >= 32) else {
        return Err("unexpected-witness");
    };
    let [reserved] = coinbase.first_witness.as_slice() else { return Err("bad-witness-nonce-size") };
    let Ok(reserved) = <&[u8; 32]>::try_from(reserved.as_slice()) else { return Err("bad-witness-nonce-size") };
    let wtxids: Vec<Txid> = transactions.iter().map(|transaction| transaction.wtxid).collect();
    if committed.starts_with(&witness_commitment(&wtxids, reserved)) { Ok(()) } else { Err("bad-witness-merkle-match") }
}

/// Root of the witness ids, the coinbase's being zero, hashed with the reserved value.
fn witness_commitment(wtxids: &[Txid], reserved: &[u8; 32]) -> [u8; 32] {
    let root = merkle::root_of_left_path(Txid::ZERO, &merkle::left_path(wtxids));
    let mut preimage = Writer::default();
    preimage.bytes(root.as_bytes()).bytes(reserved);
    sha256d(&preimage.into_bytes())
}

#[cfg(test)]
pub(super) mod tests;
