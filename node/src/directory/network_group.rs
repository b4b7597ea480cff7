//! Which network a node belongs to: what one landlord has many of, so that it counts only so often.
//!
//! The addresses are claims. Whoever claims another's network only shares that one's places, and those that are known
//! longest keep them.

use std::{collections::BTreeSet, net::IpAddr};

use libp2p::multiaddr::Protocol;

use super::{NodeAd, StratumUrl};

/// A network.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum NetworkGroup {
    /// A /24 of IPv4.
    V4([u8; 3]),
    /// A /48 of IPv6.
    V6([u16; 3]),
    /// The last two labels of a name.
    Domain(String),
    /// An autonomous system.
    As(u32),
}

impl NetworkGroup {
    /// The network of an address.
    pub fn of_address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => {
                let [a, b, c, _] = v4.octets();
                Self::V4([a, b, c])
            }
            IpAddr::V6(v6) => {
                let [a, b, c, ..] = v6.segments();
                Self::V6([a, b, c])
            }
        }
    }

    fn of_endpoint(endpoint: &StratumUrl) -> Self {
        match endpoint.host.address() {
            Some(address) => Self::of_address(address),
            None => {
                let labels: Vec<&str> = endpoint.host.as_str().rsplitn(3, '.').take(2).collect();
                Self::Domain(labels.join("."))
            }
        }
    }

    /// The network that an ad counts for in the directory: where its miners connect to.
    pub fn main(ad: &NodeAd) -> Self {
        ad.endpoints.first().map_or(Self::As(0), Self::of_endpoint)
    }

    /// Every network an ad names, and its AS where that is known: it counts for each of them in an answer.
    pub fn all(ad: &NodeAd, asn: Option<u32>) -> BTreeSet<Self> {
        let hosts = ad.endpoints.iter().map(Self::of_endpoint);
        hosts.chain(addresses(ad).map(Self::of_address)).chain(asn.map(Self::As)).collect()
    }
}

/// Every IP address that an ad names: those for miners first.
pub(super) fn addresses(ad: &NodeAd) -> impl Iterator<Item = IpAddr> {
    let hosts = ad.endpoints.iter().filter_map(|endpoint| endpoint.host.address());
    let peers = ad.addresses.iter().filter_map(|address| match address.iter().next() {
        Some(Protocol::Ip4(ip)) => Some(IpAddr::from(ip)),
        Some(Protocol::Ip6(ip)) => Some(IpAddr::from(ip)),
        _ => None,
    });
    hosts.chain(peers)
}
