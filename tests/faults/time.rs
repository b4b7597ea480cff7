//! Time that stands still for a node, and a clock that jumps.

use std::{ffi::OsString, time::Duration};

use anyhow::{Context, bail};
use testnet::process::NodeProcess;
use tests::World;
use tokio::time::sleep;

use crate::{
    Ended,
    ledger::Ledger,
    served::{BLOCK_INTERVAL_SECS, Served, comes_back, connect, mine, serve},
    tally::Tally,
    tools::{answer, missing},
};

/// How long a node is frozen: more blocks of the parent chain than one.
const FROZEN: Duration = Duration::from_secs(8);
/// How far the clock jumps.
const JUMP: &str = "+1h";
/// Pools that are tried until one finds no block while the clock is ahead: about three of four do not.
const WORLDS_MAX: u32 = 20;

/// A node that was stopped and goes on.
///
/// # Errors
/// When it does not.
pub(crate) async fn freeze(tally: &mut Tally) -> anyhow::Result<Ended> {
    let world = World::new(BLOCK_INTERVAL_SECS).await?;
    let mut ledger = Ledger::default();
    let Served { node, mut miner, .. } = serve(&world, &world.place, "frozen").await?;
    ledger.note(mine(&mut miner, 2).await?);
    node.freeze()?;
    sleep(FROZEN).await;
    node.thaw()?;
    ledger.note(mine(&mut miner, 2).await.context("a miner that waited")?);
    ledger.note(mine(&mut connect(&node).await?, 1).await.context("a miner that came later")?);
    node.kill().await?;
    comes_back(&world, "frozen", ledger, tally).await
}

/// A start an hour ahead of all others, and one without.
///
/// # Errors
/// When something is lost, or mining does not go on.
pub(crate) async fn clock(tally: &mut Tally) -> anyhow::Result<Ended> {
    if let Some(reason) = missing(&["faketime"]) {
        return Ok(Ended::Skipped(reason));
    }
    for _ in 0..WORLDS_MAX {
        let world = World::new(BLOCK_INTERVAL_SECS).await?;
        let mut ledger = Ledger::default();
        let Served { node, mut miner, .. } = serve(&world, &world.place, "clock").await?;
        ledger.note(mine(&mut miner, 2).await?);
        node.kill().await?;
        let ahead = world.place.started_by(ahead()?);
        let Served { node, mut miner, .. } = serve(&world, &ahead, "clock").await.context("an hour ahead")?;
        let mined = mine(&mut miner, 2).await.context("an hour ahead")?;
        let has_block = is_any_block(&node, &mined).await?;
        ledger.note(mined);
        node.kill().await?;
        // Whoever mines on a block from the future may not say an earlier time than it does: then nobody here mines for an hour.
        if !has_block {
            return comes_back(&world, "clock", ledger, tally).await;
        }
    }
    bail!("{WORLDS_MAX} times a block was found an hour ahead")
}

async fn is_any_block(node: &NodeProcess, shares: &[String]) -> anyhow::Result<bool> {
    for id in shares {
        if node.api.share(id).await?.is_block {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `faketime` itself stays between us and the node; its library alone does not.
fn ahead() -> anyhow::Result<[OsString; 3]> {
    let variables = answer("faketime", ["-f", JUMP, "env"].map(AsRef::as_ref))?;
    let library = variables.lines().find(|line| line.starts_with("LD_PRELOAD=")).context("faketime has no library")?;
    // The node has threads.
    let library = library.replace("libfaketime.so", "libfaketimeMT.so");
    Ok(["env".into(), library.into(), format!("FAKETIME={JUMP}").into()])
}
