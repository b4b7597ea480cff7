use std::{collections::BTreeSet, net::Ipv4Addr};

use libp2p::multiaddr::Protocol;
use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};

use super::{limits::*, *};
use crate::{
    address_book::{PeerRecord, Source},
    netgroup::AddressPolicy,
    region,
};

const START: Millis = 1_790_000_000_000;

fn peer(number: u32) -> PeerId {
    let mut bytes = vec![0x12, 32];
    bytes.extend([0; 28]);
    bytes.extend(number.to_be_bytes());
    PeerId::from_bytes(&bytes).unwrap()
}

fn at(ip: [u8; 4]) -> Multiaddr {
    Multiaddr::from(Ipv4Addr::from(ip)).with(Protocol::Tcp(23_333))
}

/// The /16 of a node follows from its number.
fn home(number: u32) -> Multiaddr {
    let [.., high, low] = number.to_be_bytes();
    at([20 + high, low, 1, 1])
}

/// A node in Europe, its book, and others that answer what the test says.
struct Node {
    selector: PeerSelector,
    book: AddressBook,
    rng: StdRng,
    now: Millis,
}

impl Node {
    fn new(policy: AddressPolicy) -> Self {
        let book = AddressBook::new(policy, [7; 32]);
        let selector = PeerSelector::new(peer(u32::MAX), Some(Region::Eu), Quotas::default(), &book);
        Self { selector, book, rng: StdRng::seed_from_u64(1), now: START }
    }

    fn knows(&mut self, number: u32, region: Region) {
        self.knows_at(number, region, home(number), None);
    }

    fn knows_at(&mut self, number: u32, region: Region, address: Multiaddr, asn: Option<u32>) {
        let record = PeerRecord { peer: peer(number), addresses: vec![address], region: Some(region), asn };
        self.book.add(&record, Source::Operator, self.now);
    }

    fn tell(&mut self, event: Event) -> Vec<Action> {
        self.selector.handle(event, self.now, &mut self.book, &mut self.rng)
    }

    fn connect(&mut self, number: u32, direction: Direction, address: Multiaddr) -> Vec<Action> {
        let connection = NewConnection { peer: peer(number), direction, address, place: Place::default() };
        self.tell(Event::Connected(connection))
    }

    /// Lets time pass; whoever is dialled answers with the round trip that `rtt` says.
    fn run(&mut self, minutes: u64, rtt: impl Fn(PeerId) -> Option<u64>) -> Vec<Action> {
        let mut all = Vec::new();
        for _ in 0..minutes * 12 {
            self.now += 5_000;
            let actions = self.tell(Event::Tick);
            for action in &actions {
                let Action::Dial { peer, addresses, .. } = action else { continue };
                let Some(millis) = rtt(*peer) else {
                    self.tell(Event::DialFailed(*peer));
                    continue;
                };
                let (direction, address) = (Direction::Outbound, addresses[0].clone());
                let claim = self.book.get(peer).and_then(|entry| entry.region);
                let place = Place { region: region::hint(None, claim), asn: None };
                all.extend(self.tell(Event::Connected(NewConnection { peer: *peer, direction, address, place })));
                self.tell(Event::Rtt { peer: *peer, rtt: Duration::from_millis(millis) });
            }
            all.extend(actions);
        }
        all
    }

    fn of(&self, slot: Slot) -> Vec<PeerId> {
        self.selector.view(self.now).iter().filter(|peer| peer.slot == slot).map(|peer| peer.peer).collect()
    }

    fn held(&self) -> usize {
        [Slot::Near, Slot::Far, Slot::Random].map(|slot| self.of(slot).len()).iter().sum()
    }
}

/// Nodes 0 to 59, ten in each of six regions, Europe first.
fn world() -> Node {
    let mut node = Node::new(AddressPolicy::PublicOnly);
    let regions = [Region::Eu, Region::Na, Region::Sa, Region::Af, Region::As, Region::Oc];
    for number in 0..60 {
        node.knows(number, regions[usize::try_from(number / 10).unwrap()]);
    }
    node
}

fn number(id: PeerId) -> u32 {
    (0..100_000).find(|number| peer(*number) == id).unwrap()
}

/// 20 ms in Europe, 150 ms elsewhere.
fn by_region(id: PeerId) -> Option<u64> {
    Some(if number(id) < 10 { 20 } else { 150 })
}

#[test]
fn slots_are_filled_with_what_they_are_for() {
    let mut node = world();
    let first = node.run(1, by_region);
    let slots: Vec<Slot> = first
        .iter()
        .filter_map(|action| match action {
            Action::Dial { slot, .. } => Some(*slot),
            Action::Disconnect { .. } => None,
        })
        .collect();
    assert_eq!(slots[..6], [Slot::Random, Slot::Random, Slot::Far, Slot::Far, Slot::Far, Slot::Far], "near ones last");
    node.run(60, by_region);
    assert_eq!([Slot::Near, Slot::Far, Slot::Random].map(|slot| node.of(slot).len()), [5, 4, 2]);
    assert!(node.of(Slot::Near).into_iter().all(|id| number(id) < 10));
    let far: BTreeSet<u32> = node.of(Slot::Far).into_iter().map(|id| number(id) / 10).collect();
    assert!(far.len() == 4 && !far.contains(&0), "four other regions: {far:?}");
    assert_eq!(node.selector.alarm(node.now), None);
}

#[test]
fn two_that_hold_each_others_slots_change_them() {
    let mut node = Node::new(AddressPolicy::PublicOnly);
    node.selector = PeerSelector::new(peer(u32::MAX), Some(Region::Eu), Quotas::new(4, Selection::Latency), &node.book);
    let (said_to_be_near, said_to_be_far) = ([1, 2, 3], [11, 12, 13]);
    said_to_be_near.into_iter().for_each(|number| node.knows(number, Region::Eu));
    said_to_be_far.into_iter().for_each(|number| node.knows(number, Region::Na));
    let the_other_way_round = |id| Some(if number(id) < 10 { 150 } else { 20 });
    node.run(1, the_other_way_round);
    let held = |node: &Node| [Slot::Near, Slot::Far].map(|slot| number(node.of(slot)[0]));
    let [near, far] = held(&node);
    assert!(near < 10 && far > 10, "as it was said: {near} {far}");
    let place = Place { region: region::hint(Some(Region::As), None), asn: None };
    node.tell(Event::Located { peer: peer(near), place });
    node.run(1, the_other_way_round);
    assert_eq!(held(&node), [far, near]);
}

#[test]
fn a_slow_neighbour_leaves_its_near_slot_for_a_fast_one() {
    let mut node = world();
    // Half of those who say that they are in Europe are not.
    let rtt = |id| Some(if number(id) < 5 { 20 } else { 150 });
    node.run(120, rtt);
    assert_eq!(node.of(Slot::Near).len(), 5);
    let near: Vec<u32> = node.of(Slot::Near).into_iter().map(number).collect();
    let fast = near.iter().filter(|number| **number < 5).count();
    let random: Vec<u32> = node.of(Slot::Random).into_iter().map(number).collect();
    let held_elsewhere = random.iter().filter(|number| **number < 5).count();
    assert_eq!(fast + held_elsewhere, 5, "near {near:?}, random {random:?}");
}

#[test]
fn a_network_of_few_is_fully_connected() {
    let mut node = Node::new(AddressPolicy::PublicOnly);
    (0..8).for_each(|number| node.knows(number, Region::Eu));
    node.run(10, |_| Some(15));
    assert_eq!(node.held(), 8, "slots that find nothing fitting take anybody");
}

#[test]
fn a_feeler_looks_and_leaves_and_what_it_saw_stays() {
    let mut node = world();
    let actions = node.run(30, by_region);
    let over = |action: &&Action| matches!(action, Action::Disconnect { reason: DropReason::VisitOver, .. });
    let visits = actions.iter().filter(over).count();
    assert!((20..=60).contains(&visits), "{visits}");
    assert!(node.book.entries().filter(|entry| entry.is_tried() && entry.rtt_min.is_some()).count() > 30);

    // One that never answers a ping leaves as well.
    node.selector.dials.clear();
    node.selector.peers.clear();
    node.selector.feels_at = 0;
    let dials = node.tell(Event::Tick);
    let feeler = dials.iter().find_map(|action| match action {
        Action::Dial { peer, slot: Slot::Feeler, .. } => Some(*peer),
        _ => None,
    });
    let Some(feeler) = feeler else { return };
    node.connect(number(feeler), Direction::Outbound, home(number(feeler)));
    node.now += FEELER_MAX;
    let gone = Action::Disconnect { peer: feeler, reason: DropReason::VisitOver };
    assert!(node.tell(Event::Tick).contains(&gone));
}

#[test]
fn outbound_peers_are_in_different_networks() {
    let mut node = Node::new(AddressPolicy::PublicOnly);
    for number in 0..100_u32 {
        let [.., low] = number.to_be_bytes();
        node.knows_at(number, Region::Eu, at([8, low % 4, low, 1]), None);
    }
    node.run(30, |_| Some(5));
    assert_eq!(node.held(), 4, "four /16, so four peers");

    let mut node = Node::new(AddressPolicy::PublicOnly);
    (0..100).for_each(|number| node.knows_at(number, Region::Eu, home(number), Some(number % 3)));
    node.run(30, |_| Some(5));
    assert_eq!(node.held(), 6, "two of each of three systems");
}

#[test]
fn a_peer_that_is_elsewhere_than_it_said_does_not_get_around_the_limit() {
    let mut node = world();
    let dialled = |actions: Vec<Action>| -> Vec<PeerId> {
        let held = actions.into_iter().filter_map(|action| match action {
            Action::Dial { peer, slot, .. } if slot.is_held() => Some(peer),
            _ => None,
        });
        held.collect()
    };
    let dials = dialled(node.tell(Event::Tick));
    assert_eq!(node.connect(number(dials[0]), Direction::Outbound, at([5, 5, 1, 1])), []);
    let refused = Action::Disconnect { peer: dials[1], reason: DropReason::OutboundDiversity };
    assert_eq!(node.connect(number(dials[1]), Direction::Outbound, at([5, 5, 2, 2])), [refused]);
}

#[test]
fn machines_of_a_test_network_count_only_when_limits_are_lifted_for_them() {
    let mut lan = Node::new(AddressPolicy::LocalToo);
    for number in 0..30_u16 {
        let address = Multiaddr::from(Ipv4Addr::LOCALHOST).with(Protocol::Tcp(10_000 + number));
        lan.knows_at(number.into(), Region::Eu, address, None);
    }
    lan.run(10, |_| Some(1));
    assert_eq!(lan.held(), NEAR_SLOTS + FAR_SLOTS + RANDOM_SLOTS);
    assert_eq!(lan.selector.alarm(lan.now), None);
}

#[test]
fn two_inbound_peers_of_a_subnet_and_forty_eight_in_all() {
    let mut node = Node::new(AddressPolicy::PublicOnly);
    assert_eq!(node.connect(1, Direction::Inbound, at([8, 8, 8, 1])), []);
    assert_eq!(node.connect(2, Direction::Inbound, at([8, 8, 8, 2])), []);
    let refused = Action::Disconnect { peer: peer(3), reason: DropReason::InboundSubnet };
    assert_eq!(node.connect(3, Direction::Inbound, at([8, 8, 8, 3])), [refused]);
    for number in 100..300 {
        node.now += 1_000;
        let actions = node.connect(number, Direction::Inbound, home(number));
        let evicted = |action: &Action| matches!(action, Action::Disconnect { reason: DropReason::Evicted, .. });
        assert_eq!(actions.iter().filter(|action| evicted(action)).count(), usize::from(number >= 146));
        assert!(node.of(Slot::Inbound).len() <= INBOUND_MAX);
    }
    assert!(node.selector.slot(&peer(1)).is_some(), "the oldest stays");
}

#[test]
fn the_operators_peers_are_neither_dropped_nor_counted() {
    let mut node = world();
    for number in 1_000..1_060 {
        node.tell(Event::Pinned(peer(number)));
        assert_eq!(node.connect(number, Direction::Inbound, at([8, 8, 8, 8])), []);
    }
    node.tell(Event::Pinned(peer(1_100)));
    assert_eq!(node.connect(1_100, Direction::Outbound, at([8, 8, 8, 8])), []);
    let actions = node.run(60, by_region);
    let dropped = |action: &Action| matches!(action, Action::Disconnect { peer: id, .. } if number(*id) >= 1_000);
    assert!(!actions.iter().any(dropped));
    assert_eq!((node.of(Slot::Pinned).len(), node.held()), (61, 11));
    assert_eq!(node.connect(2_000, Direction::Inbound, home(2_000)), [], "inbound slots are all free");
}

#[test]
fn a_peer_that_the_operator_drops_is_like_any_other_when_it_comes_back() {
    let mut node = Node::new(AddressPolicy::PublicOnly);
    node.knows(1, Region::Eu);
    node.tell(Event::Pinned(peer(1)));
    node.connect(1, Direction::Outbound, home(1));
    let ordered = Action::Disconnect { peer: peer(1), reason: DropReason::Ordered };
    assert_eq!(node.tell(Event::Dropped(peer(1))), [ordered]);
    assert_eq!(node.selector.slot(&peer(1)), None);
    assert_eq!(node.run(30, |_| None), [], "it is not dialled again at once");
    node.connect(1, Direction::Inbound, home(1));
    assert_eq!(node.selector.slot(&peer(1)), Some(Slot::Inbound));
    assert_eq!(node.tell(Event::Dropped(peer(2))), [], "it is not there");
}

#[test]
fn who_is_not_the_operators_any_more_leaves_like_a_visitor() {
    let mut node = Node::new(AddressPolicy::PublicOnly);
    for number in [1, 2] {
        node.tell(Event::Pinned(peer(number)));
        node.connect(number, Direction::Outbound, home(number));
    }
    assert_eq!(node.tell(Event::Unpinned(peer(1))), []);
    assert_eq!(node.selector.slot(&peer(1)), Some(Slot::Unasked));
    let let_go = Action::Disconnect { peer: peer(1), reason: DropReason::VisitOver };
    assert!(node.run(5, |_| None).contains(&let_go));
    assert_eq!(node.selector.slot(&peer(2)), Some(Slot::Pinned));
    assert_eq!(node.tell(Event::Unpinned(peer(3))), [], "it never was");
}

#[test]
fn connections_that_nobody_asked_for_are_few_and_short() {
    let mut node = Node::new(AddressPolicy::PublicOnly);
    let count = u32::try_from(UNASKED_MAX).unwrap();
    (0..count).for_each(|number| assert_eq!(node.connect(number, Direction::Outbound, home(number)), []));
    let refused = Action::Disconnect { peer: peer(99), reason: DropReason::Unasked };
    assert_eq!(node.connect(99, Direction::Outbound, home(99)), [refused]);
    node.now += FEELER_MAX;
    assert_eq!(node.tell(Event::Tick).len(), UNASKED_MAX);
}

#[test]
fn a_visitor_that_is_drawn_for_a_slot_stays_in_it() {
    let mut node = Node::new(AddressPolicy::LocalToo);
    node.knows(1, Region::Eu);
    node.connect(1, Direction::Outbound, home(1));
    assert_eq!(node.selector.slot(&peer(1)), Some(Slot::Unasked));
    assert_eq!(node.run(10, |_| None), [], "neither dialled again nor let go");
    assert_eq!(node.selector.slot(&peer(1)), Some(Slot::Random));
}

/// A filled node at which all peers have delivered; near ones after `lag(peer)` milliseconds.
fn delivering(lag: impl Fn(PeerId) -> u64) -> Node {
    let mut node = world();
    node.run(31, by_region);
    for id in node.selector.peers.keys().copied().collect::<Vec<_>>() {
        for _ in 0..LAGS_MIN {
            node.tell(Event::Delivered { peer: id, lag: Duration::from_millis(lag(id)) });
        }
    }
    node
}

fn rotated(actions: &[Action]) -> Vec<PeerId> {
    let rotated = actions.iter().filter_map(|action| match action {
        Action::Disconnect { peer, reason: DropReason::Rotated } => Some(*peer),
        _ => None,
    });
    rotated.collect()
}

#[test]
fn the_latest_near_peer_makes_room_unless_it_is_hardly_later() {
    let worst = |node: &Node| *node.of(Slot::Near).last().unwrap();
    let slow = worst(&delivering(|_| 100));
    let late = |millis| {
        let mut node = delivering(|id| if id == slow { millis } else { 100 });
        assert_eq!(node.of(Slot::Near).len(), 5);
        rotated(&node.run(10, by_region))
    };
    assert_eq!(late(140), [slow]);
    assert_eq!(late(114), [], "noise");
}

#[test]
fn random_peers_and_anchors_stay_however_late_they_are() {
    let quick = delivering(|_| 100);
    let random = quick.of(Slot::Random);
    let mut node = delivering(|id| if random.contains(&id) { 900 } else { 100 });
    let anchors = node.selector.anchor_peers(node.now);
    assert_eq!(anchors.len(), 3);
    let rotated = rotated(&node.run(60, by_region));
    assert!(random.iter().all(|id| node.of(Slot::Random).contains(id)));
    assert!(rotated.iter().all(|id| !anchors.contains(id)), "{rotated:?}");
}

#[test]
fn a_peer_is_not_judged_before_its_time() {
    let mut node = world();
    node.run(20, by_region);
    let late = node.of(Slot::Near)[0];
    for id in node.selector.peers.keys().copied().collect::<Vec<_>>() {
        for _ in 0..LAGS_MIN {
            node.tell(Event::Delivered { peer: id, lag: Duration::from_millis(if id == late { 900 } else { 10 }) });
        }
    }
    assert_eq!(rotated(&node.run(9, by_region)), []);
    assert_eq!(rotated(&node.run(15, by_region)), [late], "later it is");
}

#[test]
fn a_peer_that_tells_nothing_for_half_an_hour_makes_room() {
    let mut node = delivering(|_| 100);
    let silent = node.of(Slot::Far)[1];
    node.now += SILENT_AFTER;
    for id in node.selector.peers.keys().copied().filter(|id| *id != silent).collect::<Vec<_>>() {
        node.tell(Event::Advanced(id));
    }
    let anchors = node.selector.anchor_peers(node.now);
    let expected: &[PeerId] = if anchors.contains(&silent) { &[] } else { &[silent] };
    assert_eq!(rotated(&node.run(10, by_region)), expected);
}

#[test]
fn anchors_are_the_first_to_be_dialled_after_a_restart() {
    let node = delivering(|_| 100);
    let mut before = node;
    before.run(1, by_region);
    let anchors: BTreeSet<PeerId> = before.book.anchors().iter().map(|anchor| anchor.peer).collect();
    assert_eq!(anchors.len(), 3);
    let book = AddressBook::decode(&before.book.encode(), AddressPolicy::PublicOnly, before.now).unwrap();
    let mut after = Node {
        selector: PeerSelector::new(peer(u32::MAX), Some(Region::Eu), Quotas::default(), &book),
        book,
        ..before
    };
    let dialled = after.tell(Event::Tick).into_iter().take(3).map(|action| match action {
        Action::Dial { peer, .. } | Action::Disconnect { peer, .. } => peer,
    });
    assert_eq!(dialled.collect::<BTreeSet<_>>(), anchors);
    assert_eq!(after.book.anchors().len(), 3, "a second restart right away still has them");
}

#[test]
fn a_node_that_is_offline_blames_nobody() {
    let mut node = world();
    node.run(30, |_| None);
    assert!(node.book.entries().all(|entry| entry.failures == 0));
    node.run(30, by_region);
    assert_eq!(node.held(), 11);
    let lost = node.of(Slot::Random)[0];
    node.tell(Event::Disconnected(lost));
    node.run(10, |_| None);
    assert!(node.book.entries().any(|entry| entry.failures > 0), "now it is not");
}

#[test]
fn two_that_dial_each_other_at_once_end_in_the_slot() {
    let mut node = world();
    let Some(Action::Dial { peer: id, slot, .. }) = node.tell(Event::Tick).into_iter().next() else { panic!("a dial") };
    let address = home(number(id));
    assert_eq!(node.connect(number(id), Direction::Inbound, address.clone()), []);
    assert_eq!(node.selector.slot(&id), Some(Slot::Inbound));
    assert_eq!(node.connect(number(id), Direction::Outbound, address), []);
    assert_eq!(node.selector.slot(&id), Some(slot));
}

#[test]
fn a_visited_peer_that_dials_stays_as_an_inbound_one() {
    let mut node = world();
    node.connect(1, Direction::Outbound, home(1));
    assert_eq!(node.selector.slot(&peer(1)), Some(Slot::Unasked));
    assert_eq!(node.connect(1, Direction::Inbound, home(1)), []);
    assert_eq!(node.selector.slot(&peer(1)), Some(Slot::Inbound));
    let actions = node.run(5, by_region);
    let leaves = |action: &Action| matches!(action, Action::Disconnect { peer: id, .. } if *id == peer(1));
    assert!(!actions.iter().any(leaves), "the other side may hold it");
}

#[test]
fn few_networks_and_silent_random_peers_are_an_alarm() {
    let mut node = Node::new(AddressPolicy::PublicOnly);
    for number in 0..4_u32 {
        node.tell(Event::Pinned(peer(number)));
        let [.., low] = number.to_be_bytes();
        node.connect(number, Direction::Outbound, at([8, low % 2, low, 1]));
    }
    assert_eq!(node.selector.alarm(node.now), Some(EclipseAlarm::FewNetgroups { groups: 2, outbound: 4 }));
    node.connect(9, Direction::Outbound, at([9, 9, 9, 9]));
    node.tell(Event::Pinned(peer(9)));
    assert_eq!(node.selector.alarm(node.now), None);

    let mut node = delivering(|_| 100);
    assert_eq!(node.selector.alarm(node.now), None);
    node.now += ALARM_SILENCE;
    assert_eq!(node.selector.alarm(node.now), None, "nobody has news");
    node.tell(Event::Advanced(node.of(Slot::Near)[0]));
    assert_eq!(node.selector.alarm(node.now), Some(EclipseAlarm::RandomPeersSilent));
    node.tell(Event::Advanced(node.of(Slot::Random)[0]));
    assert_eq!(node.selector.alarm(node.now), None);
}

#[test]
fn regions_without_a_peer_are_asked_for() {
    let mut node = world();
    assert_eq!(node.selector.missing_regions(), Region::ALL);
    node.run(60, by_region);
    let missing = node.selector.missing_regions();
    assert!(missing.contains(&Region::An) && missing.len() <= 2, "{missing:?}");
}

proptest! {
    /// Whatever strangers do in whatever order, the bounds hold and pinned peers stay.
    #[test]
    fn no_order_of_events_breaks_a_bound(
        events in proptest::collection::vec((0..10_u8, 0..120_u32, 0..200_000_u64), 0..400),
    ) {
        let mut node = world();
        node.tell(Event::Pinned(peer(0)));
        node.connect(0, Direction::Inbound, home(0));
        for (event, number, millis) in events {
            node.now = node.now.saturating_add(millis).saturating_sub(50_000);
            let (id, rtt) = (peer(number), Duration::from_millis(millis));
            let actions = match event {
                0 | 1 => node.connect(number, Direction::Inbound, home(number / 3)),
                2 => node.connect(number, Direction::Outbound, home(number / 2)),
                3 if number != 0 => node.tell(Event::Disconnected(id)),
                4 => node.tell(Event::DialFailed(id)),
                5 => node.tell(Event::Rtt { peer: id, rtt }),
                6 => node.tell(Event::Delivered { peer: id, lag: rtt }),
                7 => node.tell(Event::Advanced(id)),
                8 if number != 0 => node.tell(Event::Dropped(id)),
                _ => node.tell(Event::Tick),
            };
            let mut groups = BTreeSet::new();
            for peer in node.selector.peers.values().filter(|peer| peer.slot.is_held()) {
                prop_assert!(groups.insert(peer.group), "two of a group");
            }
            for slot in [Slot::Near, Slot::Far, Slot::Random, Slot::Feeler] {
                prop_assert!(node.selector.count(slot) <= Quotas::default().of(slot));
            }
            prop_assert!(node.selector.count(Slot::Inbound) <= INBOUND_MAX);
            prop_assert!(node.selector.count(Slot::Unasked) <= UNASKED_MAX);
            prop_assert!(node.selector.dials.len() <= DIALS_MAX + 3);
            prop_assert_eq!(node.selector.slot(&peer(0)), Some(Slot::Pinned));
            let drops_pinned = |action: &Action| matches!(action, Action::Disconnect { peer: id, .. } if *id == peer(0));
            prop_assert!(!actions.iter().any(drops_pinned));
        }
    }
}
