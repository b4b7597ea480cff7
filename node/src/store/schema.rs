//! The version of what a store holds, and the way from every older one to this.
//!
//! A store of a newer program is refused and left alone: its records would look damaged here, and be thrown away. A migration
//! is done step by step; a step that was interrupted is done again at the next start, so each may find its own work done.

use tracing::info;

use super::{Loaded, Store, StoreError};

/// The version that this program writes.
pub const SCHEMA: u32 = 2;

/// What leads from each version to the next one.
type Step = fn(&mut dyn Store) -> Result<(), StoreError>;
/// From version 0 to the newest.
const STEPS: [Step; SCHEMA as usize] = [from_0_to_1, from_1_to_2];

/// The version of a store that this program can use.
///
/// # Errors
/// [`StoreError::Newer`], or when it cannot be read.
pub fn known(store: &dyn Store) -> Result<u32, StoreError> {
    match store.schema()? {
        found if found > SCHEMA => Err(StoreError::Newer { found, known: SCHEMA }),
        found => Ok(found),
    }
}

/// Brings a store to this version; says which one it was of. A new store is of this one: there is nothing in it to bring along.
///
/// # Errors
/// [`StoreError::Newer`], or when it cannot be read or written.
pub fn migrate(store: &mut dyn Store) -> Result<u32, StoreError> {
    let found = known(store)?;
    if found == 0 && is_new(store)? {
        store.set_schema(SCHEMA)?;
        store.sync()?;
        return Ok(SCHEMA);
    }
    for (version, step) in (1..).zip(STEPS).skip_while(|(version, _)| *version <= found) {
        step(store)?;
        // The step before its number: it may be done twice, but not left out.
        store.sync()?;
        store.set_schema(version)?;
        store.sync()?;
        info!(event = "store_migrated", version, "share store brought to a newer version");
    }
    Ok(found)
}

/// Whether nothing was ever written, or nothing is left of it.
fn is_new(store: &dyn Store) -> Result<bool, StoreError> {
    Ok(store.marks()?.is_none() && store.for_each(&mut |_| {})? == Loaded::default())
}

/// The store, brought to this version.
pub(super) fn migrated<S: Store>(mut store: S) -> Result<S, StoreError> {
    migrate(&mut store)?;
    Ok(store)
}

/// Records and keys are the same; a store of version 0 does not say its version, that is all.
fn from_0_to_1(_store: &mut dyn Store) -> Result<(), StoreError> {
    Ok(())
}

/// The engine has brought its files into generations when it opens them.
fn from_1_to_2(_store: &mut dyn Store) -> Result<(), StoreError> {
    Ok(())
}

/// The version as it is stored, in every version the same: little-endian, then the crc32 of that.
pub(super) fn encode(version: u32) -> [u8; 8] {
    let mut record = [0; 8];
    let (number, checksum) = record.split_at_mut(4);
    number.copy_from_slice(&version.to_le_bytes());
    checksum.copy_from_slice(&crc32fast::hash(&version.to_le_bytes()).to_le_bytes());
    record
}

pub(super) fn decode(record: &[u8]) -> Result<u32, StoreError> {
    let whole = record.split_last_chunk::<4>().and_then(|(number, checksum)| {
        let number: [u8; 4] = number.try_into().ok()?;
        (crc32fast::hash(&number) == u32::from_le_bytes(*checksum)).then(|| u32::from_le_bytes(number))
    });
    whole.ok_or_else(|| StoreError::damaged("read the version of the store")("its checksum is wrong"))
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Read, path::Path, sync::Arc};

    use sharechain::{Params, ShareId};

    use super::*;
    use crate::{
        ChainProfile,
        store::{StoredShare, mem::MemStore, sled::SledStore},
    };

    #[test]
    fn a_version_round_trips_and_every_flipped_bit_is_found() {
        assert_eq!(decode(&encode(7)).unwrap(), 7);
        for bit in 0..64 {
            let mut record = encode(7);
            record[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&record).unwrap_err().is_damage(), "bit {bit}");
        }
        assert!(decode(b"").unwrap_err().is_damage());
    }

    #[test]
    fn a_store_is_brought_to_this_version_once_and_a_newer_one_refused() {
        let mut store = MemStore::default();
        let share = StoredShare { bytes: vec![1], is_block: false, linked_at: 1 };
        store.append(&[(ShareId::from_bytes([1; 32]), share)]).unwrap();
        assert_eq!(migrate(&mut store).unwrap(), 0);
        assert_eq!((store.schema().unwrap(), migrate(&mut store).unwrap()), (SCHEMA, SCHEMA));
        store.set_schema(SCHEMA + 1).unwrap();
        let refused = migrate(&mut store).unwrap_err();
        assert!(!refused.is_damage() && refused.to_string().contains("update poolnode"), "{refused}");
    }

    #[test]
    fn a_new_store_is_of_this_version_and_is_not_brought_to_it() {
        let mut store = MemStore::default();
        assert_eq!((store.schema().unwrap(), migrate(&mut store).unwrap()), (0, SCHEMA));
        assert_eq!(store.schema().unwrap(), SCHEMA);
    }

    /// Unpacks a store that a program of that version left.
    fn fixture(version: u32, folder: &Path) {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/store/fixtures/schema-{version}"));
        fs::create_dir(folder).unwrap();
        fs::copy(kept.join("conf"), folder.join("conf")).unwrap();
        let mut db = Vec::new();
        flate2::read::GzDecoder::new(fs::File::open(kept.join("db.gz")).unwrap()).read_to_end(&mut db).unwrap();
        fs::write(folder.join("db"), db).unwrap();
    }

    /// The chain of the fixtures.
    fn devnet() -> Arc<Params> {
        ChainProfile::find("devnet", None).unwrap().params
    }

    /// What is kept of each version: the shares in it.
    const FIXTURES: [(u32, u64); 2] = [
        // What `poolnode quickstart --seconds 15` left at commit fe6ccf3.
        (0, 48),
        // The same at commit eea7cd2.
        (1, 76),
    ];

    #[test]
    fn a_store_of_every_version_opens_with_all_that_is_in_it() {
        for (version, shares) in FIXTURES {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("shares");
            fixture(version, &path);
            let before = SledStore::open_as_it_is(&path).unwrap();
            assert_eq!((before.schema().unwrap(), before.disk_bytes().unwrap() > 0), (version, true));
            drop(before);
            let mut store = SledStore::open(&path).unwrap();
            assert_eq!(store.for_each(&mut |_| {}).unwrap(), Loaded { shares, damaged: 0 });
            let marks = store.marks().unwrap().unwrap();
            assert!(store.get(&marks.tip).unwrap().is_some(), "the tip that is marked");
            assert_eq!((store.schema().unwrap(), migrate(&mut store).unwrap()), (SCHEMA, SCHEMA));
            drop(store);
            assert_eq!(SledStore::look(&path, &path.join("no journal"), &devnet()).unwrap().shares, shares);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was moved aside");
        }
    }

    #[test]
    fn a_store_is_migrated_without_a_node() {
        for (version, shares) in FIXTURES {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("shares");
            fixture(version, &path);
            assert_eq!((SledStore::migrate(&path).unwrap(), SledStore::migrate(&path).unwrap()), (version, SCHEMA));
            assert_eq!(SledStore::look(&path, &path.join("no journal"), &devnet()).unwrap().shares, shares);
        }
    }
}
