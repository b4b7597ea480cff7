//! A pool at work: three nodes, one share chain, blocks that pay the miners.

use std::{collections::BTreeMap, time::Duration};

use node::api::dto::Weight;
use testnet::{
    audit::{self, Daemon, Paid},
    miner::devnet_user,
    process::NodeProcess,
};
use tests::{SteppedMiner, World, agree, ensure_eq, wait_for};

/// Checks every block of the parent chain against every node, and that nothing was lost or made.
async fn audit_all(daemon: &Daemon, nodes: &[&NodeProcess]) -> anyhow::Result<Vec<Paid>> {
    let blocks = daemon.blocks().await?;
    for block in &blocks {
        for node in nodes {
            let difference = audit::differs(&node.api, block).await?;
            ensure_eq(&difference, &None, &node.name)?;
            let share = node.api.share(&block.hash).await?;
            ensure_eq(&block.outputs.values().sum(), &share.coinbase_value, "outputs sum to the reward")?;
        }
    }
    Ok(blocks)
}

fn by_script(weights: &[Weight]) -> BTreeMap<String, u128> {
    weights.iter().map(|weight| (weight.script.clone(), weight.work)).collect()
}

/// Blocks that pay at least `miners` scripts.
fn paying(blocks: &[Paid], miners: usize) -> usize {
    blocks.iter().filter(|block| block.outputs.len() >= miners).count()
}

#[tokio::test]
async fn three_nodes_find_blocks_that_pay_what_every_node_computes() -> anyhow::Result<()> {
    let mut world = World::new(5).await?;
    let daemon = Daemon::new(&world.devnet.rpc)?;
    let one = world.node("one", &[]).await?;
    let two = world.node("two", &[&one]).await?;
    let three = world.node("three", &[&one, &two]).await?;
    let miners = [world.miner("alice", &one)?, world.miner("bob", &two)?, world.miner("carol", &three)?];
    wait_for("two blocks that pay all three miners", Duration::from_secs(240), async || {
        Ok((paying(&daemon.blocks().await?, 3) >= 2).then_some(()))
    })
    .await?;

    // A power cut for one node, while the others go on.
    let height_before = three.api.status().await?.share_height;
    three.kill().await?;
    wait_for("the others to go on", Duration::from_secs(60), async || {
        Ok((one.api.status().await?.share_height > height_before + 3).then_some(()))
    })
    .await?;
    // Alone, so that what it has can only come from its own disk.
    let three = world.closed_node("three", &[]).await?;
    let loaded = three.api.status().await?.share_height;
    anyhow::ensure!(loaded + 3 >= height_before, "restarted at {loaded}, had {height_before}");
    three.stop().await?;
    let three = world.node("three", &[&one, &two]).await?;
    // And one that has never seen anything.
    let four = world.node("four", &[&two]).await?;
    for miner in miners {
        miner.stop().await;
    }
    let nodes = [&one, &two, &three, &four];
    let height = agree(&nodes, Duration::from_secs(60)).await?;
    anyhow::ensure!(height > height_before);

    let blocks = audit_all(&daemon, &nodes).await?;
    anyhow::ensure!(paying(&blocks, 3) >= 2);
    let mut next = Vec::new();
    for node in nodes {
        let payouts = node.api.payouts().await?;
        next.push((payouts.payout_share, by_script(&payouts.weights)));
        let blocks_found = wait_for("all blocks to be confirmed", Duration::from_secs(20), async || {
            let found = node.api.status().await?.blocks_found;
            Ok((found == blocks.len() as u64).then_some(found))
        });
        blocks_found.await?;
    }
    anyhow::ensure!(next.windows(2).all(|pair| pair[0] == pair[1]), "{next:?}");
    ensure_eq(&next[0].1.len(), &3, "all three miners have weight")?;
    for node in [one, two, three, four] {
        node.stop().await?;
    }
    world.devnet.stop().await
}

#[tokio::test]
async fn a_share_crosses_a_node_that_only_relays() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let near = world.closed_node("near", &[]).await?;
    let relay = world.closed_node("relay", &[&near]).await?;
    let far = world.closed_node("far", &[&relay]).await?;
    let mut miner = SteppedMiner::connect(&near.endpoints.stratum, &devnet_user("alice")?).await?;
    // Sync would bring the shares as well, but later and without being counted as gossip.
    wait_for("gossip at the far end", Duration::from_secs(60), async || {
        miner.mine_one().await?;
        Ok((far.api.status().await?.shares_gossiped > 0).then_some(()))
    })
    .await?;
    agree(&[&near, &relay, &far], Duration::from_secs(30)).await?;
    ensure_eq(&far.api.status().await?.peers, &1, "the far node knows the relay only")?;
    for node in [far, relay, near] {
        node.stop().await?;
    }
    Ok(())
}
