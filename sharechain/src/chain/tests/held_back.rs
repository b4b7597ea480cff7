//! Valid shares that clock or daemon speak against.

use super::*;
use crate::hash::BlockHash;

const NOW: UnixTime = 1_800_000_100;

fn block(tag: u8, height: u32) -> ParentBlock {
    ParentBlock { hash: BlockHash::from_bytes([tag; 32]), height, next_bits: None }
}

/// A chain whose daemon has blocks 1 to 3 at heights 101 to 103, and a miner that mines on block 3.
fn with_daemon() -> (Miner, ShareChain) {
    let mut miner = Miner::devnet();
    let mut chain = ShareChain::new(miner.params.clone());
    for tag in 1..=3 {
        chain.on_parent_block(block(tag, 100 + u32::from(tag)), NOW);
    }
    mine_on(&mut miner, 3, 104);
    (miner, chain)
}

fn mine_on(miner: &mut Miner, block: u8, height: u32) {
    miner.work.prev_block = BlockHash::from_bytes([block; 32]);
    miner.work.block_height = height;
}

fn live(chain: &mut ShareChain, share: &Arc<CheckedShare>) -> Verdict {
    chain.handle(share.clone(), Origin::Live, NOW)
}

#[test]
fn attack_c3_shares_on_blocks_that_the_daemon_does_not_have_wait_for_it() {
    let (mut miner, mut chain) = with_daemon();
    let mut ahead = ShareChain::new(miner.params.clone());
    mine_on(&mut miner, 4, 105);
    let on_unknown = miner.extend(&mut ahead, GENESIS_TIME + 1);
    mine_on(&mut miner, 3, 104);
    let child = miner.extend(&mut ahead, GENESIS_TIME + 2);
    assert_eq!(chain.admit(&on_unknown, NOW), Admission::Keep);
    let unknown = BlockHash::from_bytes([4; 32]);
    assert_eq!(live(&mut chain, &on_unknown), Verdict::NotYet(NotYet::UnknownBlock(unknown)));
    assert_eq!(chain.admit(&child, NOW), Admission::Keep, "its parent is held back");
    assert_eq!(live(&mut chain, &child), Verdict::NotYet(NotYet::Ancestor));
    assert_eq!((chain.tip().height, chain.job_context().unwrap().mergeable), (0, 0), "neither built on nor merged");
    assert_eq!(chain.unknown_blocks(), [unknown]);
    assert!(drain(&mut chain).is_empty(), "and not announced");
    // Held shares are known: nobody sends them twice.
    assert_eq!(live(&mut chain, &child), Verdict::Known);
    chain.on_parent_block(block(4, 104), NOW);
    assert_eq!((chain.tip().id, chain.held_back()), (child.id(), 0));
    let linked = drain(&mut chain).into_iter().filter_map(|effect| match effect {
        Effect::Linked(share) => Some(share.id()),
        _ => None,
    });
    assert_eq!(linked.collect::<Vec<_>>(), [on_unknown.id(), child.id()]);
}

#[test]
fn a_height_or_target_that_the_daemon_contradicts_holds_back() {
    let (mut miner, mut chain) = with_daemon();
    mine_on(&mut miner, 3, 105);
    let wrong_height = miner.mine(&mut chain, GENESIS_TIME + 1);
    assert_eq!(live(&mut chain, &wrong_height), Verdict::NotYet(NotYet::WrongClaims));
    mine_on(&mut miner, 3, 104);
    let right = miner.mine(&mut chain, GENESIS_TIME + 1);
    chain.on_parent_block(ParentBlock { next_bits: Some(testing::EASY_BITS), ..block(3, 103) }, NOW);
    assert_eq!(live(&mut chain, &right), Verdict::NotYet(NotYet::WrongClaims), "its target is another one");
    chain.on_parent_block(ParentBlock { next_bits: Some(miner.block_bits), ..block(3, 103) }, NOW);
    assert_eq!(chain.tip().id, right.id(), "judged again when the daemon says something else");
    assert_eq!(chain.held_back(), 1);
}

#[test]
fn work_two_blocks_behind_what_was_mined_on_before_is_stale() {
    let (mut miner, mut chain) = with_daemon();
    let newest = miner.mine(&mut chain, GENESIS_TIME + 1);
    assert_eq!(live(&mut chain, &newest), Verdict::Valid);
    mine_on(&mut miner, 2, 103);
    let one_behind = miner.mine(&mut chain, GENESIS_TIME + 2);
    assert_eq!(live(&mut chain, &one_behind), Verdict::Valid, "its block may have come a moment later");
    mine_on(&mut miner, 1, 102);
    let two_behind = miner.mine(&mut chain, GENESIS_TIME + 3);
    assert_eq!(chain.admit(&two_behind, NOW), Admission::Keep);
    assert_eq!(live(&mut chain, &two_behind), Verdict::NotYet(NotYet::StaleBlock));
    let mut fresh = ShareChain::new(miner.params.clone());
    for tag in 1..=3 {
        fresh.on_parent_block(block(tag, 100 + u32::from(tag)), NOW);
    }
    let first = miner.mine(&mut fresh, GENESIS_TIME + 3);
    assert_eq!(live(&mut fresh, &first), Verdict::Valid, "nobody had mined on a newer one");
}

#[test]
fn without_a_daemon_and_from_the_own_store_nothing_is_judged() {
    let (mut miner, mut chain) = with_daemon();
    mine_on(&mut miner, 9, 7);
    let stranger = miner.mine(&mut chain, GENESIS_TIME + 1);
    assert_eq!(live(&mut ShareChain::new(miner.params.clone()), &stranger), Verdict::Valid);
    assert_eq!(history(&mut chain, &stranger), Verdict::Valid);
}

#[test]
fn a_branch_with_64_base_shares_more_work_shows_that_we_are_at_fault() {
    let (mut miner, mut chain) = with_daemon();
    let mut ahead = ShareChain::new(miner.params.clone());
    mine_on(&mut miner, 4, 105);
    miner.share_work = Work::from_hashes(8);
    let base = chain.next_base_work().hashes();
    let needed = u32::try_from(64 * base / 8).unwrap();
    let branch: Vec<_> = (1..=needed).map(|second| miner.extend(&mut ahead, GENESIS_TIME + second)).collect();
    let (last, before) = branch.split_last().unwrap();
    for share in before {
        assert!(matches!(live(&mut chain, share), Verdict::NotYet(_)));
    }
    assert_eq!(chain.tip().height, 0);
    assert_eq!(live(&mut chain, last), Verdict::Valid);
    assert_eq!((chain.tip().id, chain.held_back()), (last.id(), 0));
    let effects = drain(&mut chain);
    let reason = NotYet::UnknownBlock(BlockHash::from_bytes([4; 32]));
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Overruled { reason: why, .. } if *why == reason)));
    // What comes after is judged again.
    let next = miner.mine(&mut chain, GENESIS_TIME + needed + 1);
    assert_eq!(live(&mut chain, &next), Verdict::NotYet(reason));
}

#[test]
fn one_share_alone_never_overrules_us() {
    let (mut miner, mut chain) = with_daemon();
    miner.extend(&mut chain, GENESIS_TIME + 1);
    mine_on(&mut miner, 4, 105);
    miner.share_work = Work::MAX;
    let heaviest = miner.mine(&mut ShareChain::new(miner.params.clone()), GENESIS_TIME + 2);
    assert!(heaviest.work().hashes() > 60 * chain.next_base_work().hashes());
    assert!(matches!(live(&mut chain, &heaviest), Verdict::NotYet(_)));
}
