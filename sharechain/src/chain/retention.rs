//! What a node keeps: the last four windows of the best chain and the branches that may still be merged or adopted. So
//! memory stays flat however long the chain lives and whatever is shown to it.

use std::collections::BTreeSet;

use crate::{
    chain::{Effect, ShareChain},
    dag::ShareIndex,
    validate::contextual::Place,
};

/// Windows kept and served, in shares: a window never has more than two windows' shares.
const WINDOWS_KEPT: u64 = 4;
/// But never fewer heights than a deep fork may take to be decided, in merge depths...
const MERGE_DEPTHS_KEPT: u64 = 8;
/// ...and payout epochs.
const EPOCHS_KEPT: u64 = 4;
/// A branch that is not merged is kept while it was added to within so many merge depths of our growth: longer than
/// anything on it could still be merged after a reorganisation.
const BRANCH_MERGE_DEPTHS: u64 = 2;
/// Shares that one share of a deep branch may be an uncle of. Honest ones are merged by a handful at the same time; whether
/// a share is in another's past costs a look at each.
const DEEP_MERGERS_MAX: usize = 256;

impl ShareChain {
    /// Forgets, once per payout epoch, what nothing needs any more.
    pub(super) fn forget_the_old(&mut self) {
        if self.params.is_epoch(self.tip().height) {
            self.forget_dead_branches();
            self.forget_old_windows();
        }
    }

    /// Whether there is room for another share at `place`. Near the best chain there always is: work of today's difficulty
    /// bounds that. On a deep branch shares cost what they cost long ago, or nothing (attack H8), so all such branches together
    /// have no more shares than the best chain keeps.
    pub(super) fn has_room(&self, place: &Place) -> bool {
        let depth = place.parent.and_then(|parent| self.dag.fork_depth(parent));
        let is_deep = depth.unwrap_or_else(|| self.tip().height) > self.params.merge_depth();
        let room = usize::try_from(self.shares_kept()).unwrap_or(usize::MAX);
        let is_crowded = |uncle: &ShareIndex| self.dag.mergers_len(*uncle) >= DEEP_MERGERS_MAX;
        !is_deep || self.dag.unmerged_len() < room && !place.uncles.iter().any(is_crowded)
    }

    /// Lets the best chain begin later when it is longer than what is kept.
    fn forget_old_windows(&mut self) {
        let tip = self.tip();
        let count_min = tip.count.saturating_sub(self.shares_kept());
        let depths = self.params.merge_depth().saturating_mul(MERGE_DEPTHS_KEPT);
        let epochs = self.params.payout_epoch().saturating_mul(EPOCHS_KEPT);
        let height_max = tip.height.saturating_sub(depths).saturating_sub(epochs);
        let by_count = self.dag.selected_from_count(count_min).map_or(0, |share| self.dag.node(share).height);
        let forgotten = self.dag.prune_below(by_count.min(height_max));
        self.not_yet.retain_linked(&self.dag);
        self.effects.extend(forgotten.into_iter().map(Effect::Forgotten));
    }

    fn shares_kept(&self) -> u64 {
        u64::from(self.params.raw().window_shares).saturating_mul(WINDOWS_KEPT)
    }

    /// Drops branches that nothing was added to for long and that are not heavier than ours: children of old shares cost
    /// little and are valid for ever (attack H8).
    fn forget_dead_branches(&mut self) {
        let tip = self.dag.node(self.dag.tip());
        let patience = self.params.merge_depth().saturating_mul(BRANCH_MERGE_DEPTHS);
        let mut kept: BTreeSet<ShareIndex> = BTreeSet::new();
        let mut dead = Vec::new();
        // Descendants come before their ancestors.
        for share in self.dag.unmerged().rev() {
            let node = self.dag.node(share);
            let lives = node.linked_at.saturating_add(patience) > tip.height || node.rank() > tip.rank();
            if lives || kept.contains(&share) {
                kept.insert(node.parent);
                kept.extend(node.uncles.iter().copied());
            } else {
                dead.push(share);
            }
        }
        for share in dead {
            self.forget(share);
        }
    }

    /// Forgets one share, whose descendants are forgotten.
    pub(super) fn forget(&mut self, share: ShareIndex) {
        let was_held = self.is_held(share) && !self.not_yet.is_announced(&self.dag, share);
        self.not_yet.remove(&self.dag, share);
        if let Some(id) = self.dag.remove(share)
            && !was_held
        {
            self.effects.push_back(Effect::Forgotten(id));
        }
    }
}
