//! Branches that clock or daemon speak against while most of the work is on them.

use super::{held_back::*, *};
use crate::hash::BlockHash;

/// A branch on a block that our daemon does not have, of shares of 8 hashes, and how many of them are enough to be followed.
fn held_branch(miner: &mut Miner, base: u128) -> (Vec<Arc<CheckedShare>>, usize) {
    let mut ahead = ShareChain::new(miner.params.clone());
    mine_on(miner, 4, 105);
    miner.share_work = Work::from_hashes(8);
    let needed = usize::try_from(8 * 64 * base / 8).unwrap();
    let branch = (1..).take(needed + 3).map(|second| miner.extend(&mut ahead, GENESIS_TIME + second)).collect();
    (branch, needed)
}

#[test]
fn work_of_512_base_shares_against_us_shows_that_we_are_at_fault() {
    let (mut miner, mut chain) = with_daemon();
    let (branch, needed) = held_branch(&mut miner, chain.next_base_work().hashes());
    for share in &branch[..needed - 1] {
        assert!(matches!(live(&mut chain, share), Verdict::NotYet(_)));
        assert!(!chain.contains(&share.id()));
    }
    assert_eq!((chain.tip().height, chain.follows_held()), (0, false));
    assert!(drain(&mut chain).is_empty());
    assert_eq!(live(&mut chain, &branch[needed - 1]), Verdict::Valid);
    assert_eq!((chain.tip().id, chain.follows_held()), (branch[needed - 1].id(), true));
    // What is built on it is helped along, what has a reason of its own waits for as much work again.
    mine_on(&mut miner, 3, 104);
    let child = miner.mine(&mut chain, GENESIS_TIME + 200);
    assert_eq!(live(&mut chain, &child), Verdict::Valid);
    assert!(matches!(live(&mut chain, &branch[needed]), Verdict::NotYet(NotYet::UnknownBlock(_))));
    assert_eq!((chain.tip().id, chain.job_context().unwrap().mergeable), (child.id(), 0));
    assert!(branch[..needed].iter().chain([&child]).all(|share| chain.contains(&share.id())));
    let effects = drain(&mut chain);
    let reason = NotYet::UnknownBlock(BlockHash::from_bytes([4; 32]));
    let overruled =
        effects.iter().filter(|effect| matches!(effect, Effect::Overruled { reason: why, .. } if *why == reason));
    assert_eq!(overruled.count(), 1);
    let linked = |effects: &[Effect]| effects.iter().filter(|effect| matches!(effect, Effect::Linked(_))).count();
    assert_eq!(linked(&effects), needed + 1, "each once");
    // When the daemon has the block after all, nothing waits and nothing is announced twice.
    chain.on_parent_block(block(4, 104), NOW);
    assert_eq!((chain.held_back(), chain.follows_held()), (0, false));
    assert_eq!(linked(&drain(&mut chain)), 1);
    assert_eq!(chain.job_context().unwrap().mergeable, 1);
}

#[test]
fn a_node_that_was_only_behind_goes_back_when_it_has_caught_up() {
    // A merge depth in which all of it could be merged, if it were not for its reason.
    let raw = Miner::devnet().params.raw().clone();
    let (mut miner, mut chain) = with_daemon_of(testing::params(ConsensusParams { merge_depth: 600, ..raw }));
    let base = chain.next_base_work().hashes();
    let (branch, needed) = held_branch(&mut miner, base);
    for share in &branch[..needed] {
        live(&mut chain, share);
    }
    assert!(chain.follows_held());
    // The network's chain, of shares that merge nothing that is held.
    let mut network = ShareChain::new(miner.params.clone());
    mine_on(&mut miner, 3, 104);
    let mut beside = Work::ZERO;
    for second in 1.. {
        let share = miner.extend(&mut network, GENESIS_TIME + second);
        beside = beside.saturating_add(share.work());
        assert_eq!(live(&mut chain, &share), Verdict::Valid);
        if !chain.follows_held() {
            break;
        }
    }
    let (least, most) = (Work::from_hashes(6 * 64 * base), Work::from_hashes(8 * 64 * base));
    assert!(least < beside && beside < most, "{beside:?}");
    // The branch has more work in all, but most of what was done since it began was done beside it.
    assert!(branch[needed - 1].share().data.total_work > network.tip().total_work);
    assert_eq!((chain.tip(), chain.follows_held()), (network.tip(), false));
    assert_eq!(chain.job_context().unwrap().mergeable, 0, "what is held is not merged");
    assert!(chain.contains(&branch[0].id()), "it was announced and nobody is sent it twice");
    assert_ne!(live(&mut chain, &branch[needed]), Verdict::Valid);
    assert!(!chain.follows_held());
}

/// Shares on invented blocks that merge everybody, in turns with honest ones: so many of each, and in how many turns they
/// were followed.
fn invent_beside(merge_depth: u32, honest: usize, invented: usize, turns: u32) -> (Miner, ShareChain, usize) {
    let params = testing::params(ConsensusParams { merge_depth, ..Miner::devnet().params.raw().clone() });
    let (mut miner, mut chain) = with_daemon_of(params.clone());
    let mut liar = Miner::new(params.clone(), 9);
    mine_on(&mut liar, 200, 104);
    miner.share_work = Work::from_hashes(64);
    liar.share_work = Work::from_hashes(64);
    // The liar holds nothing back: its tip is its own and merges everybody else.
    let mut all = ShareChain::new(params);
    let mut followed = 0;
    for turn in 1..=turns {
        for _ in 0..honest {
            let share = miner.mine(&mut chain, GENESIS_TIME + 10 * turn);
            assert_eq!(chain.handle(share.clone(), Origin::Live, LATER), Verdict::Valid);
            history(&mut all, &share);
        }
        for _ in 0..invented {
            let share = liar.extend(&mut all, GENESIS_TIME + 10 * turn);
            chain.handle(share, Origin::Live, LATER);
        }
        followed += usize::from(chain.follows_held());
        assert!(all.tip().total_work > chain.tip().total_work || chain.follows_held());
    }
    (miner, chain, followed)
}

#[test]
fn attack_f7_merging_everybody_does_not_make_a_minority_a_majority() {
    let (_, chain, followed) = invent_beside(600, 3, 2, 150);
    assert_eq!((chain.tip().count, chain.held_back(), followed), (450, 300, 0));
}

#[test]
fn what_most_of_the_work_is_on_is_followed_and_forgiven_when_it_is_buried() {
    let (mut miner, mut chain, followed) = invent_beside(40, 2, 3, 150);
    assert!(followed > 0);
    let count = chain.tip().count;
    for second in 0..100 {
        let share = miner.mine(&mut chain, GENESIS_TIME + 1_600 + second);
        assert_eq!(chain.handle(share, Origin::Live, LATER), Verdict::Valid);
    }
    assert_eq!((chain.follows_held(), chain.tip().count), (false, count + 100));
    assert_eq!(chain.poll_timeout(), None);
}

#[test]
fn one_share_alone_never_overrules_us() {
    let (mut miner, mut chain) = with_daemon();
    let mut ahead = ShareChain::new(miner.params.clone());
    let first = miner.extend(&mut chain, GENESIS_TIME + 1);
    history(&mut ahead, &first);
    // It merges what we have not merged yet.
    let mut others = ShareChain::new(miner.params.clone());
    let side = Miner::new(miner.params.clone(), 2).extend(&mut others, GENESIS_TIME + 1);
    history(&mut ahead, &side);
    live(&mut chain, &side);
    mine_on(&mut miner, 4, 105);
    miner.share_work = Work::MAX;
    let heaviest = miner.mine(&mut ahead, GENESIS_TIME + 2);
    assert!(heaviest.share().data.total_work.hashes() > 64 * chain.next_base_work().hashes());
    assert!(matches!(live(&mut chain, &heaviest), Verdict::NotYet(_)));
}

#[test]
fn shares_that_waited_only_for_what_is_followed_pass_with_it() {
    let raw = Miner::devnet().params.raw().clone();
    let (mut miner, mut chain) = with_daemon_of(testing::params(ConsensusParams { merge_depth: 600, ..raw }));
    let (branch, needed) = held_branch(&mut miner, chain.next_base_work().hashes());
    let mut ahead = ShareChain::new(miner.params.clone());
    for share in &branch[..needed - 2] {
        history(&mut ahead, share);
        live(&mut chain, share);
    }
    // Two shares on a block that everybody has, beside the branch's next one.
    mine_on(&mut miner, 3, 104);
    miner.share_work = Work::ZERO;
    let beside = [200, 201].map(|second| miner.mine(&mut ahead, GENESIS_TIME + second));
    for share in &beside {
        assert_eq!(live(&mut chain, share), Verdict::NotYet(NotYet::Ancestor));
    }
    for share in &branch[needed - 2..needed] {
        live(&mut chain, share);
    }
    assert!(chain.follows_held());
    assert!(beside.iter().all(|share| chain.contains(&share.id())));
    assert_eq!(chain.job_context().unwrap().mergeable, 2);
    let linked = drain(&mut chain).into_iter().filter(|effect| matches!(effect, Effect::Linked(_))).count();
    assert_eq!(linked, needed + 2);
}

#[test]
fn a_long_branch_that_is_followed_is_let_pass_from_its_beginning() {
    let raw = testing::main_params().raw().clone();
    let (mut miner, mut chain) = with_daemon_of(testing::params(ConsensusParams { merge_depth: 10_000, ..raw }));
    let mut ahead = ShareChain::new(miner.params.clone());
    mine_on(&mut miner, 4, 105);
    let branch: Vec<_> = (0..4_600).map(|number| miner.extend(&mut ahead, GENESIS_TIME + number / 100)).collect();
    for share in &branch {
        live(&mut chain, share);
    }
    // 512 at a time are followed. What no longer fits has been part of the best chain for long and is neither held nor lost.
    assert_eq!((chain.follows_held(), chain.held_back()), (true, 4_096));
    assert!(branch.iter().all(|share| chain.is_linked(&share.id())));
    chain.on_parent_block(block(4, 104), NOW);
    assert_eq!((chain.tip(), chain.held_back(), chain.follows_held()), (ahead.tip(), 0, false));
}
