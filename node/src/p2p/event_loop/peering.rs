//! Whom to be connected to: feeds the selector and the address book, and does what the selector says.

use std::{net::IpAddr, time::Instant};

use libp2p::{
    Multiaddr, PeerId,
    swarm::dial_opts::{DialOpts, PeerCondition},
};
use rand::rngs::StdRng;
use tracing::{debug, info, warn};

use super::{super::wire::Request, Network, requests::Asked};
use crate::{
    address_book::{AddressBook, PeerRecord, Source},
    clock::unix_millis,
    config::P2pConfig,
    geo::Registration,
    netgroup::ip_of,
    p2p::Direction,
    peer_selector::{Action, DropReason, Event, NewConnection, PeerSelector, Place, Slot},
    region::{self, Region},
};

/// The book, the selector, and what they draw from.
#[derive(Debug)]
pub(super) struct Peering {
    pub(super) book: AddressBook,
    pub(super) selector: PeerSelector,
    pub(super) rng: StdRng,
    /// What the operator was warned of.
    alarm: Option<String>,
}

impl Peering {
    pub(super) fn new(own: PeerId, p2p: &P2pConfig, book: AddressBook) -> Self {
        let selector = PeerSelector::new(own, p2p.region, p2p.outbound, &book);
        Self { book, selector, rng: rand::make_rng(), alarm: None }
    }

    /// The operator named this peer.
    pub(super) fn pin(&mut self, peer: PeerId) {
        let actions = self.selector.handle(Event::Pinned(peer), unix_millis(), &mut self.book, &mut self.rng);
        debug_assert!(actions.is_empty(), "nobody is connected yet");
    }

    /// What the operator should know.
    pub(super) const fn alarm(&self) -> Option<&String> {
        self.alarm.as_ref()
    }
}

impl Network {
    /// Tells the selector what happened and does what it says.
    pub(super) fn select(&mut self, event: Event) {
        let Peering { book, selector, rng, .. } = &mut self.peering;
        for action in selector.handle(event, unix_millis(), book, rng) {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Dial { peer, addresses, slot } => {
                debug!(%peer, ?slot, ?addresses, "dialling");
                let options =
                    DialOpts::peer_id(peer).addresses(addresses).condition(PeerCondition::DisconnectedAndNotDialing);
                if let Err(error) = self.swarm.dial(options.build()) {
                    debug!(%peer, %error, "cannot dial");
                    self.select(Event::DialFailed(peer));
                }
            }
            Action::Disconnect { peer, reason } => {
                match reason {
                    // Visits and lookups end all the time.
                    DropReason::VisitOver | DropReason::Unasked => debug!(%peer, ?reason, "peer let go"),
                    _ => info!(%peer, ?reason, "peer let go"),
                }
                let _gone = self.swarm.disconnect_peer_id(peer);
            }
        }
    }

    pub(super) fn on_first_connection(&mut self, peer: PeerId, address: Multiaddr, direction: Direction) {
        if self.configured.contains(&peer) {
            self.select(Event::Pinned(peer));
        }
        self.select_connected(peer, address, direction);
        if direction == Direction::Outbound {
            self.ask_for_peers(peer);
            self.ask(peer, Request::Ads, Asked::Ads);
        }
    }

    /// Tells the selector of any connection: two nodes may dial each other at once, for a slot or for a visit.
    pub(super) fn select_connected(&mut self, peer: PeerId, address: Multiaddr, direction: Direction) {
        let place = self.place_of(ip_of(&address), None);
        self.select(Event::Connected(NewConnection { peer, direction, address, place }));
    }

    /// Where a peer seems to be: by the database, else as it says.
    pub(super) fn place_of(&self, ip: Option<IpAddr>, claim: Option<Region>) -> Place {
        let registration = self.registration(ip);
        Place { region: region::hint(registration.region, claim), asn: registration.asn }
    }

    /// Every few seconds: dials, rotation, and the alarm.
    pub(super) fn on_peering_tick(&mut self) {
        if self.config.p2p.discovery {
            self.select(Event::Tick);
            self.end_visits();
            self.look_for_peers();
        }
        let alarm = self.peering.selector.alarm(unix_millis()).map(|alarm| alarm.to_string());
        if let Some(alarm) = alarm.as_ref().filter(|_| self.peering.alarm.is_none()) {
            warn!("{alarm}; hint: somebody may have surrounded this node; add peers that you know with p2p.peers");
        }
        self.peering.alarm = alarm;
    }

    fn end_visits(&mut self) {
        let selector = &self.peering.selector;
        let is_inbound = |peer: &PeerId| selector.slot(peer) == Some(Slot::Inbound);
        for connection in self.peers.ended_visits(is_inbound, Instant::now()) {
            debug!(%connection, "visit over; the peer stays by a connection of its own");
            let _closing = self.swarm.close_connection(connection);
        }
    }

    /// Where an address is registered.
    fn registration(&self, ip: Option<IpAddr>) -> Registration {
        ip.map(|ip| self.config.geo.borrow().registration(ip)).unwrap_or_default()
    }

    /// Somebody says where a node is.
    pub(super) fn learn(&mut self, peer: PeerId, addresses: Vec<Multiaddr>, source: Source) {
        if peer == self.peer_id() {
            return;
        }
        let registration = self.registration(addresses.iter().find_map(ip_of));
        let record = PeerRecord { peer, addresses, region: registration.region, asn: registration.asn };
        self.peering.book.add(&record, source, unix_millis());
    }
}
