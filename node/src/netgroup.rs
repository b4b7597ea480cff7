//! Which addresses one party holds cheaply, and which can be reached from anywhere.
//!
//! Pure: looks nothing up and never sees a name, only numbers. A name could lead anywhere, at any time.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use libp2p::{Multiaddr, multiaddr::Protocol};

/// Addresses that count as one party: hosters sell single addresses, but rarely many /16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Netgroup {
    /// A /16 of IPv4.
    V4([u8; 2]),
    /// A /32 of IPv6.
    V6([u8; 4]),
    /// Connected over a relay or by a name: whoever it is, all of them together are one party.
    Unseen,
}

/// Addresses of one customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subnet {
    /// A /24 of IPv4.
    V4([u8; 3]),
    /// A /64 of IPv6.
    V6([u8; 8]),
}

/// What is done with addresses that mean something else on every machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AddressPolicy {
    /// They are refused from others, and limited like all.
    #[default]
    PublicOnly,
    /// They are taken, and limits per group do not hold for them: a test network on one machine.
    LocalToo,
}

impl Netgroup {
    /// The group of an address.
    pub fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => {
                let [a, b, ..] = ip.octets();
                Self::V4([a, b])
            }
            IpAddr::V6(ip) => {
                let [a, b, c, d, ..] = ip.octets();
                Self::V6([a, b, c, d])
            }
        }
    }

    /// For hashing.
    pub(crate) fn to_bytes(self) -> [u8; 5] {
        match self {
            Self::V4([a, b]) => [4, a, b, 0, 0],
            Self::V6([a, b, c, d]) => [6, a, b, c, d],
            Self::Unseen => [0; 5],
        }
    }

    /// The group that is hashed to these bytes.
    pub(crate) const fn from_bytes(bytes: [u8; 5]) -> Option<Self> {
        match bytes {
            [4, a, b, 0, 0] => Some(Self::V4([a, b])),
            [6, a, b, c, d] => Some(Self::V6([a, b, c, d])),
            [0, 0, 0, 0, 0] => Some(Self::Unseen),
            _ => None,
        }
    }
}

impl fmt::Display for Netgroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::V4([a, b]) => write!(f, "{}/16", Ipv4Addr::new(a, b, 0, 0)),
            Self::V6([a, b, c, d]) => {
                let [first, second] = [[a, b], [c, d]].map(u16::from_be_bytes);
                write!(f, "{}/32", Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0))
            }
            Self::Unseen => f.write_str("unseen"),
        }
    }
}

impl Subnet {
    /// The subnet of an address.
    pub fn of(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V4(ip) => {
                let [a, b, c, _] = ip.octets();
                Self::V4([a, b, c])
            }
            IpAddr::V6(ip) => {
                let [a, b, c, d, e, f, g, h, ..] = ip.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
        }
    }
}

impl AddressPolicy {
    /// Whether a node may be looked for at this address.
    pub fn takes(self, ip: IpAddr) -> bool {
        self == Self::LocalToo && is_local(ip) || is_routable(ip)
    }

    /// The group that limits count; `None` when no limit holds.
    pub fn group(self, ip: Option<IpAddr>) -> Option<Netgroup> {
        match ip {
            Some(ip) if self.exempts(ip) => None,
            Some(ip) => Some(Netgroup::of(ip)),
            None => Some(Netgroup::Unseen),
        }
    }

    /// The subnet that limits count; `None` when no limit holds.
    pub fn subnet(self, ip: Option<IpAddr>) -> Option<Subnet> {
        ip.filter(|ip| !self.exempts(*ip)).map(Subnet::of)
    }

    fn exempts(self, ip: IpAddr) -> bool {
        self == Self::LocalToo && is_local(ip)
    }
}

/// The address behind a direct connection; `None` for a name, or for a relay's address, which is not the peer's.
pub fn ip_of(address: &Multiaddr) -> Option<IpAddr> {
    if address.iter().any(|part| matches!(part, Protocol::P2pCircuit)) {
        return None;
    }
    address.iter().find_map(|part| match part {
        Protocol::Ip4(ip) => Some(ip.into()),
        Protocol::Ip6(ip) => Some(ip.into()),
        _ => None,
    })
}

/// Whether packets to this address can arrive from anywhere on the internet.
///
/// Sources: the IANA special-purpose address registries for IPv4 and IPv6.
pub fn is_routable(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_routable_v4(ip),
        IpAddr::V6(ip) => is_routable_v6(ip),
    }
}

/// Loopback, private and link-local addresses: what a test network or a LAN uses.
fn is_local(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

fn is_routable_v4(ip: Ipv4Addr) -> bool {
    let special = match ip.octets() {
        // This network, multicast, reserved, broadcast.
        [0 | 224.., ..] => true,
        // Shared behind a provider's NAT.
        [100, 64..=127, ..] => true,
        // Protocol assignments, relays of 6to4, benchmarks.
        [192, 0, 0, _] | [192, 88, 99, _] | [198, 18 | 19, ..] => true,
        _ => false,
    };
    !(special || ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_documentation())
}

fn is_routable_v6(ip: Ipv6Addr) -> bool {
    // Only 2000::/3 is global. 6to4, Teredo and what stands for an IPv4 address would give one host a second group.
    match ip.segments() {
        // Special purposes (Teredo, benchmarks, ORCHID), documentation, 6to4.
        [0x2001, 0..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_addresses_that_anybody_can_reach_are_routable() {
        for text in ["8.8.8.8", "100.63.0.1", "172.32.0.1", "2a01:4f8::1", "2600::1", "2001:4860::8888"] {
            assert!(is_routable(ip(text)), "{text}");
            assert!(AddressPolicy::PublicOnly.takes(ip(text)), "{text}");
        }
        let special = "0.1.2.3 10.0.0.1 100.64.0.1 127.0.0.1 169.254.1.1 172.16.0.1 192.0.0.8 192.0.2.1 192.88.99.1 \
                       192.168.1.1 198.18.0.1 198.51.100.7 203.0.113.5 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 \
                       ::ffff:8.8.8.8 64:ff9b::808:808 fe80::1 fc00::1 ff02::1 2001::1 2001:db8::1 2002:808:808::1 3fff::1";
        for text in special.split_whitespace() {
            assert!(!is_routable(ip(text)), "{text}");
            assert!(!AddressPolicy::PublicOnly.takes(ip(text)), "{text}");
        }
    }

    #[test]
    fn local_addresses_are_taken_and_free_of_limits_only_when_the_operator_says_so() {
        for text in ["127.0.0.1", "10.1.2.3", "192.168.0.9", "169.254.0.1", "::1", "fd00::1", "fe80::1"] {
            assert!(AddressPolicy::LocalToo.takes(ip(text)), "{text}");
            assert_eq!(AddressPolicy::LocalToo.group(Some(ip(text))), None, "{text}");
            assert_eq!(AddressPolicy::LocalToo.subnet(Some(ip(text))), None, "{text}");
            assert_eq!(AddressPolicy::PublicOnly.group(Some(ip(text))), Some(Netgroup::of(ip(text))), "{text}");
        }
        assert!(!AddressPolicy::LocalToo.takes(ip("203.0.113.5")), "documentation is nobody's");
        assert!(AddressPolicy::LocalToo.group(Some(ip("8.8.8.8"))).is_some(), "limits hold for everybody else");
    }

    #[test]
    fn an_address_in_ipv6_clothes_is_in_the_same_group() {
        assert_eq!(Netgroup::of(ip("::ffff:8.8.4.4")), Netgroup::of(ip("8.8.8.8")));
        assert_eq!(Subnet::of(ip("::ffff:8.8.8.4")), Subnet::of(ip("8.8.8.8")));
        assert_ne!(Netgroup::of(ip("8.8.8.8")), Netgroup::of(ip("8.9.8.8")));
        assert_eq!(Netgroup::of(ip("2a01:4f8:1::1")), Netgroup::of(ip("2a01:4f8:2::1")));
        assert_ne!(Subnet::of(ip("2a01:4f8:0:1::1")), Subnet::of(ip("2a01:4f8:0:2::1")));
        for group in [Netgroup::of(ip("8.8.8.8")), Netgroup::of(ip("2a01::1")), Netgroup::Unseen] {
            assert_eq!(Netgroup::from_bytes(group.to_bytes()), Some(group));
        }
    }

    #[test]
    fn a_group_is_written_as_its_prefix() {
        for (address, text) in [("9.8.7.6", "9.8.0.0/16"), ("2a00:1:2::3", "2a00:1::/32"), ("0:1:2::3", "0:1::/32")] {
            assert_eq!(Netgroup::of(ip(address)).to_string(), text);
        }
    }

    #[test]
    fn a_relay_is_not_the_peer_behind_it() {
        let direct: Multiaddr = "/ip4/8.8.8.8/tcp/1".parse().unwrap();
        let relayed: Multiaddr = "/ip4/8.8.8.8/tcp/1/p2p-circuit".parse().unwrap();
        let named: Multiaddr = "/dns4/example.org/tcp/1".parse().unwrap();
        assert_eq!(ip_of(&direct), Some(ip("8.8.8.8")));
        assert_eq!((ip_of(&relayed), ip_of(&named)), (None, None));
        assert_eq!(AddressPolicy::LocalToo.group(None), Some(Netgroup::Unseen));
    }
}
