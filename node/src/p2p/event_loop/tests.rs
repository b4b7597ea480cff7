//! What the network task asks of its parts, and what it keeps.

use libp2p::{
    gossipsub::MessageId,
    swarm::{ConnectionId, NetworkBehaviour},
};
use sharechain::ShareChain;
use stratum::{
    SessionConfig, Stratum, StratumConfig,
    server::{Access, LaneEnds},
};
use tokio_util::task::TaskTracker;

use super::*;
use crate::{
    clock::unix_now,
    config::{Config, RawConfig, RawP2p},
    data_dir::DataDir,
    defaults::CHECK_QUEUE_MAX,
    directory::Directory,
    p2p::{Banned, Fault},
};

#[test]
fn a_line_is_cut_when_pings_are_not_answered_or_cannot_be_sent() {
    let unsent = std::io::Error::from(std::io::ErrorKind::TimedOut);
    assert!(is_cut(&ping::Failure::Timeout) && is_cut(&ping::Failure::Other { error: Box::new(unsent) }));
    assert!(!is_cut(&ping::Failure::Unsupported), "whoever speaks no ping is still there");
}

/// The task of a node that nobody knows.
struct Alone {
    network: Network,
    /// What is to be checked.
    check: mpsc::Receiver<CheckInput>,
    dir: DataDir,
    _folder: tempfile::TempDir,
}

impl Alone {
    async fn new() -> Self {
        let p2p = RawP2p {
            listen: Some(vec!["/ip4/127.0.0.1/tcp/0".to_owned()]),
            discovery: Some(false),
            mdns: Some(false),
            upnp: Some(false),
            autonat: Some(false),
            ..RawP2p::default()
        };
        let config = RawConfig { p2p, ..RawConfig::default() }.resolve().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let dir = DataDir::open(folder.path()).unwrap();
        let (sender, check) = mpsc::channel(CHECK_QUEUE_MAX);
        let remembered = Remembered { bans: dir.bans(), book: dir.address_book(config.p2p.address_policy) };
        let network_config = NetworkConfig {
            params: config.chain.params.clone(),
            key: dir.identity().unwrap(),
            agent: "poolnode/test".to_owned(),
            geo: watch::channel(Arc::default()).1,
            chain: mpsc::channel(1).0,
            check: sender,
            store: StoreHandle::channel().0,
            chain_view: watch::channel(Arc::new(ChainView::of(&mut ShareChain::new(config.chain.params.clone())))).1,
            view: watch::channel(Arc::default()).0,
            nodes: nodes(&config),
            templates: mpsc::channel(1).0,
            meters: Arc::default(),
            p2p: config.p2p,
        };
        let network = Network::bind(network_config, remembered).await.unwrap();
        Self { network, check, dir, _folder: folder }
    }

    /// Somebody connects from a public address that ends in this number.
    fn peer(&mut self, number: u8) -> PeerId {
        let (peer, id) = (PeerId::random(), ConnectionId::new_unchecked(number.into()));
        let address = format!("/ip4/203.0.113.{number}/tcp/1").parse().unwrap();
        assert!(self.network.peers.connected(peer, id, address, Direction::Inbound, Instant::now()));
        peer
    }

    /// The peer gossips what claims to be a share.
    fn gossip(&mut self, peer: PeerId, number: u64) {
        let data = number.to_le_bytes().to_vec();
        let message_id = MessageId::new(&data);
        let message =
            gossipsub::Message { source: None, data, sequence_number: None, topic: self.network.topic.hash() };
        let event = gossipsub::Event::Message { propagation_source: peer, message_id, message };
        self.network.on_behaviour(BehaviourEvent::Gossip(event));
    }

    fn is_banned(&self, peer: PeerId) -> bool {
        self.network.swarm.behaviour().gate.bans.is_banned(&Banned::Peer(peer), unix_now())
    }
}

/// A directory of nobody, beside an endpoint that serves nobody.
fn nodes(config: &Config) -> Nodes {
    let chain = &config.chain;
    let session = SessionConfig::new(chain.params.clone(), chain.addresses.clone(), chain.vardiff);
    let lane = LaneEnds { templates: watch::channel(None).1, found: mpsc::channel(1).0 };
    let config_of_miners = StratumConfig::one_lane(session, Access::default(), lane);
    let endpoint = Stratum::bind(([127, 0, 0, 1], 0).into(), config_of_miners).unwrap();
    let hosts = config.p2p.address_policy;
    Nodes {
        directory: Directory::new(chain.params.id(), hosts),
        hosts,
        own: None,
        stratum: endpoint.run(&TaskTracker::new(), &CancellationToken::new()).0,
        view: watch::channel(Arc::default()).0,
        refuge: watch::channel(None).0,
    }
}

#[tokio::test]
async fn a_ban_is_in_the_file_that_the_next_start_reads() {
    let mut alone = Alone::new().await;
    let (hostile, other) = (alone.peer(7), alone.peer(8));
    alone.network.on_fault(hostile, Fault::Malformed);
    assert!(alone.is_banned(hostile));
    alone.network.keep_files_now().await;
    let (kept, now) = (alone.dir.bans().0, unix_now());
    assert!(kept.is_banned(&Banned::Peer(hostile), now) && !kept.is_banned(&Banned::Peer(other), now));
    assert!(kept.is_address_banned([203, 0, 113, 7].into(), now), "with its address");
}

#[tokio::test]
async fn attack_p7_whoever_floods_gossip_leaves_room_for_others_and_is_banned() {
    let mut alone = Alone::new().await;
    let (hostile, honest) = (alone.peer(7), alone.peer(8));
    (0..1_000).for_each(|number| alone.gossip(hostile, number));
    let queued = alone.check.len();
    assert!((1..CHECK_QUEUE_MAX).contains(&queued), "{queued} of {CHECK_QUEUE_MAX}");
    alone.gossip(honest, 1_000);
    assert_eq!(alone.check.len(), queued + 1, "there is room for another one's share");
    // Nothing of it was checked yet: how much comes is enough to tell.
    let banned = (1_001..100_000).find(|number| {
        alone.gossip(hostile, *number);
        alone.is_banned(hostile)
    });
    assert!(banned.is_some());
    assert!(!alone.is_banned(honest));
}

#[tokio::test]
async fn attack_p9_whoever_connects_too_often_is_turned_away_by_the_swarm() {
    let mut alone = Alone::new().await;
    let local = Multiaddr::empty();
    let mut admitted = |remote: &str, number: usize| {
        let (behaviour, id) = (alone.network.swarm.behaviour_mut(), ConnectionId::new_unchecked(number));
        behaviour.handle_pending_inbound_connection(id, &local, &remote.parse().unwrap()).is_ok()
    };
    let first = (0..12).filter(|number| admitted("/ip4/203.0.113.7/tcp/1", *number)).count();
    assert_eq!(first, 8, "as many as come at once");
    assert!(admitted("/ip4/203.0.113.8/tcp/1", 12), "another one is not concerned");
}
