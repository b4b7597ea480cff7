//! What the next share must say: merge set, numbers, window, and the coinbase that follows from them.

use std::{collections::BTreeSet, sync::Arc};

use crate::{
    amount::Amount,
    chain::ShareChain,
    coinbase::CoinbaseFields,
    dag::ShareIndex,
    hash::{BlockHash, ShareId},
    params::Params,
    payout::{self, Payout, PayoutTerms},
    pplns::Weights,
    script::PayoutScript,
    share::{ExtraOutput, SHARE_VERSION, ShareData},
    target::{CompactTarget, Work},
    validate::contextual::{self, Position},
};

/// Everything about the next share that the share chain decides.
#[derive(Clone, Debug)]
pub struct JobContext {
    /// The best tip.
    pub parent: ShareId,
    /// Shares it merges, ascending.
    pub uncles: Vec<ShareId>,
    /// Mergeable shares, including those for which there was no room; counted up to twice the room.
    pub mergeable: usize,
    /// Its height.
    pub height: u64,
    /// Its count.
    pub count: u64,
    /// Work in its past without its own.
    pub work_before: Work,
    /// The base difficulty.
    pub base_bits: CompactTarget,
    /// Its header's time is not before this; also the coinbase time on chains that have one.
    pub median_time: u32,
    /// The window it pays.
    pub weights: Arc<Weights>,
    /// Where that window was taken.
    pub payout_share: ShareId,
}

/// What the parent chain's template says about the block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParentWork {
    /// The block it extends.
    pub prev_block: BlockHash,
    /// Its height.
    pub block_height: u32,
    /// Subsidy and fees.
    pub coinbase_value: Amount,
    /// Raw bytes for the scriptSig.
    pub coinbase_flags: Vec<u8>,
    /// Witness commitment (BIP141).
    pub witness_commitment: Option<[u8; 32]>,
    /// Outputs the chain demands.
    pub extra_outputs: Vec<ExtraOutput>,
}

/// Who mines a share, and how hard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ShareTerms {
    /// Credited with the work.
    pub payout_script: PayoutScript,
    /// Index of the class table.
    pub payout_class: u8,
    /// From [`crate::difficulty::share_bits`].
    pub share_bits: CompactTarget,
    /// The node's random number.
    pub node_nonce: u64,
    /// Upgrade bits.
    pub signal: u16,
}

/// What a share's coinbase is made of beside the share's own data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PaidWindow {
    /// Where the window was taken.
    pub payout_share: ShareId,
    /// The window.
    pub weights: Arc<Weights>,
    /// Time of the coinbase on chains that have one.
    pub tx_time: Option<u32>,
}

impl PaidWindow {
    /// Whom a coinbase with this share data pays.
    pub fn payouts(&self, params: &Params, data: &ShareData, prev_block: BlockHash) -> Vec<Payout> {
        payouts(params, data, prev_block, &self.weights)
    }

    /// The coinbase before the commitment.
    pub fn coinbase_prefix(&self, params: &Params, data: &ShareData, prev_block: BlockHash) -> Vec<u8> {
        coinbase_fields(data, self.tx_time, &self.payouts(params, data, prev_block)).prefix()
    }
}

impl ShareChain {
    /// The context of a share mined on the best tip.
    ///
    /// `None` while the window it has to pay is not known, as after a start from the middle of a history that is too short,
    /// and when the chain's numbers are exhausted.
    pub fn job_context(&mut self) -> Option<JobContext> {
        let parent = self.dag.tip();
        let mergeable = self.mergeable(parent);
        let uncles_max = usize::from(self.params.raw().uncles_max);
        let merged = mergeable.get(..uncles_max).unwrap_or(&mergeable).to_vec();
        self.context(parent, merged, mergeable.len())
    }

    /// The context of a share on any linked parent with any linked uncles, however invalid it makes the share: what
    /// hostile miners of tests and simulations mine on. `None` when one of them is not linked.
    #[cfg(any(test, feature = "testing"))]
    pub fn context_on(&mut self, parent: &ShareId, uncles: &[ShareId]) -> Option<JobContext> {
        let parent = self.dag.find(parent)?;
        let uncles = uncles.iter().map(|uncle| self.dag.find(uncle)).collect::<Option<Vec<_>>>()?;
        self.context(parent, uncles, 0)
    }

    fn context(&mut self, parent: ShareIndex, uncles: Vec<ShareIndex>, mergeable: usize) -> Option<JobContext> {
        let position = Position::after(&self.dag, &self.params, parent, uncles)?;
        let payout_share = position.payout_share?;
        let weights = self.book.weights(&self.dag, &self.params, payout_share)?;
        let mut uncles: Vec<ShareId> = position.uncles.iter().map(|uncle| self.dag.node(*uncle).id).collect();
        uncles.sort_unstable();
        Some(JobContext {
            parent: self.dag.node(parent).id,
            uncles,
            mergeable,
            height: position.height,
            count: position.count,
            work_before: position.work_before,
            base_bits: position.base_bits,
            median_time: position.median_time,
            weights,
            payout_share: self.dag.node(payout_share).id,
        })
    }

    /// Shares outside the past of `parent` that a share on it may merge, in canonical order; at most twice as many as
    /// one share can take.
    fn mergeable(&self, parent: ShareIndex) -> Vec<ShareIndex> {
        let height = self.dag.node(parent).height.saturating_add(1);
        // Uncles have their fork within the merge depth, so each has more work in its past than that ancestor.
        let height_min = height.saturating_sub(self.params.merge_depth());
        let deepest = self.dag.selected_at(height_min);
        let work_min = deepest.map_or(Work::ZERO, |index| self.dag.node(index).total_work);
        let base_bits = Position::after(&self.dag, &self.params, parent, Vec::new()).map(|position| position.base_bits);
        let Some(base_bits) = base_bits else { return Vec::new() };
        let (past, parent_rank) = (self.dag.past(parent), self.dag.node(parent).rank());
        let len_max = usize::from(self.params.raw().uncles_max).saturating_mul(2);
        let merges_held = self.follows_held();
        let mut chosen = Vec::new();
        let mut members = BTreeSet::new();
        for candidate in self.dag.unmerged_above(work_min) {
            let node = self.dag.node(candidate);
            let in_set = |index: &ShareIndex| members.contains(index) || self.dag.is_in(&past, *index);
            if (merges_held || !self.is_held(candidate))
                && node.rank() < parent_rank
                && in_set(&node.parent)
                && node.uncles.iter().all(in_set)
                && contextual::weighs_enough(node.work, base_bits)
                && contextual::merges_in_time(&self.dag, &self.params, parent, candidate, height)
            {
                members.insert(candidate);
                chosen.push(candidate);
                if chosen.len() >= len_max {
                    break;
                }
            }
        }
        chosen
    }
}

impl JobContext {
    /// The share data of `terms` on `work`.
    ///
    /// `None` when the target is out of range or the work does not fit.
    pub fn share_data(&self, work: &ParentWork, terms: &ShareTerms) -> Option<ShareData> {
        let own = terms.share_bits.to_target()?.work()?;
        Some(ShareData {
            version: SHARE_VERSION,
            parent: self.parent,
            uncles: self.uncles.clone(),
            height: self.height,
            count: self.count,
            total_work: self.work_before.checked_add(own)?,
            base_bits: self.base_bits,
            share_bits: terms.share_bits,
            payout_script: terms.payout_script,
            payout_class: terms.payout_class,
            coinbase_value: work.coinbase_value,
            block_height: work.block_height,
            coinbase_flags: work.coinbase_flags.clone(),
            witness_commitment: work.witness_commitment,
            extra_outputs: work.extra_outputs.clone(),
            node_nonce: terms.node_nonce,
            signal: terms.signal,
        })
    }

    /// Whom a coinbase with this share data pays.
    pub fn payouts(&self, params: &Params, data: &ShareData, prev_block: BlockHash) -> Vec<Payout> {
        payouts(params, data, prev_block, &self.weights)
    }

    /// The coinbase before the commitment. Equal for all share data that differ in commitment only, once somebody has
    /// weight in the window.
    pub fn coinbase_prefix(&self, params: &Params, data: &ShareData, prev_block: BlockHash) -> Vec<u8> {
        let tx_time = params.parent().tx_time.then_some(self.median_time);
        coinbase_fields(data, tx_time, &self.payouts(params, data, prev_block)).prefix()
    }
}

/// The one place where share data becomes payouts, for mining and for checking.
pub(super) fn payouts(params: &Params, data: &ShareData, prev_block: BlockHash, weights: &Weights) -> Vec<Payout> {
    let extra = Amount::checked_sum(data.extra_outputs.iter().map(|output| output.value)).unwrap_or_default();
    let terms = PayoutTerms {
        // A checked share's extra outputs do not exceed its coinbase value.
        reward: data.coinbase_value.checked_sub(extra).unwrap_or_default(),
        outputs_max: params.outputs_max(data.payout_class, &data.extra_outputs).unwrap_or(1),
        payout_min: params.raw().payout_min,
        prev_block,
    };
    payout::split(&terms, weights, data.payout_script)
}

pub(super) fn coinbase_fields<'a>(
    data: &'a ShareData,
    tx_time: Option<u32>,
    payouts: &'a [Payout],
) -> CoinbaseFields<'a> {
    CoinbaseFields {
        tx_time,
        block_height: data.block_height,
        flags: &data.coinbase_flags,
        extra_outputs: &data.extra_outputs,
        payouts,
        witness_commitment: data.witness_commitment.as_ref(),
    }
}
