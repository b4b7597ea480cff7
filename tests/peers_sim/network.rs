//! A network of real selectors and books in virtual time; only the connections are made up.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use node::{
    address_book::{AddressBook, Millis, Source},
    netgroup::AddressPolicy,
    p2p::Direction,
    peer_selector::{Action, Event, NewConnection, PeerSelector, Place, Quotas, Slot},
    region::RegionSource,
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IteratorRandom};

use super::{
    NodeId,
    mesh::{Graph, Mesh},
    places::{Places, Site},
};

/// When worlds begin: some day in 2026.
pub const START: Millis = 1_790_000_000_000;
/// Time between two ticks of a node.
pub const TICK: Millis = 5_000;
/// Nodes that a new one hears of.
const KNOWN_MAX: usize = 200;
/// A measured round trip is up to so much longer than the true one, per cent.
const QUEUE_PERCENT: u32 = 20;
/// Time between two changes of the gossip mesh.
const MESH_INTERVAL: Millis = 600_000;
/// Shares within that time that are delivered to the selectors.
const SHARES_PER_MESH: usize = 120;

/// All nodes.
#[derive(Debug)]
pub struct Network {
    /// Where they are.
    pub places: Places,
    nodes: Vec<(PeerSelector, AddressBook)>,
    numbers: BTreeMap<PeerId, NodeId>,
    connections: Graph,
    now: Millis,
    rng: StdRng,
}

impl Network {
    /// Nobody is connected; everybody heard of some others.
    pub fn new(places: Places, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let everybody = 0..places.sites.len();
        let nodes = everybody.clone().map(|node| {
            let mut book = AddressBook::new(AddressPolicy::PublicOnly, rng.random());
            for other in everybody.clone().filter(|other| *other != node).sample(&mut rng, KNOWN_MAX) {
                let teller = places.sites[rng.random_range(0..everybody.len())].ip;
                book.add(&places.sites[other].record(), Source::Other(Some(teller)), START);
            }
            let site = &places.sites[node];
            (PeerSelector::new(site.peer, Some(site.region()), Quotas::default(), &book), book)
        });
        let nodes = nodes.collect();
        let numbers = places.sites.iter().enumerate().map(|(node, site)| (site.peer, node)).collect();
        let connections = vec![BTreeSet::new(); places.sites.len()];
        Self { places, nodes, numbers, connections, now: START, rng }
    }

    /// Lets time pass.
    pub fn run(&mut self, minutes: u64) {
        let end = self.now + minutes * 60_000;
        while self.now < end {
            self.now += TICK;
            for node in 0..self.nodes.len() {
                self.tell(node, Event::Tick);
            }
        }
    }

    /// Lets time pass while shares are mined, so that selectors see who delivers late.
    pub fn run_with_shares(&mut self, minutes: u64) {
        for _ in 0..minutes * 60_000 / MESH_INTERVAL {
            let mesh = Mesh::graft(&self.connections, &mut self.rng);
            for _ in 0..SHARES_PER_MESH {
                self.deliver(&mesh);
            }
            self.run(MESH_INTERVAL / 60_000);
        }
    }

    /// Connections that stay: without visits.
    pub fn connections(&self) -> Graph {
        let mut graph: Graph = vec![BTreeSet::new(); self.nodes.len()];
        for (node, others) in self.connections.iter().enumerate() {
            for other in others {
                if self.nodes[node].0.slot(&self.places.sites[*other].peer).is_some_and(Slot::is_held) {
                    graph[node].insert(*other);
                    graph[*other].insert(node);
                }
            }
        }
        graph
    }

    /// Outbound slots that are held, by node.
    pub fn held(&self) -> Vec<usize> {
        let held = |selector: &PeerSelector| selector.view(self.now).iter().filter(|peer| peer.slot.is_held()).count();
        self.nodes.iter().map(|(selector, _)| held(selector)).collect()
    }

    /// A share of a random node reaches everybody; each hears from each of its mesh how late it was.
    fn deliver(&mut self, mesh: &Mesh) {
        let origin = self.rng.random_range(0..self.nodes.len());
        let times = mesh.spread(origin, &self.places);
        for node in (0..self.nodes.len()).filter(|node| *node != origin) {
            let arrival = |from: NodeId| Some((times[from]? + Mesh::hop(from, node, &self.places), from));
            let arrivals: Vec<(Duration, NodeId)> = mesh.links(node).filter_map(arrival).collect();
            let Some(first) = arrivals.iter().map(|(time, _)| *time).min() else { continue };
            for (time, from) in arrivals {
                let peer = self.places.sites[from].peer;
                self.tell(node, Event::Delivered { peer, lag: time - first });
            }
        }
    }

    /// Tells a node, and does what it and others then want.
    fn tell(&mut self, node: NodeId, event: Event) {
        let mut told = VecDeque::from([(node, event)]);
        while let Some((node, event)) = told.pop_front() {
            let (selector, book) = &mut self.nodes[node];
            for action in selector.handle(event, self.now, book, &mut self.rng) {
                match action {
                    Action::Dial { peer, .. } => told.extend(self.connect(node, peer)),
                    Action::Disconnect { peer, .. } => told.extend(self.disconnect(node, peer)),
                }
            }
        }
    }

    fn connect(&mut self, dialler: NodeId, peer: PeerId) -> Vec<(NodeId, Event)> {
        let other = self.numbers[&peer];
        if !self.connections[dialler].insert(other) {
            return vec![(dialler, Event::DialFailed(peer))];
        }
        self.connections[other].insert(dialler);
        let sites = &self.places.sites;
        let (near, far) = (&sites[dialler], &sites[other]);
        self.nodes[other].1.add(&near.record(), Source::Itself(Some(near.ip)), self.now);
        let rtt = self.places.rtt(dialler, other) * (100 + self.rng.random_range(0..=QUEUE_PERCENT)) / 100;
        let leaving = Multiaddr::from(near.ip).with(Protocol::Tcp(self.rng.random_range(30_000..60_000)));
        vec![
            (other, connected(near, Direction::Inbound, leaving)),
            (dialler, connected(far, Direction::Outbound, far.address())),
            (other, Event::Rtt { peer: near.peer, rtt }),
            (dialler, Event::Rtt { peer: far.peer, rtt }),
        ]
    }

    fn disconnect(&mut self, node: NodeId, peer: PeerId) -> Vec<(NodeId, Event)> {
        let other = self.numbers[&peer];
        self.connections[node].remove(&other);
        self.connections[other].remove(&node);
        vec![(other, Event::Disconnected(self.places.sites[node].peer))]
    }
}

fn connected(site: &Site, direction: Direction, address: Multiaddr) -> Event {
    let region = Some((site.hint, RegionSource::Database));
    Event::Connected(NewConnection { peer: site.peer, direction, address, place: Place { region, asn: None } })
}
