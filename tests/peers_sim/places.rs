//! Where nodes are: region, address, identity, and the round trips between them.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use node::{Region, address_book::PeerRecord};
use rand::{RngExt, rngs::StdRng};

use super::NodeId;

/// Sites: North America east and west, South America, Europe, Africa, Asia, Oceania.
pub const SITES: usize = 7;
/// Assumed round trip between sites, milliseconds: typical of public clouds.
const RTT_MS: [[u64; SITES]; SITES] = [
    [12, 65, 120, 80, 220, 170, 200],
    [65, 12, 170, 140, 280, 110, 140],
    [120, 170, 12, 190, 325, 290, 310],
    [80, 140, 190, 12, 150, 220, 260],
    [220, 280, 325, 150, 12, 260, 300],
    [170, 110, 290, 220, 260, 12, 110],
    [200, 140, 310, 260, 300, 110, 12],
];
const REGIONS: [Region; SITES] = [Region::Na, Region::Na, Region::Sa, Region::Eu, Region::Af, Region::As, Region::Oc];
/// Round trip from a node to its site, at most.
const ACCESS_MICROS_MAX: u64 = 8_000;
/// First bytes of the /16 that honest nodes are in.
const FIRST_BYTES: [u8; 16] = [23, 34, 45, 51, 62, 77, 88, 95, 104, 129, 138, 144, 159, 163, 178, 185];
/// Nodes per /16, on average.
const NODES_PER_GROUP: f64 = 2.5;
/// Fewest /16.
const GROUPS_MIN: u32 = 40;
/// Part of nodes whose region is given wrongly by databases and claims.
const WRONG_REGION: f64 = 0.05;
/// Port of all nodes.
const PORT: u16 = 23_333;

/// A node's place.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its identity.
    pub peer: PeerId,
    /// Its address.
    pub ip: IpAddr,
    /// Which of the [`SITES`].
    pub number: usize,
    /// Round trip to its site.
    pub access: Duration,
    /// Where databases and claims say it is.
    pub hint: Region,
}

/// All nodes.
#[derive(Clone, Debug)]
pub struct Places {
    /// By number.
    pub sites: Vec<Site>,
}

impl Places {
    /// Nodes spread evenly over the sites by chance.
    pub fn new(nodes: usize, rng: &mut StdRng) -> Self {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small"
        )]
        let groups = ((nodes as f64 / NODES_PER_GROUP) as u32).max(GROUPS_MIN);
        let sites = (0..nodes).map(|_| {
            let number = rng.random_range(0..SITES);
            let hint = if rng.random_bool(WRONG_REGION) { rng.random_range(0..SITES) } else { number };
            Site {
                peer: peer_id(rng),
                ip: honest_ip(rng.random_range(0..groups), rng),
                number,
                access: Duration::from_micros(rng.random_range(0..=ACCESS_MICROS_MAX)),
                hint: REGIONS[hint],
            }
        });
        Self { sites: sites.collect() }
    }

    /// Round trip between two nodes without queues.
    pub fn rtt(&self, a: NodeId, b: NodeId) -> Duration {
        let (a, b) = (&self.sites[a], &self.sites[b]);
        Duration::from_millis(RTT_MS[a.number][b.number]) + a.access + b.access
    }
}

impl Site {
    /// Where it really is.
    pub const fn region(&self) -> Region {
        REGIONS[self.number]
    }

    /// Where it listens.
    pub fn address(&self) -> Multiaddr {
        Multiaddr::from(self.ip).with(Protocol::Tcp(PORT))
    }

    /// What is said of it.
    pub fn record(&self) -> PeerRecord {
        PeerRecord { peer: self.peer, addresses: vec![self.address()], region: Some(self.hint), asn: None }
    }
}

/// A new identity.
///
/// # Panics
/// Never: the bytes are well-formed.
pub fn peer_id(rng: &mut StdRng) -> PeerId {
    // A SHA-256 multihash, like that of an RSA key.
    let mut bytes = vec![0x12, 32];
    bytes.extend(rng.random::<[u8; 32]>());
    PeerId::from_bytes(&bytes).expect("a multihash of 32 bytes")
}

/// An address in one of many /16.
pub fn honest_ip(group: u32, rng: &mut StdRng) -> IpAddr {
    let [second, first, ..] = group.to_le_bytes();
    let spread = FIRST_BYTES.len().min(16);
    let first = FIRST_BYTES[(usize::from(first) * 5 + usize::from(second)) % spread];
    Ipv4Addr::new(first, second, rng.random(), rng.random_range(1..255)).into()
}
