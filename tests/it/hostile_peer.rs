//! A peer that speaks the protocol and breaks it: it is disconnected, and the others go on.

use std::{collections::HashSet, time::Duration};

use futures::StreamExt;
use libp2p::{
    Multiaddr, Swarm, SwarmBuilder,
    gossipsub::{self, IdentTopic, MessageAuthenticity, ValidationMode, WhitelistSubscriptionFilter},
    noise,
    swarm::SwarmEvent,
    tcp, yamux,
};
use sharechain::{
    Share,
    header::HEADER_LEN,
    share::{SHARE_LEN_MAX, SHARE_VERSION},
    testing,
};
use tests::{World, wait_for};

type Gossip = gossipsub::Behaviour<gossipsub::IdentityTransform, WhitelistSubscriptionFilter>;

/// A gossip peer without any manners: no limits of its own, and it publishes what it is given.
fn hostile() -> anyhow::Result<(Swarm<Gossip>, IdentTopic)> {
    let params = node::ChainProfile::find("devnet", None)?.params;
    let topic = IdentTopic::new(node::p2p::topic_name(params.id()));
    let config = gossipsub::ConfigBuilder::default()
        .validation_mode(ValidationMode::Anonymous)
        .heartbeat_initial_delay(Duration::from_millis(100))
        .max_transmit_size(16 << 20)
        .build()?;
    let swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)?
        .with_behaviour(|_| {
            let filter = WhitelistSubscriptionFilter(HashSet::from([topic.hash()]));
            let mut gossip = Gossip::new_with_subscription_filter(MessageAuthenticity::Anonymous, config, filter)?;
            gossip.subscribe(&topic)?;
            Ok(gossip)
        })?
        .build();
    Ok((swarm, topic))
}

/// Publishes `message` as soon as the node listens; says whether that costs the connection within `patience`.
async fn is_thrown_out(address: &Multiaddr, message: Vec<u8>, patience: Duration) -> anyhow::Result<bool> {
    let (mut swarm, topic) = hostile()?;
    swarm.dial(address.clone())?;
    let mut published = false;
    let story = async {
        loop {
            match swarm.select_next_some().await {
                SwarmEvent::Behaviour(gossipsub::Event::Subscribed { .. }) => {
                    swarm.behaviour_mut().publish(topic.clone(), message.clone())?;
                    published = true;
                }
                SwarmEvent::ConnectionClosed { .. } => return anyhow::Ok(()),
                _ => {}
            }
        }
    };
    let ended = tokio::time::timeout(patience, story).await;
    anyhow::ensure!(published, "the message was never sent");
    Ok(matches!(ended, Ok(Ok(()))))
}

/// A share with real work that says a lie its bytes alone give away.
fn false_share() -> Share {
    let mut share = testing::Miner::devnet().orphan(1).share().clone();
    share.data.signal ^= 1;
    share
}

#[tokio::test]
async fn broken_gossip_costs_the_sender_its_connection_and_nobody_else() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let one = world.node("one", &[]).await?;
    let two = world.node("two", &[&one]).await?;
    let miner = world.miner("honest", &two)?;
    let address: Multiaddr = one.endpoints.p2p[0].parse()?;
    let whole = false_share().encode();
    // Of a version that is known: another one is refused without blame.
    let of_version_1 = |byte: u8, len: usize| {
        let mut bytes = vec![byte; len];
        bytes[HEADER_LEN] = SHARE_VERSION;
        bytes
    };
    let messages = [
        ("truncated", whole[..whole.len() / 2].to_vec()),
        ("empty", Vec::new()),
        ("garbage", of_version_1(0xa5, 700)),
        ("false", whole),
        ("too long for a share", of_version_1(7, SHARE_LEN_MAX + 1)),
    ];
    for (name, message) in messages {
        let thrown_out = is_thrown_out(&address, message, Duration::from_secs(20)).await;
        anyhow::ensure!(thrown_out.map_err(|error| error.context(name))?, "{name}: still connected");
    }
    // The gossip layer drops what is too long for it before anybody sees it; whether the connection stays is its choice.
    let _either = is_thrown_out(&address, vec![7; 2 << 20], Duration::from_secs(2)).await?;
    let before = one.api.status().await?.shares_gossiped;
    wait_for("shares to arrive by gossip as before", Duration::from_secs(60), async || {
        let status = one.api.status().await?;
        Ok((status.shares_gossiped > before && status.peers == 1).then_some(()))
    })
    .await?;
    miner.stop().await?;
    two.stop().await?;
    one.stop().await
}
