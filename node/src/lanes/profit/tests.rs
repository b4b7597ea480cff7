use super::*;
use crate::lanes::{
    Health, PriceSeen,
    params::{HealthParams, Params},
    prices::{PriceError, Quote},
};

/// A lane of a coin of its own, whose price is its revenue.
fn priced(lane: &str, price: f64) -> Observation {
    let quote = Quote { price, age_secs: 0, spread_percent: 0.0, sources: 2 };
    Observation { coin: lane.to_owned(), price: PriceSeen::Quote(quote), ..same_coin(lane, 1.0) }
}

/// A lane of the one coin.
fn same_coin(lane: &str, revenue: f64) -> Observation {
    Observation {
        lane: lane.to_owned(),
        coin: "x".to_owned(),
        block_value: 10,
        units_per_coin: 1,
        block_hashes: 1,
        fee: 1.0 - revenue / 10.0,
        ..Observation::default()
    }
}

struct Story {
    profit: Profit,
    gate: HealthGate,
    now: UnixTime,
    cost_ms: u64,
}

impl Story {
    fn new() -> Self {
        let gate = HealthGate::new(HealthParams { failed_checks: 1, healthy_secs: 60 });
        Self { profit: Profit::new(Params::default().profit), gate, now: 0, cost_ms: 10_000 }
    }

    fn tick(&mut self, lanes: Vec<Observation>) -> Reason {
        let inputs = Inputs { lanes, switch_cost_ms: self.cost_ms, spread: None };
        self.profit.observe(&inputs, self.now);
        self.now += 60;
        self.profit.decide(&inputs, "a", Moment { gate: &self.gate, may_move: true })
    }

    /// The same for so many ticks; the last reason.
    fn ticks(&mut self, count: u32, lanes: &[Observation]) -> Reason {
        (0..count).map(|_| self.tick(lanes.to_vec())).last().unwrap()
    }
}

#[test]
fn a_lasting_advantage_wins_after_the_filter_has_believed_it() {
    let mut story = Story::new();
    let even = [priced("a", 1.0), priced("b", 1.0)];
    assert_eq!(story.ticks(2, &even), Reason::Kept(Keep::WarmingUp));
    assert_eq!(story.ticks(60, &even), Reason::Kept(Keep::Best));
    let better = [priced("a", 1.0), priced("b", 1.2)];
    let first = story.tick(better.to_vec());
    assert!(matches!(first, Reason::Kept(Keep::SmallEdge { .. })), "{first}");
    let mut ticks = 1;
    let switched = loop {
        ticks += 1;
        assert!(ticks < 30, "never believed");
        if let switched @ Reason::Switched { .. } = story.tick(better.to_vec()) {
            break switched;
        }
    };
    assert!(ticks >= 3, "{ticks}");
    let Reason::Switched { from, to, edge_percent, cost_secs, .. } = switched else { unreachable!() };
    assert_eq!((from.as_str(), to.as_str(), cost_secs), ("a", "b", 10.0));
    assert!(edge_percent > 3.0 && edge_percent < 20.0, "{edge_percent}");
}

#[test]
fn a_single_tick_moves_nobody_however_high() {
    for height in [1.1, 2.0, 10.0, 1e6] {
        let mut story = Story::new();
        story.ticks(60, &[priced("a", 1.0), priced("b", 1.0)]);
        for _ in 0..5 {
            let reason = story.tick(vec![priced("a", 1.0), priced("b", height)]);
            assert!(matches!(reason, Reason::Kept(_)), "{height}: {reason}");
            for _ in 0..30 {
                let reason = story.tick(vec![priced("a", 1.0), priced("b", 1.0)]);
                assert!(matches!(reason, Reason::Kept(_)), "{height}: {reason}");
            }
        }
    }
}

#[test]
fn a_bait_counts_for_three_times_the_median_at_most() {
    let mut story = Story::new();
    let lanes = [priced("a", 1.0), priced("b", 1_000.0), priced("c", 1.0)];
    story.ticks(60, &lanes);
    let inputs = Inputs { lanes: lanes.to_vec(), ..Inputs::default() };
    let estimates = story.profit.estimates(&inputs, "a");
    assert!((estimates[1].edge_percent.unwrap() - 200.0).abs() < 1e-6, "{estimates:?}");
    let believed: Vec<f64> = story.profit.believed_revenues(&inputs).into_iter().flatten().collect();
    assert!((believed[1] / believed[0] - 3.0).abs() < 1e-9);
}

#[test]
fn a_small_or_short_advantage_is_not_worth_a_move() {
    let mut story = Story::new();
    let small = [same_coin("a", 1.0), same_coin("b", 1.019)];
    assert!(matches!(story.ticks(200, &small), Reason::Kept(Keep::SmallEdge { .. })));
    // A minute's loss of mining for everybody, twice, is not earned by 4 % in the hours such an advantage lasts.
    let better = [same_coin("a", 1.0), same_coin("b", 1.04)];
    story.cost_ms = 3_600_000;
    assert!(matches!(story.ticks(200, &better), Reason::Kept(Keep::Cost { .. })));
    story.cost_ms = 10_000;
    assert!(matches!(story.ticks(2, &better), Reason::Switched { .. }));
}

#[test]
fn what_may_be_noise_moves_nobody() {
    let mut story = Story::new();
    let mut moved = 0;
    for tick in 0..2_000_u32 {
        // 40 % up and down by turns that look random, around the same mean.
        let up = (tick.wrapping_mul(2_654_435_761) >> 16) % 2 == 0;
        let reason = story.tick(vec![same_coin("a", 1.0), same_coin("b", if up { 1.4 } else { 0.7 })]);
        moved += u32::from(matches!(reason, Reason::Switched { .. }));
    }
    assert!(moved <= 20, "{moved} of 2,000");
}

#[test]
fn lanes_of_one_coin_need_no_price_and_others_do() {
    let stale = PriceError::Stale { source_name: "s".to_owned(), age_secs: 720, age_max_secs: 600 };
    let refused = |lane: &str, coin: &str, revenue| Observation {
        coin: coin.to_owned(),
        price: PriceSeen::Refused(stale.clone()),
        ..same_coin(lane, revenue)
    };
    let mut story = Story::new();
    let apart = [refused("a", "x", 1.0), refused("b", "y", 2.0)];
    let reason = story.ticks(30, &apart);
    assert_eq!(
        reason.to_string(),
        "nothing is changed: no price for x: the price of s is 12 min old; at most 10 min are allowed"
    );
    let mut story = Story::new();
    let both = [refused("a", "x", 1.0), refused("b", "y", 9.0), refused("c", "x", 1.1)];
    let reasons: Vec<Reason> = (0..60).map(|_| story.tick(both.to_vec())).collect();
    let moved = reasons.iter().find(|reason| matches!(reason, Reason::Switched { .. }));
    assert!(matches!(moved, Some(Reason::Switched { to, .. }) if to == "c"), "{reasons:?}");
}

#[test]
fn a_price_that_comes_back_goes_on_where_it_was() {
    let mut story = Story::new();
    story.ticks(60, &[priced("a", 1.0), priced("b", 1.0)]);
    let refused = Observation { price: PriceSeen::Refused(PriceError::NoSources), ..priced("b", 1.0) };
    assert!(matches!(story.ticks(5, &[priced("a", 1.0), refused]), Reason::Refused(Refusal::Price { .. })));
    assert_eq!(story.ticks(5, &[priced("a", 1.0), priced("b", 1.0)]), Reason::Kept(Keep::Best));
}

#[test]
fn a_lane_that_is_not_well_is_no_candidate_and_one_that_cannot_be_told_neither() {
    let mut story = Story::new();
    story.gate.check("b", &Health::Degraded { reason: "old".to_owned() }, 0);
    let lanes = [same_coin("a", 1.0), same_coin("b", 2.0)];
    assert_eq!(story.ticks(50, &lanes), Reason::Kept(Keep::Alone));
    let mut story = Story::new();
    let unknown = Observation { block_hashes: 0, ..same_coin("b", 2.0) };
    assert_eq!(story.ticks(50, &[same_coin("a", 1.0), unknown.clone()]), Reason::Kept(Keep::Alone));
    let mined = Observation { lane: "a".to_owned(), ..unknown };
    let reason = story.tick(vec![mined, same_coin("b", 2.0)]);
    assert!(matches!(reason, Reason::Refused(Refusal::Revenue { .. })), "{reason}");
}
