//! Two lanes: moves, payout addresses, pins.

use std::collections::BTreeSet;

use super::*;
use crate::lane::{LanePlan, LaneTerms, PlannedLane, WHOLE};

pub(crate) const SECOND: &str = "second";

/// Two lanes of one proof of work, whose addresses differ.
pub(crate) fn two_lanes() -> SessionConfig {
    let mut config = config(PowAlgorithm::Blake2s);
    let addresses = AddressFormat { bech32: Some(Hrp::parse("sn").unwrap()), ..format() };
    let second = LaneTerms::new(SECOND.to_owned(), other_params(), addresses);
    config.lanes = config.lanes.with(second).unwrap();
    config
}

fn other_params() -> Arc<Params> {
    let mut raw = params(PowAlgorithm::Blake2s).raw().clone();
    SECOND.clone_into(&mut raw.name);
    testing::params(raw)
}

pub(crate) fn second() -> LaneId {
    LaneId::new(1).unwrap()
}

pub(crate) fn plan(weights: [u16; 2]) -> LanePlan {
    LanePlan::new(weights.map(|weight| PlannedLane { weight, is_usable: true }).to_vec())
}

/// A miner with this password, authorized.
fn miner(password: &str) -> TestMiner {
    let mut miner = TestMiner::with(two_lanes());
    miner.line(SUBSCRIBE, 0);
    let line = format!(r#"{{"id":2,"method":"mining.authorize","params":["{}","{password}"]}}"#, user());
    assert_eq!(miner.line(&line, 0), [r#"{"id":2,"result":true,"error":null}"#]);
    miner
}

/// The address of another script than the first lane's.
pub(crate) fn second_address() -> String {
    let addresses = AddressFormat { bech32: Some(Hrp::parse("sn").unwrap()), ..format() };
    addresses.format(&testing::script(2)).unwrap()
}

pub(crate) fn template_of_second(block: u8) -> Arc<JobTemplate> {
    let template = Arc::into_inner(template_after(40, other_params(), block, HARD)).unwrap();
    Arc::new(template.on_lane(second()))
}

#[test]
fn a_move_is_a_clean_job_and_what_was_mined_before_is_credited_where_it_was_mined() {
    let mut miner = miner(&format!("{SECOND}={}", second_address()));
    assert_eq!(miner.session.lane(&plan([WHOLE, 0]), (0, None)), Some(LaneId::FIRST));
    miner.offer(&template(PowAlgorithm::Blake2s, 1, HARD), 0);
    let (old_job, nonce) = (miner.notify.clone(), miner.grind(true, 0));
    assert_eq!(miner.session.lane(&plan([0, WHOLE]), (0, None)), Some(second()));
    miner.offer(&template_of_second(1), 1);
    assert_eq!(miner.notify[8], Value::Bool(true), "even if the lanes have the same parent block");
    let new_job = std::mem::replace(&mut miner.notify, old_job);
    let late = miner.submit(nonce, 2);
    let share = found(&late).unwrap().share.clone().unwrap();
    assert_eq!(
        (found(&late).unwrap().template.lane(), share.share().data.payout_script),
        (LaneId::FIRST, testing::script(1))
    );
    assert!(matches!(late[1], Action::Judged(Judged::Accepted { lane: LaneId::FIRST, .. })));
    miner.notify = new_job;
    let nonce = miner.grind(true, 0);
    let actions = miner.submit(nonce, 2);
    let share = found(&actions).unwrap().share.clone().unwrap();
    assert_eq!(found(&actions).unwrap().template.lane(), second());
    assert_eq!(share.share().data.payout_script, testing::script(2), "the address that is this lane's");
    assert!(CheckedShare::check(share.share().clone(), &other_params()).is_ok(), "a share of the other share chain");
}

#[test]
fn jobs_of_two_lanes_never_have_one_id() {
    let mut miner = miner(&format!("{SECOND}={}", second_address()));
    let ids: Vec<u32> = [template(PowAlgorithm::Blake2s, 1, HARD), template_of_second(1)]
        .iter()
        .map(|template| {
            miner.offer(template, 0);
            miner.session.miner.newest_job().unwrap().id
        })
        .collect();
    assert_eq!((ids[0] >> 24, ids[1] >> 24), (0, 1), "{ids:x?}");
}

#[test]
fn who_has_no_address_for_a_lane_stays_and_who_asks_for_one_gets_it() {
    assert_eq!(
        miner("x").session.lane(&plan([0, WHOLE]), (0, None)),
        Some(LaneId::FIRST),
        "nobody would be paid there"
    );
    let pinned = miner(&format!("c=SECOND,{SECOND}={}", second_address()));
    assert_eq!(pinned.session.lane(&plan([WHOLE, 0]), (0, None)), Some(second()));
    let mut refused = TestMiner::with(two_lanes());
    refused.line(SUBSCRIBE, 0);
    for (password, words) in [
        ("c=third", "password option c= needs the name of a lane of this node"),
        ("c=second", "another network"),
        ("second=dn1q", "user name must be"),
    ] {
        let line = format!(r#"{{"id":2,"method":"mining.authorize","params":["{}","{password}"]}}"#, user());
        let refusal = refusal(&refused.session.handle_line(&line, at(refused.start, 0)));
        assert!(refusal.contains(words), "{password}: {refusal}");
    }
}

#[test]
fn who_comes_back_to_a_lane_has_other_work_than_before_on_the_same_template() {
    let mut miner = miner(&format!("{SECOND}={}", second_address()));
    let templates = [template(PowAlgorithm::Blake2s, 1, HARD), template_of_second(1)];
    let (mut ids, mut commitments) = (Vec::new(), BTreeSet::new());
    for place in [0, 1].repeat(16) {
        miner.offer(&templates[place], 0);
        assert_eq!(miner.notify[8], Value::Bool(true), "a move is a clean job");
        let job = miner.session.miner.newest_job().unwrap();
        ids.push((job.id >> 24, job.id % 16));
        commitments.insert(*job.commitment());
    }
    let expected: Vec<_> = (0..16).flat_map(|variant| [(0, variant), (1, variant)]).collect();
    assert_eq!((ids, commitments.len()), (expected, 32), "lane and number of each job, and what it commits to");
    assert!(miner.offer(&templates[0], 0).is_empty(), "rather none than one again");
}

#[test]
fn what_was_submitted_before_a_move_is_a_duplicate_after_the_way_back() {
    let mut miner = miner(&format!("{SECOND}={}", second_address()));
    let (first, other) = (template(PowAlgorithm::Blake2s, 1, HARD), template_of_second(1));
    miner.offer(&first, 0);
    let (job, nonce) = (miner.notify.clone(), miner.grind(true, 0));
    assert!(found(&miner.submit(nonce, 0)).is_some());
    miner.offer(&other, 1);
    miner.offer(&first, 1);
    assert_ne!(std::mem::replace(&mut miner.notify, job.clone())[0], job[0], "another id");
    assert_eq!(refusal(&miner.submit(nonce, 2)), "22 duplicate share");
}

#[test]
fn a_pin_stays_until_a_worker_of_the_connection_asks_for_another_lane() {
    let own = format!("{SECOND}={}", second_address());
    let mut miner = miner(&format!("c={SECOND},{own}"));
    let lanes =
        |miner: &TestMiner| [[WHOLE, 0], [0, WHOLE]].map(|weights| miner.session.lane(&plan(weights), (0, None)));
    assert_eq!(lanes(&miner), [Some(second()); 2]);
    let login = |worker: &str, password: &str| {
        let user = user().replace(".rig", &format!(".{worker}"));
        format!(r#"{{"id":2,"method":"mining.authorize","params":["{user}","{password}"]}}"#)
    };
    for (worker, pin, expected, moves) in [
        ("two", "x", second(), false),
        ("three", "c=main", LaneId::FIRST, true),
        // Once more, as after a lost reply.
        ("rig", "x", LaneId::FIRST, false),
        ("two", "c=second", second(), true),
    ] {
        let line = login(worker, &format!("{pin},{own}"));
        let actions = miner.session.handle_line(&line, at(miner.start, 0));
        assert_eq!(lines(&actions), [r#"{"id":2,"result":true,"error":null}"#], "{worker} {pin}");
        let is_renewed = actions.iter().any(|action| matches!(action, Action::Renew));
        assert_eq!(is_renewed, moves, "{worker} {pin}: it is looked where it mines now");
        assert_eq!(lanes(&miner), [Some(expected); 2], "{worker} {pin}");
    }
    // Who is refused moves nobody: a lane that is none, and another payout address.
    for password in [format!("c=third,{own}"), "c=main".to_owned()] {
        assert!(refusal(&miner.session.handle_line(&login("four", &password), at(miner.start, 0))).starts_with("24 "));
        assert_eq!(lanes(&miner), [Some(second()); 2], "{password}");
    }
}
