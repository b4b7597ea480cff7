//! How the own clock and daemon see a share, and what is built on it. Policy, never validity.

use crate::dag::{Dag, ShareIndex};

/// What the node does with a share. A share stands no better than any of its ancestors.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) enum Standing {
    /// It is announced, built on and merged.
    #[default]
    Open,
    /// So it is, although clock or daemon speak against it or an ancestor, because most of the work is on it.
    Followed,
    /// It is not.
    HeldBack,
}

impl Dag {
    /// Lets a share stand as `own` or as the worst of its ancestors, which are told before it. Gives how.
    pub(crate) fn stand(&mut self, index: ShareIndex, own: Standing) -> Standing {
        let standing = self.ancestors_of(index).map(|node| node.standing).fold(own, Standing::max);
        let below = self.parent(index).map(|parent| self.node(parent)).filter(|node| node.standing == standing);
        let parent = below.map(|node| node.standing_work);
        let uncles = self.node(index).uncles.iter().filter_map(|uncle| self.get(*uncle));
        let merged = uncles.filter(|node| node.standing == standing).map(|node| node.work);
        let work = parent.into_iter().chain(merged).fold(self.node(index).work, |sum, work| sum.saturating_add(work));
        if let Some(node) = self.get_mut(index) {
            node.standing = standing;
            node.standing_work = work;
        }
        standing
    }

    /// Whether a share is linked but must not be built on.
    pub(crate) fn is_held_back(&self, index: ShareIndex) -> bool {
        self.get(index).is_some_and(|node| node.standing == Standing::HeldBack)
    }

    /// The own daemon has the block that a share mines on, at this height; its ancestors are told first.
    pub(crate) fn learn_block(&mut self, index: ShareIndex, height: u32) {
        let newest_below = self.newest_block_below(index);
        if let Some(node) = self.get_mut(index) {
            node.own_block = node.own_block.max(height);
            node.newest_block = node.own_block.max(newest_below);
        }
    }

    /// Height of the newest parent block that the share's ancestors mine on.
    pub(crate) fn newest_block_below(&self, index: ShareIndex) -> u32 {
        self.ancestors_of(index).map(|node| node.newest_block).max().unwrap_or_default()
    }
}
