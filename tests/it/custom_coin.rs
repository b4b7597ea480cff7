//! A coin that the node does not know, by configuration alone: the example of the operators' page, word for word.

use std::time::Duration;

use anyhow::Context;
use node::api::dto::{Block, List};
use serde_json::json;
use testnet::{
    audit::{self, Daemon},
    process::{NodeOptions, Place},
};
use tests::{MINER_HASHRATE, ensure_eq, wait_for};

const PAGE: &str = include_str!("../../docs/OPERATING.md");

/// The file that the page has the operator write.
fn example(file: &str) -> anyhow::Result<&'static str> {
    let (_, after) = PAGE.split_once(&format!("cat > {file} <<'TOML'\n")).context("no such example")?;
    Ok(after.split_once("\nTOML\n").context("an example without an end")?.0)
}

#[tokio::test]
async fn a_custom_coin_is_mined_as_the_operators_page_says() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let place = Place::new(folder.path())?;
    let devnet = place.devnet(2).await?;
    let daemon = Daemon::new(&devnet.rpc)?;
    let genesis = daemon.call("getblockhash", json!([0])).await?;
    let config = example("custom.toml")?
        .replace("GENESIS", genesis.as_str().context("no hash")?)
        .replace("http://127.0.0.1:23332", &devnet.rpc)
        .replace("data_dir = \"~/.poolnode/my-coin\"\n", "");
    let path = folder.path().join("custom.toml");
    std::fs::write(&path, config)?;
    let options = NodeOptions { config: Some(path), ..NodeOptions::default() };
    let node = place.node("node", &options).await?;
    ensure_eq(&node.api.status().await?.network, &"my-coin".to_owned(), "the chain's name")?;
    let miners = [
        place.miner("alice", &node.endpoints.stratum, Some(MINER_HASHRATE))?,
        place.miner("bob", &node.endpoints.stratum, Some(MINER_HASHRATE))?,
    ];
    wait_for("a block that pays both", Duration::from_secs(120), async || {
        Ok(daemon.blocks().await?.iter().any(|block| block.outputs.len() == 2).then_some(()))
    })
    .await?;
    for miner in miners {
        miner.stop().await;
    }
    for block in daemon.blocks().await? {
        ensure_eq(&audit::differs(&node.api, &block).await?, &None, "payouts")?;
    }
    let blocks: List<Block> = node.api.get("blocks").await?;
    ensure_eq(&blocks.data.iter().filter(|block| block.status == "refused").count(), &0, "refused blocks")?;
    node.stop().await
}

#[test]
fn the_example_for_bitcoin_core_is_understood() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("regtest.toml");
    std::fs::write(&path, example("regtest.toml")?)?;
    let config = node::config::RawConfig::read(&path)?.resolve()?;
    ensure_eq(&config.chain.name, &"bitcoin-regtest".to_owned(), "the chain")?;
    // And the address that it mines to.
    let (_, address) = PAGE.split_once("devminer -a sha256d -u ").context("no miner")?;
    let address = address.split_once('.').context("no worker")?.0;
    config.chain.addresses.parse(address)?;
    Ok(())
}
