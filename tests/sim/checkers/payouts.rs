//! What a found block pays is what every honest node computes for it, to the unit, and the whole reward.

use crate::sim::{Outcome, World, parent_chain::REWARD};

/// Asks every honest node for every found block.
pub fn check(world: &mut World, outcome: &mut Outcome) {
    outcome.blocks = world.ledger.blocks.len();
    for block in world.ledger.blocks.clone() {
        let paid: u64 = block.payouts.iter().map(|payout| payout.amount.units()).sum();
        if paid != REWARD.units() {
            outcome.violated(format!("block {} pays {paid} of {REWARD:?}", block.share));
        }
        let share = world.ledger.share(block.share).clone();
        for node in 0..world.nodes.len() {
            if !world.is_honest(node) || !world.nodes[node].chain.contains(&share.id()) {
                continue;
            }
            let computed = world.nodes[node].chain.payouts(&share);
            if computed.as_ref() != Some(&block.payouts) {
                outcome.divergences += 1;
                outcome.violated(format!("node {node} computes other payouts for block {}", block.share));
            }
        }
    }
}
