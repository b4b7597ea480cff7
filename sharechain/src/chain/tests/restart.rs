//! Beginning again with what was stored, in the order in which it was linked.

use super::*;

/// A chain and the store beside it.
struct Running {
    chain: ShareChain,
    /// In the order of linking.
    stored: Vec<Arc<CheckedShare>>,
    /// Those of them that nothing needs any more.
    forgotten: BTreeSet<ShareId>,
}

impl Running {
    fn new(params: &Arc<Params>) -> Self {
        Self { chain: ShareChain::new(params.clone()), stored: Vec::new(), forgotten: BTreeSet::new() }
    }

    fn take(&mut self, share: &Arc<CheckedShare>) -> Verdict {
        let verdict = history(&mut self.chain, share);
        for effect in drain(&mut self.chain) {
            match effect {
                Effect::Linked(share) => self.stored.push(share),
                Effect::Forgotten(id) => drop(self.forgotten.insert(id)),
                _ => {}
            }
        }
        verdict
    }

    /// What a start makes of the store, or of one that a crash left with everything that was forgotten.
    fn restarted(&self, is_removed: bool) -> Self {
        let first = self.chain.first_share();
        let stored = || self.stored.iter().filter(|share| !is_removed || !self.forgotten.contains(&share.id()));
        let mut restarted = Self::new(self.chain.params());
        if let Some(first) = stored().find(|share| share.id() == first) {
            restarted.chain = ShareChain::starting_with(self.chain.params().clone(), first.clone());
        }
        for share in stored().filter(|share| share.id() != first) {
            restarted.take(share);
        }
        restarted
    }

    fn is_like(&mut self, other: &mut ShareChain) -> bool {
        self.chain.tip() == other.tip() && next_coinbase(&mut self.chain) == next_coinbase(other)
    }
}

#[test]
fn a_stored_chain_is_the_same_after_a_restart() {
    // The longer window reaches below the context that a restarted chain believes.
    for (seed, (delay_max, window_shares)) in (0..12).zip([(1, 30), (4, 30), (8, 30), (4, 100)].into_iter().cycle()) {
        let params = testing::short_params(window_shares);
        let mut world = World::new(&params, 5, seed);
        world.run(400 + 5 * window_shares as usize, delay_max);
        let mut running = Running::new(&params);
        for (number, share) in world.shares.iter().enumerate() {
            running.take(share);
            for is_removed in [true, false].into_iter().filter(|_| number % 9 == 0) {
                let mut restarted = running.restarted(is_removed);
                assert!(restarted.is_like(&mut running.chain), "seed {seed}, share {number}, removed {is_removed}");
            }
        }
        assert!(running.chain.first_height() > 50 && running.forgotten.len() > 200, "it has forgotten");
    }
}

#[test]
fn a_chain_that_is_restarted_again_and_again_goes_on_like_one_that_is_not() {
    for seed in 0..8 {
        let params = testing::short_params(30);
        let mut world = World::new(&params, 5, seed);
        world.run(500, 4);
        let (mut full, mut restarted) = (ShareChain::new(params.clone()), Running::new(&params));
        let mut rng = Rng::new(seed);
        for (number, share) in world.shares.iter().enumerate() {
            history(&mut full, share);
            assert_eq!(restarted.take(share), Verdict::Valid, "seed {seed}, share {number}");
            if rng.below(20) == 0 {
                restarted = restarted.restarted(rng.below(2) == 0);
            }
            assert!(restarted.is_like(&mut full), "seed {seed}, share {number}");
        }
        assert_eq!(restarted.chain.first_height(), full.first_height(), "seed {seed}");
    }
}
