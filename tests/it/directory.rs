//! The directory across processes: a node that is announced is found, measured and followed, and a stranger's is not.

use std::{os::unix::fs::PermissionsExt, time::Duration};

use serde_json::{Value, json};
use testnet::{
    miner::devnet_user,
    process::{NodeOptions, NodeProcess},
};
use tests::{World, ensure_eq, wait_for};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// Starts a node that announces `url` for the operator whose key is made of `operator`.
pub(crate) async fn announced(
    world: &World,
    name: &str,
    peers: &[&NodeProcess],
    url: &str,
    operator: u8,
) -> anyhow::Result<NodeProcess> {
    let key = world.place.folder(&format!("operator-{operator}.key"));
    std::fs::write(&key, hex::encode([operator; 32]))?;
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600))?;
    let config = world.place.folder(&format!("{name}.toml"));
    std::fs::write(&config, format!("[directory]\npublic_stratum = [{url:?}]\noperator_key_file = {key:?}\n"))?;
    let options = NodeOptions {
        parent_rpc: world.devnet.rpc.clone(),
        peers: peers.iter().filter_map(|peer| peer.endpoints.p2p.first().cloned()).collect(),
        region: Some("EU".to_owned()),
        flags: vec!["--config".to_owned(), config.display().to_string()],
        ..NodeOptions::default()
    };
    world.place.node(name, &options).await
}

/// A miner as far as its login.
async fn login(url: &str, password: &str) -> anyhow::Result<(Lines<BufReader<OwnedReadHalf>>, OwnedWriteHalf)> {
    let socket = TcpStream::connect(url.trim_start_matches("stratum+tcp://")).await?;
    let (reader, mut writer) = socket.into_split();
    let mut lines = BufReader::new(reader).lines();
    let subscribe = json!({"id": 1, "method": "mining.subscribe", "params": ["cpuminer/2.5.1"]});
    let authorize = json!({"id": 2, "method": "mining.authorize", "params": [devnet_user("alice")?, password]});
    writer.write_all(format!("{subscribe}\n{authorize}\n").as_bytes()).await?;
    find(&mut lines, |line| line["id"] == 2 && line["result"] == true).await?;
    Ok((lines, writer))
}

async fn find(lines: &mut Lines<BufReader<OwnedReadHalf>>, is_it: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    loop {
        let line = timeout(PATIENCE, lines.next_line()).await??;
        let line = line.ok_or_else(|| anyhow::anyhow!("the node closed the connection"))?;
        let message: Value = serde_json::from_str(&line)?;
        if is_it(&message) {
            return Ok(message);
        }
    }
}

#[tokio::test]
async fn an_announced_node_is_found_measured_and_followed() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let quiet = world.node("quiet", &[]).await?;
    // What miners connect to from outside may be another machine; here it is a node that can really be measured.
    let stranger = announced(&world, "stranger", &[&quiet], &quiet.endpoints.stratum, 2).await?;
    let one = announced(&world, "one", &[&quiet], "stratum+tcp://a.pool.example:3333", 1).await?;
    let two = announced(&world, "two", &[&quiet], "stratum+tcp://b.pool.example:3334", 1).await?;
    for node in [&quiet, &one] {
        wait_for("three ads to be everywhere", PATIENCE, async || {
            Ok((node.api.nodes(None).await?.meta.count == 3).then_some(()))
        })
        .await?;
    }
    let nodes = quiet.api.nodes(Some("EU")).await?.data;
    ensure_eq(&nodes.iter().filter(|node| node.own).count(), &0, "a node that announces nothing is not listed")?;
    let listed = nodes.iter().find(|node| node.stratum == [quiet.endpoints.stratum.clone()]);
    let listed = listed.ok_or_else(|| anyhow::anyhow!("{nodes:?}"))?;
    ensure_eq(&listed.peer_id, &stranger.api.status().await?.peer_id, "who announced it")?;
    ensure_eq(&listed.region.as_deref(), &Some("EU"), "region")?;

    let nearest = async |arguments: &[&str]| {
        let all = [&["--api", &quiet.endpoints.api, "nearest"], arguments].concat();
        world.place.command("poolnode").args(all).output().await
    };
    let user = devnet_user("alice")?;
    let measured = nearest(&["--json", "--user", &user]).await?;
    anyhow::ensure!(measured.status.success(), "{}", String::from_utf8_lossy(&measured.stderr));
    let measured: Value = serde_json::from_slice(&measured.stdout)?;
    let first = &measured["data"][0];
    ensure_eq(&first["url"].as_str(), &Some(quiet.endpoints.stratum.as_str()), "the only one that can be reached")?;
    anyhow::ensure!(first["job_ms"].is_f64() && first["role"] == "primary" && first["samples"] == 5, "{first}");
    let urls = nearest(&["--format", "url"]).await?;
    ensure_eq(&String::from_utf8_lossy(&urls.stdout).trim(), &quiet.endpoints.stratum.as_str(), "for a script")?;

    // The operator of `one` has another node; the stranger is nearer and emptier, and nobody is sent there.
    let (mut willing, _willing) = login(&one.endpoints.stratum, "x,r=1").await?;
    let (mut settled, _settled) = login(&one.endpoints.stratum, "x").await?;
    one.stop().await?;
    let is_reconnect = |line: &Value| line["method"] == "client.reconnect";
    let told = find(&mut willing, is_reconnect).await?;
    ensure_eq(&(&told["params"][0], &told["params"][1]), &(&"b.pool.example".into(), &3_334.into()), "where to")?;
    let told = find(&mut settled, is_reconnect).await?;
    ensure_eq(&(&told["params"][0], &told["params"][1]), &(&Value::Null, &Value::Null), "where to")?;
    two.stop().await?;
    stranger.stop().await?;
    quiet.stop().await
}
