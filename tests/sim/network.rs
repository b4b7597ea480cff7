//! Who hears whom, how late, and when not at all.

use sharechain::{ShareId, sync::TipClaim, testing::Rng};

use super::{
    Millis, NodeId, ShareNo,
    chance::{between, happens},
};

/// What nodes send each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Message {
    /// Gossip.
    Share(ShareNo),
    /// The sender's tip.
    Hello(Claim),
    /// The ids that follow this locator?
    Range(Vec<ShareId>),
    /// Ids in canonical order, and whether there are more.
    Ids(Vec<ShareId>, bool),
    /// These shares, please; for a sync or not.
    ByIds(Vec<ShareId>, IsSync),
    /// Those that are there of what was asked for.
    Fetched(Vec<ShareId>, Vec<ShareNo>, IsSync),
}

/// Whether shares are asked for by the sync, and not because others wait for them.
pub type IsSync = bool;

/// A tip claim with an order, for the event queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claim(pub ShareId, pub u64, pub u128);

impl From<TipClaim> for Claim {
    fn from(claim: TipClaim) -> Self {
        Self(claim.id, claim.height, claim.total_work.hashes())
    }
}

/// Regions: NA-East, NA-West, SA, EU, AF, AS-East, OC.
pub const REGIONS: usize = 7;
/// Round trip between regions, milliseconds: typical public-cloud values.
const RTT_MS: [[u64; REGIONS]; REGIONS] = [
    [8, 65, 120, 80, 220, 170, 200],
    [65, 8, 170, 140, 280, 110, 140],
    [120, 170, 10, 190, 330, 290, 310],
    [80, 140, 190, 8, 150, 220, 260],
    [220, 280, 330, 150, 12, 260, 300],
    [170, 110, 290, 220, 260, 10, 110],
    [200, 140, 310, 260, 300, 110, 8],
];
/// Time a node needs for one message: the stateless check and its queue.
const PROCESSING_MS: u64 = 3;
/// Near and random neighbours that every node looks for.
const NEIGHBOURS: (usize, usize) = (2, 2);

/// How messages between the inside and the outside of a group are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutKind {
    /// Both ways.
    Symmetric,
    /// The group hears the rest, the rest does not hear the group.
    OneWay,
    /// Both ways, on and off every so many milliseconds.
    Flapping(Millis),
}

/// A partition.
#[derive(Clone, Debug)]
pub struct Cut {
    /// When it begins.
    pub from: Millis,
    /// When it heals.
    pub to: Millis,
    /// How.
    pub kind: CutKind,
    /// The nodes inside.
    pub group: Vec<NodeId>,
}

/// Places, neighbours and faults.
#[derive(Clone, Debug)]
pub struct Network {
    regions: Vec<usize>,
    neighbours: Vec<Vec<NodeId>>,
    cuts: Vec<Cut>,
    /// Part of messages that are lost.
    loss: f64,
}

impl Network {
    /// `nodes` nodes spread over the regions, each with a few near and a few random neighbours.
    pub fn new(nodes: usize, loss: f64, cuts: Vec<Cut>, rng: &mut Rng) -> Self {
        let regions: Vec<usize> =
            (0..nodes).map(|node| if node < REGIONS { node } else { rng.below(REGIONS) }).collect();
        let mut network = Self { regions, neighbours: vec![Vec::new(); nodes], cuts, loss };
        for node in 0..nodes {
            // A ring keeps everybody connected whatever is drawn.
            network.connect(node, (node + 1) % nodes);
            let mut others: Vec<NodeId> = (0..nodes).filter(|other| *other != node).collect();
            rng.shuffle(&mut others);
            for other in others.iter().take(NEIGHBOURS.1) {
                network.connect(node, *other);
            }
            others.sort_by_key(|other| network.rtt(node, *other));
            for other in others.iter().take(NEIGHBOURS.0) {
                network.connect(node, *other);
            }
        }
        network
    }

    /// Neighbours of a node.
    pub fn neighbours(&self, node: NodeId) -> &[NodeId] {
        &self.neighbours[node]
    }

    /// From now on nothing is lost: the faults are over.
    pub const fn heal(&mut self) {
        self.loss = 0.0;
    }

    /// When a message that is sent now arrives; `None` when it is lost.
    pub fn arrival(&self, from: NodeId, to: NodeId, now: Millis, rng: &mut Rng) -> Option<Millis> {
        if self.is_cut(from, to, now) || (self.loss > 0.0 && happens(rng, self.loss)) {
            return None;
        }
        let one_way = self.rtt(from, to) / 2;
        Some(now + PROCESSING_MS + one_way + between(rng, 0, one_way / 5 + 2))
    }

    /// Time of gossip between any two nodes on the shortest way, without loss.
    pub fn delays(&self) -> Vec<Vec<Millis>> {
        let nodes = self.regions.len();
        let hop = |a: NodeId, b: NodeId| PROCESSING_MS + self.rtt(a, b) / 2;
        let direct = |a: NodeId, b: NodeId| match b {
            _ if a == b => 0,
            b if self.neighbours[a].contains(&b) => hop(a, b),
            _ => Millis::MAX / 4,
        };
        let mut delays: Vec<Vec<Millis>> = (0..nodes).map(|a| (0..nodes).map(|b| direct(a, b)).collect()).collect();
        for by in 0..nodes {
            for from in 0..nodes {
                for to in 0..nodes {
                    delays[from][to] = delays[from][to].min(delays[from][by] + delays[by][to]);
                }
            }
        }
        delays
    }

    fn rtt(&self, a: NodeId, b: NodeId) -> u64 {
        RTT_MS[self.regions[a]][self.regions[b]]
    }

    fn connect(&mut self, a: NodeId, b: NodeId) {
        if a != b && !self.neighbours[a].contains(&b) {
            self.neighbours[a].push(b);
            self.neighbours[b].push(a);
        }
    }

    fn is_cut(&self, from: NodeId, to: NodeId, now: Millis) -> bool {
        self.cuts.iter().filter(|cut| (cut.from..cut.to).contains(&now)).any(|cut| {
            let (inside_from, inside_to) = (cut.group.contains(&from), cut.group.contains(&to));
            match cut.kind {
                CutKind::Symmetric => inside_from != inside_to,
                CutKind::OneWay => inside_from && !inside_to,
                CutKind::Flapping(period) => inside_from != inside_to && ((now - cut.from) / period).is_multiple_of(2),
            }
        })
    }
}
