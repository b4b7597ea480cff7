//! Each attack of `docs/protocol/attacks.md` that a rule of the chain stops fails here when its rule is removed.

use super::*;

#[test]
fn attack_f1_a_branch_that_left_beyond_the_merge_depth_is_never_merged() {
    // The next height is 31; the merge depth of 16 reaches a fork at 15.
    let (mut miner, mut chain, branch) = forked(30, 15, 2);
    assert_eq!(chain.job_context().unwrap().uncles.len(), 2);
    assert_eq!(merge(&mut miner, &mut chain, &[&branch[0], &branch[1]]), Verdict::Valid);

    let (mut miner, mut chain, branch) = forked(30, 14, 16);
    assert!(branch[15].share().data.height == 30, "its own height is as new as the tip");
    assert!(chain.job_context().unwrap().uncles.is_empty());
    let verdict = merge(&mut miner, &mut chain, &[&branch[0]]);
    assert_eq!(verdict, Verdict::Invalid(ShareError::UncleTooDeep(branch[0].id())));
}

#[test]
fn attack_c1_an_old_parent_cannot_take_the_newer_shares_as_uncles() {
    let mut miner = Miner::devnet();
    let mut chain = ShareChain::new(miner.params.clone());
    let mut old_view = ShareChain::new(miner.params.clone());
    let shares: Vec<_> = (1..=5).map(|second| miner.extend(&mut chain, GENESIS_TIME + second)).collect();
    history(&mut old_view, &shares[0]);
    // On the old parent everything newer is better than it.
    let mut context = old_view.job_context().unwrap();
    context.count += 1;
    context.work_before = context.work_before.checked_add(shares[1].work()).unwrap();
    context.uncles = vec![shares[1].id()];
    let data = miner.data(&context);
    let share = miner.mine_data(&context, data, GENESIS_TIME + 6);
    let share = Arc::new(CheckedShare::check(share, &miner.params).unwrap());
    assert_eq!(history(&mut chain, &share), Verdict::Invalid(ShareError::ParentNotBest(shares[1].id())));
}

#[test]
fn attack_f5_an_uncle_below_an_eighth_of_the_base_is_not_merged() {
    let mut miner = Miner::new(steep_params(), 1);
    let mut chain = ShareChain::new(miner.params.clone());
    let mut side = ShareChain::new(miner.params.clone());
    history(&mut side, &miner.extend(&mut chain, GENESIS_TIME));
    miner.share_work = Work::from_hashes(8);
    miner.extend(&mut chain, GENESIS_TIME);
    let mut side_miner = Miner::new(miner.params.clone(), 2);
    let cheap = side_miner.extend(&mut side, GENESIS_TIME);
    history(&mut chain, &cheap);
    let light = cheap.work().hashes();
    while chain.next_base_work().hashes() <= 8 * light {
        assert_eq!(chain.job_context().unwrap().mergeable, 1);
        assert_eq!(merge(&mut miner, &mut chain, &[]), Verdict::Valid);
    }
    assert_eq!(chain.job_context().unwrap().mergeable, 0);
    let verdict = merge(&mut miner, &mut chain, &[&cheap]);
    assert_eq!(verdict, Verdict::Invalid(ShareError::UncleTooLight(cheap.id())));
    // What hangs on it weighs enough, but a merge set is closed.
    side_miner.share_work = Work::from_hashes(16);
    let heavier = side_miner.extend(&mut side, GENESIS_TIME);
    assert_eq!(history(&mut chain, &heavier), Verdict::Valid);
    assert!(chain.tip().id != heavier.id() && heavier.work().hashes() * 8 >= chain.next_base_work().hashes());
    assert_eq!(chain.job_context().unwrap().mergeable, 0);
}

#[test]
fn attack_h8_gossip_does_not_spread_shares_far_below_todays_difficulty() {
    let mut miner = Miner::new(steep_params(), 1);
    let mut chain = ShareChain::new(miner.params.clone());
    let mut stale = ShareChain::new(miner.params.clone());
    let now = UnixTime::from(GENESIS_TIME);
    let easy = Miner::new(miner.params.clone(), 2).mine(&mut stale, GENESIS_TIME);
    while chain.next_base_work().hashes() <= 8 * easy.work().hashes() {
        assert_eq!(chain.admit(&easy, now), Admission::Relay);
        miner.extend(&mut chain, GENESIS_TIME);
    }
    assert!(chain.tip().height < chain.params().merge_depth(), "it is not too old");
    assert_eq!(chain.admit(&easy, now), Admission::Ignore(Ignored::TooEasy));
    assert_eq!(history(&mut chain, &easy), Verdict::Valid, "policy is not validity");
}
