//! Which peers this node is connected to: `(event, now, chance) -> actions`.
//!
//! ```text
//!  Connected, Disconnected, DialFailed, Located, Rtt, Delivered, Advanced, Pinned, Unpinned, Dropped, Tick
//!        |
//!        v                      <--- candidates ---
//!  PeerSelector::handle                              AddressBook   (told of successes, failures, round trips, anchors)
//!        |                      --- experience -->
//!        v
//!  Dial { peer, addresses }, Disconnect { peer, reason }
//! ```
//! Gossip grafts its mesh at random, so who is connected decides how shares travel: five near peers for speed, four in
//! other regions so that the network holds together, two by chance and one visitor against whoever fills the book.
//! Simulated, near peers alone partition the network (`docs/performance.md`, peer selection).
//!
//! It never opens a socket, reads a clock or draws from global chance; it never believes a claim more than a
//! measurement; it never drops or counts the operator's own peers. Time is Unix milliseconds and may jump: a jump forward
//! rotates a peer, one backward delays a dial, neither drops all. Driven by one owner, with a `Tick` every few seconds:
//! dials and rotation happen there only, so that nobody can make a node dial in a storm.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use libp2p::{Multiaddr, PeerId};
use rand::Rng;

mod alarm;
mod connected;
mod connecting;
mod inbound;
pub mod limits;
mod outbound;
mod quotas;
mod rotation;
mod slot;
mod view;

pub use alarm::EclipseAlarm;
pub use quotas::{Quotas, Selection, UnknownSelection};
pub use slot::{DropReason, Place, RttClass, Slot};
pub use view::SlotView;

use crate::{
    address_book::{AddressBook, Anchor, Millis},
    netgroup::Netgroup,
    p2p::Direction,
    region::Region,
};
use connected::ConnectedPeer;
use limits::{DIAL_TIMEOUT, DIALS_MAX, FEELER_INTERVAL, FEELER_MAX, FEELER_REST, LET_GO_REST};

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A connection was opened. Of one with a peer that is connected already it matters who dialled.
    Connected(NewConnection),
    /// The last connection with a peer was closed, whoever closed it.
    Disconnected(PeerId),
    /// A dial led nowhere.
    DialFailed(PeerId),
    /// A peer said, or a database said of it, where it is.
    Located {
        /// Who.
        peer: PeerId,
        /// Where.
        place: Place,
    },
    /// A ping was answered.
    Rtt {
        /// By whom.
        peer: PeerId,
        /// After what time.
        rtt: Duration,
    },
    /// A peer delivered a valid share.
    Delivered {
        /// Who.
        peer: PeerId,
        /// How long after the first copy; zero for the first.
        lag: Duration,
    },
    /// A peer told of a newer tip than before, in whatever way: it is alive and not cut off.
    Advanced(PeerId),
    /// The operator named this peer.
    Pinned(PeerId),
    /// Somebody else answers where the operator named this peer: it is like any other from now on.
    Unpinned(PeerId),
    /// The operator lets this peer go, whatever it was connected for.
    Dropped(PeerId),
    /// A few seconds passed.
    Tick,
}

/// A connection that was opened.
#[derive(Clone, Debug)]
pub struct NewConnection {
    /// With whom.
    pub peer: PeerId,
    /// Who dialled.
    pub direction: Direction,
    /// The other end.
    pub address: Multiaddr,
    /// Where the peer seems to be.
    pub place: Place,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Dial these addresses, of which at least one may work.
    Dial {
        /// Whom.
        peer: PeerId,
        /// Where, best first.
        addresses: Vec<Multiaddr>,
        /// What for.
        slot: Slot,
    },
    /// Close all connections with a peer; it no longer counts.
    Disconnect {
        /// With whom.
        peer: PeerId,
        /// Why.
        reason: DropReason,
    },
}

/// A dial that nobody answered yet.
#[derive(Clone, Debug)]
struct Dial {
    slot: Slot,
    since: Millis,
    group: Option<Netgroup>,
    asn: Option<u32>,
    region: Option<Region>,
}

/// Chooses peers.
#[derive(Clone, Debug)]
pub struct PeerSelector {
    own: PeerId,
    own_region: Option<Region>,
    quotas: Quotas,
    peers: BTreeMap<PeerId, ConnectedPeer>,
    dials: BTreeMap<PeerId, Dial>,
    /// As many as the operator configured.
    pinned: BTreeSet<PeerId>,
    /// Not dialled yet since the start.
    anchors_left: Vec<Anchor>,
    feels_at: Millis,
    rotates_at: Millis,
}

impl PeerSelector {
    /// Nobody is connected yet; the anchors of the book come first.
    pub fn new(own: PeerId, own_region: Option<Region>, quotas: Quotas, book: &AddressBook) -> Self {
        Self {
            own,
            own_region,
            quotas,
            peers: BTreeMap::new(),
            dials: BTreeMap::new(),
            pinned: BTreeSet::new(),
            anchors_left: book.anchors().to_vec(),
            feels_at: 0,
            rotates_at: 0,
        }
    }

    /// Takes in what happened and says what is to be done.
    pub fn handle(&mut self, event: Event, now: Millis, book: &mut AddressBook, rng: &mut impl Rng) -> Vec<Action> {
        match event {
            Event::Connected(connection) => self.connected(connection, now, book).into_iter().collect(),
            Event::Tick => self.tick(now, book, rng),
            Event::Disconnected(peer) => {
                self.disconnected(&peer, now, book);
                Vec::new()
            }
            Event::DialFailed(peer) => {
                self.dial_failed(&peer, now, book);
                Vec::new()
            }
            Event::Pinned(peer) => {
                self.pinned.insert(peer);
                self.update(&peer, |peer| peer.slot = Slot::Pinned)
            }
            Event::Unpinned(peer) => {
                self.pinned.remove(&peer);
                self.update(&peer, |peer| match (peer.slot, peer.is_outbound) {
                    (Slot::Pinned, true) => peer.slot = Slot::Unasked,
                    (Slot::Pinned, false) => peer.slot = Slot::Inbound,
                    _ => {}
                })
            }
            Event::Dropped(peer) => {
                self.pinned.remove(&peer);
                let is_connected = self.peers.contains_key(&peer);
                is_connected.then(|| self.let_go(peer, DropReason::Ordered, now, book)).into_iter().collect()
            }
            Event::Rtt { peer, rtt } => {
                book.measured(&peer, rtt);
                self.update(&peer, |peer| peer.measured(rtt))
            }
            Event::Located { peer, place } => self.update(&peer, |peer| peer.place.learn(place)),
            Event::Delivered { peer, lag } => self.update(&peer, |peer| peer.delivered(lag, now)),
            Event::Advanced(peer) => self.update(&peer, |peer| peer.news_at = Some(now)),
        }
    }

    fn update(&mut self, peer: &PeerId, change: impl FnOnce(&mut ConnectedPeer)) -> Vec<Action> {
        // A peer that was just told to leave may still speak.
        if let Some(peer) = self.peers.get_mut(peer) {
            change(peer);
        }
        Vec::new()
    }

    fn disconnected(&mut self, peer: &PeerId, now: Millis, book: &mut AddressBook) {
        if let Some(connected) = self.peers.remove(peer)
            && connected.is_outbound
        {
            book.succeeded(peer, &connected.address, now);
            book.rest(peer, now.saturating_add(FEELER_REST));
        }
    }

    fn dial_failed(&mut self, peer: &PeerId, now: Millis, book: &mut AddressBook) {
        // Who connected to us meanwhile is there.
        if self.dials.remove(peer).is_none() || self.peers.contains_key(peer) {
            return;
        }
        // Without a single peer it is likelier that this node is offline than that everybody else is.
        if self.peers.is_empty() {
            book.rest(peer, now.saturating_add(FEELER_REST));
        } else {
            book.failed(peer, now);
        }
    }

    fn tick(&mut self, now: Millis, book: &mut AddressBook, rng: &mut impl Rng) -> Vec<Action> {
        self.expire_dials(now, book);
        let mut actions = self.end_visits(now, book);
        self.reassign();
        if let Some(peer) = self.rotated(now, book, rng) {
            actions.push(self.let_go(peer, DropReason::Rotated, now, book));
        }
        // Anchors that were not dialled yet must survive a second restart.
        if self.anchors_left.is_empty() && !self.anchor_peers(now).is_empty() {
            book.keep_anchors(self.anchors(now));
        }
        actions.extend(self.redial_anchors(now, book));
        actions.extend(self.fill(now, book, rng));
        actions
    }

    fn expire_dials(&mut self, now: Millis, book: &mut AddressBook) {
        let is_over = |dial: &Dial| now.saturating_sub(dial.since) >= DIAL_TIMEOUT;
        let over: Vec<PeerId> = self.dials.iter().filter(|(_, dial)| is_over(dial)).map(|(peer, _)| *peer).collect();
        for peer in over {
            self.dial_failed(&peer, now, book);
        }
    }

    /// Visitors leave when their round trip is known, and at the latest when their time is over.
    fn end_visits(&mut self, now: Millis, book: &mut AddressBook) -> Vec<Action> {
        let is_over = |peer: &ConnectedPeer| match peer.slot {
            Slot::Feeler => peer.rtt.is_some() || peer.tenure(now) >= FEELER_MAX,
            Slot::Unasked => peer.tenure(now) >= FEELER_MAX,
            Slot::Near | Slot::Far | Slot::Random | Slot::Inbound | Slot::Pinned => false,
        };
        let over: Vec<PeerId> = self.peers.iter().filter(|(_, peer)| is_over(peer)).map(|(id, _)| *id).collect();
        over.into_iter().map(|peer| self.let_go(peer, DropReason::VisitOver, now, book)).collect()
    }

    fn let_go(&mut self, peer: PeerId, reason: DropReason, now: Millis, book: &mut AddressBook) -> Action {
        self.disconnected(&peer, now, book);
        let rest = if reason == DropReason::VisitOver { FEELER_REST } else { LET_GO_REST };
        book.rest(&peer, now.saturating_add(rest));
        Action::Disconnect { peer, reason }
    }

    fn redial_anchors(&mut self, now: Millis, book: &AddressBook) -> Vec<Action> {
        let mut actions = Vec::new();
        for Anchor { peer, endpoint, slot } in std::mem::take(&mut self.anchors_left) {
            let entry = book.get(&peer);
            let (group, asn) = (book.policy().group(Some(endpoint.ip)), entry.and_then(|entry| entry.asn));
            let is_known = self.peers.contains_key(&peer) || self.pinned.contains(&peer) || peer == self.own;
            if !is_known && self.open(slot) > 0 && self.taken().allows(group, asn) {
                let region = entry.and_then(|entry| self.far_region(entry));
                self.dials.insert(peer, Dial { slot, since: now, group, asn, region });
                actions.push(Action::Dial { peer, addresses: vec![endpoint.to_multiaddr()], slot });
            }
        }
        actions
    }

    /// Dials for open slots: random ones first, so that whoever knows our region never gets all that are filled early.
    fn fill(&mut self, now: Millis, book: &AddressBook, rng: &mut impl Rng) -> Vec<Action> {
        let mut actions = Vec::new();
        for slot in [Slot::Random, Slot::Far, Slot::Near, Slot::Feeler] {
            while self.open(slot) > 0 && self.dials.len() < DIALS_MAX && (slot != Slot::Feeler || now >= self.feels_at)
            {
                let Some(entry) = self.candidate(slot, now, book, rng) else { break };
                if slot == Slot::Feeler {
                    self.feels_at = now.saturating_add(FEELER_INTERVAL);
                }
                // Drawn like any other, and connected already: by a lookup, or because it is a seed.
                if let Some(visitor) = self.peers.get_mut(&entry.peer) {
                    visitor.slot = slot;
                    continue;
                }
                let group = book.policy().group(entry.endpoints.first().map(|endpoint| endpoint.ip));
                let region = self.far_region(entry);
                self.dials.insert(entry.peer, Dial { slot, since: now, group, asn: entry.asn, region });
                actions.push(Action::Dial { peer: entry.peer, addresses: entry.addresses(), slot });
            }
        }
        actions
    }

    /// Slots of a kind that are neither taken nor being dialled for.
    fn open(&self, slot: Slot) -> usize {
        let dialled = self.dials.values().filter(|dial| dial.slot == slot).count();
        self.quotas.of(slot).saturating_sub(self.count(slot) + dialled)
    }
}

#[cfg(test)]
mod tests;
