//! Who is connected, how, and what they say about themselves.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol, swarm::ConnectionId};

use super::wire::Hello;
use crate::{
    defaults::{REQUEST_WINDOW, REQUESTS_PER_WINDOW_MAX},
    geo::CountryDb,
    region::Region,
};

/// Who dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The peer.
    Inbound,
    /// We.
    Outbound,
}

/// A connected peer as others see it.
#[derive(Clone, Debug)]
pub struct PeerView {
    /// Its identity.
    pub peer_id: PeerId,
    /// Where it is connected from or to.
    pub address: Multiaddr,
    /// Who dialled.
    pub direction: Direction,
    /// What it calls itself.
    pub agent: String,
    /// Newest round trip.
    pub rtt: Option<Duration>,
    /// Shortest round trip seen.
    pub rtt_min: Option<Duration>,
    /// Where it seems to be.
    pub region: Option<Region>,
    /// Height of its best share, as it says.
    pub share_height: Option<u64>,
    /// Since when it is connected.
    pub connected: Duration,
}

/// All connected peers.
#[derive(Clone, Debug, Default)]
pub struct PeersView {
    /// Ordered by direction, then identity.
    pub peers: Vec<PeerView>,
    /// Addresses this node listens on.
    pub listen: Vec<Multiaddr>,
}

#[derive(Debug)]
struct Connection {
    address: Multiaddr,
    direction: Direction,
    since: Instant,
}

#[derive(Debug, Default)]
struct Peer {
    connections: BTreeMap<ConnectionId, Connection>,
    hello: Option<Hello>,
    rtt: Option<Duration>,
    rtt_min: Option<Duration>,
    window: Option<(Instant, u32)>,
}

/// Connected peers.
#[derive(Debug, Default)]
pub(super) struct PeerTable {
    peers: BTreeMap<PeerId, Peer>,
}

/// Whether a peer's request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MayAsk {
    /// It is.
    Yes,
    /// It asks more than anybody needs to.
    TooOften,
    /// It is no longer connected.
    Gone,
}

impl PeerTable {
    /// Says whether it is the peer's first connection.
    pub(super) fn connected(
        &mut self,
        peer: PeerId,
        id: ConnectionId,
        address: Multiaddr,
        direction: Direction,
        now: Instant,
    ) -> bool {
        let peer = self.peers.entry(peer).or_default();
        peer.connections.insert(id, Connection { address, direction, since: now });
        peer.connections.len() == 1
    }

    /// Says whether it was the peer's last connection.
    pub(super) fn disconnected(&mut self, peer: &PeerId, id: ConnectionId) -> bool {
        let Some(entry) = self.peers.get_mut(peer) else { return false };
        entry.connections.remove(&id);
        let last = entry.connections.is_empty();
        if last {
            self.peers.remove(peer);
        }
        last
    }

    pub(super) fn contains(&self, peer: &PeerId) -> bool {
        self.peers.contains_key(peer)
    }

    pub(super) fn ids(&self) -> Vec<PeerId> {
        self.peers.keys().copied().collect()
    }

    pub(super) fn set_hello(&mut self, peer: &PeerId, hello: Hello) {
        if let Some(peer) = self.peers.get_mut(peer) {
            peer.hello = Some(hello);
        }
    }

    pub(super) fn set_rtt(&mut self, peer: &PeerId, rtt: Duration) {
        if let Some(peer) = self.peers.get_mut(peer) {
            peer.rtt = Some(rtt);
            peer.rtt_min = Some(peer.rtt_min.map_or(rtt, |min| min.min(rtt)));
        }
    }

    /// Counts a request of this peer.
    pub(super) fn ask(&mut self, peer: &PeerId, now: Instant) -> MayAsk {
        let Some(peer) = self.peers.get_mut(peer) else { return MayAsk::Gone };
        let (start, count) = match peer.window {
            Some((start, count)) if now.saturating_duration_since(start) < REQUEST_WINDOW => (start, count + 1),
            _ => (now, 1),
        };
        peer.window = Some((start, count));
        if count <= REQUESTS_PER_WINDOW_MAX { MayAsk::Yes } else { MayAsk::TooOften }
    }

    pub(super) fn view(&self, listen: &[Multiaddr], countries: Option<&CountryDb>, now: Instant) -> PeersView {
        let mut peers: Vec<PeerView> =
            self.peers.iter().filter_map(|(id, peer)| peer.view(*id, countries, now)).collect();
        peers.sort_by_key(|peer| (peer.direction == Direction::Inbound, peer.peer_id));
        PeersView { peers, listen: listen.to_vec() }
    }
}

impl Peer {
    fn view(&self, peer_id: PeerId, countries: Option<&CountryDb>, now: Instant) -> Option<PeerView> {
        let oldest = self.connections.values().min_by_key(|connection| connection.since)?;
        let hello = self.hello.as_ref();
        let seen_in = countries.zip(ip(&oldest.address)).and_then(|(countries, ip)| countries.region(ip));
        Some(PeerView {
            peer_id,
            address: oldest.address.clone(),
            direction: oldest.direction,
            agent: hello.map(|hello| hello.agent.clone()).unwrap_or_default(),
            rtt: self.rtt,
            rtt_min: self.rtt_min,
            region: seen_in.or_else(|| hello?.region),
            share_height: hello.map(|hello| hello.tip.height),
            connected: now.saturating_duration_since(oldest.since),
        })
    }
}

fn ip(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
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
    fn a_peer_is_gone_with_its_last_connection() {
        let (mut table, peer, now) = (PeerTable::default(), PeerId::random(), Instant::now());
        let (first, second) = (ConnectionId::new_unchecked(1), ConnectionId::new_unchecked(2));
        assert!(table.connected(peer, first, Multiaddr::empty(), Direction::Inbound, now));
        assert!(!table.connected(peer, second, Multiaddr::empty(), Direction::Outbound, now));
        assert!(!table.disconnected(&peer, first));
        assert!(table.disconnected(&peer, second));
        assert!(!table.contains(&peer));
    }
}
