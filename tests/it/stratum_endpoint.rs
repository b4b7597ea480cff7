//! Mistakes and malice of miners: clean refusals, clean disconnects, and everybody else mines on.

use std::time::Duration;

use anyhow::Context;
use testnet::miner::devnet_user;
use tests::{SteppedMiner, World, ensure_eq, wait_for};
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
    background.stop().await?;
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
