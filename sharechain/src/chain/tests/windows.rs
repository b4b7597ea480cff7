//! Windows that roll against windows that are summed.

use super::*;
use crate::chain::window::{Windows, from_scratch};

/// The rolled window of every share is the summed one, in whatever order the shares are asked for.
#[track_caller]
fn check_all(chain: &ShareChain, params: &Params, seed: u64) {
    let mut shares: Vec<_> = chain.dag.unmerged().collect();
    shares.extend((1..=chain.tip().height).filter_map(|height| chain.dag.selected_at(height)));
    let mut windows = Windows::default();
    let mut rng = Rng::new(seed);
    for _ in 0..3 {
        rng.shuffle(&mut shares);
        for share in &shares {
            let rolled = windows.weights(&chain.dag, params, *share).unwrap();
            assert_eq!(rolled, from_scratch(&chain.dag, params, *share), "seed {seed}, {share:?}");
        }
    }
}

/// Windows of so many base shares, so short that the oldest entry is cut and leaves.
fn short_window(window_shares: u32) -> Arc<Params> {
    let raw = testing::devnet_params().raw().clone();
    testing::params(ConsensusParams { window_shares, ..raw })
}

#[test]
fn rolling_forwards_backwards_and_sideways_is_summing() {
    for (seed, window_shares) in [(1, 3), (2, 10), (3, 40), (4, 90), (5, 600)] {
        let params = short_window(window_shares);
        let mut world = World::new(&params, 6, seed);
        world.run(120, 5);
        let chain = world.chains().next().unwrap();
        assert!(chain.dag.unmerged().count() + usize::try_from(chain.tip().height).unwrap() > 30);
        check_all(chain, &params, seed);
    }
}

#[test]
fn the_base_of_the_payout_share_decides_how_far_its_window_reaches() {
    let raw = short_window(30).raw().clone();
    let params = testing::params(ConsensusParams { asert_halflife_secs: 10, ..raw });
    let mut chain = ShareChain::new(params.clone());
    let mut rng = Rng::new(7);
    let mut time = GENESIS_TIME;
    for step in 0..140 {
        // Bursts and pauses: the base swings, and the window with it.
        time += if step / 20 % 2 == 0 { 0 } else { 3 };
        let mut miner = Miner::new(params.clone(), rng.next() % 5 + 1);
        miner.extend(&mut chain, time);
    }
    let bases: BTreeSet<_> =
        (1..140).map(|at| chain.dag.node(chain.dag.selected_at(at).unwrap()).base_target).collect();
    assert!(bases.len() > 20, "{}", bases.len());
    check_all(&chain, &params, 7);
}

#[test]
fn signals_count_with_the_work_that_carries_them() {
    let params = short_window(8);
    let mut chain = ShareChain::new(params.clone());
    let mut miner = Miner::new(params.clone(), 1);
    for step in 0..40_u16 {
        let context = chain.job_context().unwrap();
        let mut data = miner.data(&context);
        data.signal = u16::from(step % 4 == 0) | 0x8000;
        let share = miner.mine_data(&context, data, context.median_time + 1);
        history(&mut chain, &Arc::new(CheckedShare::check(share, &params).unwrap()));
    }
    let weights = chain.job_context().unwrap().weights;
    assert_eq!(weights.signalled(15), weights.total());
    assert_eq!(weights.signalled(0).hashes() * 4, weights.total().hashes());
    assert_eq!([weights.signalled(1), weights.signalled(16)], [Work::ZERO; 2]);
}

#[test]
fn a_bit_that_everybody_sets_is_decided_and_reported_once() {
    let params = short_window(8);
    let mut chain = ShareChain::new(params.clone());
    let mut miner = Miner::new(params.clone(), 1);
    let mut decided = Vec::new();
    for height in 1..=60_u64 {
        let context = chain.job_context().unwrap();
        let mut data = miner.data(&context);
        data.signal = 1 << 5;
        let share = miner.mine_data(&context, data, context.median_time + 1);
        history(&mut chain, &Arc::new(CheckedShare::check(share, &params).unwrap()));
        let effects = drain(&mut chain);
        decided.extend(
            effects.iter().filter(|effect| matches!(effect, Effect::UpgradeDecided { bit: 5 })).map(|_| height),
        );
    }
    // The window of 8 shares is full at payout share 8, which share 8 + 16 + 1 pays; two epochs are a window.
    assert_eq!(decided, [28]);
    assert_eq!(chain.upgrades(), [(5, crate::upgrade::UpgradeState::Active)]);
}
