//! Which connections each policy makes, and how shares spread over them.

use std::{collections::BTreeSet, time::Duration};

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IteratorRandom};

use super::{
    NodeId,
    mesh::{Graph, Mesh},
    network::Network,
    places::Places,
};

/// Outbound peers of the rivals: as many as the selector holds for long.
const OUTBOUND: usize = 11;

/// How peers are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// The real selector, for so many minutes.
    Selector(u64),
    /// The same, and then so many minutes with shares, by which it replaces late peers.
    Rotating(u64, u64),
    /// Uniformly random peers.
    Random,
    /// The peers with the shortest round trips.
    Nearest,
}

/// How shares spread, over all seeds and origins.
#[derive(Clone, Debug, Default)]
pub struct Spread {
    to_half: Vec<Duration>,
    to_p95: Vec<Duration>,
    to_all: Vec<Duration>,
    /// Part of the nodes that a share reaches, by share.
    reach: Vec<f64>,
}

impl Policy {
    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Selector(_) => "selector",
            Self::Rotating(..) => "selector, rotating",
            Self::Random => "random",
            Self::Nearest => "nearest only",
        }
    }

    /// The connections of a world.
    pub fn connections(self, places: &Places, seed: u64) -> Graph {
        match self {
            Self::Selector(minutes) => {
                let mut network = Network::new(places.clone(), seed);
                network.run(minutes);
                network.connections()
            }
            Self::Rotating(minutes, minutes_with_shares) => {
                let mut network = Network::new(places.clone(), seed);
                network.run(minutes);
                network.run_with_shares(minutes_with_shares);
                network.connections()
            }
            Self::Random => {
                let mut rng = StdRng::seed_from_u64(seed);
                rival(places, |node| others(places, node).sample(&mut rng, OUTBOUND))
            }
            Self::Nearest => rival(places, |node| {
                let mut others: Vec<NodeId> = others(places, node).collect();
                others.sort_by_key(|other| (places.rtt(node, *other), *other));
                others.truncate(OUTBOUND);
                others
            }),
        }
    }

    /// Spreads shares of `origins` random nodes over the connections of a world.
    pub fn spread(self, nodes: usize, seed: u64, origins: usize) -> Spread {
        let mut rng = StdRng::seed_from_u64(seed);
        let places = Places::new(nodes, &mut rng);
        let connections = self.connections(&places, seed);
        let mut spread = Spread::default();
        for _ in 0..origins {
            // A new mesh each time: gossip grafts by chance, and one draw says little.
            let mesh = Mesh::graft(&connections, &mut rng);
            spread.add(mesh.spread(rng.random_range(0..nodes), &places));
        }
        spread
    }
}

impl Spread {
    fn add(&mut self, times: Vec<Option<Duration>>) {
        let nodes = times.len();
        let mut reached: Vec<Duration> = times.into_iter().flatten().collect();
        reached.sort_unstable();
        self.to_half.extend(quantile(&reached, 50));
        self.to_p95.extend(quantile(&reached, 95));
        self.to_all.extend(reached.last());
        #[expect(clippy::cast_precision_loss, reason = "small")]
        self.reach.push(reached.len() as f64 / nodes as f64);
    }

    /// Joins what was seen in another world.
    pub fn join(&mut self, other: Self) {
        self.to_half.extend(other.to_half);
        self.to_p95.extend(other.to_p95);
        self.to_all.extend(other.to_all);
        self.reach.extend(other.reach);
    }

    /// Medians over the shares: until half, 95 % and all of the nodes that it reaches have one, milliseconds.
    pub fn medians(&self) -> [f64; 3] {
        [&self.to_half, &self.to_p95, &self.to_all].map(|times| {
            let mut times = times.clone();
            times.sort_unstable();
            quantile(&times, 50).unwrap_or_default().as_secs_f64() * 1_000.0
        })
    }

    /// Part of the nodes that a share reaches, on average.
    pub fn reach(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let shares = self.reach.len() as f64;
        self.reach.iter().sum::<f64>() / shares
    }
}

fn others(places: &Places, node: NodeId) -> impl Iterator<Item = NodeId> {
    (0..places.sites.len()).filter(move |other| *other != node)
}

/// Connections when each node dials what it wants and nobody refuses.
fn rival(places: &Places, mut wanted: impl FnMut(NodeId) -> Vec<NodeId>) -> Graph {
    let mut graph: Graph = vec![BTreeSet::new(); places.sites.len()];
    for node in 0..places.sites.len() {
        for other in wanted(node) {
            graph[node].insert(other);
            graph[other].insert(node);
        }
    }
    graph
}

fn quantile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    sorted.get(sorted.len().saturating_sub(1) * percent / 100).copied()
}
