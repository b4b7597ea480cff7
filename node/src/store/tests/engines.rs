//! One suite for every engine: what it keeps, in which order, and what is left of it when the process dies or its files are
//! damaged.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use sharechain::ShareId;

use super::{all, sample};
use crate::store::{
    Loaded, Marks, Store, StoreError, StoredShare, aside, mem::MemStore, redb::RedbStore, schema::SCHEMA,
    sled::SledStore,
};

/// An engine with a folder.
struct Engine {
    name: &'static str,
    try_open: fn(&Path) -> Result<Box<dyn Store>, StoreError>,
    /// Overwrites the record at a place behind the engine's back.
    overwrite: fn(&Path, u64, &[u8]),
    /// Its data file.
    file: &'static str,
}

impl Engine {
    fn open(&self, folder: &Path) -> Box<dyn Store> {
        (self.try_open)(folder).unwrap()
    }
}

const SLED: Engine = Engine {
    name: "sled",
    try_open: |folder| Ok(Box::new(SledStore::open(folder)?)),
    overwrite: |folder, place, record| {
        let raw = ::sled::open(folder.join("0000000000")).unwrap();
        raw.open_tree("shares").unwrap().insert(place.to_be_bytes(), record).unwrap();
    },
    file: "0000000000/db",
};

const ENGINES: [Engine; 3] = [
    SLED,
    Engine {
        name: "sled in short generations",
        try_open: |folder| Ok(Box::new(SledStore::open_with(folder, 3)?)),
        ..SLED
    },
    Engine {
        name: "redb",
        try_open: |folder| Ok(Box::new(RedbStore::open(folder)?)),
        overwrite: |folder, place, record| {
            let raw = ::redb::Database::open(folder.join("shares.redb")).unwrap();
            let write = raw.begin_write().unwrap();
            write
                .open_table(::redb::TableDefinition::<u64, &[u8]>::new("shares"))
                .unwrap()
                .insert(place, record)
                .unwrap();
            write.commit().unwrap();
        },
        file: "shares.redb",
    },
];

/// Does something with every engine, in a folder of its own.
fn with_each(test: impl Fn(&Engine, &Path)) {
    for engine in &ENGINES {
        println!("engine {}", engine.name);
        let folder = tempfile::tempdir().unwrap();
        test(engine, &folder.path().join("shares"));
    }
}

/// Leaves the samples in a store that is closed.
fn stored(engine: &Engine, path: &Path, tags: impl IntoIterator<Item = u64>) {
    let mut store = engine.open(path);
    let shares: Vec<_> = tags.into_iter().map(sample).collect();
    store.append(&shares).unwrap();
    store.sync().unwrap();
}

fn conforms(mut store: Box<dyn Store>) {
    assert_eq!(all(store.as_ref()).0, Vec::<u64>::new());
    store.append(&[sample(3), sample(1)]).unwrap();
    store.append(&[sample(2), sample(3)]).unwrap();
    store.sync().unwrap();
    assert_eq!(all(store.as_ref()), (vec![3, 1, 2], Loaded { shares: 3, damaged: 0 }), "in order, each once");
    let (id, share) = sample(1);
    assert_eq!(store.get(&id).unwrap(), Some(share));
    assert_eq!(store.get(&ShareId::ZERO).unwrap(), None);
    store.remove(&[sample(1).0, ShareId::ZERO]).unwrap();
    assert_eq!((all(store.as_ref()).0, store.get(&id).unwrap()), (vec![3, 2], None));
    store.append(&[sample(1), sample(2)]).unwrap();
    assert_eq!(all(store.as_ref()).0, vec![3, 2, 1], "it is a new share then");
    let first = store.page(None, 2).unwrap();
    assert_eq!(first.shares.iter().map(|share| share.linked_at).collect::<Vec<_>>(), [3, 2]);
    let last = store.page(first.next, 2).unwrap();
    assert_eq!((last.shares, last.next), (vec![sample(1).1], None), "page by page, in order");
    assert_eq!(store.marks().unwrap(), None);
    let marks = Marks { first: sample(3).0, tip: id };
    store.mark(Marks { tip: sample(2).0, ..marks }).unwrap();
    store.mark(marks).unwrap();
    assert_eq!(store.marks().unwrap(), Some(marks));
    store.set_schema(7).unwrap();
    assert_eq!((store.schema().unwrap(), store.marks().unwrap()), (7, Some(marks)));
    assert_eq!(all(store.as_ref()).0.len(), 3, "marks and version are no share");
}

#[test]
fn every_engine_conforms() {
    conforms(Box::new(MemStore::default()));
    with_each(|engine, path| conforms(engine.open(path)));
}

#[test]
fn a_store_survives_a_restart_and_goes_on_where_it_was() {
    with_each(|engine, path| {
        stored(engine, path, [1, 2]);
        let mut store = engine.open(path);
        store.append(&[sample(3)]).unwrap();
        assert_eq!(all(store.as_ref()).0, vec![1, 2, 3]);
    });
}

#[test]
fn a_damaged_record_is_replaced_in_its_place_when_the_share_comes_again() {
    with_each(|engine, path| {
        stored(engine, path, [1, 2]);
        (engine.overwrite)(path, 0, b"flipped bits");
        let mut store = engine.open(path);
        assert_eq!(all(store.as_ref()), (vec![2], Loaded { shares: 1, damaged: 1 }));
        assert_eq!(store.get(&sample(1).0).unwrap(), None);
        store.append(&[sample(1)]).unwrap();
        assert_eq!(all(store.as_ref()), (vec![1, 2], Loaded { shares: 2, damaged: 0 }));
    });
}

/// What lies beside the store, by name.
fn beside(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path.parent().unwrap()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_store_that_cannot_be_opened_is_moved_aside_and_begun_anew() {
    with_each(|engine, path| {
        // Twice within a second: neither is lost.
        for _ in 0..2 {
            let _begun = fs::remove_dir_all(path);
            let file = path.join(engine.file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file.with_file_name("conf"), b"not what sled wrote").unwrap();
            fs::write(file, vec![0xa5; 4_096]).unwrap();
            let mut store = engine.open(path);
            store.append(&[sample(1)]).unwrap();
        }
        let kept = beside(path).iter().filter(|name| name.starts_with("shares.damaged-")).count();
        assert_eq!(kept, 2, "{}", engine.name);
    });
}

/// What a death leaves: the files as they are while the store is open.
fn as_a_kill_leaves_it(path: &Path, copy: &Path) {
    fs::create_dir_all(copy).unwrap();
    for entry in fs::read_dir(path).unwrap().map(Result::unwrap) {
        let target = copy.join(entry.file_name());
        if entry.path().is_dir() {
            as_a_kill_leaves_it(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn what_was_synced_survives_a_death_after_a_death() {
    const ROUNDS: u64 = 8;
    const SYNCED: u64 = 5;
    with_each(|engine, path| {
        let mut path: PathBuf = path.to_owned();
        let mut synced: BTreeMap<ShareId, StoredShare> = BTreeMap::new();
        let mut marks = None;
        for round in 0..ROUNDS {
            let mut store = engine.open(&path);
            for tag in round * 10..round * 10 + SYNCED {
                let (id, share) = sample(tag);
                store.append(&[(id, share.clone())]).unwrap();
                synced.insert(id, share);
            }
            let gone = sample(round * 10).0;
            store.remove(&[gone]).unwrap();
            synced.remove(&gone);
            marks = Some(Marks { first: sample(1).0, tip: sample(round * 10 + 1).0 });
            store.mark(marks.unwrap()).unwrap();
            store.sync().unwrap();
            // Nobody was told that these are kept: each is there as a whole or not at all.
            store.append(&[sample(round * 10 + 8), sample(round * 10 + 9)]).unwrap();
            let copy = path.with_extension(format!("after-{round}"));
            as_a_kill_leaves_it(&path, &copy);
            path = copy;
        }
        let store = engine.open(&path);
        assert_eq!(store.marks().unwrap(), marks, "{}", engine.name);
        for (id, share) in &synced {
            assert_eq!(store.get(id).unwrap().as_ref(), Some(share), "{}", engine.name);
        }
        let (linked, loaded) = all(store.as_ref());
        assert_eq!(loaded.damaged, 0);
        // What was removed may be back, as the next start removes it again; then it is where it was.
        assert!(linked.is_sorted_by(|one, next| one < next), "each once: {linked:?}");
    });
}

#[test]
fn a_store_of_a_newer_program_is_left_as_it_is() {
    with_each(|engine, path| {
        stored(engine, path, [1]);
        let mut store = engine.open(path);
        assert_eq!(store.schema().unwrap(), SCHEMA);
        store.set_schema(SCHEMA + 1).unwrap();
        store.sync().unwrap();
        drop(store);
        let refused = (engine.try_open)(path).err().unwrap();
        assert!(matches!(refused, StoreError::Newer { found, known: SCHEMA } if found == SCHEMA + 1), "{refused:?}");
        assert_eq!(beside(path), ["shares"], "nothing was moved aside");
    });
}

#[test]
fn damaged_files_cost_shares_and_never_the_start() {
    const SHARES: u64 = 40;
    with_each(|engine, path| {
        stored(engine, path, 0..SHARES);
        let whole = fs::read(path.join(engine.file)).unwrap();
        let len = whole.len();
        let cuts = (0..4).map(|part| whole[..len * part / 4].to_vec());
        let flips = (0..12).map(|part| {
            let mut flipped = whole.clone();
            flipped[len * part / 12 + 7] ^= 0x10;
            flipped
        });
        for (number, damaged) in cuts.chain(flips).enumerate() {
            let copy = path.with_extension(format!("damage-{number}"));
            as_a_kill_leaves_it(path, &copy);
            fs::write(copy.join(engine.file), damaged).unwrap();
            // As a start does: whatever shows when all is read is damage too.
            let read = |folder: &Path| {
                let store = (engine.try_open)(folder)?;
                let mut shares = Vec::new();
                store.for_each(&mut |share| shares.push(share))?;
                Ok::<_, StoreError>((store, shares))
            };
            let (mut store, shares) = aside::open_or_begin_anew(&copy, read).unwrap();
            for share in shares {
                assert_eq!(
                    share,
                    sample(share.linked_at).1,
                    "{} {number}: nothing else than what was written",
                    engine.name
                );
            }
            store.append(&[sample(99)]).unwrap();
            store.sync().unwrap();
            assert!(store.get(&sample(99).0).unwrap().is_some(), "{} {number}", engine.name);
        }
    });
}
