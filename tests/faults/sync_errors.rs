//! A disk that refuses a sync, and one that takes its time.

use std::time::Duration;

use anyhow::ensure;
use tests::World;

use crate::{
    Ended,
    ledger::Ledger,
    served::{BLOCK_INTERVAL_SECS, Served, comes_back, connect, mine, serve},
    tally::Tally,
    tools::{strace, strace_refusal},
};

/// What a node returns whose store failed (docs/CLI.md).
const STORE_FAILED: i32 = 6;
/// Time for a node to end whose store failed.
const PATIENCE: Duration = Duration::from_secs(15);
/// More shares than the syncs that work.
const SHARES_MAX: usize = 20;

/// After a refused sync nobody knows what is on the disk: nothing is acknowledged any more, and the node ends.
///
/// # Errors
/// When the node does otherwise.
pub(crate) async fn refused(tally: &mut Tally) -> anyhow::Result<Ended> {
    if let Some(reason) = strace_refusal() {
        return Ok(Ended::Skipped(reason));
    }
    let world = World::new(BLOCK_INTERVAL_SECS).await?;
    let mut ledger = Ledger::default();
    // From the eighth of a thread on; the store's thread is the one that has so many.
    let failing = world.place.started_by(strace("fdatasync", "error=EIO:when=8+"));
    let Served { node, mut miner, .. } = serve(&world, &failing, "refused").await?;
    let mut acknowledged = 0;
    while let Ok(ids) = mine(&mut miner, 1).await {
        acknowledged += ids.len();
        ledger.note(ids);
        ensure!(acknowledged < SHARES_MAX, "shares are acknowledged though no sync works");
    }
    // The node is on its way out: whoever still gets in is told of nothing kept.
    if let Ok(mut late) = connect(&node).await {
        ensure!(mine(&mut late, 1).await.is_err(), "a share was acknowledged after a refused sync");
    }
    let status = node.ended(PATIENCE).await?;
    ensure!(status.code() == Some(STORE_FAILED), "it ended with {status}, not with {STORE_FAILED}");
    comes_back(&world, "refused", ledger, tally).await
}

/// Every sync takes a third of a second: the miner waits, and is told the truth.
///
/// # Errors
/// When the node does otherwise.
pub(crate) async fn slow(tally: &mut Tally) -> anyhow::Result<Ended> {
    if let Some(reason) = strace_refusal() {
        return Ok(Ended::Skipped(reason));
    }
    let world = World::new(BLOCK_INTERVAL_SECS).await?;
    let mut ledger = Ledger::default();
    let slow = world.place.started_by(strace("fdatasync,fsync", "delay_enter=300000"));
    let Served { node, mut miner, .. } = serve(&world, &slow, "slow").await?;
    ledger.note(mine(&mut miner, 4).await?);
    node.kill().await?;
    comes_back(&world, "slow", ledger, tally).await
}
