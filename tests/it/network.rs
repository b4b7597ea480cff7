//! How nodes find each other, and what an operator can order.

use std::{process::Output, time::Duration};

use anyhow::Context;
use testnet::process::{NodeOptions, NodeProcess};
use tests::{World, ensure_eq, wait_for};

/// A node that knows nobody but a seed.
async fn node_with_seed(world: &World, name: &str, seed: &NodeProcess) -> anyhow::Result<NodeProcess> {
    let address = seed.endpoints.p2p.first().context("the seed listens nowhere")?;
    let flags = vec!["--seed".to_owned(), address.clone()];
    let options = NodeOptions { parent_rpc: world.devnet.rpc.clone(), flags, ..NodeOptions::default() };
    world.place.node(name, &options).await
}

async fn peer_ids(node: &NodeProcess) -> anyhow::Result<Vec<String>> {
    Ok(node.api.peers().await?.data.into_iter().map(|peer| peer.peer_id).collect())
}

async fn id(node: &NodeProcess) -> anyhow::Result<String> {
    Ok(node.api.status().await?.peer_id)
}

async fn wait_for_peer(node: &NodeProcess, peer: &str, is_there: bool) -> anyhow::Result<()> {
    let what = format!("{} to be {} {peer}", node.name, if is_there { "connected to" } else { "rid of" });
    wait_for(&what, Duration::from_secs(60), async || {
        Ok((peer_ids(node).await?.iter().any(|id| id == peer) == is_there).then_some(()))
    })
    .await
}

#[tokio::test]
async fn nodes_find_each_other_by_a_seed_and_again_without_it() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let seed = world.node("seed", &[]).await?;
    let (one, two) = (node_with_seed(&world, "one", &seed).await?, node_with_seed(&world, "two", &seed).await?);
    let (one_id, two_id) = (id(&one).await?, id(&two).await?);
    wait_for_peer(&one, &two_id, true).await?;
    wait_for_peer(&two, &one_id, true).await?;
    let reachable =
        wait_for("somebody to dial back", Duration::from_secs(90), async || Ok(one.api.network().await?.reachable));
    ensure_eq(&reachable.await?, &true, "on this machine everybody can be reached")?;

    // The seed goes, and what was known is still known after a restart.
    seed.stop().await?;
    one.stop().await?;
    let one = world.node("one", &[]).await?;
    wait_for_peer(&one, &two_id, true).await?;
    one.stop().await?;
    two.stop().await
}

/// Gives an order to the first node; the answer.
async fn order(world: &World, node: &NodeProcess, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut command = world.place.command("poolnode");
    command.args(["--api", &node.endpoints.api, "peers"]).args(arguments);
    Ok(command.output().await?)
}

async fn ordered(world: &World, node: &NodeProcess, arguments: &[&str], words: &str) -> anyhow::Result<()> {
    let output = order(world, node, arguments).await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(text.contains(words), "{arguments:?}: {text}");
    Ok(())
}

#[tokio::test]
async fn an_operator_pings_drops_bans_and_forgives_peers() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let one = world.node("one", &[]).await?;
    let two = world.node("two", &[&one]).await?;
    let (two_id, two_address) = (id(&two).await?, two.endpoints.p2p[0].clone());
    wait_for_peer(&one, &two_id, true).await?;

    ordered(&world, &one, &["ping", &two_id], "answered after").await?;
    ordered(&world, &one, &["ping", "12D3..nobody"], "no connected peer is called").await?;
    ordered(&world, &one, &["ban", "nobody"], "give a peer id").await?;
    ordered(&world, &one, &["ban", &two_id, "--for", "soon"], "no time like").await?;
    ordered(&world, &one, &["bans"], "nobody is banned").await?;

    ordered(&world, &one, &["ban", &two_id, "--for", "1h"], "is banned for 1h00").await?;
    wait_for_peer(&one, &two_id, false).await?;
    ordered(&world, &one, &["bans"], "by the operator").await?;
    // The other one dials every few seconds, and a restart is no pardon.
    one.stop().await?;
    let one = world.node("one", &[]).await?;
    ordered(&world, &one, &["bans"], &two_id).await?;
    ordered(&world, &one, &["add", &two_address], "").await?;
    ensure_eq(&peer_ids(&one).await?, &vec![], "it stays away")?;

    ordered(&world, &one, &["unban", &two_id], "may come back").await?;
    ordered(&world, &one, &["unban", &two_id], "is not banned").await?;
    ordered(&world, &one, &["add", &two_address], "dialling").await?;
    wait_for_peer(&one, &two_id, true).await?;
    ordered(&world, &one, &["drop", &two_id], "is disconnected").await?;
    // When the other one dials, it is no longer what `add` had made it.
    ordered(&world, &two, &["add", &one.endpoints.p2p[0]], "dialling").await?;
    wait_for("the dropped peer to come back", Duration::from_secs(60), async || {
        let peers = one.api.peers().await?.data;
        let slot = peers.into_iter().find(|peer| peer.peer_id == two_id).and_then(|peer| peer.slot);
        Ok((slot.as_deref() == Some("inbound")).then_some(()))
    })
    .await?;

    // Without the cookie nobody gives orders.
    let url = format!("{}/api/v1/peers/drop", one.endpoints.api);
    let body = node::api::dto::PeerOrderBody { subject: two_id.clone(), secs: None };
    let refused = one.api.order("drop", &body, "wrong").await.map(|_| ()).unwrap_err().to_string();
    anyhow::ensure!(refused.contains("not allowed"), "{url}: {refused}");
    two.stop().await?;
    one.stop().await
}
