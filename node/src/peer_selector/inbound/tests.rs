use super::*;

/// Someone ordinary: group, round trip and age by number; later numbers are younger.
fn peer(number: u8) -> InboundPeer {
    InboundPeer {
        peer: PeerId::random(),
        group: Some(Netgroup::V4([8, number])),
        keyed_group: 1_000 + u64::from(number),
        rtt_min: None,
        first_deliveries: 0,
        far_region: None,
        since: number.into(),
    }
}

fn crowd(count: u8) -> Vec<InboundPeer> {
    (0..count).map(peer).collect()
}

#[test]
fn the_youngest_of_the_largest_group_makes_room() {
    let mut peers = crowd(40);
    for number in [30, 33, 36] {
        peers[number].group = Some(Netgroup::V4([9, 9]));
    }
    assert_eq!(evictee(peers.clone()), Some(peers[36].peer), "not 39, who is younger and alone");
    peers.iter_mut().for_each(|peer| peer.group = None);
    assert_eq!(evictee(peers.clone()), Some(peers[39].peer), "no groups: everybody is alone");
}

#[test]
fn each_protection_keeps_as_many_as_it_says() {
    // The last ones are the youngest of a large group, so whoever is not protected goes.
    let check = |protected: usize, give: &dyn Fn(&mut InboundPeer, u64)| {
        let mut peers = crowd(60);
        for peer in &mut peers[40..] {
            peer.group = Some(Netgroup::V4([9, 9]));
        }
        for (rank, peer) in peers.iter_mut().rev().take(protected).enumerate() {
            give(peer, u64::try_from(rank).unwrap());
        }
        let evicted = evictee(peers.clone()).unwrap();
        assert_eq!(peers.iter().position(|peer| peer.peer == evicted), Some(59 - protected));
    };
    check(0, &|_, _| {});
    check(PROTECTED_BY_GROUP, &|peer, rank| peer.keyed_group = rank);
    check(PROTECTED_BY_RTT, &|peer, rank| peer.rtt_min = Some(Duration::from_millis(rank)));
    check(PROTECTED_BY_DELIVERY, &|peer, rank| peer.first_deliveries = 1 + rank);
    check(PROTECTED_PER_REGION, &|peer, _| peer.far_region = Some(Region::Sa));
}

#[test]
fn a_region_claimed_by_many_protects_the_two_oldest_of_them() {
    let mut peers = crowd(60);
    for peer in &mut peers[50..] {
        (peer.group, peer.far_region) = (Some(Netgroup::V4([9, 9])), Some(Region::Oc));
    }
    let evicted = evictee(peers.clone()).unwrap();
    assert_eq!(evicted, peers[59].peer);
}

#[test]
fn the_older_half_stays_and_so_do_the_last_few() {
    let mut peers = crowd(20);
    for peer in &mut peers[4..12] {
        peer.group = Some(Netgroup::V4([9, 9]));
    }
    // Four by group, then the older eight of sixteen: of the large group nobody is left.
    assert_eq!(evictee(peers.clone()), Some(peers[19].peer));
    assert_eq!(evictee(crowd(u8::try_from(PROTECTED_BY_GROUP).unwrap())), None);
    assert_eq!(evictee(Vec::new()), None);
}

/// A swarm connects again and again. Honest peers that were there first and do something stay.
#[test]
fn a_swarm_evicts_itself() {
    let mut peers = crowd(48);
    let honest: Vec<PeerId> = peers[..24].iter().map(|peer| peer.peer).collect();
    for peer in &mut peers[24..] {
        (peer.group, peer.rtt_min) =
            (Some(Netgroup::V4([9, u8::try_from(peer.since % 8).unwrap()])), Some(Duration::ZERO));
    }
    for round in 0..200_u64 {
        let evicted = evictee(peers.clone()).unwrap();
        peers.retain(|peer| peer.peer != evicted);
        let newcomer = InboundPeer { since: 100 + round, rtt_min: Some(Duration::ZERO), ..peer(0) };
        peers.push(InboundPeer {
            group: Some(Netgroup::V4([9, u8::try_from(round % 8).unwrap()])),
            keyed_group: round,
            ..newcomer
        });
    }
    let left = honest.iter().filter(|id| peers.iter().any(|peer| peer.peer == **id)).count();
    assert!(left >= 12, "{left} of {} are left", honest.len());
}
