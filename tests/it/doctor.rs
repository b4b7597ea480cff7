//! `poolnode doctor`: a healthy node is well, and each of the likeliest mistakes is named with what to do.

use std::{path::Path, time::Duration};

use anyhow::Context;
use serde_json::{Value, json};
use testnet::process::Place;
use tests::{
    SteppedMiner, World, ensure_eq,
    evil_daemon::{Deed, EvilDaemon, Misbehaviour},
    wait_for,
};
use tokio::net::TcpListener;

/// Any free ports, so that other tests are not in the way.
const ANY_PORTS: [&str; 6] =
    ["--stratum-listen", "127.0.0.1:0", "--api-listen", "127.0.0.1:0", "--p2p-listen", "/ip4/127.0.0.1/tcp/0"];
/// Nothing listens here.
const NOWHERE: &str = "http://127.0.0.1:1";

/// What `doctor` says of a configuration, and whether it is well. Flags given twice are taken from `flags`.
async fn doctor(place: &Place, data_dir: &Path, flags: &[&str]) -> anyhow::Result<(bool, Value)> {
    let mut command = place.command("poolnode");
    command.args(["--api", NOWHERE, "doctor", "--json", "--data-dir"]).arg(data_dir).args(flags);
    let given = |flag: &str| flags.contains(&flag);
    for pair in ANY_PORTS.chunks(2).filter(|pair| !given(pair[0])) {
        command.args(pair);
    }
    let output = command.output().await?;
    let said = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("no JSON; stderr: {}", String::from_utf8_lossy(&output.stderr)))?;
    ensure_eq(&output.status.code(), &Some(i32::from(said_errors(&said) > 0)), "exit code")?;
    Ok((output.status.success(), said))
}

fn said_errors(said: &Value) -> u64 {
    said["meta"]["errors"].as_u64().unwrap_or(u64::MAX)
}

/// Severity of the check, the first one where there are several.
fn finding<'a>(said: &'a Value, check: &str) -> anyhow::Result<&'a Value> {
    let all = said["data"].as_array().context("no list")?;
    all.iter().find(|found| found["check"] == *check).with_context(|| format!("no {check}: {said:#}"))
}

fn ensure(said: &Value, check: &str, severity: &str, words: &str) -> anyhow::Result<()> {
    let found = finding(said, check)?;
    let text = format!("{} {} {}", found["finding"], found["cause"], found["fix"]);
    anyhow::ensure!(found["severity"] == *severity && text.contains(words), "{check}, {severity}, {words}: {found:#}");
    Ok(())
}

#[tokio::test]
async fn a_healthy_node_is_well_while_it_runs_and_when_it_has_stopped() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let node = world.node("node", &[]).await?;
    let user = testnet::miner::devnet_user("alice")?;
    SteppedMiner::connect(&node.endpoints.stratum, &user).await?.mine_one().await?;
    wait_for("the node to be ready", Duration::from_secs(20), async || {
        Ok(node.api.status().await?.mining.then_some(()))
    })
    .await?;
    let config = world.place.folder("doctor.toml");
    let address = user.split('.').next().unwrap_or_default();
    std::fs::write(&config, format!("[stratum]\ndefault_address = {address:?}\n"))?;
    let config = config.to_string_lossy().into_owned();
    let flags = ["--parent-rpc", &world.devnet.rpc, "--config", &config];
    let dir = world.place.folder("node");
    // A second after the first block of a chain its time is still ahead of the clock, and nothing can be compared.
    let (is_well, said) = wait_for("a clock to compare with", Duration::from_secs(20), async || {
        let (is_well, said) = doctor(&world.place, &dir, &flags).await?;
        let is_compared = finding(&said, "clock")?["severity"] != "skipped";
        Ok(is_compared.then_some((is_well, said)))
    })
    .await?;
    anyhow::ensure!(is_well, "{said:#}");
    for check in [
        "node",
        "rpc",
        "chain",
        "sync",
        "template",
        "longpoll",
        "clock",
        "payout-address",
        "share-sync",
        "standing",
        "ports",
        "data-dir",
        "keys",
        "stratum-tls",
    ] {
        ensure(&said, check, "ok", "")?;
    }
    ensure(&said, "database", "ok", "in use by the running node, which holds 1 shares")?;
    ensure(&said, "zmq", "skipped", "not configured")?;
    ensure_eq(&said["meta"]["count"].as_u64(), &said["data"].as_array().map(|all| all.len() as u64), "count")?;

    // The same ports as the node has are its own.
    let stratum = node.endpoints.stratum.trim_start_matches("stratum+tcp://").to_owned();
    let (_, said) = doctor(&world.place, &dir, &[&flags[..], &["--stratum-listen", &stratum]].concat()).await?;
    ensure(&said, "ports", "ok", "in use by the running node")?;

    node.stop().await?;
    let (is_well, said) = doctor(&world.place, &dir, &flags).await?;
    anyhow::ensure!(is_well, "{said:#}");
    ensure(&said, "node", "skipped", "no node runs")?;
    ensure(&said, "database", "ok", "opens, and holds 1 shares")?;
    // Nothing was changed: it starts again, with its share.
    let node = world.node("node", &[]).await?;
    ensure_eq(&node.api.status().await?.share_height, &1, "height")?;
    node.stop().await
}

#[tokio::test]
async fn the_likeliest_mistakes_are_named_with_what_to_do() -> anyhow::Result<()> {
    let world = World::new(3_600).await?;
    let dir = world.place.folder("never-made");
    let doctor = async |flags: &[&str]| doctor(&world.place, &dir, flags).await;

    let (is_well, said) = doctor(&["--parent-rpc", NOWHERE]).await?;
    ensure_eq(&is_well, &false, "no daemon")?;
    ensure(&said, "rpc", "error", "start the daemon with -server=1")?;
    ensure(&said, "rpc", "error", "onnection refused")?;
    ensure(&said, "template", "skipped", "does not answer")?;

    let (is_well, said) = doctor(&["--chain", "bitcoin-regtest", "--parent-rpc", &world.devnet.rpc]).await?;
    ensure_eq(&is_well, &false, "another chain")?;
    ensure(&said, "rpc", "ok", "answers without a password")?;
    ensure(&said, "chain", "error", "it is a daemon of devnet")?;

    let taken = TcpListener::bind("127.0.0.1:0").await?;
    let address = taken.local_addr()?.to_string();
    let (is_well, said) = doctor(&["--parent-rpc", &world.devnet.rpc, "--stratum-listen", &address]).await?;
    ensure_eq(&is_well, &false, "a taken port")?;
    ensure(&said, "ports", "error", "another program listens here")?;
    anyhow::ensure!(finding(&said, "ports")?["subject"] == format!("miners: {address}/tcp"), "{said:#}");

    let (is_well, said) = doctor(&["--chain", "bitcoin"]).await?;
    ensure_eq(&is_well, &false, "no daemon is configured")?;
    ensure(&said, "configuration", "error", "parent.rpc_url: is missing")?;
    ensure_eq(&said["meta"]["count"], &1.into(), "count")?;

    let (is_well, said) = doctor(&["--devnet-listen", "127.0.0.1:0"]).await?;
    anyhow::ensure!(is_well, "an embedded devnet: {said:#}");
    anyhow::ensure!(!dir.exists(), "the data directory was made");
    Ok(())
}

#[tokio::test]
async fn what_a_daemon_does_wrong_is_told_by_the_check_it_belongs_to() -> anyhow::Result<()> {
    let world = World::new(3_600).await?;
    let daemon = EvilDaemon::before(&world.devnet.rpc).await?;
    let dir = world.place.folder("never-made");
    let template = Some("getblocktemplate");
    let info = |value| (Some("getblockchaininfo"), Deed::Result(value));
    let long = "x".repeat(1 << 20);
    let cases = [
        ((None, Deed::Plain(401, "")), "rpc", "error", "set parent.rpc_cookie_file"),
        ((None, Deed::Plain(200, "<html>hello</html>")), "rpc", "error", "is parent.rpc_url the port of the JSON-RPC"),
        (
            (None, Deed::Error(-28, "Loading block index")),
            "sync",
            "error",
            "the daemon is starting: Loading block index",
        ),
        (info(json!({"blocks": 1, "headers": 900_000})), "sync", "error", "has checked 1 of 900000 blocks"),
        (info(json!({"chain": long, "blocks": 1})), "chain", "error", "on the network"),
        ((template, Deed::Error(-10, "is in initial sync")), "sync", "error", "is in initial sync"),
        ((template, Deed::Error(-9, "is not connected!")), "template", "error", "see daemon-peers"),
        ((template, Deed::Change(vec![("rules", json!(["!heresy"]))])), "template", "error", "heresy"),
        (
            (template, Deed::Change(vec![("previousblockhash", json!("11".repeat(32)))])),
            "template",
            "warning",
            "not for the daemon's tip",
        ),
        (
            (template, Deed::Change(vec![("curtime", json!(1_767_225_700_u64))])),
            "clock",
            "error",
            "behind this machine's",
        ),
        ((template, Deed::Change(vec![("longpollid", Value::Null)])), "longpoll", "warning", "does not offer"),
        (
            (Some("validateaddress"), Deed::Result(json!({"isvalid": false}))),
            "payout-address",
            "error",
            "does not know",
        ),
        ((Some("getconnectioncount"), Deed::Result(json!(0))), "daemon-peers", "ok", "needs none"),
        (
            (
                Some("getzmqnotifications"),
                Deed::Result(json!([{"type": "pubhashblock", "address": "tcp://0.0.0.0:2"}])),
            ),
            "zmq",
            "warning",
            "publishes block hashes at tcp://0.0.0.0:2",
        ),
    ];
    let config = world.place.folder("doctor.toml");
    let user = testnet::miner::devnet_user("alice")?;
    let address = user.split('.').next().unwrap_or_default();
    let text = format!("[parent]\nzmq_hashblock = \"tcp://127.0.0.1:1\"\n[stratum]\ndefault_address = {address:?}\n");
    std::fs::write(&config, text)?;
    let config = config.to_string_lossy().into_owned();
    for ((method, deed), check, severity, words) in cases {
        daemon.turn(Misbehaviour { method, deed });
        let (_, said) = doctor(&world.place, &dir, &["--config", &config, "--parent-rpc", &daemon.url]).await?;
        ensure(&said, check, severity, words)?;
        anyhow::ensure!(said.to_string().len() < 20_000, "{check}: a daemon fills the diagnosis");
    }
    Ok(())
}
