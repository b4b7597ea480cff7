//! What hostile miners earn, against what the same work would have earned them honestly.
//!
//! Every share is a block with a probability that goes with its work, so the expected revenue of a script is the sum over
//! all sound shares of their work times the part that their window gives it. That is exact where counting the blocks of a
//! run would be luck. Fair is, for every window, the part of all work that was mined in the same time.
//!
//! An attack that begins and ends is counted until its last share has left the windows: who leaves is still paid for what it
//! did before, and who comes back has to wait, so nothing is earned before both are over. What is earned or lost by all that
//! is put in proportion to the work of the attack.

use std::collections::BTreeMap;

use sharechain::{PayoutScript, ShareId};

use crate::sim::{
    Millis, Outcome, World,
    miner::hashes,
    outcome::{Past, role},
    scenario::Role,
};

/// Of a world that is hostile all the time only the last third is counted: before that windows are not full.
const WARM_UP: (u64, u64) = (2, 3);

/// Work by time of finding, summed up: hostile and all.
struct Mined {
    times: Vec<Millis>,
    sums: Vec<(f64, f64)>,
}

impl Mined {
    fn of(world: &World) -> Self {
        let (mut times, mut sums, mut sum) = (Vec::new(), vec![(0.0, 0.0)], (0.0, 0.0));
        for (number, mined) in world.ledger.shares.iter().enumerate() {
            let hashes = world.share_hashes(number);
            sum.0 += if role(world, mined.miner) == Role::Hostile { hashes } else { 0.0 };
            sum.1 += hashes;
            times.push(mined.found_at);
            sums.push(sum);
        }
        Self { times, sums }
    }

    /// Hostile work of this time, and all.
    fn between(&self, from: Millis, to: Millis) -> (f64, f64) {
        let first = self.sums[self.times.partition_point(|time| *time < from)];
        let last = self.sums[self.times.partition_point(|time| *time <= to)];
        (last.0 - first.0, last.1 - first.1)
    }

    fn hostile(&self, from: Millis, to: Millis) -> f64 {
        self.between(from, to).0
    }

    /// Hostile part of the work of this time.
    fn hostile_part(&self, from: Millis, to: Millis) -> f64 {
        let (hostile, all) = self.between(from, to);
        if all > 0.0 { hostile / all } else { 0.0 }
    }
}

/// Sums what sound shares pay hostile scripts.
pub fn check(world: &World, past: &Past, outcome: &mut Outcome) {
    let scripts: Vec<PayoutScript> =
        world.miners.iter().filter(|miner| miner.role == Role::Hostile).map(|miner| miner.builder.script).collect();
    if scripts.is_empty() {
        return;
    }
    let (ends, span) = (world.scenario.request.mining_ends(), world.scenario.request.attack_span);
    let from = span.map_or(ends * WARM_UP.0 / WARM_UP.1, |(from, _)| from);
    let mined = Mined::of(world);
    let mut windows: BTreeMap<ShareId, (f64, f64)> = BTreeMap::new();
    for (number, share) in world.ledger.shares.iter().enumerate() {
        if share.found_at < from || share.found_at >= ends {
            continue;
        }
        let weights = &world.ledger.windows[&share.payout_share];
        if weights.is_empty() {
            continue;
        }
        let (part, fair) = *windows.entry(share.payout_share).or_insert_with(|| {
            let of = |script: &PayoutScript| weights.entries().iter().find(|(owner, _)| owner == script);
            let hostile: f64 = scripts.iter().filter_map(of).map(|(_, work)| hashes(*work)).sum();
            let (from, to) = times(world, past, share.payout_share, weights.shares());
            (hostile / hashes(weights.total()), mined.hostile_part(from, to))
        });
        let work = world.share_hashes(number);
        outcome.hostile.fair += work * fair;
        if share.is_sound {
            outcome.hostile.revenue += work * share.drawn_part.unwrap_or(part);
        } else if role(world, share.miner) != Role::Hostile {
            // An honest miner a moment behind the newest block loses the same with and without the attack.
            outcome.hostile.revenue += work * part;
        }
    }
    outcome.hostile.at_stake = span.map_or(outcome.hostile.fair, |(from, to)| mined.hostile(from, to));
}

/// When the shares of a window were found; of a window on a branch of its own, the same length of time before it.
fn times(world: &World, past: &Past, payout_share: ShareId, shares: u64) -> (Millis, Millis) {
    let found = |id: &ShareId| world.ledger.number(id).map(|number| world.ledger.shares[number].found_at);
    let to = found(&payout_share).unwrap_or_default();
    let newest = past.order.iter().position(|id| *id == payout_share);
    let oldest = newest.map(|newest| newest + 1 - usize::try_from(shares).unwrap_or(newest + 1).min(newest + 1));
    let from = oldest.and_then(|oldest| found(&past.order[oldest]));
    (from.unwrap_or_default(), to)
}
