//! A store in memory: for tests, and the reference the other engines are compared with.

use std::collections::BTreeMap;

use sharechain::ShareId;

use super::{Loaded, Marks, Page, Store, StoreError, StoredShare};

/// Forgets everything when it is dropped.
#[derive(Debug, Default)]
pub struct MemStore {
    records: BTreeMap<u64, Vec<u8>>,
    by_id: BTreeMap<ShareId, u64>,
    marks: Option<Marks>,
    schema: u32,
}

impl Store for MemStore {
    fn append(&mut self, shares: &[(ShareId, StoredShare)]) -> Result<(), StoreError> {
        for (id, share) in shares {
            if !self.by_id.contains_key(id) {
                let place = self.records.last_key_value().map_or(0, |(last, _)| last.saturating_add(1));
                self.by_id.insert(*id, place);
                self.records.insert(place, share.encode());
            }
        }
        Ok(())
    }

    fn remove(&mut self, ids: &[ShareId]) -> Result<(), StoreError> {
        for id in ids {
            if let Some(place) = self.by_id.remove(id) {
                self.records.remove(&place);
            }
        }
        Ok(())
    }

    fn mark(&mut self, marks: Marks) -> Result<(), StoreError> {
        self.marks = Some(marks);
        Ok(())
    }

    fn marks(&self) -> Result<Option<Marks>, StoreError> {
        Ok(self.marks)
    }

    fn schema(&self) -> Result<u32, StoreError> {
        Ok(self.schema)
    }

    fn set_schema(&mut self, version: u32) -> Result<(), StoreError> {
        self.schema = version;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn get(&self, id: &ShareId) -> Result<Option<StoredShare>, StoreError> {
        Ok(self.by_id.get(id).and_then(|place| StoredShare::decode(self.records.get(place)?)))
    }

    fn page(&self, after: Option<u64>, len_max: usize) -> Result<Page, StoreError> {
        let from = after.map_or(0, |after| after.saturating_add(1));
        Page::of(self.records.range(from..).map(|(place, record)| Ok((*place, record))), len_max)
    }

    fn for_each(&self, visit: &mut dyn FnMut(StoredShare)) -> Result<Loaded, StoreError> {
        let mut loaded = Loaded::default();
        for record in self.records.values() {
            loaded.count(StoredShare::decode(record), visit);
        }
        Ok(loaded)
    }
}
