//! Before the loop: the swarm is made and its addresses are bound, so that a busy port stops the start and not the run.

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};
use libp2p::{Multiaddr, PeerId, Swarm, gossipsub::IdentTopic, kad, multiaddr::Protocol, swarm::SwarmEvent};
use tokio::time::{Instant, timeout_at};
use tracing::info;

use super::{
    super::{
        Reachability,
        behaviour::{self, Behaviour, BehaviourEvent},
        conduct::{GossipCount, Scores},
        configured_peers::{ConfiguredPeers, peer_in},
        gossip::{nodes_topic_name, topic_name},
        peer_table::PeerTable,
    },
    Network, NetworkConfig, Remembered,
    announce::Placing,
    discovery::Discovery,
    files::Files,
    listeners::Listeners,
    peering::Peering,
};
use crate::{clock::unix_now, config::P2pConfig, error::NodeError, netgroup::AddressPolicy, socket::Socket};

/// Time for the system to say which addresses were bound.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(2);
/// A listener on all interfaces names one address after the other; after this long without another one it is done.
const LISTEN_QUIET: Duration = Duration::from_millis(100);

impl Network {
    /// Makes the swarm and binds its addresses.
    ///
    /// # Errors
    /// [`NodeError::Listen`] when an address is taken.
    pub async fn bind(config: NetworkConfig, remembered: Remembered) -> Result<Self, NodeError> {
        let Remembered { bans: (bans, bans_file), book: (book, book_file) } = remembered;
        let shown_bans = Arc::new(bans.lasting(unix_now()));
        let mut swarm = behaviour::swarm(&config.key, config.params.id(), &config.agent, (config.p2p.reach, bans))?;
        let mut listeners = Listeners::default();
        for address in &config.p2p.listen {
            let failed = |source| NodeError::Listen {
                what: "peers",
                address: address.to_string(),
                flag: "--p2p-listen",
                source,
            };
            refuse_shared_port(address).map_err(failed)?;
            let id = swarm.listen_on(address.clone()).map_err(|cause| failed(io::Error::other(cause)))?;
            listeners.add(id, address.clone(), Instant::now().into_std());
        }
        let mut peering = Peering::new(*swarm.local_peer_id(), &config.p2p, book);
        named(&config.p2p).for_each(|peer| peering.pin(peer));
        // Where nobody tests from outside, nodes would all be clients of the hash table, and it would be empty.
        if config.p2p.address_policy == AddressPolicy::LocalToo {
            swarm.behaviour_mut().kad.set_mode(Some(kad::Mode::Server));
        }
        for address in &config.p2p.external {
            swarm.add_external_address(address.clone());
        }
        for relay in &config.p2p.relays {
            let circuit = relay.clone().with(Protocol::P2pCircuit);
            let refused = |cause| NodeError::Network(format!("relay {relay}: {cause}"));
            let id = swarm.listen_on(circuit.clone()).map_err(refused)?;
            listeners.add(id, circuit, Instant::now().into_std());
        }
        let (listen, early) = wait_for_addresses(&mut swarm, config.p2p.listen.len()).await;
        Ok(Self {
            topic: IdentTopic::new(topic_name(config.params.id())),
            nodes_topic: IdentTopic::new(nodes_topic_name(config.params.id())),
            configured: ConfiguredPeers::new(&config.p2p.peers),
            swarm,
            config,
            peers: PeerTable::default(),
            listen,
            early,
            requests: BTreeMap::new(),
            answers: FuturesUnordered::new(),
            peering,
            discovery: Discovery::new(listeners),
            placing: Placing::default(),
            envelopes: BTreeMap::new(),
            scores: Scores::default(),
            gossiped: GossipCount::default(),
            shown_bans,
            files: Files::new(bans_file, book_file),
            reachability: Reachability::default(),
            gone: Vec::new(),
        })
    }
}

/// Peers that the operator named, and that are never let go. A relay that this node is reached through is one: the listener dials
/// it, and it would else be taken for a visitor.
fn named(p2p: &P2pConfig) -> impl Iterator<Item = PeerId> {
    p2p.peers.iter().chain(&p2p.relays).filter_map(peer_in)
}

/// libp2p listens with SO_REUSEPORT, so that two nodes would share a port and lose half of each other's connections
/// without a word. A plain listener is told when the port is taken.
fn refuse_shared_port(address: &Multiaddr) -> io::Result<()> {
    Socket::of(address).map_or(Ok(()), Socket::try_open)
}

/// The addresses of `listeners` listeners, those that other machines can reach first; the system gives them ports right
/// after they are bound. Peers may connect meanwhile: what else happens is kept for the loop.
async fn wait_for_addresses(
    swarm: &mut Swarm<Behaviour>,
    listeners: usize,
) -> (Vec<Multiaddr>, VecDeque<SwarmEvent<BehaviourEvent>>) {
    let own = Protocol::P2p(*swarm.local_peer_id());
    let (mut addresses, mut early) = (Vec::new(), VecDeque::new());
    // Without an address by then the node works all the same, it only cannot say where.
    let mut deadline = Instant::now() + LISTEN_TIMEOUT;
    while let Ok(event) = timeout_at(deadline, swarm.select_next_some()).await {
        match event {
            SwarmEvent::NewListenAddr { address, .. } => {
                info!(%address, "listening for peers");
                addresses.push(address.with(own.clone()));
                if addresses.len() >= listeners {
                    deadline = deadline.min(Instant::now() + LISTEN_QUIET);
                }
            }
            other => early.push_back(other),
        }
    }
    addresses.sort_by_key(is_loopback);
    (addresses, early)
}

fn is_loopback(address: &Multiaddr) -> bool {
    address.iter().any(|part| match part {
        Protocol::Ip4(ip) => ip.is_loopback(),
        Protocol::Ip6(ip) => ip.is_loopback(),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{RawConfig, RawP2p};

    #[test]
    fn who_is_named_as_a_peer_or_a_relay_is_never_let_go() {
        let at = |peer: PeerId| format!("/ip4/10.0.0.1/tcp/5/p2p/{peer}");
        let (peer, relay, seed) = (PeerId::random(), PeerId::random(), PeerId::random());
        let p2p = RawP2p {
            peers: Some(vec![at(peer), "/ip4/10.0.0.2/tcp/5".to_owned()]),
            relays: Some(vec![at(relay)]),
            seeds: Some(vec![at(seed)]),
            ..RawP2p::default()
        };
        let config = RawConfig { p2p, ..RawConfig::default() }.resolve().unwrap();
        assert_eq!(named(&config.p2p).collect::<Vec<_>>(), [peer, relay], "a seed is only asked for others");
    }
}
