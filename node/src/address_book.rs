//! The nodes that this node knows of, connected or not, built so that nobody can fill it with his own.
//!
//! ```text
//!  gossip, exchange, kad --add--> new table --succeeded--> tried table --sample--> dials
//!                                   ^                          |
//!                                   +---- failed when tested --+   a full place: its owner is tested first
//! ```
//! Pure: no clock, no disk, no randomness of its own. It follows Bitcoin Core's addrman: two tables of keyed buckets in
//! which a netgroup has few places, and test before evict. Three things differ. An entry has one place, not up to
//! eight. Draws are uniform over netgroups, not over entries: ten thousand addresses in eight groups are drawn like
//! eight. Only what this node reached itself is told to others, so an honest node never relays what it was stuffed with.
//!
//! It never takes a name, a relay, or an address that cannot be reached from anywhere (unless the operator allows local
//! ones), and never believes others about reachability or round trips. Time is Unix milliseconds.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use libp2p::{Multiaddr, PeerId};

mod endpoint;
mod entry;
mod file;
mod sample;
mod tables;

pub use endpoint::{Endpoint, Transport};
pub use entry::{ENDPOINTS_MAX, Entry};
pub use file::{BookFileError, FILE_LEN_MAX};
pub use sample::EXCHANGE_MAX;
pub(crate) use tables::keyed_hash;

use crate::{
    netgroup::{AddressPolicy, Netgroup},
    peer_selector::Slot,
    region::Region,
};
use tables::{Key, Position};

/// Unix milliseconds.
pub type Millis = u64;

/// Places of the tried table that two nodes want, at once. Stops a flood of reached identities from testing everybody.
const CHALLENGES_MAX: usize = 16;
/// A node that was reached so recently keeps its place without a test. As in Bitcoin Core.
const SAFE_AFTER_SUCCESS: Millis = 4 * 3_600_000;
/// Anchors that are kept. Two more than one, so that losing a machine loses no more than one of them.
pub const ANCHORS_MAX: usize = 3;

/// What somebody says of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRecord {
    /// Who.
    pub peer: PeerId,
    /// Where; only the first [`ENDPOINTS_MAX`] that can be used count.
    pub addresses: Vec<Multiaddr>,
    /// Where it seems to be.
    pub region: Option<Region>,
    /// Its autonomous system.
    pub asn: Option<u32>,
}

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The operator or the release: seeds.
    Operator,
    /// The node itself, over a connection from this address that proved who it is.
    Itself(Option<IpAddr>),
    /// Another one, over a connection from this address.
    Other(Option<IpAddr>),
}

/// A peer to come back to first after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Who.
    pub peer: PeerId,
    /// Where it was reached.
    pub endpoint: Endpoint,
    /// What it was used for.
    pub slot: Slot,
}

/// The book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressBook {
    policy: AddressPolicy,
    secret: [u8; 32],
    entries: BTreeMap<PeerId, Entry>,
    places: BTreeMap<Position, PeerId>,
    /// Reached nodes that want a place of the tried table whose owner has to be tested.
    challenges: BTreeMap<Position, PeerId>,
    anchors: Vec<Anchor>,
}

impl AddressBook {
    /// An empty book. The secret is random and never leaves this node.
    pub const fn new(policy: AddressPolicy, secret: [u8; 32]) -> Self {
        Self {
            policy,
            secret,
            entries: BTreeMap::new(),
            places: BTreeMap::new(),
            challenges: BTreeMap::new(),
            anchors: Vec::new(),
        }
    }

    /// Takes what is said of a node; true when it was unknown and is now in the book.
    ///
    /// About a known node only itself is believed, and not about the endpoint at which this node reached it.
    pub fn add(&mut self, record: &PeerRecord, source: Source, now: Millis) -> bool {
        let endpoints = self.usable(record);
        let Some(first) = endpoints.first().copied() else { return false };
        if let Some(entry) = self.entries.get_mut(&record.peer) {
            entry.seen_at = now;
            if matches!(source, Source::Itself(_)) {
                let kept = entry.endpoints[0];
                entry.endpoints.truncate(1);
                entry.endpoints.extend(endpoints.into_iter().filter(|other| *other != kept));
                entry.endpoints.truncate(ENDPOINTS_MAX);
                (entry.region, entry.asn) = (record.region.or(entry.region), record.asn.or(entry.asn));
            }
            return false;
        }
        let source = match source {
            Source::Operator => Netgroup::of(first.ip),
            Source::Itself(ip) | Source::Other(ip) => ip.map_or(Netgroup::Unseen, Netgroup::of),
        };
        let position = Position::new(self.key(&record.peer.to_bytes(), first), source);
        let entry = Entry {
            peer: record.peer,
            endpoints,
            region: record.region,
            asn: record.asn,
            rtt_min: None,
            seen_at: now,
            succeeded_at: None,
            failures: 0,
            rests_until: 0,
            source,
            position,
        };
        self.place_new(entry, now)
    }

    /// This node reached a peer at an address, or was connected to it until now.
    pub fn succeeded(&mut self, peer: &PeerId, address: &Multiaddr, now: Millis) {
        let endpoint = Endpoint::parse(address, peer).filter(|endpoint| self.policy.takes(endpoint.ip));
        let Some(entry) = self.entries.get_mut(peer) else { return };
        entry.succeed(now);
        if let Some(endpoint) = endpoint {
            entry.prefer(endpoint);
        }
        let (position, wanted) = (entry.position, Position::tried(key(&self.secret, &peer.to_bytes(), entry)));
        // It was tested and is there: whoever wanted its place stays in the new table.
        self.challenges.remove(&position);
        if position != wanted {
            self.challenge(*peer, wanted, now);
        }
    }

    /// A peer could not be reached. Not to be told while this node may be offline itself: see [`Self::rest`].
    pub fn failed(&mut self, peer: &PeerId, now: Millis) {
        let Some(entry) = self.entries.get_mut(peer) else { return };
        entry.fail(now);
        if let Some(challenger) = self.challenges.remove(&entry.position) {
            let position = entry.position;
            self.demote(peer, now);
            self.promote(challenger, position);
        }
    }

    /// Leaves a peer alone for a while.
    pub fn rest(&mut self, peer: &PeerId, until: Millis) {
        if let Some(entry) = self.entries.get_mut(peer) {
            entry.rests_until = entry.rests_until.max(until);
        }
    }

    /// A round trip to a connected peer.
    pub fn measured(&mut self, peer: &PeerId, rtt: Duration) {
        if let Some(entry) = self.entries.get_mut(peer) {
            entry.rtt_min = Some(entry.rtt_min.map_or(rtt, |min| min.min(rtt)));
        }
    }

    /// Forgets a peer: it broke the protocol.
    pub fn forget(&mut self, peer: &PeerId) {
        if let Some(entry) = self.entries.remove(peer) {
            self.places.remove(&entry.position);
            self.challenges.remove(&entry.position);
        }
        self.challenges.retain(|_, challenger| challenger != peer);
        self.anchors.retain(|anchor| anchor.peer != *peer);
    }

    /// What is known of a peer.
    pub fn get(&self, peer: &PeerId) -> Option<&Entry> {
        self.entries.get(peer)
    }

    /// All entries, by peer.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The peers to come back to first after a restart.
    pub fn anchors(&self) -> &[Anchor] {
        &self.anchors
    }

    /// Keeps these anchors, at most [`ANCHORS_MAX`].
    pub fn keep_anchors(&mut self, mut anchors: Vec<Anchor>) {
        anchors.retain(|anchor| self.policy.takes(anchor.endpoint.ip));
        anchors.truncate(ANCHORS_MAX);
        self.anchors = anchors;
    }

    /// Which addresses it takes, and for whom limits hold.
    pub const fn policy(&self) -> AddressPolicy {
        self.policy
    }

    pub(crate) const fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    fn usable(&self, record: &PeerRecord) -> Vec<Endpoint> {
        // Bounded before it is searched: a record may name thousands.
        let looked_at = record.addresses.iter().take(4 * ENDPOINTS_MAX);
        let mut endpoints: Vec<Endpoint> = Vec::new();
        for endpoint in looked_at.filter_map(|address| Endpoint::parse(address, &record.peer)) {
            if self.policy.takes(endpoint.ip) && !endpoints.contains(&endpoint) && endpoints.len() < ENDPOINTS_MAX {
                endpoints.push(endpoint);
            }
        }
        endpoints
    }

    const fn key<'a>(&'a self, peer: &'a [u8], endpoint: Endpoint) -> Key<'a> {
        Key { secret: &self.secret, peer, endpoint }
    }

    /// Puts an entry into its place unless somebody better is there.
    fn place_new(&mut self, entry: Entry, now: Millis) -> bool {
        if let Some(owner) = self.places.get(&entry.position).copied() {
            if !self.entries.get(&owner).is_none_or(|owner| owner.gives_way(now)) {
                return false;
            }
            self.forget(&owner);
        }
        self.places.insert(entry.position, entry.peer);
        self.entries.insert(entry.peer, entry);
        true
    }

    /// A reached peer wants a place of the tried table.
    fn challenge(&mut self, peer: PeerId, wanted: Position, now: Millis) {
        let owner = self.places.get(&wanted).and_then(|owner| self.entries.get(owner));
        match owner {
            None => self.promote(peer, wanted),
            Some(owner) if owner.gives_way(now) => {
                let owner = owner.peer;
                self.demote(&owner, now);
                self.promote(peer, wanted);
            }
            Some(owner) => {
                let is_safe = owner.succeeded_at.is_some_and(|then| now.saturating_sub(then) < SAFE_AFTER_SUCCESS);
                if !is_safe && self.challenges.len() < CHALLENGES_MAX {
                    self.challenges.entry(wanted).or_insert(peer);
                }
            }
        }
    }

    fn promote(&mut self, peer: PeerId, position: Position) {
        let Some(entry) = self.entries.get_mut(&peer) else { return };
        self.places.remove(&entry.position);
        self.challenges.remove(&entry.position);
        entry.position = position;
        self.places.insert(position, peer);
    }

    /// Moves an entry back to the new table, or out of the book when its place there is taken.
    fn demote(&mut self, peer: &PeerId, now: Millis) {
        let Some(mut entry) = self.entries.remove(peer) else { return };
        self.places.remove(&entry.position);
        entry.position = Position::new(key(&self.secret, &peer.to_bytes(), &entry), entry.source);
        self.place_new(entry, now);
    }
}

fn key<'a>(secret: &'a [u8; 32], peer: &'a [u8], entry: &Entry) -> Key<'a> {
    Key { secret, peer, endpoint: entry.endpoints[0] }
}

#[cfg(test)]
mod tests;
