//! Who mines here and how fast: one task adds up what connections report and publishes snapshots.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use sharechain::PayoutScript;
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::Rates;
use crate::{hashrate::HashrateMeter, session::Judged, username::Username};

/// Averaging time of shown hash rates.
const HASHRATE_TAU: Duration = Duration::from_secs(300);
/// Averaging time of the rates that set share difficulty: a rental must not mine at base for minutes (attack M12).
const SHARE_RATE_TAU: Duration = Duration::from_secs(60);
/// How often snapshots are published.
const PUBLISH_INTERVAL: Duration = Duration::from_secs(1);
/// A payout script whose rate fell below this, in hashes per second, is forgotten.
const RATE_FORGOTTEN: f64 = 1e-3;

/// A connection's number, unique while it is open.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct SessionId(pub(super) u32);

/// What a connection reports.
#[derive(Debug)]
pub(super) enum Event {
    Opened { id: SessionId },
    Authorized { id: SessionId, username: Username, agent: String },
    Judged { id: SessionId, judged: Judged },
    Closed { id: SessionId },
}

/// One authorized connection.
#[derive(Clone, Debug)]
pub struct MinerSnapshot {
    /// Whom its work is credited to.
    pub script: PayoutScript,
    /// Its worker name.
    pub worker: String,
    /// What it calls itself.
    pub agent: String,
    /// Hashes per second.
    pub hashrate: f64,
    /// Seconds since it connected.
    pub connected_secs: u64,
    /// Accepted submits.
    pub accepted: u64,
    /// Submits refused as stale.
    pub stale: u64,
    /// Submits refused for another reason.
    pub rejected: u64,
}

/// All connections.
#[derive(Clone, Debug, Default)]
pub struct StratumSnapshot {
    /// Authorized connections.
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
}

#[derive(Debug)]
struct Miner {
    opened: Instant,
    username: Option<Username>,
    agent: String,
    meter: HashrateMeter,
    accepted: u64,
    stale: u64,
    rejected: u64,
}

#[derive(Debug, Default)]
struct Accounts {
    miners: BTreeMap<SessionId, Miner>,
    scripts: BTreeMap<PayoutScript, HashrateMeter>,
    accepted: u64,
    stale: u64,
    rejected: u64,
}

pub(super) async fn run(
    mut events: mpsc::Receiver<Event>,
    snapshots: watch::Sender<Arc<StratumSnapshot>>,
    rates: watch::Sender<Rates>,
    token: CancellationToken,
) {
    let mut accounts = Accounts::default();
    let mut publish = interval(PUBLISH_INTERVAL);
    publish.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = token.cancelled() => return,
            _ = publish.tick() => {
                let now = Instant::now();
                snapshots.send_replace(Arc::new(accounts.snapshot(now)));
                rates.send_replace(accounts.rates(now));
            }
            event = events.recv() => match event {
                Some(event) => accounts.handle(event, Instant::now()),
                None => return,
            },
        }
    }
}

impl Accounts {
    fn handle(&mut self, event: Event, now: Instant) {
        match event {
            Event::Opened { id } => {
                let meter = HashrateMeter::new(HASHRATE_TAU, now);
                let miner = Miner {
                    opened: now,
                    username: None,
                    agent: String::new(),
                    meter,
                    accepted: 0,
                    stale: 0,
                    rejected: 0,
                };
                self.miners.insert(id, miner);
            }
            Event::Authorized { id, username, agent } => {
                if let Some(miner) = self.miners.get_mut(&id) {
                    miner.username.get_or_insert(username);
                    miner.agent = agent;
                }
            }
            Event::Judged { id, judged } => self.judged(id, judged, now),
            Event::Closed { id } => {
                self.miners.remove(&id);
            }
        }
    }

    fn judged(&mut self, id: SessionId, judged: Judged, now: Instant) {
        let Some(miner) = self.miners.get_mut(&id) else { return };
        match judged {
            Judged::Accepted { hashes } => {
                miner.accepted = miner.accepted.saturating_add(1);
                self.accepted = self.accepted.saturating_add(1);
                miner.meter.add(hashes, now);
                if let Some(username) = &miner.username {
                    let meter = self.scripts.entry(username.script);
                    meter.or_insert_with(|| HashrateMeter::new(SHARE_RATE_TAU, miner.opened)).add(hashes, now);
                }
            }
            Judged::Stale => {
                miner.stale = miner.stale.saturating_add(1);
                self.stale = self.stale.saturating_add(1);
            }
            Judged::Rejected => {
                miner.rejected = miner.rejected.saturating_add(1);
                self.rejected = self.rejected.saturating_add(1);
            }
        }
    }

    fn snapshot(&self, now: Instant) -> StratumSnapshot {
        let miners: Vec<MinerSnapshot> = self
            .miners
            .values()
            .filter_map(|miner| {
                let username = miner.username.clone()?;
                Some(MinerSnapshot {
                    script: username.script,
                    worker: username.worker,
                    agent: miner.agent.clone(),
                    hashrate: miner.meter.rate(now),
                    connected_secs: now.saturating_duration_since(miner.opened).as_secs(),
                    accepted: miner.accepted,
                    stale: miner.stale,
                    rejected: miner.rejected,
                })
            })
            .collect();
        StratumSnapshot {
            // The sum of nothing would be -0.
            hashrate: miners.iter().fold(0.0, |sum, miner| sum + miner.hashrate),
            miners,
            connections: self.miners.len(),
            accepted: self.accepted,
            stale: self.stale,
            rejected: self.rejected,
        }
    }

    fn rates(&mut self, now: Instant) -> Rates {
        self.scripts.retain(|_, meter| meter.rate(now) > RATE_FORGOTTEN);
        Arc::new(self.scripts.iter().map(|(script, meter)| (*script, meter.rate(now))).collect())
    }
}
