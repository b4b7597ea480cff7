//! One suite for every engine.

use sharechain::testing::Miner;

use super::{mem::MemStore, sled::SledStore, *};

fn sample(tag: u64) -> (ShareId, StoredShare) {
    let share = Miner::devnet().orphan(tag);
    (share.id(), StoredShare::new(&share, tag))
}

fn all(store: &dyn Store) -> (Vec<u64>, Loaded) {
    let mut linked = Vec::new();
    let loaded = store.for_each(&mut |share| linked.push(share.linked_at)).unwrap();
    (linked, loaded)
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
}

#[test]
fn mem_store_conforms() {
    conforms(Box::new(MemStore::default()));
}

#[test]
fn sled_store_conforms() {
    let folder = tempfile::tempdir().unwrap();
    conforms(Box::new(SledStore::open(&folder.path().join("shares")).unwrap()));
}

/// A folder in which a sled store left two shares; the folder goes away with the first value.
fn stored() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shares");
    let mut store = SledStore::open(&path).unwrap();
    store.append(&[sample(1), sample(2)]).unwrap();
    store.sync().unwrap();
    (folder, path)
}

#[test]
fn sled_store_survives_a_restart_and_goes_on_where_it_was() {
    let (_folder, path) = stored();
    let mut store = SledStore::open(&path).unwrap();
    store.append(&[sample(3)]).unwrap();
    assert_eq!(all(&store).0, vec![1, 2, 3]);
}

#[test]
fn a_damaged_record_is_replaced_in_its_place_when_the_share_comes_again() {
    let (_folder, path) = stored();
    let raw = ::sled::open(&path).unwrap();
    raw.open_tree("shares").unwrap().insert(0_u64.to_be_bytes(), b"flipped bits").unwrap();
    drop(raw);
    let mut store = SledStore::open(&path).unwrap();
    assert_eq!(all(&store), (vec![2], Loaded { shares: 1, damaged: 1 }));
    assert_eq!(store.get(&sample(1).0).unwrap(), None);
    store.append(&[sample(1)]).unwrap();
    assert_eq!(all(&store), (vec![1, 2], Loaded { shares: 2, damaged: 0 }));
}

#[test]
fn a_store_that_cannot_be_opened_is_moved_aside_and_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shares");
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("conf"), b"not what sled wrote").unwrap();
    std::fs::write(path.join("db"), vec![0xa5; 4096]).unwrap();
    let mut store = SledStore::open(&path).unwrap();
    store.append(&[sample(1)]).unwrap();
    let kept = std::fs::read_dir(folder.path()).unwrap().filter_map(Result::ok);
    let kept: Vec<_> = kept.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    assert!(kept.iter().any(|name| name.starts_with("shares.damaged-")), "{kept:?}");
}

#[tokio::test]
async fn the_task_acknowledges_after_the_sync_and_reads_back() {
    let (handle, thread) = spawn(Box::new(MemStore::default())).unwrap();
    let (id, share) = sample(1);
    let durable = handle.append_durably(id, share.clone()).await;
    durable.await.unwrap().unwrap();
    let (other, _) = sample(2);
    assert_eq!(handle.read(vec![other, id]).await.unwrap(), vec![None, Some(share)]);
    drop(handle);
    assert!(tokio::task::spawn_blocking(|| thread.join().unwrap()).await.unwrap().is_ok());
}

/// A disk that fails on sync.
struct BrokenDisk(MemStore);

impl Store for BrokenDisk {
    fn append(&mut self, shares: &[(ShareId, StoredShare)]) -> Result<(), StoreError> {
        self.0.append(shares)
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        Err(StoreError::engine("sync")("no space left on device"))
    }

    fn get(&self, id: &ShareId) -> Result<Option<StoredShare>, StoreError> {
        self.0.get(id)
    }

    fn for_each(&self, visit: &mut dyn FnMut(StoredShare)) -> Result<Loaded, StoreError> {
        self.0.for_each(visit)
    }
}

#[tokio::test]
async fn a_failed_sync_is_never_acknowledged_and_ends_the_store() {
    let (handle, thread) = spawn(Box::new(BrokenDisk(MemStore::default()))).unwrap();
    let (id, share) = sample(1);
    let durable = handle.append_durably(id, share).await;
    let error = durable.await.unwrap().unwrap_err();
    assert!(error.chain().contains("no space left on device"), "{}", error.chain());
    assert!(tokio::task::spawn_blocking(|| thread.join().unwrap()).await.unwrap().is_err());
    handle.failed().await;
    assert!(matches!(handle.read(vec![id]).await, Err(StoreError::Stopped)));
}
