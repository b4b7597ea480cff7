//! A store in memory on a disk that fails as a test wants, and tells what was asked of it.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use sharechain::ShareId;

use crate::store::{Loaded, Marks, Page, Store, StoreError, StoredShare, mem::MemStore};

/// See the module.
#[derive(Default)]
pub(super) struct TestDisk {
    store: MemStore,
    /// Fails on sync.
    is_broken: bool,
    /// Fails on removal.
    keeps_all: bool,
    /// Has no room; nothing may be written then.
    pub(super) is_full: Arc<AtomicBool>,
    /// What changed it, in order.
    pub(super) calls: Arc<Mutex<Vec<&'static str>>>,
}

impl TestDisk {
    pub(super) fn broken() -> Self {
        Self { is_broken: true, ..Self::default() }
    }

    pub(super) fn worn() -> Self {
        Self { keeps_all: true, ..Self::default() }
    }

    fn note(&self, call: &'static str) {
        assert!(self.has_room() || call == "sync", "nothing is written on a full disk");
        self.calls.lock().unwrap().push(call);
    }
}

impl Store for TestDisk {
    fn append(&mut self, shares: &[(ShareId, StoredShare)]) -> Result<(), StoreError> {
        self.note("append");
        self.store.append(shares)
    }

    fn remove(&mut self, ids: &[ShareId]) -> Result<(), StoreError> {
        self.note("remove");
        if self.keeps_all { Err(StoreError::engine("remove")("read-only file system")) } else { self.store.remove(ids) }
    }

    fn mark(&mut self, marks: Marks) -> Result<(), StoreError> {
        self.note("mark");
        self.store.mark(marks)
    }

    fn marks(&self) -> Result<Option<Marks>, StoreError> {
        self.store.marks()
    }

    fn schema(&self) -> Result<u32, StoreError> {
        self.store.schema()
    }

    fn set_schema(&mut self, version: u32) -> Result<(), StoreError> {
        self.store.set_schema(version)
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.note("sync");
        if self.is_broken { Err(StoreError::engine("sync")("no space left on device")) } else { self.store.sync() }
    }

    fn has_room(&self) -> bool {
        !self.is_full.load(Ordering::SeqCst)
    }

    fn get(&self, id: &ShareId) -> Result<Option<StoredShare>, StoreError> {
        self.store.get(id)
    }

    fn page(&self, after: Option<u64>, len_max: usize) -> Result<Page, StoreError> {
        self.store.page(after, len_max)
    }

    fn for_each(&self, visit: &mut dyn FnMut(StoredShare)) -> Result<Loaded, StoreError> {
        self.store.for_each(visit)
    }
}
