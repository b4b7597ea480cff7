//! Upgrade bits along the best chain, one step per payout share.

use std::collections::BTreeMap;

use crate::{
    chain::{Effect, ShareChain},
    dag::ShareIndex,
    target::Work,
    upgrade::{UpgradeState, UpgradeStates, UpgradeTerms},
};

/// Payout shares whose states are kept: as many as a reorganisation may step back over.
const STEPS_MAX: usize = 64;

/// States at the newest payout shares.
#[derive(Debug, Default)]
pub(super) struct Upgrades {
    steps: BTreeMap<ShareIndex, UpgradeStates>,
    newest: UpgradeStates,
}

impl ShareChain {
    /// Upgrade bits that the network sets, and how far it is with each.
    pub fn upgrades(&self) -> Vec<(usize, UpgradeState)> {
        self.upgrades.newest.stirring().collect()
    }

    /// Follows the best chain to the payout share of its next share.
    pub(super) fn follow_upgrades(&mut self) {
        let tip = self.dag.tip();
        let height = self.dag.node(tip).height.saturating_add(1);
        let Some(payout_share) = self.dag.payout_share(&self.params, tip, height) else { return };
        if let Some(known) = self.upgrades.steps.get(&payout_share) {
            return self.set_upgrades(*known);
        }
        let Some(weights) = self.book.weights(&self.dag, &self.params, payout_share) else { return };
        let node = self.dag.node(payout_share);
        let before = node.height.checked_sub(self.params.payout_epoch());
        let before = before.and_then(|height| self.dag.ancestor_at(payout_share, height));
        // Where the chain of steps is broken the count begins again: that can only make a warning late.
        let states = before.and_then(|before| self.upgrades.steps.get(&before)).copied().unwrap_or_default();
        let base_work = node.base_target.work().unwrap_or(Work::MAX);
        let states = states.after(&weights, &UpgradeTerms::new(&self.params, base_work));
        self.upgrades.steps.insert(payout_share, states);
        if self.upgrades.steps.len() > STEPS_MAX {
            self.upgrades.steps.pop_first();
        }
        self.set_upgrades(states);
    }

    fn set_upgrades(&mut self, states: UpgradeStates) {
        let decided_before: Vec<usize> = decided(&self.upgrades.newest);
        self.upgrades.newest = states;
        let news = decided(&states).into_iter().filter(|bit| !decided_before.contains(bit));
        self.effects.extend(news.map(|bit| Effect::UpgradeDecided { bit }));
    }
}

fn decided(states: &UpgradeStates) -> Vec<usize> {
    states.stirring().filter(|(_, state)| state.is_decided()).map(|(bit, _)| bit).collect()
}
