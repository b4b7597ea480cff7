//! Fork choice of a running node: the most work wins, except that a branch which left long ago has to prove more.
//!
//! A private branch from far back costs nothing to keep and, once shown, deletes the honest weight since (attack H7). So a
//! branch that leaves the selected chain deeper than the merge depth is adopted only with twice our work since the fork,
//! or when it has stayed heavier while our own chain grew by six merge depths, or when the operator says so. Until then it
//! is reported. A node that is still catching up has nothing to defend and takes the heaviest.

use std::collections::BTreeMap;

use crate::{
    chain::{Effect, ShareChain},
    dag::{Dag, ShareIndex},
    hash::ShareId,
    params::Params,
    target::Work,
};

/// A deep branch needs this many times our work since the fork to be adopted at once.
const DEEP_FORK_WORK_FACTOR: u32 = 2;
/// Or stays heavier for so many merge depths of our growth.
const DEEP_FORK_MERGE_DEPTHS: u64 = 6;
/// Deep branches that are watched. Each has more work than ours; the lightest is forgotten first.
const RIVALS_MAX: usize = 16;

/// A heavier branch that left too long ago to be taken at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RivalBranch {
    /// Its best share.
    pub tip: ShareId,
    /// Height of the last share it has in common with ours.
    pub fork_height: u64,
    /// Its work since then.
    pub work: Work,
    /// Ours since then.
    pub our_work: Work,
    /// Our height from which on it is adopted if it is still heavier.
    pub adopted_at: u64,
}

/// Deep branches by their first share off the best chain.
#[derive(Debug, Default)]
pub(super) struct ForkGuard {
    is_guarding: bool,
    rivals: BTreeMap<ShareIndex, Rival>,
}

#[derive(Clone, Copy, Debug)]
struct Rival {
    head: ShareIndex,
    /// Our height when it was first seen to be heavier.
    noticed_at: u64,
}

enum Choice {
    Adopt,
    Wait(RivalBranch),
    /// Its fork is below what is kept.
    OutOfReach,
}

impl ShareChain {
    /// From now on deep branches have to prove themselves; call it when the node has caught up.
    pub const fn guard_deep_forks(&mut self) {
        self.guard.is_guarding = true;
    }

    /// Branches with more work that left too long ago, the operator's to decide meanwhile.
    pub fn rivals(&self) -> Vec<RivalBranch> {
        self.guard.rivals.values().filter_map(|rival| self.guard.branch(&self.dag, &self.params, *rival)).collect()
    }

    /// Moves to the branch of `id`, by the operator's command or because the node was there before it was restarted: to the
    /// best share that has `id` among its selected ancestors, and from there to what outranks it within the merge depth.
    /// Whether there is such a branch.
    pub fn adopt(&mut self, id: &ShareId) -> bool {
        let Some(ancestor) = self.dag.find(id) else { return false };
        let height = self.dag.node(ancestor).height;
        let descends = |share: &ShareIndex| self.dag.ancestor_at(*share, height) == Some(ancestor);
        let tip = self.dag.tip();
        let admissible = self.dag.unmerged().chain([tip]).filter(|share| !self.is_held(*share));
        let best = admissible.filter(descends).max_by_key(|share| self.dag.node(*share).rank());
        // A share that the best chain has merged may be the last of its branch.
        let best = best.unwrap_or(ancestor);
        if best != tip {
            self.move_to(best);
        }
        let is_adopted = self.dag.tip() == best;
        self.take_best_nearby();
        is_adopted
    }

    /// Adopts the best share whose branch leaves ours within the merge depth: there the most work decides, whoever chose the
    /// branch. Or what is mined next would merge a share better than its parent.
    fn take_best_nearby(&mut self) {
        let (tip, merge_depth) = (self.dag.node(self.dag.tip()), self.params.merge_depth());
        let better = self.dag.unmerged().filter(|share| {
            self.dag.node(*share).rank() > tip.rank()
                && !self.is_held(*share)
                && self.dag.fork_depth(*share).is_some_and(|depth| depth <= merge_depth)
        });
        if let Some(best) = better.max_by_key(|share| self.dag.node(*share).rank()) {
            self.move_to(best);
        }
    }

    /// A share may be built on from now on: whether it is the best tip.
    pub(super) fn consider(&mut self, share: ShareIndex) {
        let rank = self.dag.get(share).map(|node| node.rank());
        if rank.is_none_or(|rank| rank <= self.dag.node(self.dag.tip()).rank()) {
            return;
        }
        match self.guard.choose(&self.dag, &self.params, share) {
            Choice::Adopt => {
                self.move_to(share);
                self.adopt_patient_rival();
            }
            Choice::Wait(rival) => self.effects.push_back(Effect::RivalBranch(rival)),
            Choice::OutOfReach => {}
        }
    }

    /// A rival that stayed heavier for long enough is adopted.
    fn adopt_patient_rival(&mut self) {
        let (dag, tip) = (&self.dag, self.dag.node(self.dag.tip()));
        self.guard.rivals.retain(|_, rival| dag.get(rival.head).is_some_and(|head| head.rank() > tip.rank()));
        let patience = self.params.merge_depth().saturating_mul(DEEP_FORK_MERGE_DEPTHS);
        let is_due = |rival: &&Rival| tip.height >= rival.noticed_at.saturating_add(patience);
        let due = self.guard.rivals.values().filter(is_due).max_by_key(|rival| dag.node(rival.head).rank());
        if let Some(rival) = due.copied() {
            self.move_to(rival.head);
        }
    }

    /// Whether clock or daemon speak against a share.
    pub(super) fn is_held(&self, share: ShareIndex) -> bool {
        self.not_yet.contains(&self.dag, share)
    }

    fn move_to(&mut self, share: ShareIndex) {
        let followed_before = self.follows_held();
        let Some(moved) = self.dag.select(share) else { return };
        if self.follows_held() && !followed_before {
            // Clock or daemon is at fault, so what they say of others counts no more.
            let announced = self.not_yet.announce_all();
            self.effects.extend(announced.into_iter().map(Effect::Linked));
        }
        if moved.left > self.params.merge_depth() {
            // They were measured against the branch we left; the heavier ones show themselves with their next share.
            self.guard.rivals.clear();
        }
        let tip = self.tip();
        self.effects.push_back(Effect::TipChanged { tip, reorg_depth: moved.left });
        self.follow_upgrades();
        self.forget_the_old();
    }
}

impl ForkGuard {
    /// What to do with a share that outranks the tip.
    fn choose(&mut self, dag: &Dag, params: &Params, share: ShareIndex) -> Choice {
        let Some(depth) = dag.fork_depth(share) else { return Choice::OutOfReach };
        let tip = dag.node(dag.tip());
        if !self.is_guarding || depth <= params.merge_depth() {
            return Choice::Adopt;
        }
        let first_height = tip.height.saturating_sub(depth).saturating_add(1);
        let Some(first) = dag.ancestor_at(share, first_height) else { return Choice::OutOfReach };
        let noticed_at = self.rivals.get(&first).map_or(tip.height, |rival| rival.noticed_at);
        let rival = Rival { head: share, noticed_at };
        let Some(branch) = self.branch(dag, params, rival) else { return Choice::OutOfReach };
        if branch.work >= branch.our_work.saturating_mul(DEEP_FORK_WORK_FACTOR) {
            return Choice::Adopt;
        }
        let is_heavier = |old: &Rival| dag.get(old.head).is_none_or(|old| dag.node(share).rank() > old.rank());
        if self.rivals.get(&first).is_none_or(is_heavier) {
            self.rivals.insert(first, rival);
        }
        if self.rivals.len() > RIVALS_MAX {
            let lightest = self.rivals.iter().min_by_key(|(_, rival)| dag.get(rival.head).map(|head| head.rank()));
            if let Some(lightest) = lightest.map(|(first, _)| *first) {
                self.rivals.remove(&lightest);
            }
        }
        Choice::Wait(branch)
    }

    fn branch(&self, dag: &Dag, params: &Params, rival: Rival) -> Option<RivalBranch> {
        let (head, tip) = (dag.get(rival.head)?, dag.node(dag.tip()));
        let fork = dag.node(dag.fork_point(rival.head)?);
        Some(RivalBranch {
            tip: head.id,
            fork_height: fork.height,
            work: head.total_work.saturating_sub(fork.total_work),
            our_work: tip.total_work.saturating_sub(fork.total_work),
            adopted_at: rival.noticed_at.saturating_add(params.merge_depth().saturating_mul(DEEP_FORK_MERGE_DEPTHS)),
        })
    }
}
