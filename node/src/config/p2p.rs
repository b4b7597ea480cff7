//! `[p2p]`: peers, and how this node is found and reached.

use std::net::Ipv4Addr;

use libp2p::{Multiaddr, multiaddr::Protocol};
use schemars::JsonSchema;
use serde::Deserialize;

use super::ConfigError;
use crate::{
    netgroup::AddressPolicy,
    p2p::Reach,
    peer_selector::{
        Quotas, Selection,
        limits::{OUTBOUND_SLOTS, OUTBOUND_SLOTS_MIN},
    },
    region::Region,
    socket::Socket,
};

/// `[p2p]` as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawP2p {
    /// Multiaddresses to listen on.
    pub listen: Option<Vec<String>>,
    /// Addresses that others reach this node at, when they are not those it listens on.
    pub external: Option<Vec<String>>,
    /// Peers to stay connected to.
    pub peers: Option<Vec<String>>,
    /// Peers to ask for others.
    pub seeds: Option<Vec<String>>,
    /// Where the node is.
    pub region: Option<String>,
    /// Whether other peers than the configured ones are looked for.
    pub discovery: Option<bool>,
    /// Most peers that are looked for and connected to.
    pub outbound_max: Option<usize>,
    /// How they are chosen.
    pub selection: Option<String>,
    /// Whether addresses of local networks are told and dialled.
    pub local_addresses: Option<bool>,
    /// Nodes on the local network.
    pub mdns: Option<bool>,
    /// A port of the router.
    pub upnp: Option<bool>,
    /// Tests whether nodes can be reached.
    pub autonat: Option<bool>,
    /// Relays to be reached through.
    pub relays: Option<Vec<String>>,
    /// Relaying for others.
    pub relay_server: Option<bool>,
}

/// `[p2p]`, resolved.
#[derive(Clone, Debug)]
pub struct P2pConfig {
    /// Where to listen.
    pub listen: Vec<Multiaddr>,
    /// Where else we are reached.
    pub external: Vec<Multiaddr>,
    /// Whom to stay connected to.
    pub peers: Vec<Multiaddr>,
    /// Whom to ask for others.
    pub seeds: Vec<Multiaddr>,
    /// Where this node says it is.
    pub region: Option<Region>,
    /// Whether other peers than the configured ones are looked for.
    pub discovery: bool,
    /// How many of them, and of which kind.
    pub outbound: Quotas,
    /// Whether addresses of local networks are told and dialled.
    pub address_policy: AddressPolicy,
    /// Relays to be reached through.
    pub relays: Vec<Multiaddr>,
    /// Ways through NATs.
    pub reach: Reach,
}

impl RawP2p {
    /// Fills in defaults and checks every value; `is_test` is a chain without value, whose nodes are often on one machine.
    pub(super) fn resolve(self, port: u16, is_test: bool) -> Result<P2pConfig, ConfigError> {
        let any = || Multiaddr::empty().with(Ipv4Addr::UNSPECIFIED.into());
        let listen = match self.listen {
            Some(listen) => multiaddrs("p2p.listen", listen)?,
            None => vec![any().with(Protocol::Tcp(port)), any().with(Protocol::Udp(port)).with(Protocol::QuicV1)],
        };
        let twice = listen.iter().enumerate().find_map(|(index, address)| shared([address], &listen[..index]));
        if let Some((other, one)) = twice {
            return Err(ConfigError::ListenTwice { one: one.clone(), other: other.clone() });
        }
        let outbound_max = self.outbound_max.unwrap_or(OUTBOUND_SLOTS);
        if !(OUTBOUND_SLOTS_MIN..=OUTBOUND_SLOTS).contains(&outbound_max) {
            return Err(ConfigError::OutboundMax);
        }
        let selection: Option<Selection> =
            self.selection.map(|name| name.parse().map_err(ConfigError::Selection)).transpose()?;
        let relays = multiaddrs("p2p.relays", self.relays.unwrap_or_default())?;
        if let Some(unnamed) = relays.iter().find(|relay| !relay.iter().any(|part| matches!(part, Protocol::P2p(_)))) {
            return Err(ConfigError::RelayUnnamed(unnamed.clone()));
        }
        Ok(P2pConfig {
            listen,
            external: multiaddrs("p2p.external", self.external.unwrap_or_default())?,
            peers: multiaddrs("p2p.peers", self.peers.unwrap_or_default())?,
            seeds: multiaddrs("p2p.seeds", self.seeds.unwrap_or_default())?,
            region: self.region.map(|region| region.parse().map_err(ConfigError::Region)).transpose()?,
            discovery: self.discovery.unwrap_or(true),
            outbound: Quotas::new(outbound_max, selection.unwrap_or_default()),
            address_policy: match self.local_addresses.unwrap_or(is_test) {
                true => AddressPolicy::LocalToo,
                false => AddressPolicy::PublicOnly,
            },
            reach: Reach {
                mdns: self.mdns.unwrap_or(false),
                upnp: self.upnp.unwrap_or(false),
                autonat: self.autonat.unwrap_or(true),
                hole_punching: !relays.is_empty(),
                relay_server: self.relay_server.unwrap_or(false),
            },
            relays,
        })
    }
}

/// The first of these addresses that cannot be listened on beside one of the others, and that one.
pub(super) fn shared<'a>(
    listen: impl IntoIterator<Item = &'a Multiaddr>,
    others: &'a [Multiaddr],
) -> Option<(&'a Multiaddr, &'a Multiaddr)> {
    let is_excluded = |socket: Socket, other| Socket::of(other).is_some_and(|other| socket.excludes(other));
    listen.into_iter().find_map(|address| {
        let socket = Socket::of(address)?;
        others.iter().find(|other| is_excluded(socket, other)).map(|other| (address, other))
    })
}

fn multiaddrs(key: &'static str, values: Vec<String>) -> Result<Vec<Multiaddr>, ConfigError> {
    // An empty text is a multiaddress too, of nothing.
    let parse = |value: String| {
        let address = value.parse().ok().filter(|address: &Multiaddr| !address.is_empty());
        address.ok_or(ConfigError::Multiaddr { key, value })
    };
    values.into_iter().map(parse).collect()
}
