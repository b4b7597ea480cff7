//! Valid shares that are not helped along yet: from the future, or at odds with the own daemon about the parent chain.
//!
//! They are linked, so whatever is built on them is checked in full, but they are neither announced, built on nor merged,
//! and what builds on them waits with them. Each is released when its reason is gone. A held branch that has clearly more
//! work than anything else is followed all the same, since then our clock or our daemon is the one at fault; but its shares
//! stay held, so that a node which was only behind goes back as soon as it has caught up.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    chain::UnixTime,
    dag::{Dag, Node, ShareIndex},
    fork_choice::MergeOrder,
    hash::BlockHash,
    validate::CheckedShare,
};

/// Shares held back. Bounds what hostile miners can make us remember, at the price of a proof of work each; the lightest
/// go first, with all that builds on them, so a heavy branch always shows itself.
const NOT_YET_MAX: usize = 4_096;

/// Why a valid share is held back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotYet {
    /// Its header is ahead of our clock.
    #[error("its time has not come before {until}")]
    FutureTime {
        /// When it has, Unix seconds.
        until: UnixTime,
    },
    /// The own daemon does not have the block it mines on.
    #[error("the own daemon does not have block {0}")]
    UnknownBlock(BlockHash),
    /// It gives its block another height or target than the own daemon.
    #[error("the own daemon contradicts its height or target")]
    WrongClaims,
    /// Two or more blocks behind the newest one that was mined on before it.
    #[error("it mines on a block that is two or more behind")]
    StaleBlock,
    /// An ancestor is held back.
    #[error("an ancestor is held back")]
    Ancestor,
}

/// The shares held back, ascending in canonical order: ancestors first.
#[derive(Debug, Default)]
pub(super) struct NotYetSet {
    held: BTreeMap<MergeOrder, Held>,
}

#[derive(Debug)]
struct Held {
    index: ShareIndex,
    share: Arc<CheckedShare>,
    reason: NotYet,
    /// Whether it was announced because its branch is, or was, followed.
    is_announced: bool,
}

impl NotYetSet {
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    pub(super) fn contains(&self, dag: &Dag, index: ShareIndex) -> bool {
        !self.held.is_empty() && dag.get(index).is_some_and(|node| self.held.contains_key(&node.merge_order()))
    }

    /// Whether the parent or an uncle is held back.
    pub(super) fn has_ancestor(&self, dag: &Dag, index: ShareIndex) -> bool {
        !self.held.is_empty() && dag.ancestors_of(index).any(|node| self.held.contains_key(&node.merge_order()))
    }

    /// Holds a share back. Gives those for which there is no room any more, descendants first.
    pub(super) fn hold(
        &mut self,
        dag: &Dag,
        index: ShareIndex,
        share: Arc<CheckedShare>,
        reason: NotYet,
    ) -> Vec<ShareIndex> {
        let held = Held { index, share, reason, is_announced: false };
        self.held.insert(dag.node(index).merge_order(), held);
        if self.held.len() <= NOT_YET_MAX {
            return Vec::new();
        }
        let Some((_, lightest)) = self.held.pop_first() else { return Vec::new() };
        if lightest.is_announced {
            // It has been part of the best chain for long.
            return Vec::new();
        }
        // Handles ascend as shares are linked, so descendants are last.
        let mut gone = BTreeSet::from([lightest.index]);
        for held in self.held.values().filter(|held| !held.is_announced) {
            if dag.parents_of(held.index).any(|ancestor| gone.contains(&ancestor)) {
                gone.insert(held.index);
            }
        }
        for index in &gone {
            self.remove(dag, *index);
        }
        gone.into_iter().rev().collect()
    }

    /// Whether a held share was announced all the same.
    pub(super) fn is_announced(&self, dag: &Dag, index: ShareIndex) -> bool {
        let order = dag.get(index).map(Node::merge_order);
        order.and_then(|order| self.held.get(&order)).is_some_and(|held| held.is_announced)
    }

    /// The share, when it is announced for the first time.
    pub(super) fn announce(&mut self, dag: &Dag, index: ShareIndex) -> Option<Arc<CheckedShare>> {
        let held = self.held.get_mut(&dag.get(index)?.merge_order())?;
        (!std::mem::replace(&mut held.is_announced, true)).then(|| held.share.clone())
    }

    /// Takes a share out, when it is released or forgotten.
    pub(super) fn remove(&mut self, dag: &Dag, index: ShareIndex) -> Option<Arc<CheckedShare>> {
        Some(self.held.remove(&dag.get(index)?.merge_order())?.share)
    }

    /// Drops those that were forgotten.
    pub(super) fn retain_linked(&mut self, dag: &Dag) {
        self.held.retain(|_, held| dag.get(held.index).is_some());
    }

    /// Those for which `reason` finds nothing of their own any more and whose ancestors are not held, ancestors first; with
    /// the share where it was not announced before.
    pub(super) fn release(
        &mut self,
        dag: &Dag,
        mut reason: impl FnMut(ShareIndex, &CheckedShare) -> Option<NotYet>,
    ) -> Vec<(ShareIndex, Option<Arc<CheckedShare>>)> {
        let mut released = Vec::new();
        for order in self.held.keys().copied().collect::<Vec<_>>() {
            let Some(held) = self.held.get(&order) else { continue };
            let own = reason(held.index, &held.share);
            let inherited = || self.has_ancestor(dag, held.index).then_some(NotYet::Ancestor);
            if let Some(reason) = own.or_else(inherited) {
                self.held.entry(order).and_modify(|held| held.reason = reason);
            } else if let Some(held) = self.held.remove(&order) {
                released.push((held.index, (!held.is_announced).then_some(held.share)));
            }
        }
        released
    }

    /// The held shares in the past of `tip`, itself included, ancestors first, and why the first of them is held.
    pub(super) fn in_past(&self, dag: &Dag, tip: ShareIndex) -> (Vec<ShareIndex>, Option<NotYet>) {
        let past = dag.past(tip);
        let held: Vec<&Held> = self.held.values().filter(|held| dag.is_in(&past, held.index)).collect();
        (held.iter().map(|held| held.index).collect(), held.first().map(|held| held.reason))
    }

    /// When the next share's time has come.
    pub(super) fn next_due(&self) -> Option<UnixTime> {
        let due = |held: &Held| if let NotYet::FutureTime { until } = held.reason { Some(until) } else { None };
        self.held.values().filter_map(due).min()
    }

    /// Blocks that the own daemon did not have when it was asked, for asking again.
    pub(super) fn unknown_blocks(&self) -> BTreeSet<BlockHash> {
        let unknown = |held: &Held| if let NotYet::UnknownBlock(hash) = held.reason { Some(hash) } else { None };
        self.held.values().filter_map(unknown).collect()
    }
}
