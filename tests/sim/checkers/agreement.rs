//! Every honest node ends on the same tip, and the shares alone decide which one it is.

use std::collections::BTreeMap;

use sharechain::{Origin, ShareChain, ShareId, testing::Rng};

use crate::sim::{NodeId, Outcome, World};

/// Shares are shuffled in stretches of so many: a chain keeps no more than that waiting for their ancestors.
const SHUFFLED: usize = 1_000;

/// Compares all honest nodes with the first one, whose number it gives.
pub fn check(world: &mut World, outcome: &mut Outcome) -> NodeId {
    let honest: Vec<NodeId> =
        (0..world.nodes.len()).filter(|node| world.is_honest(*node) && world.nodes[*node].is_up).collect();
    let reference = honest.first().copied().unwrap_or(0);
    let tip = world.nodes[reference].chain.tip();
    let mut others: BTreeMap<ShareId, Vec<NodeId>> = BTreeMap::new();
    for node in honest {
        let other = world.nodes[node].chain.tip();
        if other != tip {
            outcome.divergences += 1;
            others.entry(other.id).or_default().push(node);
        }
    }
    for (other, nodes) in others {
        let (there, here) =
            (nodes.first().map_or_else(String::new, |node| state(world, *node)), state(world, reference));
        outcome.violated(format!("nodes {nodes:?} end at {other} ({there}), node {reference} at {} ({here})", tip.id));
    }
    let shuffled = replay_shuffled(world, reference, outcome.seed);
    if shuffled.tip() != tip {
        outcome.divergences += 1;
        outcome.violated(format!(
            "the shares of node {reference} in another order give {:?}, not {tip:?}",
            shuffled.tip()
        ));
    }
    reference
}

/// What a node waits for.
fn state(world: &World, node: NodeId) -> String {
    let at = &world.nodes[node];
    format!(
        "clock {:+}, {} held back, {} waiting, {} rivals, {:?}",
        at.clock,
        at.chain.held_back(),
        at.chain.waiting(),
        at.chain.rivals().len(),
        at.sync.state()
    )
}

/// A chain with what the node has, told in another order.
fn replay_shuffled(world: &World, node: NodeId, seed: u64) -> ShareChain {
    let mut rng = Rng::new(seed);
    let mut shares = world.nodes[node].store.clone();
    for stretch in shares.chunks_mut(SHUFFLED) {
        rng.shuffle(stretch);
    }
    let mut chain = ShareChain::new(world.params.clone());
    for share in shares {
        let _verdict = chain.handle(world.ledger.share(share).clone(), Origin::OwnStore, 0);
        while chain.poll_effect().is_some() {}
    }
    chain
}
