//! Nothing that was acknowledged to an honest miner is lost, and how the chain looks.

use crate::sim::{
    Outcome, World,
    ledger::Fate,
    outcome::{Past, role},
    scenario::{CLOCK_SKEW_MAX_SECS, Role, SETTLE_MS},
};

/// Counts what the final chain pays of the work that was mined for the record.
pub fn check(world: &World, past: &Past, outcome: &mut Outcome) {
    let ends = world.scenario.request.mining_ends();
    let cut = world.scenario.request.partition_secs.and_then(|_| world.scenario.cuts.first());
    for (number, mined) in world.ledger.shares.iter().enumerate() {
        if mined.found_at >= ends || role(world, mined.miner) == Role::Hostile {
            continue;
        }
        let (hashes, is_credited) = (world.share_hashes(number), past.contains(number));
        if mined.fate != Fate::Acknowledged {
            // Who looks at a clock that is minutes wrong is told so; that one is not promised anything.
            let clock = world.scenario.clocks[world.miners[mined.miner].node];
            let is_refused = mined.fate == Fate::Refused && clock.abs() <= CLOCK_SKEW_MAX_SECS;
            outcome.refused += if is_refused { hashes } else { 0.0 };
            continue;
        }
        outcome.acknowledged += hashes;
        outcome.lost += if is_credited { 0.0 } else { hashes };
        outcome.honest.add(hashes, is_credited);
        match role(world, mined.miner) {
            Role::Far => outcome.far.add(hashes, is_credited),
            Role::Small => outcome.small.add(hashes, is_credited),
            Role::Honest | Role::Hostile => {}
        }
        let node = world.miners[mined.miner].node;
        if cut.is_some_and(|cut| cut.group.contains(&node) && (cut.from..cut.to).contains(&mined.found_at)) {
            outcome.minority.add(hashes, is_credited);
        }
    }
    let shares = past.order.iter().filter_map(|id| world.ledger.number(id)).map(|number| world.ledger.share(number));
    outcome.uncles_most = shares.map(|share| share.share().data.uncles.len()).max().unwrap_or_default();
    let all = u64::try_from(past.order.len()).unwrap_or_default();
    outcome.uncles = (all.saturating_sub(past.height), all);
    // The chain also grew while everybody settled.
    outcome.generation_secs = seconds(ends + SETTLE_MS) / count(past.height.max(1));
}

fn seconds(millis: u64) -> f64 {
    count(millis) / 1_000.0
}

fn count(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
