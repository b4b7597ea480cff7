use serde_json::Value;

use super::*;
use crate::{
    chain::{Origin, ShareChain, Tip, Verdict},
    testing::{self, GENESIS_TIME, Miner, World, json},
};

const PROTOCOL: &str = include_str!("../../../docs/protocol/sync.md");

const OURS: Work = Work::from_hashes(100);
/// After the first peers had their time to speak.
const LATER: UnixTime = SETTLE_SECS;

#[test]
fn single_shares_are_asked_for_in_turns() {
    let mut sync = Sync::default();
    assert_eq!(sync.next_peer(), None);
    for peer in ['a', 'b', 'c'] {
        sync.on_tip(peer, claim(1, 1), 0);
    }
    let asked: Vec<char> = (0..6).filter_map(|_| sync.next_peer()).collect();
    assert_eq!((asked.len(), &asked[..3]), (6, &asked[3..]));
    let mut once = asked[..3].to_vec();
    once.sort_unstable();
    assert_eq!(once, ['a', 'b', 'c']);
}

#[test]
fn who_gains_work_goes_on_and_who_does_not_gives_up_after_a_while() {
    let mut sync = Sync::default();
    sync.on_tip('a', claim(1, 1_000), 0);
    let mut is_behind = |ours: u128, now| {
        sync.poll(&tip(Work::from_hashes(ours)), now);
        sync.state() != SyncState::Synced
    };
    assert!(is_behind(100, 1) && is_behind(200, STALLED_SECS), "it has gained just now");
    assert!(is_behind(200, 2 * STALLED_SECS - 1));
    assert!(!is_behind(200, 2 * STALLED_SECS));
}

#[test]
fn a_peer_that_failed_is_asked_again_when_its_time_has_come() {
    let mut sync = Sync::default();
    sync.on_tip('a', claim(1, 1_000), 0);
    assert_eq!(asked(&mut sync, OURS, LATER), Some('a'));
    sync.on_failure(&'a', LATER);
    sync.caught_up = true;
    let again = sync.poll_timeout().unwrap();
    assert!(again > LATER);
    assert_eq!(asked(&mut sync, OURS, again - 1), None);
    assert_eq!(asked(&mut sync, OURS, again), Some('a'));
}

#[test]
fn who_has_our_own_tip_is_asked_for_nothing() {
    let mut sync = Sync::default();
    let Tip { id, height, total_work, .. } = tip(OURS);
    sync.on_tip('a', TipClaim { id, height, total_work }, 0);
    assert_eq!(asked(&mut sync, OURS, LATER), None);
}

#[test]
fn an_answer_has_room_for_most_of_its_shares() {
    assert_eq!(SYNC_BYTES_MAX, 1_048_576);
}

#[test]
fn a_locator_of_the_highest_chain_has_room() {
    assert_eq!((CURSOR_MAX, LOCATOR_MAX), (65, 140));
}

fn claim(tag: u8, work: u128) -> TipClaim {
    let total_work = Work::from_hashes(work);
    TipClaim { id: ShareId::from_bytes([tag.saturating_add(0x80); 32]), height: work.try_into().unwrap(), total_work }
}

fn page(linked: usize, height: u64, more: bool) -> Page {
    Page { linked, height, cursor: Vec::new(), more }
}

/// Our own tip; its id is between those that peers claim.
fn tip(total_work: Work) -> Tip {
    Tip { id: ShareId::from_bytes([0x11; 32]), height: 1, count: 1, total_work }
}

fn asked(sync: &mut Sync<char>, ours: Work, now: UnixTime) -> Option<char> {
    sync.poll(&tip(ours), now).map(|request| request.peer)
}

/// Lets one event of the protocol page happen.
fn happens(sync: &mut Sync<String>, event: &Value) {
    let now: UnixTime = json::number(&event["at"]);
    let peer = |kind: &str| event[kind].as_str().map(ToOwned::to_owned);
    if let Some(peer) = peer("tip") {
        let id = if event["smaller_id"] == true { ShareId::ZERO } else { ShareId::from_bytes([0x22; 32]) };
        let claim = TipClaim { id, height: 1, total_work: json::work(&event["work"]) };
        sync.on_tip(peer, claim, now);
    } else if let Some(peer) = peer("page") {
        let (linked, height) = (json::number(&event["linked"]), json::number(&event["height"]));
        sync.on_page(&peer, page(linked, height, event["more"] == true), now);
    } else if let Some(peer) = peer("fails") {
        sync.on_failure(&peer, now);
    } else if let Some(peer) = peer("gone") {
        sync.on_gone(&peer);
    } else {
        let asked = sync.poll(&tip(json::work(&event["ours"])), now).map(|request| request.peer);
        assert_eq!(asked.as_deref(), event["asks"].as_str(), "{event}");
        let state = match sync.state() {
            SyncState::Alone => "alone",
            SyncState::Behind { .. } => "behind",
            SyncState::Synced => "synced",
        };
        assert_eq!(state, event["state"], "{event}");
    }
}

#[test]
fn peers_are_asked_in_the_turns_of_the_protocol_page() {
    for case in json::cases(PROTOCOL, "turns") {
        let mut sync = Sync::default();
        for event in case["events"].as_array().unwrap() {
            happens(&mut sync, event);
        }
    }
}

#[test]
fn failures_cost_the_pauses_of_the_protocol_page() {
    let mut sync = Sync::default();
    sync.on_tip('a', claim(1, 200), 0);
    let mut now = 0;
    for (failures, case) in json::cases(PROTOCOL, "pauses").iter().enumerate() {
        assert_eq!(json::number::<usize>(&case["failures_before"]), failures);
        assert_eq!(asked(&mut sync, OURS, now), Some('a'), "{case}");
        sync.on_failure(&'a', now);
        now += json::number::<UnixTime>(&case["pause_secs"]);
        assert_eq!(asked(&mut sync, OURS, now - 1), None, "{case}");
    }
}

#[test]
fn heavier_peers_are_asked_in_turns_until_nobody_has_more() {
    let mut sync = Sync::default();
    assert_eq!(sync.state(), SyncState::Alone);
    sync.on_tip('a', claim(1, 200), 0);
    sync.on_tip('b', claim(2, 300), 0);
    assert_eq!(sync.state(), SyncState::Behind { height: 300 });
    assert_eq!(asked(&mut sync, OURS, 0), Some('b'), "the heaviest claim first");
    assert_eq!(asked(&mut sync, OURS, 1), None, "one at a time");
    sync.on_page(&'b', page(500, 50, true), 1);
    assert_eq!(asked(&mut sync, Work::from_hashes(150), 1), Some('a'));
    sync.on_page(&'a', page(50, 60, true), 1);
    assert_eq!(asked(&mut sync, Work::from_hashes(200), 1), Some('b'));
    sync.on_page(&'b', page(10, 90, false), LATER);
    assert_eq!(asked(&mut sync, Work::from_hashes(300), LATER), None);
    assert_eq!(sync.state(), SyncState::Synced);
}

#[test]
fn one_failure_of_the_only_peer_is_no_reason_to_believe_that_we_are_done() {
    let mut sync = Sync::default();
    sync.on_tip('a', claim(1, 200), 0);
    let mut now = 0;
    for _failure in 0..3 {
        assert_eq!(sync.state(), SyncState::Behind { height: 200 });
        now = (now..now + 100).find(|now| asked(&mut sync, OURS, *now).is_some()).unwrap();
        sync.on_failure(&'a', now);
    }
    // It had its chances; nobody can keep us from mining for ever.
    assert_eq!(asked(&mut sync, OURS, now), None);
    assert_eq!(sync.state(), SyncState::Synced);
    // But it is asked again.
    assert!((now..now + 400).any(|now| asked(&mut sync, OURS, now) == Some('a')));
}

#[test]
fn a_silent_peer_is_replaced_after_the_timeout() {
    let mut sync = Sync::default();
    sync.on_tip('a', claim(1, 200), 0);
    sync.on_tip('b', claim(2, 300), 0);
    assert_eq!(asked(&mut sync, OURS, 0), Some('b'));
    assert_eq!(sync.poll_timeout(), Some(REQUEST_TIMEOUT_SECS));
    assert_eq!(asked(&mut sync, OURS, REQUEST_TIMEOUT_SECS), Some('a'));
}

#[test]
fn liars_with_ever_new_claims_do_not_starve_an_honest_peer() {
    let mut sync = Sync::default();
    sync.on_tip('h', claim(1, 1_000), 0);
    let (mut now, mut honest, mut lies) = (0, 0, 0);
    while honest < 20 {
        for (tag, liar) in ['x', 'y', 'z'].into_iter().enumerate() {
            // A new tip with every hello; it never answers.
            sync.on_tip(liar, claim(u8::try_from(tag).unwrap(), 1_000_000 + u128::from(now)), now);
        }
        match asked(&mut sync, OURS, now) {
            Some('h') => {
                honest += 1;
                sync.on_page(&'h', page(500, honest * 500, true), now);
            }
            Some(_) => {
                lies += 1;
                now += REQUEST_TIMEOUT_SECS;
            }
            None => now += 1,
        }
    }
    assert!(lies <= 12 && now <= 120, "{lies} requests to liars cost {now} s");
}

#[test]
fn repeating_what_we_have_is_no_progress_but_leading_on_is() {
    let mut sync = Sync::default();
    sync.on_tip('a', claim(1, 200), 0);
    assert_eq!(asked(&mut sync, OURS, 0), Some('a'));
    sync.on_page(&'a', page(0, 10, true), 0);
    assert_eq!(asked(&mut sync, OURS, 0), Some('a'), "a branch of known shares leads on");
    sync.on_page(&'a', page(0, 10, true), 0);
    assert_eq!(asked(&mut sync, OURS, 0), None, "it repeats itself");
}

#[test]
fn a_liar_that_keeps_us_busy_does_not_keep_us_from_mining() {
    let mut sync = Sync::default();
    sync.on_tip('l', claim(1, 1_000_000), 0);
    let done = (0..100).find(|step| {
        let now = step * 9;
        if asked(&mut sync, OURS, now).is_some() {
            // One known share of the next height, just in time.
            sync.on_page(&'l', page(0, step + 1, true), now);
        }
        sync.state() == SyncState::Synced
    });
    assert!((10..20).contains(&done.unwrap()), "{done:?}");
}

#[test]
fn equal_peers_mean_synced_once_all_had_time_to_speak() {
    let mut sync = Sync::default();
    sync.on_tip('a', claim(1, 100), 0);
    assert_eq!(asked(&mut sync, OURS, 0), None);
    assert_eq!(sync.state(), SyncState::Behind { height: 100 }, "another peer may have more");
    assert_eq!(sync.poll_timeout(), Some(LATER));
    assert_eq!(asked(&mut sync, OURS, LATER), None);
    assert_eq!(sync.state(), SyncState::Synced);
}

#[test]
fn a_peer_that_leaves_frees_its_request() {
    let mut sync = Sync::default();
    sync.on_tip('a', claim(1, 200), 0);
    sync.on_tip('b', claim(2, 300), 0);
    assert_eq!(asked(&mut sync, OURS, 0), Some('b'));
    sync.on_gone(&'b');
    assert_eq!(asked(&mut sync, OURS, 0), Some('a'));
}

/// Lets `client` catch up with `server` by pages of `len_max` shares; gives the number of pages.
fn catch_up(client: &mut ShareChain, server: &ShareChain, shares: &[Arc<CheckedShare>], len_max: usize) -> usize {
    let tip = server.tip();
    let mut sync = Sync::default();
    sync.on_tip('s', TipClaim { id: tip.id, height: tip.height, total_work: tip.total_work }, 0);
    let mut pages = 0;
    while let Some(request) = sync.poll(&client.tip(), LATER) {
        let ids = server.order_after(&client.locator(&request.cursor), len_max);
        let answer: Vec<_> =
            ids.iter().map(|id| shares.iter().find(|share| share.id() == *id).unwrap().clone()).collect();
        let link = |share: &Arc<CheckedShare>| client.handle(share.clone(), Origin::Live, u64::from(u32::MAX));
        let linked = answer.iter().map(link).filter(|verdict| *verdict == Verdict::Valid).count();
        let page = Page::new(&answer, linked, ids.len() == len_max, |id| client.is_linked(id));
        sync.on_page(&request.peer, page, LATER);
        pages += 1;
    }
    assert_eq!(sync.state(), SyncState::Synced);
    pages
}

#[test]
fn a_fork_of_many_pages_heals() {
    let params = testing::devnet_params();
    let (mut here, mut there) = (World::new(&params, 4, 1), World::new(&params, 4, 2));
    here.run(300, 4);
    there.run(400, 4);
    let mut client = ShareChain::new(params.clone());
    for share in &here.shares {
        client.handle(share.clone(), Origin::OwnStore, 0);
    }
    let mut server = ShareChain::new(params);
    for share in &there.shares {
        server.handle(share.clone(), Origin::OwnStore, 0);
    }
    assert!(server.tip().total_work > client.tip().total_work);
    let pages = catch_up(&mut client, &server, &there.shares, 20);
    assert_eq!(client.tip(), server.tip());
    assert!((10..30).contains(&pages), "{pages} pages");
}

#[test]
fn an_empty_node_catches_up_page_by_page() {
    let params = testing::devnet_params();
    let mut world = World::new(&params, 5, 3);
    world.run(200, 5);
    let shares = world.shares.clone();
    let mut client = ShareChain::new(params);
    let server = world.chains().next().unwrap();
    let pages = catch_up(&mut client, server, &shares, 17);
    assert_eq!((client.tip(), client.waiting()), (server.tip(), 0));
    assert!(pages <= 15, "{pages} pages");
}

#[test]
fn a_long_branch_that_arrives_backwards_is_asked_for_share_by_share() {
    let mut miner = Miner::devnet();
    let mut server = ShareChain::new(miner.params.clone());
    let shares: Vec<_> = (1..=300).map(|second| miner.extend(&mut server, GENESIS_TIME + second)).collect();
    let mut client = ShareChain::new(miner.params);
    let now = u64::from(GENESIS_TIME) + 300;
    client.handle(shares[299].clone(), Origin::Live, now);
    let mut after = ShareId::ZERO;
    for _question in 0..299 {
        let ids = client.missing(after, 65);
        after = ids[0];
        let wanted = shares.iter().find(|share| share.id() == after).unwrap();
        client.handle(wanted.clone(), Origin::Live, now);
    }
    assert_eq!(client.tip(), server.tip());
    assert!(client.missing(after, 65).is_empty());
}

#[test]
fn a_node_that_holds_back_what_its_peer_is_on_asks_ever_later() {
    let mut sync = Sync::default();
    sync.on_tip('a', claim(100, 200), 0);
    let mut asked_at = Vec::new();
    for now in 0..400 {
        if let Some(request) = sync.poll(&tip(OURS), now) {
            asked_at.push(now);
            // Everything is known already, and there is no more.
            sync.on_page(&request.peer, Page { linked: 0, height: 100, cursor: Vec::new(), more: false }, now);
        }
    }
    assert_eq!(asked_at, [0, 5, 15, 35, 75, 155, 315]);
}
