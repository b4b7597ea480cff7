//! Where a node listens: the few forms of an address that are taken from strangers.
//!
//! Never a name (it can lead anywhere), never a relay (its address is not the node's), never a second layer: what does
//! not fit into an address, a port and one of two transports is no endpoint. So every endpoint has a bounded size.

use std::net::IpAddr;

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};

/// An address, a port and a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// Address.
    pub ip: IpAddr,
    /// Port, never 0.
    pub port: u16,
    /// What is spoken there.
    pub transport: Transport,
}

/// What is spoken at an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// TCP, noise, yamux.
    Tcp,
    /// QUIC version 1.
    Quic,
}

impl Endpoint {
    /// The endpoint of `peer`; `None` when the address has another form or names another peer.
    pub fn parse(address: &Multiaddr, peer: &PeerId) -> Option<Self> {
        let mut parts = address.iter();
        let ip = match parts.next()? {
            Protocol::Ip4(ip) => ip.into(),
            Protocol::Ip6(ip) => ip.into(),
            _ => return None,
        };
        let (port, transport) = match parts.next()? {
            Protocol::Tcp(port) => (port, Transport::Tcp),
            Protocol::Udp(port) if parts.next()? == Protocol::QuicV1 => (port, Transport::Quic),
            _ => return None,
        };
        let is_named_right = parts.next().is_none_or(|part| part == Protocol::P2p(*peer)) && parts.next().is_none();
        (is_named_right && port != 0).then_some(Self { ip, port, transport })
    }

    /// The address as libp2p writes it, without the peer.
    pub fn to_multiaddr(self) -> Multiaddr {
        let ip = Multiaddr::from(self.ip);
        match self.transport {
            Transport::Tcp => ip.with(Protocol::Tcp(self.port)),
            Transport::Quic => ip.with(Protocol::Udp(self.port)).with(Protocol::QuicV1),
        }
    }

    /// For hashing.
    pub(super) fn to_bytes(self) -> [u8; 19] {
        let mut bytes = [0; 19];
        let ip = match self.ip {
            IpAddr::V4(ip) => ip.to_ipv6_mapped(),
            IpAddr::V6(ip) => ip,
        };
        bytes[..16].copy_from_slice(&ip.octets());
        bytes[16..18].copy_from_slice(&self.port.to_le_bytes());
        bytes[18] = u8::from(self.transport == Transport::Quic);
        bytes
    }

    /// The endpoint that is hashed to these bytes.
    pub(super) fn from_bytes(bytes: &[u8; 19]) -> Option<Self> {
        let (ip, rest) = bytes.split_first_chunk::<16>()?;
        let [low, high, transport] = *rest else { return None };
        let transport = match transport {
            0 => Transport::Tcp,
            1 => Transport::Quic,
            _ => return None,
        };
        let port = u16::from_le_bytes([low, high]);
        (port != 0).then(|| Self { ip: IpAddr::from(*ip).to_canonical(), port, transport })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_forms_are_endpoints_and_come_back_as_they_were() {
        let peer = PeerId::random();
        for text in ["/ip4/8.8.8.8/tcp/23333", "/ip6/2600::1/udp/9/quic-v1", "/ip6/2600::1/tcp/65535"] {
            let address: Multiaddr = text.parse().unwrap();
            let endpoint = Endpoint::parse(&address, &peer).unwrap();
            assert_eq!(endpoint.to_multiaddr(), address);
            assert_eq!(Endpoint::parse(&address.with(Protocol::P2p(peer)), &peer), Some(endpoint));
            assert_eq!(Endpoint::from_bytes(&endpoint.to_bytes()), Some(endpoint));
        }
    }

    #[test]
    fn anything_else_is_none() {
        let (peer, other) = (PeerId::random(), PeerId::random());
        let others = format!("/ip4/8.8.8.8/tcp/1/p2p/{other}");
        let relayed = format!("/ip4/8.8.8.8/tcp/1/p2p/{other}/p2p-circuit/p2p/{peer}");
        let forms = [
            "/dns4/example.org/tcp/1",
            "/ip4/8.8.8.8",
            "/ip4/8.8.8.8/tcp/0",
            "/ip4/8.8.8.8/udp/1",
            "/ip4/8.8.8.8/udp/1/quic",
            "/ip4/8.8.8.8/tcp/1/ws",
            "/tcp/1",
            &others,
            &relayed,
        ];
        for text in forms {
            assert_eq!(Endpoint::parse(&text.parse().unwrap(), &peer), None, "{text}");
        }
        assert_eq!(Endpoint::parse(&Multiaddr::empty(), &peer), None);
    }
}
