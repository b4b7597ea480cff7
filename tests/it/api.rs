//! The HTTP API across a real process: every route of its description, pages, who may ask, the dashboard, other software's shapes.

use std::{collections::BTreeSet, path::Path, time::Duration};

use anyhow::Context;
use serde_json::Value;
use testnet::{
    miner::devnet_user,
    process::{NodeOptions, NodeProcess},
};
use tests::{SteppedMiner, World, ensure_eq, wait_for};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

/// An answer as it came.
struct Answer {
    code: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn has(&self, header: &str) -> bool {
        self.head.to_lowercase().contains(&header.to_lowercase())
    }
}

fn address(node: &NodeProcess) -> &str {
    node.endpoints.api.trim_start_matches("http://")
}

/// Sends a request as it is and reads until the node closes.
async fn send(node: &NodeProcess, request: &str) -> anyhow::Result<Answer> {
    let mut socket = TcpStream::connect(address(node)).await?;
    socket.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await?;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").context("no head")?;
    let head = String::from_utf8(answer[..end].to_vec())?;
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no status")?;
    let body = answer[end + 4..].to_vec();
    let is_chunked = head.to_lowercase().contains("transfer-encoding: chunked");
    anyhow::ensure!(!is_chunked, "this test reads plain bodies only");
    Ok(Answer { code, head, body })
}

async fn get(node: &NodeProcess, path: &str) -> anyhow::Result<Answer> {
    get_with(node, path, "localhost", "").await
}

/// `headers` end with a line break each.
async fn get_with(node: &NodeProcess, path: &str, host: &str, headers: &str) -> anyhow::Result<Answer> {
    send(node, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n")).await
}

/// A node with some shares of alice's rig.
async fn mined(world: &World, shares: usize) -> anyhow::Result<(NodeProcess, Vec<String>)> {
    let node = world.node("node", &[]).await?;
    let mut miner = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("alice")?).await?;
    let mut ids = Vec::new();
    for _ in 0..shares {
        ids.push(miner.mine_one().await?);
    }
    Ok((node, ids))
}

fn alice() -> anyhow::Result<String> {
    Ok(devnet_user("alice")?.split('.').next().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn every_route_of_the_description_answers_and_refuses_what_it_does_not_know() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let (node, ids) = mined(&world, 2).await?;
    let description = get(&node, "/api/v1/openapi.json").await?.json();
    let output = world.place.command("poolnode").arg("openapi").output().await?;
    ensure_eq(&serde_json::from_slice::<Value>(&output.stdout)?, &description, "poolnode openapi")?;
    let paths = description["paths"].as_object().context("no paths")?;
    let mut asked = 0;
    for (path, methods) in paths
        .iter()
        .filter(|(path, methods)| methods["get"].is_object() && !path.contains("/events") && !path.contains("{block}"))
    {
        let operation = &methods["get"];
        let path = path.replace("{address}", &alice()?).replace("{id}", &ids[0]);
        anyhow::ensure!(!path.contains('{'), "{path}: what goes there?");
        let answer = get(&node, &path).await?;
        anyhow::ensure!(answer.code == 200 && answer.has("content-type: application/json"), "{path}: {}", answer.head);
        let is_list = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
            .as_str()
            .is_some_and(|schema| schema.contains("List_"));
        let json = answer.json();
        if is_list {
            let (data, meta) = (json["data"].as_array().context("no data")?, &json["meta"]);
            ensure_eq(&meta["count"].as_u64(), &Some(data.len() as u64), &path)?;
            anyhow::ensure!(
                meta["total"].as_u64() >= meta["count"].as_u64() && meta.get("next").is_some(),
                "{path}: {meta}"
            );
        }
        let refused = get(&node, &format!("{path}?no_such_thing=1")).await?;
        let problem = refused.json();
        anyhow::ensure!(
            refused.code == 400 && refused.has("content-type: application/problem+json"),
            "{path}: {}",
            refused.head
        );
        anyhow::ensure!(problem["type"].as_str().is_some_and(|kind| kind.starts_with("https://")), "{path}: {problem}");
        anyhow::ensure!(
            problem["detail"].as_str().is_some_and(|text| text.contains("no_such_thing")),
            "{path}: {problem}"
        );
        asked += 1;
    }
    anyhow::ensure!(asked >= 20, "{asked} routes");
    for (path, code) in [
        ("/api/v1/shares?limit=0", 400),
        ("/api/v1/shares?limit=1001", 400),
        ("/api/v1/shares?cursor=x", 400),
        ("/api/v1/shares?address=nobody", 400),
        ("/api/v1/shares/dag?heights=201", 400),
        ("/api/v1/blocks?state=lost", 400),
        ("/api/v1/workers?sort=age", 400),
        ("/api/v1/nearest?region=XX", 400),
        ("/api/v1/miners/nobody", 400),
        ("/api/v1/nothing", 404),
    ] {
        let answer = get(&node, path).await?;
        anyhow::ensure!(answer.code == code && answer.json()["status"] == code, "{path}: {}", answer.head);
    }
    node.stop().await
}

#[tokio::test]
async fn shares_are_shown_whole_page_by_page_and_with_their_miners() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let (node, ids) = mined(&world, 5).await?;
    wait_for("all shares to be linked", Duration::from_secs(20), async || {
        Ok((node.api.status().await?.shares == ids.len()).then_some(()))
    })
    .await?;
    let expected: BTreeSet<String> = ids.iter().cloned().collect();
    for filter in ["own=true&".to_owned(), format!("address={}&", alice()?)] {
        let (mut seen, mut cursor) = (BTreeSet::new(), String::new());
        loop {
            let page = get(&node, &format!("/api/v1/shares?{filter}limit=2{cursor}")).await?.json();
            for share in page["data"].as_array().context("no data")? {
                anyhow::ensure!(seen.insert(share["id"].as_str().unwrap_or_default().to_owned()), "twice: {share}");
                ensure_eq(&share["worker"], &"alice".into(), "worker")?;
                ensure_eq(&share["address"].as_str(), &Some(alice()?.as_str()), "address")?;
            }
            ensure_eq(&page["meta"]["total"], &5.into(), "total")?;
            let Some(next) = page["meta"]["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        ensure_eq(&seen, &expected, &filter)?;
    }
    let dag = get(&node, "/api/v1/shares/dag?heights=200").await?.json();
    let dag: BTreeSet<String> = dag["data"]
        .as_array()
        .context("no data")?
        .iter()
        .filter_map(|share| Some(share["id"].as_str()?.to_owned()))
        .collect();
    ensure_eq(&dag, &expected, "the slice")?;
    let miner = get(&node, &format!("/api/v1/miners/{}", alice()?)).await?.json();
    ensure_eq(&miner["shares_kept"], &5.into(), "shares kept")?;
    // Those that were mined on one job are uncles of the next one's share.
    let mut miner = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("alice")?).await?;
    wait_for("a hash rate of the pool", Duration::from_secs(20), async || {
        miner.mine_one().await?;
        let status = get(&node, "/api/v1/status").await?.json();
        Ok(status["pool_hashrate"].is_object().then_some(()))
    })
    .await?;
    // One of those may have been a block, and when its round began is known once its share has been read.
    let status = wait_for("the round", Duration::from_secs(20), async || {
        let status = get(&node, "/api/v1/status").await?.json();
        Ok(status["round"].is_object().then_some(status))
    })
    .await?;
    anyhow::ensure!(status["pool_hashrate"]["low"].as_f64() < status["pool_hashrate"]["high"].as_f64(), "{status}");
    anyhow::ensure!(status["round"]["effort_percent"].is_number() && status["coin"]["decimals"] == 8, "{status}");
    let connect = get(&node, "/api/v1/connect").await?.json();
    ensure_eq(&connect["urls"][0]["url"].as_str(), &Some(node.endpoints.stratum.as_str()), "where to connect")?;
    let findings = get(&node, "/api/v1/diagnostics").await?.json();
    anyhow::ensure!(findings["data"].as_array().is_some_and(|found| found.len() > 5), "{findings}");
    node.stop().await
}

#[tokio::test]
async fn strangers_and_floods_are_refused() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let node = world.node("node", &[]).await?;
    let status = "/api/v1/status";
    for (host, headers, code) in [
        ("localhost", "", 200),
        ("evil.example", "", 403),
        ("localhost", "Origin: http://localhost\r\n", 200),
        ("localhost", "Origin: http://evil.example\r\n", 403),
        ("localhost", "X-Forwarded-For: 203.0.113.7\r\n", 401),
    ] {
        ensure_eq(&get_with(&node, status, host, headers).await?.code, &code, &format!("{host} {headers}"))?;
    }
    let answer = get(&node, status).await?;
    for header in [
        "content-security-policy: default-src 'self'",
        "x-content-type-options: nosniff",
        "x-frame-options: deny",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
    ] {
        anyhow::ensure!(answer.has(header), "{header}: {}", answer.head);
    }
    anyhow::ensure!(!answer.has("access-control-allow"), "no other site may read");
    let long = format!("X-Long: {}\r\n", "x".repeat(9_000));
    ensure_eq(&get_with(&node, status, "localhost", &long).await?.code, &431, "a long head")?;
    let many: String = (0..100).map(|number| format!("X-{number}: x\r\n")).collect();
    ensure_eq(&get_with(&node, status, "localhost", &many).await?.code, &431, "many headers")?;

    let post = async |headers: &str, body: &str| {
        let head =
            format!("POST /api/v1/peers/unban HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n", body.len());
        Ok::<_, anyhow::Error>(send(&node, &format!("{head}{headers}Connection: close\r\n\r\n{body}")).await?.code)
    };
    let cookie_file = node.api.status().await?.cookie_file;
    let cookie = std::fs::read_to_string(cookie_file)?;
    let bearer = format!("Authorization: Bearer {cookie}\r\nContent-Type: application/json\r\n");
    let body = r#"{"subject": "203.0.113.7"}"#;
    ensure_eq(&post(&bearer, body).await?, &200, "with the cookie")?;
    ensure_eq(&post("Content-Type: application/json\r\n", body).await?, &401, "without")?;
    ensure_eq(&post(&format!("{bearer}Origin: http://evil.example\r\n"), body).await?, &403, "from another site")?;
    ensure_eq(&post(&bearer.replace("application/json", "text/plain"), body).await?, &415, "as a form could send it")?;
    ensure_eq(&post(&bearer, &"x".repeat(5_000)).await?, &413, "a long body")?;
    ensure_eq(&post(&bearer, r#"{"subject": "x", "force": true}"#).await?, &422, "an unknown field")?;
    node.stop().await
}

fn with_mode(path: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text)?;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?)
}

#[tokio::test]
async fn a_public_page_masks_addresses_and_a_token_lifts_the_mask() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let folder = tempfile::tempdir()?;
    let (token, config) = (folder.path().join("token"), folder.path().join("node.toml"));
    let text = format!(
        "chain = \"devnet\"\n[parent]\nrpc_url = {:?}\n[api]\npublic = true\ntoken_file = {:?}\nhosts = [\"pool.example\"]\n",
        world.devnet.rpc, token
    );
    std::fs::write(&config, text)?;
    let options = NodeOptions { config: Some(config.clone()), ..NodeOptions::default() };
    // Refused in words: a token that others can read, and one that anybody guesses.
    for (text, mode, words) in [("0123456789abcdef0123", 0o644, "chmod 600"), ("secret", 0o600, "holds no token")] {
        with_mode(&token, text, mode)?;
        let refused = world.place.node("node", &options).await.map(|node| node.name).unwrap_err();
        anyhow::ensure!(format!("{refused:#}").contains(words), "{refused:#}");
    }
    with_mode(&token, "0123456789abcdef0123\n", 0o600)?;
    let node = world.place.node("node", &options).await?;
    let mut miner = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("alice")?).await?;
    miner.mine_one().await?;
    let bearer = "Authorization: Bearer 0123456789abcdef0123\r\n";
    let address_of = async |headers: &str| {
        let shares = get_with(&node, "/api/v1/shares", "pool.example", headers).await?.json();
        shares["data"][0]["address"].as_str().map(ToOwned::to_owned).context("no share")
    };
    let masked = address_of("").await?;
    let whole = alice()?;
    anyhow::ensure!(
        masked.starts_with(&whole[..4]) && masked.ends_with(&whole[whole.len() - 4..]) && masked.contains('…'),
        "{masked}"
    );
    ensure_eq(&address_of(bearer).await?, &whole, "with the token")?;
    for path in ["config", "diagnostics", "peers/bans"] {
        let path = format!("/api/v1/{path}");
        ensure_eq(&get_with(&node, &path, "pool.example", "").await?.code, &401, &path)?;
        ensure_eq(&get_with(&node, &path, "pool.example", bearer).await?.code, &200, &path)?;
    }
    for path in ["shares", "payouts", "workers", "status", "blocks"] {
        let body = get_with(&node, &format!("/api/v1/{path}"), "pool.example", "").await?.body;
        anyhow::ensure!(!String::from_utf8_lossy(&body).contains(&whole), "{path} tells the address");
    }
    let config = get_with(&node, "/api/v1/config?limit=1000", "pool.example", bearer).await?.json();
    let public = config["data"].as_array().and_then(|keys| keys.iter().find(|key| key["key"] == "api.public"));
    let public = public.context("no api.public")?;
    ensure_eq(&(&public["value"], &public["origin"]), &(&true.into(), &"file".into()), "the configuration")?;
    node.stop().await
}

#[tokio::test]
async fn other_machines_are_let_in_with_a_token_only() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("node.toml");
    std::fs::write(&config, "[api]\nlisten = \"0.0.0.0:0\"\n")?;
    let place = testnet::process::Place::new(folder.path())?;
    let output = place.command("poolnode").args(["run", "--config"]).arg(&config).output().await?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    anyhow::ensure!(
        !output.status.success() && text.contains("api.token_file") && text.contains("openssl rand"),
        "{text}"
    );
    Ok(())
}

#[tokio::test]
async fn the_dashboard_is_served_and_kept_by_browsers() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let node = world.node("node", &[]).await?;
    let page = get(&node, "/").await?;
    anyhow::ensure!(
        page.code == 200 && page.has("content-type: text/html") && page.has("default-src 'self'"),
        "{}",
        page.head
    );
    let etag = page.head.lines().find_map(|line| line.strip_prefix("etag: ")).context("no etag")?.to_owned();
    let again = get_with(&node, "/", "localhost", &format!("If-None-Match: {etag}\r\n")).await?;
    ensure_eq(&(again.code, again.body.len()), &(304, 0), "the same page")?;
    let html = String::from_utf8(page.body)?;
    for asset in html.split('"').filter(|part| part.starts_with("/assets/")) {
        let asset = get(&node, asset).await?;
        anyhow::ensure!(asset.code == 200 && asset.has("immutable"), "{}", asset.head);
    }
    node.stop().await
}

#[tokio::test]
async fn software_of_other_pools_finds_its_way() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let (node, _) = mined(&world, 2).await?;
    let pool = get(&node, "/api/pools?topMinersRange=24").await?.json()["pools"][0].clone();
    ensure_eq(&(pool["id"].as_str(), pool["coin"]["symbol"].as_str()), &(Some("devnet"), Some("DEV")), "the pool")?;
    let alice = alice()?;
    for path in [
        "/api/pools/devnet".to_owned(),
        "/api/pools/devnet/performance?r=Day&i=Hour".to_owned(),
        "/api/pools/devnet/miners?page=0&pageSize=5".to_owned(),
        "/api/pools/devnet/blocks".to_owned(),
        format!("/api/pools/devnet/miners/{alice}?perfMode=Hour"),
        format!("/api/pools/devnet/miners/{alice}/payments"),
        "/api/v2/pools/devnet/miners".to_owned(),
        "/api/v2/pools/devnet/blocks".to_owned(),
        format!("/api/v2/pools/devnet/miners/{alice}/payments"),
        "/api/blocks".to_owned(),
        "/network/stats".to_owned(),
        "/pool/stats".to_owned(),
        "/pool/blocks".to_owned(),
        "/local/stratum".to_owned(),
        "/local/p2p".to_owned(),
    ] {
        let answer = get(&node, &path).await?;
        anyhow::ensure!(answer.code == 200 && !answer.json().is_null(), "{path}: {}", answer.head);
    }
    ensure_eq(&get(&node, "/api/pools/other").await?.code, &404, "another pool")?;
    let stats = get(&node, &format!("/api/pools/devnet/miners/{alice}")).await?.json();
    ensure_eq(&stats["pendingBalance"], &0.0.into(), "nobody holds anything")?;
    ensure_eq(&get(&node, "/pool/stats").await?.json()["pool_list"][0], &"pplns".into(), "p2pool")?;
    node.stop().await
}

#[tokio::test]
async fn a_silent_client_is_cut() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let node = world.node("node", &[]).await?;
    let started = Instant::now();
    let mut socket = TcpStream::connect(address(&node)).await?;
    socket.write_all(b"GET /api/v1/status HTTP/1.1\r\nHost: local").await?;
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).await?;
    anyhow::ensure!(started.elapsed() < Duration::from_secs(40), "it was waited for");
    node.stop().await
}
