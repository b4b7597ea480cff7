//! Branches that left long ago, against a chain that is followed.

use super::*;

/// A chain of `ours` shares with `fork` of them in common with a branch of `theirs` more shares, each as heavy; and the
/// branch. The devnet's merge depth is 16.
fn two_branches(ours: u32, fork: u32, theirs: u32) -> (Miner, ShareChain, Vec<Arc<CheckedShare>>) {
    let mut miner = Miner::devnet();
    miner.share_work = Work::from_hashes(4);
    let mut chain = ShareChain::new(miner.params.clone());
    let mut side = ShareChain::new(miner.params.clone());
    for second in 1..=ours {
        let share = miner.extend(&mut chain, GENESIS_TIME + second);
        if second <= fork {
            history(&mut side, &share);
        }
    }
    let mut rival = Miner::new(miner.params.clone(), 2);
    rival.share_work = miner.share_work;
    let branch = (1..=theirs).map(|step| rival.extend(&mut side, GENESIS_TIME + fork + step)).collect();
    (miner, chain, branch)
}

fn rival_tips(chain: &ShareChain) -> Vec<ShareId> {
    chain.rivals().iter().map(|rival| rival.tip).collect()
}

#[test]
fn attack_h7_a_hoarded_branch_is_not_adopted_when_it_is_shown() {
    let (_, mut chain, branch) = two_branches(60, 10, 70);
    chain.guard_deep_forks();
    let ours = chain.tip();
    for share in &branch {
        assert_eq!(history(&mut chain, share), Verdict::Valid);
    }
    assert_eq!(chain.tip(), ours);
    let reported = drain(&mut chain).iter().filter(|effect| matches!(effect, Effect::RivalBranch(_))).count();
    assert_eq!(reported, 20, "once for each share with which it is heavier");
    let [rival] = chain.rivals()[..] else { panic!("one rival") };
    assert_eq!((rival.tip, rival.fork_height), (branch[69].id(), 10));
    assert_eq!((rival.our_work.hashes(), rival.work.hashes()), (50 * 4, 70 * 4));
    assert_eq!(rival.adopted_at, 60 + 6 * 16);
}

#[test]
fn twice_our_work_since_the_fork_is_adopted_at_once() {
    let (_, mut chain, branch) = two_branches(60, 10, 100);
    chain.guard_deep_forks();
    for (length, share) in (1..).zip(&branch) {
        history(&mut chain, share);
        assert_eq!(chain.tip().id == share.id(), length == 100, "{length} against 50");
    }
    assert!(chain.rivals().is_empty());
    let depth = drain(&mut chain).into_iter().find_map(|effect| match effect {
        Effect::TipChanged { reorg_depth, .. } if reorg_depth > 0 => Some(reorg_depth),
        _ => None,
    });
    assert_eq!(depth, Some(50));
}

#[test]
fn a_branch_that_stays_heavier_for_six_merge_depths_of_our_growth_is_adopted() {
    let (mut miner, mut chain, branch) = two_branches(60, 10, 99);
    chain.guard_deep_forks();
    let (shown, kept) = branch.split_at(52);
    let mut kept = kept.iter();
    for share in shown {
        history(&mut chain, share);
    }
    // Noticed at our height 60, when it became heavier; from now on ours grows by lighter shares and it stays ahead.
    miner.share_work = Work::ZERO;
    for height in 61..156_u32 {
        miner.extend(&mut chain, GENESIS_TIME + 1_000 + height);
        if height % 2 == 0 {
            history(&mut chain, kept.next().unwrap());
        }
        assert_eq!((chain.tip().height, chain.rivals().len()), (u64::from(height), 1));
    }
    miner.extend(&mut chain, GENESIS_TIME + 1_156);
    assert_eq!(chain.tip().id, branch.last().unwrap().id(), "at height 60 + 6 x 16");
}

#[test]
fn a_rival_that_is_overtaken_has_to_begin_again() {
    let (mut miner, mut chain, branch) = two_branches(60, 10, 60);
    chain.guard_deep_forks();
    for share in &branch[..52] {
        history(&mut chain, share);
    }
    assert_eq!(chain.rivals()[0].adopted_at, 60 + 96);
    for second in 61..=64 {
        miner.extend(&mut chain, GENESIS_TIME + second);
    }
    assert!(chain.rivals().is_empty());
    for share in &branch[52..] {
        history(&mut chain, share);
    }
    assert_eq!(chain.rivals()[0].adopted_at, 64 + 96);
}

#[test]
fn the_operator_decides_and_a_node_that_catches_up_takes_the_heaviest() {
    let (_, mut chain, branch) = two_branches(60, 10, 70);
    let ours = chain.tip();
    for share in &branch {
        history(&mut chain, share);
    }
    assert_eq!(chain.tip().id, branch[69].id(), "nothing to defend before it has caught up");
    chain.guard_deep_forks();
    assert!(chain.adopt(&ours.id));
    assert_eq!(chain.tip(), ours);
    assert!(chain.adopt(&branch[3].id()), "any share of the branch names it");
    assert_eq!(chain.tip().id, branch[69].id());
    assert!(!chain.adopt(&ShareId::from_bytes([9; 32])));
    assert_eq!(rival_tips(&chain), []);
}

#[test]
fn a_rival_is_known_by_its_best_share_and_forgotten_with_the_branch_it_was_measured_against() {
    let (mut miner, mut chain, branch) = two_branches(60, 10, 71);
    chain.guard_deep_forks();
    let ours = chain.tip();
    for share in &branch[..52] {
        history(&mut chain, share);
    }
    for share in &branch[52..70] {
        history(&mut chain, share);
        assert_eq!((rival_tips(&chain), chain.rivals()[0].adopted_at), (vec![share.id()], 60 + 96));
    }
    assert!(chain.adopt(&branch[0].id()));
    assert_eq!(chain.tip().id, branch[69].id(), "from its first share to its best");
    assert!(chain.adopt(&ours.id));
    for second in 61..=62 {
        miner.extend(&mut chain, GENESIS_TIME + second);
    }
    history(&mut chain, &branch[70]);
    assert_eq!(chain.rivals()[0].adopted_at, 62 + 96, "noticed anew");
}

/// Two tips of equal work, and a chain that knows both: the best one first.
fn two_tips() -> (ShareChain, ShareId, ShareId) {
    let (_, mut chain, branch) = two_branches(12, 11, 1);
    let ours = chain.tip().id;
    history(&mut chain, &branch[0]);
    let theirs = branch[0].id();
    (chain, ours.min(theirs), ours.max(theirs))
}

#[test]
fn what_was_adopted_is_left_for_what_is_better_within_the_merge_depth() {
    let (mut chain, best, other) = two_tips();
    assert!(chain.adopt(&other));
    assert_eq!(chain.tip().id, best);
    let job = chain.job_context().unwrap();
    assert_eq!((job.parent, job.uncles), (best, vec![other]));
}

#[test]
fn a_job_never_merges_what_is_better_than_its_parent() {
    let (mut chain, best, other) = two_tips();
    let other_index = chain.dag.find(&other).unwrap();
    chain.dag.select(other_index).unwrap();
    let job = chain.job_context().unwrap();
    assert_eq!((job.parent, job.uncles), (other, vec![]));
    assert!(chain.contains(&best));
}

#[test]
fn forks_within_the_merge_depth_need_no_patience() {
    let (_, mut chain, branch) = two_branches(26, 10, 17);
    chain.guard_deep_forks();
    for share in &branch {
        history(&mut chain, share);
    }
    assert_eq!(chain.tip().id, branch[16].id());
}
