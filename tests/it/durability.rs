//! What a miner was told is kept: a share that was answered with `true` survives the death of the node.

use std::time::Duration;

use anyhow::Context;
use testnet::miner::devnet_user;
use tests::{SteppedMiner, World, ensure_eq, wait_for};

#[tokio::test]
async fn an_acknowledged_share_survives_a_kill() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let mut acknowledged = Vec::new();
    for round in 0..5 {
        let node = world.node("node", &[]).await?;
        let mut miner = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("stepped")?).await?;
        for _ in 0..=round {
            acknowledged.push(miner.mine_one().await?);
        }
        // Not a moment after the answer.
        node.kill().await?;
    }
    let node = world.node("node", &[]).await?;
    for id in &acknowledged {
        let share = node.api.share(id).await?;
        ensure_eq(&share.id, id, "the share is there")?;
    }
    ensure_eq(&node.api.status().await?.shares, &acknowledged.len(), "and nothing else")?;
    node.stop().await
}

#[tokio::test]
async fn a_node_stops_within_seconds_and_comes_back_where_it_was() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let node = world.node("node", &[]).await?;
    let mut miner = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("stepped")?).await?;
    for _ in 0..3 {
        miner.mine_one().await?;
    }
    let before = node.api.status().await?;
    let (peer_id, tip) = (before.peer_id, before.share_tip);
    node.stop().await?;
    let node = world.node("node", &[]).await?;
    let after = node.api.status().await?;
    ensure_eq(&(after.peer_id, after.share_tip), &(peer_id, tip), "same identity, same tip")?;
    // A miner that reconnects gets work at once.
    let mut miner = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("stepped")?).await?;
    miner.mine_one().await.context("mining goes on")?;
    node.stop().await
}

#[tokio::test]
async fn a_found_block_outlives_the_daemon_that_could_not_take_it() -> anyhow::Result<()> {
    // A block a second: the miner finds one before its job is too old.
    let mut world = World::new(1).await?;
    let node = world.node("node", &[]).await?;
    let mut miner = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("stepped")?).await?;
    // The miner has work; now the daemon dies, and comes back on the same port.
    miner.wait_for_work().await?;
    let port = world.devnet.rpc.rsplit(':').next().and_then(|port| port.parse().ok());
    let port: u16 = port.ok_or_else(|| anyhow::anyhow!("no port in {}", world.devnet.rpc))?;
    world.devnet.stop().await?;
    let block = wait_for("a block nobody can take", Duration::from_secs(45), async || {
        let id = miner.mine_one().await?;
        Ok(node.api.share(&id).await?.is_block.then_some(id))
    })
    .await?;
    // It was acknowledged, so not even a power cut loses it.
    node.kill().await?;
    let _devnet = world.place.devnet_at(port, 1).await?;
    let node = world
        .place
        .node(
            "node",
            &testnet::process::NodeOptions { parent_rpc: format!("http://127.0.0.1:{port}"), ..Default::default() },
        )
        .await?;
    wait_for("the block to be confirmed", Duration::from_secs(30), async || {
        let blocks: node::api::dto::List<node::api::dto::Block> = node.api.get("blocks").await?;
        Ok(blocks.data.iter().any(|found| found.hash == block && found.status == "confirmed").then_some(()))
    })
    .await?;
    node.stop().await
}
