//! Shares that cannot be linked yet because an ancestor is missing. The set is bounded.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::Bound,
    sync::Arc,
};

use crate::{chain::Origin, hash::ShareId, validate::CheckedShare};

/// Shares that wait for ancestors. Stops a peer from filling memory with shares on parents that do not exist; each one
/// costs it a proof of work, and the oldest goes first.
const WAITING_MAX: usize = 2_048;

#[derive(Debug)]
struct Waiting {
    share: Arc<CheckedShare>,
    origin: Origin,
    missing: BTreeSet<ShareId>,
}

#[derive(Debug, Default)]
pub(super) struct Pending {
    waiting: BTreeMap<ShareId, Waiting>,
    /// Which shares wait for an id.
    waiters: BTreeMap<ShareId, BTreeSet<ShareId>>,
    arrival: VecDeque<ShareId>,
    /// Shares of which nothing is missing any more.
    ready: VecDeque<(Arc<CheckedShare>, Origin)>,
}

impl Pending {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn contains(&self, id: &ShareId) -> bool {
        self.waiting.contains_key(id)
    }

    /// Keeps a share until every id of `missing` is resolved.
    pub(super) fn wait(&mut self, share: Arc<CheckedShare>, origin: Origin, missing: Vec<ShareId>) {
        let id = share.id();
        while self.waiting.len() >= WAITING_MAX
            && let Some(oldest) = self.arrival.pop_front()
        {
            self.forget(oldest);
        }
        for ancestor in &missing {
            self.waiters.entry(*ancestor).or_default().insert(id);
        }
        self.waiting.insert(id, Waiting { share, origin, missing: missing.into_iter().collect() });
        self.arrival.push_back(id);
    }

    /// The fate of `id` is known: shares that waited for nothing else become ready.
    pub(super) fn resolve(&mut self, id: ShareId) {
        for waiter in self.waiters.remove(&id).unwrap_or_default() {
            let Some(waiting) = self.waiting.get_mut(&waiter) else { continue };
            waiting.missing.remove(&id);
            if waiting.missing.is_empty()
                && let Some(waiting) = self.waiting.remove(&waiter)
            {
                self.arrival.retain(|arrived| *arrived != waiter);
                self.ready.push_back((waiting.share, waiting.origin));
            }
        }
    }

    /// Ids that are waited for and do not wait themselves, those above `after` first.
    pub(super) fn missing(&self, after: ShareId) -> impl Iterator<Item = ShareId> + '_ {
        let above = self.waiters.range((Bound::Excluded(after), Bound::Unbounded));
        let below = self.waiters.range(..=after);
        above.chain(below).map(|(id, _)| *id).filter(|id| !self.contains(id))
    }

    pub(super) fn take_ready(&mut self) -> Option<(Arc<CheckedShare>, Origin)> {
        self.ready.pop_front()
    }

    fn forget(&mut self, id: ShareId) {
        let Some(waiting) = self.waiting.remove(&id) else { return };
        for ancestor in waiting.missing {
            if let Some(waiters) = self.waiters.get_mut(&ancestor) {
                waiters.remove(&id);
                if waiters.is_empty() {
                    self.waiters.remove(&ancestor);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Miner;

    #[test]
    fn who_is_ready_does_not_wait_and_the_others_do() {
        let mut miner = Miner::devnet();
        let mut pending = Pending::default();
        let orphans: Vec<_> = (0..3).map(|tag| miner.orphan(tag)).collect();
        for orphan in &orphans {
            pending.wait(orphan.clone(), Origin::Live, vec![orphan.share().data.parent]);
        }
        pending.resolve(orphans[1].share().data.parent);
        assert_eq!(pending.arrival, [orphans[0].id(), orphans[2].id()]);
        assert_eq!((pending.len(), pending.ready.len()), (2, 1));
    }

    #[test]
    fn waiting_shares_are_bounded_and_leave_nothing_behind() {
        let mut miner = Miner::devnet();
        let mut pending = Pending::default();
        let first = miner.orphan(0);
        pending.wait(first.clone(), Origin::Live, vec![first.share().data.parent]);
        for tag in 1..=u64::try_from(WAITING_MAX).unwrap() {
            let orphan = miner.orphan(tag);
            pending.wait(orphan.clone(), Origin::Live, vec![orphan.share().data.parent]);
        }
        assert_eq!(pending.len(), WAITING_MAX);
        assert!(!pending.contains(&first.id()));
        assert!(pending.waiters.len() <= WAITING_MAX);
        assert_eq!(pending.arrival.len(), WAITING_MAX);
    }
}
