//! What the swarm does: limits first, then gossip, identification, pings and requests.

use std::{collections::HashSet, time::Duration};

use libp2p::{
    StreamProtocol, Swarm, SwarmBuilder, allow_block_list, connection_limits,
    gossipsub::{self, IdentTopic, MessageAuthenticity, MessageId, ValidationMode, WhitelistSubscriptionFilter},
    identify,
    identity::Keypair,
    noise, ping, request_response,
    swarm::NetworkBehaviour,
    tcp, yamux,
};
use sharechain::{ParamsId, hash::blake2s256};

use super::{chain_tag, wire::Codec};
use crate::{
    defaults::{
        CONNECTIONS_PER_PEER_MAX, GOSSIP_LEN_MAX, IDLE_CONNECTION_TIMEOUT, INBOUND_MAX, OUTBOUND_MAX,
        PENDING_CONNECTIONS_MAX, PING_INTERVAL, REQUEST_STREAMS_MAX, REQUEST_TIMEOUT, STREAMS_PER_CONNECTION_MAX,
    },
    error::NodeError,
};

/// Room for the gossip layer's own framing around one share.
const GOSSIP_FRAME_LEN: usize = 1_024;
/// How long a message id is remembered: far longer than a share travels.
const GOSSIP_SEEN: Duration = Duration::from_secs(300);
/// Heartbeat of the gossip mesh.
const GOSSIP_HEARTBEAT: Duration = Duration::from_millis(700);
/// A share that could not be forwarded for this long is not worth it any more.
const GOSSIP_FORWARD_TIMEOUT: Duration = Duration::from_millis(500);
/// Bytes of a message id.
const MESSAGE_ID_LEN: usize = 20;

pub(super) type Gossip = gossipsub::Behaviour<gossipsub::IdentityTransform, WhitelistSubscriptionFilter>;

/// The order matters: a connection that the limits deny must not reach the others (rust-libp2p#4773).
#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    limits: connection_limits::Behaviour,
    pub(super) blocked: allow_block_list::Behaviour<allow_block_list::BlockedPeers>,
    pub(super) gossip: Gossip,
    pub(super) identify: identify::Behaviour,
    pub(super) ping: ping::Behaviour,
    pub(super) requests: request_response::Behaviour<Codec>,
}

/// Topic of gossiped shares.
pub fn topic_name(params: ParamsId) -> String {
    format!("/poolnode/1/{}/shares", chain_tag(params))
}

/// The swarm of a node; it does not listen yet.
pub(super) fn swarm(key: &Keypair, params: ParamsId, agent: &str) -> Result<Swarm<Behaviour>, NodeError> {
    let failed = |what: &str, cause: &dyn std::fmt::Display| NodeError::Network(format!("{what}: {cause}"));
    let behaviour = behaviour(key, params, agent).map_err(|cause| failed("gossip", &cause))?;
    let multiplex = || {
        let mut config = yamux::Config::default();
        config.set_max_num_streams(STREAMS_PER_CONNECTION_MAX);
        config
    };
    let builder = SwarmBuilder::with_existing_identity(key.clone())
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, multiplex)
        .map_err(|cause| failed("noise", &cause))?
        .with_dns()
        .map_err(|cause| failed("dns", &cause))?
        .with_behaviour(|_| behaviour)
        .map_err(|cause| failed("behaviour", &cause))?;
    Ok(builder.with_swarm_config(|config| config.with_idle_connection_timeout(IDLE_CONNECTION_TIMEOUT)).build())
}

fn behaviour(key: &Keypair, params: ParamsId, agent: &str) -> Result<Behaviour, String> {
    let limits = connection_limits::ConnectionLimits::default()
        .with_max_pending_incoming(Some(PENDING_CONNECTIONS_MAX))
        .with_max_pending_outgoing(Some(PENDING_CONNECTIONS_MAX))
        .with_max_established_incoming(Some(INBOUND_MAX))
        .with_max_established_outgoing(Some(OUTBOUND_MAX))
        .with_max_established_per_peer(Some(CONNECTIONS_PER_PEER_MAX));
    let protocol = format!("/poolnode/1/{}/sync", chain_tag(params));
    let protocol = StreamProtocol::try_from_owned(protocol).map_err(|cause| cause.to_string())?;
    let requests = request_response::Behaviour::with_codec(
        Codec,
        [(protocol, request_response::ProtocolSupport::Full)],
        request_response::Config::default()
            .with_request_timeout(REQUEST_TIMEOUT)
            .with_max_concurrent_streams(REQUEST_STREAMS_MAX),
    );
    let identify = identify::Config::new(format!("/poolnode/1/{}", chain_tag(params)), key.public())
        .with_agent_version(agent.to_owned());
    Ok(Behaviour {
        limits: connection_limits::Behaviour::new(limits),
        blocked: allow_block_list::Behaviour::default(),
        gossip: gossip(params)?,
        identify: identify::Behaviour::new(identify),
        ping: ping::Behaviour::new(ping::Config::new().with_interval(PING_INTERVAL)),
        requests,
    })
}

fn gossip(params: ParamsId) -> Result<Gossip, String> {
    let topic = IdentTopic::new(topic_name(params));
    let config = gossipsub::ConfigBuilder::default()
        .heartbeat_interval(GOSSIP_HEARTBEAT)
        .heartbeat_initial_delay(Duration::from_millis(100))
        .mesh_n(8)
        .mesh_n_low(6)
        .mesh_n_high(12)
        .mesh_outbound_min(3)
        .history_length(12)
        .history_gossip(6)
        .duplicate_cache_time(GOSSIP_SEEN)
        .forward_queue_duration(GOSSIP_FORWARD_TIMEOUT)
        .connection_handler_queue_len(1_000)
        .max_transmit_size(GOSSIP_LEN_MAX + GOSSIP_FRAME_LEN)
        // The proof of work is the author; signatures would double the cost and name the finder.
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        // Over all bytes: an altered copy must not keep the honest one from being seen.
        .message_id_fn(|message| MessageId::new(&blake2s256(&[&message.data])[..MESSAGE_ID_LEN]))
        .build()
        .map_err(|cause| cause.to_string())?;
    let filter = WhitelistSubscriptionFilter(HashSet::from([topic.hash()]));
    let mut gossip = Gossip::new_with_subscription_filter(MessageAuthenticity::Anonymous, config, filter)?;
    gossip.subscribe(&topic).map_err(|cause| cause.to_string())?;
    Ok(gossip)
}
