use sharechain::testing;
use stratum::server::MinerSnapshot;

use super::{limits::WORKERS_MAX, *};

/// Midnight.
const START: UnixTime = 20_000 * 86_400;

fn miner(id: (u64, usize), tag: u64, name: &str, accepted: u64) -> MinerSnapshot {
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let hashes = accepted as f64 * 600.0;
    MinerSnapshot {
        id,
        script: testing::script(tag),
        worker: name.to_owned(),
        accepted,
        hashes,
        hashes_last: 600.0,
        ..crate::testing::miner()
    }
}

fn seen(miners: Vec<MinerSnapshot>) -> StratumSnapshot {
    let accepted = miners.iter().map(|miner| miner.accepted).sum();
    let hashes = miners.iter().map(|miner| miner.hashes).sum();
    StratumSnapshot { connections: miners.len(), miners, accepted, hashes, ..StratumSnapshot::default() }
}

fn worker(tag: u64, name: &str) -> Subject {
    Subject::Worker(testing::script(tag), name.to_owned())
}

fn shown(history: &History, subject: &Subject, step: Step, now: UnixTime) -> Vec<(u64, u32, u32)> {
    let points = history.points(subject, step, 1_000, now).unwrap_or_default();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small whole numbers")]
    let rate = |point: &Point| point.hashrate.round() as u32;
    points.iter().map(|point| (point.time - START, rate(point), point.accepted)).collect()
}

#[test]
fn what_counters_grow_by_goes_to_its_minute_hour_and_day() {
    let mut history = History::default();
    history.on_snapshot(&seen(vec![miner((1, 0), 1, "a", 10), miner((2, 0), 1, "b", 1)]), START + 30);
    history.on_snapshot(&seen(vec![miner((1, 0), 1, "a", 12), miner((2, 0), 1, "b", 1)]), START + 70);
    // One comes back on another connection, whose counters begin anew; in the meantime nobody worked for two minutes.
    history.on_snapshot(&seen(vec![miner((2, 0), 1, "b", 1), miner((3, 0), 1, "a", 5)]), START + 250);
    let now = START + 301;
    let minutes = [(0, 100, 10), (60, 20, 2), (120, 0, 0), (180, 0, 0), (240, 50, 5)];
    assert_eq!(shown(&history, &worker(1, "a"), Step::Minute, now), minutes);
    assert_eq!(shown(&history, &worker(1, "a"), Step::Hour, now), [(0, 34, 17)], "by the time that has passed of it");
    assert_eq!(shown(&history, &worker(1, "a"), Step::Day, START + 86_400), [(0, 0, 17)]);
    let of_address = shown(&history, &Subject::Script(testing::script(1)), Step::Minute, now);
    assert_eq!(of_address[0], (0, 110, 11), "workers are added up");
    assert_eq!(shown(&history, &Subject::Named("b".to_owned()), Step::Minute, now)[0], (0, 10, 1));
    assert_eq!(history.points(&worker(2, "a"), Step::Minute, 9, now), None);
    assert_eq!(history.points(&worker(1, "a"), Step::Minute, 2, now).unwrap().len(), 2);
    assert_eq!(history.scripts(), [testing::script(1)]);
}

#[test]
fn refused_submits_are_counted_by_reason_and_make_nobody_known() {
    let history = |accepted| {
        let mut history = History::default();
        let mut stratum = seen(vec![miner((1, 0), 1, "a", accepted)]);
        let bytes: [u64; 6] = [0, 7, 0, 0, 0, 0];
        stratum.rejects = stratum::server::Rejects::from(bytes);
        stratum.miners[0].rejects = stratum.rejects;
        history.on_snapshot(&stratum, START);
        history
    };
    let refused = history(0);
    assert_eq!(refused.points(&worker(1, "a"), Step::Minute, 9, START + 60), None);
    assert_eq!(refused.points(&Subject::Node, Step::Minute, 9, START + 60).unwrap()[0].rejects, [0, 7, 0, 0, 0, 0]);
    let working = history(1).points(&worker(1, "a"), Step::Minute, 9, START + 60).unwrap();
    assert_eq!(working[0].rejects, [0, 7, 0, 0, 0, 0]);
}

#[test]
fn names_that_cost_nothing_do_not_push_out_those_who_work() {
    let mut history = History::default();
    history.on_snapshot(&seen(vec![miner((0, 0), 1, "honest", 100)]), START);
    for number in 1..=u64::try_from(WORKERS_MAX).unwrap() * 2 {
        history.on_snapshot(&seen(vec![miner((number, 0), 2, &format!("w{number}"), 1)]), START);
    }
    assert!(history.workers.len() <= WORKERS_MAX);
    assert!(history.points(&worker(1, "honest"), Step::Minute, 9, START + 60).is_some());
}

#[test]
fn time_is_bounded_and_old_workers_are_forgotten() {
    let mut history = History::default();
    for minute in 1..=5_000 {
        history.on_snapshot(&seen(vec![miner((1, 0), 1, "a", minute)]), START + minute * 60);
    }
    let now = START + 5_001 * 60;
    for step in Step::ALL {
        assert!(history.points(&Subject::Node, step, 9_999, now).unwrap().len() <= limits::node_points_max(step));
    }
    assert_eq!(history.points(&worker(1, "a"), Step::Minute, 9_999, now).unwrap().len(), 60);
    history.forget_old(now + 59 * 86_400);
    assert_eq!(history.scripts().len(), 1);
    history.forget_old(now + 62 * 86_400);
    assert!(history.scripts().is_empty());
}

#[test]
fn the_file_survives_and_a_damaged_one_is_found_out() {
    let mut history = History::default();
    history.on_snapshot(&seen(vec![miner((1, 0), 1, "a", 10), miner((2, 0), 2, "b", 1)]), START + 30);
    let (file, now) = (history.encode(), START + 600);
    let read = History::decode(&file, now).unwrap();
    for subject in [Subject::Node, worker(1, "a"), worker(2, "b")] {
        assert_eq!(shown(&read, &subject, Step::Minute, now), shown(&history, &subject, Step::Minute, now));
    }
    for bit in 0..file.len() * 8 {
        let mut damaged = file.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(History::decode(&damaged, now).is_none(), "bit {bit}");
    }
    assert!(History::decode(&file, START - 2 * 86_400).is_none(), "it is of the future");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.hashrate");
    assert!(super::read(&path).unwrap().workers.is_empty());
    std::fs::write(&path, &file[1..]).unwrap();
    assert_eq!(super::read(&path).unwrap_err().kind(), io::ErrorKind::InvalidData);
}
