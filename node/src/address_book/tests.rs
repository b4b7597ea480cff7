use std::net::Ipv4Addr;

use libp2p::multiaddr::Protocol;
use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};

use super::*;

const NOW: Millis = 1_790_000_000_000;
const HOUR: Millis = 3_600_000;

fn book() -> AddressBook {
    AddressBook::new(AddressPolicy::PublicOnly, [7; 32])
}

fn rng() -> StdRng {
    StdRng::seed_from_u64(1)
}

fn peer(number: u32) -> PeerId {
    let mut bytes = vec![0x12, 32];
    bytes.extend([0; 28]);
    bytes.extend(number.to_be_bytes());
    PeerId::from_bytes(&bytes).unwrap()
}

fn address(ip: [u8; 4]) -> Multiaddr {
    Multiaddr::from(Ipv4Addr::from(ip)).with(Protocol::Tcp(23_333))
}

/// A node whose /16 follows from its number.
fn record(number: u32) -> PeerRecord {
    let [_, third, high, low] = number.to_be_bytes();
    PeerRecord {
        peer: peer(number),
        addresses: vec![address([20 + high % 64, low, third, 1])],
        region: None,
        asn: None,
    }
}

fn told_by(ip: [u8; 4]) -> Source {
    Source::Other(Some(Ipv4Addr::from(ip).into()))
}

/// A book with these nodes, all of them reached.
fn reached(numbers: std::ops::Range<u32>) -> AddressBook {
    let mut book = book();
    for number in numbers {
        book.add(&record(number), Source::Operator, NOW);
        book.succeeded(&peer(number), &record(number).addresses[0], NOW);
    }
    book
}

#[test]
fn only_addresses_that_can_be_dialled_are_taken() {
    let mut book = book();
    let texts = ["/ip4/127.0.0.1/tcp/1", "/ip4/192.168.0.1/tcp/1", "/dns4/example.org/tcp/1", "/ip6/fe80::1/tcp/1"];
    let addresses: Vec<Multiaddr> = texts.iter().map(|text| text.parse().unwrap()).collect();
    let local = PeerRecord { addresses, ..record(1) };
    assert!(!book.add(&local, Source::Operator, NOW));
    assert_eq!(book.entries().count(), 0);

    let mut lan = AddressBook::new(AddressPolicy::LocalToo, [7; 32]);
    assert!(lan.add(&local, Source::Operator, NOW));
    let mut taken = local.addresses;
    taken.remove(2);
    assert_eq!(lan.get(&peer(1)).unwrap().addresses(), taken, "names are never taken");
}

#[test]
fn a_record_with_thousands_of_addresses_counts_with_four() {
    let mut book = book();
    let addresses = (0..=255).map(|last| address([8, 8, 8, last])).collect();
    assert!(book.add(&PeerRecord { addresses, ..record(1) }, Source::Operator, NOW));
    assert_eq!(book.get(&peer(1)).unwrap().endpoints.len(), ENDPOINTS_MAX);
}

#[test]
fn others_do_not_change_where_a_known_node_is() {
    let mut book = book();
    book.add(&record(1), told_by([9, 9, 9, 9]), NOW);
    let moved = PeerRecord { addresses: vec![address([66, 6, 6, 6])], region: Some(Region::Oc), ..record(1) };
    assert!(!book.add(&moved, told_by([8, 8, 8, 8]), NOW + 1));
    let entry = book.get(&peer(1)).unwrap();
    assert_eq!((entry.addresses(), entry.region, entry.seen_at), (record(1).addresses, None, NOW + 1));

    book.add(&moved, Source::Itself(None), NOW + 2);
    let entry = book.get(&peer(1)).unwrap();
    assert_eq!(entry.addresses(), [record(1).addresses[0].clone(), address([66, 6, 6, 6])]);
    assert_eq!(entry.region, Some(Region::Oc), "itself it may say so");
    book.succeeded(&peer(1), &address([66, 6, 6, 6]), NOW + 3);
    assert_eq!(book.get(&peer(1)).unwrap().addresses()[0], address([66, 6, 6, 6]), "what worked comes first");
}

/// A book is stuffed by one who has many addresses in one network.
#[test]
fn whoever_speaks_from_one_network_fills_a_sixteenth_of_the_new_table() {
    let mut book = book();
    for number in 0..60_000 {
        book.add(&record(number), told_by([9, 9, 9, 9]), NOW);
    }
    let count = book.entries().count();
    assert!(count <= 16 * 64, "{count}");
    assert!(count > 10 * 64, "his part is usable all the same: {count}");
    let mut honest = 0;
    for number in 60_000..60_500_u32 {
        let [.., high, low] = number.to_be_bytes();
        honest += u32::from(book.add(&record(number), told_by([high, low, 1, 1]), NOW));
    }
    assert!(honest > 400, "{honest} of 500 others still find a place");
}

#[test]
fn nodes_of_one_network_fill_a_thirty_second_of_the_tried_table() {
    let mut book = book();
    for number in 0..5_000_u32 {
        let [.., high, low] = number.to_be_bytes();
        let record = PeerRecord { addresses: vec![address([77, 7, high, low])], ..record(number) };
        book.add(&record, told_by([high + 20, low, 1, 1]), NOW);
        book.succeeded(&record.peer, &record.addresses[0], NOW);
    }
    let tried = book.entries().filter(|entry| entry.is_tried()).count();
    assert!((100..=128).contains(&tried), "{tried}");
}

/// Two reached nodes that want one place: the first keeps it, the second challenges it.
fn rivals() -> (AddressBook, PeerId, PeerId) {
    let mut book = book();
    let mut owners = BTreeMap::new();
    for number in 0.. {
        book.add(&record(number), told_by(number.to_be_bytes()), NOW);
        let Some(entry) = book.get(&peer(number)) else { continue };
        let wanted = Position::tried(key(&[7; 32], &peer(number).to_bytes(), entry));
        if let Some(owner) = owners.insert(wanted, peer(number)) {
            for (rival, at) in [(owner, NOW), (peer(number), NOW + 5 * HOUR)] {
                let address = book.get(&rival).unwrap().addresses()[0].clone();
                book.succeeded(&rival, &address, at);
            }
            return (book, owner, peer(number));
        }
    }
    unreachable!("places are finite")
}

#[test]
fn the_owner_of_a_place_is_tested_before_it_is_evicted() {
    let (book, owner, challenger) = rivals();
    let is_tried = |book: &AddressBook, peer| book.get(peer).is_some_and(Entry::is_tried);
    assert!(is_tried(&book, &owner) && !is_tried(&book, &challenger));
    assert_eq!(book.probe(&mut rng(), |_| true).map(|entry| entry.peer), Some(owner), "it is tested first");

    let mut alive = book.clone();
    let address = alive.get(&owner).unwrap().addresses()[0].clone();
    alive.succeeded(&owner, &address, NOW + 6 * HOUR);
    assert!(is_tried(&alive, &owner) && !is_tried(&alive, &challenger));
    assert!(alive.challenges.is_empty());

    let mut dead = book;
    dead.failed(&owner, NOW + 6 * HOUR);
    assert!(!is_tried(&dead, &owner) && is_tried(&dead, &challenger));
    assert!(dead.challenges.is_empty());
}

#[test]
fn a_failed_node_rests_longer_each_time_and_gives_way_at_last() {
    let mut book = book();
    book.add(&record(1), Source::Operator, NOW);
    let mut rests = Vec::new();
    for _ in 0..9 {
        book.failed(&peer(1), NOW);
        rests.push((book.get(&peer(1)).unwrap().rests_until - NOW) / 60_000);
    }
    assert_eq!(rests, [1, 2, 4, 8, 16, 32, 64, 64, 64]);
    assert!(book.get(&peer(1)).unwrap().gives_way(NOW));
    assert!(!book.get(&peer(1)).unwrap().is_due(NOW) && book.get(&peer(1)).unwrap().is_due(NOW + 2 * HOUR));
    book.succeeded(&peer(1), &record(1).addresses[0], NOW);
    let entry = book.get(&peer(1)).unwrap();
    assert!(entry.is_due(NOW) && !entry.gives_way(NOW + HOUR) && entry.gives_way(NOW + 31 * 24 * HOUR));
}

#[test]
fn thousands_of_addresses_of_a_few_networks_are_drawn_like_a_few() {
    let mut book = reached(0..72);
    for number in 0..4_000_u32 {
        let [.., high, low] = number.to_be_bytes();
        let addresses = vec![address([5, low % 8, high, low])];
        book.add(&PeerRecord { addresses, ..record(100_000 + number) }, told_by([low, high, 1, 1]), NOW);
    }
    let is_hostile = |entry: &Entry| entry.peer >= peer(100_000);
    assert!(book.entries().filter(|entry| is_hostile(entry)).count() > 1_000, "it was stuffed");
    let mut rng = rng();
    let draws = (0..1_000).filter_map(|_| book.sample(1, &mut rng, |_| true).pop());
    let hostile = draws.filter(|entry| is_hostile(entry)).count();
    assert!((70..135).contains(&hostile), "8 of 80 groups, so a tenth of 1,000: {hostile}");

    let groups = book.sample(1_000, &mut rng, |_| true).into_iter().map(|entry| Netgroup::of(entry.endpoints[0].ip));
    let mut groups: Vec<Netgroup> = groups.collect();
    groups.sort();
    let drawn = groups.len();
    groups.dedup();
    assert_eq!((groups.len(), drawn), (80, 80), "one of each group");
}

#[test]
fn a_peer_that_asks_is_told_what_it_misses_and_only_what_was_reached() {
    let mut book = book();
    for number in 0..200 {
        let region = Some(if number < 10 { Region::Sa } else { Region::Eu });
        let record = PeerRecord { region, ..record(number) };
        book.add(&record, Source::Operator, NOW);
        if number % 2 == 0 {
            book.succeeded(&peer(number), &record.addresses[0], NOW);
        }
    }
    let told = book.exchange(&peer(0), &[Region::Sa, Region::Oc], &mut rng());
    assert_eq!(told.len(), EXCHANGE_MAX);
    let of_sa = told.iter().filter(|record| record.region == Some(Region::Sa)).count();
    assert_eq!(of_sa, 4, "numbers 2, 4, 6, 8: all that were reached, without the asker");
    assert!(told.iter().all(|record| book.get(&record.peer).unwrap().is_tried() && record.peer != peer(0)));
    assert_eq!(book.exchange(&peer(0), &[], &mut rng()).len(), EXCHANGE_MAX);
    assert_eq!(AddressBook::new(AddressPolicy::PublicOnly, [0; 32]).exchange(&peer(0), &Region::ALL, &mut rng()), []);
}

#[test]
fn a_forgotten_peer_leaves_nothing_behind() {
    let (mut book, owner, challenger) = rivals();
    let anchor = Anchor { peer: owner, endpoint: book.get(&owner).unwrap().endpoints[0], slot: Slot::Near };
    book.keep_anchors(vec![anchor]);
    book.forget(&owner);
    book.forget(&challenger);
    assert!(book.challenges.is_empty() && book.anchors().is_empty());
    assert_eq!(book.places.len(), book.entries.len());
    assert!(book.get(&owner).is_none() && book.get(&challenger).is_none());
}

/// A book with everything that a file keeps.
fn full_of_everything() -> AddressBook {
    let mut book = reached(0..300);
    for number in 300..600_u32 {
        book.add(
            // Every region in turn, and none.
            &PeerRecord {
                region: Region::from_index(number.to_le_bytes()[0] % 8),
                asn: Some(number),
                ..record(number)
            },
            Source::Itself(None),
            NOW,
        );
    }
    book.measured(&peer(3), Duration::from_micros(12_345));
    book.failed(&peer(400), NOW - 10 * HOUR);
    let slots = [Slot::Near, Slot::Far, Slot::Random];
    let anchors = slots.iter().zip(0..).map(|(slot, number)| {
        let endpoint = book.get(&peer(number)).unwrap().endpoints[0];
        Anchor { peer: peer(number), endpoint, slot: *slot }
    });
    let anchors = anchors.collect();
    book.keep_anchors(anchors);
    book
}

#[test]
fn a_file_keeps_the_book_and_every_damage_is_found() {
    let book = full_of_everything();
    let file = book.encode();
    assert_eq!(AddressBook::decode(&file, AddressPolicy::PublicOnly, NOW).as_ref(), Ok(&book));
    for bit in (0..file.len() * 8).step_by(97) {
        let mut damaged = file.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(AddressBook::decode(&damaged, AddressPolicy::PublicOnly, NOW), Err(BookFileError::Damaged));
    }
    for len in 0..5 {
        assert_eq!(AddressBook::decode(&file[..len], AddressPolicy::PublicOnly, NOW), Err(BookFileError::Damaged));
    }
    let long = vec![0; FILE_LEN_MAX + 1];
    assert_eq!(AddressBook::decode(&long, AddressPolicy::PublicOnly, NOW), Err(BookFileError::TooLong));
}

#[test]
fn the_fullest_book_fits_its_file() {
    let mut book = AddressBook::new(AddressPolicy::LocalToo, [7; 32]);
    for number in 0..60_000_u32 {
        let [_, b, c, d] = number.to_be_bytes();
        let addresses = (1..5).map(|port| Multiaddr::from(Ipv4Addr::new(10 + b, c, d, 1)).with(Protocol::Tcp(port)));
        let record = PeerRecord { addresses: addresses.collect(), ..record(number) };
        book.add(&record, told_by([b, c, d, 0]), NOW);
        book.succeeded(&record.peer, &record.addresses[0], NOW);
    }
    assert!(book.entries().count() > 1_000);
    let file = book.encode();
    assert!(file.len() < FILE_LEN_MAX);
    assert_eq!(
        AddressBook::decode(&file, AddressPolicy::LocalToo, NOW).as_ref().map(|it| &it.entries),
        Ok(&book.entries)
    );
}

#[test]
fn a_file_from_a_test_network_brings_no_local_address_into_the_world() {
    let mut book = AddressBook::new(AddressPolicy::LocalToo, [7; 32]);
    book.add(&PeerRecord { addresses: vec![address([127, 0, 0, 1])], ..record(1) }, Source::Operator, NOW);
    let read = AddressBook::decode(&book.encode(), AddressPolicy::PublicOnly, NOW).unwrap();
    assert_eq!(read.entries().count(), 0);
}

/// A file with a right checksum around any content.
fn sealed(mut content: Vec<u8>) -> Vec<u8> {
    content.insert(0, 1);
    content.extend(crc32fast::hash(&content).to_le_bytes());
    content
}

proptest! {
    #[test]
    fn no_file_panics_and_what_is_read_keeps_its_bounds(
        noise in proptest::collection::vec(any::<u8>(), 0..200),
        at in 0..2_000_usize,
    ) {
        let _any = AddressBook::decode(&noise, AddressPolicy::PublicOnly, NOW);
        let _sealed = AddressBook::decode(&sealed(noise.clone()), AddressPolicy::PublicOnly, NOW);
        let mut content = full_of_everything().encode();
        content.truncate(content.len() - 4);
        content.remove(0);
        for (place, byte) in content.iter_mut().skip(at).zip(noise) {
            *place ^= byte;
        }
        if let Ok(book) = AddressBook::decode(&sealed(content), AddressPolicy::PublicOnly, NOW) {
            prop_assert_eq!(book.entries.len(), book.places.len());
            for entry in book.entries() {
                prop_assert!(!entry.endpoints.is_empty() && entry.endpoints.len() <= ENDPOINTS_MAX);
                prop_assert!(entry.endpoints.iter().all(|endpoint| AddressPolicy::PublicOnly.takes(endpoint.ip)));
                prop_assert_eq!(book.places.get(&entry.position), Some(&entry.peer));
            }
        }
    }

    /// Whatever happens in whatever order: every entry has exactly its place, and the file says the same.
    #[test]
    fn the_tables_stay_whole(steps in proptest::collection::vec((0..6_u8, 0..40_u32, 0..10_000_u32), 0..200)) {
        let mut book = book();
        for (step, number, hours) in steps {
            let (id, now) = (peer(number), NOW + Millis::from(hours) * HOUR);
            match step {
                0 | 1 => drop(book.add(&record(number), told_by(hours.to_be_bytes()), now)),
                2 => book.succeeded(&id, &address([30, 1, 1, u8::try_from(hours % 256).unwrap()]), now),
                3 => book.succeeded(&id, &record(number).addresses[0], now),
                4 => book.failed(&id, now),
                _ => book.forget(&id),
            }
            prop_assert_eq!(book.entries.len(), book.places.len());
            for entry in book.entries() {
                prop_assert_eq!(book.places.get(&entry.position), Some(&entry.peer));
            }
        }
        let far = NOW + 20_000 * HOUR;
        let read = AddressBook::decode(&book.encode(), AddressPolicy::PublicOnly, far).unwrap();
        prop_assert_eq!(AddressBook::decode(&read.encode(), AddressPolicy::PublicOnly, far), Ok(read.clone()));
        prop_assert!(read.entries().all(|entry| book.get(&entry.peer).is_some()));
    }
}
