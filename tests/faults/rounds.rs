//! SIGKILL and power cuts at any moment: what was acknowledged is there after the next start, without a hand.

use std::time::Duration;

use sharechain::testing::Rng;
use testnet::process::NodeProcess;
use tests::World;
use tokio::time::{sleep, timeout};

use crate::{
    Ended,
    disk::Disk,
    ledger::{Ledger, Mining},
    served::{BLOCK_INTERVAL_SECS, Served, serve},
    tally::Tally,
};

/// Rounds in one data directory: recovery of what was recovered is looked at too, and nothing is old enough to be forgotten.
const ROUNDS_PER_FOLDER: u32 = 20;
/// The longest a node mines before its end, milliseconds.
const MINES_MAX_MS: usize = 1_500;
/// The longest a node starts before it is killed, milliseconds.
const STARTS_MAX_MS: usize = 400;

/// So many rounds that end with SIGKILL, some of them with another one while the node starts.
///
/// # Errors
/// When something is lost, or a node does not come back.
pub(crate) async fn kills(rounds: u32, rng: &mut Rng, tally: &mut Tally) -> anyhow::Result<Ended> {
    run(rounds, rng, tally, |_, _| Ok(None)).await
}

/// So many rounds that end with the file system of the data directory, and then the node.
///
/// # Errors
/// When something is lost, or a node does not come back.
pub(crate) async fn power_cuts(rounds: u32, rng: &mut Rng, tally: &mut Tally) -> anyhow::Result<Ended> {
    if let Some(reason) = Disk::refusal() {
        return Ok(Ended::Skipped(reason));
    }
    // The log and everything else that is no data stays outside.
    run(rounds, rng, tally, |world, name| Disk::ext4(&world.place.folder(name)).map(Some)).await
}

async fn run(
    rounds: u32,
    rng: &mut Rng,
    tally: &mut Tally,
    disk: impl Fn(&World, &str) -> anyhow::Result<Option<Disk>>,
) -> anyhow::Result<Ended> {
    let world = World::new(BLOCK_INTERVAL_SECS).await?;
    for first in (0..rounds).step_by(ROUNDS_PER_FOLDER as usize) {
        let (here, name) = (ROUNDS_PER_FOLDER.min(rounds - first), format!("round-{first}"));
        let disk = disk(&world, &name)?;
        let mut ledger = Ledger::default();
        let outcome = in_one_folder((&world, &name, disk.as_ref()), here, rng, &mut ledger, tally).await;
        tally.add(&ledger);
        outcome?;
    }
    Ok(Ended::Held)
}

async fn in_one_folder(
    (world, name, disk): (&World, &str, Option<&Disk>),
    rounds: u32,
    rng: &mut Rng,
    ledger: &mut Ledger,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let Served { mut node, mut miner, .. } = serve(world, &world.place, name).await?;
    for _ in 0..rounds {
        let mining = Mining::begin(miner);
        sleep(draw(rng, MINES_MAX_MS)).await;
        match disk {
            Some(disk) => ledger.note(cut(disk, node, mining).await?),
            None => {
                node.kill().await?;
                ledger.note(mining.end().await);
                if rng.below(4) == 0 {
                    // Killed again while it starts, when it is dropped.
                    drop(timeout(draw(rng, STARTS_MAX_MS), serve(world, &world.place, name)).await);
                }
            }
        }
        let served = serve(world, &world.place, name).await?;
        *if disk.is_some() { &mut tally.power_cuts } else { &mut tally.kills } += 1;
        tally.restarted(served.took);
        (node, miner) = (served.node, served.miner);
        ledger.check(&node).await?;
    }
    node.stop().await
}

/// Cuts the power, and switches it on again; what was acknowledged before.
async fn cut(disk: &Disk, node: NodeProcess, mining: Mining) -> anyhow::Result<Vec<String>> {
    // Answers that come later may be of a machine that is off already.
    let acknowledged = mining.noted();
    disk.cut()?;
    node.kill().await?;
    mining.end().await;
    disk.power_on()?;
    Ok(acknowledged)
}

/// A time up to this many milliseconds.
fn draw(rng: &mut Rng, max_ms: usize) -> Duration {
    Duration::from_millis(u64::try_from(rng.below(max_ms)).unwrap_or_default())
}
