use proptest::prelude::{prop, prop_assert, proptest};

use super::*;

fn targets(lanes: &[(&str, f64)]) -> Targets {
    let lanes = lanes.iter().map(|(lane, part)| ((*lane).to_owned(), *part)).collect();
    Targets { lanes, groups: BTreeMap::new() }
}

fn load<'a>(id: &'a str, hashrate: f64, lane: &'a str) -> Load<'a> {
    Load { id, group: None, hashrate, lane: Some(lane), pin: None, eligible: None }
}

fn moved(workers: &[Load<'_>], targets: &Targets) -> Vec<(String, String)> {
    let moves = moves(workers, targets, &BalanceParams::default(), |_| false);
    moves.into_iter().map(|one| (one.id, one.lane)).collect()
}

#[test]
fn who_connects_goes_where_most_is_lacking() {
    let wanted = targets(&[("a", 70.0), ("b", 30.0)]);
    let workers = [load("1", 60.0, "a"), load("2", 40.0, "b")];
    let new = Load { lane: None, ..load("3", 10.0, "a") };
    let place = |worker: &Load<'_>, out: &str| place(worker, &workers, &wanted, |lane| lane == out);
    assert_eq!(place(&new, "").as_deref(), Some("a"));
    assert_eq!(place(&new, "a").as_deref(), Some("b"), "a failed lane lacks nothing");
    assert_eq!(place(&Load { pin: Some("b"), ..new }, "").as_deref(), Some("b"));
    let only_b = BTreeSet::from(["b".to_owned()]);
    assert_eq!(place(&Load { eligible: Some(&only_b), ..new }, "").as_deref(), Some("b"));
    assert_eq!(super::place(&new, &workers, &Targets::default(), |_| false), None);
}

#[test]
fn nobody_moves_below_five_points_and_the_fitting_worker_moves_above() {
    let wanted = targets(&[("a", 50.0), ("b", 50.0)]);
    assert_eq!(moved(&[load("1", 54.9, "a"), load("2", 45.1, "b")], &wanted), []);
    let workers = [load("big", 60.0, "a"), load("mid", 10.0, "a"), load("small", 1.0, "a"), load("3", 49.0, "b")];
    assert_eq!(moved(&workers, &wanted), [("mid".to_owned(), "b".to_owned())]);
    // A single worker that is too large to help stays.
    assert_eq!(moved(&[load("1", 100.0, "a")], &wanted), []);
    assert_eq!(moved(&workers, &Targets::default()), []);
}

#[test]
fn pins_and_missing_addresses_are_respected() {
    let wanted = targets(&[("a", 50.0), ("b", 50.0)]);
    let only_a = BTreeSet::from(["a".to_owned()]);
    let pinned = Load { pin: Some("a"), ..load("1", 40.0, "a") };
    let unpaid = Load { eligible: Some(&only_a), ..load("2", 40.0, "a") };
    assert_eq!(moved(&[pinned, unpaid, load("3", 30.0, "a")], &wanted), [("3".to_owned(), "b".to_owned())]);
}

#[test]
fn a_group_has_targets_of_its_own() {
    let mut wanted = targets(&[("a", 1.0)]);
    wanted.groups.insert("farm".to_owned(), BTreeMap::from([("b".to_owned(), 1.0)]));
    let farm = Load { group: Some("farm"), ..load("farm1", 1.0, "a") };
    assert_eq!(moved(&[farm, load("home", 1.0, "a")], &wanted), [("farm1".to_owned(), "b".to_owned())]);
    let other = Load { group: Some("other"), ..load("x", 1.0, "b") };
    assert_eq!(moved(&[other], &wanted), [("x".to_owned(), "a".to_owned())], "an unnamed group is no group");
}

#[test]
fn a_mistaken_target_moves_few_at_once() {
    let ids: Vec<String> = (0..500).map(|number| number.to_string()).collect();
    let workers: Vec<Load<'_>> = ids.iter().map(|id| load(id, 1.0, "a")).collect();
    assert_eq!(moved(&workers, &targets(&[("b", 1.0)])).len(), MOVES_MAX);
}

proptest! {
    #[test]
    fn invariant_moves_bring_lanes_nearer_to_their_targets(
        rates in prop::collection::vec((0.0..100.0_f64, 0_usize..3), 1..40),
        parts in prop::collection::vec(0.0..1.0_f64, 3),
    ) {
        let lanes = ["a", "b", "c"];
        let wanted = targets(&[("a", parts[0]), ("b", parts[1]), ("c", parts[2])]);
        let ids: Vec<String> = (0..rates.len()).map(|number| number.to_string()).collect();
        let mut workers: Vec<Load<'_>> =
            ids.iter().zip(&rates).map(|(id, (rate, lane))| load(id, *rate, lanes[*lane])).collect();
        let weights = wanted.of(None, |_| false);
        let distance = |workers: &[Load<'_>]| {
            let loads = Loads::of(workers.iter());
            lanes.iter().map(|lane| loads.excess(lane, &weights).powi(2)).sum::<f64>()
        };
        let before = distance(&workers);
        for one in moves(&workers.clone(), &wanted, &BalanceParams::default(), |_| false) {
            let lane = lanes.into_iter().find(|lane| *lane == one.lane).unwrap();
            workers.iter_mut().find(|worker| worker.id == one.id).unwrap().lane = Some(lane);
        }
        prop_assert!(distance(&workers) <= before + 1e-9);
    }
}
