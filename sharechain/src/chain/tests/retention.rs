//! What is kept and what is forgotten, on a chain with short windows.

use super::*;
use crate::chain::window::from_scratch;

#[test]
fn memory_stays_flat_however_long_the_chain_lives() {
    let params = testing::short_params(50);
    let mut miner = Miner::new(params.clone(), 1);
    let mut chain = ShareChain::new(params.clone());
    let mut stored = BTreeSet::new();
    let mut lengths = BTreeSet::new();
    for second in 1..=900 {
        miner.extend(&mut chain, GENESIS_TIME + second);
        for effect in drain(&mut chain) {
            match effect {
                Effect::Linked(share) => assert!(stored.insert(share.id())),
                Effect::Forgotten(id) => assert!(stored.remove(&id) || id == params.genesis_id()),
                _ => {}
            }
        }
        if second > 300 {
            lengths.insert(chain.len());
        }
        assert_eq!(stored.len(), chain.len(), "{second}");
    }
    assert!(lengths.iter().all(|len| (200..=205).contains(len)), "{lengths:?}");
    assert!((900 - 205..=900 - 200).contains(&chain.first_height()));
    let unlinked = miner.mine(&mut chain, GENESIS_TIME + 901);
    assert_eq!(chain.payouts(&unlinked), None);
}

#[test]
fn payouts_do_not_depend_on_what_was_forgotten() {
    let params = testing::short_params(50);
    let mut world = World::new(&params, 5, 4);
    world.run(700, 3);
    let newest = world.shares.last().unwrap().clone();
    let mut chain = ShareChain::new(params.clone());
    let raw = params.raw().clone();
    // The same rules on a node that keeps everything: only what is kept differs, so the window decides.
    for share in &world.shares {
        assert_eq!(history(&mut chain, share), Verdict::Valid);
    }
    assert!(chain.first_height() > 300 && raw.window_shares == 50);
    let payout_share = chain.dag.payout_share(&params, chain.dag.tip(), chain.tip().height + 1).unwrap();
    let summed = from_scratch(&chain.dag, &params, payout_share);
    assert_eq!(*chain.job_context().unwrap().weights, summed);
    assert!(chain.payouts(&newest).is_some());
}

/// A chain of so many shares of a miner, and one with the first five of them: where a branch leaves.
fn chain_and_beginning(miner: &mut Miner, shares: u32) -> (ShareChain, ShareChain) {
    let mut chain = ShareChain::new(miner.params.clone());
    let mut beginning = ShareChain::new(miner.params.clone());
    for second in 1..=shares {
        let share = miner.extend(&mut chain, GENESIS_TIME + second);
        if second <= 5 {
            history(&mut beginning, &share);
        }
    }
    (chain, beginning)
}

#[test]
fn attack_h8_a_branch_that_proves_nothing_is_forgotten() {
    let params = testing::short_params(50);
    let mut miner = Miner::new(params.clone(), 1);
    miner.share_work = Work::from_hashes(8);
    let (mut chain, mut side) = chain_and_beginning(&mut miner, 30);
    let mut stranger = Miner::new(params.clone(), 2);
    let branch: Vec<_> = (1..=20).map(|step| stranger.extend(&mut side, GENESIS_TIME + 5 + step)).collect();
    for share in &branch {
        assert_eq!(history(&mut chain, share), Verdict::Valid);
    }
    assert_eq!(chain.len(), 50);
    // Two merge depths of our growth, and the next epoch.
    for second in 31..=40 {
        miner.extend(&mut chain, GENESIS_TIME + second);
    }
    assert_eq!(chain.len(), 40);
    let forgotten: BTreeSet<ShareId> = drain(&mut chain)
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Forgotten(id) => Some(id),
            _ => None,
        })
        .collect();
    assert_eq!(forgotten, branch.iter().map(|share| share.id()).collect());
    // It can be shown again, from its beginning.
    assert_eq!(history(&mut chain, &branch[1]), Verdict::Missing(vec![branch[0].id()]));
    assert_eq!(history(&mut chain, &branch[0]), Verdict::Valid);
    assert!(chain.is_linked(&branch[1].id()));
}

#[test]
fn attack_h8_deep_branches_together_are_not_longer_than_what_is_kept() {
    let params = testing::short_params(50);
    let mut miner = Miner::new(params.clone(), 1);
    miner.share_work = Work::from_hashes(64);
    let (mut chain, mut side) = chain_and_beginning(&mut miner, 40);
    let mut stranger = Miner::new(params, 2);
    let mut verdicts = BTreeMap::<String, u32>::new();
    for step in 1..=210 {
        let share = stranger.extend(&mut side, GENESIS_TIME + 5 + step);
        let verdict = chain.handle(share, Origin::Live, UnixTime::from(GENESIS_TIME) + 1_000);
        *verdicts.entry(format!("{verdict:?}")).or_default() += 1;
    }
    assert_eq!((verdicts["Valid"], verdicts["OutOfReach"]), (200, 1), "{verdicts:?}");
    // Within the merge depth there always is room.
    for (fork, expected) in [(40 - 4, Verdict::Valid), (40 - 5, Verdict::OutOfReach)] {
        let parent = chain.dag.node(chain.dag.selected_at(fork).unwrap()).id;
        let context = chain.context_on(&parent, &[]).unwrap();
        let near = stranger.mine_data(&context, stranger.data(&context), context.median_time);
        let near = Arc::new(CheckedShare::check(near, &miner.params).unwrap());
        assert_eq!(chain.handle(near, Origin::Live, UnixTime::from(GENESIS_TIME) + 1_000), expected, "{fork}");
    }
}

#[test]
fn many_shares_of_a_deep_branch_cannot_name_the_same_uncle() {
    let params = testing::short_params(100);
    let mut miner = Miner::new(params.clone(), 1);
    let (mut chain, mut side) = chain_and_beginning(&mut miner, 40);
    let uncle = Miner::new(params.clone(), 2).mine(&mut side, GENESIS_TIME + 6);
    let parent = Miner::new(params.clone(), 3).extend(&mut side, GENESIS_TIME + 6);
    let live = |chain: &mut ShareChain, share| chain.handle(share, Origin::Live, UnixTime::from(GENESIS_TIME) + 1_000);
    history(&mut side, &uncle);
    assert_eq!(live(&mut chain, uncle.clone()), Verdict::Valid);
    assert_eq!(live(&mut chain, parent), Verdict::Valid);
    let context = side.job_context().unwrap();
    assert_eq!(context.uncles.len(), 1);
    let mut crowd = Miner::new(params, 4);
    let most = (0..300).map(|_| crowd.mine(&mut side, GENESIS_TIME + 7)).find_map(|share| {
        let refused = live(&mut chain, share) == Verdict::OutOfReach;
        refused.then(|| chain.dag.mergers_len(chain.dag.find(&context.uncles[0]).unwrap()))
    });
    assert_eq!(most, Some(256));
}

#[test]
fn a_heavier_branch_is_not_forgotten_while_it_waits() {
    let params = testing::short_params(50);
    let mut miner = Miner::new(params.clone(), 1);
    let (mut chain, mut side) = chain_and_beginning(&mut miner, 40);
    chain.guard_deep_forks();
    let mut rival = Miner::new(params, 2);
    for step in 1..=60 {
        history(&mut chain, &rival.extend(&mut side, GENESIS_TIME + 5 + step));
    }
    assert_eq!(chain.rivals().len(), 1);
    for second in 41..=52 {
        miner.extend(&mut chain, GENESIS_TIME + second);
    }
    assert_eq!((chain.rivals().len(), chain.len()), (1, 112));
}

#[test]
fn a_share_whose_window_was_forgotten_is_neither_judged_nor_kept() {
    let params = testing::short_params(50);
    let mut miner = Miner::new(params.clone(), 1);
    let mut chain = ShareChain::new(params);
    for second in 1..=300 {
        miner.extend(&mut chain, GENESIS_TIME + second);
    }
    let (parent, height) = (chain.tip().id, chain.tip().height);
    let late = Miner::new(miner.params.clone(), 2).mine(&mut chain, GENESIS_TIME + 301);
    for second in 301..=490 {
        miner.extend(&mut chain, GENESIS_TIME + second);
    }
    assert!(chain.is_linked(&parent) && chain.first_height() + 50 > height);
    let len = chain.len();
    assert_eq!(history(&mut chain, &late), Verdict::OutOfReach);
    assert_eq!((chain.len(), chain.waiting()), (len, 0));
}

#[test]
fn what_needs_a_past_that_is_forgotten_is_not_judged() {
    let params = testing::short_params(50);
    let mut miner = Miner::new(params.clone(), 1);
    let mut sibling_miner = Miner::new(params.clone(), 2);
    let mut chain = ShareChain::new(params);
    let mut siblings = Vec::new();
    // So fast that the base rises, and each share needs its own past to know it.
    for step in 1..=400 {
        let time = GENESIS_TIME + step / 4;
        siblings.push(sibling_miner.mine(&mut chain, time));
        miner.extend(&mut chain, time);
    }
    let first = chain.first_height();
    let near_the_edge = |share: &&Arc<CheckedShare>| (first + 1..=first + 12).contains(&share.share().data.height);
    assert_eq!(siblings.iter().filter(near_the_edge).count(), 12);
    for sibling in siblings.iter().filter(near_the_edge) {
        assert_eq!(history(&mut chain, sibling), Verdict::OutOfReach);
    }
}
