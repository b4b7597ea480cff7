//! No honest node is ever blamed for what it relays.

use crate::sim::{Outcome, World};

/// Takes the world's count.
pub fn check(world: &World, outcome: &mut Outcome) {
    outcome.honest_penalties = world.honest_penalties;
    if world.honest_penalties > 0 {
        outcome.violated(format!("{} times an honest node was blamed", world.honest_penalties));
    }
}
