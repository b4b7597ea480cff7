//! One node against a swarm: how many of its outbound slots are hostile.
//!
//! The swarm has many addresses in few /16. It tells them to the victim as often as it is listened to, claims to be in
//! the victim's region, answers always and in no time. Honest nodes are spread over the world, and some are offline.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use node::{
    Region,
    address_book::{AddressBook, Millis, PeerRecord, Source},
    netgroup::AddressPolicy,
    p2p::Direction,
    peer_selector::{Action, EclipseAlarm, Event, NewConnection, PeerSelector, Place, Quotas, Slot},
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};

use super::{
    network::{START, TICK},
    places::{Places, peer_id},
};

/// Part of honest nodes that do not answer.
const OFFLINE: f64 = 0.3;
/// Second byte of the first hostile /16; the first byte is one that no honest node has.
const HOSTILE_FIRST_BYTE: u8 = 5;
/// Time between two ends of a session of an honest peer, minutes: some leave all the time.
const CHURN_EVERY_MINUTES: u64 = 10;

/// What the victim is up against.
#[derive(Clone, Copy, Debug)]
pub struct Swarm {
    /// Honest nodes that it hears of.
    pub honest: usize,
    /// Hostile addresses.
    pub hostile: usize,
    /// /16 that they are in.
    pub groups: u8,
    /// Who tells of them.
    pub tellers: Tellers,
}

/// Who speaks of the hostile addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tellers {
    /// The swarm itself.
    Swarm,
    /// Anybody: addresses reach the victim by way of nodes in as many groups as there are.
    Anybody,
}

/// The hostile part of the victim's slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seized {
    /// Outbound slots that are held.
    pub held: usize,
    /// Hostile ones among them.
    pub hostile: usize,
    /// Whether an alarm was raised.
    pub is_alarmed: bool,
}

/// The three moments at which is counted.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    /// A new node, some hours after its first start.
    pub first: Seized,
    /// The same, after its book was stuffed again and it was restarted.
    pub restarted: Seized,
    /// The same again, but the file of its book was lost.
    pub lost_file: Seized,
}

#[derive(Debug)]
struct World {
    swarm: Swarm,
    places: Places,
    hostile: Vec<PeerRecord>,
    answers: BTreeMap<PeerId, Answer>,
    rng: StdRng,
}

#[derive(Clone, Copy, Debug)]
struct Answer {
    rtt: Duration,
    is_hostile: bool,
}

impl Swarm {
    /// One world, from a seed: some minutes before each count.
    ///
    /// # Panics
    /// When a book cannot read its own file.
    pub fn trial(self, minutes: u64, seed: u64) -> Trial {
        let mut world = World::new(self, seed);
        let mut book = AddressBook::new(AddressPolicy::PublicOnly, world.rng.random());
        world.stuff(&mut book, START);
        let first = world.live(&mut book, START, minutes);
        let later = START + minutes * 60_000;
        let mut book = AddressBook::decode(&book.encode(), AddressPolicy::PublicOnly, later).expect("an own file");
        world.stuff(&mut book, later);
        let restarted = world.live(&mut book, later, minutes);
        let mut book = AddressBook::new(AddressPolicy::PublicOnly, world.rng.random());
        world.stuff(&mut book, later);
        let lost_file = world.live(&mut book, later, minutes);
        Trial { first, restarted, lost_file }
    }
}

impl World {
    fn new(swarm: Swarm, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let places = Places::new(swarm.honest + 1, &mut rng);
        let region = places.sites[0].region();
        let hostile: Vec<PeerRecord> = (0..swarm.hostile).map(|_| sybil(swarm.groups, region, &mut rng)).collect();
        let mut answers = BTreeMap::new();
        for (number, site) in places.sites.iter().enumerate().skip(1) {
            if !rng.random_bool(OFFLINE) {
                answers.insert(site.peer, Answer { rtt: places.rtt(0, number), is_hostile: false });
            }
        }
        answers.extend(hostile.iter().map(|record| (record.peer, Answer { rtt: Duration::ZERO, is_hostile: true })));
        Self { swarm, places, hostile, answers, rng }
    }

    /// Fills the victim's book: hostile addresses come first, and again after the honest ones.
    fn stuff(&mut self, book: &mut AddressBook, now: Millis) {
        self.tell_hostile(book, now);
        for number in 1..self.places.sites.len() {
            let teller = self.places.sites[self.rng.random_range(1..self.places.sites.len())].ip;
            book.add(&self.places.sites[number].record(), Source::Other(Some(teller)), now);
        }
        self.tell_hostile(book, now);
    }

    fn tell_hostile(&mut self, book: &mut AddressBook, now: Millis) {
        self.hostile.shuffle(&mut self.rng);
        for record in &self.hostile {
            let teller = match self.swarm.tellers {
                Tellers::Swarm => hostile_ip(self.swarm.groups, &mut self.rng),
                Tellers::Anybody => self.places.sites[self.rng.random_range(1..self.places.sites.len())].ip,
            };
            book.add(record, Source::Other(Some(teller)), now);
        }
    }

    /// Runs the victim's selector, while honest peers come and go.
    fn live(&mut self, book: &mut AddressBook, start: Millis, minutes: u64) -> Seized {
        let victim = &self.places.sites[0];
        let mut selector = PeerSelector::new(victim.peer, Some(victim.region()), Quotas::default(), book);
        let mut is_alarmed = false;
        for tick in 1..=minutes * 60_000 / TICK {
            let now = start + tick * TICK;
            let actions = selector.handle(Event::Tick, now, book, &mut self.rng);
            self.answer(&mut selector, actions, now, book);
            if now % (CHURN_EVERY_MINUTES * 60_000) < TICK {
                self.lose_honest(&mut selector, now, book);
            }
            is_alarmed |= matches!(selector.alarm(now), Some(EclipseAlarm::FewNetgroups { .. }));
        }
        let held = selector.view(start + minutes * 60_000).into_iter().filter(|peer| peer.slot.is_held());
        let held: Vec<bool> = held.map(|peer| self.answers[&peer.peer].is_hostile).collect();
        Seized { held: held.len(), hostile: held.iter().filter(|hostile| **hostile).count(), is_alarmed }
    }

    fn answer(&mut self, selector: &mut PeerSelector, actions: Vec<Action>, now: Millis, book: &mut AddressBook) {
        for action in actions {
            let Action::Dial { peer, addresses, slot } = action else { continue };
            assert_ne!(slot, Slot::Inbound, "nobody dials for inbound slots");
            let events = match self.answers.get(&peer) {
                None => vec![Event::DialFailed(peer)],
                Some(answer) => {
                    let address = addresses[0].clone();
                    let (direction, place) = (Direction::Outbound, Place::default());
                    let connection = NewConnection { peer, direction, address, place };
                    vec![Event::Connected(connection), Event::Rtt { peer, rtt: answer.rtt }]
                }
            };
            for event in events {
                selector.handle(event, now, book, &mut self.rng);
            }
        }
    }

    /// One honest outbound peer stops for good measure; hostile ones never do.
    fn lose_honest(&mut self, selector: &mut PeerSelector, now: Millis, book: &mut AddressBook) {
        let held = selector.view(now).into_iter().filter(|peer| peer.slot.is_held()).map(|peer| peer.peer);
        let honest: Vec<PeerId> = held.filter(|peer| !self.answers[peer].is_hostile).collect();
        if !honest.is_empty() {
            let peer = honest[self.rng.random_range(0..honest.len())];
            selector.handle(Event::Disconnected(peer), now, book, &mut self.rng);
        }
    }
}

fn sybil(groups: u8, region: Region, rng: &mut StdRng) -> PeerRecord {
    let address = Multiaddr::from(hostile_ip(groups, rng)).with(Protocol::Tcp(23_333));
    PeerRecord { peer: peer_id(rng), addresses: vec![address], region: Some(region), asn: None }
}

fn hostile_ip(groups: u8, rng: &mut StdRng) -> IpAddr {
    Ipv4Addr::new(HOSTILE_FIRST_BYTE, rng.random_range(0..groups), rng.random(), rng.random_range(1..255)).into()
}
