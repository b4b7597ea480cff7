//! A backup of a node at work is the node: what miners were told before it is kept, wherever it is put back.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, ensure};
use serde_json::Value;
use testnet::{miner::devnet_user, process::NodeOptions};
use tests::{SteppedMiner, World, ensure_eq, wait_for};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);

/// What `poolnode db` answers about the only lane of a node with this configuration and this folder.
async fn db(world: &World, order: &str, dir: &Path, (config, data_dir): (&Path, &Path)) -> anyhow::Result<Value> {
    let mut command = world.place.command("poolnode");
    command.args(["--json", "db", order]).arg(dir).arg("--config").arg(config).arg("--data-dir").arg(data_dir);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = timeout(PATIENCE, command.output()).await.with_context(|| format!("db {order} does not end"))??;
    ensure!(output.status.success(), "db {order}: {}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    ensure_eq(&answer["meta"]["count"], &1.into(), "one lane")?;
    Ok(answer["data"][0].clone())
}

#[tokio::test]
async fn a_backup_of_a_public_node_at_work_has_every_share_that_was_acknowledged() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let config: PathBuf = world.place.folder("node.toml");
    let text = format!("chain = \"devnet\"\n[parent]\nrpc_url = {:?}\n[api]\npublic = true\n", world.devnet.rpc);
    std::fs::write(&config, text)?;
    let options = NodeOptions { config: Some(config.clone()), ..NodeOptions::default() };
    let (before, copy, after) =
        (world.place.folder("node"), world.place.folder("copy"), world.place.folder("restored"));
    let node = world.place.node("node", &options).await?;
    let mut stepped = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("stepped")?).await?;
    let mut acknowledged = Vec::new();
    for _ in 0..3 {
        acknowledged.push(stepped.mine_one().await?);
    }
    // It goes on mining until the node stops.
    let miner = world.miner("busy", &node)?;
    wait_for("shares of another miner", PATIENCE, async || {
        Ok((node.api.status().await?.shares > acknowledged.len()).then_some(()))
    })
    .await?;
    acknowledged.push(stepped.mine_one().await?);

    let done = db(&world, "backup", &copy, (&config, &before)).await?;
    ensure_eq(&done["online"], &true.into(), "the running node was asked")?;
    ensure_eq(&(&done["damaged"], &done["foreign"]), &(&0.into(), &0.into()), "nothing was left out")?;
    ensure!(done["shares"].as_u64() > u64::try_from(acknowledged.len()).ok(), "not all shares: {done}");
    ensure!(!copy.join("restoring").exists() && !copy.join("api.cookie").exists(), "what is not of a backup");
    miner.stop().await;
    node.stop().await?;

    let restored = db(&world, "restore", &copy, (&config, &after)).await?;
    ensure_eq(&restored["shares"], &done["shares"], "all shares are put back")?;
    let key = |folder: &Path| std::fs::read(folder.join("node.key"));
    ensure_eq(&key(&after)?, &key(&before)?, "the identity")?;
    let node = world.place.node("restored", &options).await?;
    for id in &acknowledged {
        let share = node.api.share(id).await.with_context(|| format!("share {id}"))?;
        ensure_eq(&share.id, id, "the share is there")?;
    }
    node.stop().await
}
