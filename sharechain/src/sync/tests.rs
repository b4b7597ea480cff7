use serde_json::Value;

use super::*;
use crate::{
    chain::{Origin, ShareChain, Tip},
    testing::{self, GENESIS_TIME, Miner, World, json},
};

mod downloads;

const PROTOCOL: &str = include_str!("../../../docs/protocol/sync.md");

const OURS: Work = Work::from_hashes(100);
/// After the first peers had their time to speak.
const LATER: Millis = SETTLE_MS;

/// A sync of shares that are nothing but their number.
type Numbers<P> = Sync<P, u64>;

fn number_id(number: u64) -> ShareId {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    ShareId::from_bytes(bytes)
}

fn id_number(id: &ShareId) -> u64 {
    u64::from_le_bytes(id.as_bytes()[..8].try_into().unwrap())
}

fn claim(tag: u8, work: u128) -> TipClaim {
    let total_work = Work::from_hashes(work);
    TipClaim { id: ShareId::from_bytes([tag.saturating_add(0x80); 32]), height: work.try_into().unwrap(), total_work }
}

/// Our own tip; its id is between those that peers claim.
fn tip(total_work: Work) -> Tip {
    Tip { id: ShareId::from_bytes([0x11; 32]), height: 1, count: 1, total_work }
}

/// Whom `sync` asks for ids now. Its other requests are made and forgotten.
fn asked<B>(sync: &mut Sync<char, B>, ours: Work, now: Millis) -> Option<char> {
    let mut asked = None;
    while let Some(request) = sync.poll(&tip(ours), now) {
        if let SyncRequest::Ids { peer, .. } = request {
            asked = Some(peer);
        }
    }
    asked
}

/// A peer shows a page of `linked` new shares, which link, and of known ones up to a height.
fn page(sync: &mut Numbers<char>, peer: char, linked: u64, height: u64, more: bool, now: Millis) {
    let ids: Vec<ShareId> = (0..linked).map(|number| number_id(1_000 * height + number)).collect();
    let ids = if ids.is_empty() { vec![ShareId::ZERO] } else { ids };
    sync.on_ids(&peer, &ids, more, |id| (*id == ShareId::ZERO).then_some(height));
    while sync.bodies.len() > 0 {
        let Some(SyncRequest::Shares { peer, ids }) = sync.poll(&tip(OURS), now) else {
            panic!("nothing is asked for")
        };
        let shares = ids.iter().map(|id| (*id, 0)).collect();
        sync.on_shares(&peer, &ids.into_iter().collect(), shares, now);
        while let Some(batch) = sync.next_batch() {
            sync.on_batch(Fed { linked: batch.shares.len(), height, is_refused: false }, now);
        }
    }
    if let Some(batch) = sync.next_batch() {
        assert!(batch.shares.is_empty());
        sync.on_batch(Fed::default(), now);
    }
}

#[test]
fn single_shares_are_asked_for_in_turns() {
    let mut sync = Numbers::default();
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
    let mut sync = Numbers::default();
    sync.on_tip('a', claim(1, 1_000), 0);
    let mut is_behind = |ours: u128, now| {
        sync.poll(&tip(Work::from_hashes(ours)), now);
        sync.state() != SyncState::Synced
    };
    assert!(is_behind(100, 1) && is_behind(200, STALLED_MS), "it has gained just now");
    assert!(is_behind(200, 2 * STALLED_MS - 1));
    assert!(!is_behind(200, 2 * STALLED_MS));
}

#[test]
fn a_peer_that_failed_is_asked_again_when_its_time_has_come() {
    let mut sync = Numbers::default();
    sync.on_tip('a', claim(1, 1_000), 0);
    assert_eq!(asked(&mut sync, OURS, LATER), Some('a'));
    sync.on_failure(&'a', LATER);
    sync.caught_up = true;
    let again = sync.poll_timeout(LATER).unwrap();
    assert!(again > LATER);
    assert_eq!(asked(&mut sync, OURS, again - 1), None);
    assert_eq!(asked(&mut sync, OURS, again), Some('a'));
    assert!(sync.poll_timeout(again).is_none_or(|due| due > again), "nothing is due for ever");
}

#[test]
fn who_has_our_own_tip_is_asked_for_nothing() {
    let mut sync = Numbers::default();
    let Tip { id, height, total_work, .. } = tip(OURS);
    sync.on_tip('a', TipClaim { id, height, total_work }, 0);
    assert_eq!(asked(&mut sync, OURS, LATER), None);
}

#[test]
fn a_locator_of_the_highest_chain_has_room() {
    assert_eq!((CURSOR_MAX, LOCATOR_MAX), (65, 140));
}

/// The requests of the protocol page: kind, peer, and the first and last share.
fn requests(sync: &mut Numbers<String>, ours: Work, now: Millis) -> Value {
    let requests = std::iter::from_fn(|| sync.poll(&tip(ours), now)).map(|request| match request {
        SyncRequest::Ids { peer, .. } => serde_json::json!(["ids", peer]),
        SyncRequest::Shares { peer, ids } => {
            let numbers: Vec<u64> = ids.iter().map(id_number).collect();
            assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
            serde_json::json!(["shares", peer, numbers.first(), numbers.last()])
        }
    });
    requests.collect()
}

/// Lets one event of the protocol page happen.
fn happens(sync: &mut Numbers<String>, event: &Value) {
    let now: Millis = json::number(&event["at"]);
    let peer = |kind: &str| event[kind].as_str().map(ToOwned::to_owned);
    let numbers = || json::number::<u64>(&event["from"])..=json::number::<u64>(&event["to"]);
    let is_lacked = |number: &u64| match event["lacks"].as_array().map(Vec::as_slice) {
        Some([from, to]) => (json::number::<u64>(from)..=json::number::<u64>(to)).contains(number),
        _ => false,
    };
    if let Some(peer) = peer("tip") {
        let id = if event["smaller_id"] == true { ShareId::ZERO } else { ShareId::from_bytes([0x22; 32]) };
        let claim = TipClaim { id, height: 1, total_work: json::work(&event["work"]) };
        sync.on_tip(peer, claim, now);
    } else if let Some(peer) = peer("ids") {
        let ids: Vec<ShareId> = numbers().map(number_id).collect();
        let known = event["known"] == true;
        sync.on_ids(&peer, &ids, event["more"] == true, |id| known.then(|| id_number(id)));
    } else if let Some(peer) = peer("shares") {
        let asked = numbers().map(number_id).collect();
        let shown = numbers().filter(|number| !is_lacked(number));
        sync.on_shares(&peer, &asked, shown.map(|number| (number_id(number), number)).collect(), now);
    } else if let Some(peer) = peer("fails") {
        sync.on_ids_failed(&peer, now);
    } else if let Some(peer) = peer("gone") {
        sync.on_gone(&peer);
    } else {
        assert_eq!(requests(sync, json::work(&event["ours"]), now), event["asks"], "{event}");
        let state = match sync.state() {
            SyncState::Alone => "alone",
            SyncState::Behind { .. } => "behind",
            SyncState::Synced => "synced",
        };
        assert_eq!(state, event["state"], "{event}");
    }
    while let Some(batch) = sync.next_batch() {
        let linked = if event["refused"] == true { 0 } else { batch.shares.len() };
        let height = if linked == 0 { None } else { batch.shares.iter().max().copied() };
        sync.on_batch(Fed { linked, height: height.unwrap_or_default(), is_refused: false }, now);
    }
}

#[test]
fn peers_are_asked_in_the_turns_of_the_protocol_page() {
    for case in json::cases(PROTOCOL, "turns") {
        let mut sync = Numbers::default();
        for event in case["events"].as_array().unwrap() {
            happens(&mut sync, event);
        }
    }
}

#[test]
fn failures_cost_the_pauses_of_the_protocol_page() {
    let mut sync = Numbers::default();
    sync.on_tip('a', claim(1, 200), 0);
    let mut now = 0;
    for (failures, case) in json::cases(PROTOCOL, "pauses").iter().enumerate() {
        assert_eq!(json::number::<usize>(&case["failures_before"]), failures);
        assert_eq!(asked(&mut sync, OURS, now), Some('a'), "{case}");
        sync.on_failure(&'a', now);
        now += 1_000 * json::number::<Millis>(&case["pause_secs"]);
        assert_eq!(asked(&mut sync, OURS, now - 1), None, "{case}");
    }
    assert_eq!(pause_ms(u32::MAX), RETRY_MS_MAX);
}

#[test]
fn one_failure_of_the_only_peer_is_no_reason_to_believe_that_we_are_done() {
    let mut sync = Numbers::default();
    sync.on_tip('a', claim(1, 200), 0);
    let mut now = 0;
    for _failure in 0..3 {
        assert_eq!(sync.state(), SyncState::Behind { height: 200 });
        now = (now..now + 100_000).find(|now| asked(&mut sync, OURS, *now).is_some()).unwrap();
        sync.on_failure(&'a', now);
    }
    // It had its chances; nobody can keep us from mining for ever.
    assert_eq!(asked(&mut sync, OURS, now), None);
    assert_eq!(sync.state(), SyncState::Synced);
    // But it is asked again.
    assert!((now..now + 400_000).any(|now| asked(&mut sync, OURS, now) == Some('a')));
}

#[test]
fn a_silent_peer_is_replaced_after_the_timeout() {
    let mut sync = Numbers::default();
    sync.on_tip('a', claim(1, 200), 0);
    sync.on_tip('b', claim(2, 300), 0);
    assert_eq!(asked(&mut sync, OURS, 0), Some('b'));
    assert_eq!(sync.poll_timeout(LATER), Some(IDS_TIMEOUT_MS));
    assert_eq!(asked(&mut sync, OURS, IDS_TIMEOUT_MS), Some('a'));
}

#[test]
fn liars_with_ever_new_claims_do_not_starve_an_honest_peer() {
    let mut sync = Numbers::default();
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
                sync.on_ids(&'h', &[number_id(honest)], true, |id| Some(id_number(id)));
                assert!(sync.next_batch().is_some());
                sync.on_batch(Fed::default(), now);
            }
            Some(_) => {
                lies += 1;
                now += IDS_TIMEOUT_MS;
            }
            None => now += 1_000,
        }
    }
    assert!(lies <= 12 && now <= 60_000, "{lies} questions to liars cost {now} ms");
}

#[test]
fn a_turn_ends_and_others_have_theirs() {
    let mut sync = Numbers::default();
    sync.on_tip('a', claim(1, 1_000), 0);
    sync.on_tip('b', claim(2, 900), 0);
    let mut height = 0;
    for now in (0..TURN_MS).step_by(1_000) {
        assert_eq!(asked(&mut sync, OURS, now), Some('a'), "at {now}");
        height += 1;
        page(&mut sync, 'a', 0, height, true, now);
    }
    assert_eq!(asked(&mut sync, OURS, TURN_MS), Some('b'));
    page(&mut sync, 'b', 1, 7, false, TURN_MS);
    // It goes on where its last turn ended.
    let again = sync.poll(&tip(OURS), TURN_MS + 1);
    assert_eq!(again, Some(SyncRequest::Ids { peer: 'a', cursor: vec![ShareId::ZERO] }));
}

#[test]
fn repeating_what_we_have_is_no_progress_but_leading_on_is() {
    let mut sync = Numbers::default();
    sync.on_tip('a', claim(1, 200), 0);
    assert_eq!(asked(&mut sync, OURS, 0), Some('a'));
    page(&mut sync, 'a', 0, 10, true, 0);
    assert_eq!(asked(&mut sync, OURS, 0), Some('a'), "a branch of known shares leads on");
    page(&mut sync, 'a', 0, 10, true, 0);
    assert_eq!(asked(&mut sync, OURS, 0), None, "it repeats itself");
}

#[test]
fn a_liar_that_keeps_us_busy_does_not_keep_us_from_mining() {
    let mut sync = Numbers::default();
    sync.on_tip('l', claim(1, 1_000_000), 0);
    let done = (0..100).find(|step| {
        let now = step * 4_000;
        if asked(&mut sync, OURS, now).is_some() {
            // One known share of the next height, just in time.
            page(&mut sync, 'l', 0, step + 1, true, now);
        }
        sync.state() == SyncState::Synced
    });
    assert_eq!(done, Some(STALLED_MS / 4_000));
}

#[test]
fn equal_peers_mean_synced_once_all_had_time_to_speak() {
    let mut sync = Numbers::default();
    sync.on_tip('a', claim(1, 100), 0);
    assert_eq!(asked(&mut sync, OURS, 0), None);
    assert_eq!(sync.state(), SyncState::Behind { height: 100 }, "another peer may have more");
    assert_eq!(sync.poll_timeout(0), Some(LATER));
    assert_eq!(asked(&mut sync, OURS, LATER), None);
    assert_eq!(sync.state(), SyncState::Synced);
}

#[test]
fn a_peer_that_leaves_frees_its_request() {
    let mut sync = Numbers::default();
    sync.on_tip('a', claim(1, 200), 0);
    sync.on_tip('b', claim(2, 300), 0);
    assert_eq!(asked(&mut sync, OURS, 0), Some('b'));
    sync.on_gone(&'b');
    assert_eq!(asked(&mut sync, OURS, 0), Some('a'));
}

#[test]
fn a_node_that_holds_back_what_its_peer_is_on_asks_ever_later() {
    let mut sync = Numbers::default();
    sync.on_tip('a', claim(100, 200), 0);
    let mut asked_at = Vec::new();
    for second in 0..400 {
        if asked(&mut sync, OURS, 1_000 * second).is_some() {
            asked_at.push(second);
            // Everything is known already, and there is no more.
            page(&mut sync, 'a', 0, 100, false, 1_000 * second);
        }
    }
    assert_eq!(asked_at, [0, 5, 15, 35, 75, 155, 315]);
}

#[test]
fn what_came_by_gossip_meanwhile_is_nobodys_failure() {
    let mut sync = Numbers::default();
    sync.on_tip('a', claim(1, 200), 0);
    for round in 0..10_u32 {
        let (now, work) = (Millis::from(round) * RETRY_MS, 200 + u128::from(round));
        sync.on_tip('a', claim(1, work), now);
        assert_eq!(asked(&mut sync, Work::from_hashes(work - 1), now), Some('a'), "round {round}");
        assert_eq!(asked(&mut sync, Work::from_hashes(work), now), None);
        page(&mut sync, 'a', 0, 100, false, now);
    }
}

/// Lets `client` catch up with `server` by pages of `len_max` ids; gives the number of pages.
fn catch_up(client: &mut ShareChain, server: &ShareChain, shares: &[Arc<CheckedShare>], len_max: usize) -> usize {
    let tip = server.tip();
    let mut sync = Sync::default();
    let mut histories = RivalHistory::default();
    sync.on_tip('s', TipClaim { id: tip.id, height: tip.height, total_work: tip.total_work }, 0);
    let mut pages = 0;
    while let Some(request) = sync.poll(&client.tip(), LATER) {
        match request {
            SyncRequest::Ids { peer, cursor } => {
                let ids = server.order_after(&histories.locator(client, &peer, &cursor), len_max);
                let more = ids.len() == len_max;
                sync.on_ids(&peer, &ids, more, |id| histories.height_of(client, &peer, id));
                pages += 1;
            }
            SyncRequest::Shares { peer, ids } => {
                let get = |id: &ShareId| shares.iter().find(|share| share.id() == *id).unwrap().clone();
                let answer = ids.iter().map(|id| (*id, get(id))).collect();
                sync.on_shares(&peer, &ids.into_iter().collect(), answer, LATER);
            }
        }
        while let Some(batch) = sync.next_batch() {
            let taken = histories.take(client, &batch, u64::from(u32::MAX));
            sync.on_batch(taken.fed, LATER);
        }
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
