//! Beginning in the middle.

use super::*;
use crate::ShareData;

/// A network's shares, a node that has them all, and the ids that a new node is shown.
fn server(shares: usize, seed: u64) -> (Arc<Params>, Vec<Arc<CheckedShare>>, ShareChain, Vec<ShareId>) {
    let params = testing::short_params(30);
    let mut world = World::new(&params, 5, seed);
    world.run(shares, 3);
    let mut chain = ShareChain::new(params.clone());
    for share in &world.shares {
        history(&mut chain, share);
    }
    let ids = chain.order_from_start(usize::MAX);
    (params, world.shares, chain, ids)
}

fn start(params: &Arc<Params>, shares: &[Arc<CheckedShare>], ids: &[ShareId]) -> ShareChain {
    let get = |id: &ShareId| shares.iter().find(|share| share.id() == *id).unwrap().clone();
    let mut chain = ShareChain::starting_with(params.clone(), get(&ids[0]));
    for id in &ids[1..] {
        assert_eq!(history(&mut chain, &get(id)), Verdict::Valid);
    }
    chain
}

#[test]
fn a_node_that_begins_in_the_middle_pays_like_one_that_has_everything() {
    assert!(ShareChain::new(testing::short_params(30)).is_empty());
    for seed in 0..5 {
        let (params, shares, mut full, ids) = server(400, seed);
        assert!(ids.len() < 140, "{}", ids.len());
        let mut late = start(&params, &shares, &ids);
        assert_eq!(late.tip(), full.tip());
        assert!(late.first_height() > 100);
        assert_eq!((late.first_share(), late.is_empty()), (ids[0], false));
        let linked: BTreeSet<ShareId> = late.linked_ids().collect();
        assert_eq!(linked, ids.iter().copied().collect());
        let weights = |chain: &mut ShareChain| chain.job_context().unwrap().weights;
        assert_eq!(weights(&mut late), weights(&mut full), "seed {seed}");
        // And goes on like it, past the time when what it began with is forgotten.
        let mut miner = Miner::new(params, 9);
        for second in 0..200 {
            let share = miner.extend(&mut full, GENESIS_TIME + 500 + second);
            assert_eq!(history(&mut late, &share), Verdict::Valid);
        }
        assert_eq!(next_coinbase(&mut late), next_coinbase(&mut full), "seed {seed}");
        assert_eq!(late.len(), full.len());
    }
}

#[test]
fn above_the_context_everything_is_checked() {
    let (params, shares, full, ids) = server(400, 1);
    let mut late = start(&params, &shares, &ids);
    assert!(late.tip().height > late.first_height() + 2 * 4 + 2 * 4);
    let mut miner = Miner::new(params.clone(), 9);
    let context = late.job_context().unwrap();
    let mut data = miner.data(&context);
    data.count += 1;
    let lie = miner.mine_data(&context, data, context.median_time);
    let lie = Arc::new(CheckedShare::check(lie, &params).unwrap());
    assert_eq!(history(&mut late, &lie), Verdict::Invalid(ShareError::Position { field: "count" }));
    let prefix =
        [&context.coinbase_prefix(&params, &miner.data(&context), miner.work.prev_block)[..], &[0; 64]].concat();
    let thief = miner.mine_prefix(miner.data(&context), &prefix, context.median_time);
    let thief = Arc::new(CheckedShare::check(thief, &params).unwrap());
    assert_eq!(history(&mut late, &thief), Verdict::Invalid(ShareError::Prefix));
    assert_eq!(late.tip(), full.tip());
}

#[test]
fn base_and_median_are_known_when_all_they_come_from_is_kept() {
    let mut miner = Miner::devnet();
    let mut full = ShareChain::new(miner.params.clone());
    let shares: Vec<_> = (1..=200).map(|second| miner.extend(&mut full, GENESIS_TIME + second)).collect();
    let epoch = usize::try_from(miner.params.payout_epoch()).unwrap();
    for root in 100..=100 + epoch {
        // Eleven times, and a share that begins an epoch on a parent that is kept too.
        let known_from = (root + 11).max((root + 1).next_multiple_of(epoch));
        let mut late = ShareChain::starting_with(miner.params.clone(), shares[root - 1].clone());
        for share in &shares[root..] {
            assert_eq!(history(&mut late, share), Verdict::Valid, "root {root} height {}", share.share().data.height);
        }
        let is_known = |height: &usize| late.dag.has_context(late.dag.find(&shares[height - 1].id()).unwrap());
        let known: Vec<usize> = (root..=200).filter(is_known).collect();
        assert_eq!(known, (known_from..=200).collect::<Vec<_>>(), "beginning at {root}");
    }
}

#[test]
fn too_short_a_history_gives_no_work() {
    let (params, shares, full, _) = server(400, 2);
    let mut newest = full.order_from_start(usize::MAX);
    newest.drain(..newest.len() - 8);
    let first = newest.iter().position(|id| full.dag.is_selected(full.dag.find(id).unwrap())).unwrap();
    let ids = newest[first..].to_vec();
    let mut late = start(&params, &shares, &ids);
    assert_eq!(late.tip(), full.tip());
    assert!(!late.has_window(), "whom to pay lies below what it was shown");
    assert!(late.job_context().is_none());
}

#[test]
fn a_young_chain_is_shown_from_its_beginning() {
    let (params, shares, mut full, ids) = server(40, 3);
    assert_eq!(ids, full.order_after(&[params.genesis_id()], usize::MAX));
    let mut chain = ShareChain::new(params);
    for id in &ids {
        history(&mut chain, shares.iter().find(|share| share.id() == *id).unwrap());
    }
    assert_eq!(chain.tip(), full.tip());
    assert_eq!(chain.job_context().unwrap().weights, full.job_context().unwrap().weights);
}

/// A share that says what `lie` makes it say, one height above `parent` and with far more work than anybody has done.
fn forge(params: &Arc<Params>, parent: &CheckedShare, lie: impl FnOnce(&mut ShareData)) -> Arc<CheckedShare> {
    let mut miner = Miner::new(params.clone(), 9);
    let context = ShareChain::new(params.clone()).job_context().unwrap();
    let mut data = miner.data(&context);
    let below = &parent.share().data;
    (data.parent, data.height, data.count) = (parent.id(), below.height + 1, below.count + 1);
    data.total_work = Work::from_hashes(1 << 100);
    lie(&mut data);
    let share = miner.mine_data(&context, data, parent.share().header.time);
    Arc::new(CheckedShare::check(share, params).unwrap())
}

/// A chain with the first of what a new node is shown, and the first two shares of its best chain.
fn begun() -> (Arc<Params>, ShareChain, [Arc<CheckedShare>; 2]) {
    let (params, shares, full, ids) = server(400, 4);
    let on_chain = |id: &&ShareId| full.dag.is_selected(full.dag.find(id).unwrap());
    let get = |id: &ShareId| shares.iter().find(|share| share.id() == *id).unwrap().clone();
    let second = ids.iter().filter(on_chain).nth(1).unwrap();
    let shown = ids.iter().position(|id| id == second).unwrap();
    let late = start(&params, &shares, &ids[..=shown]);
    (params, late, [get(&ids[0]), get(second)])
}

#[test]
fn sums_that_do_not_add_up_are_refused_in_the_context_too() {
    let (params, mut late, [first, _]) = begun();
    let lie = forge(&params, &first, |data| data.count += 1_000_000);
    assert_eq!(history(&mut late, &lie), Verdict::Invalid(ShareError::Position { field: "count" }));
}

#[test]
fn a_share_whose_past_nobody_shows_never_leads() {
    let (params, mut late, [first, second]) = begun();
    let (tip, nobody) = (late.tip(), ShareId::from_bytes([9; 32]));
    let on_known = forge(&params, &first, |data| data.uncles = vec![nobody]);
    assert_eq!(history(&mut late, &on_known), Verdict::Missing(vec![nobody]), "its sums cannot be checked");
    let on_unknown = forge(&params, &first, |data| data.parent = nobody);
    assert_eq!(history(&mut late, &on_unknown), Verdict::Valid, "an uncle may have left below the first share");
    let child = forge(&params, &on_unknown, |data| data.total_work = Work::from_hashes((1 << 100) + 2));
    assert_eq!(history(&mut late, &child), Verdict::Valid);
    assert_eq!((late.tip(), tip.id), (tip, second.id()));
    let (_, shares, full, ids) = server(400, 4);
    for id in ids.iter().skip_while(|id| **id != second.id()).skip(1) {
        history(&mut late, shares.iter().find(|share| share.id() == *id).unwrap());
    }
    assert_eq!(late.tip(), full.tip(), "and is in nobody's way");
}

#[test]
fn work_is_counted_once_in_the_context_too() {
    let (params, mut late, [first, second]) = begun();
    let again = forge(&params, &second, |data| data.uncles = vec![first.id()]);
    assert_eq!(history(&mut late, &again), Verdict::Invalid(ShareError::UncleMerged(first.id())));
}

#[test]
fn nothing_is_added_to_a_complete_context() {
    let (params, shares, full, ids) = server(400, 4);
    let mut late = start(&params, &shares, &ids);
    let first = shares.iter().find(|share| share.id() == ids[0]).unwrap();
    let late_uncle = forge(&params, first, |data| data.parent = ShareId::from_bytes([9; 32]));
    assert_eq!(history(&mut late, &late_uncle), Verdict::OutOfReach);
    assert_eq!(late.tip(), full.tip());
}
