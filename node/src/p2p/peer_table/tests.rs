use super::*;

#[test]
fn a_peer_asks_as_often_as_it_may_and_again_in_the_next_window() {
    let (mut table, peer, now) = (PeerTable::default(), PeerId::random(), Instant::now());
    assert_eq!(table.ask(&peer, now), MayAsk::Gone, "not connected: nobody to blame");
    let id = ConnectionId::new_unchecked(1);
    assert!(table.connected(peer, id, Multiaddr::empty(), Direction::Inbound, now));
    for _ in 0..REQUESTS_PER_WINDOW_MAX {
        assert_eq!(table.ask(&peer, now), MayAsk::Yes);
    }
    assert_eq!(table.ask(&peer, now), MayAsk::TooOften);
    assert_eq!(table.ask(&peer, now + REQUEST_WINDOW), MayAsk::Yes);
}

#[test]
fn round_trips_are_newest_shortest_and_how_much_they_vary() {
    let (mut table, peer, now) = (PeerTable::default(), PeerId::random(), Instant::now());
    let address: Multiaddr = "/ip4/192.0.2.1/udp/1/quic-v1".parse().unwrap();
    assert!(table.connected(peer, ConnectionId::new_unchecked(1), address, Direction::Inbound, now));
    for millis in [100, 116, 100] {
        table.set_rtt(&peer, Duration::from_millis(millis));
    }
    table.count_share(&peer, true);
    let seen = table.view((None, &Geo::default()), |_| None, now).remove(0);
    assert_eq!((seen.rtt, seen.rtt_min), (Some(Duration::from_millis(100)), Some(Duration::from_millis(100))));
    assert_eq!(seen.rtt_jitter, Some(Duration::from_micros(1_937) + Duration::from_nanos(500)));
    assert_eq!((seen.transport, seen.shares_first, seen.shares_late), (Transport::Quic, 1, 0));
}

#[test]
fn attack_p7_whoever_floods_the_check_leaves_room_for_others() {
    let (mut table, now) = (PeerTable::default(), Instant::now());
    let peers: Vec<PeerId> = (1..=4).map(|_| PeerId::random()).collect();
    for (number, peer) in (1..).zip(&peers) {
        table.connected(*peer, ConnectionId::new_unchecked(number), Multiaddr::empty(), Direction::Inbound, now);
    }
    let mut queue = Vec::new();
    for peer in peers.iter().cycle().take(2_000).filter(|peer| **peer != peers[3]) {
        queue.extend(table.place_in_check(peer, 512 - queue.len()));
    }
    assert_eq!(queue.len(), 3 * 128, "three that flood have a quarter each");
    assert!(table.place_in_check(&peers[3], 512 - queue.len()).is_some(), "so has the fourth");
    assert!(table.place_in_check(&peers[0], 512 - queue.len()).is_none());
    queue.clear();
    assert!(table.place_in_check(&peers[0], 512).is_some(), "what was checked counts no more");
    assert!(table.place_in_check(&PeerId::random(), 512).is_none(), "gone");
}

#[test]
fn a_peer_is_gone_with_its_last_connection() {
    let (mut table, peer, now) = (PeerTable::default(), PeerId::random(), Instant::now());
    let (first, second) = (ConnectionId::new_unchecked(1), ConnectionId::new_unchecked(2));
    assert!(table.connected(peer, first, Multiaddr::empty(), Direction::Inbound, now));
    assert!(!table.connected(peer, second, Multiaddr::empty(), Direction::Outbound, now));
    assert!(!table.disconnected(&peer, first));
    assert!(table.disconnected(&peer, second));
    assert!(!table.contains(&peer));
}

#[test]
fn a_visit_is_over_when_the_peer_stays_by_a_connection_of_its_own() {
    let (mut table, peer, now) = (PeerTable::default(), PeerId::random(), Instant::now());
    let (theirs, ours) = (ConnectionId::new_unchecked(1), ConnectionId::new_unchecked(2));
    let direct: Multiaddr = "/ip4/192.0.2.1/tcp/1".parse().unwrap();
    let later = now + VISIT_MAX;
    table.connected(peer, ours, direct.clone(), Direction::Outbound, now);
    assert_eq!(table.ended_visits(|_| true, later), [], "it is all there is");
    table.connected(peer, theirs, direct.clone().with(Protocol::P2pCircuit), Direction::Inbound, now);
    assert_eq!(table.ended_visits(|_| true, later), [], "better than through a relay");
    table.connected(peer, theirs, direct, Direction::Inbound, now);
    assert_eq!(table.ended_visits(|_| true, later), [ours]);
    assert_eq!(table.ended_visits(|_| true, later - Duration::from_secs(1)), []);
    assert_eq!(table.ended_visits(|_| false, later), [], "we hold it");
}
