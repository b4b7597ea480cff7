//! A node that is restarted in the middle of things: a lane has failed, the operator has switched by hand.

use super::*;

const STATES: [RunState; 3] = [RunState::DryRun, RunState::Live, RunState::Paused];

impl Story {
    /// The node is restarted, with the same settings.
    fn restart(&mut self) {
        let record: Vec<Decision> = self.controller.decisions().map(|decision| (**decision).clone()).collect();
        self.controller = Controller::restore(self.controller.settings().clone(), record);
    }

    /// Ticks until a lane that was just repaired is in again; it is still out during all but the last.
    fn heal(&mut self, place: usize) -> Arc<Decision> {
        self.health[place] = Health::Healthy;
        for _ in 0..self.controller.settings().params.health.healthy_secs / 60 {
            let before = self.main().to_owned();
            self.tick();
            assert_eq!(self.main(), before, "not before its healthy time");
        }
        self.tick()
    }
}

#[test]
fn a_dry_run_goes_home_when_the_lane_is_well_though_it_was_restarted_in_between() {
    for mode in Mode::ALL {
        let mut story = Story::new(mode, RunState::DryRun);
        story.ticks(5);
        story.health[0] = failed();
        story.ticks(3);
        let refuge = story.main().to_owned();
        assert_ne!(refuge, "a", "{mode}");
        story.restart();
        assert_eq!((story.main(), story.controller.out().contains("a")), (refuge.as_str(), true), "{mode}");
        let back = story.heal(0);
        assert_eq!((story.main(), back.why.as_str()), ("a", "a is well again"), "{mode}");
    }
}

#[test]
fn what_was_left_live_is_returned_to_though_it_was_restarted_in_between() {
    for mode in [Mode::OptimizeProfit, Mode::MaximizeStability, Mode::GeographicDistribution] {
        let mut story = Story::new(mode, RunState::Live);
        story.ticks(5);
        story.health[0] = failed();
        story.ticks(3);
        assert_ne!(story.main(), "a", "{mode}");
        story.restart();
        assert_eq!(story.heal(0).why, "a is well again", "{mode}");
        assert_eq!(story.main(), "a", "{mode}");
        story.restart();
        story.ticks(3);
        assert_eq!(story.main(), "a", "{mode}");
    }
}

#[test]
fn an_order_survives_inputs_that_nothing_can_be_decided_on() {
    let mut story = Story::new(Mode::OptimizeProfit, RunState::Live);
    story.ticks(5);
    story.controller.switch("b", "a test").unwrap();
    story.controller.enforce(story.now);
    story.controller.tick(story.now + 60, Inputs::default());
    story.restart();
    assert_eq!((story.controller.manual(), story.main()), (Some(("b", "a test")), "b"));
}

#[test]
fn home_in_a_dry_run_is_where_live_left_the_miners() {
    let mut story = Story::new(Mode::OptimizeProfit, RunState::Live);
    story.ticks(20);
    story.prices = [1.0, 2.0, 1.0];
    story.ticks(30);
    assert_eq!(story.main(), "b");
    story.controller.settings.state = RunState::DryRun;
    story.controller.set_state(RunState::DryRun);
    story.tick();
    story.health[1] = failed();
    story.ticks(3);
    assert_eq!(story.main(), "a");
    story.restart();
    assert_eq!((story.controller.state(), story.main()), (RunState::DryRun, "a"));
    assert_eq!(story.heal(1).why, "b is well again");
    assert_eq!(story.main(), "b");
}

#[test]
fn an_order_survives_a_failure_and_restarts_until_it_is_released() {
    for state in STATES {
        let mut story = Story::new(Mode::OptimizeProfit, state);
        story.ticks(5);
        story.controller.switch("b", "maintenance of a").unwrap();
        story.controller.enforce(story.now);
        let order = Some(("b", "maintenance of a"));
        story.restart();
        assert_eq!((story.controller.manual(), story.main()), (order, "b"), "{state}");
        story.health[1] = failed();
        let left = story.controller.on_health(story.now, &[("b", failed())]).expect("it is left");
        assert!(matches!(&left.reason, Reason::FailedOver { from, .. } if from == "b"), "{state}: {}", left.why);
        story.restart();
        assert_eq!((story.controller.manual(), story.main()), (order, "a"), "{state}: the order holds, the lane fails");
        story.tick();
        story.restart();
        assert_eq!((story.controller.manual(), story.main()), (order, "a"), "{state}");
        let back = story.heal(1);
        assert_eq!((story.main(), back.why.as_str()), ("b", "the operator chose b: maintenance of a"), "{state}");
        story.controller.release();
        story.controller.enforce(story.now);
        story.restart();
        assert_eq!((story.controller.manual(), story.main()), (None, "a"), "{state}");
    }
}

#[test]
fn an_order_for_a_lane_that_is_no_more_is_forgotten() {
    let mut story = Story::new(Mode::OptimizeProfit, RunState::Live);
    story.ticks(5);
    story.controller.switch("c", "a test").unwrap();
    story.controller.enforce(story.now);
    story.controller.settings.lanes.retain(|lane| lane != "c");
    story.restart();
    assert_eq!((story.controller.manual(), story.main()), (None, "a"));
}
