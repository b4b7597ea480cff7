//! The DAG of linked shares: the selected chain, what it has merged, and what still waits to be merged.
//!
//! Every share in it is valid in its own context. Membership in a share's past is answered by where the best chain
//! merged a share plus a short overlay for the branch in question, never by walking the past.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    difficulty::Progress,
    fork_choice::{ForkRank, MergeOrder},
    hash::ShareId,
    params::Params,
    script::PayoutScript,
    target::{Target, Work},
};

/// Times of which the median is taken: the share itself and its newest selected ancestors.
const MEDIAN_TIME_SPAN: usize = 11;

/// Handle of a linked share. Only [`Dag::insert`] makes them, and shares are never removed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct ShareIndex(usize);

/// What consensus remembers of a share.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) id: ShareId,
    pub(crate) parent: ShareIndex,
    /// In canonical order.
    pub(crate) uncles: Box<[ShareIndex]>,
    pub(crate) height: u64,
    pub(crate) count: u64,
    pub(crate) total_work: Work,
    pub(crate) work: Work,
    pub(crate) base_target: Target,
    pub(crate) time: u32,
    /// Median time past including the share itself.
    pub(crate) median_time: u32,
    pub(crate) script: PayoutScript,
    /// The newest of the share and its selected ancestors whose height begins a payout epoch.
    pub(crate) epoch: ShareIndex,
    /// Height of the best-chain share that is this one or names it as an uncle.
    pub(crate) merged_at: Option<u64>,
}

impl Node {
    pub(crate) fn rank(&self) -> ForkRank {
        ForkRank::new(self.total_work, self.id)
    }

    pub(crate) fn merge_order(&self) -> MergeOrder {
        MergeOrder::new(self.total_work, self.id)
    }

    pub(crate) fn progress(&self) -> Progress {
        Progress { count: self.count, median_time: self.median_time }
    }
}

/// How far the best chain moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TipMove {
    /// Best-chain shares that are no longer on it.
    pub(crate) left: u64,
}

/// All linked shares.
#[derive(Debug)]
pub(crate) struct Dag {
    nodes: Vec<Node>,
    by_id: BTreeMap<ShareId, ShareIndex>,
    /// The best chain by height, the virtual genesis first.
    selected: Vec<ShareIndex>,
    /// Linked shares outside the best tip's past.
    unmerged: BTreeMap<MergeOrder, ShareIndex>,
}

/// The past of one share, ready to be asked for membership.
#[derive(Debug)]
pub(crate) struct Past {
    /// Where it joins the best chain; `None` when that is deeper than anybody asks.
    fork_height: Option<u64>,
    above_fork: BTreeSet<ShareIndex>,
}

impl Dag {
    pub(crate) fn new(params: &Params) -> Self {
        let genesis = ShareIndex(0);
        let node = Node {
            id: params.genesis_id(),
            parent: genesis,
            uncles: Box::default(),
            height: 0,
            count: 0,
            total_work: Work::ZERO,
            work: Work::ZERO,
            base_target: params.base_target_max(),
            time: params.raw().genesis_time,
            median_time: params.raw().genesis_time,
            script: PayoutScript::p2wpkh(&[0; 20]),
            epoch: genesis,
            merged_at: Some(0),
        };
        Self {
            by_id: BTreeMap::from([(node.id, genesis)]),
            nodes: vec![node],
            selected: vec![genesis],
            unmerged: BTreeMap::new(),
        }
    }

    #[expect(clippy::indexing_slicing, reason = "an index is made by insert and nodes are never removed")]
    pub(crate) fn node(&self, index: ShareIndex) -> &Node {
        &self.nodes[index.0]
    }

    #[expect(clippy::indexing_slicing, reason = "an index is made by insert and nodes are never removed")]
    fn node_mut(&mut self, index: ShareIndex) -> &mut Node {
        &mut self.nodes[index.0]
    }

    pub(crate) fn find(&self, id: &ShareId) -> Option<ShareIndex> {
        self.by_id.get(id).copied()
    }

    /// The best share; the virtual genesis while there is none.
    pub(crate) fn tip(&self) -> ShareIndex {
        self.selected.last().copied().unwrap_or(ShareIndex(0))
    }

    /// The best chain's share at `height`.
    pub(crate) fn selected_at(&self, height: u64) -> Option<ShareIndex> {
        self.selected.get(usize::try_from(height).ok()?).copied()
    }

    /// Linked shares, the virtual genesis not counted.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len().saturating_sub(1)
    }

    /// Shares outside the best tip's past that have more than `work` in their own, in canonical order.
    pub(crate) fn unmerged_above(&self, work: Work) -> impl Iterator<Item = ShareIndex> + '_ {
        self.unmerged.range(MergeOrder::after_work(work)..).map(|(_, index)| *index)
    }

    pub(crate) fn is_selected(&self, index: ShareIndex) -> bool {
        self.selected_at(self.node(index).height) == Some(index)
    }

    /// The newest selected ancestor of `index`, or itself, that is on the best chain.
    fn fork_point(&self, index: ShareIndex) -> ShareIndex {
        let mut at = index;
        while !self.is_selected(at) {
            at = self.node(at).parent;
        }
        at
    }

    /// Where the selected chains of `a` and `b` meet, if that is not below `height_min`.
    ///
    /// Costs at most as many steps as the two branches have heights above `height_min`.
    pub(crate) fn meeting_above(&self, a: ShareIndex, b: ShareIndex, height_min: u64) -> Option<ShareIndex> {
        let (mut a, mut b) = (a, b);
        loop {
            let (height_a, height_b) = (self.node(a).height, self.node(b).height);
            if height_a.min(height_b) < height_min {
                return None;
            }
            if a == b {
                return Some(a);
            }
            if self.is_selected(a) && self.is_selected(b) {
                return Some(if height_a < height_b { a } else { b });
            }
            // A selected share has only selected ancestors: the other one has to come down to the best chain.
            if self.is_selected(a) || (height_b > height_a && !self.is_selected(b)) {
                b = self.node(b).parent;
            } else {
                a = self.node(a).parent;
            }
        }
    }

    /// The past of `index`, itself included, as far as uncles need it: down to `height_min` off the best chain.
    ///
    /// That is enough for an uncle u whose branch left the selected chain of `index` at F, not below `height_min`. Had
    /// something of past(F) been missing below u it would be an ancestor of F and so of u's selected ancestors, which
    /// cannot merge it again; so all that u needs was merged above F. Without the bound a long side branch would cost
    /// each of its shares a walk of its whole length.
    pub(crate) fn past(&self, index: ShareIndex, height_min: u64) -> Past {
        let mut above_fork = BTreeSet::new();
        let mut at = index;
        while !self.is_selected(at) && self.node(at).height >= height_min {
            let node = self.node(at);
            above_fork.insert(at);
            above_fork.extend(node.uncles.iter().copied());
            at = node.parent;
        }
        let fork_height = if self.is_selected(at) { Some(self.node(at).height) } else { None };
        Past { fork_height, above_fork }
    }

    pub(crate) fn is_in(&self, past: &Past, index: ShareIndex) -> bool {
        let below_fork = self.node(index).merged_at.zip(past.fork_height).is_some_and(|(merged, fork)| merged <= fork);
        below_fork || past.above_fork.contains(&index)
    }

    /// The payout share of a share at `height` on top of `parent`: the newest selected ancestor that begins an epoch and
    /// lies at least `merge_depth + 1` below. Every share that can still be merged has it as an ancestor too, so all
    /// of them pay by one window and there is nothing to choose (attacks C4 and F1).
    pub(crate) fn payout_share(&self, params: &Params, parent: ShareIndex, height: u64) -> ShareIndex {
        let Some(height_max) = height.checked_sub(1).and_then(|below| below.checked_sub(params.merge_depth())) else {
            return ShareIndex(0);
        };
        let mut at = self.node(parent).epoch;
        while self.node(at).height > height_max {
            at = self.node(self.node(at).parent).epoch;
        }
        at
    }

    /// The canonical order of a past backwards: each share, its uncles from the last to the first, then its parent.
    pub(crate) fn newest_first(&self, from: ShareIndex) -> impl Iterator<Item = &Node> + '_ {
        let mut next = Some(from);
        std::iter::from_fn(move || {
            let node = self.node(next?);
            next = (node.height > 1).then_some(node.parent);
            Some(node)
        })
        .filter(|node| node.height > 0)
        .flat_map(|node| std::iter::once(node).chain(node.uncles.iter().rev().map(|uncle| self.node(*uncle))))
    }

    /// Median of `time` and the newest 10 times on the selected chain from `parent` down, the virtual genesis included;
    /// of an even number the lower middle.
    pub(crate) fn median_with(&self, time: Option<u32>, parent: ShareIndex) -> u32 {
        let mut times = Vec::with_capacity(MEDIAN_TIME_SPAN);
        times.extend(time);
        let mut at = Some(parent);
        while let (Some(index), true) = (at, times.len() < MEDIAN_TIME_SPAN) {
            let node = self.node(index);
            times.push(node.time);
            at = (node.height > 0).then_some(node.parent);
        }
        times.sort_unstable();
        let middle = times.len().saturating_sub(1) >> 1;
        times.get(middle).copied().unwrap_or_default()
    }

    /// Adds a linked share; reports how the best chain moved, if it did.
    ///
    /// `node.epoch` of a share that begins an epoch is the share itself, whatever the caller put there.
    pub(crate) fn insert(&mut self, mut node: Node, begins_epoch: bool) -> Option<TipMove> {
        let index = ShareIndex(self.nodes.len());
        if begins_epoch {
            node.epoch = index;
        }
        let better = node.rank() > self.node(self.tip()).rank();
        self.by_id.insert(node.id, index);
        self.unmerged.insert(node.merge_order(), index);
        self.nodes.push(node);
        better.then(|| self.select(index))
    }

    /// Makes `index` the best tip.
    fn select(&mut self, index: ShareIndex) -> TipMove {
        let fork_height = self.node(self.fork_point(index)).height;
        let mut left = 0_u64;
        while self.node(self.tip()).height > fork_height {
            if let Some(leaving) = self.selected.pop() {
                self.mark(leaving, None);
                left = left.saturating_add(1);
            }
        }
        let mut joining = Vec::new();
        let mut at = index;
        while self.node(at).height > fork_height {
            joining.push(at);
            at = self.node(at).parent;
        }
        for share in joining.into_iter().rev() {
            self.selected.push(share);
            self.mark(share, Some(self.node(share).height));
        }
        TipMove { left }
    }

    /// Records that the best chain merges, or no longer merges, a share and its uncles.
    fn mark(&mut self, index: ShareIndex, merged_at: Option<u64>) {
        let members: Vec<ShareIndex> = std::iter::once(index).chain(self.node(index).uncles.iter().copied()).collect();
        for member in members {
            self.node_mut(member).merged_at = merged_at;
            let order = self.node(member).merge_order();
            if merged_at.is_some() {
                self.unmerged.remove(&order);
            } else {
                self.unmerged.insert(order, member);
            }
        }
    }
}
