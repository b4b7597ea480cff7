//! How a miner connects.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

/// What to type into a miner: an address that other machines can reach when the listener takes them.
pub(crate) fn stratum_url(listen: SocketAddr) -> String {
    let reachable = listen.ip().is_unspecified().then(lan_address).flatten();
    let ip = reachable.unwrap_or_else(|| listen.ip());
    format!("stratum+tcp://{}", SocketAddr::new(ip, listen.port()))
}

/// This machine's address on its network, as the routing table knows it; nothing is sent.
fn lan_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}
