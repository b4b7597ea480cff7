//! Which worker mines which lane, by weighted rendezvous hashing: every node and every restart gives the same answer, and a
//! change of weights moves no more workers than it has to, each from a lane that lost weight to one that gained some.

use std::collections::BTreeSet;

use super::{Weights, jitter::mix};

/// What is to be known of a worker.
#[derive(Clone, Copy, Debug)]
pub struct Worker<'a> {
    /// `ADDRESS.worker`, or the session where it has no name: the same after a reconnection, or the worker moves for nothing.
    pub id: &'a str,
    /// The lane that it asked for.
    pub pin: Option<&'a str>,
    /// The lanes that it has a payout address for; `None` for all.
    pub eligible: Option<&'a BTreeSet<String>>,
}

/// Where workers go.
#[derive(Clone, Copy, Debug)]
pub struct Assigner<'a> {
    weights: &'a Weights,
    out: &'a BTreeSet<String>,
}

impl<'a> Assigner<'a> {
    /// With these weights; lanes that are out get nobody, not even who asked for them.
    pub const fn new(weights: &'a Weights, out: &'a BTreeSet<String>) -> Self {
        Self { weights, out }
    }

    /// The worker's lane: the one that it asked for while that can be mined, else one by weight among those that it has an
    /// address for. `None` when no such lane has weight: it stays where it is.
    pub fn lane_of(&self, worker: &Worker<'a>) -> Option<&'a str> {
        let can_mine =
            |lane: &str| !self.out.contains(lane) && worker.eligible.is_none_or(|eligible| eligible.contains(lane));
        if let Some(pin) = worker.pin.filter(|pin| can_mine(pin)) {
            return Some(pin);
        }
        let id = hash(worker.id.as_bytes());
        let open = self.weights.iter().filter(|(lane, _)| can_mine(lane));
        let scored = open.map(|(lane, part)| (lane, score(id, lane, part)));
        scored.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(lane, _)| lane)
    }
}

/// Exponential race: the lane with the greatest score wins with a chance in proportion to its weight.
fn score(id: u64, lane: &str, part: u16) -> f64 {
    let draw = mix(id ^ mix(hash(lane.as_bytes()))) >> 11;
    // Strictly between 0 and 1, so that the logarithm is neither 0 nor infinite.
    let uniform = (draw as f64 + 0.5) / (1_u64 << 53) as f64;
    f64::from(part) / -uniform.ln()
}

/// FNV-1a. Nobody gains by a collision: it puts two workers on one lane.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop, prop_assert, prop_assert_eq, proptest};

    use super::*;

    const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

    fn weights(sizes: &[u32]) -> Weights {
        Weights::in_proportion(NAMES.into_iter().zip(sizes.iter().map(|size| f64::from(*size))))
    }

    fn ids(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("dn1qworker.rig{number}")).collect()
    }

    fn lanes<'a>(ids: &'a [String], weights: &'a Weights, out: &'a BTreeSet<String>) -> Vec<Option<&'a str>> {
        let assigner = Assigner::new(weights, out);
        ids.iter().map(|id| assigner.lane_of(&Worker { id, pin: None, eligible: None })).collect()
    }

    proptest! {
        #[test]
        fn invariant_parts_are_met_within_five_standard_deviations(sizes in prop::collection::vec(1_u32..100, 2..5)) {
            let (ids, weights, out) = (ids(2_000), weights(&sizes), BTreeSet::new());
            let lanes = lanes(&ids, &weights, &out);
            for (lane, part) in weights.iter() {
                let part = f64::from(part) / 10_000.0;
                let got = lanes.iter().filter(|got| **got == Some(lane)).count() as f64 / 2_000.0;
                prop_assert!((got - part).abs() <= 5.0 * (part * (1.0 - part) / 2_000.0).sqrt() + 0.001, "{lane}: {got} of {part}");
            }
        }

        #[test]
        fn invariant_who_moves_goes_to_the_lane_that_grew(sizes in prop::collection::vec(1_u32..100, 2..5), grown in 0_usize..2) {
            let (ids, out) = (ids(500), BTreeSet::new());
            let mut after = sizes.clone();
            after[grown] += 40;
            let (before, after) = (weights(&sizes), weights(&after));
            let (old, new) = (lanes(&ids, &before, &out), lanes(&ids, &after, &out));
            let moved: Vec<_> = old.iter().zip(&new).filter(|(old, new)| old != new).collect();
            // The others keep their proportions but for a basis point of rounding.
            let astray = moved.iter().filter(|(_, new)| **new != Some(NAMES[grown])).count();
            prop_assert!(astray <= 2, "{moved:?}");
            let part = f64::from(before.moved(&after)) / 10_000.0;
            prop_assert!(moved.len() as f64 / 500.0 <= part + 5.0 * (part / 500.0).sqrt() + 0.004, "{} {part}", moved.len());
        }

        #[test]
        fn invariant_only_those_of_a_lost_lane_move(sizes in prop::collection::vec(1_u32..100, 2..5), lost in 0_usize..2) {
            let (ids, weights) = (ids(300), weights(&sizes));
            let (none, out) = (BTreeSet::new(), BTreeSet::from([NAMES[lost].to_owned()]));
            for (old, new) in lanes(&ids, &weights, &none).into_iter().zip(lanes(&ids, &weights, &out)) {
                if old == Some(NAMES[lost]) {
                    prop_assert!(new.is_some() && new != old);
                } else {
                    prop_assert_eq!(new, old);
                }
            }
        }
    }

    #[test]
    fn a_pin_holds_while_its_lane_can_be_mined_and_paid() {
        let weights = Weights::all_on("a");
        let (none, out) = (BTreeSet::new(), BTreeSet::from(["b".to_owned()]));
        let pinned = Worker { id: "x", pin: Some("b"), eligible: None };
        assert_eq!(Assigner::new(&weights, &none).lane_of(&pinned), Some("b"), "even without weight");
        assert_eq!(Assigner::new(&weights, &out).lane_of(&pinned), Some("a"));
        let only_a = BTreeSet::from(["a".to_owned()]);
        let unpaid = Worker { eligible: Some(&only_a), ..pinned };
        assert_eq!(Assigner::new(&weights, &none).lane_of(&unpaid), Some("a"));
        let only_c = BTreeSet::from(["c".to_owned()]);
        let elsewhere = Worker { eligible: Some(&only_c), ..pinned };
        assert_eq!(Assigner::new(&weights, &none).lane_of(&elsewhere), None);
    }

    #[test]
    fn the_same_worker_always_gets_the_same_lane() {
        let (weights, none) = (weights(&[1, 1, 1, 1, 1]), BTreeSet::new());
        let ids: Vec<String> = ["alice.1", "alice.2", "bob", "", "carol.x"].map(ToOwned::to_owned).to_vec();
        let names: Vec<&str> = lanes(&ids, &weights, &none).into_iter().flatten().collect();
        // Whatever changes these moves the workers of every node once, at its upgrade.
        assert_eq!(names, ["a", "b", "c", "b", "b"]);
    }
}
