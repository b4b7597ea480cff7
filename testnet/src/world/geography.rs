//! Where nodes are, how far apart, and whom each of them knows at the start. Pure.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use node::Region;

/// Regions with people in them.
pub const REGIONS: [Region; 6] = [Region::Na, Region::Sa, Region::Eu, Region::Af, Region::As, Region::Oc];
/// Round trips between them, milliseconds: what public clouds show between their larger sites. Some detours are shorter than
/// the direct way, as on the real network.
const RTT_MS: [[u64; REGIONS.len()]; REGIONS.len()] = [
    [12, 120, 80, 220, 170, 160],
    [120, 12, 190, 325, 290, 310],
    [80, 190, 12, 150, 220, 260],
    [220, 325, 150, 12, 260, 300],
    [170, 290, 220, 260, 12, 110],
    [160, 310, 260, 300, 110, 12],
];
/// Most nodes of a world: as many as the pool on loopback has.
pub const NODES_MAX: usize = 50;
/// Nodes that all others are told of.
const SEEDS: usize = 2;
/// Where nodes listen for peers.
const P2P_PORT: u16 = 23_333;
/// Where nodes listen for miners.
const STRATUM_PORT: u16 = 3_333;

/// Nodes in their places. Nodes are named by their index.
#[derive(Clone, Debug)]
pub struct Geography {
    /// Index into [`REGIONS`] of each node.
    places: Vec<usize>,
    /// How many of the last places are no nodes.
    outsiders: usize,
    /// Time that a frame takes from node to node.
    one_way: Vec<Vec<Duration>>,
    /// Shortest way between two nodes over any others.
    shortest: Vec<Vec<Duration>>,
}

impl Geography {
    /// Where every node has its API, on the loopback of its own namespace.
    pub const API: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4_000);

    /// This many nodes, dealt to the regions in turn.
    pub fn new(nodes: usize) -> Self {
        let places: Vec<usize> = (0..nodes).map(|node| node % REGIONS.len()).collect();
        let one_way = one_way_table(&places);
        Self { places, outsiders: 0, shortest: shortest_paths(&one_way), one_way }
    }

    /// The same with places for others after those of the nodes.
    pub fn with_outsiders(nodes: usize, outsiders: usize) -> Self {
        Self { outsiders, ..Self::new(nodes + outsiders) }
    }

    /// This many nodes, any two of them the same round trip apart.
    pub fn even(nodes: usize, round_trip: Duration) -> Self {
        let places: Vec<usize> = (0..nodes).map(|node| node % REGIONS.len()).collect();
        let way = |from: usize, to: usize| if from == to { Duration::ZERO } else { round_trip / 2 };
        let one_way: Vec<Vec<Duration>> = (0..nodes).map(|from| (0..nodes).map(|to| way(from, to)).collect()).collect();
        Self { places, outsiders: 0, shortest: one_way.clone(), one_way }
    }

    /// The places of others, each with the third byte of the network that it comes from: `10.89.BYTE.0/24`.
    pub fn outsiders(&self) -> impl Iterator<Item = (usize, u8)> {
        (self.len() - self.outsiders..self.len()).zip(1..=u8::MAX)
    }

    /// How many places there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether nobody lives here.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Where a node is.
    pub fn region(&self, node: usize) -> Region {
        REGIONS[self.places[node]]
    }

    /// Time that a frame takes from node to node, by both indices.
    pub fn one_way(&self) -> &[Vec<Duration>] {
        &self.one_way
    }

    /// Shortest time from node to node when others may relay without delay of their own.
    pub fn shortest(&self, from: usize, to: usize) -> Duration {
        self.shortest[from][to]
    }

    /// The longest round trip between two nodes.
    pub fn round_trip_max(&self) -> Duration {
        self.one_way.iter().flatten().max().copied().unwrap_or_default() * 2
    }

    /// A node's address.
    pub fn address(&self, node: usize) -> Ipv4Addr {
        let (region, host) = self.place_bytes(node);
        Ipv4Addr::new(10, 88, region, host)
    }

    /// The address of its device: locally administered, the IP address inside.
    pub fn mac(&self, node: usize) -> [u8; 6] {
        let (region, host) = self.place_bytes(node);
        [2, 0, 10, 88, region, host]
    }

    /// Where a node listens for peers, as a multiaddress.
    pub fn multiaddress(&self, node: usize) -> String {
        format!("/ip4/{}/tcp/{P2P_PORT}", self.address(node))
    }

    /// Where a node listens for miners.
    pub fn stratum(&self, node: usize) -> SocketAddr {
        (self.address(node), STRATUM_PORT).into()
    }

    /// An address of an outsider's network.
    pub const fn outside(network: u8, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 89, network, host)
    }

    /// Whom a node is told of when it starts: the first nodes of two regions. It finds all others by itself. The first one is
    /// told of nobody, because it begins the share chain.
    pub fn seeds(&self, node: usize) -> Vec<usize> {
        (0..self.len().min(SEEDS)).filter(|seed| *seed < node).collect()
    }

    fn place_bytes(&self, node: usize) -> (u8, u8) {
        let byte = |number: usize| u8::try_from(number + 1).expect("fifty nodes and six regions at most");
        (byte(self.places[node]), byte(node / REGIONS.len()))
    }
}

fn one_way_table(places: &[usize]) -> Vec<Vec<Duration>> {
    let row = |from: usize| {
        let ways = places.iter().enumerate().map(|(to, place)| match to == from {
            true => Duration::ZERO,
            false => Duration::from_micros(RTT_MS[places[from]][*place] * 500),
        });
        ways.collect()
    };
    (0..places.len()).map(row).collect()
}

/// Floyd and Warshall.
fn shortest_paths(direct: &[Vec<Duration>]) -> Vec<Vec<Duration>> {
    let mut paths = direct.to_vec();
    for over in 0..paths.len() {
        for from in 0..paths.len() {
            for to in 0..paths.len() {
                let detour = paths[from][over] + paths[over][to];
                paths[from][to] = paths[from][to].min(detour);
            }
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_symmetric_and_as_wide_as_the_world() {
        let all = || RTT_MS.iter().flatten();
        assert_eq!((all().min(), all().max()), (Some(&12), Some(&325)));
        for (from, row) in RTT_MS.iter().enumerate() {
            for (to, rtt) in row.iter().enumerate() {
                assert_eq!(*rtt, RTT_MS[to][from]);
            }
        }
    }

    #[test]
    fn the_shortest_path_may_be_a_detour() {
        let world = Geography::new(12);
        let (eu, oc, na) = (2, 5, 0);
        assert_eq!(world.one_way()[eu][oc], Duration::from_millis(130));
        assert_eq!(world.shortest(eu, oc), Duration::from_millis(120), "over North America");
        assert_eq!(world.shortest(eu, na), Duration::from_millis(40), "no way is shorter");
        assert_eq!(world.shortest(na, na + 6), Duration::from_millis(6), "two nodes of one region");
        assert_eq!(world.shortest(na, na), Duration::ZERO);
        assert_eq!(world.round_trip_max(), Duration::from_millis(325));
    }

    #[test]
    fn everybody_but_the_first_is_told_of_somebody() {
        let world = Geography::new(20);
        assert_eq!([0, 1, 2, 19].map(|node| world.seeds(node)), [vec![], vec![0], vec![0, 1], vec![0, 1]]);
        assert_ne!(world.region(0), world.region(1));
    }

    #[test]
    fn outsiders_have_the_last_places() {
        assert_eq!(Geography::with_outsiders(5, 2).outsiders().collect::<Vec<_>>(), [(5, 1), (6, 2)]);
        assert_eq!(Geography::new(5).outsiders().count(), 0);
    }

    #[test]
    fn addresses_are_different() {
        let world = Geography::new(NODES_MAX);
        let addresses: std::collections::BTreeSet<_> = (0..NODES_MAX).map(|node| world.address(node)).collect();
        assert_eq!(addresses.len(), NODES_MAX);
        assert_eq!(world.address(7), Ipv4Addr::new(10, 88, 2, 2));
        assert_eq!(world.mac(7), [2, 0, 10, 88, 2, 2]);
    }
}
