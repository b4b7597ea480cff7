//! The negative control: a power cut under a node whose syncs do nothing has to lose shares, or the power cuts that lose none
//! show nothing. The syncs are taken away from outside, so that no node has a switch for it.

use std::path::Path;

use anyhow::ensure;
use node::store::{Store, sled::SledStore};
use tests::World;

use crate::{
    Ended,
    disk::Disk,
    ledger::Ledger,
    served::{BLOCK_INTERVAL_SECS, Served, mine, serve},
    tally::Tally,
    tools::{strace, strace_refusal},
};

/// Calls that write to the disk.
const SYNCS: &str = "fsync,fdatasync,sync_file_range,syncfs,sync,msync";
/// Shares that are acknowledged without a sync.
const SHARES: usize = 5;

/// One round without syncs. Its shares are no part of the tally: they have to be lost.
///
/// # Errors
/// When nothing is lost.
pub(crate) async fn run(tally: &mut Tally) -> anyhow::Result<Ended> {
    if let Some(reason) = Disk::refusal().or_else(strace_refusal) {
        return Ok(Ended::Skipped(reason));
    }
    let world = World::new(BLOCK_INTERVAL_SECS).await?;
    let folder = world.place.folder("control");
    let disk = Disk::ext4(&folder)?;
    // What a node makes at its first start is on the disk.
    let Served { node, mut miner, .. } = serve(&world, &world.place, "control").await?;
    mine(&mut miner, 1).await?;
    node.stop().await?;
    disk.power_on()?;
    let unsynced = world.place.started_by(strace(SYNCS, "retval=0"));
    let Served { node, mut miner, .. } = serve(&world, &unsynced, "control").await?;
    let acknowledged = mine(&mut miner, SHARES).await?;
    disk.cut()?;
    node.kill().await?;
    disk.power_on()?;
    let lost = match serve(&world, &world.place, "control").await {
        Ok(served) => {
            let mut ledger = Ledger::default();
            ledger.note(acknowledged);
            ledger.count_lost(&served.node).await?
        }
        // Half written files are a loss too, when the store can be looked at and has not got them.
        Err(_) => SHARES.saturating_sub(stored(&folder)),
    };
    tally.control_lost = Some(lost > 0);
    ensure!(lost > 0, "a node without syncs lost nothing in a power cut: power cuts show nothing here");
    Ok(Ended::Held)
}

/// Shares in the store of a node that does not run; none in a store that cannot be read.
fn stored(folder: &Path) -> usize {
    let store = SledStore::open(&folder.join("shares"));
    let loaded = store.and_then(|store| store.for_each(&mut |_| {}));
    loaded.map_or(0, |loaded| usize::try_from(loaded.shares).unwrap_or(usize::MAX))
}
