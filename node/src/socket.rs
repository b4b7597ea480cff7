//! What an address to listen on takes of the machine: a port, over TCP or UDP, of one of its addresses or of all of them.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use libp2p::{Multiaddr, multiaddr::Protocol};
use socket2::{Domain, Type};

/// What carries a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Transport {
    /// Also with TLS, or as a WebSocket.
    Tcp,
    /// QUIC is over it.
    Udp,
}

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Socket {
    pub(crate) transport: Transport,
    pub(crate) address: SocketAddr,
    /// `::` is every address of IPv6, and 0.0.0.0 may be beside it; otherwise it is every address there is.
    pub(crate) is_ipv6_alone: bool,
}

impl Socket {
    /// That of a multiaddress, as libp2p listens on it; `None` for relays and names.
    pub(crate) fn of(address: &Multiaddr) -> Option<Self> {
        if address.iter().any(|part| matches!(part, Protocol::P2pCircuit)) {
            return None;
        }
        let mut parts = address.iter();
        let ip: IpAddr = match parts.next()? {
            Protocol::Ip4(ip) => ip.into(),
            Protocol::Ip6(ip) => ip.into(),
            _ => return None,
        };
        let (transport, port) = match parts.next()? {
            Protocol::Tcp(port) => (Transport::Tcp, port),
            Protocol::Udp(port) => (Transport::Udp, port),
            _ => return None,
        };
        Some(Self { transport, address: SocketAddr::new(ip, port), is_ipv6_alone: true })
    }

    /// Whether the system refuses one of them while the other is open. Port 0 stands for any that is free.
    pub(crate) fn excludes(self, other: Self) -> bool {
        let (ip, other_ip) = (self.address.ip(), other.address.ip());
        let is_comparable = ip.is_ipv4() == other_ip.is_ipv4() || !(self.is_ipv6_alone && other.is_ipv6_alone);
        let covers = is_comparable && (ip.is_unspecified() || other_ip.is_unspecified());
        let is_fixed = self.address.port() != 0;
        is_fixed
            && self.transport == other.transport
            && self.address.port() == other.address.port()
            && (covers || ip == other_ip)
    }

    /// Opens it for a moment.
    ///
    /// # Errors
    /// When the system refuses it, as when somebody has it.
    pub(crate) fn try_open(self) -> io::Result<()> {
        let kind = match self.transport {
            Transport::Tcp => Type::STREAM,
            Transport::Udp => Type::DGRAM,
        };
        let socket = socket2::Socket::new(Domain::for_address(self.address), kind, None)?;
        if self.address.is_ipv6() && self.is_ipv6_alone {
            socket.set_only_v6(true)?;
        }
        // What is left of closed connections keeps nobody from listening; on Windows the option would take the port from others.
        if cfg!(unix) && self.transport == Transport::Tcp {
            socket.set_reuse_address(true)?;
        }
        socket.bind(&self.address.into())?;
        if self.transport == Transport::Tcp { socket.listen(1) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use super::*;

    fn socket(address: &str) -> Option<Socket> {
        Socket::of(&address.parse().unwrap())
    }

    #[test]
    fn an_address_of_numbers_has_a_socket_and_a_relay_or_a_name_has_none() {
        let of = |transport, address: &str| {
            Some(Socket { transport, address: address.parse().unwrap(), is_ipv6_alone: true })
        };
        assert_eq!(socket("/ip4/10.0.0.1/tcp/5/ws"), of(Transport::Tcp, "10.0.0.1:5"));
        assert_eq!(socket("/ip6/::1/udp/5/quic-v1"), of(Transport::Udp, "[::1]:5"));
        assert_eq!(socket("/dns4/x/tcp/5"), None);
        let relay = libp2p::PeerId::random();
        assert_eq!(socket(&format!("/ip4/10.0.0.1/tcp/5/p2p/{relay}/p2p-circuit")), None);
    }

    #[test]
    fn a_port_of_all_addresses_is_one_of_each_of_them() {
        let excludes = |one: &str, other: &str| {
            let (one, other) = (socket(one).unwrap(), socket(other).unwrap());
            assert_eq!(one.excludes(other), other.excludes(one));
            one.excludes(other)
        };
        let all = "/ip4/0.0.0.0/tcp/5";
        for other in [all, "/ip4/127.0.0.1/tcp/5", "/ip4/10.0.0.1/tcp/5/ws"] {
            assert!(excludes(all, other), "{other}");
        }
        assert!(excludes("/ip6/::/udp/5/quic-v1", "/ip6/::1/udp/5/quic-v1"));
        assert!(excludes("/ip4/10.0.0.1/tcp/5", "/ip4/10.0.0.1/tcp/5"));
        for other in ["/ip4/127.0.0.1/tcp/6", "/ip4/127.0.0.1/udp/5/quic-v1", "/ip6/::1/tcp/5", "/ip6/::/tcp/5"] {
            assert!(!excludes(all, other), "{other}");
        }
        assert!(!excludes("/ip4/10.0.0.2/tcp/5", "/ip4/10.0.0.1/tcp/5"));
        assert!(!excludes("/ip4/0.0.0.0/tcp/0", "/ip4/0.0.0.0/tcp/0"), "each has a port of its own");
    }

    #[test]
    fn both_families_may_listen_on_one_port_where_libp2p_does() {
        if TcpListener::bind("[::1]:0").is_err() {
            eprintln!("** SKIPPED: this machine has no IPv6 **");
            return;
        }
        let tcp = TcpListener::bind("0.0.0.0:0").unwrap();
        let udp = UdpSocket::bind("0.0.0.0:0").unwrap();
        let of_tcp = socket(&format!("/ip6/::/tcp/{}", tcp.local_addr().unwrap().port())).unwrap();
        let of_udp = socket(&format!("/ip6/::/udp/{}/quic-v1", udp.local_addr().unwrap().port())).unwrap();
        for socket in [of_tcp, of_udp] {
            socket.try_open().unwrap();
            let of_all = Socket { is_ipv6_alone: false, ..socket };
            assert_eq!(of_all.try_open().unwrap_err().kind(), io::ErrorKind::AddrInUse);
        }
    }
}
