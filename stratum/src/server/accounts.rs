//! Who mines here and how fast: sums of what connections report. Pure; the registry owns it and knows the time.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use sharechain::PayoutScript;

use super::SessionId;
use crate::{hashrate::HashrateMeter, miner::Rates, username::Username};

/// Averaging time of shown hash rates.
const HASHRATE_TAU: Duration = Duration::from_secs(300);
/// Averaging time of the rates that set share difficulty: a rental must not mine at base for minutes (attack M12).
const SHARE_RATE_TAU: Duration = Duration::from_secs(60);
/// A payout script whose rate fell below this, in hashes per second, is forgotten.
const RATE_FORGOTTEN: f64 = 1e-3;

/// What one connection did since its last report.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Tally {
    /// By number of the worker.
    pub(crate) workers: Vec<WorkerTally>,
    pub(crate) stale: u64,
    pub(crate) rejected: u64,
}

/// What one worker did since the last report of its connection.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct WorkerTally {
    pub(crate) accepted: u64,
    /// Hashes of all accepted submits.
    pub(crate) hashes: f64,
    /// Those of them that are credited to the operator.
    pub(crate) fee_hashes: f64,
}

/// One worker of a connection.
#[derive(Clone, Debug)]
pub struct MinerSnapshot {
    /// Whom its work is credited to.
    pub script: PayoutScript,
    /// Its worker name.
    pub worker: String,
    /// What its client calls itself.
    pub agent: String,
    /// Hashes per second.
    pub hashrate: f64,
    /// Seconds since it was authorized.
    pub connected_secs: u64,
    /// Accepted submits.
    pub accepted: u64,
    /// Submits of its connection that were refused as stale.
    pub stale: u64,
    /// Submits of its connection that were refused for another reason.
    pub rejected: u64,
}

/// All connections.
#[derive(Clone, Debug, Default)]
pub struct StratumSnapshot {
    /// Authorized workers.
    pub miners: Vec<MinerSnapshot>,
    /// Connections, authorized or not.
    pub connections: usize,
    /// Hashes per second of all of them.
    pub hashrate: f64,
    /// Submits accepted since the start.
    pub accepted: u64,
    /// Submits refused as stale since the start.
    pub stale: u64,
    /// Submits refused for another reason since the start.
    pub rejected: u64,
    /// Addresses that are banned.
    pub banned: usize,
}

#[derive(Debug, Default)]
struct Account {
    agent: String,
    /// `None` for a number that is free again.
    workers: Vec<Option<Worker>>,
    stale: u64,
    rejected: u64,
}

#[derive(Debug)]
struct Worker {
    username: Username,
    since: Instant,
    meter: HashrateMeter,
    accepted: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    sessions: BTreeMap<SessionId, Account>,
    scripts: BTreeMap<PayoutScript, HashrateMeter>,
    accepted: u64,
    stale: u64,
    rejected: u64,
}

impl Accounts {
    pub(super) fn open(&mut self, id: SessionId) {
        self.sessions.insert(id, Account::default());
    }

    pub(super) fn close(&mut self, id: SessionId) {
        self.sessions.remove(&id);
    }

    pub(super) fn name(&mut self, id: SessionId, agent: String) {
        if let Some(account) = self.sessions.get_mut(&id) {
            account.agent = agent;
        }
    }

    /// A connection has one more worker, with the lowest number that is free.
    pub(super) fn authorize(&mut self, id: SessionId, username: Username, now: Instant) {
        let Some(account) = self.sessions.get_mut(&id) else { return };
        let meter = HashrateMeter::new(HASHRATE_TAU, now);
        let worker = Some(Worker { username, since: now, meter, accepted: 0 });
        match account.workers.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = worker,
            None => account.workers.push(worker),
        }
    }

    /// A worker is gone, though its connection is not.
    pub(super) fn leave(&mut self, id: SessionId, worker: usize) {
        let account = self.sessions.get_mut(&id);
        if let Some(place) = account.and_then(|account| account.workers.get_mut(worker)) {
            *place = None;
        }
    }

    /// Adds what a connection did. `fee_script` is credited with the operator's part.
    pub(super) fn add(&mut self, id: SessionId, tally: &Tally, fee_script: Option<PayoutScript>, now: Instant) {
        let Some(account) = self.sessions.get_mut(&id) else { return };
        account.stale = account.stale.saturating_add(tally.stale);
        account.rejected = account.rejected.saturating_add(tally.rejected);
        self.stale = self.stale.saturating_add(tally.stale);
        self.rejected = self.rejected.saturating_add(tally.rejected);
        let new_meter = || HashrateMeter::new(SHARE_RATE_TAU, now);
        let workers = account.workers.iter_mut().zip(&tally.workers);
        for (worker, done) in workers.filter_map(|(worker, done)| Some((worker.as_mut()?, done))) {
            worker.accepted = worker.accepted.saturating_add(done.accepted);
            worker.meter.add(done.hashes, now);
            self.accepted = self.accepted.saturating_add(done.accepted);
            let since = worker.since;
            let own = self.scripts.entry(worker.username.script);
            own.or_insert_with(|| HashrateMeter::new(SHARE_RATE_TAU, since)).add(done.hashes - done.fee_hashes, now);
            if let Some(script) = fee_script.filter(|_| done.fee_hashes > 0.0) {
                self.scripts.entry(script).or_insert_with(new_meter).add(done.fee_hashes, now);
            }
        }
    }

    pub(super) fn snapshot(&self, banned: usize, now: Instant) -> StratumSnapshot {
        let workers = self
            .sessions
            .values()
            .flat_map(|account| account.workers.iter().flatten().map(move |worker| (account, worker)));
        let miners: Vec<MinerSnapshot> = workers
            .map(|(account, worker)| MinerSnapshot {
                script: worker.username.script,
                worker: worker.username.worker.clone(),
                agent: account.agent.clone(),
                hashrate: worker.meter.rate(now),
                connected_secs: now.saturating_duration_since(worker.since).as_secs(),
                accepted: worker.accepted,
                stale: account.stale,
                rejected: account.rejected,
            })
            .collect();
        StratumSnapshot {
            // The sum of nothing would be -0.
            hashrate: miners.iter().fold(0.0, |sum, miner| sum + miner.hashrate),
            miners,
            connections: self.sessions.len(),
            accepted: self.accepted,
            stale: self.stale,
            rejected: self.rejected,
            banned,
        }
    }

    pub(super) fn rates(&mut self, now: Instant) -> Arc<Rates> {
        self.scripts.retain(|_, meter| meter.rate(now) > RATE_FORGOTTEN);
        Arc::new(self.scripts.iter().map(|(script, meter)| (*script, meter.rate(now))).collect())
    }
}

impl Tally {
    /// Counts an accepted submit.
    pub(crate) fn accept(&mut self, worker: usize, hashes: f64, is_fee: bool) {
        if self.workers.len() <= worker {
            self.workers.resize(worker.saturating_add(1), WorkerTally::default());
        }
        if let Some(tally) = self.workers.get_mut(worker) {
            tally.accepted = tally.accepted.saturating_add(1);
            tally.hashes += hashes;
            tally.fee_hashes += if is_fee { hashes } else { 0.0 };
        }
    }

    /// Accepted submits of all workers.
    pub(crate) fn accepted(&self) -> u64 {
        self.workers.iter().fold(0, |sum, worker| sum.saturating_add(worker.accepted))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.stale == 0 && self.rejected == 0 && self.workers.iter().all(|worker| worker.accepted == 0)
    }
}

#[cfg(test)]
mod tests {
    use sharechain::testing;

    use super::*;

    fn username(tag: u64, worker: &str) -> Username {
        Username { script: testing::script(tag), worker: worker.to_owned(), is_nameless: false }
    }

    #[test]
    fn work_is_counted_for_its_worker_and_for_whom_it_is_credited_to() {
        let start = Instant::now();
        let (mut accounts, id) = (Accounts::default(), SessionId(1));
        accounts.open(id);
        accounts.name(id, "cpuminer".to_owned());
        for worker in ["a", "b"] {
            accounts.authorize(id, username(1, worker), start);
        }
        for second in 1..=600 {
            let mut tally = Tally::default();
            tally.accept(1, 90.0, false);
            tally.accept(1, 10.0, true);
            tally.stale = u64::from(second == 600);
            accounts.add(id, &tally, Some(testing::script(9)), start + Duration::from_secs(second));
        }
        let now = start + Duration::from_secs(600);
        let snapshot = accounts.snapshot(0, now);
        let shown: Vec<_> = snapshot.miners.iter().map(|miner| (miner.worker.as_str(), miner.accepted)).collect();
        assert_eq!(shown, [("a", 0), ("b", 1_200)]);
        assert!((snapshot.hashrate / 100.0 - 1.0).abs() < 0.02, "{}", snapshot.hashrate);
        assert_eq!((snapshot.connections, snapshot.accepted, snapshot.stale), (1, 1_200, 1));
        let rates = accounts.rates(now);
        assert!((rates[&testing::script(1)] / 90.0 - 1.0).abs() < 0.02);
        assert!((rates[&testing::script(9)] / 10.0 - 1.0).abs() < 0.02);
        accounts.leave(id, 0);
        accounts.authorize(id, username(1, "c"), now);
        accounts.authorize(id, username(1, "d"), now);
        let shown: Vec<_> = accounts.snapshot(0, now).miners.into_iter().map(|miner| miner.worker).collect();
        assert_eq!(shown, ["c", "b", "d"], "a number that is free is given again");
        accounts.close(id);
        assert_eq!(accounts.snapshot(0, now).connections, 0);
        assert!(accounts.rates(now + Duration::from_secs(3_600)).is_empty());
    }
}
