//! The history as a state machine: what miners' counters grew by goes to the node's series and to their worker's. Pure.

use std::collections::BTreeMap;

use sharechain::{PayoutScript, UnixTime};
use stratum::{
    error::RejectReason,
    server::{MinerSnapshot, Rejects, StratumSnapshot},
};

use super::{
    Point, Step,
    limits::{WORKERS_MAX, node_points_max, worker_points_max},
    series::{Done, Series},
};

/// Whose history.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Subject {
    /// All miners together.
    Node,
    /// Workers of this name, whomever they mine for.
    Named(String),
    /// All workers that mine for this script.
    Script(PayoutScript),
    /// One worker.
    Worker(PayoutScript, String),
}

/// See the module.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct History {
    pub(super) node: Series,
    pub(super) workers: BTreeMap<(PayoutScript, String), Series>,
    /// Counters of the present connections when they were last looked at, in their order.
    counted: Vec<((u64, usize), Done)>,
    /// The same of the whole endpoint.
    counted_all: Done,
}

impl History {
    /// A history that a file holds.
    pub(super) fn of(node: Series, workers: BTreeMap<(PayoutScript, String), Series>) -> Self {
        Self { node, workers, ..Self::default() }
    }

    /// Takes what miners did since the last time.
    pub fn on_snapshot(&mut self, seen: &StratumSnapshot, now: UnixTime) {
        let all = Done { hashes: seen.hashes, accepted: seen.accepted, rejects: by_reason(&seen.rejects) };
        let done = all.since(&self.counted_all);
        self.counted_all = all;
        if !done.is_nothing() {
            self.node.add(&done, now, node_points_max);
        }
        let before = std::mem::take(&mut self.counted);
        let mut before = before.into_iter().peekable();
        for miner in &seen.miners {
            // Both are in the order of their ids; those that are gone are passed over.
            while before.next_if(|(id, _)| *id < miner.id).is_some() {}
            let last = before.next_if(|(id, _)| *id == miner.id).map(|(_, last)| last).unwrap_or_default();
            let counters = counters(miner);
            self.counted.push((miner.id, counters));
            let done = counters.since(&last);
            if !done.is_nothing() {
                self.add(miner, &done, now);
            }
        }
    }

    fn add(&mut self, miner: &MinerSnapshot, done: &Done, now: UnixTime) {
        let key = (miner.script, miner.worker.clone());
        if let Some(series) = self.workers.get_mut(&key) {
            return series.add(done, now, worker_points_max);
        }
        // Whoever only has submits refused is none to remember.
        if done.accepted == 0 {
            return;
        }
        if self.workers.len() >= WORKERS_MAX {
            self.forget_least();
        }
        self.workers.entry(key).or_default().add(done, now, worker_points_max);
    }

    /// Makes room for many at once: looking through all of them for each newcomer would cost an attacker nothing.
    fn forget_least(&mut self) {
        let mut worth: Vec<_> = self.workers.iter().map(|(key, series)| (series.hashes(), key.clone())).collect();
        worth.sort_by(|one, other| one.0.total_cmp(&other.0));
        for (_, key) in worth.into_iter().take(WORKERS_MAX / 16 + 1) {
            self.workers.remove(&key);
        }
    }

    /// Forgets workers of which nothing is shown any more.
    pub(super) fn forget_old(&mut self, now: UnixTime) {
        let kept = u64::try_from(worker_points_max(Step::Day)).unwrap_or(u64::MAX);
        let oldest = (now / Step::Day.secs()).saturating_sub(kept);
        self.workers.retain(|_, series| u64::from(series.last_day()) >= oldest);
    }

    /// The last points of a subject, oldest first, zeros included; `None` when nothing is known of it.
    pub fn points(&self, subject: &Subject, step: Step, len_max: usize, now: UnixTime) -> Option<Vec<Point>> {
        let is_one = |(script, name): &(PayoutScript, String)| match subject {
            Subject::Node => false,
            Subject::Named(wanted) => name == wanted,
            Subject::Script(wanted) => script == wanted,
            Subject::Worker(wanted, of) => script == wanted && name == of,
        };
        if *subject == Subject::Node {
            return Some(self.node.points(step, len_max.min(node_points_max(step)), now));
        }
        let len_max = len_max.min(worker_points_max(step));
        let of_one = self.workers.iter().filter(|(key, _)| is_one(key));
        of_one.map(|(_, series)| series.points(step, len_max, now)).reduce(sum)
    }

    /// Whom the workers mine for.
    pub fn scripts(&self) -> Vec<PayoutScript> {
        let mut scripts: Vec<_> = self.workers.keys().map(|(script, _)| *script).collect();
        scripts.dedup();
        scripts
    }
}

/// Two rows that end at the same slot.
fn sum(one: Vec<Point>, other: Vec<Point>) -> Vec<Point> {
    let (mut long, short) = if one.len() >= other.len() { (one, other) } else { (other, one) };
    for (sum, point) in long.iter_mut().rev().zip(short.iter().rev()) {
        sum.hashrate += point.hashrate;
        sum.accepted = sum.accepted.saturating_add(point.accepted);
        for (count, more) in sum.rejects.iter_mut().zip(point.rejects) {
            *count = count.saturating_add(more);
        }
    }
    long
}

fn counters(miner: &MinerSnapshot) -> Done {
    Done { hashes: miner.hashes, accepted: miner.accepted, rejects: by_reason(&miner.rejects) }
}

fn by_reason(rejects: &Rejects) -> [u64; RejectReason::ALL.len()] {
    RejectReason::ALL.map(|reason| rejects.of(reason))
}
