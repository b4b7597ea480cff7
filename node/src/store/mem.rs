//! A store in memory: for tests, and the reference the other engines are compared with.

use std::collections::BTreeMap;

use sharechain::ShareId;

use super::{Loaded, Store, StoreError, StoredShare};

/// Forgets everything when it is dropped.
#[derive(Debug, Default)]
pub struct MemStore {
    records: Vec<Vec<u8>>,
    by_id: BTreeMap<ShareId, usize>,
}

impl Store for MemStore {
    fn append(&mut self, shares: &[(ShareId, StoredShare)]) -> Result<(), StoreError> {
        for (id, share) in shares {
            if !self.by_id.contains_key(id) {
                self.by_id.insert(*id, self.records.len());
                self.records.push(share.encode());
            }
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn get(&self, id: &ShareId) -> Result<Option<StoredShare>, StoreError> {
        Ok(self.by_id.get(id).and_then(|index| StoredShare::decode(self.records.get(*index)?)))
    }

    fn for_each(&self, visit: &mut dyn FnMut(StoredShare)) -> Result<Loaded, StoreError> {
        let mut loaded = Loaded::default();
        for record in &self.records {
            loaded.count(StoredShare::decode(record), visit);
        }
        Ok(loaded)
    }
}
