//! One node on several share chains: miners are moved on their connection, and nothing that they mined is lost.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use node::api::dto::{Lane, List, ShareEntry, Status, Switching, SwitchingOrderBody, Worker};
use serde_json::json;
use testnet::process::{DevnetProcess, NodeOptions, NodeProcess};
use tests::{SteppedMiner, World, ensure_eq, wait_for};

/// Time for something that takes a second on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// A lane that failed is returned to after a minute of health, and a daemon needs some time to start.
const RETURN_PATIENCE: Duration = Duration::from_secs(150);
const FIRST: &str = "devnet";
const SECOND: &str = "second";

/// A node with two lanes: the first on the world's devnet, the second on one inside the node.
async fn two_lanes(world: &World, switching: &str) -> anyhow::Result<NodeProcess> {
    let folder = world.place.folder("config");
    std::fs::create_dir_all(&folder)?;
    let (file, second) = (folder.join("node.toml"), folder.join("second.toml"));
    let parent = &world.devnet.rpc;
    let lane = format!("[[lane]]\nname = \"{SECOND}\"\nfile = \"second.toml\"\n");
    std::fs::write(&file, format!("[parent]\nrpc_url = \"{parent}\"\n[lanes]\n{switching}\n{lane}"))?;
    let p2p = "[p2p]\nlisten = [\"/ip4/127.0.0.1/tcp/0\"]\n";
    let embedded = "[devnet]\nlisten = \"127.0.0.1:0\"\nblock_interval_secs = 30\n";
    std::fs::write(&second, format!("chain = \"devnet\"\npassword = \"{SECOND}\"\n{embedded}{p2p}"))?;
    world.place.node("node", &NodeOptions { config: Some(file), ..NodeOptions::default() }).await
}

async fn lanes(node: &NodeProcess) -> anyhow::Result<[Lane; 2]> {
    let lanes: List<Lane> = node.api.get("lanes").await?;
    lanes.data.try_into().map_err(|lanes| anyhow::anyhow!("two lanes, not {lanes:?}"))
}

/// Waits until so many workers are on each lane.
async fn wait_for_workers(node: &NodeProcess, wanted: [usize; 2], patience: Duration) -> anyhow::Result<()> {
    wait_for(&format!("{wanted:?} workers on the lanes"), patience, async || {
        Ok((lanes(node).await?.map(|lane| lane.workers) == wanted).then_some(()))
    })
    .await
}

async fn order(world: &World, node: &NodeProcess, order: &str, body: SwitchingOrderBody) -> anyhow::Result<Switching> {
    let cookie: PathBuf = world.place.folder("node").join("api.cookie");
    Ok(node.api.switching_order(order, &body, std::fs::read_to_string(cookie)?.trim()).await?)
}

/// Own shares on a lane.
async fn shares(node: &NodeProcess, lane: &str) -> anyhow::Result<Vec<String>> {
    let shares: List<ShareEntry> = node.api.get(&format!("lanes/{lane}/shares?limit=1000")).await?;
    Ok(shares.data.into_iter().map(|share| share.id).collect())
}

fn switch(lane: &str) -> SwitchingOrderBody {
    SwitchingOrderBody {
        lane: Some(lane.to_owned()),
        reason: Some("a story".to_owned()),
        ..SwitchingOrderBody::default()
    }
}

#[tokio::test]
async fn a_move_loses_no_share_and_no_connection() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let node = two_lanes(&world, "").await?;
    let address = devnet_address()?;
    let mut stepped = SteppedMiner::connect(&node.endpoints.stratum, &address).await?;
    stepped.wait_for_work().await?;
    let on_first = stepped.mine_one().await?;
    let mut moves = Vec::new();
    for lane in [SECOND, FIRST, SECOND] {
        let started = Instant::now();
        order(&world, &node, "switch", switch(lane)).await?;
        stepped.wait_for_clean_job().await?;
        let before = shares(&node, lane).await?.len();
        stepped.mine_one().await?;
        moves.push(started.elapsed().as_secs_f64() * 1e3);
        // The faster a miner is, the fewer of its submits are shares.
        wait_for("a share on the lane", PATIENCE, async || {
            stepped.mine_one().await?;
            Ok((shares(&node, lane).await?.len() > before).then_some(()))
        })
        .await?;
    }
    anyhow::ensure!(shares(&node, FIRST).await?.contains(&on_first), "what was mined before is where it was mined");
    println!("{}", json!({"moves": moves.len(), "order_to_first_submit_ms": moves}));

    // The same with a miner that never waits.
    let miner = world.miner("miner", &node)?;
    wait_for_workers(&node, [0, 2], PATIENCE).await?;
    for lane in [FIRST, SECOND, FIRST] {
        order(&world, &node, "switch", switch(lane)).await?;
        let before = shares(&node, lane).await?.len();
        wait_for(
            "shares on the lane",
            PATIENCE,
            async || Ok((shares(&node, lane).await?.len() > before).then_some(())),
        )
        .await?;
    }
    miner.stop().await;
    let status: Status = node.api.status().await?;
    ensure_eq(&(status.submits.rejected, status.submits.stale), &(0, 0), "refused submits")?;
    let unpinned = order(&world, &node, "release", SwitchingOrderBody::default()).await?;
    ensure_eq(&unpinned.manual_lane, &None, "released")?;
    let unknown = order(&world, &node, "switch", switch("nobody")).await.unwrap_err().to_string();
    anyhow::ensure!(unknown.contains("there is no lane \"nobody\"; known are devnet, second"), "{unknown}");
    node.stop().await
}

#[tokio::test]
async fn a_lane_whose_daemon_dies_is_left_and_returned_to_and_no_miner_is_disconnected() -> anyhow::Result<()> {
    let mut world = World::new(30).await?;
    let node = two_lanes(&world, "profile = \"aggressive\"").await?;
    let _miner = world.miner("miner", &node)?;
    wait_for_workers(&node, [1, 0], PATIENCE).await?;
    let port: u16 = world.devnet.rpc.rsplit(':').next().unwrap_or_default().trim_end_matches('/').parse()?;
    let started = Instant::now();
    world.devnet.stop().await?;
    wait_for_workers(&node, [0, 1], PATIENCE).await?;
    println!("{}", json!({"left_after_ms": started.elapsed().as_secs_f64() * 1e3}));
    let before = shares(&node, SECOND).await?.len();
    wait_for("shares on the other lane", PATIENCE, async || {
        Ok((shares(&node, SECOND).await?.len() > before).then_some(()))
    })
    .await?;
    let switching: Switching = node.api.get("switching").await?;
    ensure_eq(&(switching.lanes[0].health.as_str(), switching.lanes[0].is_out), &("failed", true), "the lane")?;
    anyhow::ensure!(switching.why.is_some_and(|why| why.starts_with("devnet failed")), "why");

    let _again: DevnetProcess = world.place.devnet_at(port, 30).await?;
    wait_for_workers(&node, [1, 0], RETURN_PATIENCE).await?;
    let connected = node.api.workers().await?.data.first().map(|worker| worker.connected_secs);
    anyhow::ensure!(connected.is_some_and(|secs| secs >= 60), "the same connection all the time: {connected:?}");
    node.stop().await
}

#[tokio::test]
async fn prices_move_miners_when_it_is_live_and_nobody_in_a_dry_run() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let mut prices = String::new();
    for (coin, price) in [("A", "1.00"), ("B", "1.50")] {
        for source in ["one", "two"] {
            let file = world.place.folder(&format!("{coin}-{source}"));
            std::fs::write(&file, price)?;
            prices.push_str(&format!("[[price]]\ncoin = \"{coin}\"\nfile = {file:?}\n"));
        }
    }
    let switching = "profile = \"aggressive\"\ntick_secs = 1\njitter_secs = 0\nswitch_cost_ms = 10";
    let coins = format!("coins = [\"{FIRST}=A\", \"{SECOND}=B\"]");
    let node = two_lanes(&world, &format!("{switching}\n{coins}\n{prices}")).await?;
    let _miner = world.miner("miner", &node)?;
    wait_for_workers(&node, [1, 0], PATIENCE).await?;
    let look = async || node.api.get::<Switching>("switching").await;
    wait_for("the policy to want the other lane", PATIENCE, async || {
        let lanes = look().await?.lanes;
        Ok((lanes[1].wanted_percent >= 99.0).then_some(()))
    })
    .await?;
    ensure_eq(&look().await?.lanes[1].weight_percent.to_string(), &"0".to_owned(), "a dry run moves nobody")?;
    ensure_eq(&shares(&node, SECOND).await?.len(), &0, "no share there")?;

    let started = Instant::now();
    let live = SwitchingOrderBody { state: Some("live".to_owned()), ..SwitchingOrderBody::default() };
    ensure_eq(
        &order(&world, &node, "state", live).await?.lanes[1].weight_percent.to_string(),
        &"100".to_owned(),
        "live",
    )?;
    wait_for("a share on the other lane", PATIENCE, async || {
        Ok((!shares(&node, SECOND).await?.is_empty()).then_some(()))
    })
    .await?;
    println!("{}", json!({"live_to_first_share_ms": started.elapsed().as_secs_f64() * 1e3}));
    let status: Status = node.api.status().await?;
    ensure_eq(&(status.submits.rejected, status.submits.stale), &(0, 0), "refused submits")?;
    let explained =
        world.place.command("poolnode").args(["--api", &node.endpoints.api, "lanes", "explain"]).output().await?;
    let text = String::from_utf8_lossy(&explained.stdout).into_owned();
    anyhow::ensure!(text.contains("what the lanes are thought to pay") && text.contains(SECOND), "{text}");
    node.stop().await
}

#[tokio::test]
async fn groups_of_workers_are_where_the_operator_wants_them() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let targets = format!("targets = [\"{FIRST}=100\"]\ngroup_targets = [\"farm:{SECOND}=100\"]");
    let at_once = "state = \"LIVE\"\ntick_secs = 1\njitter_secs = 0";
    let node = two_lanes(&world, &format!("mode = \"BALANCE_LOAD\"\n{at_once}\n{targets}")).await?;
    let address = devnet_address()?;
    let mut farm = SteppedMiner::connect(&node.endpoints.stratum, &format!("{address}.farm-1")).await?;
    let mut rig = SteppedMiner::connect(&node.endpoints.stratum, &format!("{address}.rig")).await?;
    for miner in [&mut farm, &mut rig] {
        miner.wait_for_work().await?;
    }
    // Who connects before the second lane is ready is moved when it is known how fast he is.
    wait_for("a worker on each lane", PATIENCE, async || {
        for miner in [&mut farm, &mut rig] {
            miner.mine_one().await?;
        }
        Ok((lanes(&node).await?.map(|lane| lane.workers) == [1, 1]).then_some(()))
    })
    .await?;
    let there: List<Worker> = node.api.get(&format!("lanes/{SECOND}/workers")).await?;
    ensure_eq(
        &there.data.iter().map(|worker| worker.worker.as_str()).collect(),
        &vec!["farm-1"],
        "on the second lane",
    )?;
    for (miner, lane) in [(&mut farm, SECOND), (&mut rig, FIRST)] {
        wait_for("a share on the lane of the group", PATIENCE, async || {
            miner.mine_one().await?;
            Ok((!shares(&node, lane).await?.is_empty()).then_some(()))
        })
        .await?;
    }
    node.stop().await
}

/// An address of the devnet.
fn devnet_address() -> anyhow::Result<String> {
    let profile = node::ChainProfile::find("devnet", None)?;
    profile.addresses.format(&sharechain::PayoutScript::p2wpkh(&[7; 20])).ok_or_else(|| anyhow::anyhow!("no address"))
}
