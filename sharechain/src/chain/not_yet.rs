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
    chain::{Origin, UnixTime},
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
    /// It gives its block another height or target than the own daemon, or more value than there is.
    #[error("the own daemon contradicts its height, target or value")]
    WrongClaims,
    /// The own daemon refused a block that was made of the same template.
    #[error("the own daemon refuses its block")]
    RefusedTemplate,
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
    /// Those that wait for their time, by when it comes.
    due: BTreeSet<(UnixTime, MergeOrder)>,
    /// Whether a share was let go since the last look at those that wait for it.
    has_let_go: bool,
}

#[derive(Debug)]
struct Held {
    index: ShareIndex,
    share: Arc<CheckedShare>,
    reason: NotYet,
    origin: Origin,
    /// Whether it was announced because its branch is, or was, followed.
    is_announced: bool,
}

/// What has become known: a reason to look again at the shares that waited for it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Told {
    /// What time it is.
    Time(UnixTime),
    /// What the daemon says of a block.
    Block(BlockHash),
}

impl Held {
    /// Whether the reason may be gone; `others_went` says whether an ancestor may have been released just now. Most held
    /// shares wait for something else, and there may be thousands.
    fn may_go(&self, told: Told, others_went: bool) -> bool {
        match (self.reason, told) {
            (NotYet::FutureTime { until }, Told::Time(now)) => until <= now,
            (NotYet::UnknownBlock(block), Told::Block(told)) => block == told,
            (NotYet::WrongClaims, Told::Block(told)) => self.share.share().header.prev_block == told,
            (NotYet::Ancestor, _) => others_went,
            // What it mines on does not become newer.
            _ => false,
        }
    }
}

/// When it is time to look again, for a share from the future.
const fn due(reason: &NotYet) -> Option<UnixTime> {
    if let NotYet::FutureTime { until } = reason { Some(*until) } else { None }
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

    /// Holds a share back.
    pub(super) fn hold(
        &mut self,
        dag: &Dag,
        index: ShareIndex,
        share: Arc<CheckedShare>,
        origin: Origin,
        reason: NotYet,
    ) {
        let order = dag.node(index).merge_order();
        self.due.extend(due(&reason).map(|until| (until, order)));
        self.held.insert(order, Held { index, share, reason, origin, is_announced: false });
    }

    fn take(&mut self, order: &MergeOrder) -> Option<Held> {
        let held = self.held.remove(order)?;
        if let Some(until) = due(&held.reason) {
            self.due.remove(&(until, *order));
        }
        Some(held)
    }

    /// What there is no room for any more: the lightest share with all that builds on it, descendants first. The lightest
    /// of a branch that is followed is merely not held any more: it has been part of the best chain for long.
    pub(super) fn surplus(&mut self, dag: &Dag) -> Vec<ShareIndex> {
        let lightest = self.held.first_key_value().filter(|_| self.held.len() > NOT_YET_MAX);
        let Some((order, lightest)) = lightest.map(|(order, held)| (*order, held.index)) else { return Vec::new() };
        if dag.is_in(&dag.past(dag.tip()), lightest) {
            self.take(&order);
            self.has_let_go = true;
            return Vec::new();
        }
        // Handles ascend as shares are linked, so descendants are last.
        let mut gone = BTreeSet::from([lightest]);
        for held in self.held.values() {
            if dag.parents_of(held.index).any(|ancestor| gone.contains(&ancestor)) {
                gone.insert(held.index);
            }
        }
        gone.into_iter().rev().collect()
    }

    /// Whether a held share was announced all the same.
    pub(super) fn is_announced(&self, dag: &Dag, index: ShareIndex) -> bool {
        let order = dag.get(index).map(Node::merge_order);
        order.and_then(|order| self.held.get(&order)).is_some_and(|held| held.is_announced)
    }

    /// The share and its held ancestors, as far as they are announced for the first time; ancestors first.
    pub(super) fn announce(&mut self, dag: &Dag, index: ShareIndex) -> Vec<Arc<CheckedShare>> {
        let (mut unannounced, mut open) = (BTreeSet::new(), vec![index]);
        while let Some(index) = open.pop() {
            let Some(order) = dag.get(index).map(Node::merge_order) else { continue };
            let is_new = self.held.get(&order).is_some_and(|held| !held.is_announced);
            if is_new && unannounced.insert(order) {
                open.extend(dag.parents_of(index));
            }
        }
        let mut announced = Vec::with_capacity(unannounced.len());
        for order in unannounced {
            self.held.entry(order).and_modify(|held| {
                held.is_announced = true;
                announced.push(held.share.clone());
            });
        }
        announced
    }

    /// All held shares that are announced for the first time, ancestors first.
    pub(super) fn announce_all(&mut self) -> Vec<Arc<CheckedShare>> {
        let unannounced = self.held.values_mut().filter(|held| !held.is_announced);
        unannounced
            .map(|held| {
                held.is_announced = true;
                held.share.clone()
            })
            .collect()
    }

    /// Drops a share that is forgotten.
    pub(super) fn remove(&mut self, dag: &Dag, index: ShareIndex) {
        let order = dag.get(index).map(Node::merge_order);
        order.and_then(|order| self.take(&order));
    }

    /// Drops those that were forgotten.
    pub(super) fn retain_linked(&mut self, dag: &Dag) {
        let gone = self.held.iter().filter(|(_, held)| dag.get(held.index).is_none());
        for order in gone.map(|(order, _)| *order).collect::<Vec<_>>() {
            self.take(&order);
            self.has_let_go = true;
        }
    }

    /// Takes out those for which `judge` finds nothing of their own any more and whose ancestors are not held, ancestors
    /// first; with the share where it was not announced before. `told` is what is new since the last time.
    pub(super) fn release(
        &mut self,
        dag: &Dag,
        told: Told,
        mut judge: impl FnMut(ShareIndex, &CheckedShare) -> Option<NotYet>,
    ) -> Vec<(ShareIndex, Option<Arc<CheckedShare>>)> {
        let mut released = Vec::new();
        let has_let_go = std::mem::take(&mut self.has_let_go);
        for order in self.held.keys().copied().collect::<Vec<_>>() {
            let others_went = has_let_go || !released.is_empty();
            let Some(held) = self.held.get(&order).filter(|held| held.may_go(told, others_went)) else { continue };
            let own = if held.origin == Origin::Live { judge(held.index, &held.share) } else { None };
            let reason = own.or_else(|| self.has_ancestor(dag, held.index).then_some(NotYet::Ancestor));
            let Some(held) = self.take(&order) else { continue };
            match reason {
                Some(reason) => {
                    self.due.extend(due(&reason).map(|until| (until, order)));
                    self.held.insert(order, Held { reason, ..held });
                }
                None => released.push((held.index, (!held.is_announced).then_some(held.share))),
            }
        }
        released
    }

    /// Why the first held share in the past of `tip`, itself included, is held.
    pub(super) fn first_reason(&self, dag: &Dag, tip: ShareIndex) -> Option<NotYet> {
        let past = dag.past(tip);
        self.held.values().find(|held| dag.is_in(&past, held.index)).map(|held| held.reason)
    }

    /// When the next share's time has come.
    pub(super) fn next_due(&self) -> Option<UnixTime> {
        self.due.first().map(|(until, _)| *until)
    }

    /// Blocks that the own daemon did not have when it was asked, for asking again.
    pub(super) fn unknown_blocks(&self) -> BTreeSet<BlockHash> {
        let unknown = |held: &Held| if let NotYet::UnknownBlock(hash) = held.reason { Some(hash) } else { None };
        self.held.values().filter_map(unknown).collect()
    }
}
