//! Who mines here and how fast: sums of what connections report. Pure; the registry owns it and knows the time.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use sharechain::PayoutScript;

use super::{
    SessionId,
    tally::{Rejects, Tally},
};
use crate::{
    hashrate::HashrateMeter,
    lane::{LaneId, LaneScripts},
    miner::Rates,
    username::Username,
};

/// Averaging time of shown hash rates.
const HASHRATE_TAU: Duration = Duration::from_secs(300);
/// Averaging time of the rates that set share difficulty: a rental must not mine at base for minutes (attack M12).
const SHARE_RATE_TAU: Duration = Duration::from_secs(60);
/// A payout script whose rate fell below this, in hashes per second, is forgotten.
const RATE_FORGOTTEN: f64 = 1e-3;

/// What a connection speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Protocol {
    V1,
    V2,
}

/// One worker of a connection.
#[derive(Clone, Debug)]
pub struct MinerSnapshot {
    /// Number of its connection, and its own number there: no other worker has both while the node runs and it stays.
    pub id: (u64, usize),
    /// Whom its work is credited to on its lane.
    pub script: PayoutScript,
    /// The lane it is on.
    pub lane: LaneId,
    /// Whom its work is credited to on each lane.
    pub scripts: LaneScripts,
    /// The lane that it asked for.
    pub pin: Option<LaneId>,
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
    /// Expected hashes of all of them.
    pub hashes: f64,
    /// Those of the newest.
    pub hashes_last: f64,
    /// Seconds since the newest, to the second; `None` before the first.
    pub accepted_ago_secs: Option<u64>,
    /// Submits that were refused as stale.
    pub stale: u64,
    /// Submits that were refused for another reason.
    pub rejected: u64,
    /// All refused ones by reason.
    pub rejects: Rejects,
}

/// All connections.
#[derive(Clone, Debug, Default)]
pub struct StratumSnapshot {
    /// Authorized workers.
    pub miners: Vec<MinerSnapshot>,
    /// Connections, authorized or not.
    pub connections: usize,
    /// Those of them that speak Stratum V2.
    pub connections_v2: usize,
    /// Hashes per second of all of them.
    pub hashrate: f64,
    /// Submits accepted since the start.
    pub accepted: u64,
    /// Expected hashes of all of them.
    pub hashes: f64,
    /// Submits refused as stale since the start.
    pub stale: u64,
    /// Submits refused for another reason since the start.
    pub rejected: u64,
    /// All refused ones by reason.
    pub rejects: Rejects,
    /// Addresses that are banned.
    pub banned: usize,
    /// The same by lane, in the order of the configuration.
    pub lanes: Vec<LaneSnapshot>,
}

/// What is mined on one lane.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LaneSnapshot {
    /// Workers that are on it.
    pub workers: usize,
    /// Hashes per second of them.
    pub hashrate: f64,
    /// Submits accepted since the start.
    pub accepted: u64,
    /// Expected hashes of all of them.
    pub hashes: f64,
    /// Submits refused as stale since the start.
    pub stale: u64,
}

impl StratumSnapshot {
    /// What of it is on one lane. Connections, refusals and bans are of the whole endpoint.
    #[must_use]
    pub fn on(&self, lane: LaneId) -> Self {
        let LaneSnapshot { hashrate, accepted, hashes, .. } = self.lanes.get(lane.place()).copied().unwrap_or_default();
        let miners = self.miners.iter().filter(|miner| miner.lane == lane).cloned().collect();
        Self { miners, hashrate, accepted, hashes, ..self.clone() }
    }
}

#[derive(Debug, Default)]
struct Account {
    is_v2: bool,
    agent: String,
    lane: LaneId,
    /// `None` for a number that is free again.
    workers: Vec<Option<Worker>>,
}

#[derive(Debug)]
struct Worker {
    username: Username,
    since: Instant,
    meter: HashrateMeter,
    accepted: u64,
    hashes: f64,
    hashes_last: f64,
    accepted_at: Option<Instant>,
    rejects: Rejects,
}

impl Worker {
    fn new(username: Username, now: Instant) -> Self {
        Self {
            username,
            since: now,
            meter: HashrateMeter::new(HASHRATE_TAU, now),
            accepted: 0,
            hashes: 0.0,
            hashes_last: 0.0,
            accepted_at: None,
            rejects: Rejects::default(),
        }
    }

    /// `None` never: who cannot be paid is not authorized.
    fn snapshot(&self, id: (u64, usize), account: &Account, now: Instant) -> Option<MinerSnapshot> {
        let ago = |at| now.saturating_duration_since(at).as_secs();
        Some(MinerSnapshot {
            id,
            script: self.username.scripts.on_or_any(account.lane)?,
            lane: account.lane,
            scripts: self.username.scripts.clone(),
            pin: self.username.pin,
            worker: self.username.worker.clone(),
            agent: account.agent.clone(),
            hashrate: self.meter.rate(now),
            connected_secs: ago(self.since),
            accepted: self.accepted,
            hashes: self.hashes,
            hashes_last: self.hashes_last,
            accepted_ago_secs: self.accepted_at.map(ago),
            stale: self.rejects.stale(),
            rejected: self.rejects.faulty(),
            rejects: self.rejects,
        })
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    sessions: BTreeMap<SessionId, Account>,
    scripts: BTreeMap<(LaneId, PayoutScript), HashrateMeter>,
    /// What was done by lane; who is on it and how fast is counted when it is asked for.
    lanes: Vec<LaneSnapshot>,
    accepted: u64,
    hashes: f64,
    rejects: Rejects,
}

impl Accounts {
    /// Nobody is here yet, on so many lanes.
    pub(super) fn new(lanes: usize) -> Self {
        Self { lanes: vec![LaneSnapshot::default(); lanes], ..Self::default() }
    }

    pub(super) fn open(&mut self, id: SessionId, protocol: Protocol) {
        self.sessions.insert(id, Account { is_v2: protocol == Protocol::V2, ..Account::default() });
    }

    pub(super) fn close(&mut self, id: SessionId) {
        self.sessions.remove(&id);
    }

    pub(super) fn name(&mut self, id: SessionId, agent: String) {
        if let Some(account) = self.sessions.get_mut(&id) {
            account.agent = agent;
        }
    }

    /// The connection's miners are on another lane now.
    pub(super) fn move_to(&mut self, id: SessionId, lane: LaneId) {
        if let Some(account) = self.sessions.get_mut(&id) {
            account.lane = lane;
        }
    }

    /// A connection has one more worker, with the lowest number that is free.
    pub(super) fn authorize(&mut self, id: SessionId, username: Username, now: Instant) {
        let Some(account) = self.sessions.get_mut(&id) else { return };
        let worker = Some(Worker::new(username, now));
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
        for done in &tally.workers {
            self.rejects.add(&done.rejects);
            if let Some(lane) = self.lanes.get_mut(tally.lane.place()) {
                lane.stale = lane.stale.saturating_add(done.rejects.stale());
            }
        }
        let new_meter = || HashrateMeter::new(SHARE_RATE_TAU, now);
        let workers = account.workers.iter_mut().zip(&tally.workers);
        for (worker, done) in workers.filter_map(|(worker, done)| Some((worker.as_mut()?, done))) {
            worker.rejects.add(&done.rejects);
            if done.accepted == 0 {
                continue;
            }
            worker.accepted = worker.accepted.saturating_add(done.accepted);
            worker.hashes += done.hashes;
            (worker.hashes_last, worker.accepted_at) = (done.hashes_last, Some(now));
            worker.meter.add(done.hashes, now);
            self.accepted = self.accepted.saturating_add(done.accepted);
            self.hashes += done.hashes;
            if let Some(lane) = self.lanes.get_mut(tally.lane.place()) {
                lane.accepted = lane.accepted.saturating_add(done.accepted);
                lane.hashes += done.hashes;
            }
            let since = worker.since;
            let Some(script) = worker.username.scripts.on(tally.lane) else { continue };
            let own = self.scripts.entry((tally.lane, script));
            own.or_insert_with(|| HashrateMeter::new(SHARE_RATE_TAU, since)).add(done.hashes - done.fee_hashes, now);
            if let Some(script) = fee_script.filter(|_| done.fee_hashes > 0.0) {
                self.scripts.entry((tally.lane, script)).or_insert_with(new_meter).add(done.fee_hashes, now);
            }
        }
    }

    pub(super) fn snapshot(&self, banned: usize, now: Instant) -> StratumSnapshot {
        let of_session = |(session, account): (&SessionId, &Account)| {
            let workers = account.workers.iter().enumerate();
            let present = workers.filter_map(|(number, worker)| Some((number, worker.as_ref()?)));
            let shown = present.filter_map(|(number, worker)| worker.snapshot((session.0, number), account, now));
            shown.collect::<Vec<_>>()
        };
        let miners: Vec<MinerSnapshot> = self.sessions.iter().flat_map(of_session).collect();
        let mut lanes = self.lanes.clone();
        for miner in &miners {
            if let Some(lane) = lanes.get_mut(miner.lane.place()) {
                lane.workers = lane.workers.saturating_add(1);
                lane.hashrate += miner.hashrate;
            }
        }
        StratumSnapshot {
            // The sum of nothing would be -0.
            hashrate: miners.iter().fold(0.0, |sum, miner| sum + miner.hashrate),
            miners,
            connections: self.sessions.len(),
            connections_v2: self.sessions.values().filter(|account| account.is_v2).count(),
            accepted: self.accepted,
            hashes: self.hashes,
            stale: self.rejects.stale(),
            rejected: self.rejects.faulty(),
            rejects: self.rejects,
            banned,
            lanes,
        }
    }

    pub(super) fn rates(&mut self, now: Instant) -> Arc<Rates> {
        self.scripts.retain(|_, meter| meter.rate(now) > RATE_FORGOTTEN);
        Arc::new(self.scripts.iter().map(|(key, meter)| (*key, meter.rate(now))).collect())
    }
}

#[cfg(test)]
mod tests {
    use sharechain::testing;

    use super::*;
    use crate::error::RejectReason;

    fn username(tag: u64, worker: &str) -> Username {
        Username {
            scripts: [Some(testing::script(tag))].into_iter().collect(),
            worker: worker.to_owned(),
            is_nameless: false,
            pin: None,
        }
    }

    #[test]
    fn work_is_counted_for_its_worker_and_for_whom_it_is_credited_to() {
        let start = Instant::now();
        let (mut accounts, id) = (Accounts::new(1), SessionId(1));
        accounts.open(id, Protocol::V1);
        accounts.name(id, "cpuminer".to_owned());
        for worker in ["a", "b"] {
            accounts.authorize(id, username(1, worker), start);
        }
        for second in 1..=600 {
            let mut tally = Tally::default();
            tally.accept(1, 90.0, false);
            tally.accept(1, 10.0, true);
            if second == 600 {
                tally.refuse(1, RejectReason::Stale);
                tally.refuse(1, RejectReason::Duplicate);
            }
            accounts.add(id, &tally, Some(testing::script(9)), start + Duration::from_secs(second));
        }
        let now = start + Duration::from_secs(600);
        let snapshot = accounts.snapshot(0, now);
        let shown: Vec<_> = snapshot.miners.iter().map(|miner| (miner.worker.as_str(), miner.accepted)).collect();
        assert_eq!(shown, [("a", 0), ("b", 1_200)]);
        assert!((snapshot.hashrate / 100.0 - 1.0).abs() < 0.02, "{}", snapshot.hashrate);
        assert_eq!((snapshot.connections, snapshot.accepted, snapshot.stale, snapshot.rejected), (1, 1_200, 1, 1));
        assert_eq!(snapshot.rejects.of(RejectReason::Duplicate), 1);
        let miner = &snapshot.miners[1];
        assert_eq!(
            (miner.id, miner.stale, miner.rejects, miner.accepted_ago_secs),
            ((1, 1), 1, snapshot.rejects, Some(0))
        );
        assert!((miner.hashes - 60_000.0).abs() < 0.1 && (miner.hashes_last - 10.0).abs() < 0.1);
        let rates = accounts.rates(now);
        assert!((rates[&(LaneId::FIRST, testing::script(1))] / 90.0 - 1.0).abs() < 0.02);
        assert!((rates[&(LaneId::FIRST, testing::script(9))] / 10.0 - 1.0).abs() < 0.02);
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
