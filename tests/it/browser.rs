//! The dashboard in a real browser: a node with two lanes that mines with a peer far away, looked at by Chromium. Skipped, loudly, where Chromium,
//! Node.js or the packages of the dashboard are not installed.
//!
//! What is looked at stands in `node/dashboard/browser/node.test.mjs`. `SCREENSHOTS` names a folder for pictures of every page.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::Context;
use testnet::process::{NodeOptions, NodeProcess};
use tests::{World, wait_for};
use tokio::{process::Command, time::timeout};

/// Where Debian's package puts it; the stories themselves take another from `CHROMIUM`.
const CHROMIUM: &str = "/usr/bin/chromium";
/// Time for every page in every size on a busy machine.
const BROWSER_PATIENCE: Duration = Duration::from_secs(360);
/// Time for something that takes seconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(90);

fn dashboard() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../node/dashboard")
}

/// Why the story cannot be told here.
async fn missing() -> Option<&'static str> {
    if !Path::new(&std::env::var("CHROMIUM").unwrap_or_else(|_| CHROMIUM.to_owned())).exists() {
        return Some("chromium is not installed: apt-get install chromium");
    }
    let node = Command::new("node").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().await;
    if !node.is_ok_and(|status| status.success()) {
        return Some("node is not installed");
    }
    let packages = dashboard().join("node_modules/playwright-core");
    (!packages.exists()).then_some("the dashboard's packages are not installed: (cd node/dashboard && npm ci)")
}

#[tokio::test]
async fn a_browser_shows_every_page_of_a_mining_node_and_what_happens_live() -> anyhow::Result<()> {
    if let Some(why) = missing().await {
        eprintln!("SKIPPED: the stories in a browser, because {why}");
        return Ok(());
    }
    let world = World::new(5).await?;
    let far = place_in(&world, "far", "AS", &[], None).await?;
    let node = place_in(&world, "node", "EU", &far.endpoints.p2p, Some(two_lanes(&world)?)).await?;
    let _miner = world.miner("garage", &node)?;
    let _other = world.miner("elsewhere", &far)?;
    wait_for("a miner, a peer and a block of the pool", PATIENCE, async || {
        let status = node.api.status().await?;
        Ok((status.miners == 1 && status.peers == 1 && status.blocks_found > 0).then_some(()))
    })
    .await?;

    let looked = Command::new("node")
        .args(["--test", "--test-concurrency=1", "browser/node.test.mjs"])
        .current_dir(dashboard())
        .env("POOLNODE_URL", &node.endpoints.api)
        .kill_on_drop(true)
        .output();
    let looked = timeout(BROWSER_PATIENCE, looked).await.context("the browser took too long")??;
    let said = String::from_utf8_lossy(&looked.stdout);
    anyhow::ensure!(looked.status.success(), "{said}\n{}", world.place.log_end("node"));
    // A run that found no test, or skipped all, has looked at nothing.
    anyhow::ensure!(said.contains("# skipped 0") && !said.contains("# pass 0"), "{said}");
    Ok(())
}

/// The configuration of a node with a second pool on the devnet; it is not mined on.
fn two_lanes(world: &World) -> anyhow::Result<PathBuf> {
    let (node, lane) = (world.place.folder("node.toml"), world.place.folder("second.toml"));
    let parent = format!("chain = \"devnet\"\n[parent]\nrpc_url = \"{}\"\n", world.devnet.rpc);
    std::fs::write(&node, format!("{parent}[[lane]]\nname = \"second\"\nfile = \"second.toml\"\n"))?;
    std::fs::write(&lane, format!("password = \"second\"\n{parent}[p2p]\nlisten = [\"/ip4/127.0.0.1/tcp/0\"]\n"))?;
    Ok(node)
}

async fn place_in(
    world: &World,
    name: &str,
    region: &str,
    peers: &[String],
    config: Option<PathBuf>,
) -> anyhow::Result<NodeProcess> {
    let options = NodeOptions {
        config,
        parent_rpc: world.devnet.rpc.clone(),
        peers: peers.to_vec(),
        region: Some(region.to_owned()),
        ..NodeOptions::default()
    };
    world.place.node(name, &options).await
}
