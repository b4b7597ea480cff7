//! What there is to generations; what every engine has to do is in `store::tests::engines`.

use std::fs;

use super::*;
use crate::store::aside;
use sharechain::{
    Effect, ShareChain,
    testing::{self, GENESIS_TIME, Miner},
};

/// Shares of a generation here.
const LEN: u64 = 10;

fn sample(tag: u64) -> (ShareId, StoredShare) {
    let share = Miner::devnet().orphan(tag);
    (share.id(), StoredShare::new(&share, tag))
}

fn open(path: &Path) -> SledStore {
    SledStore::open_with(path, LEN).unwrap()
}

/// A store of these shares, appended one by one; its generations end where one is full.
fn stored(path: &Path, tags: std::ops::Range<u64>) -> SledStore {
    let mut store = open(path);
    for tag in tags {
        store.append(&[sample(tag)]).unwrap();
    }
    store
}

fn tags(store: &SledStore) -> Vec<u64> {
    let mut tags = Vec::new();
    store.for_each(&mut |share| tags.push(share.linked_at)).unwrap();
    tags
}

fn marks(tag: u64) -> Marks {
    Marks { first: sample(tag).0, tip: sample(tag).0 }
}

/// Names in the store's folder.
fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = entries.collect();
    names.sort();
    names
}

#[test]
fn generations_are_begun_when_one_is_full_and_deleted_when_all_of_one_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shares");
    let mut store = open(&path);
    for tag in 0..60 {
        store.append(&[sample(tag)]).unwrap();
        if tag >= 25 {
            store.remove(&[sample(tag - 25).0]).unwrap();
        }
        let kept = tag.saturating_sub(24)..=tag;
        assert_eq!(tags(&store), kept.collect::<Vec<_>>());
        assert!(store.older.len() <= 3, "{tag}: {:?}", names(&path));
    }
    assert_eq!(names(&path), ["0000000003", "0000000004", "0000000005", "db"]);
    drop(store);
    assert_eq!(tags(&open(&path)), (35..60).collect::<Vec<_>>());
    assert_eq!(names(&path), ["0000000003", "0000000004", "0000000005", "db"]);
}

#[test]
fn an_empty_generation_that_a_death_left_is_deleted_and_the_newest_one_never() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shares");
    let store = stored(&path, 0..LEN + 1);
    // Without what follows a removal.
    let all: Vec<_> = (0..=LEN).map(|tag| sample(tag).0).collect();
    store.older[0].remove(&all).unwrap();
    store.newest.remove(&all).unwrap();
    drop(store);
    assert_eq!(names(&path), ["0000000000", "0000000001", "db"]);
    let store = open(&path);
    assert!(store.is_empty());
    assert_eq!(names(&path), ["0000000001", "db"]);
}

#[test]
fn a_generation_is_synced_before_the_next_one_is_begun() {
    let folder = tempfile::tempdir().unwrap();
    let store = stored(&folder.path().join("shares"), 0..LEN + 1);
    assert!(store.older[0].is_synced && !store.newest.is_synced);
}

#[test]
fn a_store_whose_division_was_cut_off_is_seen_by_those_who_only_look() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shares");
    drop(stored(&path, 0..5));
    fs::rename(layout::of_number(&path, 0), path.join("incoming")).unwrap();
    assert!(SledStore::is_in(&path));
    assert_eq!(SledStore::look(&path, &path.join("no journal"), &testing::devnet_params()).unwrap().shares, 5);
    assert_eq!(names(&path), ["db", "incoming"], "nothing is begun beside it");
    assert_eq!(tags(&open(&path)), (0..5).collect::<Vec<_>>());
    assert_eq!(names(&path), ["0000000000", "db"]);
}

#[test]
fn marks_outlive_the_generation_that_they_were_noted_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shares");
    let mut store = stored(&path, 0..LEN);
    store.mark(marks(1)).unwrap();
    store.append(&[sample(LEN)]).unwrap();
    assert_eq!((store.older.len(), store.marks().unwrap()), (1, Some(marks(1))));
    store.mark(marks(2)).unwrap();
    drop(store);
    let store = open(&path);
    assert_eq!((store.marks().unwrap(), store.schema().unwrap()), (Some(marks(2)), schema::SCHEMA));
    drop(store);
    // A damaged record is none, and older ones are not true any more.
    let raw = ::sled::open(path.join("0000000001")).unwrap();
    raw.insert("marks", b"flipped bits").unwrap();
    drop(raw);
    assert_eq!(open(&path).marks().unwrap(), None);
}

#[test]
fn a_share_is_stored_once_and_mended_in_whatever_generation_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shares");
    let store = stored(&path, 0..25);
    drop(store);
    let raw = ::sled::open(path.join("0000000001")).unwrap();
    raw.open_tree("shares").unwrap().insert(4_u64.to_be_bytes(), b"flipped bits").unwrap();
    drop(raw);
    let mut store = open(&path);
    assert_eq!(store.get(&sample(14).0).unwrap(), None);
    store.append(&[sample(24), sample(14), sample(3), sample(25)]).unwrap();
    assert_eq!(tags(&store), (0..26).collect::<Vec<_>>());
    assert_eq!(store.get(&sample(14).0).unwrap(), Some(sample(14).1));
}

#[test]
fn pages_go_through_all_generations_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = stored(&folder.path().join("shares"), 0..35);
    store.remove(&(0..12).map(|tag| sample(tag).0).collect::<Vec<_>>()).unwrap();
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = store.page(after, 7).unwrap();
        seen.extend(page.shares.iter().map(|share| share.linked_at));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, (12..35).collect::<Vec<_>>());
}

#[test]
fn damage_costs_the_generation_that_it_is_in() {
    for (damaged, left) in [(0, [10..20, 20..25]), (1, [0..10, 20..25]), (2, [0..10, 10..20])] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shares");
        let store = stored(&path, 0..25);
        drop(store);
        fs::write(layout::of_number(&path, damaged).join("conf"), b"not what sled wrote").unwrap();
        assert!(SledStore::look(&path, &path.join("no journal"), &testing::devnet_params()).unwrap_err().is_damage());
        assert_eq!(names(&path).len(), 4, "who only looks moves nothing");
        let mut store = open(&path);
        let left: Vec<u64> = left.into_iter().flatten().collect();
        assert_eq!((tags(&store), aside::kept(&path).len()), (left.clone(), 1));
        // It goes on after what is left.
        store.append(&[sample(99)]).unwrap();
        drop(store);
        assert_eq!(tags(&open(&path)), [left, vec![99]].concat());
    }
}

/// Flips bits all over what is written of a file.
fn flip(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let written = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    for place in (written / 20..written).step_by(written / 20) {
        bytes[place] ^= 0x10;
    }
    fs::write(file, bytes).unwrap();
}

#[test]
fn a_chain_goes_on_with_what_is_left_whichever_generation_is_damaged() {
    let params = testing::short_params(30);
    for place in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shares");
        let mut store = SledStore::open_with(&path, 50).unwrap();
        let (mut chain, mut miner) = (ShareChain::new(params.clone()), Miner::new(params.clone(), 1));
        for second in 1..=320 {
            let share = miner.extend(&mut chain, GENESIS_TIME + second);
            store.append(&[(share.id(), StoredShare::new(&share, 0))]).unwrap();
            store.mark(Marks { first: chain.first_share(), tip: chain.tip().id }).unwrap();
            while let Some(effect) = chain.poll_effect() {
                if let Effect::Forgotten(id) = effect {
                    store.remove(&[id]).unwrap();
                }
            }
        }
        drop(store);
        // With a snapshot of sled's it is not read when it is opened.
        drop(SledStore::open_with(&path, 50).unwrap());
        let found = layout::generations(&path).unwrap();
        let damaged = [0, found.len() / 2, found.len() - 1][place];
        flip(&found[damaged].1.join("db"));
        let store = SledStore::open_with(&path, 50).unwrap();
        let left = tags(&store).len();
        let loaded = crate::store::load(&store, &params).unwrap();
        let (first, tip) = (loaded.chain.first_height(), loaded.chain.tip().height);
        println!(
            "{damaged} of {}: {left} left, {first} to {tip}, {} kept, {} unused",
            found.len(),
            loaded.kept,
            loaded.unused.len()
        );
        assert!(first > 100 && tip >= first + 40, "from {first} to {tip}");
        assert!(place > 0 || tip == 320);
        assert!(loaded.kept + loaded.chain.len() + loaded.unused.len() >= left && loaded.unused.len() < 10);
    }
}

#[test]
fn a_generation_without_a_whole_record_is_deleted_at_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shares");
    let mut store = stored(&path, 0..25);
    store.remove(&(1..15).map(|tag| sample(tag).0).collect::<Vec<_>>()).unwrap();
    drop(store);
    let raw = ::sled::open(path.join("0000000000")).unwrap();
    raw.open_tree("shares").unwrap().insert(0_u64.to_be_bytes(), b"flipped bits").unwrap();
    drop(raw);
    assert_eq!(tags(&open(&path)), (15..25).collect::<Vec<_>>());
    assert_eq!(names(&path), ["0000000001", "0000000002", "db"]);
}

#[test]
fn without_a_new_generation_the_newest_one_becomes_longer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shares");
    let mut store = open(&path);
    // A file in the place of its folder: as when no file can be opened.
    fs::write(path.join("0000000001"), "").unwrap();
    for tag in 0..20 {
        store.append(&[sample(tag)]).unwrap();
    }
    assert_eq!((tags(&store), store.older.len()), ((0..20).collect::<Vec<_>>(), 0));
    fs::remove_file(path.join("0000000001")).unwrap();
    for tag in 20..LEN + RETRY_SHARES + 2 {
        store.append(&[sample(tag)]).unwrap();
    }
    assert_eq!(store.older.len(), 1);
}

#[test]
fn a_version_that_only_one_generation_has_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = stored(&folder.path().join("shares"), 0..LEN + 1);
    assert_eq!(store.schema().unwrap(), schema::SCHEMA);
    store.older[0].set_schema(0).unwrap();
    assert_eq!(store.schema().unwrap(), 0, "it is not migrated yet");
    store.older[0].set_schema(schema::SCHEMA + 1).unwrap();
    assert_eq!(store.schema().unwrap(), schema::SCHEMA + 1, "a newer program began to migrate it");
}
