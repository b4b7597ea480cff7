//! The best chain: which shares are on it, what they merged, and how it moves from one tip to another.

use crate::dag::{Dag, ShareIndex};

/// How far the best chain moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TipMove {
    /// Best-chain shares that are no longer on it.
    pub(crate) left: u64,
}

impl Dag {
    /// The best share; the virtual genesis while there is none.
    #[expect(clippy::expect_used, reason = "the chain begins with its root, and pruning leaves one share at least")]
    pub(crate) fn tip(&self) -> ShareIndex {
        *self.selected.back().expect("the best chain has a root")
    }

    /// Height of the best share, 0 while there is none.
    pub(super) fn tip_height(&self) -> u64 {
        self.selected.back().and_then(|tip| self.get(*tip)).map_or(0, |node| node.height)
    }

    /// The oldest share of the best chain that is kept.
    pub(crate) fn root(&self) -> ShareIndex {
        self.selected.front().copied().unwrap_or_else(|| self.tip())
    }

    /// The best chain's share at `height`.
    pub(crate) fn selected_at(&self, height: u64) -> Option<ShareIndex> {
        let offset = height.checked_sub(self.root_height)?;
        self.selected.get(usize::try_from(offset).ok()?).copied()
    }

    /// Whether the share is on the best chain.
    pub(crate) fn is_selected(&self, index: ShareIndex) -> bool {
        self.get(index).is_some_and(|node| self.selected_at(node.height) == Some(index))
    }

    /// The best chain's share that names this one as an uncle.
    pub(crate) fn merger(&self, index: ShareIndex) -> Option<ShareIndex> {
        self.selected_at(self.get(index)?.links.merged_at?).filter(|merger| *merger != index)
    }

    /// The best chain's share with the fewest shares in its past, but at least `count`.
    pub(crate) fn selected_from_count(&self, count: u64) -> Option<ShareIndex> {
        let offset = self.selected.partition_point(|index| self.get(*index).is_some_and(|node| node.count < count));
        self.selected.get(offset).copied()
    }

    /// Puts the first share of all on the best chain.
    pub(super) fn begin_at(&mut self, root: ShareIndex) {
        self.selected.push_back(root);
        self.mark(root, true);
    }

    /// Makes `index` the best tip. `None`, and nothing moves, when its branch left below what is kept.
    pub(crate) fn select(&mut self, index: ShareIndex) -> Option<TipMove> {
        let fork_height = self.node(self.fork_point(index)?).height;
        let mut left = 0_u64;
        while self.tip_height() > fork_height {
            if let Some(leaving) = self.selected.pop_back() {
                self.mark(leaving, false);
                left = left.saturating_add(1);
            }
        }
        let mut joining = Vec::new();
        let mut next = Some(index);
        while let Some(at) = next
            && self.node(at).height > fork_height
        {
            joining.push(at);
            next = self.parent(at);
        }
        for share in joining.into_iter().rev() {
            self.selected.push_back(share);
            self.mark(share, true);
        }
        Some(TipMove { left })
    }

    /// Records that the best chain merges, or no longer merges, a share and its uncles.
    fn mark(&mut self, index: ShareIndex, is_merged: bool) {
        let node = self.node(index);
        let merged_at = is_merged.then_some(node.height);
        let members: Vec<ShareIndex> = std::iter::once(index).chain(node.uncles.iter().copied()).collect();
        for member in members {
            let Some(node) = self.get_mut(member) else { continue };
            node.links.merged_at = merged_at;
            let order = node.merge_order();
            if is_merged {
                self.unmerged.remove(&order);
            } else {
                self.unmerged.insert(order, member);
            }
        }
    }
}
