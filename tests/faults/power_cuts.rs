//! The power goes at any moment: the file system stops, the node dies, and both come back.

use sharechain::testing::Rng;
use tests::World;
use tokio::time::sleep;

use crate::{
    Ended,
    disk::Disk,
    kills::{MINES_MAX_MS, draw},
    ledger::{Ledger, Mining},
    served::{BLOCK_INTERVAL_SECS, Served, serve},
    tally::Tally,
};

/// Rounds on one disk.
const ROUNDS_PER_DISK: u32 = 20;

/// So many rounds.
///
/// # Errors
/// When something is lost, or a node does not come back.
pub(crate) async fn run(rounds: u32, rng: &mut Rng, tally: &mut Tally) -> anyhow::Result<Ended> {
    if let Some(reason) = Disk::refusal() {
        return Ok(Ended::Skipped(reason));
    }
    let world = World::new(BLOCK_INTERVAL_SECS).await?;
    let before = tally.power_cuts;
    while tally.power_cuts - before < rounds {
        let here = ROUNDS_PER_DISK.min(rounds - (tally.power_cuts - before));
        let mut ledger = Ledger::default();
        let outcome = on_one_disk(&world, here, rng, &mut ledger, tally).await;
        tally.add(&ledger);
        outcome?;
    }
    Ok(Ended::Held)
}

async fn on_one_disk(
    world: &World,
    rounds: u32,
    rng: &mut Rng,
    ledger: &mut Ledger,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let name = format!("cut-{}", tally.power_cuts);
    // The log and everything else that is no data stays outside.
    let disk = Disk::ext4(&world.place.folder(&name))?;
    let Served { mut node, mut miner, .. } = serve(world, &world.place, &name).await?;
    for _ in 0..rounds {
        let mining = Mining::begin(miner);
        sleep(draw(rng, MINES_MAX_MS)).await;
        // Answers that come later may be of a machine that is off already.
        ledger.note(mining.noted());
        disk.cut()?;
        node.kill().await?;
        mining.end().await;
        disk.power_on()?;
        let served = serve(world, &world.place, &name).await?;
        tally.power_cuts += 1;
        tally.restarted(served.took);
        (node, miner) = (served.node, served.miner);
        ledger.check(&node).await?;
    }
    node.stop().await
}
