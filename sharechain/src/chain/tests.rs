use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::{
    params::ConsensusParams,
    testing::{self, GENESIS_TIME, Miner, Rng, World},
};

mod attacks;
mod deep_forks;
mod explore;
mod held_back;
mod protocol;
mod refused_templates;
mod restart;
mod retention;
mod start;
mod windows;

fn drain(chain: &mut ShareChain) -> Vec<Effect> {
    std::iter::from_fn(|| chain.poll_effect()).collect()
}

fn history(chain: &mut ShareChain, share: &Arc<CheckedShare>) -> Verdict {
    chain.handle(share.clone(), Origin::OwnStore, 0)
}

/// Coinbase prefix and payouts of the next share, as bytes.
fn next_coinbase(chain: &mut ShareChain) -> Vec<u8> {
    let miner = Miner::new(chain.params().clone(), 1);
    let context = chain.job_context().unwrap();
    let data = miner.data(&context);
    let mut bytes = context.coinbase_prefix(chain.params(), &data, miner.work.prev_block);
    bytes.extend(data.encode());
    bytes
}

#[test]
fn the_same_shares_in_100_random_orders_give_the_same_tip_and_coinbase() {
    let params = testing::devnet_params();
    let mut world = World::new(&params, 6, 1);
    world.run(150, 4);
    let reference: Vec<(Tip, Vec<u8>)> = world.chains().map(|chain| (chain.tip(), next_coinbase(chain))).collect();
    assert!(reference.iter().all(|chain| *chain == reference[0]), "the miners agree");
    let (tip, coinbase) = reference[0].clone();
    assert!(tip.height < 140, "there were forks: height {}", tip.height);
    for seed in 0..100 {
        let mut shares = world.shares.clone();
        Rng::new(seed).shuffle(&mut shares);
        let mut chain = ShareChain::new(params.clone());
        for share in &shares {
            assert!(!matches!(history(&mut chain, share), Verdict::Invalid(_)), "seed {seed}");
        }
        assert_eq!((chain.tip(), next_coinbase(&mut chain)), (tip, coinbase.clone()), "seed {seed}");
        assert_eq!(chain.waiting(), 0, "seed {seed}");
    }
}

/// Recomputes every share's past as a set, and compares the numbers the chain keeps incrementally.
#[test]
fn count_and_total_work_are_those_of_the_past_as_a_set() {
    let params = testing::devnet_params();
    for seed in 0..20 {
        let mut world = World::new(&params, 5, seed);
        world.run(80, 6);
        let mut pasts: BTreeMap<ShareId, BTreeSet<ShareId>> = BTreeMap::new();
        let works: BTreeMap<ShareId, Work> = world.shares.iter().map(|share| (share.id(), share.work())).collect();
        for share in &world.shares {
            let data = &share.share().data;
            let mut past = BTreeSet::from([share.id()]);
            for ancestor in std::iter::once(&data.parent).chain(&data.uncles) {
                past.extend(pasts.get(ancestor).into_iter().flatten());
            }
            let total: u128 = past.iter().map(|id| works[id].hashes()).sum();
            assert_eq!(data.count, u64::try_from(past.len()).unwrap(), "seed {seed}");
            assert_eq!(data.total_work.hashes(), total, "seed {seed}");
            pasts.insert(share.id(), past);
        }
        // With delays far below the merge depth nothing is lost: the tip has merged all but the newest.
        let chain = world.chains().next().unwrap();
        let merged = pasts[&chain.tip().id].len();
        assert!(world.shares.len() - merged <= 6, "seed {seed}: {merged} of {} merged", world.shares.len());
    }
}

#[test]
fn the_first_shares_pay_their_finder_and_then_the_window() {
    let mut miner = Miner::devnet();
    let mut other = Miner::new(miner.params.clone(), 2);
    let mut chain = ShareChain::new(miner.params.clone());
    for second in 1..=40 {
        let finder = if second % 4 == 0 { &mut other } else { &mut miner };
        let share = finder.extend(&mut chain, GENESIS_TIME + second);
        let payouts = chain.payouts(&share).unwrap();
        let paid: u64 = payouts.iter().map(|payout| payout.amount.units()).sum();
        assert_eq!(paid, 5_000_000_000);
        // S is the newest epoch at least merge_depth + 1 = 17 below: from height 21 on it is height 4 and more.
        if second <= 20 {
            assert_eq!(payouts.iter().map(|payout| payout.script).collect::<Vec<_>>(), [finder.script], "{second}");
        } else {
            assert_eq!(payouts.len(), 2, "{second}");
            assert_eq!(payouts[0].amount.units() + payouts[1].amount.units(), 5_000_000_000);
            assert_eq!(payouts[0].amount.units(), 3_750_000_000, "{second}: three quarters, {payouts:?}");
        }
    }
}

#[test]
fn a_heavier_branch_wins_and_what_it_displaced_is_merged() {
    let mut light = Miner::devnet();
    let mut heavy = Miner::new(light.params.clone(), 2);
    heavy.share_work = Work::from_hashes(64);
    let mut ours = ShareChain::new(light.params.clone());
    let mut theirs = ShareChain::new(light.params.clone());
    let displaced: Vec<_> = (1..=3).map(|second| light.extend(&mut ours, GENESIS_TIME + second)).collect();
    let winner = heavy.extend(&mut theirs, GENESIS_TIME + 3);
    assert_eq!(history(&mut ours, &winner), Verdict::Valid);
    assert_eq!(ours.tip().id, winner.id());
    assert!(drain(&mut ours).iter().any(|effect| matches!(effect, Effect::TipChanged { reorg_depth: 3, .. })));
    let context = ours.job_context().unwrap();
    let mut expected: Vec<ShareId> = displaced.iter().map(|share| share.id()).collect();
    expected.sort_unstable();
    assert_eq!(context.uncles, expected);
    let next = light.extend(&mut ours, GENESIS_TIME + 4);
    assert_eq!(next.share().data.count, 5);
}

#[test]
fn a_reorg_there_and_back_leaves_the_same_state() {
    let params = testing::devnet_params();
    let mut world = World::new(&params, 4, 9);
    world.run(60, 5);
    let mut straight = ShareChain::new(params.clone());
    for share in &world.shares {
        history(&mut straight, share);
    }
    // Deliver with the heaviest shares last, so that the tip jumps between branches.
    let mut shares = world.shares.clone();
    shares.sort_by_key(|share| std::cmp::Reverse(share.share().data.total_work));
    let mut jumping = ShareChain::new(params);
    for share in &shares {
        history(&mut jumping, share);
    }
    assert_eq!(jumping.tip(), straight.tip());
    assert_eq!(next_coinbase(&mut jumping), next_coinbase(&mut straight));
    assert_eq!(
        jumping.order_after(&[jumping.params().genesis_id()], 1_000),
        straight.order_after(&[straight.params().genesis_id()], 1_000)
    );
}

/// A chain of `length` shares by one miner, a branch that leaves it at `fork` and is `branch` shares long, and the chain
/// that knows both.
fn forked(length: u32, fork: u32, branch: u32) -> (Miner, ShareChain, Vec<Arc<CheckedShare>>) {
    let mut miner = Miner::devnet();
    miner.share_work = Work::from_hashes(8);
    let mut side_miner = Miner::new(miner.params.clone(), 2);
    let mut chain = ShareChain::new(miner.params.clone());
    let mut side = ShareChain::new(miner.params.clone());
    for second in 1..=length {
        let share = miner.extend(&mut chain, GENESIS_TIME + second);
        if second <= fork {
            history(&mut side, &share);
        }
    }
    let branch: Vec<_> = (1..=branch).map(|step| side_miner.extend(&mut side, GENESIS_TIME + fork + step)).collect();
    for share in &branch {
        assert_eq!(history(&mut chain, share), Verdict::Valid);
    }
    (miner, chain, branch)
}

/// Mines a share whose merge set is `uncles`, whatever the node's own policy would choose.
fn merge(miner: &mut Miner, chain: &mut ShareChain, uncles: &[&Arc<CheckedShare>]) -> Verdict {
    let mut context = chain.job_context().unwrap();
    let merged_by_policy: u128 =
        context.uncles.iter().map(|id| chain.dag.node(chain.dag.find(id).unwrap()).work.hashes()).sum();
    context.count = context.count - u64::try_from(context.uncles.len()).unwrap() + u64::try_from(uncles.len()).unwrap();
    let works: u128 = uncles.iter().map(|uncle| uncle.work().hashes()).sum();
    context.work_before = Work::from_hashes(context.work_before.hashes() - merged_by_policy + works);
    context.uncles = uncles.iter().map(|uncle| uncle.id()).collect();
    context.uncles.sort_unstable();
    let data = miner.data(&context);
    let share = miner.mine_data(&context, data, context.median_time);
    let share = CheckedShare::check(share, &miner.params).unwrap();
    chain.handle(Arc::new(share), Origin::OwnStore, 0)
}

/// With these the base grows by the square root of 2 per share that is mined in no time.
fn steep_params() -> Arc<Params> {
    let raw = testing::devnet_params().raw().clone();
    testing::params(ConsensusParams { asert_halflife_secs: 2, payout_epoch: 1, ..raw })
}

#[test]
fn an_uncle_is_merged_once_and_with_its_ancestors() {
    let (mut miner, mut chain, branch) = forked(20, 18, 2);
    let verdict = merge(&mut miner, &mut chain, &[&branch[1]]);
    assert_eq!(verdict, Verdict::Invalid(ShareError::UncleNotClosed(branch[1].id())));
    assert_eq!(merge(&mut miner, &mut chain, &[&branch[0]]), Verdict::Valid);
    let verdict = merge(&mut miner, &mut chain, &[&branch[0]]);
    assert_eq!(verdict, Verdict::Invalid(ShareError::UncleMerged(branch[0].id())));
    assert_eq!(merge(&mut miner, &mut chain, &[&branch[1]]), Verdict::Valid);
}

#[test]
fn time_before_the_median_is_refused_and_at_the_median_is_fine() {
    let mut miner = Miner::devnet();
    let mut chain = ShareChain::new(miner.params.clone());
    for second in 1..=20 {
        miner.extend(&mut chain, GENESIS_TIME + second);
    }
    let median = GENESIS_TIME + 15;
    let early = miner.mine(&mut chain, median - 1);
    let expected = ShareError::TimeTooOld { time: median - 1, median };
    assert_eq!(history(&mut chain, &early), Verdict::Invalid(expected));
    let exact = miner.mine(&mut chain, median);
    assert_eq!(history(&mut chain, &exact), Verdict::Valid);
}

#[test]
fn the_median_of_few_takes_the_lower_middle_and_counts_the_genesis() {
    let mut miner = Miner::devnet();
    let mut chain = ShareChain::new(miner.params.clone());
    let medians: Vec<u32> = (1..=12)
        .map(|step| {
            miner.extend(&mut chain, GENESIS_TIME + step * 10);
            chain.job_context().unwrap().median_time - GENESIS_TIME
        })
        .collect();
    assert_eq!(medians, [0, 10, 10, 20, 20, 30, 30, 40, 40, 50, 60, 70]);
}

#[test]
fn a_live_share_from_the_future_is_held_and_its_children_wait_for_it() {
    let mut miner = Miner::devnet();
    let mut ahead = ShareChain::new(miner.params.clone());
    let early = miner.extend(&mut ahead, GENESIS_TIME + 1_000);
    let child = miner.extend(&mut ahead, GENESIS_TIME + 1_001);
    let mut chain = ShareChain::new(miner.params.clone());
    let now = UnixTime::from(GENESIS_TIME) + 1_000 - FUTURE_TIME_MAX_SECS - 1;
    assert_eq!(chain.handle(early.clone(), Origin::Live, now), Verdict::NotYet(NotYet::FutureTime { until: now + 1 }));
    let child_now = now + 2;
    assert_eq!(chain.handle(child.clone(), Origin::Live, child_now), Verdict::NotYet(NotYet::Ancestor));
    chain.handle_timeout(now);
    assert_eq!(chain.poll_timeout(), Some(now + 1));
    assert_eq!((chain.tip().height, chain.held_back(), chain.contains(&early.id())), (0, 2, false));
    chain.handle_timeout(now + 1);
    assert_eq!((chain.tip().id, chain.poll_timeout()), (early.id(), Some(now + 2)), "the child is a second later");
    chain.handle_timeout(now + 2);
    assert_eq!(chain.tip().id, child.id());
    assert_eq!(chain.poll_timeout(), None);
    // In a sync nobody looks at the clock.
    let mut synced = ShareChain::new(miner.params.clone());
    assert_eq!(synced.handle(early, Origin::OwnStore, 0), Verdict::Valid);
}

#[test]
fn descendants_of_an_invalid_share_are_invalid_however_they_arrive() {
    let mut miner = Miner::devnet();
    let mut chain = ShareChain::new(miner.params.clone());
    miner.extend(&mut chain, GENESIS_TIME + 1);
    let context = chain.job_context().unwrap();
    let mut data = miner.data(&context);
    data.count += 1;
    let lie = miner.mine_data(&context, data, GENESIS_TIME + 2);
    let lie = Arc::new(CheckedShare::check(lie, &miner.params).unwrap());
    let mut orphan = miner.orphan(0).share().data.clone();
    orphan.parent = lie.id();
    let child = miner.mine_data(&context, orphan, GENESIS_TIME + 3);
    let child = Arc::new(CheckedShare::check(child, &miner.params).unwrap());

    assert_eq!(history(&mut chain, &child), Verdict::Missing(vec![lie.id()]));
    assert_eq!(chain.waiting(), 1);
    assert_eq!(history(&mut chain, &lie), Verdict::Invalid(ShareError::Position { field: "count" }));
    let refused = drain(&mut chain).into_iter().find_map(|effect| match effect {
        Effect::Refused { id, error } => Some((id, error)),
        _ => None,
    });
    assert_eq!(refused, Some((child.id(), ShareError::InvalidAncestor(lie.id()))));
    assert_eq!(chain.waiting(), 0);
    assert_eq!(chain.admit(&child, 0), Admission::Ignore(Ignored::Invalid));
}

#[test]
fn gossip_takes_shares_near_the_tip_and_of_todays_difficulty() {
    let mut miner = Miner::devnet();
    let mut chain = ShareChain::new(miner.params.clone());
    let mut stale = ShareChain::new(miner.params.clone());
    let now = UnixTime::from(GENESIS_TIME) + 30;
    for second in 1..=20 {
        let share = miner.extend(&mut chain, GENESIS_TIME + second);
        if second <= 4 {
            history(&mut stale, &share);
        }
    }
    // merge_depth 16: heights up to 4 are too old, 5 is not.
    let old = Miner::new(miner.params.clone(), 2).mine(&mut stale, GENESIS_TIME + 20);
    assert_eq!(chain.admit(&old, now), Admission::Relay);
    miner.extend(&mut chain, GENESIS_TIME + 21);
    assert_eq!(chain.admit(&old, now), Admission::Ignore(Ignored::TooOld));
    let fresh = miner.mine(&mut chain, GENESIS_TIME + 22);
    assert_eq!(chain.admit(&fresh, now), Admission::Relay);
    assert_eq!(chain.admit(&fresh, 0), Admission::Keep, "from the future: kept, not relayed");
    history(&mut chain, &fresh);
    assert_eq!(chain.admit(&fresh, now), Admission::Ignore(Ignored::Known));
    let mut orphan = miner.orphan(3).share().data.clone();
    orphan.height = 22;
    let context = chain.job_context().unwrap();
    let orphan = miner.mine_data(&context, orphan, GENESIS_TIME + 22);
    let orphan = CheckedShare::check(orphan, &miner.params).unwrap();
    assert_eq!(chain.admit(&orphan, now), Admission::Keep, "its parent is unknown");
}

#[test]
fn order_after_a_locator_is_topological_and_complete() {
    let params = testing::devnet_params();
    let mut world = World::new(&params, 5, 3);
    world.run(120, 5);
    let mut client = ShareChain::new(params);
    let by_id: BTreeMap<ShareId, Arc<CheckedShare>> =
        world.shares.iter().map(|share| (share.id(), share.clone())).collect();
    let server_tip;
    let mut rounds = 0;
    loop {
        let server = world.chains().next().unwrap();
        let ids = server.order_after(&client.locator(&[]), 17);
        if ids.is_empty() {
            server_tip = server.tip();
            break;
        }
        rounds += 1;
        for id in ids {
            // The page before may have ended between uncles and the share that merges them.
            assert!(matches!(history(&mut client, &by_id[&id]), Verdict::Valid | Verdict::Known));
        }
    }
    assert_eq!(client.tip(), server_tip);
    assert!(rounds >= 6, "{rounds}");
    assert_eq!(client.waiting(), 0);
}

/// The past is looked at only as deep as uncles reach; far off the best chain that must not change what is valid.
#[test]
fn a_side_branch_far_below_the_tip_is_as_valid_as_on_its_own() {
    let mut heavy = Miner::devnet();
    heavy.share_work = Work::from_hashes(64);
    for seed in 0..5 {
        let mut chain = ShareChain::new(heavy.params.clone());
        for second in 1..=120 {
            heavy.extend(&mut chain, GENESIS_TIME + second);
        }
        let best = chain.tip();
        let mut world = World::new(&heavy.params, 5, seed);
        world.run(150, 6);
        assert!(world.shares.iter().any(|share| share.share().data.uncles.len() > 1));
        for share in &world.shares {
            assert_eq!(history(&mut chain, share), Verdict::Valid, "seed {seed}");
        }
        assert_eq!(chain.tip(), best, "seed {seed}: the side branch stays one");
    }
}

#[test]
fn a_locator_of_strangers_gets_nothing() {
    let mut miner = Miner::devnet();
    let mut chain = ShareChain::new(miner.params.clone());
    miner.extend(&mut chain, GENESIS_TIME + 1);
    assert!(chain.order_after(&[ShareId::from_bytes([3; 32])], 10).is_empty());
    assert_eq!(chain.locator(&[]).len(), 2);
}

#[test]
fn the_base_follows_the_rate_of_shares_whatever_their_difficulty() {
    let mut miner = Miner::devnet();
    let mut chain = ShareChain::new(miner.params.clone());
    // Four shares a second: faster than one per interval, so the base must rise; 2 ^ (3/4 x 240 s / 60 s) = 8 times.
    for share in 1..=240_u32 {
        miner.extend(&mut chain, GENESIS_TIME + share / 4);
    }
    let base = chain.next_base_work().hashes();
    assert!((12..=20).contains(&base), "base work {base} instead of about 16");
}
