//! Peers that break the protocol: they are gone, the victim is no larger, and the others go on.
//!
//! On one machine bans are for identities only and connections are not counted by address; both are tested beside their code
//! (`attack_p9_..`).

use std::time::Duration;

use anyhow::Context;
use libp2p::{Multiaddr, PeerId};
use node::{api::dto::PeerOrderBody, p2p::Request};
use sharechain::ParamsId;
use testnet::{
    hostile::{Answer, Hostile},
    miner::devnet_user,
    process::NodeProcess,
};
use tests::{SteppedMiner, World, ensure_eq, wait_for};

mod faults;
mod floods;
mod lies;

/// From the first fault that can be proven to the end of the connection.
const GONE_MAX: Duration = Duration::from_secs(1);
/// For everything that is not measured.
const PATIENCE: Duration = Duration::from_secs(60);

/// A victim, an honest peer of it, and a miner on each.
#[derive(Debug)]
struct Pair {
    world: World,
    victim: NodeProcess,
    honest: NodeProcess,
    miners: [SteppedMiner; 2],
    /// Who was thrown out, and why.
    expected: Vec<(String, String)>,
}

impl Pair {
    async fn new() -> anyhow::Result<Self> {
        let world = World::new(30).await?;
        let victim = world.node("victim", &[]).await?;
        let honest = world.node("honest", &[&victim]).await?;
        let miners = [
            SteppedMiner::connect(&victim.endpoints.stratum, &devnet_user("victim")?).await?,
            SteppedMiner::connect(&honest.endpoints.stratum, &devnet_user("honest")?).await?,
        ];
        let mut pair = Self { world, victim, honest, miners, expected: Vec::new() };
        pair.goes_on().await?;
        Ok(pair)
    }

    /// Each mines a share, and the other one gets it.
    async fn goes_on(&mut self) -> anyhow::Result<()> {
        for (miner, other) in self.miners.iter_mut().zip([&self.honest, &self.victim]) {
            let id = miner.mine_one().await?;
            arrives(&id, other).await?;
        }
        Ok(())
    }

    /// Ends a story: the connection is closed in time, and the ban says why.
    async fn is_gone(&mut self, hostile: &mut Hostile, reason: &str) -> anyhow::Result<()> {
        let after = hostile.until_thrown_out().await?;
        anyhow::ensure!(after <= GONE_MAX, "{reason}: gone only after {after:?}");
        self.is_banned(hostile, reason).await
    }

    async fn is_banned(&mut self, hostile: &Hostile, reason: &str) -> anyhow::Result<()> {
        self.expected.push((hostile.id(), reason.to_owned()));
        wait_for(&format!("a ban because it {reason}"), PATIENCE, async || {
            let bans = self.victim.api.bans().await?.data;
            Ok(bans.iter().any(|ban| ban.subject == hostile.id() && ban.reason.contains(reason)).then_some(()))
        })
        .await
    }

    /// Nobody else was banned, and the honest ones are as before.
    async fn ends_well(mut self) -> anyhow::Result<()> {
        self.goes_on().await?;
        let banned = self.victim.api.bans().await?.data;
        for ban in &banned {
            let known = self.expected.iter().any(|(id, reason)| *id == ban.subject && ban.reason.contains(reason));
            anyhow::ensure!(known, "{} is banned: {}", ban.subject, ban.reason);
        }
        ensure_eq(&banned.len(), &self.expected.len(), "everybody who is expected to be is banned")?;
        let honest = self.honest.api.status().await?.peer_id;
        let peers = self.victim.api.peers().await?.data;
        anyhow::ensure!(peers.iter().any(|peer| peer.peer_id == honest), "the honest peer is connected");
        ensure_eq(&self.honest.api.bans().await?.data.len(), &0, "bans of the honest peer")?;
        self.honest.stop().await?;
        self.victim.stop().await?;
        self.world.devnet.stop().await
    }
}

/// The share chain of the nodes of these stories.
fn params_id() -> anyhow::Result<ParamsId> {
    Ok(node::ChainProfile::find("devnet", None)?.params.id())
}

/// Where a node listens for peers.
fn address_of(node: &NodeProcess) -> anyhow::Result<Multiaddr> {
    Ok(node.endpoints.p2p.first().context("the node listens nowhere")?.parse()?)
}

/// A hostile peer that is connected to `victim`.
async fn hostile_at(
    victim: &NodeProcess,
    answers: impl FnMut(&Request) -> Answer + Send + 'static,
) -> anyhow::Result<(Hostile, PeerId)> {
    Hostile::dialling(params_id()?, address_of(victim)?, answers).await
}

/// Waits until a node has a share.
async fn arrives(id: &str, at: &NodeProcess) -> anyhow::Result<()> {
    wait_for(&format!("share {id} at {}", at.name), PATIENCE, async || Ok(Some(at.api.share(id).await?))).await?;
    Ok(())
}

/// Has a node dial a peer.
async fn has_dial(node: &NodeProcess, hostile: &mut Hostile) -> anyhow::Result<()> {
    let subject = hostile.listen().await?.to_string();
    let cookie = std::fs::read_to_string(node.api.status().await?.cookie_file).context("no cookie")?;
    node.api.order("add", &PeerOrderBody { subject, secs: None }, cookie.trim()).await?;
    Ok(())
}
