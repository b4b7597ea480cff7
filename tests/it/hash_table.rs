//! Ads in the hash table, seen by a stranger that speaks nothing else: they are found there, and nothing else is kept.

use std::time::Duration;

use anyhow::Context;
use futures::StreamExt;
use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder,
    identity::Keypair,
    kad::{self, GetRecordOk, QueryResult, Quorum, Record, RecordKey, store::MemoryStore},
    multiaddr::Protocol,
    noise,
    swarm::SwarmEvent,
    tcp, yamux,
};
use node::{
    directory::{NodeAd, Place, SignedAd, places::PLACES_PER_REGION},
    region::Region,
};
use sharechain::ParamsId;
use testnet::process::NodeProcess;
use tests::{World, ensure_eq, wait_for};
use tokio::time::timeout;

use crate::directory::announced;

const PATIENCE: Duration = Duration::from_secs(60);

/// A stranger with nothing but the hash table.
struct Stranger {
    swarm: Swarm<kad::Behaviour<MemoryStore>>,
    key: Keypair,
    keeper: PeerId,
}

fn params_id() -> anyhow::Result<ParamsId> {
    Ok(node::ChainProfile::find("devnet", None)?.params.id())
}

impl Stranger {
    /// Connected to a node.
    async fn at(node: &NodeProcess) -> anyhow::Result<Self> {
        let key = Keypair::generate_ed25519();
        let tag = node::p2p::topic_name(params_id()?);
        let protocol = StreamProtocol::try_from_owned(tag.replace("/shares", "/kad"))?;
        let mut swarm = SwarmBuilder::with_existing_identity(key.clone())
            .with_tokio()
            .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)?
            .with_behaviour(|key| {
                let own = key.public().to_peer_id();
                kad::Behaviour::with_config(own, MemoryStore::new(own), kad::Config::new(protocol))
            })?
            .with_swarm_config(|config| config.with_idle_connection_timeout(PATIENCE))
            .build();
        let address: Multiaddr = node.endpoints.p2p.first().context("no address")?.parse()?;
        let keeper = address.iter().find_map(|part| match part {
            Protocol::P2p(peer) => Some(peer),
            _ => None,
        });
        let keeper = keeper.context("no identity")?;
        swarm.behaviour_mut().add_address(&keeper, address);
        swarm.dial(keeper)?;
        let mut stranger = Self { swarm, key, keeper };
        stranger.until(|event| matches!(event, SwarmEvent::ConnectionEstablished { .. }).then_some(())).await?;
        Ok(stranger)
    }

    async fn until<T>(&mut self, mut is_it: impl FnMut(SwarmEvent<kad::Event>) -> Option<T>) -> anyhow::Result<T> {
        let found = async {
            loop {
                if let Some(found) = is_it(self.swarm.select_next_some().await) {
                    return found;
                }
            }
        };
        timeout(PATIENCE, found).await.context("it did not happen")
    }

    /// What the node itself keeps at a place.
    async fn kept_at(&mut self, place: Place) -> anyhow::Result<Option<SignedAd>> {
        let key = RecordKey::from(place.key(params_id()?).to_vec());
        let (keeper, query) = (self.keeper, self.swarm.behaviour_mut().get_record(key));
        let mut kept = None;
        self.until(|event| match event {
            SwarmEvent::Behaviour(kad::Event::OutboundQueryProgressed { id, result, step, .. }) if id == query => {
                if let QueryResult::GetRecord(Ok(GetRecordOk::FoundRecord(found))) = result
                    && found.peer == Some(keeper)
                {
                    kept = Some(found.record.value);
                }
                step.last.then_some(())
            }
            _ => None,
        })
        .await?;
        Ok(kept.map(|bytes| SignedAd::decode(&bytes)).transpose()?)
    }

    /// Asks the node to keep bytes at a place.
    fn offer(&mut self, place: Place, bytes: Vec<u8>) -> anyhow::Result<()> {
        let record = Record::new(place.key(params_id()?).to_vec(), bytes);
        self.swarm.behaviour_mut().put_record_to(record, [self.keeper].into_iter(), Quorum::One);
        Ok(())
    }
}

/// The ad of the node with this key, which says the same as another one.
fn ad_of(key: Keypair, model: &NodeAd) -> anyhow::Result<SignedAd> {
    Ok(NodeAd { operator: None, ..model.clone() }.sign(&key.try_into_ed25519()?, params_id()?))
}

fn places(region: Region) -> impl Iterator<Item = Place> {
    (0..PLACES_PER_REGION).map(move |index| Place::new(Some(region), index))
}

#[tokio::test]
async fn ads_lie_in_the_hash_table_and_nothing_else_does() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let keeper = world.node("keeper", &[]).await?;
    let one = announced(&world, "one", &[&keeper], "stratum+tcp://a.pool.example:3333", 1).await?;
    let mut stranger = Stranger::at(&keeper).await?;
    let kept = wait_for("the ad in the hash table", PATIENCE, async || {
        for place in places(Region::Eu) {
            if let Some(kept) = stranger.kept_at(place).await? {
                return Ok(Some(kept));
            }
        }
        Ok(None)
    })
    .await?;
    kept.verify(params_id()?)?;
    let id = one.api.status().await?.peer_id;
    ensure_eq(&kept.ad.node.peer_id().map(|peer| peer.to_string()), &Some(id), "whose it is")?;

    // Its own place is kept for a node that nobody heard of by gossip, and no other one.
    let model = NodeAd { region: Some(Region::Af), ..kept.ad.clone() };
    let own = ad_of(stranger.key.clone(), &model)?;
    let place = Place::of(&own.ad);
    for elsewhere in places(Region::Oc) {
        stranger.offer(elsewhere, own.encode())?;
    }
    stranger.offer(place, own.encode())?;
    let kept = wait_for("its own place", PATIENCE, async || stranger.kept_at(place).await).await?;
    ensure_eq(&kept, &own, "at its own place")?;
    for elsewhere in places(Region::Oc) {
        ensure_eq(&stranger.kept_at(elsewhere).await?, &None, "somewhere else")?;
    }
    wait_for("it to be listed", PATIENCE, async || Ok((keeper.api.nodes(None).await?.meta.count == 2).then_some(())))
        .await?;

    let mut forged = ad_of(Keypair::generate_ed25519(), &model)?.encode();
    *forged.last_mut().context("no bytes")? ^= 1;
    stranger.offer(place, forged)?;
    stranger.until(|event| matches!(event, SwarmEvent::ConnectionClosed { .. }).then_some(())).await?;
    let bans = keeper.api.bans().await?.data;
    let banned = stranger.swarm.local_peer_id().to_string();
    anyhow::ensure!(bans.iter().any(|ban| ban.subject == banned), "{bans:?}");
    one.stop().await?;
    keeper.stop().await
}
