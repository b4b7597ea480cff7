//! SIGKILL and power cuts at any moment: what was acknowledged is there after the next start, without a hand.

use std::{fs, time::Duration};

use anyhow::{Context, ensure};
use sharechain::testing::Rng;
use testnet::{
    cheap_chain::{Busy, CheapChain, Shares},
    process::NodeProcess,
};
use tests::World;
use tokio::time::{sleep, timeout};

use crate::{
    Ended,
    disk::Disk,
    ledger::{Ledger, Mining},
    served::{BLOCK_INTERVAL_SECS, Served, serve, serve_with},
    tally::Tally,
};

/// Rounds in one data directory: recovery of what was recovered is looked at too, and nothing is old enough to be forgotten.
const ROUNDS_PER_FOLDER: u32 = 20;
/// The longest a node mines before its end, milliseconds.
const MINES_MAX_MS: usize = 1_500;
/// The longest a node starts before it is killed, milliseconds.
const STARTS_MAX_MS: usize = 400;
/// Time between blocks where generations are short: each begins a height, and another one is forgotten.
const SHORT_BLOCK_INTERVAL_SECS: u32 = 1;
/// Shares that were mined before the first start there: more than are kept.
const MINED_BEFORE: usize = 800;
/// The time that they took.
const MINED_SECS: u32 = 90;
/// Shares of a short generation, and of the window of its chain.
const GENERATION_SHARES: u64 = 16;
const WINDOW_SHARES: u32 = 20;
/// What such a chain keeps at least, with all of one miner: four windows, but for what was not merged yet.
const SHORT_KEPT: usize = 64;

/// What the rounds are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rounds {
    /// They end with SIGKILL, some of them with another one while the node starts.
    Kills,
    /// They end with the file system of the data directory, and then the node.
    PowerCuts,
    /// The same, of a node that begins and deletes generations of its store all the time.
    Generations,
}

/// A data directory that nodes are started in, one after the other.
struct Folder<'a> {
    world: &'a World,
    name: String,
    disk: Option<Disk>,
    /// Where the store has short generations.
    chain: Option<Busy>,
}

/// So many rounds.
///
/// # Errors
/// When something is lost, or a node does not come back.
pub(crate) async fn run(kind: Rounds, rounds: u32, rng: &mut Rng, tally: &mut Tally) -> anyhow::Result<Ended> {
    if let Some(reason) = Disk::refusal().filter(|_| kind != Rounds::Kills) {
        return Ok(Ended::Skipped(reason));
    }
    let (block_interval_secs, kept) = match kind {
        Rounds::Kills | Rounds::PowerCuts => (BLOCK_INTERVAL_SECS, None),
        Rounds::Generations => (SHORT_BLOCK_INTERVAL_SECS, Some(SHORT_KEPT)),
    };
    let world = World::new(block_interval_secs).await?;
    for first in (0..rounds).step_by(ROUNDS_PER_FOLDER as usize) {
        let (here, folder) = (ROUNDS_PER_FOLDER.min(rounds - first), Folder::new(&world, first, kind)?);
        let mut ledger = Ledger::new(kept);
        let outcome = in_one_folder(&folder, here, rng, &mut ledger, tally).await;
        tally.add(&ledger);
        outcome?;
        if kind == Rounds::Generations {
            let deleted = folder.oldest_generation()?;
            tally.generations_deleted(deleted);
            ensure!(deleted > 0, "no generation was deleted: the cuts show nothing of that");
        }
    }
    Ok(Ended::Held)
}

async fn in_one_folder(
    folder: &Folder<'_>,
    rounds: u32,
    rng: &mut Rng,
    ledger: &mut Ledger,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let Served { mut node, mut miner, .. } = folder.serve().await?;
    for _ in 0..rounds {
        let mining = Mining::begin(miner);
        sleep(draw(rng, MINES_MAX_MS)).await;
        match &folder.disk {
            Some(disk) => ledger.note(cut(disk, node, mining).await?),
            None => {
                node.kill().await?;
                ledger.note(mining.end().await);
                if rng.below(4) == 0 {
                    // Killed again while it starts, when it is dropped.
                    drop(timeout(draw(rng, STARTS_MAX_MS), folder.serve()).await);
                }
            }
        }
        let served = folder.serve().await?;
        *if folder.disk.is_some() { &mut tally.power_cuts } else { &mut tally.kills } += 1;
        tally.restarted(served.took);
        (node, miner) = (served.node, served.miner);
        ledger.check(&node).await?;
    }
    node.stop().await
}

impl<'a> Folder<'a> {
    /// The log and everything else that is no data stays outside of its disk.
    fn new(world: &'a World, number: u32, kind: Rounds) -> anyhow::Result<Self> {
        let name = format!("round-{number}");
        let path = world.place.folder(&name);
        let disk = (kind != Rounds::Kills).then(|| Disk::ext4(&path)).transpose()?;
        let chain = (kind == Rounds::Generations).then(|| short_chain(world)).transpose()?;
        if let Some(chain) = &chain {
            Shares::mine(&CheapChain::busy(chain.clone())?, MINED_BEFORE)?.store(&path)?;
        }
        Ok(Self { world, name, disk, chain })
    }

    async fn serve(&self) -> anyhow::Result<Served> {
        let place = &self.world.place;
        match &self.chain {
            Some(chain) => serve_with(async || place.busy_node(&self.name, chain).await).await,
            None => serve(self.world, place, &self.name).await,
        }
    }

    /// The number of the oldest generation that is left, which is how many were deleted.
    fn oldest_generation(&self) -> anyhow::Result<u32> {
        let shares = self.world.place.folder(&self.name).join("shares");
        let names = fs::read_dir(&shares)?.map(|entry| Ok(entry?.file_name().into_string().unwrap_or_default()));
        let names = names.collect::<anyhow::Result<Vec<_>>>()?;
        names
            .iter()
            .filter_map(|name| name.parse().ok())
            .min()
            .with_context(|| format!("no store in {}", shares.display()))
    }
}

/// A chain that was begun just now, whose shares one miner finds by the dozen.
fn short_chain(world: &World) -> anyhow::Result<Busy> {
    let begun = Busy::begun(MINED_SECS, WINDOW_SHARES, &world.devnet.rpc)?;
    Ok(Busy { generation_shares: Some(GENERATION_SHARES), ..begun })
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
