//! The sled engine: shares in generations of a bounded length, each a database of its own. A generation whose shares are all
//! removed is deleted with its folder, because sled gives nothing back of what was removed inside one; and damage costs the
//! generation that it is in.
//!
//! It must never append to a new generation before the last one is synced: shares without their ancestors would be left.

use std::{
    mem,
    path::{Path, PathBuf},
    slice,
};

use nix::sys::statvfs::fstatvfs;
use sharechain::{Params, ShareId};
use tracing::{info, warn};

use self::generation::Generation;
use super::{Loaded, Marks, Page, Store, StoreError, StoredShare, aside, refuse_other_chain, schema};
use crate::defaults::{STORE_GENERATION_SHARES, STORE_ROOM_MIN};

mod generation;
mod layout;

/// A place is the number of a generation, and in this many lower bits the place there.
const PLACE_BITS: u32 = 32;

/// Shares between two tries to begin a generation.
const RETRY_SHARES: u64 = 1_024;

/// sled in a folder.
#[derive(Debug)]
pub struct SledStore {
    folder: PathBuf,
    /// By age, the oldest first.
    older: Vec<Generation>,
    /// What is appended to.
    newest: Generation,
    /// How many shares are appended to one.
    generation_shares: u64,
    /// How many the newest one has when the next one is to be begun.
    full_at: u64,
}

impl SledStore {
    /// Opens the folder. A damaged generation is moved aside, loudly: its shares come back from peers.
    ///
    /// # Errors
    /// When the system does not let us (permissions, space, open files): then the store may be whole, and stays.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        Self::open_with(folder, STORE_GENERATION_SHARES)
    }

    /// The same, with generations of another length.
    ///
    /// # Errors
    /// The same.
    pub fn open_with(folder: &Path, generation_shares: u64) -> Result<Self, StoreError> {
        layout::settle(folder).map_err(StoreError::engine("divide the store"))?;
        let mut generations = Vec::new();
        for (number, path) in found(folder)? {
            let open = |path: &Path| {
                let opened = Generation::open(path, number)?;
                match opened.schema()? {
                    found if found > schema::SCHEMA => Err(StoreError::Newer { found, known: schema::SCHEMA }),
                    _ => opened.read_through().map(|is_of_use| (opened, is_of_use)),
                }
            };
            generations.extend(aside::open_or_move_aside(&path, folder, open)?);
        }
        let newest = generations.pop();
        let (kept, useless): (Vec<_>, Vec<_>) = generations.into_iter().partition(|(_, is_of_use)| *is_of_use);
        useless.into_iter().for_each(|(generation, _)| delete(folder, generation));
        let generations = kept.into_iter().chain(newest).map(|(generation, _)| generation).collect();
        let store = schema::migrated(Self::of(folder, generations, generation_shares)?)?;
        info!(generations = store.older.len() + 1, "share store opened");
        Ok(store)
    }

    /// Brings a store to this version without moving anything aside; says which one it was of.
    ///
    /// # Errors
    /// When it cannot be opened or written, or a newer program wrote it.
    pub fn migrate(folder: &Path) -> Result<u32, StoreError> {
        let from = schema::known(&Self::open_as_it_is(folder)?)?;
        layout::settle(folder).map_err(StoreError::engine("divide the store"))?;
        schema::migrate(&mut Self::open_as_it_is(folder)?)?;
        Ok(from)
    }

    /// What a folder holds. A damaged store stays where it is, and one of an older version is left at it; otherwise this is
    /// what a start does, so no node may have the folder, and only its owner should ask.
    ///
    /// # Errors
    /// When it cannot be opened or read, a newer program wrote it (its records would look damaged), or it is of another share chain.
    pub fn look(folder: &Path, journal: &Path, params: &Params) -> Result<Loaded, StoreError> {
        aside::catching(|| {
            let store = Self::try_open(folder)?;
            schema::known(&store)?;
            refuse_other_chain(&store, journal, params)?;
            store.for_each(&mut |_| {})
        })
    }

    /// Opens the folder without moving anything aside or bringing it to this version.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open_as_it_is(folder: &Path) -> Result<Self, StoreError> {
        aside::catching(|| Self::try_open(folder))
    }

    /// Whether there is a store in a folder.
    pub fn is_in(folder: &Path) -> bool {
        layout::generations(folder).is_ok_and(|found| !found.is_empty())
    }

    /// How many records there are.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn len(&self) -> Result<usize, StoreError> {
        self.generations().map(Generation::len).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.generations().all(Generation::is_empty)
    }

    /// Bytes of its files.
    ///
    /// # Errors
    /// When they cannot be looked at.
    pub fn disk_bytes(&self) -> Result<u64, StoreError> {
        self.generations().map(Generation::disk_bytes).sum()
    }

    /// Entries of the index without a record, and records without an entry.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn index_faults(&self) -> Result<u64, StoreError> {
        self.generations().map(Generation::index_faults).sum()
    }

    fn try_open(folder: &Path) -> Result<Self, StoreError> {
        let opened = found(folder)?.into_iter().map(|(number, path)| Generation::open(&path, number));
        Self::of(folder, opened.collect::<Result<_, _>>()?, STORE_GENERATION_SHARES)
    }

    /// A store of these generations; without any the first one is begun.
    fn of(folder: &Path, mut generations: Vec<Generation>, generation_shares: u64) -> Result<Self, StoreError> {
        let newest = generations.pop().map_or_else(|| begin(folder, 0), Ok)?;
        Ok(Self {
            folder: folder.to_owned(),
            older: generations,
            newest,
            generation_shares,
            full_at: generation_shares,
        })
    }

    fn generations(&self) -> impl DoubleEndedIterator<Item = &Generation> {
        self.older.iter().chain([&self.newest])
    }

    /// Begins the next generation when the newest one is full. When the system does not let us, as without a file to open, the
    /// newest one becomes longer, and the next one is tried for later.
    fn make_room(&mut self) -> Result<(), StoreError> {
        if self.newest.appended() < self.full_at {
            return Ok(());
        }
        let version = self.schema()?;
        self.sync()?;
        let next = aside::catching(|| {
            let mut next = begin(&self.folder, self.newest.number.saturating_add(1))?;
            next.set_schema(version)?;
            Ok(next)
        });
        match next {
            Ok(next) => {
                self.older.push(mem::replace(&mut self.newest, next));
                self.full_at = self.generation_shares;
            }
            Err(cause) => {
                self.full_at = self.newest.appended().saturating_add(RETRY_SHARES);
                warn!(
                    event = "store_generation",
                    cause = cause.chain(),
                    "no new generation of the share store can be begun yet"
                );
            }
        }
        Ok(())
    }

    /// Deletes older generations without shares.
    fn delete_empty(&mut self) {
        for empty in self.older.extract_if(.., |generation| generation.is_empty()) {
            delete(&self.folder, empty);
        }
    }
}

impl Store for SledStore {
    fn append(&mut self, shares: &[(ShareId, StoredShare)]) -> Result<(), StoreError> {
        self.make_room()?;
        let mut new = Vec::with_capacity(shares.len());
        for share in shares {
            match holder(&mut self.older, &share.0)? {
                // It mends a damaged record.
                Some(older) => older.append(slice::from_ref(share))?,
                None => new.push(share),
            }
        }
        self.newest.append(new)
    }

    fn remove(&mut self, ids: &[ShareId]) -> Result<(), StoreError> {
        for generation in self.older.iter().chain([&self.newest]) {
            generation.remove(ids)?;
        }
        self.delete_empty();
        Ok(())
    }

    fn mark(&mut self, marks: Marks) -> Result<(), StoreError> {
        self.newest.mark(marks)
    }

    fn marks(&self) -> Result<Option<Marks>, StoreError> {
        for generation in self.generations().rev() {
            // A generation that was just begun has none yet, and those of the one before hold.
            if let Some(marks) = generation.marks()? {
                return Ok(marks);
            }
        }
        Ok(None)
    }

    /// The one that this program does not know, or else the oldest one: a migration may have been cut off.
    fn schema(&self) -> Result<u32, StoreError> {
        let versions = self.generations().map(Generation::schema).collect::<Result<Vec<_>, _>>()?;
        let newer = versions.iter().max().filter(|version| **version > schema::SCHEMA);
        Ok(newer.or_else(|| versions.iter().min()).copied().unwrap_or_default())
    }

    fn set_schema(&mut self, version: u32) -> Result<(), StoreError> {
        self.older.iter_mut().chain([&mut self.newest]).try_for_each(|generation| generation.set_schema(version))
    }

    /// The oldest generation first: the marks in the newest one name what is in others.
    fn sync(&mut self) -> Result<(), StoreError> {
        self.older.iter_mut().chain([&mut self.newest]).try_for_each(Generation::sync)
    }

    fn has_room(&self) -> bool {
        // A system that does not say may have room; the write will tell.
        fstatvfs(self.newest.file()).map_or(true, |disk| {
            #[allow(clippy::useless_conversion, reason = "they are narrower on other systems")]
            let free = u64::from(disk.blocks_available()).saturating_mul(u64::from(disk.fragment_size()));
            free >= STORE_ROOM_MIN
        })
    }

    fn get(&self, id: &ShareId) -> Result<Option<StoredShare>, StoreError> {
        for generation in self.generations().rev() {
            if let Some(share) = generation.get(id)? {
                return Ok(Some(share));
            }
        }
        Ok(None)
    }

    fn page(&self, after: Option<u64>, len_max: usize) -> Result<Page, StoreError> {
        let from = after.map_or(0, |after| after.saturating_add(1));
        let records = self.generations().flat_map(|generation| {
            let base = u64::from(generation.number) << PLACE_BITS;
            let records = generation.records(from.saturating_sub(base)..);
            records.map(move |record| record.map(|(place, record)| (base | place, record)))
        });
        Page::of(records, len_max)
    }

    fn for_each(&self, visit: &mut dyn FnMut(StoredShare)) -> Result<Loaded, StoreError> {
        let mut loaded = Loaded::default();
        for record in self.generations().flat_map(|generation| generation.records(0..)) {
            let (_, record) = record?;
            loaded.count(StoredShare::decode(&record), visit);
        }
        Ok(loaded)
    }
}

fn found(folder: &Path) -> Result<Vec<(u32, PathBuf)>, StoreError> {
    layout::generations(folder).map_err(StoreError::engine("look for generations of the store"))
}

fn begin(folder: &Path, number: u32) -> Result<Generation, StoreError> {
    let path = layout::of_number(folder, number);
    let begun = Generation::open(&path, number)?;
    layout::sync_new(folder, &path).map_err(StoreError::engine("sync the folder of the store"))?;
    Ok(begun)
}

/// Deletes a generation that nothing is needed of. What stays of it goes at the next start.
fn delete(folder: &Path, generation: Generation) {
    let path = generation.close();
    if let Err(cause) = layout::delete(folder, &path) {
        warn!(event = "store_generation", generation = %path.display(), %cause, "a generation of the share store cannot be deleted yet");
    }
}

/// The generation that has a share.
fn holder<'g>(generations: &'g mut [Generation], id: &ShareId) -> Result<Option<&'g mut Generation>, StoreError> {
    for generation in generations {
        if generation.has(id)? {
            return Ok(Some(generation));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
