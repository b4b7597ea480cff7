//! The share stores of a node's folder, for its operator: what is in them, whether it is whole, and copies of it.
//!
//! A folder has one user at a time: all of this takes its lock, but for a backup, which asks the running node for the shares.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{
    api::client::ApiError,
    config::Config,
    data_dir::{DataDir, OWN_SHARES},
    error::NodeError,
    store::{self, Loaded, Marks, Store, StoreError, schema::SCHEMA, sled::SledStore},
};

mod backup;
mod files;
mod unfinished;

pub use backup::{BackedUp, Restored, backup, restore};

/// Told how much is done of what.
pub type Progress<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The folder.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The store.
    #[error("the share store of {} cannot be used", folder.display())]
    Store {
        /// The data directory.
        folder: PathBuf,
        /// Why not.
        #[source]
        source: StoreError,
    },
    /// The running node.
    #[error("the running node does not give its shares")]
    Api(#[from] ApiError),
    /// A node runs there, and does not say where it answers.
    #[error("a node uses {}, and its endpoints.json cannot be read; stop it and try again", .0.display())]
    NoEndpoints(PathBuf),
    /// What the running node gave is none of this version.
    #[error("the running node is of another version; take the poolnode that it was started with")]
    OtherVersion,
    /// No node was ever there.
    #[error("there is no share store in {}; name the folder with --data-dir or --config", .0.display())]
    NoStore(PathBuf),
    /// No backup.
    #[error("{} is no backup: there is no share store in it", .0.display())]
    NoBackup(PathBuf),
    /// A backup or a restore that was cut off.
    #[error("{} is no whole backup: what was copied there was cut off, or still goes on; choose another one", .0.display())]
    HalfBackup(PathBuf),
    /// A copy of a folder in itself would never end.
    #[error("{} is inside the data folder; choose one outside of it", .0.display())]
    InsideItself(PathBuf),
    /// Nothing is overwritten.
    #[error("{} is not empty; nothing is overwritten: choose another folder, or move what is there away", .0.display())]
    NotEmpty(PathBuf),
}

/// What a store holds.
#[derive(Clone, Debug, Serialize)]
pub struct StoreStats {
    /// Of which lane.
    pub lane: String,
    /// Its folder.
    pub folder: PathBuf,
    /// The version of what is stored.
    pub schema: u32,
    /// The version that this program writes.
    pub schema_known: u32,
    /// Shares.
    pub shares: u64,
    /// Records that cannot be read.
    pub damaged: u64,
    /// Bytes on the disk.
    pub disk_bytes: u64,
    /// When the first and the last share were linked here, Unix seconds.
    pub linked_from: Option<u64>,
    /// See above.
    pub linked_to: Option<u64>,
    /// The oldest share of the best chain.
    pub first: Option<String>,
    /// The best share.
    pub tip: Option<String>,
    /// Damaged stores that were moved aside.
    pub moved_aside: Vec<PathBuf>,
}

/// What a check found.
#[derive(Clone, Debug, Serialize)]
pub struct StoreCheck {
    /// Of which lane.
    pub lane: String,
    /// Its folder.
    pub folder: PathBuf,
    /// Shares that can be read.
    pub shares: u64,
    /// Height of the best share of the chain that they make.
    pub height: u64,
    /// What is wrong; nothing when all is well.
    pub problems: Vec<String>,
}

/// What became of a store's version.
#[derive(Clone, Debug, Serialize)]
pub struct StoreMigration {
    /// Of which lane.
    pub lane: String,
    /// Its folder.
    pub folder: PathBuf,
    /// The version before.
    pub from: u32,
    /// The version now.
    pub to: u32,
}

/// What the stores of a configuration hold.
///
/// # Errors
/// [`DatabaseError`].
pub fn stats(config: &Config, progress: Progress<'_>) -> Result<Vec<StoreStats>, DatabaseError> {
    each(config, |name, lane| {
        let dir = lane.data_dir.as_path();
        let store = opened(dir)?;
        let (mut linked_from, mut linked_to): (Option<u64>, Option<u64>) = (None, None);
        let (shares, damaged) = count(dir, &store, progress, &mut |share| {
            linked_from = Some(linked_from.unwrap_or(share.linked_at).min(share.linked_at));
            linked_to = Some(linked_to.unwrap_or(share.linked_at).max(share.linked_at));
        })?;
        let marks = store.marks().map_err(of(dir))?;
        Ok(StoreStats {
            lane: name.to_owned(),
            folder: shares_of(dir),
            schema: store.schema().map_err(of(dir))?,
            schema_known: SCHEMA,
            shares,
            damaged,
            disk_bytes: store.disk_bytes().map_err(of(dir))?,
            linked_from,
            linked_to,
            first: marks.map(|marks| marks.first.to_string()),
            tip: marks.map(|marks| marks.tip.to_string()),
            moved_aside: store::kept_aside(&shares_of(dir)),
        })
    })
}

/// Reads everything, and puts the chain together. Nothing is mended.
///
/// # Errors
/// [`DatabaseError`].
pub fn check(config: &Config, progress: Progress<'_>) -> Result<Vec<StoreCheck>, DatabaseError> {
    each(config, |name, lane| {
        let (dir, params) = (lane.data_dir.as_path(), &lane.chain.params);
        let store = opened(dir)?;
        let mut foreign = 0_u64;
        let (shares, damaged) =
            count(dir, &store, progress, &mut |share| foreign += u64::from(share.to_share(params).is_none()))?;
        let mut problems = Vec::new();
        match store::refuse_other_chain(&store, &dir.join(OWN_SHARES), params) {
            Err(cause @ StoreError::OtherChain { .. }) => problems.push(cause.chain()),
            checked => checked.map_err(of(dir))?,
        }
        let mut found = |count: u64, what: &str| {
            if count > 0 {
                problems.push(format!("{count} {what}"));
            }
        };
        found(damaged, "records are damaged; the node fetches them from peers again");
        found(foreign, "shares belong to another chain, or to another version of its rules");
        found(store.index_faults().map_err(of(dir))?, "entries of the index have no record, or records no entry");
        if let Some(Marks { first, tip }) = store.marks().map_err(of(dir))? {
            for (name, id) in [("oldest", first), ("best", tip)] {
                if id != params.genesis_id() && store.get(&id).map_err(of(dir))?.is_none() {
                    problems.push(format!("the {name} share {id} is not there; the chain is synced again from peers"));
                }
            }
        }
        let height = store::load(&store, params).map_err(of(dir))?.chain.tip().height;
        Ok(StoreCheck { lane: name.to_owned(), folder: shares_of(dir), shares, height, problems })
    })
}

/// Brings the stores to this version, as the next start of the node would.
///
/// # Errors
/// [`DatabaseError`].
pub fn migrate(config: &Config) -> Result<Vec<StoreMigration>, DatabaseError> {
    each(config, |name, lane| {
        let dir = lane.data_dir.as_path();
        let from = SledStore::migrate(&shares_of(dir)).map_err(of(dir))?;
        Ok(StoreMigration { lane: name.to_owned(), folder: shares_of(dir), from, to: SCHEMA })
    })
}

/// Does something in the folder of each lane, under its lock.
fn each<T>(config: &Config, act: impl Fn(&str, &Config) -> Result<T, DatabaseError>) -> Result<Vec<T>, DatabaseError> {
    let mut done = Vec::new();
    for (name, lane) in lanes(config) {
        if !has_store(&lane.data_dir) {
            return Err(DatabaseError::NoStore(lane.data_dir.clone()));
        }
        let _held = DataDir::open(&lane.data_dir)?;
        done.push(act(name, lane)?);
    }
    Ok(done)
}

/// The lanes with what they are configured as, the first one first.
fn lanes(config: &Config) -> impl Iterator<Item = (&str, &Config)> {
    std::iter::once((config.lane_name(), config)).chain(config.lanes.iter().map(|(name, lane)| (name.as_str(), lane)))
}

/// The store as it is; one of a newer program is refused.
fn opened(dir: &Path) -> Result<SledStore, DatabaseError> {
    let store = SledStore::open_as_it_is(&shares_of(dir)).map_err(of(dir))?;
    store::schema::known(&store).map_err(of(dir))?;
    Ok(store)
}

/// Visits every share and tells how far it is; gives how many there are, and how many are damaged.
fn count(
    dir: &Path,
    store: &SledStore,
    progress: Progress<'_>,
    visit: &mut dyn FnMut(&store::StoredShare),
) -> Result<(u64, u64), DatabaseError> {
    /// Shares between two looks at the progress.
    const STEP: usize = 1_000;
    let (total, mut done) = (store.len().map_err(of(dir))?, 0);
    let Loaded { shares, damaged } = store
        .for_each(&mut |share| {
            visit(&share);
            done += 1;
            if done % STEP == 0 {
                progress(done, total);
            }
        })
        .map_err(of(dir))?;
    Ok((shares, damaged))
}

fn shares_of(dir: &Path) -> PathBuf {
    dir.join("shares")
}

fn has_store(dir: &Path) -> bool {
    SledStore::is_in(&shares_of(dir))
}

fn of(dir: &Path) -> impl FnOnce(StoreError) -> DatabaseError + use<> {
    let folder = dir.to_owned();
    move |source| DatabaseError::Store { folder, source }
}

#[cfg(test)]
mod tests;
