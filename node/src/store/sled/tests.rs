//! What there is to generations; what every engine has to do is in `store::tests::engines`.

use std::fs;

use super::*;
use crate::store::aside;
use sharechain::testing::Miner;

/// Shares of a generation here.
const LEN: u64 = 10;

fn sample(tag: u64) -> (ShareId, StoredShare) {
    let share = Miner::devnet().orphan(tag);
    (share.id(), StoredShare::new(&share, tag))
}

fn open(path: &Path) -> SledStore {
    SledStore::open_with(path, LEN).unwrap()
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
    assert_eq!(names(&path), ["0000000003", "0000000004", "0000000005"]);
    drop(store);
    assert_eq!(tags(&open(&path)), (35..60).collect::<Vec<_>>());
    assert_eq!(names(&path), ["0000000003", "0000000004", "0000000005"]);
}

#[test]
fn an_empty_generation_that_a_death_left_is_deleted_and_the_newest_one_never() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shares");
    let mut store = open(&path);
    store.append(&(0..LEN).map(sample).collect::<Vec<_>>()).unwrap();
    store.append(&[sample(LEN)]).unwrap();
    // Without what follows a removal.
    let all: Vec<_> = (0..=LEN).map(|tag| sample(tag).0).collect();
    store.older[0].remove(&all).unwrap();
    store.newest.remove(&all).unwrap();
    drop(store);
    assert_eq!(names(&path), ["0000000000", "0000000001"]);
    let store = open(&path);
    assert!(store.is_empty());
    assert_eq!(names(&path), ["0000000001"]);
}

#[test]
fn marks_outlive_the_generation_that_they_were_noted_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shares");
    let mut store = open(&path);
    store.append(&(0..LEN).map(sample).collect::<Vec<_>>()).unwrap();
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
    let mut store = open(&path);
    for tag in 0..25 {
        store.append(&[sample(tag)]).unwrap();
    }
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
    let mut store = open(&folder.path().join("shares"));
    for tag in 0..35 {
        store.append(&[sample(tag)]).unwrap();
    }
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
        let mut store = open(&path);
        for tag in 0..25 {
            store.append(&[sample(tag)]).unwrap();
        }
        drop(store);
        fs::write(layout::of_number(&path, damaged).join("conf"), b"not what sled wrote").unwrap();
        assert!(SledStore::look(&path).unwrap_err().is_damage());
        assert_eq!(names(&path).len(), 3, "who only looks moves nothing");
        let mut store = open(&path);
        let left: Vec<u64> = left.into_iter().flatten().collect();
        assert_eq!((tags(&store), aside::kept(&path).len()), (left.clone(), 1));
        // It goes on after what is left.
        store.append(&[sample(99)]).unwrap();
        drop(store);
        assert_eq!(tags(&open(&path)), [left, vec![99]].concat());
    }
}

#[test]
fn a_version_that_only_one_generation_has_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder.path().join("shares"));
    store.append(&(0..LEN).map(sample).collect::<Vec<_>>()).unwrap();
    store.append(&[sample(LEN)]).unwrap();
    assert_eq!(store.schema().unwrap(), schema::SCHEMA);
    store.older[0].set_schema(0).unwrap();
    assert_eq!(store.schema().unwrap(), 0, "it is not migrated yet");
    store.older[0].set_schema(schema::SCHEMA + 1).unwrap();
    assert_eq!(store.schema().unwrap(), schema::SCHEMA + 1, "a newer program began to migrate it");
}
