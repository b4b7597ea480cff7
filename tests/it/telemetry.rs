//! What a node tells of itself: live events, metrics, history, notices and logs, as those who listen get them.

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::{Context, ensure};
use node::{data_dir::write_durably, notify::signature};
use serde_json::{Value, json};
use testnet::{
    miner::devnet_user,
    process::{NodeOptions, NodeProcess},
};
use tests::{SteppedMiner, World, wait_for};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(60);
/// Memory that a reader may cost.
const READER_BYTES_MAX: u64 = 32 << 10;
const READERS: u64 = 1_000;

/// A reader of server-sent events, as far down as it goes.
struct Reader {
    lines: Lines<BufReader<OwnedReadHalf>>,
    _writer: OwnedWriteHalf,
}

impl Reader {
    async fn open(node: &NodeProcess, query: &str, headers: &str) -> anyhow::Result<Self> {
        let address = node.endpoints.api.trim_start_matches("http://");
        let (reader, mut writer) = TcpStream::connect(address).await?.into_split();
        let request = format!("GET /api/v1/events{query} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n");
        writer.write_all(request.as_bytes()).await?;
        let mut lines = BufReader::new(reader).lines();
        let status = timeout(PATIENCE, lines.next_line()).await??.context("closed")?;
        ensure!(status.contains(" 200 "), "{status}");
        Ok(Self { lines, _writer: writer })
    }

    /// The next event of this kind.
    async fn next(&mut self, kind: &str) -> anyhow::Result<Value> {
        let read = async {
            loop {
                let line = self.lines.next_line().await?.context("the stream ended")?;
                let Some(json) = line.strip_prefix("data: ") else { continue };
                let event: Value = serde_json::from_str(json)?;
                if event["kind"] == kind {
                    return anyhow::Ok(event);
                }
            }
        };
        timeout(PATIENCE, read).await.with_context(|| format!("no {kind}"))?
    }
}

/// A page of the node as text.
async fn get(node: &NodeProcess, path: &str) -> anyhow::Result<String> {
    let address = node.endpoints.api.trim_start_matches("http://");
    let mut socket = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await?;
    let mut page = String::new();
    timeout(PATIENCE, socket.read_to_string(&mut page)).await??;
    Ok(page)
}

async fn mine(node: &NodeProcess, name: &str) -> anyhow::Result<String> {
    let mut miner = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user(name)?).await?;
    miner.mine_one().await
}

#[tokio::test]
async fn what_happens_is_told_live_and_who_comes_back_hears_what_it_missed() -> anyhow::Result<()> {
    let world = World::new(2).await?;
    let node = world.node("one", &[]).await?;
    wait_for("work", PATIENCE, async || Ok(node.api.status().await?.mining.then_some(()))).await?;
    let mut reader = Reader::open(&node, "", "").await?;
    // It stays: who comes and goes between two looks at the miners is not told.
    let mut rig = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("rig")?).await?;
    let mined = rig.mine_one().await?;
    let on = reader.next("worker_on").await?;
    ensure!(on["data"]["worker"] == "rig", "{on}");
    let missed_from = on["id"].as_u64().context("no number")?;
    drop(reader);
    let another = rig.mine_one().await?;
    // Only shares, and the one that was missed.
    let headers = format!("Last-Event-ID: {missed_from}\r\n");
    let mut back = Reader::open(&node, "?kinds=share,payout", &headers).await?;
    let mut seen = BTreeMap::new();
    while !seen.contains_key(&another) {
        let share = back.next("share").await?;
        ensure!(share["id"].as_u64() > Some(missed_from), "{share}");
        let id = share["data"]["id"].as_str().context("no id")?.to_owned();
        seen.insert(id, share["data"].clone());
    }
    let share = &seen[&another];
    ensure!(share["own"] == true && share["worker"] == "rig" && share["work_hashes"].is_number(), "{share}");
    let mut all = Reader::open(&node, "?after=0&kinds=share", "").await?;
    ensure!(all.next("share").await?["data"]["id"] == *mined || seen.contains_key(&mined), "the first share is kept");

    // The same numbers, as a scraper and a graph see them.
    let lines = [
        "poolnode_build_info{",
        "poolnode_node_ready 1",
        "poolnode_stratum_submits_total{lane=\"devnet\",result=\"accepted\",reason=\"\"} 2",
        "poolnode_stratum_submit_validate_seconds_count{lane=\"devnet\"} 2",
        "poolnode_rpc_seconds_count{lane=\"devnet\",method=\"getblocktemplate\"}",
        "# EOF",
    ];
    // Miners are counted once a second.
    wait_for("every metric", PATIENCE, async || {
        let metrics = get(&node, "/metrics").await?;
        let missing = lines.iter().find(|line| !metrics.contains(**line));
        missing.map_or(Ok(Some(())), |line| anyhow::bail!("{line} is missing in {metrics}"))
    })
    .await?;
    ensure!(get(&node, "/metrics/workers").await?.starts_with("HTTP/1.1 404"), "single workers are opt-in");
    wait_for("the history", PATIENCE, async || {
        let history: Value = node.api.get("history/hashrate?worker=rig&step=1h").await?;
        let hour: Value = node.api.get("history/hashrate?step=1m").await?;
        Ok((history["step_secs"] == 3_600 && hour["step_secs"] == 60).then_some(()))
    })
    .await?;
    node.stop().await?;
    // Streams do not keep a node from stopping.
    ensure!(back.next("gap").await.is_err() && all.next("gap").await.is_err());
    let node = world.node("one", &[]).await?;
    let kept: Value = node.api.get("history/hashrate?worker=rig&step=1d").await?;
    ensure!(kept["step_secs"] == 86_400, "the history survives: {kept}");
    node.stop().await
}

#[tokio::test]
async fn a_thousand_readers_are_cheap_even_when_they_do_not_read() -> anyhow::Result<()> {
    let world = World::new(2).await?;
    let node = world.node("one", &[]).await?;
    wait_for("work", PATIENCE, async || Ok(node.api.status().await?.mining.then_some(()))).await?;
    // What the first ones cost once is not a reader's cost.
    let mut readers = Vec::new();
    for _ in 0..50 {
        readers.push(Reader::open(&node, "", "").await?);
    }
    let before = node.resident_bytes()?;
    for _ in 0..READERS {
        readers.push(Reader::open(&node, "", "").await?);
    }
    let _mined = mine(&node, "rig").await?;
    readers[7].next("share").await?;
    let after = node.resident_bytes()?;
    let each = after.saturating_sub(before) / READERS;
    ensure!(each <= READER_BYTES_MAX, "a reader costs {each} bytes");
    node.stop().await
}

/// A receiver of webhooks that takes what comes one by one.
struct Receiver {
    listener: TcpListener,
}

struct Webhook {
    headers: BTreeMap<String, String>,
    body: String,
}

impl Receiver {
    async fn next(&self, status: &str) -> anyhow::Result<Webhook> {
        let (socket, _) = timeout(PATIENCE, self.listener.accept()).await.context("no webhook")??;
        let (reader, mut writer) = socket.into_split();
        let mut reader = BufReader::new(reader);
        let (mut headers, mut line) = (BTreeMap::new(), String::new());
        loop {
            line.clear();
            ensure!(reader.read_line(&mut line).await? > 0, "closed");
            if line.trim().is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(": ") {
                headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
            }
        }
        let mut body = vec![0; headers["content-length"].parse()?];
        reader.read_exact(&mut body).await?;
        writer.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await?;
        Ok(Webhook { headers, body: String::from_utf8(body)? })
    }
}

/// The node's private keys, in the forms that a log would have them in.
fn keys(data_dir: &Path) -> anyhow::Result<Vec<String>> {
    let key = std::fs::read(data_dir.join("node.key"))?;
    let pem = std::fs::read_to_string(data_dir.join("stratum-key.pem"))?;
    let line = pem.lines().nth(1).context("no key in the file")?;
    // The private half; behind it is the public one, which everybody may see.
    let private = key.get(4..36).context("a key that is too short")?;
    Ok(vec![hex::encode(private), format!("{private:?}"), line.to_owned()])
}

/// Subscribes and authorizes as any miner could, without a look at what it sends.
async fn log_in(node: &NodeProcess, user: &str, password: &str) -> anyhow::Result<TcpStream> {
    let address = node.endpoints.stratum.trim_start_matches("stratum+tcp://");
    let mut socket = TcpStream::connect(address).await?;
    let agent = "evil/1\u{1b}[31m";
    for (id, method, params) in [(1, "subscribe", json!([agent])), (2, "authorize", json!([user, password]))] {
        let line = json!({"id": id, "method": format!("mining.{method}"), "params": params});
        socket.write_all(format!("{line}\n").as_bytes()).await?;
    }
    let mut lines = BufReader::new(&mut socket).lines();
    let answered = async {
        while let Some(line) = lines.next_line().await? {
            let answer: Value = serde_json::from_str(&line)?;
            if answer["id"] == 2 {
                ensure!(answer["result"] == true, "{line}");
                return Ok(());
            }
        }
        anyhow::bail!("closed")
    };
    timeout(PATIENCE, answered).await.context("no answer")??;
    Ok(socket)
}

/// A name goes to the log, to the API, to metrics and to terminals; it is cut down before any of them.
#[tokio::test]
async fn a_worker_with_a_hostile_name_shows_letters_only() -> anyhow::Result<()> {
    const NAME: &str = "rig\u{1b}[2J\r\n<script>alert(1)</script>\"} 1\n\u{202e}=7";
    const SHOWN: &str = "rig2Jscriptalert1script17";
    let world = World::new(2).await?;
    let config = world.place.folder("node.toml");
    std::fs::write(&config, format!("[parent]\nrpc_url = \"{}\"\n[metrics]\nper_worker = true\n", world.devnet.rpc))?;
    let flags = vec!["--log".to_owned(), "trace".to_owned()];
    let options = NodeOptions { config: Some(config), flags, ..NodeOptions::default() };
    let node = world.place.node("one", &options).await?;
    wait_for("work", PATIENCE, async || Ok(node.api.status().await?.mining.then_some(()))).await?;
    let user = devnet_user("rig")?;
    let address = user.split('.').next().unwrap_or_default();
    let _logged_in = log_in(&node, &format!("{address}.{NAME}"), "x").await?;
    let is_clean = |text: &str| !text.contains(['\u{1b}', '<', '\u{202e}']) && !text.contains("alert(1)");
    wait_for("the worker", PATIENCE, async || {
        let workers = node.api.get::<Value>("workers").await?.to_string();
        let metrics = get(&node, "/metrics/workers").await?;
        ensure!(is_clean(&workers) && is_clean(&metrics), "{workers} {metrics}");
        Ok(workers.contains(SHOWN).then_some(()))
    })
    .await?;
    let output = world.place.command("poolnode").args(["--api", &node.endpoints.api, "workers"]).output().await?;
    let shown = String::from_utf8(output.stdout)?;
    ensure!(shown.contains(&SHOWN[..8]) && is_clean(&shown), "{shown}");
    node.stop().await?;
    let log = world.place.log_text("one")?;
    ensure!(!log.contains(['\u{1b}', '\u{202e}']) && !log.contains("<script"), "{log}");
    Ok(())
}

#[tokio::test]
async fn a_receiver_that_fails_first_is_told_again_even_after_a_restart_and_no_secret_is_logged() -> anyhow::Result<()>
{
    let world = World::new(2).await?;
    let receiver = Receiver { listener: TcpListener::bind("127.0.0.1:0").await? };
    let (address, log) = (receiver.listener.local_addr()?, world.place.folder("poolnode.log"));
    let token = world.place.folder("api.token");
    let config = world.place.folder("node.toml");
    let text = format!(
        "password = \"S3CRET-POOL\"\nnotify_after_secs = 1\n[parent]\nrpc_url = \"{}\"\nrpc_user = \"u\"\nrpc_password = \"S3CRET-RPC\"\n\
         [log]\nformat = \"json\"\nfile = \"{}\"\n[metrics]\nper_worker = true\n\
         [api]\ntoken_file = \"{}\"\n\
         [[notify]]\nurl = \"http://{address}/T0PIC\"\nkinds = [\"worker_offline\"]\nsecret = \"S3CRET-HMAC\"\ntoken = \"S3CRET-TOKEN\"\n",
        world.devnet.rpc,
        log.display(),
        token.display()
    );
    write_durably(&token, b"S3CRET-API-TOKEN-0123")?;
    std::fs::write(&config, text)?;
    let options = NodeOptions {
        config: Some(config),
        flags: vec!["--log".to_owned(), "trace".to_owned()],
        ..NodeOptions::default()
    };
    let node = world.place.node("one", &options).await?;
    wait_for("work", PATIENCE, async || Ok(node.api.status().await?.mining.then_some(()))).await?;
    let mut miner = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("rig")?).await?;
    miner.mine_one().await?;
    let _logged_in = log_in(&node, &format!("{}.other", devnet_user("o")?), "S3CRET-MINER").await?;
    wait_for("the worker", PATIENCE, async || {
        Ok(get(&node, "/metrics/workers").await?.contains("worker=\"rig\"").then_some(()))
    })
    .await?;
    drop(miner);
    let failed = receiver.next("500 Internal Server Error").await?;
    let cookie = std::fs::read_to_string(world.place.folder("one").join("api.cookie"))?;
    wait_for("the failure in the log", PATIENCE, async || {
        Ok(std::fs::read_to_string(&log)?.contains("\"event\":\"notice_failed\"").then_some(()))
    })
    .await?;
    // It is tried again in seconds, but this node is gone by then.
    node.stop().await?;
    let node = world.place.node("one", &options).await?;
    let told = receiver.next("204 No Content").await?;
    ensure!(told.headers["idempotency-key"] == failed.headers["idempotency-key"], "one notice, one key");
    ensure!(told.headers["authorization"] == "Bearer S3CRET-TOKEN");
    let notice: Value = serde_json::from_str(&told.body)?;
    ensure!(notice["kind"] == "worker_offline" && notice["data"]["worker"] == "rig", "{notice}");
    let signed = &told.headers["x-poolnode-signature"];
    let (time, mac) = signed.trim_start_matches("t=").split_once(",v1=").context("no signature")?;
    ensure!(signature("S3CRET-HMAC", time.parse()?, &told.body) == mac, "{signed}");
    wait_for("an empty outbox", PATIENCE, async || {
        let outbox: Value = serde_json::from_slice(&std::fs::read(world.place.folder("one").join("notify.json"))?)?;
        Ok((outbox["waiting"].as_array().is_some_and(Vec::is_empty)).then_some(()))
    })
    .await?;
    node.stop().await?;

    let lines = std::fs::read_to_string(&log)?;
    for line in lines.lines() {
        let entry: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        ensure!(entry["level"].is_string() && entry["timestamp"].is_string(), "{line}");
    }
    ensure!(lines.contains("\"event\":\"notice_failed\"") && lines.contains("\"event\":\"work_begins\""), "{lines}");
    ensure!(lines.contains("\"level\":\"TRACE\"") || lines.contains("\"level\":\"DEBUG\""), "all is logged");
    let secrets = ["S3CRET", "T0PIC", cookie.trim()].map(ToOwned::to_owned);
    for secret in secrets.into_iter().chain(keys(&world.place.folder("one"))?) {
        ensure!(!lines.contains(&secret), "{secret} is in the log");
    }
    Ok(())
}
