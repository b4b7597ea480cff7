use std::collections::BTreeSet;

use libp2p::identity::ed25519::{Keypair, SecretKey};
use proptest::prelude::*;

use super::*;
use crate::directory::limits::{AD_LEN_MAX, ADDRESS_LEN_MAX, ENDPOINTS_MAX};

const PARAMS: ParamsId = ParamsId([3; 32]);
const NOW: UnixTime = 1_800_000_000;

pub(super) fn pair(number: u64) -> Keypair {
    let mut secret = [1; 32];
    secret[..8].copy_from_slice(&number.to_le_bytes());
    SecretKey::try_from_bytes(secret).unwrap().into()
}

fn url(text: &str) -> StratumUrl {
    text.parse().unwrap()
}

/// The ad of node `number`, which says it is on a network of its own.
fn ad(number: u64, issued: UnixTime) -> NodeAd {
    let host = format!("{}.{}.9.9", 1 + number / 250, 1 + number % 250);
    NodeAd {
        node: (&pair(number)).into(),
        issued,
        ttl_secs: 3_600,
        region: Some(Region::Eu),
        country: Country::parse("DE"),
        fee_basis_points: 50,
        capacity: 1_000,
        load: 10,
        agent: "poolnode/0.1.0".to_owned(),
        operator: None,
        addresses: vec![format!("/ip4/{host}/tcp/23333").parse().unwrap()],
        endpoints: vec![url(&format!("stratum+tcp://{host}:3333"))],
    }
}

fn signed(number: u64, ad: NodeAd) -> Vec<u8> {
    ad.sign(&pair(number), PARAMS).encode()
}

fn directory() -> Directory {
    Directory::new(PARAMS, AddressPolicy::PublicOnly)
}

fn peer(number: u64) -> PeerId {
    PublicKey::from(&pair(number)).peer_id().unwrap()
}

/// Takes an ad from a source of its own, so that nobody sends too many.
fn take(directory: &mut Directory, number: u64, ad: NodeAd, now: UnixTime) -> AdVerdict {
    directory.on_ad(&signed(number, ad), peer(10_000 + number % 100), now)
}

fn longest() -> NodeAd {
    let host = |number: usize| {
        let labels = [format!("a{number}"), "b".repeat(63), "c".repeat(57), "com".to_owned()];
        labels.join(".")
    };
    let operator = Operator::sign(&pair(99), (&pair(1)).into(), PARAMS);
    let endpoint = |number: usize| url(&format!("stratum2+tcp://{}:65535/{}", host(number), "9".repeat(64)));
    let address = format!("/dns4/{}/tcp/65535/ws", "d".repeat(ADDRESS_LEN_MAX - 7));
    NodeAd {
        agent: "x".repeat(crate::defaults::AGENT_LEN_MAX),
        operator: Some(operator),
        addresses: vec![address.parse().unwrap(); 8],
        endpoints: (0..ENDPOINTS_MAX).map(endpoint).collect(),
        ..ad(1, NOW)
    }
}

#[test]
fn ads_round_trip_and_the_longest_fits_its_bound() {
    let bare = NodeAd { region: None, country: None, addresses: Vec::new(), agent: String::new(), ..ad(1, NOW) };
    for case in [ad(1, NOW), bare, longest()] {
        let bytes = signed(1, case.clone());
        let decoded = SignedAd::decode(&bytes).unwrap();
        assert_eq!((&decoded.ad, decoded.encode()), (&case, bytes));
        assert_eq!(decoded.verify(PARAMS), Ok(()));
    }
    let host_len = longest().endpoints[0].host.as_str().len();
    assert_eq!((host_len, signed(1, longest()).len()), (128, AD_LEN_MAX));
}

#[test]
fn every_altered_byte_is_seen_by_whoever_checks() {
    for case in [ad(1, NOW), longest()] {
        let bytes = signed(1, case);
        for place in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[place] ^= 1 << (place % 8);
            let checked = SignedAd::decode(&altered).and_then(|ad| ad.verify(PARAMS));
            assert!(checked.is_err(), "byte {place}");
        }
    }
}

#[test]
fn an_ad_holds_for_its_share_chain_and_its_node_only() {
    let mut other = Directory::new(ParamsId([4; 32]), AddressPolicy::LocalToo);
    assert_eq!(take(&mut other, 1, ad(1, NOW), NOW), AdVerdict::Reject(AdError::Signature));
    // Signed by node 2 in the name of node 1.
    let mut forged = ad(1, NOW).sign(&pair(2), PARAMS);
    forged.ad.node = (&pair(1)).into();
    assert_eq!(directory().on_ad(&forged.encode(), peer(2), NOW), AdVerdict::Reject(AdError::Signature));
    // What is no key verifies nothing.
    forged.ad.node = PublicKey([2; 32]);
    assert_eq!(directory().on_ad(&forged.encode(), peer(2), NOW), AdVerdict::Reject(AdError::Signature));
}

#[test]
fn nobody_is_of_an_operator_that_did_not_sign_for_it() {
    let operator = Operator::sign(&pair(99), (&pair(1)).into(), PARAMS);
    assert_eq!(take(&mut directory(), 1, NodeAd { operator: Some(operator), ..ad(1, NOW) }, NOW), AdVerdict::Accept);
    // The word that was given for node 1 is none for node 2, and none on another share chain.
    let copied = NodeAd { operator: Some(operator), ..ad(2, NOW) };
    assert_eq!(take(&mut directory(), 2, copied, NOW), AdVerdict::Reject(AdError::OperatorSignature));
    let elsewhere = Operator::sign(&pair(99), (&pair(1)).into(), ParamsId([4; 32]));
    let elsewhere = NodeAd { operator: Some(elsewhere), ..ad(1, NOW) };
    assert_eq!(take(&mut directory(), 1, elsewhere, NOW), AdVerdict::Reject(AdError::OperatorSignature));
}

#[test]
fn what_is_old_early_or_of_a_later_version_is_nobodys_fault() {
    let mut directory = directory();
    for (issued, verdict) in [
        (NOW - 3_600, AdVerdict::Ignore),
        (NOW + AD_AHEAD_SECS_MAX + 1, AdVerdict::Ignore),
        (NOW - 3_599, AdVerdict::Accept),
    ] {
        assert_eq!(take(&mut directory, 1, ad(1, issued), NOW), verdict, "{issued}");
    }
    assert_eq!(take(&mut directory, 2, ad(2, NOW + AD_AHEAD_SECS_MAX), NOW), AdVerdict::Accept);
    let mut later = signed(3, ad(3, NOW));
    later[0] = 2;
    assert_eq!(directory.on_ad(&later, peer(3), NOW), AdVerdict::Ignore);
    assert!(matches!(directory.on_ad(b"\x01", peer(3), NOW), AdVerdict::Reject(AdError::Encoding(_))));
}

#[test]
fn the_newest_ad_counts_and_one_a_minute() {
    let mut directory = directory();
    let mut say = |issued, now| take(&mut directory, 1, ad(1, issued), now);
    assert_eq!(say(NOW, NOW), AdVerdict::Accept);
    assert_eq!(say(NOW, NOW + 61), AdVerdict::Ignore, "again");
    assert_eq!(say(NOW - 1, NOW + 61), AdVerdict::Ignore, "older");
    assert_eq!(say(NOW + 59, NOW + 59), AdVerdict::Ignore, "too soon");
    assert_eq!(say(NOW + 60, NOW + 60), AdVerdict::Accept);
    assert_eq!(directory.view(|_| None, NOW + 60).nodes[0].signed.ad.issued, NOW + 60);
    assert!(directory.view(|_| None, NOW + 3_660).nodes.is_empty());
    directory.expire(NOW + 3_660);
    assert!(directory.is_empty());
}

#[test]
fn a_peer_sends_only_so_many_ads_a_minute() {
    let mut directory = directory();
    let bytes = signed(1, ad(1, NOW));
    for _ in 0..ADS_PER_SOURCE_MAX {
        directory.on_ad(&bytes, peer(7), NOW);
    }
    assert_eq!(directory.on_ad(b"\x01junk", peer(7), NOW), AdVerdict::Ignore, "not even looked at");
    assert!(matches!(directory.on_ad(b"\x01junk", peer(8), NOW), AdVerdict::Reject(_)));
    // Not to blame before the count of an honest relay is exceeded, whatever the ads say.
    for _ in ADS_PER_SOURCE_MAX + 1..ADS_PER_SOURCE_HONEST {
        assert_eq!(directory.on_ad(&bytes, peer(7), NOW), AdVerdict::Ignore);
    }
    assert_eq!(directory.on_ad(&bytes, peer(7), NOW), AdVerdict::Useless);
    assert!(matches!(directory.on_ad(b"\x01junk", peer(7), NOW + 60), AdVerdict::Reject(_)));
}

#[test]
fn nobodys_own_network_is_knocked_on() {
    for host in ["127.0.0.1", "192.168.1.1", "[::1]", "localhost", "router.local"] {
        let inside = NodeAd { endpoints: vec![url(&format!("stratum+tcp://{host}:80"))], ..ad(1, NOW) };
        assert_eq!(take(&mut directory(), 1, inside.clone(), NOW), AdVerdict::Ignore, "{host}");
        let mut laboratory = Directory::new(PARAMS, AddressPolicy::LocalToo);
        assert_eq!(take(&mut laboratory, 1, inside, NOW), AdVerdict::Accept, "{host}");
    }
}

/// An ad whose miners connect to this host.
fn at_host(number: u64, host: &str) -> NodeAd {
    NodeAd { endpoints: vec![url(&format!("stratum+tcp://{host}:3333"))], addresses: Vec::new(), ..ad(number, NOW) }
}

#[test]
fn a_flood_from_one_network_displaces_only_itself() {
    let mut directory = directory();
    assert_eq!(take(&mut directory, 0, at_host(0, "8.8.8.8"), NOW), AdVerdict::Accept);
    let limit = u64::try_from(ADS_MAX).unwrap();
    for number in 1..limit {
        assert_eq!(take(&mut directory, number, at_host(number, "9.9.9.9"), NOW + number), AdVerdict::Accept);
    }
    assert_eq!(take(&mut directory, limit, at_host(limit, "9.9.9.7"), NOW), AdVerdict::Ignore, "more of the same");
    for (number, host) in [(limit + 1, "7.7.7.7"), (limit + 2, "pool.example")] {
        assert_eq!(take(&mut directory, number, at_host(number, host), NOW), AdVerdict::Accept, "{host}");
    }
    assert_eq!(directory.len(), ADS_MAX);
    let kept = |number: u64| directory.entries.contains_key(&PublicKey::from(&pair(number)));
    assert!(kept(0) && kept(1) && !kept(limit - 1) && !kept(limit - 2), "the newest of the flood went");
}

#[test]
fn an_answer_has_few_of_one_network_and_the_region_first() {
    let mut directory = directory();
    let mut say = |number: u64, host: &str, region| {
        let ad = NodeAd { region, ..at_host(number, host) };
        assert_eq!(take(&mut directory, number, ad, NOW + number), AdVerdict::Accept);
    };
    for number in 0..5 {
        say(number, "9.9.9.9", Some(Region::Eu));
    }
    for number in 5..10 {
        say(number, &format!("n{number}.pool.example"), Some(Region::As));
    }
    say(10, "8.8.8.8", None);
    say(11, "7.7.7.7", Some(Region::Na));
    let view = directory.view(|_| None, NOW + 20);
    let names = |view: &DirectoryView, region, count| -> Vec<u64> {
        let chosen = view.candidates(region, count).into_iter();
        chosen.map(|node| (0..12).find(|number| peer(*number) == node.peer_id).unwrap()).collect()
    };
    assert_eq!(names(&view, None, 20), [0, 1, 2, 5, 6, 7, 10, 11], "three of a /24, three of a domain");
    assert_eq!(names(&view, Some(Region::As), 20), [5, 6, 7, 10, 0, 1, 2, 11]);
    assert_eq!(names(&view, Some(Region::Na), 2), [11, 10]);
    let of_one_as = directory.view(|_| Some(64_500), NOW + 20);
    assert_eq!(names(&of_one_as, None, 20), [0, 1, 2, 5, 6, 7], "names have no address to look up");
}

fn with_operator(number: u64, operator: u64, load: u32, region: Region) -> NodeAd {
    let operator = Operator::sign(&pair(operator), (&pair(number)).into(), PARAMS);
    NodeAd { operator: Some(operator), load, region: Some(region), ..ad(number, NOW) }
}

#[test]
fn miners_are_sent_to_nodes_of_the_same_operator_that_have_room() {
    let mut directory = directory();
    let own = PublicKey::from(&pair(99));
    assert_eq!(directory.refuge(own, Some(Region::Eu), NOW), None);
    for (number, operator, load, region) in [
        (1, 98, 0, Region::Eu),
        (2, 99, 800, Region::Eu),
        (3, 99, 300, Region::As),
        (4, 99, 200, Region::As),
        (5, 99, 500, Region::Eu),
    ] {
        let ad = with_operator(number, operator, load, region);
        assert_eq!(take(&mut directory, number, ad, NOW), AdVerdict::Accept);
    }
    directory.keep_own(with_operator(6, 99, 0, Region::Eu).sign(&pair(6), PARAMS), NOW);
    let refuge = |region| directory.refuge(own, region, NOW).unwrap().host;
    assert_eq!(refuge(Some(Region::Eu)), "1.6.9.9", "in the region, with room, and not ourselves");
    assert_eq!(refuge(Some(Region::As)), "1.5.9.9", "the emptiest");
    assert_eq!(directory.refuge(own, Some(Region::Eu), NOW + 3_600), None, "not when it has gone silent");
    assert_eq!(directory.refuge(PublicKey::from(&pair(97)), None, NOW), None, "never a stranger's");
}

fn own_node() -> OwnNode {
    OwnNode {
        key: pair(1),
        operator: Some(pair(99)),
        endpoints: ad(1, NOW).endpoints,
        region: None,
        country: None,
        agent: String::new(),
    }
}

const fn offered(load: u32) -> Offer {
    Offer { fee_basis_points: 0, capacity: 100, load }
}

#[test]
fn a_node_announces_itself_every_twenty_minutes_and_sooner_with_news() {
    let mut own = OwnAds::new(own_node(), PARAMS);
    let first = own.next(&[], offered(0), NOW).unwrap();
    assert!(own.next(&[], offered(0), NOW + 5).is_some(), "nobody has heard it");
    assert_eq!(directory().on_ad(&first.encode(), peer(7), NOW), AdVerdict::Accept);
    own.announced(first.ad);
    let address = ["/ip4/9.9.9.9/tcp/1".parse().unwrap()];
    for (addresses, load, after, is_due) in [
        (&[][..], 0, 1_199, false),
        (&[], 0, 1_200, true),
        (&[], 10, 74, false),
        (&[], 9, 75, false),
        (&[], 10, 75, true),
        (&address, 0, 75, true),
    ] {
        assert_eq!(own.next(addresses, offered(load), NOW + after).is_some(), is_due, "{load} {after}");
    }
    own.announced(NodeAd { load: 79, ..ad(1, NOW) });
    let said = NodeAd { fee_basis_points: 0, capacity: 100, load: 79, addresses: Vec::new(), ..ad(1, NOW) };
    own.announced(said);
    assert!(own.next(&[], offered(79), NOW + 75).is_none());
    assert!(own.next(&[], offered(80), NOW + 75).is_some(), "nearly full");
    let dearer = Offer { fee_basis_points: 100, ..offered(79) };
    assert!(own.next(&[], dearer, NOW + 75).is_some(), "another fee");
}

#[test]
fn our_own_ad_is_listed_and_nobody_else_speaks_for_us() {
    let mut directory = directory();
    let own = OwnAds::new(own_node(), PARAMS).next(&[], offered(0), NOW).unwrap();
    directory.keep_own(own, NOW);
    assert!(directory.view(|_| None, NOW).nodes[0].is_own);
    assert_eq!(take(&mut directory, 1, ad(1, NOW + 100), NOW + 100), AdVerdict::Ignore);
}

proptest! {
    #[test]
    fn no_bytes_panic_and_what_decodes_encodes_back(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(signed) = SignedAd::decode(&bytes) {
            prop_assert_eq!(signed.encode(), bytes.clone());
        }
        let verdict = directory().on_ad(&bytes, peer(1), NOW);
        prop_assert_ne!(verdict, AdVerdict::Accept);
    }

    #[test]
    fn altered_ads_are_never_accepted(place in any::<prop::sample::Index>(), noise in 1_u8..=255) {
        let mut bytes = signed(1, ad(1, NOW));
        let place = place.index(bytes.len());
        bytes[place] ^= noise;
        let verdict = directory().on_ad(&bytes, peer(1), NOW);
        prop_assert_ne!(verdict, AdVerdict::Accept);
    }

    #[test]
    fn whatever_is_said_round_trips(
        (issued, ttl_secs, fee, capacity, load) in (any::<u64>(), 1_u16..=3_600, 0_u16..=10_000, any::<u32>(), any::<u32>()),
        (agent, port, addresses) in ("[ -~]{0,64}", 1_u16.., 0_usize..=8),
    ) {
        let mut said = ad(1, issued);
        said.addresses = vec![said.addresses[0].clone(); addresses];
        said.endpoints[0].port = port;
        let said = NodeAd { ttl_secs, fee_basis_points: fee, capacity, load, agent, ..said };
        let decoded = SignedAd::decode(&signed(1, said.clone())).unwrap();
        prop_assert_eq!(decoded.verify(PARAMS), Ok(()));
        prop_assert_eq!(decoded.ad, said);
    }
}

/// Offers a record of node `number` at its own place.
fn offer(directory: &mut Directory, number: u64, ad: NodeAd, held: Option<&[u8]>) -> Result<UnixTime, AdVerdict> {
    let (key, bytes) = (Place::of(&ad).key(PARAMS), signed(number, ad));
    directory.on_record((&key, &bytes), held, peer(10_000 + number % 100), NOW)
}

#[test]
fn a_record_is_kept_at_its_own_place_only_and_until_it_is_over() {
    let mut directory = directory();
    assert_eq!(offer(&mut directory, 1, ad(1, NOW), None), Ok(NOW + 3_600));
    assert_eq!(directory.len(), 1, "and it is as good as one that was gossiped");
    assert_eq!(offer(&mut directory, 1, ad(1, NOW), None), Ok(NOW + 3_600), "what is known is kept all the same");
    let elsewhere = NodeAd { region: Some(Region::As), ..ad(1, NOW) };
    let offered = directory.on_record((&Place::of(&elsewhere).key(PARAMS), &signed(1, ad(1, NOW))), None, peer(1), NOW);
    assert_eq!(offered, Err(AdVerdict::Ignore));
    let over = NodeAd { ttl_secs: 1, ..ad(2, NOW - 1) };
    assert_eq!(offer(&mut directory, 2, over, None), Err(AdVerdict::Ignore));
    let mut forged = signed(3, ad(3, NOW));
    *forged.last_mut().unwrap() ^= 1;
    let offered = directory.on_record((&Place::of(&ad(3, NOW)).key(PARAMS), &forged), None, peer(3), NOW);
    assert_eq!(offered, Err(AdVerdict::Reject(AdError::Signature)));
}

#[test]
fn attack_d5_made_up_nodes_do_not_take_the_place_of_one_that_is_there() {
    let mut directory = directory();
    let place = |number| Place::of(&ad(number, NOW));
    let rival = (2..).find(|number| place(*number) == place(1)).unwrap();
    let held = signed(1, NodeAd { ttl_secs: 100, ..ad(1, NOW) });
    assert_eq!(offer(&mut directory, rival, ad(rival, NOW), Some(&held)), Err(AdVerdict::Ignore));
    assert_eq!(offer(&mut directory, 1, ad(1, NOW), Some(&held)), Ok(NOW + 3_600), "it may renew its own");
    let over = signed(1, NodeAd { ttl_secs: 100, ..ad(1, NOW - 100) });
    assert_eq!(offer(&mut directory, rival, ad(rival, NOW), Some(&over)), Ok(NOW + 3_600));
    let keys: BTreeSet<_> = (1..2_000).map(|number| place(number).key(PARAMS)).collect();
    assert_eq!(keys.len(), usize::from(places::PLACES_PER_REGION), "however many nodes there are");
}

#[test]
fn a_node_that_stops_is_full_at_once_and_soon_forgotten() {
    let mut ads = OwnAds::new(own_node(), PARAMS);
    assert_eq!(ads.farewell(NOW), None, "nobody has heard of it");
    let first = ads.next(&[], offered(0), NOW).unwrap();
    let mut directory = directory();
    assert_eq!(directory.on_ad(&first.encode(), peer(9), NOW), AdVerdict::Accept);
    ads.announced(first.ad);
    let last = ads.farewell(NOW + 100).unwrap();
    assert_eq!(directory.on_ad(&last.encode(), peer(9), NOW + 100), AdVerdict::Accept);
    let fill = |directory: &Directory, now| {
        directory.view(|_| None, now).nodes.first().map(|node| node.signed.ad.fill_percent())
    };
    assert_eq!(fill(&directory, NOW + 219), Some(100));
    assert_eq!(fill(&directory, NOW + 220), None);
}
