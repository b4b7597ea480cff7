//! Nobody whose clock is right ends on a branch that its own clock or daemon speaks against.
//!
//! Such a branch is followed when most of the work is on it, and here most of the work is honest.

use crate::sim::{NodeId, Outcome, World, scenario::CLOCK_SKEW_MAX_SECS};

/// Asks every honest node that runs.
pub fn check(world: &World, outcome: &mut Outcome) {
    let follows = |node: &NodeId| {
        let at = &world.nodes[*node];
        world.is_honest(*node) && at.is_up && at.clock.abs() <= CLOCK_SKEW_MAX_SECS && at.chain.follows_held()
    };
    let following: Vec<NodeId> = (0..world.nodes.len()).filter(follows).collect();
    if let Some(first) = following.first() {
        let held = world.nodes[*first].chain.held_back();
        outcome
            .violated(format!("nodes {following:?} end on a branch they hold back, node {first} with {held} shares"));
    }
}
