//! The redb engine: the same two tables as sled's, in one file with transactions of its own. Writes are not synced until they
//! have to be, as with sled: [`Store::sync`] is one durable commit over all of them.

use std::{fs, io::ErrorKind, path::Path};

use ::redb::{
    Builder, Database, Durability, Error, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition,
    WriteTransaction,
};
use sharechain::ShareId;

use super::{Loaded, Marks, Page, Store, StoreError, StoredShare, aside, schema};
use crate::defaults::STORE_CACHE_BYTES;

/// Records by order of appending.
const SHARES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("shares");
/// That order by id.
const IDS: TableDefinition<'_, &[u8], u64> = TableDefinition::new("ids");
/// What there is once.
const SINGLE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("single");
/// Key of the marks among what there is once.
const MARKS: &str = "marks";
/// Key of the version there.
const SCHEMA: &str = "schema";
/// Name of the file in the store's folder.
const FILE: &str = "shares.redb";

/// redb in a folder.
#[derive(Debug)]
pub struct RedbStore {
    db: Database,
    next: u64,
}

impl RedbStore {
    /// Opens the folder. A damaged store is moved aside, loudly, and a new one begun: its shares come back from peers.
    ///
    /// # Errors
    /// When the system does not let us (permissions, space, open files): then the store may be whole, and stays.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        aside::open_or_begin_anew(folder, |folder| schema::migrated(Self::try_open(folder)?))
    }

    fn try_open(folder: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(StoreError::engine("make the store's folder"))?;
        let cache = usize::try_from(STORE_CACHE_BYTES).unwrap_or(usize::MAX);
        let opened = Builder::new().set_cache_size(cache).create(folder.join(FILE));
        let mut store = Self { db: opened.map_err(failed("open the store"))?, next: 0 };
        store.write("make the tables", |write| {
            write.open_table(SHARES)?;
            write.open_table(IDS)?;
            write.open_table(SINGLE)?;
            Ok(())
        })?;
        let last = store
            .read("find the newest share", |read| Ok(read.open_table(SHARES)?.last()?.map(|(key, _)| key.value())))?;
        store.next = last.map_or(0, |last| last.saturating_add(1));
        Ok(store)
    }

    /// Does all of it or nothing; it is not on the disk yet.
    fn write<T>(
        &self,
        action: &'static str,
        write: impl FnOnce(&WriteTransaction) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        self.commit(Durability::None, write).map_err(failed(action))
    }

    fn commit<T>(
        &self,
        durability: Durability,
        write: impl FnOnce(&WriteTransaction) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut transaction = self.db.begin_write()?;
        transaction.set_durability(durability)?;
        let written = write(&transaction)?;
        transaction.commit()?;
        Ok(written)
    }

    fn read<T>(
        &self,
        action: &'static str,
        read: impl FnOnce(&ReadTransaction) -> Result<T, Error>,
    ) -> Result<T, StoreError> {
        self.db.begin_read().map_err(Error::from).and_then(|transaction| read(&transaction)).map_err(failed(action))
    }
}

impl Store for RedbStore {
    fn append(&mut self, shares: &[(ShareId, StoredShare)]) -> Result<(), StoreError> {
        let start = self.next;
        self.next = self.write("write shares", |write| {
            let (mut by_place, mut by_id) = (write.open_table(SHARES)?, write.open_table(IDS)?);
            let mut next = start;
            for (id, share) in shares {
                let known = by_id.get(id.as_bytes().as_slice())?.map(|place| place.value());
                if let Some(place) = known {
                    // A damaged record comes back from peers and takes its old place.
                    let is_whole = by_place.get(place)?.is_some_and(|kept| StoredShare::decode(kept.value()).is_some());
                    if !is_whole {
                        by_place.insert(place, share.encode().as_slice())?;
                    }
                } else {
                    by_id.insert(id.as_bytes().as_slice(), next)?;
                    by_place.insert(next, share.encode().as_slice())?;
                    next = next.saturating_add(1);
                }
            }
            Ok(next)
        })?;
        Ok(())
    }

    fn remove(&mut self, ids: &[ShareId]) -> Result<(), StoreError> {
        self.write("remove shares", |write| {
            let (mut by_place, mut by_id) = (write.open_table(SHARES)?, write.open_table(IDS)?);
            for id in ids {
                let place = by_id.remove(id.as_bytes().as_slice())?.map(|place| place.value());
                if let Some(place) = place {
                    by_place.remove(place)?;
                }
            }
            Ok(())
        })
    }

    fn mark(&mut self, marks: Marks) -> Result<(), StoreError> {
        self.write("mark the tip", |write| {
            write.open_table(SINGLE)?.insert(MARKS, marks.encode().as_slice())?;
            Ok(())
        })
    }

    fn marks(&self) -> Result<Option<Marks>, StoreError> {
        self.read("read the marked tip", |read| {
            Ok(read.open_table(SINGLE)?.get(MARKS)?.and_then(|record| Marks::decode(record.value())))
        })
    }

    fn schema(&self) -> Result<u32, StoreError> {
        let record = self.read("read the version of the store", |read| {
            Ok(read.open_table(SINGLE)?.get(SCHEMA)?.map(|record| record.value().to_vec()))
        })?;
        record.map_or(Ok(0), |record| schema::decode(&record))
    }

    fn set_schema(&mut self, version: u32) -> Result<(), StoreError> {
        self.write("note the version of the store", |write| {
            write.open_table(SINGLE)?.insert(SCHEMA, schema::encode(version).as_slice())?;
            Ok(())
        })
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        // A durable commit makes those before it durable too.
        self.commit(Durability::Immediate, |_| Ok(())).map_err(failed("sync the store to disk"))
    }

    fn get(&self, id: &ShareId) -> Result<Option<StoredShare>, StoreError> {
        self.read("read a share", |read| {
            let Some(place) = read.open_table(IDS)?.get(id.as_bytes().as_slice())?.map(|place| place.value()) else {
                return Ok(None);
            };
            Ok(read.open_table(SHARES)?.get(place)?.and_then(|record| StoredShare::decode(record.value())))
        })
    }

    fn page(&self, after: Option<u64>, len_max: usize) -> Result<Page, StoreError> {
        let from = after.map_or(0, |after| after.saturating_add(1));
        self.read("read the shares", |read| {
            let table = read.open_table(SHARES)?;
            let records = table.range(from..)?.take(len_max).map(|entry| {
                let (place, record) = entry?;
                Ok((place.value(), record.value().to_vec()))
            });
            records.collect::<Result<Vec<_>, Error>>()
        })
        .and_then(|records| Page::of(records.into_iter().map(Ok), len_max))
    }

    fn for_each(&self, visit: &mut dyn FnMut(StoredShare)) -> Result<Loaded, StoreError> {
        self.read("read the shares", |read| {
            let mut loaded = Loaded::default();
            for entry in read.open_table(SHARES)?.iter()? {
                loaded.count(StoredShare::decode(entry?.1.value()), visit);
            }
            Ok(loaded)
        })
    }
}

/// What the engine says of its own files is damage; everything else is the system around them.
fn failed<E: Into<Error>>(action: &'static str) -> impl FnOnce(E) -> StoreError {
    move |source| {
        let source: Error = source.into();
        let is_damage = match &source {
            Error::Corrupted(_) | Error::RepairAborted => true,
            Error::TableTypeMismatch { .. } | Error::TableIsMultimap(_) | Error::TypeDefinitionChanged { .. } => true,
            Error::Io(cause) => {
                matches!(cause.kind(), ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof)
            }
            _ => false,
        };
        if is_damage { StoreError::damaged(action)(source) } else { StoreError::engine(action)(source) }
    }
}
