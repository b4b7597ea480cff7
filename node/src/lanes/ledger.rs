//! What was earned, and what other ways to decide would have earned from the same lanes: the counterfactual of every decision
//! and the result of a replay.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Weights;

/// What different ways to decide would have earned since the ledger began. Gains are over the best single lane of the time
/// that has passed, which nobody could know before: percent, negative where less was earned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counterfactual {
    /// Seconds that are counted.
    pub secs: u64,
    /// Seconds in which the revenue of some lane was not known; they are not counted.
    pub unknown_secs: u64,
    /// The policy's choice, whether it took effect or not, after the cost of its moves.
    pub chosen_gain_percent: f64,
    /// What took effect, after the cost of its moves.
    pub in_effect_gain_percent: f64,
    /// Always the lane that pays most at the moment, after the cost of its moves.
    pub argmax_gain_percent: f64,
    /// The same if it were known before and moves were free: nobody can have more.
    pub oracle_gain_percent: f64,
    /// The best single lane.
    pub best_static: String,
    /// What that is over an even split between all lanes, percent.
    pub best_static_percent: f64,
    /// Moves of the policy a day, whole moves of all miners.
    pub switches_per_day: f64,
    /// The same of the lane that pays most at the moment.
    pub argmax_switches_per_day: f64,
}

/// What is earned on a lane.
#[derive(Clone, Copy, Debug)]
pub struct Earned<'a> {
    /// The lane.
    pub lane: &'a str,
    /// What it seemed to pay by second, in any unit that all lanes share.
    pub seen: f64,
    /// What it paid.
    pub paid: f64,
}

/// Sums since it began.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    secs: u64,
    unknown_secs: u64,
    lanes: BTreeMap<String, f64>,
    chosen: f64,
    in_effect: f64,
    argmax: f64,
    oracle: f64,
    argmax_lane: Option<String>,
    switches: f64,
    argmax_switches: f64,
}

impl Ledger {
    /// Some time passed in which a lane's revenue was not known.
    pub fn skip(&mut self, secs: u64) {
        self.unknown_secs = self.unknown_secs.saturating_add(secs);
    }

    /// Some time passed in which lanes paid this.
    pub fn earn(&mut self, secs: u64, lanes: &[Earned<'_>], chosen: &Weights, in_effect: &Weights, cost_secs: f64) {
        let time = secs as f64;
        self.secs = self.secs.saturating_add(secs);
        let of = |weights: &Weights| {
            lanes.iter().map(|lane| lane.paid * f64::from(weights.of(lane.lane)) / 10_000.0).sum::<f64>() * time
        };
        self.chosen += of(chosen);
        self.in_effect += of(in_effect);
        self.oracle += lanes.iter().map(|lane| lane.paid).fold(0.0, f64::max) * time;
        if let Some(best) = lanes.iter().max_by(|a, b| a.seen.total_cmp(&b.seen)) {
            let moves = self.argmax_lane.as_deref().is_some_and(|lane| lane != best.lane);
            self.argmax += best.paid * (time - if moves { cost_secs } else { 0.0 });
            self.argmax_switches += f64::from(u8::from(moves));
            self.argmax_lane = Some(best.lane.to_owned());
        }
        for lane in lanes {
            *self.lanes.entry(lane.lane.to_owned()).or_default() += lane.paid * time;
        }
    }

    /// The policy moves miners, which costs so many seconds of mining on the new lanes.
    pub fn choose(&mut self, before: &Weights, after: &Weights, lanes: &[Earned<'_>], cost_secs: f64) {
        let moved = Self::moved(before, after);
        self.switches += moved;
        self.chosen -= moved * cost_secs * mean_paid(after, lanes);
    }

    /// Miners are moved.
    pub fn take_effect(&mut self, before: &Weights, after: &Weights, lanes: &[Earned<'_>], cost_secs: f64) {
        self.in_effect -= Self::moved(before, after) * cost_secs * mean_paid(after, lanes);
    }

    fn moved(before: &Weights, after: &Weights) -> f64 {
        // Nobody is moved by the first decision.
        if before.is_empty() { 0.0 } else { f64::from(after.moved(before)) / 10_000.0 }
    }

    /// How it compares; `None` before anything was earned.
    pub fn counterfactual(&self) -> Option<Counterfactual> {
        let (best_static, best) = self.lanes.iter().max_by(|a, b| a.1.total_cmp(b.1))?;
        let even = self.lanes.values().sum::<f64>() / self.lanes.len() as f64;
        if *best <= 0.0 || self.secs == 0 {
            return None;
        }
        let over_best = |earned: f64| (earned / best - 1.0) * 100.0;
        let days = self.secs as f64 / 86_400.0;
        Some(Counterfactual {
            secs: self.secs,
            unknown_secs: self.unknown_secs,
            chosen_gain_percent: over_best(self.chosen),
            in_effect_gain_percent: over_best(self.in_effect),
            argmax_gain_percent: over_best(self.argmax),
            oracle_gain_percent: over_best(self.oracle),
            best_static: best_static.clone(),
            best_static_percent: (best / even - 1.0) * 100.0,
            switches_per_day: self.switches / days,
            argmax_switches_per_day: self.argmax_switches / days,
        })
    }
}

fn mean_paid(weights: &Weights, lanes: &[Earned<'_>]) -> f64 {
    lanes.iter().map(|lane| lane.paid * f64::from(weights.of(lane.lane)) / 10_000.0).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes(a: f64, b: f64) -> [Earned<'static>; 2] {
        [Earned { lane: "a", seen: a, paid: a }, Earned { lane: "b", seen: b, paid: b }]
    }

    #[test]
    fn every_way_to_decide_is_counted_over_the_best_single_lane() {
        let (a, b) = (Weights::all_on("a"), Weights::all_on("b"));
        let mut ledger = Ledger::default();
        assert_eq!(ledger.counterfactual(), None);
        ledger.earn(43_200, &lanes(1.0, 2.0), &a, &a, 10.0);
        // The policy moves to b, and what is in effect stays on a.
        ledger.choose(&a, &b, &lanes(1.0, 2.0), 10.0);
        ledger.take_effect(&a, &a, &lanes(1.0, 2.0), 10.0);
        ledger.earn(43_200, &lanes(1.0, 2.0), &b, &a, 10.0);
        ledger.earn(86_400, &lanes(1.5, 1.0), &b, &a, 10.0);
        ledger.skip(60);
        let seen = ledger.counterfactual().unwrap();
        // a: 0.5 + 0.5 + 1.5 = 2.5 days; b: 1 + 1 + 1 = 3 days.
        assert_eq!((seen.best_static.as_str(), seen.secs, seen.unknown_secs), ("b", 172_800, 60));
        let close = |got: f64, wanted: f64| assert!((got - wanted).abs() < 1e-9, "{got} {wanted}");
        close(seen.best_static_percent, (3.0 / 2.75 - 1.0) * 100.0);
        close(seen.chosen_gain_percent, ((0.5 + 1.0 + 1.0 - 20.0 / 86_400.0) / 3.0 - 1.0) * 100.0);
        close(seen.in_effect_gain_percent, (2.5 / 3.0 - 1.0) * 100.0);
        close(seen.oracle_gain_percent, (3.5 / 3.0 - 1.0) * 100.0);
        close(seen.argmax_gain_percent, ((3.5 - 15.0 / 86_400.0) / 3.0 - 1.0) * 100.0);
        close(seen.switches_per_day, 0.5);
        close(seen.argmax_switches_per_day, 0.5);
    }

    #[test]
    fn lanes_that_pay_nothing_are_no_division_by_zero() {
        let mut ledger = Ledger::default();
        let a = Weights::all_on("a");
        ledger.earn(60, &lanes(0.0, 0.0), &a, &a, 1.0);
        assert_eq!(ledger.counterfactual(), None);
    }
}
