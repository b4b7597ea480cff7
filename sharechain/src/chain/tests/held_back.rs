//! Valid shares that clock or daemon speak against.

use super::*;
use crate::hash::BlockHash;

pub(super) const NOW: UnixTime = 1_800_000_100;

pub(super) fn block(tag: u8, height: u32) -> ParentBlock {
    ParentBlock { hash: BlockHash::from_bytes([tag; 32]), height, next_bits: None, value_max: None }
}

/// A chain whose daemon has blocks 1 to 3 at heights 101 to 103, and a miner that mines on block 3.
pub(super) fn with_daemon() -> (Miner, ShareChain) {
    let mut miner = Miner::devnet();
    let mut chain = ShareChain::new(miner.params.clone());
    for tag in 1..=3 {
        chain.on_parent_block(block(tag, 100 + u32::from(tag)), NOW);
    }
    mine_on(&mut miner, 3, 104);
    (miner, chain)
}

pub(super) fn mine_on(miner: &mut Miner, block: u8, height: u32) {
    miner.work.prev_block = BlockHash::from_bytes([block; 32]);
    miner.work.block_height = height;
}

pub(super) fn live(chain: &mut ShareChain, share: &Arc<CheckedShare>) -> Verdict {
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
    chain.on_parent_block(block(3, 103), NOW);
    assert_eq!(chain.held_back(), 2, "a block told again without its target keeps the one it had");
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
fn a_chain_that_comes_from_the_store_knows_its_blocks_once_the_daemon_tells_them() {
    let (mut miner, mut chain) = with_daemon();
    let mut loaded = ShareChain::new(miner.params.clone());
    for (step, tag) in (1..).zip([1, 2, 2, 3, 3]) {
        mine_on(&mut miner, tag, 101 + u32::from(tag));
        history(&mut loaded, &miner.extend(&mut chain, GENESIS_TIME + step));
    }
    assert_eq!(loaded.fresh_work(), None);
    for tag in [3, 1, 2] {
        loaded.on_parent_block(block(tag, 100 + u32::from(tag)), NOW);
    }
    assert!(chain.fresh_work() > Some(Work::ZERO));
    assert_eq!(loaded.fresh_work(), chain.fresh_work());
    mine_on(&mut miner, 1, 102);
    let stale = miner.mine(&mut loaded, GENESIS_TIME + 6);
    assert_eq!(live(&mut loaded, &stale), Verdict::NotYet(NotYet::StaleBlock));
}

#[test]
fn without_a_daemon_and_from_the_own_store_nothing_is_judged() {
    let (mut miner, mut chain) = with_daemon();
    mine_on(&mut miner, 9, 7);
    let stranger = miner.mine(&mut chain, GENESIS_TIME + 1);
    assert_eq!(live(&mut ShareChain::new(miner.params.clone()), &stranger), Verdict::Valid);
    assert_eq!(history(&mut chain, &stranger), Verdict::Valid);
}

/// A branch on a block that our daemon does not have, of shares of so many hashes, and how many of them are enough to be
/// followed.
fn held_branch(miner: &mut Miner, base: u128, hashes: u128) -> (Vec<Arc<CheckedShare>>, usize) {
    let mut ahead = ShareChain::new(miner.params.clone());
    mine_on(miner, 4, 105);
    miner.share_work = Work::from_hashes(hashes);
    let needed = usize::try_from(4 * 64 * base / hashes).unwrap();
    let branch = (1..).take(needed + 3).map(|second| miner.extend(&mut ahead, GENESIS_TIME + second)).collect();
    (branch, needed)
}

/// A chain that follows a held branch of shares of so many hashes and what is left of the branch; then the network's chain,
/// which is one share longer and has nothing that is held, and its shares, which the first chain has yet to see.
fn following(hashes: u128) -> (ShareChain, Vec<Arc<CheckedShare>>, ShareChain, Vec<Arc<CheckedShare>>) {
    let (mut miner, mut chain) = with_daemon();
    let (mut branch, needed) = held_branch(&mut miner, chain.next_base_work().hashes(), hashes);
    for share in &branch[..needed] {
        live(&mut chain, share);
    }
    assert!(chain.follows_held());
    let mut network = ShareChain::new(miner.params.clone());
    mine_on(&mut miner, 3, 104);
    let seconds = 1..=u32::try_from(needed).unwrap() + 1;
    let shares = seconds.map(|second| miner.extend(&mut network, GENESIS_TIME + second)).collect();
    (chain, branch.split_off(needed), network, shares)
}

#[test]
fn a_branch_with_256_base_shares_more_work_shows_that_we_are_at_fault() {
    let (mut miner, mut chain) = with_daemon();
    let (branch, needed) = held_branch(&mut miner, chain.next_base_work().hashes(), 8);
    for share in &branch[..needed - 1] {
        assert!(matches!(live(&mut chain, share), Verdict::NotYet(_)));
        assert!(!chain.contains(&share.id()));
    }
    assert_eq!((chain.tip().height, chain.follows_held()), (0, false));
    assert!(drain(&mut chain).is_empty());
    for share in &branch[needed - 1..needed + 2] {
        assert_eq!(live(&mut chain, share), Verdict::Valid, "and what comes after is followed at once");
        assert_eq!((chain.tip().id, chain.follows_held()), (share.id(), true));
    }
    assert!(branch[..needed + 2].iter().all(|share| chain.contains(&share.id())));
    let effects = drain(&mut chain);
    let reason = NotYet::UnknownBlock(BlockHash::from_bytes([4; 32]));
    let overruled =
        effects.iter().filter(|effect| matches!(effect, Effect::Overruled { reason: why, .. } if *why == reason));
    assert_eq!(overruled.count(), 1);
    let linked = effects.iter().filter(|effect| matches!(effect, Effect::Linked(_))).count();
    assert_eq!(linked, needed + 2, "each once");
    // When the daemon has the block after all, nothing is held and nothing is announced twice.
    chain.on_parent_block(block(4, 104), NOW);
    assert_eq!((chain.held_back(), chain.follows_held()), (0, false));
    assert!(drain(&mut chain).is_empty());
}

#[test]
fn while_a_held_branch_is_followed_everything_held_is_told_and_merged() {
    let (mut miner, mut chain) = with_daemon();
    let mut other = Miner::new(miner.params.clone(), 2);
    mine_on(&mut other, 5, 106);
    let beside = other.mine(&mut ShareChain::new(miner.params.clone()), GENESIS_TIME + 1);
    let (branch, needed) = held_branch(&mut miner, chain.next_base_work().hashes(), 64);
    live(&mut chain, &beside);
    for share in &branch[..needed - 1] {
        live(&mut chain, share);
    }
    assert!(!chain.contains(&beside.id()) && drain(&mut chain).is_empty());
    live(&mut chain, &branch[needed - 1]);
    assert!(chain.contains(&beside.id()));
    let linked = drain(&mut chain).into_iter().filter(|effect| matches!(effect, Effect::Linked(_))).count();
    assert_eq!((linked, chain.job_context().unwrap().uncles), (needed + 1, vec![beside.id()]));
}

#[test]
fn what_is_held_is_not_told_because_others_go_on() {
    let (mut miner, mut chain) = with_daemon();
    let mut other = Miner::new(miner.params.clone(), 2);
    mine_on(&mut other, 4, 105);
    let held = other.mine(&mut ShareChain::new(miner.params.clone()), GENESIS_TIME + 1);
    live(&mut chain, &held);
    let mut ahead = ShareChain::new(miner.params.clone());
    let shares: Vec<_> = (1..=3).map(|second| miner.extend(&mut ahead, GENESIS_TIME + second)).collect();
    for share in &shares {
        live(&mut chain, share);
    }
    let linked = drain(&mut chain).into_iter().filter_map(|effect| match effect {
        Effect::Linked(share) => Some(share.id()),
        _ => None,
    });
    assert_eq!(linked.collect::<Vec<_>>(), shares.iter().map(|share| share.id()).collect::<Vec<_>>());
    assert!(!chain.contains(&held.id()));
}

#[test]
fn gossip_that_merges_a_held_share_is_not_relayed() {
    let (mut miner, mut chain) = with_daemon();
    let mut other = Miner::new(miner.params.clone(), 2);
    let mut ahead = ShareChain::new(miner.params.clone());
    mine_on(&mut other, 4, 105);
    let held = other.mine(&mut ahead, GENESIS_TIME + 1);
    miner.share_work = Work::from_hashes(64);
    let parent = miner.extend(&mut ahead, GENESIS_TIME + 1);
    let plain = miner.mine(&mut ahead, GENESIS_TIME + 2);
    history(&mut ahead, &held);
    let merging = miner.mine(&mut ahead, GENESIS_TIME + 2);
    assert_eq!(merging.share().data.uncles, [held.id()]);
    live(&mut chain, &parent);
    assert!(matches!(live(&mut chain, &held), Verdict::NotYet(_)));
    assert_eq!((chain.admit(&plain, NOW), chain.admit(&merging, NOW)), (Admission::Relay, Admission::Keep));
}

#[test]
fn a_node_that_was_only_behind_goes_back_when_it_has_caught_up() {
    let (mut chain, branch, network, shares) = following(8);
    for share in &shares {
        assert_eq!(live(&mut chain, share), Verdict::Valid);
    }
    assert_eq!((chain.tip(), chain.follows_held()), (network.tip(), false));
    assert_eq!(chain.job_context().unwrap().mergeable, 0, "what is held is not merged");
    assert_ne!(live(&mut chain, &branch[0]), Verdict::Valid);
    assert!(!chain.follows_held());
}

#[test]
fn a_branch_that_was_followed_for_so_long_that_its_beginning_is_not_held_any_more_is_released() {
    // On the devnet the beginning is forgotten, on a main network there is no room for it.
    for (params, held) in [(testing::devnet_params(), 2_401), (testing::main_params(), 4_096)] {
        let mut chain = ShareChain::new(params.clone());
        (1..=3).for_each(|tag| chain.on_parent_block(block(tag, 100 + u32::from(tag)), NOW));
        follow_for_long(&mut chain, &mut Miner::new(params, 1));
        assert_eq!((chain.tip().height, chain.follows_held(), chain.held_back()), (4_200, true, held));
        chain.on_parent_block(block(5, 104), NOW + 5_000);
        assert_eq!((chain.held_back(), chain.follows_held()), (0, false));
    }
}

/// Shows a chain 4,200 shares of which only the first one is on a block that the daemon does not have.
fn follow_for_long(chain: &mut ShareChain, miner: &mut Miner) {
    let mut ahead = ShareChain::new(miner.params.clone());
    miner.share_work = Work::from_hashes(64);
    for second in 1..=4_200 {
        let (block, height) = if second == 1 { (4, 105) } else { (3, 104) };
        mine_on(miner, block, height);
        let share = miner.extend(&mut ahead, GENESIS_TIME + second);
        chain.handle(share, Origin::Live, NOW + 5_000);
    }
}

#[test]
fn what_our_miners_find_on_a_branch_that_was_left_is_told_but_stays_held() {
    let (mut chain, branch, network, shares) = following(64);
    // A share of our own miner, on a job of the time when the branch was followed.
    let own = &branch[0];
    for share in &shares {
        live(&mut chain, share);
    }
    drain(&mut chain);
    assert_eq!(history(&mut chain, own), Verdict::Valid);
    let told = drain(&mut chain);
    assert!(matches!(&told[..], [Effect::Linked(share)] if share.id() == own.id()), "{told:?}");
    assert_eq!((chain.tip(), chain.contains(&own.id()), chain.held_back()), (network.tip(), true, shares.len()));
    assert_eq!(chain.job_context().unwrap().mergeable, 0);
    chain.on_parent_block(block(4, 104), NOW);
    assert_eq!(chain.held_back(), 0);
    assert!(drain(&mut chain).iter().all(|effect| !matches!(effect, Effect::Linked(_))), "each once");
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
fn a_long_branch_whose_time_comes_all_at_once_forgets_what_it_leaves_behind() {
    let params = testing::shallow_params();
    let (mut miner, mut twin) = (Miner::new(params.clone(), 1), Miner::new(params.clone(), 2));
    let (mut ahead, mut chain) = (ShareChain::new(params.clone()), ShareChain::new(params.clone()));
    // Two merge depths on, two shares of equal work: the one is the best tip, the other as old as everything else.
    let height = u32::try_from(2 * params.merge_depth()).unwrap();
    let mut shares: Vec<_> =
        (1..height).map(|second| miner.extend(&mut ahead, GENESIS_TIME + 1_000 + second)).collect();
    shares.push(twin.mine(&mut ahead, GENESIS_TIME + 1_000 + height));
    shares.push(miner.extend(&mut ahead, GENESIS_TIME + 1_000 + height));
    for share in &shares {
        assert!(matches!(live(&mut chain, share), Verdict::NotYet(_)));
    }
    while let Some(due) = chain.poll_timeout() {
        chain.handle_timeout(due + 2_000);
    }
    let best = shares[shares.len() - 2..].iter().map(|share| share.id()).min().unwrap();
    assert_eq!((chain.tip().id, chain.held_back()), (best, 0));
}

#[test]
fn a_time_exactly_two_minutes_ahead_is_let_pass() {
    let mut miner = Miner::devnet();
    let chain = &mut ShareChain::new(miner.params.clone());
    let now = UnixTime::from(GENESIS_TIME);
    let [on, beyond] = [120, 121].map(|ahead| miner.mine(chain, GENESIS_TIME + ahead));
    assert_eq!((chain.admit(&on, now), chain.admit(&beyond, now)), (Admission::Relay, Admission::Keep));
    assert_eq!(chain.handle(on, Origin::Live, now), Verdict::Valid);
    let until = now + 1;
    assert_eq!(chain.handle(beyond, Origin::Live, now), Verdict::NotYet(NotYet::FutureTime { until }));
}

#[test]
fn what_is_held_back_is_bounded_and_the_lightest_goes_with_all_that_builds_on_it() {
    let params = testing::main_params();
    let mut chain = ShareChain::new(params.clone());
    let future = GENESIS_TIME + 1_000;
    let now = UnixTime::from(GENESIS_TIME);
    let mut miner = Miner::new(params.clone(), 0);
    let mut ahead = ShareChain::new(params);
    let first = miner.extend(&mut ahead, future);
    let child = miner.extend(&mut ahead, future);
    for share in [&first, &child] {
        assert!(matches!(chain.handle(share.clone(), Origin::Live, now), Verdict::NotYet(_)));
    }
    // All as light as the first, each on its own.
    miner.share_work = Work::from_hashes(first.work().hashes() + 1);
    for _ in 0..4_096 - 2 {
        let share = miner.mine(&mut chain, future);
        assert!(matches!(chain.handle(share, Origin::Live, now), Verdict::NotYet(_)));
    }
    assert_eq!((chain.held_back(), chain.is_linked(&first.id())), (4_096, true));
    let one_more = miner.mine(&mut chain, future);
    assert!(matches!(chain.handle(one_more.clone(), Origin::Live, now), Verdict::NotYet(_)));
    assert_eq!((chain.held_back(), chain.is_linked(&one_more.id())), (4_095, true));
    assert!(!chain.is_linked(&first.id()) && !chain.is_linked(&child.id()));
    assert!(drain(&mut chain).is_empty(), "nobody was told of them, so nobody is told that they are gone");
    let lightest = miner.mine(&mut chain, future);
    chain.handle(lightest, Origin::Live, now);
    assert_eq!(chain.held_back(), 4_096);
}

#[test]
fn the_blocks_of_a_daemon_are_bounded() {
    let (mut miner, mut chain) = with_daemon();
    let tagged = |number: u32| {
        let mut bytes = [9; 32];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        ParentBlock { hash: BlockHash::from_bytes(bytes), height: 105, next_bits: None, value_max: None }
    };
    // Blocks 1 to 3 are the oldest, and with these there is room for no more.
    for number in 0..8_192 - 3 {
        chain.on_parent_block(tagged(number), NOW);
    }
    mine_on(&mut miner, 1, 102);
    let share = miner.mine(&mut chain, GENESIS_TIME + 1);
    assert_eq!(chain.admit(&share, NOW), Admission::Relay);
    chain.on_parent_block(tagged(8_192), NOW);
    assert_eq!(chain.admit(&share, NOW), Admission::Keep, "the oldest is forgotten");
    mine_on(&mut miner, 2, 103);
    let share = miner.mine(&mut chain, GENESIS_TIME + 1);
    assert_eq!(chain.admit(&share, NOW), Admission::Relay, "the next one is not");
}
