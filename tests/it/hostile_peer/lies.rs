//! Peers that lie to a node that catches up: it catches up all the same, from the one that does not.

use std::time::Duration;

use node::p2p::{Request, Response};
use testnet::{
    hostile::{Hostile, Lie, polite},
    miner::devnet_user,
    process::NodeOptions,
};
use tests::{SteppedMiner, World, agree, ensure_eq, wait_for};
use tokio::task::JoinSet;

use super::{PATIENCE, faults::share_id, hostile_at, params_id};

/// Shares of the honest chain.
const CHAIN_LEN: usize = 40;
/// Time to catch up among liars; without them it takes less than a second.
const SYNC_MAX: Duration = Duration::from_secs(60);
/// Time until the node gives miners work, which claims that nobody shows hold up (three failures in a row of each).
const WORK_MAX: Duration = Duration::from_secs(150);

/// What its ban says; nothing when it may be an honest peer's misfortune.
const fn reason(lie: Lie) -> Option<&'static str> {
    match lie {
        Lie::NobodysIds | Lie::OtherShares | Lie::Stall | Lie::HalfAnswer => None,
        Lie::Garbage => Some("sent an invalid share"),
        Lie::OtherAnswer => Some("answered something else"),
        Lie::NoMessage => Some("no message"),
    }
}

#[tokio::test]
async fn attack_s7_a_new_node_catches_up_among_liars() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let honest = world.node("honest", &[]).await?;
    let mut miner = SteppedMiner::connect(&honest.endpoints.stratum, &devnet_user("honest")?).await?;
    let mut ids = Vec::new();
    for _ in 0..CHAIN_LEN {
        ids.push(share_id(&miner.mine_one().await?)?);
    }
    let (mut asker, peer) = hostile_at(&honest, polite).await?;
    let Response::Shares { shares } = asker.answer_of(&peer, &Request::Shares { ids }).await? else {
        anyhow::bail!("no shares")
    };
    ensure_eq(&shares.len(), &CHAIN_LEN, "shares of the honest node")?;
    drop(asker);

    let mut liars = JoinSet::new();
    let (mut peers, mut expected) = (honest.endpoints.p2p.clone(), Vec::new());
    for lie in Lie::ALL {
        let shares = shares.clone();
        let mut liar = Hostile::new(params_id()?, move |request| lie.answer(request, &shares))?;
        peers.push(liar.listen().await?.to_string());
        expected.extend(reason(lie).map(|reason| (liar.id(), reason)));
        liars.spawn(async move {
            loop {
                liar.next().await;
            }
        });
    }
    let options = NodeOptions { parent_rpc: world.devnet.rpc.clone(), peers, ..NodeOptions::default() };
    let mut fresh = world.place.node("fresh", &options).await?;
    let height = agree(&[&fresh, &honest], SYNC_MAX).await?;
    anyhow::ensure!(height > 0 && fresh.is_running());
    for (id, reason) in &expected {
        wait_for(&format!("a ban because it {reason}"), PATIENCE, async || {
            let bans = fresh.api.bans().await?.data;
            Ok(bans.iter().any(|ban| ban.subject == *id && ban.reason.contains(reason)).then_some(()))
        })
        .await?;
    }
    wait_for("work for miners", WORK_MAX, async || Ok(fresh.api.status().await?.mining.then_some(()))).await?;
    // Shares that no share of the best chain merged were sent by a liar, and did not enter; and the two are of one network.
    let status = fresh.api.status().await?;
    let in_past = fresh.api.share(&status.share_tip).await?.count;
    ensure_eq(&u64::try_from(status.shares)?, &in_past, "shares beside those in the past of the tip")?;
    let id = miner.mine_one().await?;
    super::arrives(&id, &fresh).await?;
    // Who only stalls is not: nobody can tell it from a cut line.
    for ban in fresh.api.bans().await?.data {
        let is_known = expected.iter().any(|(id, _)| *id == ban.subject);
        anyhow::ensure!(is_known, "{} is banned: {}", ban.subject, ban.reason);
    }
    let honest_id = honest.api.status().await?.peer_id;
    anyhow::ensure!(fresh.api.peers().await?.data.iter().any(|peer| peer.peer_id == honest_id), "the honest one stays");
    liars.shutdown().await;
    fresh.stop().await?;
    honest.stop().await
}
