//! What is wrong with this node at the moment, one sentence each: for the health of the API, for events and notifications.

use crate::{
    chain_task::ChainView,
    parent::{ParentHealth, ParentState},
};

/// Everything that keeps the node from its work, or soon will.
pub fn problems(chain: &ChainView, parent: &ParentState) -> Vec<String> {
    let silent = (!parent.is_fresh())
        .then(|| parent_problem(&parent.health).unwrap_or_else(|| "the parent daemon gives no templates".to_owned()));
    silent.into_iter().chain(chain_problems(chain)).collect()
}

/// Why a daemon cannot be mined with.
pub fn parent_problem(health: &ParentHealth) -> Option<String> {
    match health {
        ParentHealth::Ready => None,
        ParentHealth::Starting => Some("the parent daemon has not answered yet".to_owned()),
        ParentHealth::NotReady(reason) => Some(reason.clone()),
    }
}

/// What the operator has to know of the share chain, one sentence each.
pub(crate) fn chain_problems(chain: &ChainView) -> impl Iterator<Item = String> {
    let follows_held = chain.follows_held.then(|| {
        "shares that this machine's clock or daemon speaks against have clearly more work than ours; hint: check the clock and \
         whether the daemon follows its network"
            .to_owned()
    });
    let rivals = chain.rivals.iter().map(|rival| {
        format!(
            "a branch with more work left the share chain at height {}, too long ago to be adopted at once; hint: if it is the \
             network's, restart with --adopt-branch {}",
            rival.fork_height, rival.tip
        )
    });
    let decided = chain.upgrades.iter().filter(|(_, state)| state.is_decided());
    let upgrades = decided.map(|(bit, _)| {
        format!("the network has agreed on rules that this version does not know (bit {bit}); hint: update poolnode")
    });
    follows_held.into_iter().chain(rivals).chain(upgrades)
}

/// Bits of upgrades that the network has agreed on and that this version does not know.
pub fn pending_upgrades(chain: &ChainView) -> Vec<usize> {
    chain.upgrades.iter().filter(|(_, state)| state.is_decided()).map(|(bit, _)| *bit).collect()
}
