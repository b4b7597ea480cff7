//! Who descends from whom: ancestors, fork points and membership in a past, each in a logarithm of the distance.
//!
//! Every share carries, beside its parent, one jump to an ancestor further back, as in Myers' random-access stack ("An
//! applicative random-access stack", 1983): the distance doubles when the two jumps before it are equally long. From any
//! share any selected ancestor is reached in a logarithm of steps, and nothing has to be undone when the chain moves.

use crate::{
    dag::{Dag, Node, ShareIndex},
    params::Params,
};

/// Times of which the median is taken: the share itself and its newest selected ancestors.
const MEDIAN_TIME_SPAN: usize = 11;

/// The past of one share, the share included, ready to be asked for membership.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Past {
    of: ShareIndex,
    /// Where it joins the best chain; `None` when that was forgotten.
    fork_height: Option<u64>,
}

impl Dag {
    /// The share's parent, unless it is below what is kept.
    pub(crate) fn parent(&self, index: ShareIndex) -> Option<ShareIndex> {
        let parent = self.get(index)?.parent;
        (parent != index && self.is_kept(parent)).then_some(parent)
    }

    /// Whether the share is not below the first one of the best chain. What was linked before something that stays lingers
    /// for a while, but not all of its past does.
    fn is_kept(&self, index: ShareIndex) -> bool {
        self.get(index).is_some_and(|node| node.height >= self.root_height)
    }

    /// Whether the share may be in the past of the first one of the best chain. Heights do not say: a share of much work may merge
    /// a branch that is higher than itself.
    pub(crate) fn may_be_below(&self, index: ShareIndex) -> bool {
        self.get(index).is_some_and(|node| node.total_work < self.node(self.root()).total_work)
    }

    /// The parent and the uncles of a share, as far as they are kept.
    pub(crate) fn parents_of(&self, index: ShareIndex) -> impl Iterator<Item = ShareIndex> + '_ {
        let node = self.node(index);
        self.parent(index).into_iter().chain(node.uncles.iter().copied().filter(|uncle| self.get(*uncle).is_some()))
    }

    /// What they are.
    pub(crate) fn ancestors_of(&self, index: ShareIndex) -> impl Iterator<Item = &Node> + '_ {
        self.parents_of(index).map(|ancestor| self.node(ancestor))
    }

    /// The jump of a child of `parent`.
    pub(super) fn jump_over(&self, parent: ShareIndex) -> ShareIndex {
        let jump_of = |index: ShareIndex| self.get(index).and_then(|node| node.links.jump);
        let height_of = |index: ShareIndex| self.get(index).map(|node| node.height);
        let doubled = || {
            let near = jump_of(parent)?;
            let far = jump_of(near)?;
            let first = height_of(parent)?.checked_sub(height_of(near)?)?;
            let second = height_of(near)?.checked_sub(height_of(far)?)?;
            (first == second).then_some(far)
        };
        doubled().unwrap_or(parent)
    }

    /// The newest of `from` and its selected ancestors that `is_reached`, which must hold for every share below one for
    /// which it holds. `None` when it lies below what is kept.
    pub(crate) fn descend(&self, from: ShareIndex, is_reached: impl Fn(&Node) -> bool) -> Option<ShareIndex> {
        let mut at = from;
        loop {
            let node = self.get(at)?;
            if is_reached(node) {
                return self.is_kept(at).then_some(at);
            }
            let jump = node.links.jump.filter(|jump| self.is_kept(*jump) && !is_reached(self.node(*jump)));
            at = match jump {
                Some(jump) => jump,
                None => self.parent(at)?,
            };
        }
    }

    /// The oldest of `from` and its selected ancestors for which `holds`, as it must for `from` and then for every share
    /// above one for which it does; the oldest that is kept when it holds for all.
    pub(crate) fn oldest_while(&self, from: ShareIndex, holds: impl Fn(&Node) -> bool) -> ShareIndex {
        let mut at = from;
        loop {
            let jump = self.get(at).and_then(|node| node.links.jump);
            let older = [jump, self.parent(at)].into_iter().flatten();
            match older.into_iter().find(|older| self.is_kept(*older) && holds(self.node(*older))) {
                Some(older) => at = older,
                None => return at,
            }
        }
    }

    /// The selected ancestor of `from` at `height`, or `from` itself.
    pub(crate) fn ancestor_at(&self, from: ShareIndex, height: u64) -> Option<ShareIndex> {
        let ancestor = self.descend(from, |node| node.height <= height)?;
        (self.node(ancestor).height == height).then_some(ancestor)
    }

    /// The newest of `index` and its selected ancestors that is on the best chain.
    pub(crate) fn fork_point(&self, index: ShareIndex) -> Option<ShareIndex> {
        self.descend(index, |node| self.selected_at(node.height).is_some_and(|at| self.node(at).id == node.id))
    }

    /// How many heights of the best chain lie above where the branch of `index` leaves it; `None` when that was forgotten.
    pub(crate) fn fork_depth(&self, index: ShareIndex) -> Option<u64> {
        Some(self.tip_height().saturating_sub(self.node(self.fork_point(index)?).height))
    }

    /// Where the selected chains of `a` and `b` meet.
    pub(crate) fn meeting(&self, a: ShareIndex, b: ShareIndex) -> Option<ShareIndex> {
        let (fork_a, fork_b) = (self.fork_point(a)?, self.fork_point(b)?);
        if fork_a != fork_b {
            return Some(if self.node(fork_a).height < self.node(fork_b).height { fork_a } else { fork_b });
        }
        self.descend(a, |node| self.ancestor_at(b, node.height).is_some_and(|at| self.node(at).id == node.id))
    }

    /// The past of `index`, itself included.
    pub(crate) fn past(&self, index: ShareIndex) -> Past {
        let fork_height = self.fork_point(index).map(|fork| self.node(fork).height);
        Past { of: index, fork_height }
    }

    /// Whether `index` is a selected ancestor of the past's share, or merged by one, or the share itself.
    ///
    /// Below the fork the best chain knows where it merged a share. Above it only the few shares that name it count.
    pub(crate) fn is_in(&self, past: &Past, index: ShareIndex) -> bool {
        let Some(node) = self.get(index) else { return false };
        if node.links.merged_at.zip(past.fork_height).is_some_and(|(merged, fork)| merged <= fork) {
            return true;
        }
        let is_on_branch = |at: ShareIndex| {
            let height = self.get(at).map(|node| node.height).filter(|height| Some(*height) > past.fork_height);
            height.is_some_and(|height| self.ancestor_at(past.of, height) == Some(at))
        };
        is_on_branch(index) || node.links.mergers.iter().copied().any(is_on_branch)
    }

    /// The payout share of a share at `height` on top of `parent`: the newest selected ancestor that begins an epoch and
    /// lies at least `merge_depth + 1` below. Every share that can still be merged has it as an ancestor too, so all
    /// of them pay by one window and there is nothing to choose (attacks C4 and F1).
    ///
    /// `None` when it lies below what is kept.
    pub(crate) fn payout_share(&self, params: &Params, parent: ShareIndex, height: u64) -> Option<ShareIndex> {
        let below = height.checked_sub(1).and_then(|below| below.checked_sub(params.merge_depth()));
        let height_max = below.unwrap_or_default();
        let epoch_height = height_max.saturating_sub(height_max.checked_rem(params.payout_epoch()).unwrap_or_default());
        self.ancestor_at(parent, epoch_height)
    }

    /// Whether base difficulty and median time of a child of `parent` are known: what they are computed from is kept.
    pub(crate) fn has_context(&self, parent: ShareIndex) -> bool {
        let times = u64::try_from(MEDIAN_TIME_SPAN).unwrap_or(u64::MAX);
        let node = self.node(parent);
        self.root_height == 0
            || node.height >= self.root_height.saturating_add(times)
                && self.is_kept(node.epoch)
                && self.parent(node.epoch).is_some()
    }

    /// Median of `time` and the newest 10 times on the selected chain from `parent` down, the virtual genesis included;
    /// of an even number the lower middle.
    pub(super) fn median_with(&self, time: u32, parent: Option<ShareIndex>) -> u32 {
        let mut times = Vec::with_capacity(MEDIAN_TIME_SPAN);
        times.push(time);
        let mut next = parent;
        while let Some(index) = next
            && times.len() < MEDIAN_TIME_SPAN
        {
            let Some(node) = self.get(index) else { break };
            times.push(node.time);
            next = self.parent(index);
        }
        times.sort_unstable();
        let middle = times.len().saturating_sub(1) >> 1;
        times.get(middle).copied().unwrap_or(time)
    }
}
