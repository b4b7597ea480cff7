//! Who is connected, how, and what they say about themselves.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol, swarm::ConnectionId};

use super::{bans::Bans, wire::Hello};
use crate::{
    clock::is_due,
    defaults::{REQUEST_WINDOW, REQUESTS_PER_WINDOW_MAX, TOLD_INTERVAL},
    geo::{Geo, Registration},
    netgroup::ip_of,
    peer_selector::{Slot, limits::FEELER_MAX},
    region::{Region, RegionSource, locate},
};

/// Longest visit.
const VISIT_MAX: Duration = Duration::from_millis(FEELER_MAX);

/// Who dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The peer.
    Inbound,
    /// We.
    Outbound,
}

/// What a connection is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP, Noise and Yamux.
    Tcp,
    /// QUIC.
    Quic,
    /// Through a relay.
    Relay,
}

impl Transport {
    fn of(address: &Multiaddr) -> Self {
        let has = |wanted: fn(&Protocol<'_>) -> bool| address.iter().any(|part| wanted(&part));
        if has(|part| matches!(part, Protocol::P2pCircuit)) {
            Self::Relay
        } else if has(|part| matches!(part, Protocol::QuicV1 | Protocol::Quic)) {
            Self::Quic
        } else {
            Self::Tcp
        }
    }

    /// Its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Quic => "quic",
            Self::Relay => "relay",
        }
    }
}

/// Whether others can connect to this node, as they say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reachability {
    /// Dials of ours that worked.
    pub reached: u32,
    /// Dials of ours that did not.
    pub failed: u32,
}

impl Reachability {
    /// `None` while nobody has tried.
    pub const fn is_reachable(self) -> Option<bool> {
        match (self.reached, self.failed) {
            (0, 0) => None,
            (0, _) => Some(false),
            _ => Some(true),
        }
    }
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
    /// What the connection is made of.
    pub transport: Transport,
    /// What it calls itself.
    pub agent: String,
    /// Newest round trip.
    pub rtt: Option<Duration>,
    /// Shortest round trip seen.
    pub rtt_min: Option<Duration>,
    /// How much round trips vary: the mean difference from one to the next.
    pub rtt_jitter: Option<Duration>,
    /// Where it seems to be, and why.
    pub region: Option<(Region, RegionSource)>,
    /// Where its address is registered.
    pub registration: Registration,
    /// Height of its best share, as it says.
    pub share_height: Option<u64>,
    /// Since when it is connected.
    pub connected: Duration,
    /// Shares that it delivered first.
    pub shares_first: u64,
    /// Shares that it delivered after somebody else.
    pub shares_late: u64,
    /// What it is connected for.
    pub slot: Option<Slot>,
}

/// All connected peers.
#[derive(Clone, Debug, Default)]
pub struct PeersView {
    /// Ordered by direction, then by round trip.
    pub peers: Vec<PeerView>,
    /// Addresses this node listens on.
    pub listen: Vec<Multiaddr>,
    /// Addresses that others are known to reach it at.
    pub external: Vec<Multiaddr>,
    /// Whether others can connect.
    pub reachability: Reachability,
    /// Who may not.
    pub bans: Arc<Bans>,
    /// Whether somebody seems to have surrounded this node.
    pub alarm: Option<String>,
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
    rtt_jitter: Option<Duration>,
    shares_first: u64,
    shares_late: u64,
    window: Option<(Instant, u32)>,
    told_at: Option<Instant>,
    told_ads_at: Option<Instant>,
    /// Held once more by each of its messages that waits for the check.
    checking: Arc<()>,
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

    /// Connections that we opened for a visit that is over, to peers that are inbound ones by a connection of their own. Two
    /// nodes that visit each other at once would else stay connected for nobody.
    pub(super) fn ended_visits(&self, is_inbound: impl Fn(&PeerId) -> bool, now: Instant) -> Vec<ConnectionId> {
        let stays = |peer: &Peer| {
            // A direct connection is better than one through a relay, whoever opened it.
            let is_direct = |it: &Connection| it.direction == Direction::Inbound && ip_of(&it.address).is_some();
            peer.connections.values().any(is_direct)
        };
        let is_over = |it: &Connection| {
            it.direction == Direction::Outbound && now.saturating_duration_since(it.since) >= VISIT_MAX
        };
        let visited = self.peers.iter().filter(|(id, peer)| is_inbound(id) && stays(peer));
        let connections = visited.flat_map(|(_, peer)| &peer.connections);
        connections.filter(|(_, connection)| is_over(connection)).map(|(id, _)| *id).collect()
    }

    pub(super) fn contains(&self, peer: &PeerId) -> bool {
        self.peers.contains_key(peer)
    }

    pub(super) fn ids(&self) -> Vec<PeerId> {
        self.peers.keys().copied().collect()
    }

    /// Says whether its tip is higher than it was.
    pub(super) fn set_hello(&mut self, peer: &PeerId, hello: Hello) -> bool {
        let Some(peer) = self.peers.get_mut(peer) else { return false };
        let height = hello.tip.height;
        peer.hello.replace(hello).is_some_and(|before| before.tip.height < height)
    }

    /// Whether a peer may be told of others now: it is told at most once in [`TOLD_INTERVAL`].
    pub(super) fn may_be_told(&mut self, peer: &PeerId, now: Instant) -> bool {
        self.peers.get_mut(peer).is_some_and(|peer| is_due(&mut peer.told_at, TOLD_INTERVAL, now))
    }

    /// The same of ads.
    pub(super) fn may_be_told_ads(&mut self, peer: &PeerId, now: Instant) -> bool {
        self.peers.get_mut(peer).is_some_and(|peer| is_due(&mut peer.told_ads_at, TOLD_INTERVAL, now))
    }

    pub(super) fn set_rtt(&mut self, peer: &PeerId, rtt: Duration) {
        let Some(peer) = self.peers.get_mut(peer) else { return };
        if let Some(before) = peer.rtt {
            // As RTP does it (RFC 3550, 6.4.1): a sixteenth of the new difference.
            let (difference, jitter) = (rtt.abs_diff(before), peer.rtt_jitter.unwrap_or_default());
            peer.rtt_jitter = Some((jitter * 15 + difference) / 16);
        }
        peer.rtt = Some(rtt);
        peer.rtt_min = Some(peer.rtt_min.map_or(rtt, |min| min.min(rtt)));
    }

    /// Counts a share that it delivered.
    pub(super) fn count_share(&mut self, peer: &PeerId, is_first: bool) {
        if let Some(peer) = self.peers.get_mut(peer) {
            let count = if is_first { &mut peer.shares_first } else { &mut peer.shares_late };
            *count = count.saturating_add(1);
        }
    }

    /// A place in the queue of the check, where there is `room` for so many: no peer has more messages there than there is
    /// room left, so however many flood it, the shares of the others find some.
    pub(super) fn place_in_check(&self, peer: &PeerId, room: usize) -> Option<Arc<()>> {
        let checking = &self.peers.get(peer)?.checking;
        // One is our own.
        (Arc::strong_count(checking) <= room).then(|| checking.clone())
    }

    /// The address a peer is connected from or to.
    pub(super) fn address(&self, peer: &PeerId) -> Option<&Multiaddr> {
        let connections = self.peers.get(peer)?.connections.values();
        connections.min_by_key(|connection| connection.since).map(|connection| &connection.address)
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

    pub(super) fn view(
        &self,
        (own, geo): (Option<Region>, &Geo),
        slot: impl Fn(&PeerId) -> Option<Slot>,
        now: Instant,
    ) -> Vec<PeerView> {
        let view = |(id, peer): (&PeerId, &Peer)| peer.view((*id, slot(id)), own, geo, now);
        let mut peers: Vec<PeerView> = self.peers.iter().filter_map(view).collect();
        let unknown = Duration::MAX;
        peers.sort_by_key(|peer| (peer.direction == Direction::Inbound, peer.rtt_min.unwrap_or(unknown), peer.peer_id));
        peers
    }
}

impl Peer {
    fn view(
        &self,
        (peer_id, slot): (PeerId, Option<Slot>),
        own: Option<Region>,
        geo: &Geo,
        now: Instant,
    ) -> Option<PeerView> {
        let oldest = self.connections.values().min_by_key(|connection| connection.since)?;
        let hello = self.hello.as_ref();
        let registration = ip_of(&oldest.address).map(|ip| geo.registration(ip)).unwrap_or_default();
        Some(PeerView {
            peer_id,
            address: oldest.address.clone(),
            direction: oldest.direction,
            transport: Transport::of(&oldest.address),
            agent: hello.map(|hello| hello.agent.clone()).unwrap_or_default(),
            rtt: self.rtt,
            rtt_min: self.rtt_min,
            rtt_jitter: self.rtt_jitter,
            region: locate(own, registration.region, hello.and_then(|hello| hello.region), self.rtt_min),
            registration,
            share_height: hello.map(|hello| hello.tip.height),
            connected: now.saturating_duration_since(oldest.since),
            shares_first: self.shares_first,
            shares_late: self.shares_late,
            slot,
        })
    }
}

#[cfg(test)]
mod tests;
