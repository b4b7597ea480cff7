//! After the fact: whom blocks paid, beside the blocks themselves, and the proof that needs no node.

use std::{process::Output, time::Duration};

use anyhow::Context;
use node::api::dto::{List, PayoutEntry};
use serde_json::Value;
use testnet::{miner::devnet_user, process::NodeProcess};
use tests::{World, ensure_eq, wait_for};

const PATIENCE: Duration = Duration::from_secs(120);

async fn poolnode(world: &World, node: &NodeProcess, arguments: &[&str]) -> anyhow::Result<Output> {
    let all = [&["--api", node.endpoints.api.as_str()], arguments].concat();
    Ok(world.place.command("poolnode").args(all).output().await?)
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn address(name: &str) -> anyhow::Result<String> {
    Ok(devnet_user(name)?.split('.').next().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn what_blocks_paid_is_listed_audited_and_proven_without_a_node() -> anyhow::Result<()> {
    let world = World::new(2).await?;
    let node = world.node("node", &[]).await?;
    let miners = [world.miner("alice", &node)?, world.miner("bob", &node)?];
    let (alice, bob) = (address("alice")?, address("bob")?);
    let history = async |of: &str| -> anyhow::Result<List<PayoutEntry>> {
        Ok(node.api.get(&format!("payouts/history?address={of}")).await?)
    };
    let both = wait_for("a block that pays both", PATIENCE, async || {
        let (alice, bob) = (history(&alice).await?, history(&bob).await?);
        let both = alice.data.iter().find(|paid| bob.data.iter().any(|other| other.block == paid.block));
        Ok(both.cloned())
    })
    .await?;
    for miner in miners {
        miner.stop().await;
    }

    let audit = poolnode(&world, &node, &["payouts", "audit", &both.block, "--json"]).await?;
    anyhow::ensure!(audit.status.success(), "{}", text(&audit));
    let audit: Value = serde_json::from_slice(&audit.stdout)?;
    ensure_eq(&audit["verdict"], &"agrees".into(), "the audit")?;
    let outputs = audit["outputs"].as_array().context("no outputs")?;
    let found = outputs.iter().find(|output| output["address"] == alice.as_str()).context("alice is not paid")?;
    ensure_eq(&found["found"], &both.amount.into(), "what alice got")?;

    let file = world.place.folder("proof.json");
    let path = file.display().to_string();
    let proved = poolnode(&world, &node, &["payouts", "prove", &alice, "--block", &both.block, "--out", &path]).await?;
    anyhow::ensure!(proved.status.success(), "{}", text(&proved));
    let csv = poolnode(&world, &node, &["payouts", "export", "--address", &alice]).await?;
    let csv = text(&csv);
    anyhow::ensure!(csv.starts_with("time,height,address,amount_units,status,block\r\n"), "{csv}");
    anyhow::ensure!(csv.contains(&format!("{},", both.amount)) && csv.contains(&both.block), "{csv}");
    let listed = history(&alice).await?.meta.count;
    node.stop().await?;

    let verify = async |arguments: &[&str]| {
        world.place.command("poolnode").args([&["verify"], arguments].concat()).output().await
    };
    let verified = verify(&[&path, "--address", &alice, "--json"]).await?;
    anyhow::ensure!(verified.status.success(), "{}", text(&verified));
    let verified: Value = serde_json::from_slice(&verified.stdout)?;
    ensure_eq(&verified["payouts"][0]["amount"], &both.amount.into(), "what the proof shows")?;
    let words = text(&verify(&[&path]).await?);
    anyhow::ensure!(
        words.contains(&alice) && words.contains(&bob) && words.contains("Not shown by this file"),
        "{words}"
    );
    let stranger = verify(&[&path, "--address", &address("carol")?]).await?;
    anyhow::ensure!(!stranger.status.success() && text(&stranger).contains("does not pay this address"), "carol");
    let mut forged: Value = serde_json::from_str(&std::fs::read_to_string(&file)?)?;
    forged["window"].as_array_mut().context("no window")?.remove(0);
    std::fs::write(&file, forged.to_string())?;
    let refused = verify(&[&path]).await?;
    let refused_text = text(&refused);
    anyhow::ensure!(
        !refused.status.success() && refused_text.contains("does not lead to the coinbase"),
        "{refused_text}"
    );

    let again = world.node("node", &[]).await?;
    // They are read beside the start.
    wait_for("all payouts after a restart", PATIENCE, async || {
        let kept: List<PayoutEntry> = again.api.get(&format!("payouts/history?address={alice}")).await?;
        anyhow::ensure!(kept.meta.count >= listed, "{} of {listed} payouts after a restart", kept.meta.count);
        Ok(Some(()))
    })
    .await?;
    again.stop().await
}
