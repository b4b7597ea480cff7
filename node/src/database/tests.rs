use std::{fs, sync::Arc};

use sharechain::{
    Params, ShareChain,
    testing::{self, GENESIS_TIME, Miner},
};

use super::*;
use crate::{
    config::RawConfig,
    store::{Marks, StoredShare},
};

pub(super) fn config(dir: &Path) -> Config {
    let mut config = RawConfig { data_dir: Some(dir.to_owned()), ..RawConfig::default() }.resolve().unwrap();
    // Its shares cost few hashes.
    config.chain.params = testing::devnet_params();
    config
}

/// A node that has run: its key, a block, and so many shares.
pub(super) fn node(dir: &Path, shares: u32) -> Config {
    let config = config(dir);
    let params: Arc<Params> = config.chain.params.clone();
    let held = DataDir::open(dir).unwrap();
    held.identity().unwrap();
    fs::create_dir(held.blocks()).unwrap();
    fs::write(held.blocks().join("history.json"), "{}").unwrap();
    fs::write(dir.join("api.cookie"), "secret").unwrap();
    let mut store = SledStore::open(&held.shares()).unwrap();
    let mut chain = ShareChain::new(params.clone());
    let mut miner = Miner::new(params, 1);
    for second in 1..=shares {
        let share = miner.extend(&mut chain, GENESIS_TIME + second);
        store.append(&[(share.id(), StoredShare::new(&share, u64::from(second)))]).unwrap();
    }
    store.mark(Marks { first: chain.first_share(), tip: chain.tip().id }).unwrap();
    store.sync().unwrap();
    config
}

pub(super) const SILENT: Progress<'static> = &|_, _| {};

#[test]
fn a_whole_store_is_well_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let config = node(&folder.path().join("node"), 20);
    let checked = check(&config, SILENT).unwrap();
    assert_eq!((checked[0].shares, checked[0].height, &checked[0].problems), (20, 20, &Vec::new()));
    let stats = stats(&config, SILENT).unwrap();
    assert_eq!((stats[0].shares, stats[0].linked_from, stats[0].linked_to), (20, Some(1), Some(20)));
    assert_eq!((stats[0].schema, stats[0].moved_aside.len()), (SCHEMA, 0));
    let migrated = migrate(&config).unwrap();
    assert_eq!((migrated[0].from, migrated[0].to), (SCHEMA, SCHEMA));
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_mended() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("node");
    let config = node(&dir, 5);
    let raw = ::sled::open(dir.join("shares/0000000000")).unwrap();
    let shares = raw.open_tree("shares").unwrap();
    shares.insert(4_u64.to_be_bytes(), b"flipped bits").unwrap();
    shares.remove(3_u64.to_be_bytes()).unwrap();
    drop((shares, raw));
    for _ in 0..2 {
        let checked = check(&config, SILENT).unwrap();
        let problems = checked[0].problems.join("\n");
        assert_eq!((checked[0].shares, checked[0].problems.len()), (3, 3), "{problems}");
        assert!(problems.contains("1 records are damaged") && problems.contains("1 entries"), "{problems}");
        assert!(problems.contains("the best share"), "{problems}");
    }
}

#[test]
fn a_folder_in_use_and_one_without_a_store_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("node");
    assert!(matches!(check(&config(&dir), SILENT), Err(DatabaseError::NoStore(_))));
    assert!(!dir.exists());
    let config = node(&dir, 1);
    let _running = DataDir::open(&dir).unwrap();
    let refused = check(&config, SILENT).unwrap_err();
    assert!(matches!(refused, DatabaseError::Node(NodeError::DataDirInUse(_))), "{refused}");
}

#[tokio::test]
async fn a_backup_put_back_is_the_node_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, copy, other) = (folder.path().join("node"), folder.path().join("backup"), folder.path().join("other"));
    let before = node(&dir, 30);
    let done = backup(&before, &copy, SILENT).await.unwrap();
    assert_eq!((done[0].shares, done[0].online), (30, false));
    assert!(!copy.join("api.cookie").exists() && !copy.join("lock").exists());
    let refused = backup(&before, &copy, SILENT).await.unwrap_err();
    assert!(matches!(refused, DatabaseError::NotEmpty(_)), "nothing is overwritten");
    let inside = backup(&before, &dir.join("old/backup"), SILENT).await.unwrap_err();
    assert!(matches!(inside, DatabaseError::InsideItself(_)), "{inside}");
    let refused = restore(&before, &copy).unwrap_err();
    assert!(matches!(refused, DatabaseError::NotEmpty(_)), "nor is a node");
    let after = config(&other);
    assert_eq!(restore(&after, &copy).unwrap()[0].shares, 30);
    assert_eq!(check(&after, SILENT).unwrap()[0].height, 30);
    let key = |dir: &Path| fs::read(dir.join("node.key")).unwrap();
    assert_eq!(key(&dir), key(&other));
    assert!(other.join("blocks/history.json").exists());
    // Its lock was let go.
    DataDir::open(&other).unwrap().identity().unwrap();
    fs::write(other.join("restoring"), "").unwrap();
    let refused = DataDir::open(&other).unwrap_err();
    assert!(matches!(refused, NodeError::HalfRestored(_)), "what was cut off is no node: {refused}");
    let refused = restore(&config(&folder.path().join("third")), &other).unwrap_err();
    assert!(matches!(refused, DatabaseError::HalfBackup(_)), "and no backup: {refused}");
}

#[test]
fn only_a_backup_is_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, dir) = (folder.path().join("empty"), folder.path().join("node"));
    fs::create_dir(&empty).unwrap();
    assert!(matches!(restore(&config(&dir), &empty), Err(DatabaseError::NoBackup(_))));
    assert!(!dir.exists());
    // The folder of a running node is none either.
    let running = folder.path().join("running");
    let _config = node(&running, 3);
    let _held = DataDir::open(&running).unwrap();
    let refused = restore(&config(&dir), &running).unwrap_err();
    assert!(matches!(refused, DatabaseError::Node(NodeError::DataDirInUse(_))), "{refused}");
}
