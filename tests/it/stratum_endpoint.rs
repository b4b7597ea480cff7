//! Mistakes and malice of miners: clean refusals, clean disconnects, and everybody else mines on.

use std::time::Duration;

use anyhow::Context;
use node::api::dto::{List, Worker};
use testnet::{miner::devnet_user, process::NodeOptions};
use tests::{MINER_HASHRATE, SteppedMiner, World, ensure_eq, wait_for};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Sends bytes and reads until the endpoint closes; gives what it said.
async fn send_and_read(url: &str, bytes: &[u8]) -> anyhow::Result<String> {
    let mut socket = TcpStream::connect(url.trim_start_matches("stratum+tcp://")).await?;
    // The endpoint may hang up before it has everything.
    let _reset = socket.write_all(bytes).await;
    let mut answer = Vec::new();
    let closed = timeout(Duration::from_secs(5), socket.read_to_end(&mut answer)).await;
    anyhow::ensure!(closed.is_ok(), "not disconnected within 5 s");
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn garbage_is_disconnected_and_mining_goes_on() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let node = world.node("node", &[]).await?;
    let background = world.miner("honest", &node)?;
    let mut stepped = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("stepped")?).await?;
    let long_line = vec![b'x'; 1 << 20];
    let mut long_json = br#"{"id":1,"method":"mining.subscribe","params":[""#.to_vec();
    long_json.extend(vec![b'y'; 1 << 20]);
    let deep = format!("{}\n", "[".repeat(5_000));
    let cases: [&[u8]; 7] = [
        b"hello\n",
        b"GET / HTTP/1.1\r\nHost: pool\r\n\r\n",
        b"\xff\xfe\xfd\n",
        b"{\"id\":1,\"method\":7}\n",
        deep.as_bytes(),
        &long_line,
        &long_json,
    ];
    for bytes in cases {
        send_and_read(&node.endpoints.stratum, bytes).await?;
    }
    stepped.mine_one().await.context("others mine on")?;
    let status = wait_for("the background miner's submits", Duration::from_secs(30), async || {
        let status = node.api.status().await?;
        Ok((status.submits.accepted > 3).then_some(status))
    })
    .await?;
    ensure_eq(&(status.submits.rejected, status.miners), &(0, 2), "nobody else was hurt")?;
    background.stop().await;
    node.stop().await
}

#[tokio::test]
async fn miners_of_both_protocols_are_in_one_account() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let flags = ["--stratum-v2-listen", "127.0.0.1:0"].map(ToOwned::to_owned).to_vec();
    let options = NodeOptions { parent_rpc: world.devnet.rpc.clone(), flags, ..NodeOptions::default() };
    let node = world.place.node("node", &options).await?;
    let url = node.endpoints.stratum_v2.clone().context("no endpoint for Stratum V2")?;
    ensure_eq(&node.api.status().await?.stratum_v2_url, &Some(url.clone()), "the API has its URL too")?;
    let miners = [world.miner("one", &node)?, world.place.miner("two", &url, Some(MINER_HASHRATE))?];
    let both = wait_for("shares of both", Duration::from_secs(60), async || {
        let workers = node.api.get::<List<Worker>>("workers").await?.data;
        Ok((workers.len() == 2 && workers.iter().all(|worker| worker.submits.accepted > 1)).then_some(workers))
    })
    .await?;
    anyhow::ensure!(both[0].address != both[1].address, "each has its own: {both:?}");
    ensure_eq(&node.api.status().await?.submits.rejected, &0, "nothing is refused")?;
    for miner in miners {
        miner.stop().await;
    }
    node.stop().await
}

#[tokio::test]
async fn a_wrong_address_is_refused_in_words() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let node = world.node("node", &[]).await?;
    for (user, words) in
        [("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4.rig", "belongs to another network"), ("rig1", "ADDRESS[.worker]")]
    {
        let refusal = SteppedMiner::connect(&node.endpoints.stratum, user).await.map(|_| ()).unwrap_err().to_string();
        anyhow::ensure!(refusal.contains(words), "{user}: {refusal}");
    }
    node.stop().await
}
