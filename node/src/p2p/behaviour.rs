//! What the swarm does: limits and the gate first, then gossip, requests, discovery and ways through NATs.
//!
//! Everything that serves strangers beyond mining (relaying for others, asking a router for a port, calling into the local
//! network) is off unless the operator wants it: each is something more to attack.

use std::time::Duration;

use libp2p::{
    PeerId, StreamProtocol, Swarm, SwarmBuilder, autonat, connection_limits, dcutr, identify,
    identity::Keypair,
    kad::{self, store::MemoryStoreConfig},
    mdns, noise, ping, quic, relay, request_response,
    swarm::{NetworkBehaviour, behaviour::toggle::Toggle},
    tcp, upnp, yamux,
};
use sharechain::ParamsId;

use super::{
    bans::Bans,
    chain_tag,
    gate::Gate,
    gossip::{self, Gossip},
    wire::Codec,
};
use crate::{
    defaults::{
        CONNECTIONS_PER_PEER_MAX, IDLE_CONNECTION_TIMEOUT, INBOUND_MAX, KAD_PEERS_PER_BUCKET, OUTBOUND_MAX,
        PENDING_CONNECTIONS_MAX, PING_INTERVAL, PING_TIMEOUT, QUIC_CONNECTION_WINDOW, QUIC_STREAM_WINDOW,
        REQUEST_STREAMS_MAX, REQUEST_TIMEOUT, STREAMS_PER_CONNECTION_MAX,
    },
    directory::{limits::AD_LEN_MAX, places::PLACES_MAX},
    error::NodeError,
};

/// Time between two looks whether an address of ours can be reached from outside.
const REACHABILITY_INTERVAL: Duration = Duration::from_secs(60);
/// Time for a lookup in the distributed hash table.
const KAD_QUERY_TIMEOUT: Duration = Duration::from_secs(30);

/// Ways into the network and through NATs, as the operator wants them.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the configuration")]
pub struct Reach {
    /// Look for nodes on the local network.
    pub mdns: bool,
    /// Ask the router for a port.
    pub upnp: bool,
    /// Have others test whether we can be reached, and test it for them.
    pub autonat: bool,
    /// Be reachable through relays, and become direct from there.
    pub hole_punching: bool,
    /// Relay for others.
    pub relay_server: bool,
}

/// The order matters: a connection that the limits or the gate deny must not reach the others (rust-libp2p#4773).
#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    limits: connection_limits::Behaviour,
    pub(super) gate: Gate,
    pub(super) gossip: Gossip,
    pub(super) identify: identify::Behaviour,
    pub(super) ping: ping::Behaviour,
    pub(super) requests: request_response::Behaviour<Codec>,
    pub(super) kad: kad::Behaviour<kad::store::MemoryStore>,
    pub(super) mdns: Toggle<mdns::tokio::Behaviour>,
    pub(super) upnp: Toggle<upnp::tokio::Behaviour>,
    pub(super) autonat: Toggle<autonat::v2::client::Behaviour>,
    autonat_server: Toggle<autonat::v2::server::Behaviour>,
    relay_client: Toggle<relay::client::Behaviour>,
    relay_server: Toggle<relay::Behaviour>,
    pub(super) dcutr: Toggle<dcutr::Behaviour>,
}

/// The swarm of a node; it does not listen yet.
pub(super) fn swarm(
    key: &Keypair,
    params: ParamsId,
    agent: &str,
    (reach, bans): (Reach, Bans),
) -> Result<Swarm<Behaviour>, NodeError> {
    let failed = |what: &str, cause: &dyn std::fmt::Display| NodeError::Network(format!("{what}: {cause}"));
    let builder = SwarmBuilder::with_existing_identity(key.clone())
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, multiplex)
        .map_err(|cause| failed("noise", &cause))?
        .with_quic_config(quic_config)
        .with_dns()
        .map_err(|cause| failed("dns", &cause))?
        .with_relay_client(noise::Config::new, multiplex)
        .map_err(|cause| failed("noise", &cause))?
        .with_behaviour(|key, relay_client| Behaviour::new(key, params, agent, (reach, bans, relay_client)))
        .map_err(|cause| failed("behaviour", &cause))?;
    let config =
        |config: libp2p::swarm::Config| config.with_idle_connection_timeout(IDLE_CONNECTION_TIMEOUT).with_smart_dial();
    Ok(builder.with_swarm_config(config).build())
}

/// Each stream may fill a window of 256 KiB that nobody reads, so fewer streams are less memory for a hostile peer.
fn multiplex() -> yamux::Config {
    let mut config = yamux::Config::default();
    config.set_max_num_streams(STREAMS_PER_CONNECTION_MAX);
    config
}

fn quic_config(mut config: quic::Config) -> quic::Config {
    config.max_concurrent_stream_limit = u32::try_from(STREAMS_PER_CONNECTION_MAX).unwrap_or(u32::MAX);
    config.max_stream_data = QUIC_STREAM_WINDOW;
    config.max_connection_data = QUIC_CONNECTION_WINDOW;
    config
}

impl Behaviour {
    fn new(
        key: &Keypair,
        params: ParamsId,
        agent: &str,
        (reach, bans, relay_client): (Reach, Bans, relay::client::Behaviour),
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let own = key.public().to_peer_id();
        let identify = identify::Config::new_with_signed_peer_record(format!("/poolnode/1/{}", chain_tag(params)), key)
            .with_agent_version(agent.to_owned())
            .with_push_listen_addr_updates(true);
        let mdns = || mdns::tokio::Behaviour::new(mdns::Config::default(), own);
        Ok(Self {
            limits: connection_limits::Behaviour::new(limits()),
            gate: Gate::new(bans),
            gossip: gossip::behaviour(params)?,
            identify: identify::Behaviour::new(identify),
            ping: ping::Behaviour::new(ping::Config::new().with_interval(PING_INTERVAL).with_timeout(PING_TIMEOUT)),
            requests: requests(params)?,
            kad: kad(own, params)?,
            mdns: reach.mdns.then(mdns).transpose()?.into(),
            upnp: reach.upnp.then(upnp::tokio::Behaviour::default).into(),
            autonat: reach.autonat.then(autonat_client).into(),
            autonat_server: reach.autonat.then(autonat::v2::server::Behaviour::default).into(),
            relay_client: reach.hole_punching.then_some(relay_client).into(),
            relay_server: reach.relay_server.then(|| relay::Behaviour::new(own, relay::Config::default())).into(),
            dcutr: reach.hole_punching.then(|| dcutr::Behaviour::new(own)).into(),
        })
    }
}

fn limits() -> connection_limits::ConnectionLimits {
    connection_limits::ConnectionLimits::default()
        .with_max_pending_incoming(Some(PENDING_CONNECTIONS_MAX))
        .with_max_pending_outgoing(Some(PENDING_CONNECTIONS_MAX))
        .with_max_established_incoming(Some(INBOUND_MAX))
        .with_max_established_outgoing(Some(OUTBOUND_MAX))
        .with_max_established_per_peer(Some(CONNECTIONS_PER_PEER_MAX))
}

fn requests(params: ParamsId) -> Result<request_response::Behaviour<Codec>, libp2p::swarm::InvalidProtocol> {
    let protocol = StreamProtocol::try_from_owned(format!("/poolnode/1/{}/sync", chain_tag(params)))?;
    let config = request_response::Config::default()
        .with_request_timeout(REQUEST_TIMEOUT)
        .with_max_concurrent_streams(REQUEST_STREAMS_MAX);
    let protocols = [(protocol, request_response::ProtocolSupport::Full)];
    Ok(request_response::Behaviour::with_codec(Codec, protocols, config))
}

/// A hash table for finding nodes and their ads. Who is put into the routing table, and what is kept for others, is decided by
/// us: nothing but ads at their own places (`crate::directory::places`).
fn kad(
    own: PeerId,
    params: ParamsId,
) -> Result<kad::Behaviour<kad::store::MemoryStore>, libp2p::swarm::InvalidProtocol> {
    let protocol = StreamProtocol::try_from_owned(format!("/poolnode/1/{}/kad", chain_tag(params)))?;
    let mut config = kad::Config::new(protocol);
    config
        .set_query_timeout(KAD_QUERY_TIMEOUT)
        .disjoint_query_paths(true)
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        .set_caching(kad::Caching::Disabled)
        .set_kbucket_inserts(kad::BucketInserts::Manual)
        .set_kbucket_size(KAD_PEERS_PER_BUCKET)
        .set_periodic_bootstrap_interval(None)
        .set_replication_interval(None)
        .set_publication_interval(None);
    let store = MemoryStoreConfig {
        max_records: PLACES_MAX,
        max_value_bytes: AD_LEN_MAX,
        max_provided_keys: 0,
        max_providers_per_key: 0,
    };
    Ok(kad::Behaviour::with_config(own, kad::store::MemoryStore::with_config(own, store), config))
}

fn autonat_client() -> autonat::v2::client::Behaviour {
    let config = autonat::v2::client::Config::default().with_probe_interval(REACHABILITY_INTERVAL);
    autonat::v2::client::Behaviour::new(rand::make_rng(), config)
}
