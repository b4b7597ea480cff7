//! `OPTIMIZE_PROFIT` over a history, with some parameters: what it would have earned, block by block.

use super::{
    super::{
        Inputs, Observation, PriceSeen, Reason,
        health::HealthGate,
        params::{HealthParams, ProfitParams},
        prices::Quote,
        profit::{Moment, Profit},
    },
    History,
    history::STEP_SECS,
};

/// What was earned in every block of `block_secs`, in revenue times seconds. All lanes are well all the time: failures have
/// nothing to do with these parameters.
pub(super) fn walk(history: &History, params: &ProfitParams, cost_secs: f64, block_secs: u64) -> Vec<f64> {
    let mut profit = Profit::new(*params);
    let gate = HealthGate::new(HealthParams::default());
    let mut inputs = inputs(history.lanes(), cost_secs);
    let (mut main, mut block_end) = (0, None);
    let mut blocks: Vec<f64> = Vec::new();
    for point in history.points() {
        for (lane, revenue) in inputs.lanes.iter_mut().zip(&point.revenues) {
            if let PriceSeen::Quote(quote) = &mut lane.price {
                quote.price = *revenue;
            }
        }
        profit.observe(&inputs, point.time);
        let name = history.lanes().get(main).map_or("", String::as_str);
        let moment = Moment { gate: &gate, may_move: true };
        let mut secs = STEP_SECS as f64;
        if let Reason::Switched { to, .. } = profit.decide(&inputs, name, moment) {
            main = history.lanes().iter().position(|lane| *lane == to).unwrap_or(main);
            secs -= cost_secs;
        }
        // A new block begins when the last one is over, whatever holes lie between.
        if block_end.is_none_or(|end| point.time >= end) {
            block_end = Some(point.time.saturating_add(block_secs));
            blocks.push(0.0);
        }
        if let Some(block) = blocks.last_mut() {
            *block += point.revenues.get(main).copied().unwrap_or(0.0) * secs;
        }
    }
    blocks
}

/// Lanes of coins of their own, whose price is what they pay.
fn inputs(lanes: &[String], cost_secs: f64) -> Inputs {
    let lane = |name: &String| Observation {
        lane: name.clone(),
        coin: name.clone(),
        block_value: 1,
        units_per_coin: 1,
        block_hashes: 1,
        price: PriceSeen::Quote(Quote { price: 1.0, age_secs: 0, spread_percent: 0.0, sources: 2 }),
        ..Observation::default()
    };
    Inputs { lanes: lanes.iter().map(lane).collect(), switch_cost_ms: millis(cost_secs), spread: None }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a day at most; NaN is 0")]
fn millis(secs: f64) -> u64 {
    (secs.clamp(0.0, 86_400.0) * 1_000.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_hold_what_the_mined_lane_paid_less_the_moves() {
        let mut history = History::new(u64::MAX);
        for step in 0..48_u32 {
            let b = if step < 24 { 1.0 } else { 2.0 };
            history.observe([("a", 1.0), ("b", b)], u64::from(step) * STEP_SECS);
        }
        let blocks = walk(&history, &ProfitParams::default(), 10.0, 7_200);
        assert_eq!(blocks.len(), 2);
        assert_eq!(blocks[0], 7_200.0);
        // Two points confirm it, then b pays twice as much, but for ten seconds of it.
        let late = 300.0 * 2.0;
        assert!(blocks[1] <= 14_400.0 - 20.0 && blocks[1] >= 14_400.0 - 2.0 * late - 20.0, "{}", blocks[1]);
        assert!(walk(&History::new(1), &ProfitParams::default(), 1.0, 10).is_empty());
    }

    #[test]
    fn a_hole_makes_no_empty_block() {
        let mut history = History::new(u64::MAX);
        for time in [0, 300, 1_000_000, 1_000_300] {
            history.observe([("a", 1.0)], time);
        }
        assert_eq!(walk(&history, &ProfitParams::default(), 0.0, 3_600), [600.0, 600.0]);
    }
}
