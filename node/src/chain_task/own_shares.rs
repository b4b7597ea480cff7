//! Shares that miners of this node found since it was started, and their workers. Pure; the chain task owns it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use sharechain::ShareId;

/// Shares that are remembered, the newest of them: about a day of a node that finds most of a pool's.
const REMEMBERED_MAX: usize = 65_536;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct OwnShares {
    workers: BTreeMap<ShareId, Arc<str>>,
    /// Each name once, with the number of its shares: a farm has thousands of shares, and one name.
    names: BTreeMap<Arc<str>, usize>,
    /// By number, which grows.
    order: VecDeque<(u64, ShareId)>,
    next_number: u64,
}

impl OwnShares {
    /// A worker found a share.
    pub(super) fn push(&mut self, id: ShareId, worker: &str) {
        if self.workers.contains_key(&id) {
            return;
        }
        let name = self.names.get_key_value(worker).map_or_else(|| Arc::from(worker), |(name, _)| name.clone());
        *self.names.entry(name.clone()).or_default() += 1;
        self.workers.insert(id, name);
        self.order.push_back((self.next_number, id));
        self.next_number = self.next_number.saturating_add(1);
        if self.order.len() > REMEMBERED_MAX
            && let Some((_, oldest)) = self.order.pop_front()
        {
            self.forget(&oldest);
        }
    }

    fn forget(&mut self, id: &ShareId) {
        let Some(name) = self.workers.remove(id) else { return };
        if let Some(shares) = self.names.get_mut(&name) {
            *shares -= 1;
            if *shares == 0 {
                self.names.remove(&name);
            }
        }
    }

    /// Who found a share, if it was found here.
    pub(super) fn worker(&self, id: &ShareId) -> Option<Arc<str>> {
        self.workers.get(id).cloned()
    }

    /// How many are remembered.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// At most `len_max` shares with a number below `below`, the newest first.
    pub(super) fn page(&self, below: Option<u64>, len_max: usize) -> Vec<(u64, ShareId)> {
        let end = below.map_or(self.order.len(), |below| self.order.partition_point(|(number, _)| *number < below));
        self.order.range(..end).rev().take(len_max).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> ShareId {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        ShareId::from_bytes(bytes)
    }

    #[test]
    fn the_newest_are_remembered_with_their_workers() {
        let mut own = OwnShares::default();
        let all = u64::try_from(REMEMBERED_MAX).unwrap() + 10;
        for number in 0..all {
            own.push(id(number), if number % 2 == 0 { "even" } else { "odd" });
        }
        own.push(id(all - 1), "odd");
        assert_eq!((own.len(), own.workers.len()), (REMEMBERED_MAX, REMEMBERED_MAX));
        assert_eq!((own.worker(&id(9)), own.worker(&id(11)).as_deref()), (None, Some("odd")));
        let first = own.page(None, 3);
        assert_eq!(first.iter().map(|(_, id)| *id).collect::<Vec<_>>(), [id(all - 1), id(all - 2), id(all - 3)]);
        let second = own.page(first.last().map(|(number, _)| *number), 2);
        assert_eq!(second.iter().map(|(_, id)| *id).collect::<Vec<_>>(), [id(all - 4), id(all - 5)]);
        assert!(own.page(Some(0), 5).is_empty());
    }

    #[test]
    fn a_name_is_kept_once_and_as_long_as_a_share_of_it() {
        let mut own = OwnShares::default();
        own.push(id(0), "first");
        own.push(id(1), "other");
        own.push(id(2), "other");
        assert!(Arc::ptr_eq(&own.worker(&id(1)).unwrap(), &own.worker(&id(2)).unwrap()));
        for number in 3..=u64::try_from(REMEMBERED_MAX).unwrap() {
            own.push(id(number), "other");
        }
        assert_eq!(own.names.keys().map(AsRef::as_ref).collect::<Vec<&str>>(), ["other"]);
    }
}
