//! A disk without space: the miner hears it in words, the node goes on, and so does the mining as soon as there is space.

use std::{fs, io::Write, path::Path, time::Duration};

use anyhow::{Context, bail, ensure};
use tests::{SteppedMiner, World, wait_for};

use crate::{
    Ended,
    disk::Disk,
    ledger::Ledger,
    served::{BLOCK_INTERVAL_SECS, Served, comes_back, connect, mine, serve},
    tally::Tally,
};

/// Room on the disk. The store asks for some before it writes, so it is more than that.
const DISK_BYTES: u64 = 96 << 20;
/// What is left when it is nearly full.
const LEFT_BYTES: u64 = 8 << 20;
/// Time for mining to go on when there is space again.
const PATIENCE: Duration = Duration::from_secs(20);

/// See the module.
///
/// # Errors
/// When the node does otherwise.
pub(crate) async fn run(tally: &mut Tally) -> anyhow::Result<Ended> {
    if let Some(reason) = Disk::tmpfs_refusal() {
        return Ok(Ended::Skipped(reason));
    }
    let world = World::new(BLOCK_INTERVAL_SECS).await?;
    let folder = world.place.folder("full");
    let _disk = Disk::tmpfs(&folder, DISK_BYTES)?;
    let mut ledger = Ledger::default();
    let Served { mut node, mut miner, .. } = serve(&world, &world.place, "full").await?;
    ledger.note(mine(&mut miner, 3).await?);
    let filler = folder.join("filler");
    // Nearly full: the store stops before the file system does.
    fill(&filler, LEFT_BYTES)?;
    refused(&mut miner).await?;
    // To the last byte: nothing has to be written any more.
    fill(&filler, 0)?;
    refused(&mut miner).await?;
    ensure!(node.is_running(), "the node ended");
    // Who comes now gets work all the same.
    connect(&node).await.context("no work on a full disk")?;
    fs::remove_file(filler).context("cannot make room")?;
    let resumed = wait_for("shares to be taken again", PATIENCE, async || mine(&mut miner, 1).await.map(Some));
    ledger.note(resumed.await?);
    ledger.note(mine(&mut miner, 2).await?);
    ensure!(node.is_running(), "the node ended");
    node.kill().await?;
    comes_back(&world, "full", ledger, tally).await
}

/// A share is not acknowledged, and its miner is told why.
async fn refused(miner: &mut SteppedMiner) -> anyhow::Result<()> {
    let Err(cause) = mine(miner, 1).await else { bail!("a share was acknowledged on a full disk") };
    let words = cause.to_string();
    ensure!(words.contains("no space left"), "the refusal does not say why: {words}");
    Ok(())
}

/// Makes a file so long that no more than this is left of the disk.
fn fill(path: &Path, left: u64) -> anyhow::Result<()> {
    let mut file = fs::File::options().append(true).create(true).open(path).context("cannot fill the disk")?;
    if left == 0 {
        // Ever smaller pieces, until there is no space.
        for len in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![0; len]).is_ok() {}
        }
        return Ok(());
    }
    let used = fs::metadata(path.with_file_name("shares/0000000000/db")).map_or(0, |db| db.len());
    let len = DISK_BYTES.saturating_sub(used).saturating_sub(left);
    file.write_all(&vec![0; usize::try_from(len)?]).context("cannot fill the disk")
}
