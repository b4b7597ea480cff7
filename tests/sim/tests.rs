//! A fixed set of worlds: every fault, and every attack once. The command `sim` runs as many as one likes.

use tests::sim::{
    Outcome, World,
    hostile::ATTACKS,
    rival_rules::{self, Rule},
    scenario::Request,
    summary::Summary,
};

/// A world of ten nodes with everything that can break, and three attackers with 30 % of the work.
fn hostile(seed: u64) -> Request {
    let number = usize::try_from(seed).expect("small");
    let attacks = (0..3).map(|turn| ATTACKS[(number + turn * 5) % ATTACKS.len()].0).collect();
    Request { attacks, hostile_part: 0.3, faults: true, ..Request::honest(seed, 10, 30) }
}

fn finished(request: Request) -> World {
    let mut world = World::new(request.scenario());
    world.run();
    world
}

#[track_caller]
fn check(requests: impl Iterator<Item = Request>) -> Summary {
    let mut summary = Summary::default();
    for request in requests {
        let outcome = Outcome::of(&mut finished(request.clone()));
        let attacks: Vec<&str> = request.attacks.iter().map(|attack| attack.name()).collect();
        assert_eq!(outcome.violations, Vec::<String>::new(), "seed {}, {attacks:?}", request.seed);
        summary.add(&outcome);
    }
    assert_eq!(summary.broken_promises(), Vec::<String>::new());
    summary
}

/// Three attacks at once, with every fault; five of these see all of them.
#[track_caller]
fn check_hostile(seed: u64) {
    let summary = check(std::iter::once(hostile(seed)));
    assert!(summary.uncles_per_share() > 0.3, "there were forks to agree about");
}

#[test]
fn withholding_spam_and_branches_break_no_promise() {
    check_hostile(0);
}

#[test]
fn lateness_stale_parents_and_false_claims_break_no_promise() {
    check_hostile(1);
}

#[test]
fn selfishness_draws_and_hoards_break_no_promise() {
    check_hostile(2);
}

#[test]
fn omission_old_parents_and_switching_break_no_promise() {
    check_hostile(3);
}

#[test]
fn false_times_and_floods_break_no_promise() {
    check_hostile(4);
}

#[test]
fn honest_miners_lose_nothing_at_one_share_a_second() {
    let summary = check((2..=5).map(|secs| Request { refresh_ms: secs * 1_000, ..Request::honest(secs, 8, 20) }));
    assert_eq!((summary.lost_fraction(), summary.honest_penalties), (0.0, 0));
}

#[test]
fn a_partition_of_two_minutes_costs_nobody_anything() {
    let summary = check((1..=2).map(|seed| Request { partition_secs: Some(120), ..Request::honest(seed, 10, 15) }));
    assert!(summary.minority.mined > 0.0);
    assert!(summary.minority.credited >= summary.minority.mined);
}

#[test]
fn one_seed_is_one_story() {
    let [first, second, other] = [7, 7, 8].map(|seed| finished(Request { minutes: 10, ..hostile(seed) }).log_hash());
    assert_eq!(first, second);
    assert_ne!(first, other);
}

#[test]
fn choosing_the_payout_class_after_the_draw_pays_where_classes_are_small() {
    use tests::sim::Attack;
    let request =
        |seed| Request { attacks: vec![Attack::DrawGrind], hostile_part: 0.1, ..Request::honest(seed, 4, 90) };
    // Main networks have no class in which a tenth of the work is drawn.
    let summary = check((1..=2).map(request));
    assert!(summary.gain().0 < 1.01, "{:?}", summary.gain());
}

/// The checkers see what they are there for: on a plain chain the same network loses shares.
#[test]
fn a_plain_chain_loses_what_ours_does_not() {
    let scenario = Request::honest(1, 8, 1).scenario();
    let linear = rival_rules::run(&scenario, Rule::Linear, 4_000);
    let depth = rival_rules::run(&scenario, Rule::Depth3, 4_000);
    assert!(linear.lost > 0.3, "{linear:?}");
    assert!(depth.lost < linear.lost / 2.0, "{depth:?}");
}
