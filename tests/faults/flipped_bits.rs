//! One flipped bit in every file of the data directory in turn: a node starts all the same, with all that it acknowledged and nothing
//! that is not true, or says which file it cannot use.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use sharechain::testing::Rng;
use tests::World;

use crate::{
    Ended,
    ledger::listed,
    served::{BLOCK_INTERVAL_SECS, Served, mine, serve},
    tally::Tally,
};

/// Shares in the store that is damaged.
const SHARES: usize = 6;
/// Bits that are flipped in the store's data file, each in a copy of its own; the other files have one.
const STORE_FLIPS: usize = 6;

/// See the module.
///
/// # Errors
/// When a node breaks down, or shows a share that nobody mined.
pub(crate) async fn run(rng: &mut Rng, tally: &mut Tally) -> anyhow::Result<Ended> {
    let world = World::new(BLOCK_INTERVAL_SECS).await?;
    let Served { node, mut miner, .. } = serve(&world, &world.place, "whole").await?;
    let mined = mine(&mut miner, SHARES).await?;
    node.stop().await?;
    let whole = world.place.folder("whole");
    let files = files(&whole)?;
    let mut seen = Seen::default();
    for (number, (file, bytes)) in files.iter().enumerate() {
        let is_store = file.starts_with("shares") && file.ends_with("db");
        for flip in 0..if is_store { STORE_FLIPS } else { 1 } {
            let name = format!("flipped-{number}-{flip}");
            // The store's file is made longer than what is in it.
            let written = bytes.iter().rposition(|byte| *byte != 0).map_or(bytes.len(), |last| last + 1);
            let bit = rng.below(written * 8);
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            copy(&whole, &files, &world.place.folder(&name))?;
            fs::write(world.place.folder(&name).join(file), damaged)?;
            let what = format!("bit {bit} of {}", file.display());
            match look(&world, &name, &mined, tally).await.with_context(|| what)? {
                Look::Used => seen.used += 1,
                Look::Refused => seen.refused += 1,
            }
        }
    }
    eprintln!("{seen}");
    Ok(Ended::Held)
}

/// What became of one damaged folder.
enum Look {
    Used,
    Refused,
}

/// What became of all of them: how strong the test was, for a fault in a place that nobody reads shows nothing.
#[derive(Debug, Default)]
struct Seen {
    used: u32,
    refused: u32,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} damaged folders were used with all shares, and {} were refused in words", self.used, self.refused)
    }
}

/// Starts on a damaged folder.
async fn look(world: &World, name: &str, mined: &[String], tally: &mut Tally) -> anyhow::Result<Look> {
    match serve(world, &world.place, name).await {
        Ok(Served { node, mut miner, took }) => {
            tally.restarted(took);
            let listed = listed(&node).await?;
            let strange = listed.iter().find(|id| !mined.contains(id));
            ensure!(strange.is_none(), "the node has a share that nobody mined: {strange:?}");
            for id in mined {
                // The store has them, and the journal: one bit is never in both.
                node.api.share(id).await.with_context(|| format!("the node has lost {id}"))?;
            }
            mine(&mut miner, 1).await.context("mining does not go on")?;
            node.stop().await?;
            Ok(Look::Used)
        }
        Err(cause) => {
            let words = format!("{cause:#}");
            ensure!(words.contains("error: ") && !words.contains("task panicked"), "it broke down: {words}");
            Ok(Look::Refused)
        }
    }
}

/// Every file with something in it, by its path in the folder.
fn files(root: &Path) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    let (mut files, mut folders) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).context("cannot look into a folder")? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            if !bytes.is_empty() {
                files.push((path.strip_prefix(root)?.to_owned(), bytes));
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// A copy with the modes of the files, which are looked at where they are secret.
fn copy(root: &Path, files: &[(PathBuf, Vec<u8>)], to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to.join("shares/0000000000/blobs"))?;
    fs::set_permissions(to, fs::metadata(root)?.permissions())?;
    for (file, _) in files {
        let target = to.join(file);
        fs::create_dir_all(target.parent().context("no folder")?)?;
        fs::copy(root.join(file), target).with_context(|| format!("cannot copy {}", file.display()))?;
    }
    Ok(())
}
