//! What scripts rely on: the JSON of `status` and `peers`, and where a node says it listens.

use std::time::Duration;

use serde_json::Value;
use testnet::process::NodeOptions;
use tests::{World, ensure_eq, wait_for};

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
    let kinds: [(&str, Kind); 12] = [
        ("network", Value::is_string),
        ("synced", Value::is_boolean),
        ("share_height", Value::is_u64),
        ("share_tip", Value::is_string),
        ("total_work", Value::is_number),
        ("window_shares", Value::is_u64),
        ("peers", Value::is_u64),
        ("stratum_url", Value::is_string),
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
    miner.stop().await?;
    two.stop().await?;
    one.stop().await
}

#[tokio::test]
async fn the_api_answers_no_stranger() -> anyhow::Result<()> {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };
    let world = World::new(30).await?;
    let node = world.node("node", &[]).await?;
    let address = node.endpoints.api.trim_start_matches("http://").to_owned();
    for (host, code) in [(address.as_str(), "200"), ("localhost", "200"), ("evil.example", "403")] {
        let mut socket = TcpStream::connect(&address).await?;
        let request = format!("GET /api/v1/status HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await?;
        anyhow::ensure!(answer.starts_with(&format!("HTTP/1.1 {code}")), "{host}: {answer:.60}");
    }
    node.stop().await
}
