//! A small network of miners with delayed views of each other: makes share sets with forks and merges.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    chain::{Origin, ShareChain},
    params::Params,
    target::Work,
    testing::{GENESIS_TIME, Miner},
    validate::CheckedShare,
};

/// SplitMix64: deterministic, seeded, good enough to shuffle tests.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// Starts from a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 when the bound is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        self.next().checked_rem(bound).and_then(|number| usize::try_from(number).ok()).unwrap_or_default()
    }

    /// Fisher-Yates.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last.saturating_add(1)));
        }
    }
}

/// Miners that each follow a chain of their own and hear of the others' shares late.
#[derive(Debug)]
pub struct World {
    /// Every share that was mined, in order of mining.
    pub shares: Vec<Arc<CheckedShare>>,
    miners: Vec<(Miner, ShareChain)>,
    /// Shares under way, by step of arrival and receiver.
    under_way: BTreeMap<(usize, usize), Vec<Arc<CheckedShare>>>,
    rng: Rng,
    step: usize,
}

impl World {
    /// `miners` miners; every third one mines shares of up to 64 times the base.
    pub fn new(params: &Arc<Params>, miners: u64, seed: u64) -> Self {
        let miner = |tag| {
            let mut miner = Miner::new(params.clone(), tag);
            miner.share_work = Work::from_hashes(if tag % 3 == 0 { 40 } else { 0 });
            (miner, ShareChain::new(params.clone()))
        };
        Self {
            shares: Vec::new(),
            miners: (1..=miners).map(miner).collect(),
            under_way: BTreeMap::new(),
            rng: Rng::new(seed),
            step: 0,
        }
    }

    /// Mines `shares` shares, one a second; each reaches every other miner up to `delay_max` steps later.
    pub fn run(&mut self, shares: usize, delay_max: usize) {
        for _ in 0..shares {
            self.step = self.step.saturating_add(1);
            self.deliver();
            self.mine(delay_max);
        }
        self.step = usize::MAX;
        self.deliver();
    }

    /// The miners' chains.
    pub fn chains(&mut self) -> impl Iterator<Item = &mut ShareChain> {
        self.miners.iter_mut().map(|(_, chain)| chain)
    }

    fn mine(&mut self, delay_max: usize) {
        let finder = self.rng.below(self.miners.len());
        let time = GENESIS_TIME.saturating_add(u32::try_from(self.step).unwrap_or(u32::MAX));
        let Some((miner, chain)) = self.miners.get_mut(finder) else { return };
        let share = miner.extend(chain, time);
        for receiver in (0..self.miners.len()).filter(|receiver| *receiver != finder) {
            let arrival = self.step.saturating_add(self.rng.below(delay_max.saturating_add(1)));
            self.under_way.entry((arrival, receiver)).or_default().push(share.clone());
        }
        self.shares.push(share);
    }

    fn deliver(&mut self) {
        let later = self.under_way.split_off(&(self.step, usize::MAX));
        for ((_, receiver), shares) in std::mem::replace(&mut self.under_way, later) {
            let Some((_, chain)) = self.miners.get_mut(receiver) else { continue };
            for share in shares {
                let _ = chain.handle(share, Origin::OwnStore, 0);
            }
        }
    }
}
