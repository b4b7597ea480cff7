//! The window is the last work of the canonical order up to its payout share, summed anew from the shares themselves.

use sharechain::pplns::{Weights, WindowBounds};

use crate::sim::{NodeId, Outcome, World};

/// Sums the window of the next share of a node.
pub fn check(world: &mut World, node: NodeId, outcome: &mut Outcome) {
    let Some(context) = world.nodes[node].chain.job_context() else {
        return outcome.violated(format!("node {node} has no context for another share"));
    };
    let chain = &world.nodes[node].chain;
    let order = chain.order_after(&[chain.params().genesis_id()], usize::MAX);
    let newest = order.iter().position(|id| *id == context.payout_share);
    let entries = order.iter().take(newest.map_or(0, |newest| newest + 1)).rev();
    let shares = entries.filter_map(|id| world.ledger.number(id)).map(|number| world.ledger.share(number));
    let base = newest.and_then(|at| world.ledger.number(&order[at])).map(|number| world.ledger.share(number));
    let base = base.and_then(|share| share.share().data.base_bits.to_target());
    let base = base.unwrap_or_else(|| chain.params().base_target_max());
    let window_shares = chain.params().raw().window_shares;
    let bounds = WindowBounds {
        work: base.work().unwrap_or(sharechain::Work::MAX).saturating_mul(window_shares),
        entries_max: u64::from(window_shares) * 2,
    };
    let summed =
        Weights::from_newest_first(shares.map(|share| (share.share().data.payout_script, share.work())), bounds);
    if summed != *context.weights {
        outcome.divergences += 1;
        outcome.violated(format!("the window at {} is not the sum of its shares", context.payout_share));
    }
}
