//! Gossip over given connections: a mesh grafted at random, as gossipsub does, and how a share spreads in it.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
    time::Duration,
};

use rand::{rngs::StdRng, seq::SliceRandom};

use super::{NodeId, places::Places};

/// Connections of each node.
pub type Graph = Vec<BTreeSet<NodeId>>;

/// Mesh links that a node looks for, and at most accepts: as in `node/src/p2p/behaviour.rs`.
const MESH: (usize, usize) = (8, 12);
/// Time that a node needs before it relays a share.
const CHECK: Duration = Duration::from_millis(2);

/// Who relays to whom.
#[derive(Clone, Debug)]
pub struct Mesh {
    links: Graph,
}

impl Mesh {
    /// Grafts random connections.
    pub fn graft(connections: &Graph, rng: &mut StdRng) -> Self {
        let mut links: Graph = vec![BTreeSet::new(); connections.len()];
        let mut order: Vec<NodeId> = (0..connections.len()).collect();
        order.shuffle(rng);
        for node in order {
            let mut others: Vec<NodeId> = connections[node].iter().copied().collect();
            others.shuffle(rng);
            for other in others {
                if links[node].len() < MESH.0 && links[other].len() < MESH.1 {
                    links[node].insert(other);
                    links[other].insert(node);
                }
            }
        }
        Self { links }
    }

    /// Mesh links of a node.
    pub fn links(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        self.links[node].iter().copied()
    }

    /// When a share of `origin` has arrived and is checked, by node; `None` where it never arrives.
    pub fn spread(&self, origin: NodeId, places: &Places) -> Vec<Option<Duration>> {
        let mut times = vec![None; self.links.len()];
        let mut waiting = BinaryHeap::from([(Reverse(Duration::ZERO), origin)]);
        while let Some((Reverse(time), node)) = waiting.pop() {
            if times[node].is_some() {
                continue;
            }
            times[node] = Some(time);
            for other in self.links(node).filter(|other| times[*other].is_none()) {
                waiting.push((Reverse(time + Self::hop(node, other, places)), other));
            }
        }
        times
    }

    /// Time from a node to its neighbour.
    pub fn hop(from: NodeId, to: NodeId, places: &Places) -> Duration {
        places.rtt(from, to) / 2 + CHECK
    }
}
