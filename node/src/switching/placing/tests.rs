//! Connections are moved as a whole, never against their pin, and never to where one cannot be paid.

use std::sync::Arc;

use sharechain::{ShareChain, testing};
use tokio::sync::watch;

use super::*;
use crate::{chain_profile::ChainProfile, chain_task::ChainView, parent::ParentState};

const LANES: [&str; 3] = ["first", "second", "third"];

fn lane(place: usize) -> LaneId {
    LaneId::new(place).unwrap()
}

fn views() -> Vec<LaneView> {
    let mut chain = ShareChain::new(testing::devnet_params());
    let chain = watch::channel(Arc::new(ChainView::of(&mut chain))).1;
    let profile = Arc::new(ChainProfile::find("devnet", None).unwrap());
    let view = |(place, name): (usize, &str)| LaneView {
        id: lane(place),
        name: name.to_owned(),
        coin: "DEV".to_owned(),
        profile: profile.clone(),
        chain: chain.clone(),
        parent: watch::channel(ParentState::starting()).1,
        jobs: watch::channel(None).1,
        blocks: watch::channel(Arc::default()).1,
        refused: watch::channel(None).1,
        peers: watch::channel(Arc::default()).1,
        nodes: watch::channel(Arc::default()).1,
        paid: watch::channel(Arc::default()).1,
    };
    LANES.into_iter().enumerate().map(view).collect()
}

/// A worker on the first lane that can be paid on all of them.
fn miner(id: (u64, usize), hashrate: f64) -> MinerSnapshot {
    payable_on(LANES.map(|_| true), MinerSnapshot { id, hashrate, ..crate::testing::miner() })
}

/// The same, where it has addresses for these lanes only.
fn payable_on(lanes: [bool; 3], miner: MinerSnapshot) -> MinerSnapshot {
    MinerSnapshot { scripts: lanes.map(|is| is.then(|| testing::script(1))).into_iter().collect(), ..miner }
}

fn targets(parts: &[(&str, f64)]) -> Targets {
    let lanes = parts.iter().map(|(lane, part)| ((*lane).to_owned(), *part)).collect();
    Targets { lanes, groups: BTreeMap::new() }
}

fn place(placer: &mut Placer, miners: Vec<MinerSnapshot>, targets: &Targets, out: &[&str]) -> Placing {
    let seen = StratumSnapshot { miners, ..StratumSnapshot::default() };
    let out = out.iter().map(|lane| (*lane).to_owned()).collect();
    placer.place(&views(), &seen, (targets, &Params::default()), &out)
}

fn placed(miners: Vec<MinerSnapshot>, targets: &Targets) -> Vec<(u64, usize)> {
    let placing = place(&mut Placer::default(), miners, targets, &[]);
    placing.placed.into_iter().map(|(id, lane)| (id, lane.place())).collect()
}

#[test]
fn who_asked_for_a_lane_is_never_moved() {
    let wanted = targets(&[("first", 50.0), ("second", 50.0)]);
    let pinned = |id| MinerSnapshot { pin: Some(LaneId::FIRST), ..miner((id, 0), 40.0) };
    assert_eq!(placed(vec![pinned(1), pinned(2), pinned(3)], &wanted), []);
    assert_eq!(placed(vec![pinned(1), pinned(2), miner((3, 0), 30.0)], &wanted), [(3, 1)]);
    // Also where nothing is wanted of its lane, and where it would rather be elsewhere.
    let all_away = targets(&[("second", 1.0)]);
    let elsewhere = MinerSnapshot { pin: Some(lane(2)), ..miner((4, 0), 5.0) };
    assert_eq!(placed(vec![pinned(1), elsewhere, miner((5, 0), 5.0)], &all_away), [(5, 1)]);
}

#[test]
fn nobody_is_moved_to_a_lane_that_he_has_no_address_for() {
    let only_first = |id| payable_on([true, false, false], miner((id, 0), 10.0));
    assert_eq!(placed(vec![only_first(1), only_first(2)], &targets(&[("second", 1.0)])), []);
    let not_second = payable_on([true, false, true], miner((1, 0), 10.0));
    let wanted = targets(&[("second", 50.0), ("third", 50.0)]);
    let home = payable_on([true, false, false], miner((3, 0), 5.0));
    assert_eq!(placed(vec![not_second.clone(), miner((2, 0), 10.0), home], &wanted), [(1, 2), (2, 1)]);
    assert_eq!(placed(vec![not_second], &targets(&[("second", 1.0)])), [], "it has no other place that is wanted");
}

#[test]
fn a_connection_moves_with_all_its_workers() {
    let wanted = targets(&[("first", 60.0), ("second", 40.0)]);
    // The first worker of number 2 does nothing.
    let workers = vec![miner((1, 0), 60.0), miner((2, 0), 0.0), miner((2, 1), 40.0)];
    assert_eq!(placed(workers, &wanted), [(2, 1)]);
    let pinned = |id, hashrate| MinerSnapshot { pin: Some(LaneId::FIRST), ..miner(id, hashrate) };
    let workers = vec![pinned((1, 0), 60.0), pinned((2, 0), 0.0), miner((2, 1), 40.0)];
    assert_eq!(placed(workers, &wanted), [], "what one worker asked for holds for the connection");
    let workers = vec![pinned((1, 0), 60.0), miner((2, 0), 0.0), pinned((2, 1), 40.0)];
    assert_eq!(placed(workers, &wanted), [], "whichever it is");
    let elsewhere = payable_on([true, false, true], miner((2, 1), 40.0));
    let workers = vec![pinned((1, 0), 60.0), miner((2, 0), 0.0), elsewhere];
    assert_eq!(placed(workers, &wanted), [], "each of its workers has to be paid there");
}

#[test]
fn a_place_is_kept_while_its_connection_is_there() {
    let (mut placer, wanted) = (Placer::default(), targets(&[("first", 50.0), ("second", 50.0)]));
    let both = || vec![miner((1, 0), 10.0), miner((2, 0), 10.0)];
    let moved = BTreeMap::from([(1, lane(1))]);
    assert_eq!(place(&mut placer, both(), &wanted, &[]).placed, moved);
    // It has not moved yet, and then it has.
    assert_eq!(place(&mut placer, both(), &wanted, &[]).placed, moved);
    let there = vec![MinerSnapshot { lane: lane(1), ..miner((1, 0), 10.0) }, miner((2, 0), 10.0)];
    assert_eq!(place(&mut placer, there, &wanted, &[]).placed, moved);
    let alone = vec![miner((2, 0), 10.0)];
    assert_eq!(place(&mut placer, alone, &wanted, &[]).placed, BTreeMap::new(), "who comes back is another connection");
}

#[test]
fn newcomers_go_where_most_is_lacking_of_their_group() {
    let mut wanted = targets(&[("first", 70.0), ("second", 30.0)]);
    wanted.groups.insert("farm".to_owned(), BTreeMap::from([("third".to_owned(), 1.0)]));
    wanted.groups.insert("lost".to_owned(), BTreeMap::from([("nowhere".to_owned(), 1.0)]));
    let here = || vec![miner((1, 0), 60.0), MinerSnapshot { lane: lane(1), ..miner((2, 0), 40.0) }];
    let newcomers = |out: &[&str]| {
        let placing = place(&mut Placer::default(), here(), &wanted, out);
        (placing.newcomer, placing.newcomers)
    };
    assert_eq!(newcomers(&[]), (Some(lane(0)), BTreeMap::from([("farm".to_owned(), lane(2))])));
    assert_eq!(newcomers(&["first", "third"]), (Some(lane(1)), BTreeMap::new()), "never to a lane that fails");
    let nothing_wanted = place(&mut Placer::default(), here(), &Targets::default(), &[]);
    assert_eq!((nothing_wanted.newcomer, nothing_wanted.placed), (None, BTreeMap::new()));
}
