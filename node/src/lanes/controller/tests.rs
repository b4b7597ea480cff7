use super::*;
use crate::lanes::{
    Observation, PriceSeen,
    adaptive::{Lesson, Outcome},
    limits::REASON_LEN_MAX,
    params::ProfitParams,
    prices::{PriceError, Quote},
};

mod restart;

fn lane(name: &str, price: f64) -> Observation {
    let quote = Quote { price, age_secs: 0, spread_percent: 0.0, sources: 2 };
    Observation {
        lane: name.to_owned(),
        coin: name.to_owned(),
        block_value: 100,
        units_per_coin: 100,
        block_hashes: 1,
        own_hashrate: if name == "a" { 5.0 } else { 0.0 },
        price: PriceSeen::Quote(quote),
        ..Observation::default()
    }
}

fn settings(mode: Mode, state: RunState) -> Settings {
    Settings {
        mode,
        state,
        params: Params::of(mode, Profile::Balanced),
        lanes: ["a", "b", "c"].map(ToOwned::to_owned).to_vec(),
        schedule: Schedule { seed: 1, tick_secs: 60, jitter_secs: 0 },
        ..Settings::default()
    }
}

fn failed() -> Health {
    Health::Failed { reason: "no daemon answers".to_owned() }
}

struct Story {
    controller: Controller,
    now: UnixTime,
    prices: [f64; 3],
    health: [Health; 3],
}

impl Story {
    fn new(mode: Mode, state: RunState) -> Self {
        let controller = Controller::new(settings(mode, state));
        Self {
            controller,
            now: 1_000_000,
            prices: [1.0; 3],
            health: [Health::Healthy, Health::Healthy, Health::Healthy],
        }
    }

    fn inputs(&self) -> Inputs {
        let lanes = ["a", "b", "c"].into_iter().zip(self.prices).zip(self.health.clone());
        let lanes = lanes.map(|((name, price), health)| Observation { health, ..lane(name, price) }).collect();
        Inputs { lanes, switch_cost_ms: 1_000, spread: None }
    }

    fn tick(&mut self) -> Arc<Decision> {
        self.now += 60;
        let inputs = self.inputs();
        self.controller.tick(self.now, inputs)
    }

    fn ticks(&mut self, count: u32) -> Arc<Decision> {
        (0..count).map(|_| self.tick()).last().unwrap()
    }

    fn main(&self) -> &str {
        self.controller.in_effect().main().unwrap()
    }
}

#[test]
fn a_dry_run_decides_and_moves_nobody_and_live_does() {
    for (state, lane) in [(RunState::DryRun, "a"), (RunState::Live, "b"), (RunState::Paused, "a")] {
        let mut story = Story::new(Mode::OptimizeProfit, state);
        story.ticks(30);
        story.prices = [1.0, 1.5, 1.0];
        let last = story.ticks(30);
        assert_eq!(story.main(), lane, "{state}");
        assert_eq!(last.chosen.main(), Some(if state == RunState::Paused { "a" } else { "b" }));
        assert_eq!(last.state, state);
    }
}

#[test]
fn the_record_says_why_and_what_else_would_have_been() {
    let mut story = Story::new(Mode::OptimizeProfit, RunState::DryRun);
    let first = story.tick();
    assert_eq!((first.number, first.why.as_str()), (1, "started on a"));
    story.prices = [1.0, 1.5, 1.0];
    let last = story.ticks(500);
    let counterfactual = last.counterfactual.clone().unwrap();
    assert_eq!((counterfactual.best_static.as_str(), counterfactual.secs), ("b", 30_000));
    assert!(counterfactual.in_effect_gain_percent < -30.0 && counterfactual.chosen_gain_percent > -5.0);
    let moved: Vec<_> = story.controller.decisions().filter(|decision| decision.reason.is_move()).collect();
    assert_eq!(moved.len(), 1);
    assert!(moved[0].why.starts_with("b pays ") && moved[0].why.contains("more than a"), "{}", moved[0].why);
    story.ticks(20);
    assert_eq!(story.controller.decisions().count(), DECISIONS_MAX);
    let text = serde_json::to_string(&*last).unwrap();
    let read: Decision = serde_json::from_str(&text).unwrap();
    // JSON keeps all but the last bit of an estimate.
    assert_eq!((&read.inputs, &read.chosen, &read.in_effect), (&last.inputs, &last.chosen, &last.in_effect));
    assert_eq!((&read.reason, &read.why, read.number), (&last.reason, &last.why, last.number));
}

#[test]
fn a_lane_that_fails_is_left_at_once_in_every_state_and_mode() {
    for mode in Mode::ALL {
        for state in [RunState::DryRun, RunState::Live, RunState::Paused] {
            let mut story = Story::new(mode, state);
            story.controller.settings.targets.lanes = [("a".to_owned(), 1.0), ("b".to_owned(), 0.0)].into();
            story.ticks(5);
            assert_eq!(story.main(), "a");
            story.prices = [1.0, 1.0, 1.01];
            // Steadiness waits for three failed checks.
            let patience = if mode == Mode::MaximizeStability { 2 } else { 0 };
            for _ in 0..patience {
                assert_eq!(story.controller.on_health(story.now, &[("a", failed())]), None);
            }
            let left = story.controller.on_health(story.now + 1, &[("a", failed())]).expect("it is left");
            assert!(
                matches!(&left.reason, Reason::FailedOver { from, to: Some(_), .. } if from == "a"),
                "{}",
                left.why
            );
            assert!(left.why.contains("no daemon answers"), "{}", left.why);
            assert_ne!(story.main(), "a", "{mode} {state}");
            assert_eq!(story.controller.on_health(story.now + 2, &[("a", failed())]), None, "it is left once");
        }
    }
}

#[test]
fn a_lane_is_returned_to_after_its_healthy_time_and_not_before() {
    for (mode, healthy_secs) in [(Mode::OptimizeProfit, 120), (Mode::MaximizeStability, 600)] {
        let mut story = Story::new(mode, RunState::Live);
        story.ticks(20);
        story.health[0] = failed();
        story.ticks(3);
        assert_ne!(story.main(), "a", "{mode}");
        story.health[0] = Health::Healthy;
        let mut secs = 0;
        let back = loop {
            let last = story.tick();
            if story.main() == "a" {
                break last;
            }
            secs += 60;
            assert!(secs <= healthy_secs, "{mode}");
        };
        assert_eq!(secs, healthy_secs, "{mode}");
        assert_eq!(back.why, "a is well again");
    }
}

#[test]
fn profit_does_not_return_to_a_lane_that_pays_less() {
    let mut story = Story::new(Mode::OptimizeProfit, RunState::Live);
    story.ticks(20);
    story.health[0] = failed();
    story.ticks(3);
    let successor = story.main().to_owned();
    story.prices = [0.5, 1.0, 1.0];
    story.health[0] = Health::Healthy;
    story.ticks(60);
    assert_eq!(story.main(), successor);
}

#[test]
fn when_all_lanes_fail_nobody_is_moved() {
    let mut story = Story::new(Mode::OptimizeProfit, RunState::Live);
    story.ticks(5);
    story.health = [failed(), failed(), failed()];
    let last = story.ticks(3);
    assert_eq!(story.main(), "a");
    assert!(matches!(&last.reason, Reason::FailedOver { to: None, .. }), "{}", last.why);
    assert_eq!(last.chosen, Weights::all_on("a"));
}

#[test]
fn an_order_holds_until_it_is_released_and_a_failure_overrides_it() {
    let mut story = Story::new(Mode::OptimizeProfit, RunState::Live);
    story.ticks(5);
    let unknown = story.controller.switch("x", "why not").unwrap_err().to_string();
    assert_eq!(unknown, "there is no lane \"x\"; known are a, b, c");
    story.controller.switch("b", "maintenance of a").unwrap();
    let order = story.controller.enforce(story.now);
    assert_eq!(order.why, "the operator chose b: maintenance of a");
    assert_eq!(story.main(), "b");
    story.prices = [2.0, 1.0, 1.0];
    story.ticks(30);
    assert_eq!(story.main(), "b", "better prices elsewhere change nothing");
    assert!(story.controller.on_health(story.now, &[("b", failed())]).is_some());
    assert_eq!(story.main(), "a");
    story.health[1] = Health::Healthy;
    story.ticks(10);
    assert_eq!(story.main(), "b", "the order stands");
    story.controller.release();
    story.tick();
    assert_eq!(story.main(), "a");
    story.controller.switch("b", &"ö".repeat(REASON_LEN_MAX)).unwrap();
    assert_eq!(story.controller.manual().unwrap().1.len(), REASON_LEN_MAX);
}

#[test]
fn leaving_live_leaves_miners_where_they_are() {
    for state in [RunState::Paused, RunState::DryRun] {
        let mut story = Story::new(Mode::OptimizeProfit, RunState::Live);
        story.ticks(20);
        story.prices = [1.0, 2.0, 1.0];
        story.ticks(30);
        assert_eq!(story.main(), "b");
        story.controller.set_state(state);
        story.prices = [1.0, 1.0, 2.0];
        story.ticks(60);
        assert_eq!(story.main(), "b", "{state}");
        story.controller.set_state(RunState::Live);
        story.ticks(30);
        assert_eq!(story.main(), "c");
    }
}

#[test]
fn a_record_restores_miners_estimates_and_orders() {
    let mut story = Story::new(Mode::OptimizeProfit, RunState::Live);
    story.ticks(20);
    story.prices = [1.0, 1.5, 1.0];
    story.ticks(100);
    let record: Vec<Decision> = story.controller.decisions().map(|decision| (**decision).clone()).collect();
    let mut restored = Controller::restore(story.controller.settings().clone(), record);
    assert_eq!(restored.in_effect().main(), Some("b"));
    story.prices = [1.0, 1.5, 1.6];
    for _ in 0..40 {
        let original = story.tick();
        let again = restored.tick(story.now, story.inputs());
        assert_eq!(
            (&again.chosen, &again.reason, &again.estimates),
            (&original.chosen, &original.reason, &original.estimates)
        );
        assert_eq!((again.number, &again.counterfactual), (original.number, &original.counterfactual));
    }
    story.controller.switch("c", "test").unwrap();
    story.tick();
    let record: Vec<Decision> = story.controller.decisions().map(|decision| (**decision).clone()).collect();
    let restored = Controller::restore(story.controller.settings().clone(), record);
    assert_eq!(restored.manual(), Some(("c", "test")));
}

#[test]
fn what_was_learned_is_used_after_a_restart() {
    let mut story = Story::new(Mode::AdaptiveLearning, RunState::Live);
    story.ticks(3);
    let own = story.controller.settings().params.profit;
    let lesson = Lesson {
        time: story.now,
        days: 9.0,
        half_life_secs: 2_400,
        edge_min_percent: 8.0,
        gain_percent: 1.0,
        low_percent: 0.5,
        high_percent: 1.5,
        outcome: Outcome::Adopted,
        why: String::new(),
    };
    story.controller.learned(lesson.clone());
    let last = story.tick();
    assert_eq!(last.lesson.as_ref(), Some(&lesson));
    let restored = Controller::restore(story.controller.settings().clone(), [(*last).clone()]);
    let learned = ProfitParams { half_life_secs: 2_400, edge_min_percent: 8.0, ..own };
    assert_eq!([restored.plan.profit_params(), story.controller.plan.profit_params()], [&learned; 2]);
    story.controller.learned(Lesson { outcome: Outcome::RolledBack, ..lesson });
    let restored = Controller::restore(story.controller.settings().clone(), [(*story.tick()).clone()]);
    assert_eq!(restored.plan.profit_params(), &own);
}

#[test]
fn a_lane_that_fails_before_anything_is_seen_is_left_for_the_next() {
    let mut story = Story::new(Mode::OptimizeProfit, RunState::DryRun);
    assert!(story.controller.on_health(5, &[("a", failed())]).is_some());
    assert_eq!(story.main(), "b");
}

#[test]
fn refusals_are_decisions_and_change_nothing() {
    let mut story = Story::new(Mode::OptimizeProfit, RunState::Live);
    story.ticks(20);
    story.now += 60;
    let apart = PriceError::Spread { spread_percent: 8.0, spread_max_percent: 5.0 };
    let mut inputs = story.inputs();
    inputs.lanes.iter_mut().for_each(|lane| lane.price = PriceSeen::Refused(apart.clone()));
    let refused = story.controller.tick(story.now, inputs);
    assert_eq!(
        refused.why,
        "nothing is changed: no price for a: price sources are 8.0 % apart; at most 5 % are allowed"
    );
    let none = story.controller.tick(story.now, Inputs::default());
    assert_eq!(none.why, "nothing is changed: there is no lane");
    assert_eq!(story.main(), "a");
    assert_eq!(story.controller.decisions().count(), 22);
}

#[test]
fn targets_are_kept_and_a_failed_lane_takes_no_part() {
    let mut story = Story::new(Mode::BalanceLoad, RunState::Live);
    let unconfigured = story.tick();
    assert_eq!(unconfigured.why, "started on a");
    assert!(story.tick().why.contains("no lane that can be mined has a target"));
    story.controller.settings.targets.lanes = [("a".to_owned(), 60.0), ("b".to_owned(), 40.0)].into();
    let balanced = story.tick();
    assert_eq!(balanced.why, "40.0 % of the miners move towards their targets");
    assert_eq!((balanced.in_effect.of("a"), balanced.in_effect.of("b")), (6_000, 4_000));
    assert_eq!(story.tick().why, "kept: all parts are near their targets");
    story.health[1] = failed();
    let without = story.tick();
    assert_eq!(without.in_effect, Weights::all_on("a"), "{}", without.why);
}

#[test]
fn a_node_moves_at_its_moments_only() {
    let mut story = Story::new(Mode::OptimizeProfit, RunState::Live);
    story.controller.settings.schedule = Schedule { seed: 5, tick_secs: 60, jitter_secs: 100_000 };
    story.ticks(5);
    let at = story.controller.moves_at().unwrap();
    story.prices = [1.0, 2.0, 1.0];
    while story.main() == "a" {
        story.tick();
        assert!(story.now < at + 120);
    }
    assert!(story.now >= at, "{} {at}", story.now);
}

#[test]
fn at_most_a_tenth_of_a_chain_is_taken() {
    let mut story = Story::new(Mode::OptimizeProfit, RunState::Live);
    story.ticks(20);
    story.prices = [1.0, 2.0, 1.5];
    let mut last = None;
    for _ in 0..60 {
        story.now += 60;
        let mut inputs = story.inputs();
        inputs.lanes[1].network_hashrate = Some(20.0);
        last = Some(story.controller.tick(story.now, inputs));
    }
    let last = last.unwrap();
    assert_eq!((last.in_effect.of("b"), last.in_effect.of("c")), (4_000, 6_000), "2 of 5 H/s are a tenth of 20");
}
