//! One generation: a sled database of its own. Tree `shares` by order of appending, tree `ids` from id to that order, changed
//! together; marks and version are in the default tree.

use std::{
    convert::Infallible,
    fs::File,
    ops::RangeFrom,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use sharechain::ShareId;
use sled::{
    Db, IVec, Mode, Transactional, Tree,
    transaction::{ConflictableTransactionError, TransactionError},
};

use crate::{
    defaults::STORE_GENERATION_CACHE_BYTES,
    store::{Marks, StoreError, StoredShare, schema},
};

/// Key of the marks in sled's default tree.
const MARKS: &[u8] = b"marks";
/// Key of the version there.
const SCHEMA: &[u8] = b"schema";

/// What sled says of a lock that somebody has; it has no kind of its own.
const LOCKED: &str = "could not acquire lock";
/// Tries before it is believed, and the time between two: a second in all.
const LOCK_TRIES: usize = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// sled's own thread flushes and syncs this often, whether there is anything or not; it also tidies. What has to be durable does
/// not wait for it.
const FLUSH_MILLIS: u64 = 1_000;

/// See the module.
#[derive(Debug)]
pub(super) struct Generation {
    pub(super) number: u32,
    folder: PathBuf,
    db: Db,
    shares: Tree,
    ids: Tree,
    /// How many were ever appended.
    next: u64,
    /// sled's data file, for the sync that sled itself does not do.
    file: File,
    pub(super) is_synced: bool,
}

impl Generation {
    /// Opens it, or begins it.
    ///
    /// # Errors
    /// When sled or the system cannot.
    pub(super) fn open(folder: &Path, number: u32) -> Result<Self, StoreError> {
        let config = sled::Config::new()
            .path(folder)
            .mode(Mode::HighThroughput)
            .cache_capacity(STORE_GENERATION_CACHE_BYTES)
            .flush_every_ms(Some(FLUSH_MILLIS));
        let db = open_when_closed(&config).map_err(StoreError::engine("open the store"))?;
        let shares = db.open_tree("shares").map_err(StoreError::engine("open the share tree"))?;
        let ids = db.open_tree("ids").map_err(StoreError::engine("open the id tree"))?;
        let last = shares.last().map_err(StoreError::engine("find the newest share"))?;
        let next = last.and_then(|(key, _)| sequence(&key)).map_or(0, |last| last.saturating_add(1));
        let file = File::open(folder.join("db")).map_err(StoreError::engine("open sled's data file"))?;
        Ok(Self { number, folder: folder.to_owned(), db, shares, ids, next, file, is_synced: false })
    }

    /// How many records were ever put into it, but for the last ones when they were removed.
    pub(super) const fn appended(&self) -> u64 {
        self.next
    }

    pub(super) const fn file(&self) -> &File {
        &self.file
    }

    /// Ends its use; says where it is.
    pub(super) fn close(self) -> PathBuf {
        self.folder
    }

    /// Records. sled's own count never ends where it cannot read.
    pub(super) fn len(&self) -> Result<usize, StoreError> {
        self.records(0..).try_fold(0, |len, record| record.map(|_| len + 1))
    }

    /// Reads everything, because opening it looks at a few pages only; says whether any record is whole.
    pub(super) fn read_through(&self) -> Result<bool, StoreError> {
        for entry in &self.ids {
            entry.map_err(StoreError::engine("read the index"))?;
        }
        self.records(0..).try_fold(false, |any, record| Ok(any | StoredShare::decode(&record?.1).is_some()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.shares.is_empty()
    }

    pub(super) fn disk_bytes(&self) -> Result<u64, StoreError> {
        self.db.size_on_disk().map_err(StoreError::engine("measure the store"))
    }

    /// Entries of the index without a record, and records without an entry.
    pub(super) fn index_faults(&self) -> Result<u64, StoreError> {
        let (mut entries, mut dangling) = (0_u64, 0_u64);
        for place in self.ids.iter().values() {
            let place = place.map_err(StoreError::engine("read the index"))?;
            let is_there = self.shares.contains_key(place).map_err(StoreError::engine("read the index"))?;
            entries += 1;
            dangling += u64::from(!is_there);
        }
        let records = u64::try_from(self.len()?).unwrap_or(u64::MAX);
        Ok(dangling + records.abs_diff(entries - dangling))
    }

    pub(super) fn has(&self, id: &ShareId) -> Result<bool, StoreError> {
        self.ids.contains_key(id.as_bytes()).map_err(StoreError::engine("look up a share"))
    }

    pub(super) fn get(&self, id: &ShareId) -> Result<Option<StoredShare>, StoreError> {
        let Some(key) = self.ids.get(id.as_bytes()).map_err(StoreError::engine("look up a share"))? else {
            return Ok(None);
        };
        let record = self.shares.get(key).map_err(StoreError::engine("read a share"))?;
        Ok(record.and_then(|record| StoredShare::decode(&record)))
    }

    /// Stores shares that are not there yet, all of them or none.
    pub(super) fn append<'s>(
        &mut self,
        shares: impl IntoIterator<Item = &'s (ShareId, StoredShare)>,
    ) -> Result<(), StoreError> {
        let records: Vec<(&ShareId, Vec<u8>)> = shares.into_iter().map(|(id, share)| (id, share.encode())).collect();
        if records.is_empty() {
            return Ok(());
        }
        let start = self.next;
        let written = (&self.shares, &self.ids).transaction(|(by_place, by_id)| {
            let mut next = start;
            for (id, record) in &records {
                if let Some(key) = by_id.get(id.as_bytes())? {
                    // A damaged record comes back from peers and takes its old place.
                    let is_whole = by_place.get(&key)?.is_some_and(|stored| StoredShare::decode(&stored).is_some());
                    if !is_whole {
                        by_place.insert(key, record.as_slice())?;
                    }
                } else {
                    by_id.insert(id.as_bytes(), &next.to_be_bytes())?;
                    by_place.insert(&next.to_be_bytes(), record.as_slice())?;
                    next = next.saturating_add(1);
                }
            }
            Ok::<u64, ConflictableTransactionError<Infallible>>(next)
        });
        self.is_synced = false;
        self.next = written.map_err(transaction_error("write shares"))?;
        Ok(())
    }

    /// Removes those that are here. It waits for no sync: what comes back in a power cut is removed again at the next start.
    pub(super) fn remove(&self, ids: &[ShareId]) -> Result<(), StoreError> {
        let mut here: Vec<&ShareId> = Vec::new();
        for id in ids {
            here.extend(self.has(id)?.then_some(id));
        }
        if here.is_empty() {
            return Ok(());
        }
        let removed = (&self.shares, &self.ids).transaction(|(by_place, by_id)| {
            for id in &here {
                if let Some(key) = by_id.remove(id.as_bytes())? {
                    by_place.remove(key)?;
                }
            }
            Ok::<(), ConflictableTransactionError<Infallible>>(())
        });
        removed.map_err(transaction_error("remove shares"))
    }

    pub(super) fn mark(&mut self, marks: Marks) -> Result<(), StoreError> {
        self.put(MARKS, marks.encode(), "mark the tip")
    }

    /// None when it never had marks; none in that when their record is damaged.
    pub(super) fn marks(&self) -> Result<Option<Option<Marks>>, StoreError> {
        let record = self.db.get(MARKS).map_err(StoreError::engine("read the marked tip"))?;
        Ok(record.map(|record| Marks::decode(&record)))
    }

    pub(super) fn schema(&self) -> Result<u32, StoreError> {
        let record = self.db.get(SCHEMA).map_err(StoreError::engine("read the version of the store"))?;
        record.map_or(Ok(0), |record| schema::decode(&record))
    }

    pub(super) fn set_schema(&mut self, version: u32) -> Result<(), StoreError> {
        self.put(SCHEMA, schema::encode(version).to_vec(), "note the version of the store")
    }

    fn put(&mut self, key: &[u8], record: Vec<u8>, action: &'static str) -> Result<(), StoreError> {
        self.is_synced = false;
        self.db.insert(key, record).map_err(StoreError::engine(action))?;
        Ok(())
    }

    /// Makes what was appended and noted survive a power cut.
    pub(super) fn sync(&mut self) -> Result<(), StoreError> {
        if !self.is_synced {
            self.db.flush().map_err(StoreError::engine("flush the store"))?;
            self.file.sync_data().map_err(StoreError::engine("sync the store to disk"))?;
            self.is_synced = true;
        }
        Ok(())
    }

    /// Records with their places here, from one place on.
    pub(super) fn records(
        &self,
        from: RangeFrom<u64>,
    ) -> impl Iterator<Item = Result<(u64, IVec), StoreError>> + use<> {
        self.shares.range(from.start.to_be_bytes()..).map(|entry| {
            let (key, record) = entry.map_err(StoreError::engine("read the shares"))?;
            let place = sequence(&key).ok_or("a key is no place").map_err(StoreError::damaged("read the shares"))?;
            Ok((place, record))
        })
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

fn transaction_error(action: &'static str) -> impl FnOnce(TransactionError<Infallible>) -> StoreError {
    move |error| match error {
        TransactionError::Storage(source) => StoreError::engine(action)(source),
        TransactionError::Abort(never) => match never {},
    }
}

fn sequence(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes)
}
