//! Mines anywhere in a share DAG, well or badly, without looking for hashes: what property tests and fuzz targets grow
//! their shares with.
//!
//! Beside the chain stands a second, naive reading of the rules of merging (`docs/protocol/share.md`): it keeps every
//! share's whole past as a set. Each share is handed to the chain at once and its verdict compared with the reading.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    chain::{JobContext, Origin, ShareChain, Verdict},
    coinbase::PrefixState,
    difficulty::UNCLE_WORK_MIN_DIVISOR,
    error::ShareError,
    fork_choice::{ForkRank, MergeOrder},
    hash::{BlockHash, ShareId},
    params::{ConsensusParams, Params},
    share::ShareData,
    target::{CompactTarget, Work},
    testing::{Miner, Rng, devnet_params, params, script},
    validate::CheckedShare,
};

/// Bytes of a [`Plan`].
pub const PLAN_LEN: usize = 8;
/// Miners that a plan can name.
const MINERS: u8 = 8;

/// Where and how one share is mined. Any bytes are a plan; zeros are the plainest one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Plan {
    /// Below 128 the best tip, else that many minus 128 shares back in order of mining.
    pub parent: u8,
    /// Below 128 all that may be merged, below 192 nothing, else shares drawn at random.
    pub uncles: u8,
    /// Seed of the drawn uncles.
    pub draw: u8,
    /// Which miner.
    pub miner: u8,
    /// Below 128 the base work, so that there are ties; else up to 64 times as much.
    pub work: u8,
    /// Payout class, modulo the number of classes.
    pub class: u8,
    /// Seconds after the median, or before it when negative.
    pub time: i8,
    /// Which parent-chain block is extended, modulo 4.
    pub prev_block: u8,
}

impl Plan {
    /// Reads a plan; missing bytes are zeros.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut rest = bytes.iter().copied();
        let mut next = || rest.next().unwrap_or_default();
        Self {
            parent: next(),
            uncles: next(),
            draw: next(),
            miner: next(),
            work: next(),
            class: next(),
            time: i8::from_le_bytes([next()]),
            prev_block: next(),
        }
    }
}

/// A rule of a share's context that the naive reading finds broken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Broken {
    ParentNotBest,
    Merged,
    NotClosed,
    TooDeep,
    TooLight,
    Time,
}

/// What is known of a share beside its bytes.
#[derive(Debug)]
struct Known {
    share: Arc<CheckedShare>,
    /// The share and all its ancestors, the virtual genesis not counted.
    past: BTreeSet<ShareId>,
}

/// See the module.
#[derive(Debug)]
pub struct DagMiner {
    /// The chain that sees every share as soon as it is mined.
    pub chain: ShareChain,
    /// Valid shares, in order of mining.
    pub shares: Vec<Arc<CheckedShare>>,
    /// Shares that broke a rule of their context.
    pub refused: Vec<Arc<CheckedShare>>,
    miner: Miner,
    known: BTreeMap<ShareId, Known>,
    reach: u64,
}

/// Devnet parameters with depths, a window and an epoch so short that few shares pass them all.
pub fn shallow_params() -> Arc<Params> {
    let raw = devnet_params().raw().clone();
    params(ConsensusParams {
        merge_depth: 6,
        uncles_max: 4,
        payout_epoch: 3,
        window_shares: 16,
        asert_halflife_secs: 10,
        base_target_max: CompactTarget::from_bits(0x1f00_ffff),
        ..raw
    })
}

impl DagMiner {
    /// An empty DAG. `reach`: how many heights below the best tip, or below itself, the branch of a parent may have
    /// left the best chain; other parents become the tip. With half the merge depth no order of arrival can make a chain
    /// leave a branch deeper than the merge depth, which would be up to policy.
    pub fn new(params: Arc<Params>, reach: u64) -> Self {
        Self {
            chain: ShareChain::new(params.clone()),
            shares: Vec::new(),
            refused: Vec::new(),
            miner: Miner::new(params, 0),
            known: BTreeMap::new(),
            reach,
        }
    }

    /// Mines one share and hands it to the chain; gives it whether it is valid or not.
    ///
    /// # Panics
    /// When the chain's verdict is not that of the naive reading of the rules.
    pub fn mine(&mut self, plan: &Plan) -> Arc<CheckedShare> {
        let parent = self.parent(plan.parent);
        let uncles = self.uncles(plan, parent);
        // Branches that nobody added to for long are forgotten.
        if self.chain.context_on(&parent, &uncles).is_none() {
            let tip = self.chain.tip().id;
            return self.mine_on(plan, tip, &[]);
        }
        self.mine_on(plan, parent, &uncles)
    }

    /// As [`DagMiner::mine`], with the parent and uncles given; all of them are shares of this DAG.
    ///
    /// # Panics
    /// As [`DagMiner::mine`].
    #[expect(clippy::expect_used, reason = "a failure here is the test's failure")]
    pub fn mine_on(&mut self, plan: &Plan, parent: ShareId, uncles: &[ShareId]) -> Arc<CheckedShare> {
        let context = self.chain.context_on(&parent, uncles).expect("linked shares have a context");
        let share = self.assemble(plan, &context, |_| ());
        let broken = self.broken(&share, context.median_time);
        // What leaves the best chain too far below is not looked at, or finds no room; another node may have linked it.
        let may_be_out = self.chain.first_height() > 0 && parent != self.chain.tip().id;
        let verdict = self.chain.handle(share.clone(), Origin::OwnStore, 0);
        match (&verdict, broken.is_empty()) {
            (Verdict::Valid, true) => self.remember(share.clone()),
            (Verdict::Invalid(error), false) => {
                assert!(rule(error).is_some_and(|rule| broken.contains(&rule)), "{error} is not among {broken:?}");
                self.refused.push(share.clone());
            }
            (Verdict::OutOfReach, true) if may_be_out => self.remember(share.clone()),
            (Verdict::OutOfReach, false) if may_be_out => self.refused.push(share.clone()),
            _ => assert!(broken.is_empty() && verdict == Verdict::Valid, "{verdict:?}, but broken is {broken:?}"),
        }
        share
    }

    /// A share on the best tip whose data `lie` has changed; nobody has seen it.
    ///
    /// # Panics
    /// Never: the tip is linked.
    #[expect(clippy::expect_used, reason = "a failure here is the test's failure")]
    pub fn mine_lie(&mut self, plan: &Plan, lie: impl Fn(&mut ShareData)) -> Arc<CheckedShare> {
        let tip = self.chain.tip().id;
        let context = self.chain.context_on(&tip, &[]).expect("the tip is linked");
        self.assemble(plan, &context, lie)
    }

    /// Assembles the share of `plan` on any context.
    ///
    /// # Panics
    /// When the share breaks a rule that needs no context.
    #[expect(clippy::expect_used, reason = "a failure here is the test's failure")]
    pub fn assemble(&mut self, plan: &Plan, context: &JobContext, lie: impl Fn(&mut ShareData)) -> Arc<CheckedShare> {
        let params = self.chain.params().clone();
        let miner = &mut self.miner;
        miner.script = script(u64::from(plan.miner.checked_rem(MINERS).unwrap_or_default()));
        miner.payout_class = plan
            .class
            .checked_rem(u8::try_from(params.raw().payout_classes.len()).unwrap_or(u8::MAX))
            .unwrap_or_default();
        let base_work = context.base_bits.to_target().and_then(|base| base.work()).unwrap_or(Work::MAX);
        miner.share_work = base_work
            .saturating_mul(plan.work.checked_sub(128).map_or(1, |more| u32::from(more & 63).saturating_add(1)));
        miner.work.prev_block = BlockHash::from_bytes([plan.prev_block & 3; 32]);
        let mut data = miner.data(context);
        let prefix = context.coinbase_prefix(&params, &data, miner.work.prev_block);
        let prefix = PrefixState::after(&prefix).expect("a whole number of blocks");
        lie(&mut data);
        let time = context.median_time.saturating_add_signed(i32::from(plan.time));
        let share = miner.assemble(data, prefix, time);
        Arc::new(CheckedShare::check_unmined(share, false, &params).expect("only the context can be wrong"))
    }

    /// The share and its ancestors; empty for the virtual genesis and strangers.
    pub fn past(&self, id: &ShareId) -> BTreeSet<ShareId> {
        self.known.get(id).map(|known| known.past.clone()).unwrap_or_default()
    }

    /// A share of this DAG.
    pub fn share(&self, id: &ShareId) -> Option<&Arc<CheckedShare>> {
        self.known.get(id).map(|known| &known.share)
    }

    /// The share and its selected ancestors from the newest down, the virtual genesis last.
    pub fn selected_from(&self, id: ShareId) -> impl Iterator<Item = ShareId> + '_ {
        std::iter::successors(Some(id), |id| self.known.get(id).map(|known| known.share.share().data.parent))
    }

    /// Height of a share of this DAG; 0 for the virtual genesis.
    pub fn height(&self, id: &ShareId) -> u64 {
        self.known.get(id).map_or(0, |known| known.share.share().data.height)
    }

    /// Rank of a share of this DAG as a tip.
    pub fn rank(&self, id: &ShareId) -> ForkRank {
        ForkRank::new(self.total_work(id), *id)
    }

    /// Height of the share where the selected chains of two shares meet.
    pub fn meeting(&self, a: ShareId, b: ShareId) -> u64 {
        let selected: BTreeSet<ShareId> = self.selected_from(a).collect();
        self.selected_from(b).find(|id| selected.contains(id)).map_or(0, |id| self.height(&id))
    }

    /// Orders ids as merge sets are ordered.
    pub fn in_merge_order(&self, ids: impl IntoIterator<Item = ShareId>) -> Vec<ShareId> {
        let mut ids: Vec<ShareId> = ids.into_iter().collect();
        ids.sort_by_key(|id| MergeOrder::new(self.total_work(id), *id));
        ids
    }

    fn total_work(&self, id: &ShareId) -> Work {
        self.known.get(id).map_or(Work::ZERO, |known| known.share.share().data.total_work)
    }

    fn parent(&self, pick: u8) -> ShareId {
        let tip = self.chain.tip();
        let back = pick.checked_sub(128).map(usize::from).and_then(|back| back.checked_rem(self.shares.len()));
        let Some(share) = back.and_then(|back| self.shares.iter().rev().nth(back)) else { return tip.id };
        let lowest = tip.height.max(self.height(&share.id())).saturating_sub(self.reach);
        if self.meeting(share.id(), tip.id) >= lowest { share.id() } else { tip.id }
    }

    fn uncles(&mut self, plan: &Plan, parent: ShareId) -> Vec<ShareId> {
        match plan.uncles {
            0..128 => self.mergeable(parent),
            128..192 => Vec::new(),
            _ => {
                let mut rng = Rng::new(u64::from(plan.draw));
                let newest: Vec<ShareId> = self.shares.iter().rev().take(12).map(|share| share.id()).collect();
                let mut drawn = BTreeSet::new();
                for _ in 0..=rng.below(usize::from(self.chain.params().raw().uncles_max)) {
                    drawn.extend(newest.get(rng.below(newest.len())).filter(|id| **id != parent));
                }
                drawn.into_iter().take(usize::from(self.chain.params().raw().uncles_max)).collect()
            }
        }
    }

    /// Everything that a share on `parent` may merge, as far as there is room.
    fn mergeable(&mut self, parent: ShareId) -> Vec<ShareId> {
        let Some(JobContext { base_bits, .. }) = self.chain.context_on(&parent, &[]) else { return Vec::new() };
        let mut merged = Vec::new();
        for id in self.in_merge_order(self.known.keys().copied()) {
            if merged.len() < usize::from(self.chain.params().raw().uncles_max) {
                merged.push(id);
                if !self.broken_merge(parent, &merged, base_bits).is_empty() {
                    merged.pop();
                }
            }
        }
        merged
    }

    fn broken(&self, share: &CheckedShare, median_time: u32) -> BTreeSet<Broken> {
        let data = &share.share().data;
        let mut broken = self.broken_merge(data.parent, &data.uncles, data.base_bits);
        if share.share().header.time < median_time {
            broken.insert(Broken::Time);
        }
        broken
    }

    /// The rules of merging as the protocol page has them, one by one, on whole sets.
    fn broken_merge(&self, parent: ShareId, uncles: &[ShareId], base_bits: CompactTarget) -> BTreeSet<Broken> {
        let past = self.known.get(&parent).map(|known| &known.past);
        let is_past =
            |id: &ShareId| *id == self.chain.params().genesis_id() || past.is_some_and(|past| past.contains(id));
        let in_set = |id: &ShareId| is_past(id) || uncles.contains(id);
        let base_work = base_bits.to_target().and_then(|base| base.work()).unwrap_or(Work::MAX);
        let height = self.height(&parent).saturating_add(1);
        let mut broken = BTreeSet::new();
        for uncle in uncles {
            let Some(known) = self.known.get(uncle) else { continue };
            let data = &known.share.share().data;
            let lowest = height.max(data.height).saturating_sub(self.chain.params().merge_depth());
            let closed = std::iter::once(&data.parent).chain(&data.uncles).all(in_set);
            let light = known.share.work().saturating_mul(UNCLE_WORK_MIN_DIVISOR) < base_work;
            let rules = [
                (self.rank(uncle) >= self.rank(&parent), Broken::ParentNotBest),
                (is_past(uncle), Broken::Merged),
                (!closed, Broken::NotClosed),
                (self.meeting(parent, *uncle) < lowest, Broken::TooDeep),
                (light, Broken::TooLight),
            ];
            broken.extend(rules.into_iter().filter(|(breaks, _)| *breaks).map(|(_, rule)| rule));
        }
        broken
    }

    /// # Panics
    /// When the numbers that the chain gave the share are not those of its past.
    fn remember(&mut self, share: Arc<CheckedShare>) {
        let data = &share.share().data;
        let mut past = BTreeSet::from([share.id()]);
        for ancestor in std::iter::once(&data.parent).chain(&data.uncles) {
            past.extend(self.known.get(ancestor).iter().flat_map(|known| &known.past));
        }
        let works = past.iter().filter(|id| **id != share.id()).filter_map(|id| self.known.get(id));
        let total = works.fold(share.work().hashes(), |sum, known| sum.saturating_add(known.share.work().hashes()));
        assert_eq!(data.height, self.height(&data.parent).saturating_add(1), "height");
        assert_eq!(Ok(data.count), u64::try_from(past.len()), "count");
        assert_eq!(data.total_work.hashes(), total, "total work");
        self.shares.push(share.clone());
        self.known.insert(share.id(), Known { share, past });
    }
}

/// The rule that an error of a share's merge set or time speaks of.
fn rule(error: &ShareError) -> Option<Broken> {
    Some(match error {
        ShareError::ParentNotBest(_) => Broken::ParentNotBest,
        ShareError::UncleMerged(_) => Broken::Merged,
        ShareError::UncleNotClosed(_) => Broken::NotClosed,
        ShareError::UncleTooDeep(_) => Broken::TooDeep,
        ShareError::UncleTooLight(_) => Broken::TooLight,
        ShareError::TimeTooOld { .. } => Broken::Time,
        _ => return None,
    })
}
