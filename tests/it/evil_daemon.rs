//! A daemon that lies, stalls and shouts: the node says what is wrong within seconds, keeps its memory, and goes on by itself
//! when the daemon behaves again.

use std::time::Duration;

use serde_json::{Value, json};
use testnet::{
    miner::devnet_user,
    process::{NodeOptions, NodeProcess},
};
use tests::{
    SteppedMiner, World, ensure_eq,
    evil_daemon::{Deed, EvilDaemon, Misbehaviour},
    wait_for,
};

/// Time in which the node has to say that something is wrong.
const NOTICED_IN: Duration = Duration::from_secs(10);
/// Time in which it has to go on.
const RECOVERED_IN: Duration = Duration::from_secs(30);
/// What all of it may cost in memory for good.
const GROWTH_MAX: u64 = 64 << 20;

const TEMPLATE: Option<&str> = Some("getblocktemplate");
const BEST: Option<&str> = Some("getbestblockhash");
const HASH: Option<&str> = Some("getblockhash");
const HEADER: Option<&str> = Some("getblockheader");

fn misbehaviour(method: Option<&'static str>, deed: Deed) -> Misbehaviour {
    Misbehaviour { method, deed }
}

/// A template with one field that cannot be.
fn with(field: &'static str, value: Value) -> Misbehaviour {
    misbehaviour(TEMPLATE, Deed::Change(vec![(field, value)]))
}

/// What it does, and what the node has to say of it.
fn misbehaviours() -> Vec<(&'static str, Misbehaviour, &'static str)> {
    let nobodys = "11".repeat(32);
    let transaction = json!({"data": "00", "txid": nobodys, "hash": nobodys, "fee": 0, "sigops": 0, "weight": 4});
    let many: Vec<Value> = vec![transaction; 150_000];
    vec![
        ("silence", misbehaviour(None, Deed::Silence), "answer"),
        ("hangs up", misbehaviour(None, Deed::HangUp), "no daemon answers"),
        ("drips", misbehaviour(BEST, Deed::Drip), "did not answer"),
        ("endless answer", misbehaviour(BEST, Deed::Endless), "longer than"),
        ("huge template", misbehaviour(TEMPLATE, Deed::Huge(40 << 20)), "longer than"),
        ("huge hash", misbehaviour(BEST, Deed::Huge(40 << 20)), "longer than"),
        ("no JSON", misbehaviour(None, Deed::Plain(200, "<html>hello</html>")), "<html>"),
        ("full work queue", misbehaviour(None, Deed::Plain(500, "Work queue depth exceeded")), "Work queue depth"),
        ("wrong password", misbehaviour(None, Deed::Plain(401, "")), "refuses our user"),
        ("redirect", misbehaviour(None, Deed::Plain(302, "")), "makes no sense"),
        ("warming up", misbehaviour(None, Deed::Error(-28, "Loading block index\u{2026}")), "Loading block index"),
        ("syncing", misbehaviour(TEMPLATE, Deed::Error(-10, "is in initial sync")), "is in initial sync"),
        ("no peers", misbehaviour(TEMPLATE, Deed::Error(-9, "is not connected!")), "is not connected"),
        ("no template", misbehaviour(TEMPLATE, Deed::Result(Value::Null)), "not understood"),
        ("wrong types", with("version", json!("x")), "not understood"),
        ("negative value", with("coinbasevalue", json!(-1)), "not understood"),
        ("too much value", with("coinbasevalue", json!(1_u64 << 63)), "more than there can be"),
        ("easy bits", with("bits", json!("207fffff")), "easier than any block"),
        ("no bits", with("bits", json!("00000000")), "no target"),
        ("no height", with("height", json!(0)), "height is zero"),
        ("impossible height", with("height", json!(1_u64 << 33)), "not understood"),
        ("no previous block", with("previousblockhash", json!("zz")), "no block hash"),
        ("unknown previous block", with("previousblockhash", json!(nobodys)), "Block not found"),
        ("too many transactions", with("transactions", json!(many)), "too long"),
        ("half a transaction", with("transactions", json!([{"data": "0", "hash": nobodys}])), "not hexadecimal"),
        ("strange commitment", with("default_witness_commitment", json!("6a00")), "of an unknown form"),
        ("unknown rule", with("rules", json!(["!heresy"])), "heresy"),
        ("long flags", with("coinbaseaux", json!({"flags": "00".repeat(40)})), "longer than 31 bytes"),
        ("wrong chain", misbehaviour(HASH, Deed::Result(json!(nobodys))), "another chain"),
        ("false header", misbehaviour(HEADER, Deed::Result(json!("00".repeat(80)))), "another hash"),
        ("short header", misbehaviour(HEADER, Deed::Result(json!("00"))), "no header of 80 bytes"),
        (
            "another network",
            misbehaviour(Some("getblockchaininfo"), Deed::Result(json!({"chain": "main", "blocks": 1}))),
            "on the network",
        ),
        (
            "behind",
            misbehaviour(Some("getblockchaininfo"), Deed::Result(json!({"blocks": 1, "headers": 900_000}))),
            "still syncing",
        ),
    ]
}

/// Misbehaviours that are only looked for when a daemon is met.
const AT_THE_START: [&str; 5] = ["wrong chain", "another network", "behind", "false header", "short header"];

async fn problem(node: &NodeProcess) -> anyhow::Result<Option<String>> {
    Ok(node.api.status().await?.parent.problem)
}

#[tokio::test]
async fn whatever_a_daemon_does_the_node_says_so_and_recovers() -> anyhow::Result<()> {
    let world = World::new(1).await?;
    let daemon = EvilDaemon::before(&world.devnet.rpc).await?;
    let options = NodeOptions { parent_rpc: daemon.url.clone(), ..NodeOptions::default() };
    let mut node = world.place.node("node", &options).await?;
    // The first block of a chain has no work to show; the second has.
    let mut miner = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("miner")?).await?;
    wait_for("a block", Duration::from_secs(120), async || {
        miner.mine_one().await?;
        Ok((node.api.status().await?.parent.height > Some(0)).then_some(()))
    })
    .await?;
    let before = node.resident_bytes()?;
    let all = misbehaviours();
    anyhow::ensure!(all.len() >= 20);
    for (name, misbehaviour, words) in all {
        if AT_THE_START.contains(&name) {
            // Met anew, as after a restart of the daemon.
            daemon.turn(Misbehaviour { method: None, deed: Deed::HangUp });
            wait_for("the daemon to be gone", NOTICED_IN, async || problem(&node).await).await?;
        }
        daemon.turn(misbehaviour);
        let said =
            wait_for(name, NOTICED_IN, async || Ok(problem(&node).await?.filter(|problem| problem.contains(words))))
                .await;
        anyhow::ensure!(said.is_ok(), "{name}: {said:?}, the node says {:?}", problem(&node).await);
        anyhow::ensure!(node.is_running(), "{name}");
        daemon.behave();
        wait_for(&format!("recovery from {name}"), RECOVERED_IN, async || {
            Ok(problem(&node).await?.is_none().then_some(()))
        })
        .await?;
    }
    let growth = node.resident_bytes()?.saturating_sub(before);
    anyhow::ensure!(growth < GROWTH_MAX, "the node has grown by {growth} bytes");
    node.stop().await
}

#[tokio::test]
async fn a_daemon_that_answers_longpolls_at_once_is_not_asked_for_ever() -> anyhow::Result<()> {
    let world = World::new(3_600).await?;
    let daemon = EvilDaemon::before(&world.devnet.rpc).await?;
    daemon.turn(misbehaviour(TEMPLATE, Deed::Hurry));
    let options = NodeOptions { parent_rpc: daemon.url.clone(), ..NodeOptions::default() };
    let node = world.place.node("node", &options).await?;
    wait_for("the node to be ready", RECOVERED_IN, async || Ok(problem(&node).await?.is_none().then_some(()))).await?;
    let before = (daemon.calls(), node.api.status().await?.uptime_secs);
    wait_for("five seconds", RECOVERED_IN, async || {
        Ok((node.api.status().await?.uptime_secs >= before.1 + 5).then_some(()))
    })
    .await?;
    let calls = daemon.calls() - before.0;
    anyhow::ensure!(calls <= 5 * 5, "two longpolls and two looks a second, not {calls} in five seconds");
    node.stop().await
}

#[tokio::test]
async fn a_block_survives_garbage_in_answer_to_submitblock() -> anyhow::Result<()> {
    let world = World::new(1).await?;
    let daemon = EvilDaemon::before(&world.devnet.rpc).await?;
    let options = NodeOptions { parent_rpc: daemon.url.clone(), ..NodeOptions::default() };
    let node = world.place.node("node", &options).await?;
    let submit = |deed| misbehaviour(Some("submitblock"), deed);
    let mut miner = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("miner")?).await?;
    for deed in [Deed::Result(json!(42)), Deed::Plain(500, "Work queue depth exceeded"), Deed::HangUp] {
        let found = node.api.status().await?.blocks_found;
        daemon.turn(submit(deed));
        wait_for("a block that is not taken", Duration::from_secs(120), async || {
            miner.mine_one().await?;
            let blocks: node::api::dto::List<node::api::dto::Block> = node.api.get("blocks").await?;
            Ok(blocks.data.iter().any(|block| block.status == "found").then_some(()))
        })
        .await?;
        daemon.behave();
        wait_for("the block on the chain", RECOVERED_IN, async || {
            Ok((node.api.status().await?.blocks_found > found).then_some(()))
        })
        .await?;
    }
    let blocks: node::api::dto::List<node::api::dto::Block> = node.api.get("blocks").await?;
    ensure_eq(&blocks.data.iter().filter(|block| block.status == "refused").count(), &0, "refused blocks")?;
    node.stop().await
}
