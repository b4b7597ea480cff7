//! What goes wrong is told, logged and over by itself; a node that is drained keeps its miners and takes no others.

use std::time::Duration;

use anyhow::Context;
use node::api::dto::{ComponentEntry, EmergencyEntry, List};
use serde_json::Value;
use testnet::{
    miner::devnet_user,
    process::{NodeOptions, NodeProcess},
};
use tests::{SteppedMiner, World, ensure_eq, wait_for};

const PATIENCE: Duration = Duration::from_secs(60);

async fn daemon(node: &NodeProcess) -> anyhow::Result<ComponentEntry> {
    let components = node.api.components().await?.data;
    components.into_iter().find(|entry| entry.component == "daemon").context("no daemon is listed")
}

/// Waits until the daemon is so.
async fn wait_for_daemon(node: &NodeProcess, health: &str) -> anyhow::Result<ComponentEntry> {
    let look = async || Ok(Some(daemon(node).await?).filter(|daemon| daemon.health == health));
    wait_for(&format!("a {health} daemon"), PATIENCE, look).await
}

async fn emergencies(node: &NodeProcess) -> anyhow::Result<Vec<EmergencyEntry>> {
    Ok(node.api.get::<List<EmergencyEntry>>("emergencies").await?.data)
}

/// What a command prints, and whether it says yes.
async fn ask(world: &World, node: &NodeProcess, arguments: &[&str]) -> anyhow::Result<(bool, String)> {
    let all = [&["--api", &node.endpoints.api], arguments].concat();
    let output = world.place.command("poolnode").args(all).output().await?;
    let text = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

#[tokio::test]
async fn a_daemon_that_dies_is_an_emergency_until_it_is_back_also_over_a_restart() -> anyhow::Result<()> {
    let mut world = World::new(30).await?;
    let node = world.node("node", &[]).await?;
    let url = wait_for_daemon(&node, "healthy").await?.subject;
    ensure_eq(&emergencies(&node).await?, &vec![], "nothing has happened")?;
    let (_, status) = ask(&world, &node, &["status"]).await?;
    anyhow::ensure!(status.contains("components are well"), "{status}");

    world.devnet.stop().await?;
    let failed = wait_for_daemon(&node, "failed").await?;
    ensure_eq(&(failed.subject.is_some(), &failed.subject), &(true, &url), "which daemon")?;
    anyhow::ensure!(failed.reason.contains("no daemon answers"), "{failed:?}");
    anyhow::ensure!(failed.action.as_deref().is_some_and(|action| action.contains("asked again")), "{failed:?}");
    let first = emergencies(&node).await?.into_iter().next().context("no emergency")?;
    let shown = (first.kind.as_str(), first.component.as_str(), &first.subject, first.ended);
    ensure_eq(&shown, &("component_failed", "daemon", &url, None), "the emergency")?;
    let (is_well, health) = ask(&world, &node, &["health"]).await?;
    anyhow::ensure!(!is_well && health.contains("failed") && health.contains("no daemon answers"), "{health}");

    let port = world.devnet.rpc.rsplit(':').next().and_then(|port| port.parse().ok());
    world.devnet = world.place.devnet_at(port.unwrap_or_default(), 30).await?;
    wait_for_daemon(&node, "healthy").await?;
    let over = wait_for("the end of the emergency", PATIENCE, async || {
        let known = emergencies(&node).await?.into_iter().find(|emergency| emergency.number == first.number);
        Ok(known.filter(|emergency| emergency.ended.is_some()))
    })
    .await?;
    anyhow::ensure!(over.ended >= Some(over.began), "{over:?}");
    node.stop().await?;

    let log = world.place.log_text("node")?;
    for event in ["component_failed", "component_recovered"] {
        let told = log.lines().filter(|line| line.contains(event) && line.contains(" daemon http")).count();
        ensure_eq(&told, &1, event)?;
    }
    let file = std::fs::read_to_string(world.place.folder("node").join("emergencies.jsonl"))?;
    let lines: Vec<Value> = file.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of_first: Vec<&Value> =
        lines.iter().filter(|line| line["number"] == first.number).map(|line| &line["event"]).collect();
    ensure_eq(&of_first, &vec![&Value::from("began"), &Value::from("ended")], "the file")?;
    let again = world.node("node", &[]).await?;
    let kept = emergencies(&again).await?.into_iter().find(|emergency| emergency.number == first.number);
    ensure_eq(&kept, &Some(over), "after a restart")?;
    let (_, json) = ask(&world, &again, &["emergencies", "--json"]).await?;
    ensure_eq(&serde_json::from_str::<Value>(&json)?["data"][0]["kind"], &"component_failed".into(), "the command")?;
    again.stop().await
}

#[tokio::test]
async fn a_drained_node_keeps_its_miners_and_takes_no_others() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let node = world.node("node", &[]).await?;
    let mut old = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("old")?).await?;
    old.mine_one().await?;
    wait_for("the miner to be counted", PATIENCE, async || Ok((node.api.status().await?.miners == 1).then_some(())))
        .await?;
    ensure_eq(&node.api.health().await?.status, &"ready".to_owned(), "before")?;

    let (done, said) = ask(&world, &node, &["drain"]).await?;
    anyhow::ensure!(done && said.contains("no new miners are taken; 1 connections"), "{said}");
    let refused = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("new")?).await;
    anyhow::ensure!(refused.is_err(), "a new miner is turned away at once");
    old.mine_one().await.context("who is there mines on")?;
    let health = node.api.health().await?;
    ensure_eq(&health.status, &"draining".to_owned(), "health")?;
    anyhow::ensure!(health.problems.iter().any(|problem| problem.starts_with("draining")), "{health:?}");
    anyhow::ensure!(node.api.status().await?.draining, "status");
    wait_for("the component to say so", PATIENCE, async || {
        let components = node.api.components().await?.data;
        let stratum = components.into_iter().find(|entry| entry.component == "stratum");
        Ok(stratum.filter(|entry| entry.health == "degraded" && entry.reason.starts_with("draining")))
    })
    .await?;

    let (done, said) = ask(&world, &node, &["drain", "--off"]).await?;
    anyhow::ensure!(done && said.contains("new miners are taken"), "{said}");
    let mut new = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("new")?).await?;
    new.mine_one().await?;
    ensure_eq(&node.api.health().await?.status, &"ready".to_owned(), "after")?;
    let cookie = "no such cookie";
    let refused = node.api.post::<Value>("drain", &serde_json::json!({"on": true}), cookie).await;
    anyhow::ensure!(refused.is_err() && !node.api.status().await?.draining, "orders need the cookie");
    node.stop().await
}

#[tokio::test]
async fn a_pause_ends_where_it_began() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let node = world.node("node", &[]).await?;
    let (done, said) = ask(&world, &node, &["resume"]).await?;
    anyhow::ensure!(!done && said.contains("nothing was paused"), "{said}");
    let before = node.api.get::<Value>("switching").await?["state"].clone();
    for (order, state) in [("pause", Value::from("PAUSED")), ("pause", "PAUSED".into()), ("resume", before)] {
        let (done, said) = ask(&world, &node, &[order, "--json"]).await?;
        ensure_eq(&(done, &serde_json::from_str::<Value>(&said)?["state"]), &(true, &state), order)?;
    }
    node.stop().await
}

/// A full disk is where logs go wrong first; here it is a folder where the file should be.
#[tokio::test]
async fn a_log_that_cannot_be_written_costs_no_share() -> anyhow::Result<()> {
    let mut world = World::new(30).await?;
    std::fs::create_dir_all(world.place.folder("node").join("emergencies.jsonl"))?;
    let options = NodeOptions { parent_rpc: world.devnet.rpc.clone(), ..NodeOptions::default() };
    let node = world.place.node("node", &options).await?;
    let mut miner = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("miner")?).await?;
    miner.mine_one().await?;
    world.devnet.stop().await?;
    wait_for("the emergency in memory", PATIENCE, async || Ok((!emergencies(&node).await?.is_empty()).then_some(())))
        .await?;
    miner.mine_one().await.context("miners keep their job for a minute")?;
    wait_for("a word about the file", PATIENCE, async || {
        Ok(world.place.log_text("node")?.contains("emergencies_unwritten").then_some(()))
    })
    .await?;
    node.stop().await
}
