//! The sled engine: tree `shares` by order of appending, tree `ids` from id to that order, changed together; the marks are
//! in the default tree.

use std::{fs::File, path::Path, thread, time::Duration};

use nix::sys::statvfs::fstatvfs;
use sharechain::ShareId;
use sled::{
    Db, Mode, Transactional, Tree,
    transaction::{ConflictableTransactionError, TransactionError},
};
use tracing::info;

use super::{Loaded, Marks, Page, Store, StoreError, StoredShare, aside, schema};
use crate::defaults::{STORE_CACHE_BYTES, STORE_ROOM_MIN};

/// Key of the marks in sled's default tree.
const MARKS: &[u8] = b"marks";
/// Key of the version there.
const SCHEMA: &[u8] = b"schema";

/// What sled says of a lock that somebody has; it has no kind of its own.
const LOCKED: &str = "could not acquire lock";
/// Tries before it is believed, and the time between two: a second in all.
const LOCK_TRIES: usize = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// sled on a folder.
#[derive(Debug)]
pub struct SledStore {
    db: Db,
    shares: Tree,
    ids: Tree,
    next: u64,
    /// sled's data file, for the sync that sled itself does not do.
    file: File,
}

impl SledStore {
    /// Opens the folder. A damaged store is moved aside, loudly, and a new one begun: its shares come back from peers.
    ///
    /// # Errors
    /// When the system does not let us (permissions, space, open files): then the store may be whole, and stays.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let opened = aside::open_or_begin_anew(folder, |folder| schema::migrated(Self::try_open(folder)?))?;
        info!(shares = opened.shares.len(), "share store opened");
        Ok(opened)
    }

    /// What a folder holds. A damaged store stays where it is, and one of an older version is left at it; otherwise this is
    /// what a start does, so no node may have the folder, and only its owner should ask.
    ///
    /// # Errors
    /// When it cannot be opened or read, or a newer program wrote it: its records would look damaged.
    pub fn look(folder: &Path) -> Result<Loaded, StoreError> {
        aside::catching(|| {
            let store = Self::try_open(folder)?;
            schema::known(&store)?;
            store.for_each(&mut |_| {})
        })
    }

    /// Opens the folder without moving it aside or bringing it to this version.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open_as_it_is(folder: &Path) -> Result<Self, StoreError> {
        aside::catching(|| Self::try_open(folder))
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.shares.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.shares.is_empty()
    }

    /// Bytes of its files.
    ///
    /// # Errors
    /// When they cannot be looked at.
    pub fn disk_bytes(&self) -> Result<u64, StoreError> {
        self.db.size_on_disk().map_err(StoreError::engine("measure the store"))
    }

    /// Entries of the index without a record, and records without an entry.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn index_faults(&self) -> Result<u64, StoreError> {
        let (mut entries, mut dangling) = (0_u64, 0_u64);
        for place in self.ids.iter().values() {
            let place = place.map_err(StoreError::engine("read the index"))?;
            let is_there = self.shares.contains_key(place).map_err(StoreError::engine("read the index"))?;
            entries += 1;
            dangling += u64::from(!is_there);
        }
        let records = u64::try_from(self.shares.len()).unwrap_or(u64::MAX);
        Ok(dangling + records.abs_diff(entries - dangling))
    }

    fn try_open(folder: &Path) -> Result<Self, StoreError> {
        let config = sled::Config::new()
            .path(folder)
            .mode(Mode::HighThroughput)
            .cache_capacity(STORE_CACHE_BYTES)
            .flush_every_ms(Some(200));
        let db = open_when_closed(&config).map_err(StoreError::engine("open the store"))?;
        let shares = db.open_tree("shares").map_err(StoreError::engine("open the share tree"))?;
        let ids = db.open_tree("ids").map_err(StoreError::engine("open the id tree"))?;
        let last = shares.last().map_err(StoreError::engine("find the newest share"))?;
        let next = last.and_then(|(key, _)| sequence(&key)).map_or(0, |last| last.saturating_add(1));
        let file = File::open(folder.join("db")).map_err(StoreError::engine("open sled's data file"))?;
        Ok(Self { db, shares, ids, next, file })
    }
}

impl Store for SledStore {
    fn append(&mut self, shares: &[(ShareId, StoredShare)]) -> Result<(), StoreError> {
        let records: Vec<(&ShareId, Vec<u8>)> = shares.iter().map(|(id, share)| (id, share.encode())).collect();
        let start = self.next;
        let written = (&self.shares, &self.ids).transaction(|(shares, ids)| {
            let mut next = start;
            for (id, record) in &records {
                if let Some(key) = ids.get(id.as_bytes())? {
                    // A damaged record comes back from peers and takes its old place.
                    let is_whole = shares.get(&key)?.is_some_and(|stored| StoredShare::decode(&stored).is_some());
                    if !is_whole {
                        shares.insert(key, record.as_slice())?;
                    }
                } else {
                    ids.insert(id.as_bytes(), &next.to_be_bytes())?;
                    shares.insert(&next.to_be_bytes(), record.as_slice())?;
                    next = next.saturating_add(1);
                }
            }
            Ok::<u64, ConflictableTransactionError<std::convert::Infallible>>(next)
        });
        self.next = written.map_err(transaction_error("write shares"))?;
        Ok(())
    }

    fn remove(&mut self, ids: &[ShareId]) -> Result<(), StoreError> {
        let removed = (&self.shares, &self.ids).transaction(|(shares, by_id)| {
            for id in ids {
                if let Some(key) = by_id.remove(id.as_bytes())? {
                    shares.remove(key)?;
                }
            }
            Ok::<(), ConflictableTransactionError<std::convert::Infallible>>(())
        });
        removed.map_err(transaction_error("remove shares"))
    }

    fn mark(&mut self, marks: Marks) -> Result<(), StoreError> {
        self.db.insert(MARKS, marks.encode()).map_err(StoreError::engine("mark the tip"))?;
        Ok(())
    }

    fn marks(&self) -> Result<Option<Marks>, StoreError> {
        let record = self.db.get(MARKS).map_err(StoreError::engine("read the marked tip"))?;
        Ok(record.and_then(|record| Marks::decode(&record)))
    }

    fn schema(&self) -> Result<u32, StoreError> {
        let record = self.db.get(SCHEMA).map_err(StoreError::engine("read the version of the store"))?;
        record.map_or(Ok(0), |record| schema::decode(&record))
    }

    fn set_schema(&mut self, version: u32) -> Result<(), StoreError> {
        let record = schema::encode(version).to_vec();
        self.db.insert(SCHEMA, record).map_err(StoreError::engine("note the version of the store"))?;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.db.flush().map_err(StoreError::engine("flush the store"))?;
        self.file.sync_data().map_err(StoreError::engine("sync the store to disk"))
    }

    fn has_room(&self) -> bool {
        // A system that does not say may have room; the write will tell.
        fstatvfs(&self.file).map_or(true, |disk| {
            #[allow(clippy::useless_conversion, reason = "they are narrower on other systems")]
            let free = u64::from(disk.blocks_available()).saturating_mul(u64::from(disk.fragment_size()));
            free >= STORE_ROOM_MIN
        })
    }

    fn get(&self, id: &ShareId) -> Result<Option<StoredShare>, StoreError> {
        let Some(key) = self.ids.get(id.as_bytes()).map_err(StoreError::engine("look up a share"))? else {
            return Ok(None);
        };
        let record = self.shares.get(key).map_err(StoreError::engine("read a share"))?;
        Ok(record.and_then(|record| StoredShare::decode(&record)))
    }

    fn page(&self, after: Option<u64>, len_max: usize) -> Result<Page, StoreError> {
        let from = after.map_or(0, |after| after.saturating_add(1));
        let records = self.shares.range(from.to_be_bytes()..).map(|entry| {
            let (key, record) = entry.map_err(StoreError::engine("read the shares"))?;
            let place = sequence(&key).ok_or("a key is no place").map_err(StoreError::damaged("read the shares"))?;
            Ok((place, record))
        });
        Page::of(records, len_max)
    }

    fn for_each(&self, visit: &mut dyn FnMut(StoredShare)) -> Result<Loaded, StoreError> {
        let mut loaded = Loaded::default();
        for record in self.shares.iter().values() {
            let record = record.map_err(StoreError::engine("read the shares"))?;
            loaded.count(StoredShare::decode(&record), visit);
        }
        Ok(loaded)
    }
}

/// Opens it, in spite of one in this process that was closed just now: sled's own threads let go of the lock a little later.
fn open_when_closed(config: &sled::Config) -> sled::Result<Db> {
    for _ in 0..LOCK_TRIES {
        match config.open() {
            Err(sled::Error::Io(cause)) if cause.to_string().contains(LOCKED) => thread::sleep(LOCK_PAUSE),
            opened => return opened,
        }
    }
    config.open()
}

fn transaction_error(action: &'static str) -> impl FnOnce(TransactionError<std::convert::Infallible>) -> StoreError {
    move |error| match error {
        TransactionError::Storage(source) => StoreError::engine(action)(source),
        TransactionError::Abort(never) => match never {},
    }
}

fn sequence(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes)
}
