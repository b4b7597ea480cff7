//! Found blocks whose finder cannot hand them over: its peers do.

use std::time::Duration;

use serde_json::json;
use testnet::{audit::Daemon, miner::devnet_user, process::NodeOptions};
use tests::{
    SteppedMiner, World,
    evil_daemon::{Deed, EvilDaemon, Misbehaviour},
    wait_for,
};

/// A job is good for a minute without the daemon.
const JOB_TIME: Duration = Duration::from_secs(45);
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn peers_hand_over_the_block_of_a_node_that_lost_its_daemon_and_then_its_life() -> anyhow::Result<()> {
    let world = World::new(1).await?;
    let daemon = Daemon::new(&world.devnet.rpc)?;
    let peer = world.node("peer", &[]).await?;
    let line = EvilDaemon::before(&world.devnet.rpc).await?;
    let options = NodeOptions {
        parent_rpc: line.url.clone(),
        peers: peer.endpoints.p2p.first().cloned().into_iter().collect(),
        ..NodeOptions::default()
    };
    let finder = world.place.node("finder", &options).await?;
    // Nothing is mined before: a block that the daemon still heard of would stand where the next one belongs.
    wait_for("the two to be one pool", PATIENCE, async || {
        let (finder, peer) = (finder.api.status().await?, peer.api.status().await?);
        Ok((finder.peers > 0 && finder.mining && peer.peers > 0 && peer.mining).then_some(()))
    })
    .await?;
    let mut miner = SteppedMiner::connect(&finder.endpoints.stratum, &devnet_user("stepped")?).await?;
    miner.wait_for_work().await?;
    // From here on no daemon hears of the finder.
    line.turn(Misbehaviour { method: None, deed: Deed::HangUp });
    let block = wait_for("a block", JOB_TIME, async || {
        let id = miner.mine_one().await?;
        Ok(finder.api.share(&id).await?.is_block.then_some(id))
    })
    .await?;
    wait_for("the peer to see the share", PATIENCE, async || peer.api.share(&block).await.map(Some).or(Ok(None)))
        .await?;
    finder.kill().await?;
    wait_for("the block on the parent chain", PATIENCE, async || {
        let header = daemon.call("getblockheader", json!([block])).await?;
        Ok((header["confirmations"].as_i64() > Some(0)).then_some(()))
    })
    .await?;
    peer.stop().await
}
