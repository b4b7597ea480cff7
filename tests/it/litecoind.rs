//! A real daemon: blocks that litecoind takes, and what it says that they pay. Skipped, loudly, where it is not installed.

use std::time::{Duration, Instant};

use anyhow::Context;
use node::{
    ChainProfile,
    api::dto::{Block, List},
};
use serde_json::json;
use sharechain::PayoutScript;
use testnet::{
    audit,
    process::{MinerProcess, NodeOptions, NodeProcess, Place},
};
use tests::{
    SteppedMiner, ensure_eq,
    litecoind::{Litecoind, is_installed},
    wait_for,
};

/// MWEB never becomes active: its first block needs a peg-in, which only one of the stories makes.
const WITHOUT_MWEB: &[&str] = &["-disablewallet", "-vbparams=mweb:-2:0"];
/// Time for something that takes seconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// Work is paid some twenty heights after it was done, each of a few seconds.
const PAID_AFTER: Duration = Duration::from_secs(300);

/// Nodes and miners on a litecoind.
struct Regtest {
    place: Place,
    folder: tempfile::TempDir,
}

impl Regtest {
    fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        Ok(Self { place: Place::new(folder.path())?, folder })
    }

    fn folder(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// A node on these daemons, the preferred one first.
    async fn node(&self, name: &str, daemons: &[&Litecoind], peers: &[&NodeProcess]) -> anyhow::Result<NodeProcess> {
        let sections = ["[parent]\n"].into_iter().chain(std::iter::repeat("[[parent.fallback]]\n"));
        let daemons: String =
            sections.zip(daemons).map(|(section, daemon)| format!("{section}{}", daemon.config())).collect();
        let config = self.folder(&format!("{name}.toml"));
        std::fs::write(&config, format!("chain = \"litecoin-regtest\"\n{daemons}"))?;
        let peers = peers.iter().filter_map(|peer| peer.endpoints.p2p.first().cloned()).collect();
        self.place.node(name, &NodeOptions { config: Some(config), peers, ..NodeOptions::default() }).await
    }

    fn miner(&self, name: &str, node: &NodeProcess, script: &PayoutScript) -> anyhow::Result<MinerProcess> {
        let user = format!("{}.{name}", address(script)?);
        self.place.miner_of(name, &node.endpoints.stratum, &["--user", &user, "--algo", "scrypt"])
    }
}

fn address(script: &PayoutScript) -> anyhow::Result<String> {
    let chain = ChainProfile::find("litecoin-regtest", None)?;
    chain.addresses.format(script).context("no address")
}

/// Three kinds of addresses.
fn scripts() -> [PayoutScript; 3] {
    [PayoutScript::p2wpkh(&[1; 20]), PayoutScript::p2pkh(&[2; 20]), PayoutScript::p2sh(&[3; 20])]
}

/// The pool's blocks with this status, newest first.
async fn blocks(node: &NodeProcess, status: &str) -> anyhow::Result<Vec<Block>> {
    let found: List<Block> = node.api.get("blocks").await?;
    Ok(found.data.into_iter().filter(|block| block.status == status).collect())
}

/// Waits until the node says that so many of its blocks are on the main chain above this height.
async fn confirmed_above(node: &NodeProcess, height: u32, count: usize) -> anyhow::Result<Vec<Block>> {
    wait_for("blocks that the daemon confirms", PATIENCE, async || {
        let mut found = blocks(node, "confirmed").await?;
        found.retain(|block| block.height > height);
        Ok((found.len() >= count).then_some(found))
    })
    .await
}

/// Compares what the daemon says a block pays with what the node computes for the same share.
async fn check_payouts(daemon: &Litecoind, node: &NodeProcess, block: &Block) -> anyhow::Result<usize> {
    let coinbase = daemon.coinbase(block.height.into()).await?;
    ensure_eq(&coinbase.hash, &block.hash, "the block at its height")?;
    let share = node.api.share(&block.hash).await?;
    ensure_eq(&coinbase.outputs, &audit::by_script(&share.payouts), "coinbase outputs")?;
    ensure_eq(&coinbase.outputs.values().sum(), &share.coinbase_value, "sum of the outputs")?;
    Ok(coinbase.outputs.len())
}

#[tokio::test]
async fn litecoind_takes_blocks_that_pay_every_miner_and_survives_its_own_death() -> anyhow::Result<()> {
    if !is_installed() {
        return Ok(());
    }
    let regtest = Regtest::new()?;
    let daemon = Litecoind::start(&regtest.folder("daemon"), WITHOUT_MWEB).await?;
    let node = regtest.node("node", &[&daemon], &[]).await?;
    let miners = scripts();
    let miners = [
        regtest.miner("segwit", &node, &miners[0])?,
        regtest.miner("legacy", &node, &miners[1])?,
        regtest.miner("p2sh", &node, &miners[2])?,
    ];
    let paid = wait_for("a block that pays all three", PAID_AFTER, async || {
        for block in blocks(&node, "confirmed").await? {
            if check_payouts(&daemon, &node, &block).await? == 3 {
                return Ok(Some(block));
            }
        }
        Ok(None)
    })
    .await?;

    // Mid-way, with miners at work: the node says what is wrong, and goes on with the daemon that comes back.
    let stopped = daemon.kill().await?;
    let problem =
        wait_for("the node to notice", PATIENCE, async || Ok(node.api.status().await?.parent.problem)).await?;
    anyhow::ensure!(problem.contains("no daemon answers at http://127.0.0.1:"), "{problem}");
    let daemon = stopped.start().await?;
    let after = confirmed_above(&node, paid.height + 3, 3).await?;
    for block in &after {
        check_payouts(&daemon, &node, block).await?;
    }
    for miner in miners {
        miner.stop().await;
    }
    // Nothing that was found is lost, and nothing was refused.
    ensure_eq(&blocks(&node, "refused").await?.len(), &0, "refused blocks")?;
    node.stop().await
}

#[tokio::test]
async fn litecoind_takes_blocks_with_mweb() -> anyhow::Result<()> {
    if !is_installed() {
        return Ok(());
    }
    let regtest = Regtest::new()?;
    let daemon = Litecoind::start(&regtest.folder("daemon"), &[]).await?;
    daemon.rpc.call("createwallet", json!(["pegs"])).await?;
    let miner = daemon.rpc.call("getnewaddress", json!([])).await?;
    daemon.generate(431, miner.as_str().context("no address")?).await?;
    // The first block with MWEB needs somebody who pegs in.
    let pegged = daemon.rpc.call("getnewaddress", json!(["", "mweb"])).await?;
    daemon.rpc.call("sendtoaddress", json!([pegged, 10])).await?;
    let node = regtest.node("node", &[&daemon], &[]).await?;
    let _miner = regtest.miner("miner", &node, &scripts()[0])?;
    let found = confirmed_above(&node, 431, 3).await?;
    for block in &found {
        check_payouts(&daemon, &node, block).await?;
        let coinbase = daemon.coinbase(block.height.into()).await?;
        anyhow::ensure!(coinbase.block["mweb"].is_object(), "block {} has no MWEB block", block.height);
    }
    anyhow::ensure!(found.iter().any(|block| block.height == 432), "the first block with MWEB is the pool's");
    node.stop().await
}

#[tokio::test]
async fn blocks_that_litecoind_takes_back_are_orphaned_and_come_back() -> anyhow::Result<()> {
    if !is_installed() {
        return Ok(());
    }
    let regtest = Regtest::new()?;
    let daemon = Litecoind::start(&regtest.folder("daemon"), WITHOUT_MWEB).await?;
    let node = regtest.node("node", &[&daemon], &[]).await?;
    let miner = regtest.miner("miner", &node, &scripts()[0])?;
    let found = confirmed_above(&node, 0, 4).await?;
    miner.stop().await;
    let oldest = found.last().context("no block")?;
    daemon.rpc.call("invalidateblock", json!([oldest.hash])).await?;
    wait_for("the block to be orphaned", PATIENCE, async || {
        Ok(blocks(&node, "orphaned").await?.iter().any(|block| block.hash == oldest.hash).then_some(()))
    })
    .await?;
    wait_for("the node to follow the daemon down", PATIENCE, async || {
        let tip = daemon.rpc.call("getbestblockhash", json!([])).await?;
        Ok((node.api.status().await?.parent.tip.as_deref() == tip.as_str()).then_some(()))
    })
    .await?;
    // Work goes on upon the older tip, and the share chain with it.
    let shares = node.api.status().await?.share_height;
    let miner = regtest.miner("miner", &node, &scripts()[0])?;
    wait_for("new shares", PATIENCE, async || Ok((node.api.status().await?.share_height > shares + 2).then_some(())))
        .await?;
    miner.stop().await;
    daemon.rpc.call("reconsiderblock", json!([oldest.hash])).await?;
    node.stop().await
}

#[tokio::test]
async fn mining_goes_on_with_the_second_daemon_and_back_with_the_first() -> anyhow::Result<()> {
    if !is_installed() {
        return Ok(());
    }
    let regtest = Regtest::new()?;
    let first = Litecoind::start(&regtest.folder("first"), WITHOUT_MWEB).await?;
    let connect = format!("-connect={}", first.p2p_address());
    let second = Litecoind::start(&regtest.folder("second"), &[WITHOUT_MWEB, &[&connect]].concat()).await?;
    let node = regtest.node("node", &[&first, &second], &[]).await?;
    let _miner = regtest.miner("miner", &node, &scripts()[0])?;
    let before = confirmed_above(&node, 0, 2).await?[0].height;
    // Whoever has a new block first is mined with until the other has it too.
    wait_for_daemon("the preferred daemon to be mined with", &node, &first).await?;
    let stopped = first.kill().await?;
    let after = confirmed_above(&node, before + 2, 2).await?;
    check_payouts(&second, &node, &after[0]).await?;
    wait_for_daemon("the other one to be mined with", &node, &second).await?;
    let log = regtest.place.log_text("node")?;
    anyhow::ensure!(!log.contains("miners get no new work"), "miners had work all the time");

    let first = stopped.start().await?;
    wait_for_daemon("the preferred daemon to take over again", &node, &first).await?;
    node.stop().await
}

/// Waits until this is the daemon that is mined with.
async fn wait_for_daemon(what: &str, node: &NodeProcess, daemon: &Litecoind) -> anyhow::Result<()> {
    wait_for(what, PATIENCE, async || {
        let parent = node.api.status().await?.parent;
        Ok(parent.daemons.iter().any(|seen| seen.chosen && seen.url == daemon.rpc_url).then_some(()))
    })
    .await
}

/// How soon a clean job follows a new block, from the call that makes the block: docs/performance.md has the figures.
#[tokio::test]
async fn clean_jobs_follow_new_blocks() -> anyhow::Result<()> {
    const BLOCKS: usize = 100;
    if !is_installed() {
        return Ok(());
    }
    let regtest = Regtest::new()?;
    let daemon = Litecoind::start(&regtest.folder("daemon"), WITHOUT_MWEB).await?;
    let node = regtest.node("node", &[&daemon], &[]).await?;
    let address = address(&scripts()[0])?;
    let mut miner = SteppedMiner::connect(&node.endpoints.stratum, &address).await?;
    miner.wait_for_work().await?;
    let mut times = Vec::new();
    for _ in 0..BLOCKS {
        let started = Instant::now();
        let (made, noticed) = tokio::join!(daemon.generate(1, &address), async {
            miner.wait_for_clean_job().await.map(|()| started.elapsed())
        });
        made?;
        times.push(noticed?);
    }
    times.sort_unstable();
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let figures =
        json!({"blocks": BLOCKS, "p50_ms": millis(times[BLOCKS / 2]), "p99_ms": millis(times[BLOCKS * 99 / 100])});
    println!("{figures}");
    node.stop().await
}
