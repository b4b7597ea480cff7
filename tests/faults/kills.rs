//! SIGKILL at any moment: what was acknowledged is there after the next start, without a hand.

use std::time::Duration;

use sharechain::testing::Rng;
use tests::World;
use tokio::time::{sleep, timeout};

use crate::{
    Ended,
    ledger::{Ledger, Mining},
    served::{BLOCK_INTERVAL_SECS, Served, serve},
    tally::Tally,
};

/// Rounds in one data directory: recovery of what was recovered is looked at too, and nothing is old enough to be forgotten.
const ROUNDS_PER_FOLDER: u32 = 20;
/// The longest a node mines before it is killed, milliseconds.
pub(crate) const MINES_MAX_MS: usize = 1_500;
/// The longest a node starts before it is killed, milliseconds.
const STARTS_MAX_MS: usize = 400;

/// So many rounds.
///
/// # Errors
/// When something is lost, or a node does not come back.
pub(crate) async fn run(rounds: u32, rng: &mut Rng, tally: &mut Tally) -> anyhow::Result<Ended> {
    let world = World::new(BLOCK_INTERVAL_SECS).await?;
    let before = tally.kills;
    while tally.kills - before < rounds {
        let here = ROUNDS_PER_FOLDER.min(rounds - (tally.kills - before));
        let mut ledger = Ledger::default();
        let outcome = in_one_folder(&world, here, rng, &mut ledger, tally).await;
        tally.add(&ledger);
        outcome?;
    }
    Ok(Ended::Held)
}

async fn in_one_folder(
    world: &World,
    rounds: u32,
    rng: &mut Rng,
    ledger: &mut Ledger,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let name = format!("killed-{}", tally.kills);
    let Served { mut node, mut miner, .. } = serve(world, &world.place, &name).await?;
    for _ in 0..rounds {
        let mining = Mining::begin(miner);
        sleep(draw(rng, MINES_MAX_MS)).await;
        node.kill().await?;
        ledger.note(mining.end().await);
        if rng.below(4) == 0 {
            // Killed again while it starts, when it is dropped.
            drop(timeout(draw(rng, STARTS_MAX_MS), serve(world, &world.place, &name)).await);
        }
        let served = serve(world, &world.place, &name).await?;
        tally.kills += 1;
        tally.restarted(served.took);
        (node, miner) = (served.node, served.miner);
        ledger.check(&node).await?;
    }
    node.stop().await
}

/// A time up to this many milliseconds.
pub(crate) fn draw(rng: &mut Rng, max_ms: usize) -> Duration {
    Duration::from_millis(u64::try_from(rng.below(max_ms)).unwrap_or_default())
}
