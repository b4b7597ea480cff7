//! What scripts rely on: the JSON of `status`, `peers` and every endpoint, and refusals in words.

use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use testnet::{
    miner::devnet_user,
    process::{NodeOptions, Place},
};
use tests::{SteppedMiner, World, ensure_eq, wait_for};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

async fn json(world: &World, arguments: &[&str]) -> anyhow::Result<Value> {
    let output = world.place.command("poolnode").args(arguments).output().await?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[tokio::test]
async fn status_and_peers_have_the_fields_scripts_rely_on() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let one = world.node("one", &[]).await?;
    let options = NodeOptions {
        parent_rpc: world.devnet.rpc.clone(),
        peers: one.endpoints.p2p.clone(),
        region: Some("AS".to_owned()),
        ..NodeOptions::default()
    };
    let two = world.place.node("two", &options).await?;
    let miner = world.miner("miner", &one)?;
    wait_for("a share and a hello on both sides", Duration::from_secs(60), async || {
        let peers = one.api.peers().await?;
        let known = peers.data.first().is_some_and(|peer| peer.rtt_ms.is_some() && peer.share_height > Some(0));
        Ok((known && one.api.status().await?.miners == 1).then_some(()))
    })
    .await?;

    let status = json(&world, &["--api", &one.endpoints.api, "status", "--json"]).await?;
    type Kind = fn(&Value) -> bool;
    let kinds: [(&str, Kind); 14] = [
        ("network", Value::is_string),
        ("synced", Value::is_boolean),
        ("share_height", Value::is_u64),
        ("share_tip", Value::is_string),
        ("total_work", Value::is_number),
        ("window_shares", Value::is_u64),
        ("peers", Value::is_u64),
        ("stratum_url", Value::is_string),
        ("fee_basis_points", Value::is_u64),
        ("banned_addresses", Value::is_u64),
        ("miners", Value::is_u64),
        ("hashrate", Value::is_number),
        ("parent", Value::is_object),
        ("blocks_found", Value::is_u64),
    ];
    for (field, kind) in kinds {
        anyhow::ensure!(kind(&status[field]), "{field}: {}", status[field]);
    }
    anyhow::ensure!(status["parent"]["height"].is_u64() && status["parent"]["tip"].is_string());
    ensure_eq(&status["network"], &"devnet".into(), "network")?;
    ensure_eq(&status["stratum_url"], &one.endpoints.stratum.clone().into(), "stratum_url")?;

    let peers = json(&world, &["--api", &one.endpoints.api, "peers", "--json"]).await?;
    let peer = &peers["data"][0];
    for field in ["peer_id", "address", "direction", "agent", "region"] {
        anyhow::ensure!(peer[field].is_string(), "{field}: {}", peer[field]);
    }
    for field in ["rtt_ms", "share_height", "connected_secs"] {
        anyhow::ensure!(peer[field].is_number(), "{field}: {}", peer[field]);
    }
    ensure_eq(&peer["region"], &"AS".into(), "region")?;
    ensure_eq(&peer["peer_id"].as_str(), &two.api.status().await?.peer_id.as_str().into(), "peer_id")?;
    ensure_eq(&peers["meta"]["count"], &1.into(), "count")?;

    for arguments in [["--api", &one.endpoints.api, "status"], ["--api", &one.endpoints.api, "peers"]] {
        let table = world.place.command("poolnode").args(arguments).output().await?;
        anyhow::ensure!(table.status.success() && !table.stdout.is_empty());
    }
    miner.stop().await;
    two.stop().await?;
    one.stop().await
}

/// One request as a browser or a script sends it; gives the status code and the body.
async fn get(address: &str, host: &str, path: &str) -> anyhow::Result<(u16, Value)> {
    let mut socket = TcpStream::connect(address).await?;
    let request = format!("GET /api/v1/{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((
        code.ok_or_else(|| anyhow::anyhow!("no answer: {answer:.60}"))?,
        serde_json::from_str(body).unwrap_or_default(),
    ))
}

#[tokio::test]
async fn the_api_answers_no_stranger() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let node = world.node("node", &[]).await?;
    let address = node.endpoints.api.trim_start_matches("http://").to_owned();
    for (host, code) in
        [(address.as_str(), 200), ("localhost", 200), ("127.9.9.9:1", 200), ("evil.example", 403), ("", 403)]
    {
        ensure_eq(&get(&address, host, "status").await?.0, &code, host)?;
    }
    node.stop().await
}

#[tokio::test]
async fn every_endpoint_answers_and_refuses_in_words() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let node = world.node("node", &[]).await?;
    let address = node.endpoints.api.trim_start_matches("http://").to_owned();
    let mut miner = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("alice")?).await?;
    let share = miner.mine_one().await?;
    let get = async |path: &str| get(&address, "localhost", path).await;

    let (code, health) = get("health").await?;
    ensure_eq(&(code, health["status"].as_str()), &(200, Some("ready")), "health")?;
    let workers = wait_for("the worker's share to be counted", Duration::from_secs(10), async || {
        let (_, workers) = get("workers").await?;
        Ok((workers["data"][0]["submits"]["accepted"] == 1).then_some(workers))
    })
    .await?;
    ensure_eq(&workers["data"][0]["worker"], &"alice".into(), "worker")?;
    ensure_eq(&workers["data"][0]["address"].as_str(), &devnet_user("alice")?.split('.').next(), "address")?;
    let (code, detail) = get(&format!("shares/{share}")).await?;
    ensure_eq(
        &(code, detail["id"].as_str(), detail["height"].as_u64()),
        &(200, Some(share.as_str()), Some(1)),
        "share",
    )?;
    let (code, payouts) = get("payouts").await?;
    anyhow::ensure!(code == 200 && payouts["coinbase_value"].is_u64(), "{payouts}");
    let (code, blocks) = get("blocks").await?;
    anyhow::ensure!(code == 200 && blocks["data"].is_array(), "{blocks}");

    for (path, code, title) in [
        ("shares/xyz".to_owned(), 400, "not a share id"),
        (format!("shares/{}", "0".repeat(64)), 404, "unknown share"),
        (format!("shares/{}", "0".repeat(65)), 400, "not a share id"),
    ] {
        let (found, problem) = get(&path).await?;
        ensure_eq(&(found, problem["title"].as_str()), &(code, Some(title)), &path)?;
        anyhow::ensure!(problem["detail"].is_string() && problem["status"] == code, "{problem}");
    }
    ensure_eq(&get("nothing").await?.0, &404, "an unknown path")?;
    node.stop().await
}

#[tokio::test]
async fn health_says_who_waits_and_for_what() -> anyhow::Result<()> {
    let mut world = World::new(30).await?;
    // Its only peer is nowhere, so it never syncs.
    let options = NodeOptions {
        parent_rpc: world.devnet.rpc.clone(),
        peers: vec!["/ip4/127.0.0.1/tcp/1".to_owned()],
        ..NodeOptions::default()
    };
    let node = world.place.node("node", &options).await?;
    let address = node.endpoints.api.trim_start_matches("http://").to_owned();
    let health = async |code: u16, status: &str| {
        wait_for(status, Duration::from_secs(20), async || {
            let (found, health) = get(&address, "localhost", "health").await?;
            Ok((found == code && health["status"] == *status).then_some(health))
        })
        .await
    };
    health(206, "syncing").await?;
    node.stop().await?;
    world.devnet.stop().await?;
    let node = world.place.node("node", &options).await?;
    let address = node.endpoints.api.trim_start_matches("http://").to_owned();
    let (code, health) = get(&address, "localhost", "health").await?;
    ensure_eq(&(code, health["status"].as_str()), &(503, Some("unhealthy")), "without a daemon")?;
    anyhow::ensure!(health["problems"][0].is_string(), "{health}");
    // Alone by the operator's wish, it mines as soon as there is a daemon again.
    node.stop().await?;
    let port = world.devnet.rpc.rsplit(':').next().and_then(|port| port.parse().ok());
    let _devnet = world.place.devnet_at(port.unwrap_or_default(), 30).await?;
    let options = NodeOptions { flags: vec!["--solo-until-synced".to_owned()], ..options };
    let node = world.place.node("node", &options).await?;
    let mut miner = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("solo")?).await?;
    miner.mine_one().await.context("work before the sync")?;
    node.stop().await
}

#[tokio::test]
async fn every_program_refuses_what_it_cannot_do() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let place = Place::new(folder.path())?;
    let cases: [(&str, &[&str], &str); 15] = [
        ("poolnode", &["devnet", "--block-interval-secs", "0"], "must be 1 to 3600"),
        ("poolnode", &["devnet", "--listen", "nowhere"], "--listen"),
        ("poolnode", &["quickstart", "--json"], "poolnode run --json"),
        ("poolnode", &["--log", "==", "status"], "--log"),
        ("poolnode", &["--api", "127.0.0.1:23380", "peers"], "is not an address like http://"),
        ("poolnode", &["peers", "--watch", "0"], "--watch"),
        ("poolnode", &["run", "--chain", "devnet", "--devnet-listen", "x"], "--devnet-listen"),
        ("poolnode", &["run", "--adopt-branch", "the good one"], "--adopt-branch"),
        ("devminer", &[], "--user"),
        ("devminer", &["--name", "a", "--algo", "md5"], "unknown algorithm"),
        ("devminer", &["--name", "a", "--threads", "0"], "--threads"),
        ("testnet", &["0"], "1 to 50 nodes"),
        ("testnet", &["--json"], "--seconds"),
        ("testnet", &["--seconds", "soon"], "--seconds"),
        ("syncnode", &["--parent-rpc", "http://127.0.0.1:9", "--generation", "0"], "--generation"),
    ];
    for (program, arguments, expected) in cases {
        let output = place.command(program).args(arguments).output().await?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        anyhow::ensure!(!output.status.success() && text.contains(expected), "{program} {arguments:?}: {text}");
        anyhow::ensure!(!text.contains("panicked"), "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn a_miner_whose_user_is_refused_ends_with_the_reason() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let node = world.node("node", &[]).await?;
    let mut miner = world.place.command("devminer");
    let output = miner.args(["--url", &node.endpoints.stratum, "--user", "nobody"]).output().await?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    anyhow::ensure!(!output.status.success() && text.contains("the pool refuses nobody"), "{text}");
    node.stop().await
}
