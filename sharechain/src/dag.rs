//! The DAG of linked shares: who they are, the selected chain, what it has merged, and what still waits to be merged.
//!
//! Every share in it is valid in its own context, or lies in the context that a start from the middle trusts. Questions
//! about ancestry cost a logarithm of the distance, never a walk of the past: see [`ancestry`] for ancestors and
//! membership, [`selected`] for the best chain and how it moves, [`by_script`] for whose shares they are, [`order`] for the canonical order. The DAG does not
//! choose: which share is selected, and what is forgotten, is decided by its owner.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    difficulty::Progress,
    fork_choice::{ForkRank, MergeOrder},
    hash::{BlockHash, ShareId},
    params::Params,
    script::PayoutScript,
    target::{Target, Work},
};

mod ancestry;
mod by_script;
mod order;
mod selected;

pub(crate) use order::WindowSpan;

/// Handle of a share that is or was linked. Only [`Dag::insert`] makes them; none is ever used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct ShareIndex(u64);

impl ShareIndex {
    /// It grows in the order of linking.
    pub(crate) const fn number(self) -> u64 {
        self.0
    }
}

/// What consensus remembers of a share. Ancestors that were forgotten are named by handles that lead nowhere.
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
    /// Upgrade bits.
    pub(crate) signal: u16,
    /// The newest of the share and its selected ancestors whose height begins a payout epoch.
    pub(crate) epoch: ShareIndex,
    /// The parent-chain block it mines on.
    pub(crate) prev_block: BlockHash,
    /// Height of that block, 0 while the own daemon does not have it. Policy, never validity.
    pub(crate) own_block: u32,
    /// Greatest such height in the share's past, itself included.
    pub(crate) newest_block: u32,
    /// Height of the best tip when the share was linked. Policy, never validity.
    pub(crate) linked_at: u64,
    links: Links,
}

/// What [`Dag`] adds to a node.
#[derive(Clone, Debug, Default)]
struct Links {
    /// A selected ancestor further back; see [`ancestry`].
    jump: Option<ShareIndex>,
    /// Linked shares that name this one as an uncle, ascending.
    mergers: Vec<ShareIndex>,
    /// Height of the best-chain share that is this one or names it as an uncle.
    merged_at: Option<u64>,
}

/// A share that is about to be linked.
#[derive(Clone, Debug)]
pub(crate) struct NewNode {
    pub(crate) id: ShareId,
    /// `None` only at the edge of what a node starts with.
    pub(crate) parent: Option<ShareIndex>,
    /// In canonical order.
    pub(crate) uncles: Vec<ShareIndex>,
    pub(crate) height: u64,
    pub(crate) count: u64,
    pub(crate) total_work: Work,
    pub(crate) work: Work,
    pub(crate) base_target: Target,
    pub(crate) time: u32,
    pub(crate) script: PayoutScript,
    pub(crate) signal: u16,
    pub(crate) prev_block: BlockHash,
    /// See [`Node`].
    pub(crate) own_block: u32,
    /// Whether its height begins a payout epoch.
    pub(crate) begins_epoch: bool,
}

/// All linked shares.
#[derive(Debug)]
pub(crate) struct Dag {
    /// By handle, in the order of linking, which is topological. Forgotten shares leave a gap until everything older is
    /// forgotten too.
    nodes: VecDeque<Option<Box<Node>>>,
    /// Handle of the first slot.
    first: u64,
    len: usize,
    by_id: BTreeMap<ShareId, ShareIndex>,
    /// Linked shares by whom they are credited to, ascending; see [`by_script`].
    by_script: BTreeMap<PayoutScript, VecDeque<ShareIndex>>,
    /// The best chain by height, from the oldest share that is kept.
    selected: VecDeque<ShareIndex>,
    /// Height of the first selected share.
    root_height: u64,
    /// Linked shares outside the best tip's past.
    unmerged: BTreeMap<MergeOrder, ShareIndex>,
    /// Blocks that shares mine on and the own daemon did not have, each with the first such share.
    unknown_blocks: BTreeMap<BlockHash, ShareIndex>,
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

impl Dag {
    /// Only the virtual genesis.
    pub(crate) fn new(params: &Params) -> Self {
        let genesis = NewNode {
            id: params.genesis_id(),
            parent: None,
            uncles: Vec::new(),
            height: 0,
            count: 0,
            total_work: Work::ZERO,
            work: Work::ZERO,
            base_target: params.base_target_max(),
            time: params.raw().genesis_time,
            script: PayoutScript::p2wpkh(&[0; 20]),
            signal: 0,
            prev_block: BlockHash::ZERO,
            own_block: 0,
            begins_epoch: true,
        };
        Self::from_root(genesis)
    }

    /// A share to begin with, whose past is not known.
    pub(crate) fn from_root(root: NewNode) -> Self {
        let mut dag = Self {
            nodes: VecDeque::new(),
            first: 0,
            len: 0,
            by_id: BTreeMap::new(),
            by_script: BTreeMap::new(),
            selected: VecDeque::new(),
            root_height: root.height,
            unmerged: BTreeMap::new(),
            unknown_blocks: BTreeMap::new(),
        };
        let root = dag.insert(root);
        dag.begin_at(root);
        dag
    }

    /// A linked share.
    #[expect(clippy::expect_used, reason = "asked only for shares that are linked; edges of the DAG go through get")]
    pub(crate) fn node(&self, index: ShareIndex) -> &Node {
        self.get(index).expect("the share is linked")
    }

    /// The share, unless it was forgotten.
    pub(crate) fn get(&self, index: ShareIndex) -> Option<&Node> {
        self.nodes.get(self.slot(index)?)?.as_deref()
    }

    fn get_mut(&mut self, index: ShareIndex) -> Option<&mut Node> {
        let slot = self.slot(index)?;
        self.nodes.get_mut(slot)?.as_deref_mut()
    }

    fn slot(&self, index: ShareIndex) -> Option<usize> {
        usize::try_from(index.0.checked_sub(self.first)?).ok()
    }

    pub(crate) fn find(&self, id: &ShareId) -> Option<ShareIndex> {
        self.by_id.get(id).copied()
    }

    /// Ids of all linked shares.
    pub(crate) fn ids(&self) -> impl Iterator<Item = ShareId> + '_ {
        self.by_id.keys().copied()
    }

    /// How many shares are outside the best tip's past.
    pub(crate) fn unmerged_len(&self) -> usize {
        self.unmerged.len()
    }

    /// How many linked shares name this one as an uncle.
    pub(crate) fn mergers_len(&self, index: ShareIndex) -> usize {
        self.get(index).map_or(0, |node| node.links.mergers.len())
    }

    /// Linked shares, the virtual genesis included while it is kept.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Shares outside the best tip's past that have more than `work` in their own, in canonical order.
    pub(crate) fn unmerged_above(&self, work: Work) -> impl DoubleEndedIterator<Item = ShareIndex> + '_ {
        self.unmerged.range(MergeOrder::after_work(work)..).map(|(_, index)| *index)
    }

    /// All shares outside the best tip's past, in canonical order.
    pub(crate) fn unmerged(&self) -> impl DoubleEndedIterator<Item = ShareIndex> + '_ {
        self.unmerged.values().copied()
    }

    /// Adds a share to the unmerged ones. Its parent and uncles are linked before it.
    pub(crate) fn insert(&mut self, new: NewNode) -> ShareIndex {
        let offset = u64::try_from(self.nodes.len()).unwrap_or(u64::MAX);
        let index = ShareIndex(self.first.saturating_add(offset));
        let parent = new.parent.and_then(|parent| self.get(parent));
        let epoch = parent.filter(|_| !new.begins_epoch).map_or(index, |parent| parent.epoch);
        let newest_block = self.newest_block(new.parent, &new.uncles).max(new.own_block);
        let node = Node {
            median_time: self.median_with(new.time, new.parent),
            linked_at: self.tip_height(),
            links: Links { jump: new.parent.map(|parent| self.jump_over(parent)), ..Links::default() },
            id: new.id,
            parent: new.parent.unwrap_or(index),
            uncles: new.uncles.into_boxed_slice(),
            height: new.height,
            count: new.count,
            total_work: new.total_work,
            work: new.work,
            base_target: new.base_target,
            time: new.time,
            script: new.script,
            signal: new.signal,
            epoch,
            prev_block: new.prev_block,
            own_block: new.own_block,
            newest_block,
        };
        for uncle in &node.uncles {
            if let Some(uncle) = self.get_mut(*uncle) {
                uncle.links.mergers.push(index);
            }
        }
        if node.own_block == 0 {
            self.unknown_blocks.entry(node.prev_block).or_insert(index);
        }
        self.by_id.insert(node.id, index);
        if node.height > 0 {
            self.by_script.entry(node.script).or_default().push_back(index);
        }
        self.unmerged.insert(node.merge_order(), index);
        self.nodes.push_back(Some(Box::new(node)));
        self.len = self.len.saturating_add(1);
        index
    }

    /// Height of the newest block that these ancestors or anything in their past mines on.
    fn newest_block(&self, parent: Option<ShareIndex>, uncles: &[ShareIndex]) -> u32 {
        let below = parent.iter().chain(uncles).filter_map(|ancestor| self.get(*ancestor));
        below.map(|ancestor| ancestor.newest_block).max().unwrap_or_default()
    }

    /// The same of what a linked share builds on.
    pub(crate) fn newest_below(&self, node: &Node) -> u32 {
        self.newest_block(Some(node.parent), &node.uncles)
    }

    /// The own daemon has this block: shares on it may have been linked before it was told.
    pub(crate) fn place_block(&mut self, hash: &BlockHash, height: u32) {
        let first = self.unknown_blocks.remove(hash).and_then(|first| self.slot(first)).unwrap_or(self.nodes.len());
        for slot in first..self.nodes.len() {
            let Some(Some(node)) = self.nodes.get(slot) else { continue };
            let own_block = if node.prev_block == *hash { height } else { node.own_block };
            let newest_block = self.newest_below(node).max(own_block);
            if let Some(Some(node)) = self.nodes.get_mut(slot) {
                (node.own_block, node.newest_block) = (own_block, newest_block);
            }
        }
    }

    /// Forgets a share that is not on the best chain. Its descendants go first, or they are left without a past.
    pub(crate) fn remove(&mut self, index: ShareIndex) -> Option<ShareId> {
        let slot = self.slot(index)?;
        let node = self.nodes.get_mut(slot)?.take()?;
        self.len = self.len.saturating_sub(1);
        self.by_id.remove(&node.id);
        self.forget_of_script(&node.script, index);
        self.unmerged.remove(&node.merge_order());
        for uncle in &node.uncles {
            if let Some(uncle) = self.get_mut(*uncle)
                && let Ok(at) = uncle.links.mergers.binary_search(&index)
            {
                uncle.links.mergers.remove(at);
            }
        }
        Some(node.id)
    }

    /// Lets the best chain begin at `height` and forgets what is older: everything merged below it, and what was linked
    /// before anything that stays. Gives the ids of what is gone.
    pub(crate) fn prune_below(&mut self, height: u64) -> Vec<ShareId> {
        while self.root_height < height && self.selected.len() > 1 {
            self.selected.pop_front();
            self.root_height = self.root_height.saturating_add(1);
        }
        let mut forgotten = Vec::new();
        loop {
            let is_old = |node: &Node| node.links.merged_at.unwrap_or(node.height) < self.root_height;
            match self.nodes.front() {
                Some(Some(node)) if is_old(node) => forgotten.extend(self.remove(ShareIndex(self.first))),
                Some(None) => {}
                _ => break,
            }
            self.nodes.pop_front();
            self.first = self.first.saturating_add(1);
        }
        self.unknown_blocks.retain(|_, first| first.0 >= self.first);
        forgotten
    }
}

#[cfg(test)]
mod tests;
