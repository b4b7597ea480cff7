//! What becomes of a new connection: it takes the slot it was dialled for, makes another one leave, or leaves itself.

use libp2p::PeerId;

use super::{
    Action, NewConnection, PeerSelector,
    connected::ConnectedPeer,
    inbound::{InboundPeer, evictee},
    limits::{INBOUND_MAX, INBOUND_PER_SUBNET_MAX, LET_GO_REST, UNASKED_MAX},
    slot::{DropReason, RttClass, Slot},
};
use crate::{
    address_book::{AddressBook, Millis, keyed_hash},
    netgroup::ip_of,
    p2p::Direction,
};

impl PeerSelector {
    /// At most one peer leaves: the new one, or the one that makes room for it.
    pub(super) fn connected(&mut self, new: NewConnection, now: Millis, book: &mut AddressBook) -> Option<Action> {
        let id = new.peer;
        let slot = self.slot_of(&new);
        if new.direction == Direction::Outbound {
            self.dials.remove(&id);
            book.succeeded(&id, &new.address, now);
        }
        let peer = placed(slot, new, now, book);
        if self.peers.contains_key(&id) {
            self.join(&id, peer);
            return None;
        }
        let refusal = match slot {
            Slot::Near | Slot::Far | Slot::Random => {
                let is_diverse = self.taken().allows(peer.group, peer.place.asn);
                (!is_diverse).then_some(DropReason::OutboundDiversity)
            }
            Slot::Unasked => (self.count(Slot::Unasked) >= UNASKED_MAX).then_some(DropReason::Unasked),
            Slot::Inbound => return self.accept(id, peer, book),
            Slot::Feeler | Slot::Pinned => None,
        };
        match refusal {
            None => {
                self.peers.insert(id, peer);
                None
            }
            Some(reason) => {
                book.rest(&id, now.saturating_add(LET_GO_REST));
                Some(Action::Disconnect { peer: id, reason })
            }
        }
    }

    fn slot_of(&self, new: &NewConnection) -> Slot {
        match new.direction {
            _ if self.pinned.contains(&new.peer) => Slot::Pinned,
            Direction::Inbound => Slot::Inbound,
            Direction::Outbound => self.dials.get(&new.peer).map_or(Slot::Unasked, |dial| dial.slot),
        }
    }

    /// Both dialled, perhaps at once: what was an inbound peer holds the slot that it was dialled for, and what was a visit may
    /// stay as an inbound peer.
    fn join(&mut self, id: &PeerId, second: ConnectedPeer) {
        if second.slot == Slot::Inbound {
            let has_room = self.has_subnet_room(&second) && self.count(Slot::Inbound) < INBOUND_MAX;
            let is_visit = |peer: &&mut ConnectedPeer| matches!(peer.slot, Slot::Feeler | Slot::Unasked);
            if let Some(first) = self.peers.get_mut(id).filter(is_visit).filter(|_| has_room) {
                (first.slot, first.subnet) = (Slot::Inbound, second.subnet);
            }
            return;
        }
        let is_allowed = second.slot.is_held() && self.taken().allows(second.group, second.place.asn);
        if let Some(first) = self.peers.get_mut(id).filter(|first| first.slot == Slot::Inbound && is_allowed) {
            (first.slot, first.address, first.is_outbound) = (second.slot, second.address, true);
            (first.group, first.subnet) = (second.group, second.subnet);
        }
    }

    fn accept(&mut self, id: PeerId, peer: ConnectedPeer, book: &AddressBook) -> Option<Action> {
        if !self.has_subnet_room(&peer) {
            return Some(Action::Disconnect { peer: id, reason: DropReason::InboundSubnet });
        }
        if self.count(Slot::Inbound) < INBOUND_MAX {
            self.peers.insert(id, peer);
            return None;
        }
        let Some(evicted) = evictee(self.inbound(book)) else {
            return Some(Action::Disconnect { peer: id, reason: DropReason::InboundFull });
        };
        self.peers.remove(&evicted);
        self.peers.insert(id, peer);
        Some(Action::Disconnect { peer: evicted, reason: DropReason::Evicted })
    }

    /// Whether not too many of its subnet are there.
    fn has_subnet_room(&self, peer: &ConnectedPeer) -> bool {
        let inbound = self.peers.values().filter(|other| other.slot == Slot::Inbound);
        let of_subnet = inbound.filter(|other| other.subnet.is_some() && other.subnet == peer.subnet).count();
        of_subnet < INBOUND_PER_SUBNET_MAX
    }

    fn inbound(&self, book: &AddressBook) -> Vec<InboundPeer> {
        let inbound = self.peers.iter().filter(|(_, peer)| peer.slot == Slot::Inbound);
        inbound.map(|(id, peer)| self.inbound_peer(*id, peer, book.secret())).collect()
    }

    fn inbound_peer(&self, id: PeerId, peer: &ConnectedPeer, secret: &[u8; 32]) -> InboundPeer {
        // An exempt peer counts as a group of its own; its identity is free, but so are the operator's own machines.
        let party = peer.group.map_or_else(|| id.to_bytes(), |group| group.to_bytes().to_vec());
        let region = peer.region(self.own_region).filter(|region| Some(*region) != self.own_region);
        InboundPeer {
            peer: id,
            group: peer.group,
            keyed_group: keyed_hash(secret, b"inbound", &[&party]),
            rtt_min: peer.rtt.map(|rtt| rtt.min),
            first_deliveries: peer.first_deliveries,
            // Not before it was measured: whoever just arrived could claim any.
            far_region: region.filter(|_| peer.class().is_some_and(|class| class != RttClass::Near)),
            since: peer.since,
        }
    }

    pub(super) fn count(&self, slot: Slot) -> usize {
        self.peers.values().filter(|peer| peer.slot == slot).count()
    }
}

fn placed(slot: Slot, new: NewConnection, now: Millis, book: &AddressBook) -> ConnectedPeer {
    let ip = ip_of(&new.address);
    let known_asn = book.get(&new.peer).and_then(|entry| entry.asn);
    let mut peer = ConnectedPeer::new(slot, new.address, now);
    peer.is_outbound = new.direction == Direction::Outbound;
    peer.group = book.policy().group(ip);
    peer.subnet = book.policy().subnet(ip);
    peer.place = new.place;
    peer.place.asn = new.place.asn.or(known_asn);
    peer
}
