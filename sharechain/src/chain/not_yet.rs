//! Valid shares that are not helped along yet: from the future, or at odds with the own daemon about the parent chain.
//!
//! They are linked, so whatever is built on them is checked in full, but they are neither announced, built on nor merged,
//! and what builds on them waits with them. Each is released when its reason is gone. Until then it is held back, or it is
//! followed because most of the work is on it: see [`super::following`].

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    chain::UnixTime,
    dag::{Dag, ShareIndex, Standing},
    fork_choice::MergeOrder,
    hash::BlockHash,
    target::Work,
    validate::CheckedShare,
};

/// Shares that wait. Bounds what hostile miners can make us remember, at the price of a proof of work each; the lightest go
/// first, with all that builds on them, so a heavy branch always shows itself.
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

/// The shares whose reason is not gone, ascending in canonical order: ancestors first.
#[derive(Debug, Default)]
pub(super) struct NotYetSet {
    waiting: BTreeMap<MergeOrder, Waiting>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) index: ShareIndex,
    pub(super) share: Arc<CheckedShare>,
    reason: NotYet,
    /// Height of the best tip when it was followed, if it is by itself.
    pub(super) followed_at: Option<u64>,
    /// Whether it was announced because it was followed.
    is_announced: bool,
}

impl NotYetSet {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether a share was announced all the same.
    pub(super) fn is_announced(&self, dag: &Dag, index: ShareIndex) -> bool {
        self.get(dag, index).is_some_and(|waiting| waiting.is_announced)
    }

    fn get(&self, dag: &Dag, index: ShareIndex) -> Option<&Waiting> {
        self.waiting.get(&dag.get(index)?.merge_order())
    }

    /// Takes a share in, and says in the DAG how it stands. `own` is what speaks against the share by itself.
    pub(super) fn take(&mut self, dag: &mut Dag, index: ShareIndex, share: Arc<CheckedShare>, own: Option<NotYet>) {
        let waiting =
            Waiting { index, share, reason: own.unwrap_or(NotYet::Ancestor), followed_at: None, is_announced: false };
        self.waiting.insert(dag.node(index).merge_order(), waiting);
        dag.stand(index, own.map_or(Standing::Open, |_| Standing::HeldBack));
    }

    /// Those for which there is no room any more, descendants first. One that is followed is let pass instead: it has been
    /// part of the best chain for long.
    pub(super) fn overflow(&mut self, dag: &mut Dag) -> Vec<ShareIndex> {
        if self.waiting.len() <= NOT_YET_MAX {
            return Vec::new();
        }
        let Some((_, lightest)) = self.waiting.pop_first() else { return Vec::new() };
        if dag.node(lightest.index).standing == Standing::Followed {
            dag.stand(lightest.index, Standing::Open);
            return Vec::new();
        }
        let mut gone = BTreeSet::from([lightest.index]);
        for waiting in self.waiting.values() {
            if dag.parents_of(waiting.index).any(|ancestor| gone.contains(&ancestor)) {
                gone.insert(waiting.index);
            }
        }
        gone.into_iter().rev().collect()
    }

    /// Takes a share out, when it is forgotten.
    pub(super) fn remove(&mut self, dag: &Dag, index: ShareIndex) {
        if let Some(node) = dag.get(index) {
            self.waiting.remove(&node.merge_order());
        }
    }

    /// Drops those that were forgotten.
    pub(super) fn retain_linked(&mut self, dag: &Dag) {
        self.waiting.retain(|_, waiting| dag.get(waiting.index).is_some());
    }

    /// Follows what is held back of the past of `tip`, itself included. Gives why the first of it was held back, and those to
    /// be announced, ancestors first.
    pub(super) fn follow(&mut self, dag: &mut Dag, tip: ShareIndex) -> (Option<NotYet>, Vec<Arc<CheckedShare>>) {
        let past = dag.past(tip);
        let (mut reason, mut unannounced) = (None, Vec::new());
        for waiting in self.waiting.values_mut() {
            if dag.is_held_back(waiting.index) && dag.is_in(&past, waiting.index) {
                reason = reason.or(Some(waiting.reason));
                unannounced.extend(waiting.announce());
                waiting.followed_at = Some(dag.node(tip).height);
                dag.stand(waiting.index, Standing::Followed);
            }
        }
        (reason, unannounced)
    }

    /// Nothing is followed any more.
    pub(super) fn unfollow(&mut self, dag: &mut Dag) {
        for waiting in self.waiting.values_mut() {
            waiting.followed_at = None;
            dag.stand(waiting.index, Standing::HeldBack);
        }
    }

    /// The share, when it is announced for the first time.
    pub(super) fn announce(&mut self, dag: &Dag, index: ShareIndex) -> Option<Arc<CheckedShare>> {
        self.waiting.get_mut(&dag.get(index)?.merge_order())?.announce()
    }

    /// Asks for each share, ancestors first, what speaks against it by itself; those against which, and against whose
    /// ancestors, nothing does wait no longer. Gives all that are not held back any more, with the share where it was not
    /// announced before.
    pub(super) fn judge_again(
        &mut self,
        dag: &mut Dag,
        mut own_reason: impl FnMut(&mut Dag, &Waiting) -> Option<NotYet>,
    ) -> Vec<(ShareIndex, Option<Arc<CheckedShare>>)> {
        let mut released = Vec::new();
        self.waiting.retain(|_, waiting| {
            let own = own_reason(dag, waiting);
            waiting.reason = own.unwrap_or(NotYet::Ancestor);
            let before = dag.node(waiting.index).standing;
            let standing = dag.stand(waiting.index, own.map_or(Standing::Open, |_| before));
            if standing < before {
                released.push((waiting.index, waiting.announce()));
            }
            standing != Standing::Open
        });
        released
    }

    /// Whether the held-back work in the past of `tip`, itself included, exceeds by so much what was mined beside it; `total`
    /// is the work of the best share beside it.
    pub(super) fn leads_by(&self, dag: &Dag, tip: ShareIndex, lead: Work, total: Work) -> bool {
        // Mostly it would not even if all that is held back were one branch.
        let past = dag.past(tip);
        self.lead(dag, total, |index| dag.is_held_back(index)) >= lead
            && self.lead(dag, total, |index| dag.is_held_back(index) && dag.is_in(&past, index)) >= lead
    }

    /// By how much what is followed exceeds what was mined beside it.
    pub(super) fn lead_of_followed(&self, dag: &Dag, total: Work) -> Work {
        self.lead(dag, total, |index| dag.node(index).standing == Standing::Followed)
    }

    /// The greatest difference since any moment between the work of these shares, which stand alike, and the work beside them.
    ///
    /// A share was mined after everything in its past, so what it has of the other work is a clock that nobody can set: what
    /// was hoarded for an hour is an hour old, whenever it is shown.
    fn lead(&self, dag: &Dag, total: Work, is_one: impl Fn(ShareIndex) -> bool) -> Work {
        let (mut work, mut since, mut lead) = (Work::ZERO, Work::MAX, Work::ZERO);
        for index in self.waiting.values().rev().map(|waiting| waiting.index).filter(|index| is_one(*index)) {
            let node = dag.node(index);
            work = work.saturating_add(node.work);
            since = since.min(node.total_work.saturating_sub(node.standing_work));
            lead = lead.max(work.saturating_sub(total.saturating_sub(since)));
        }
        lead
    }

    /// When the next share's time has come.
    pub(super) fn next_due(&self) -> Option<UnixTime> {
        let due =
            |waiting: &Waiting| if let NotYet::FutureTime { until } = waiting.reason { Some(until) } else { None };
        self.waiting.values().filter_map(due).min()
    }

    /// Blocks that the own daemon did not have when it was asked, for asking again.
    pub(super) fn unknown_blocks(&self) -> BTreeSet<BlockHash> {
        let unknown =
            |waiting: &Waiting| if let NotYet::UnknownBlock(hash) = waiting.reason { Some(hash) } else { None };
        self.waiting.values().filter_map(unknown).collect()
    }
}

impl Waiting {
    /// What spoke against the share by itself when it was judged last.
    pub(super) fn own_reason(&self) -> Option<NotYet> {
        (self.reason != NotYet::Ancestor).then_some(self.reason)
    }

    fn announce(&mut self) -> Option<Arc<CheckedShare>> {
        (!std::mem::replace(&mut self.is_announced, true)).then(|| self.share.clone())
    }
}
