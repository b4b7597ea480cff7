//! What connections of both protocols share: their link to the registry, which counts, and to the node, which stores.

use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::oneshot,
    time::{Sleep, sleep_until, timeout},
};
use tracing::warn;

use super::{
    FoundShare, SessionId,
    connection::{Ended, Shared},
    registry::Event,
    tally::Tally,
};
use crate::{
    extranonce::EXTRANONCE1_LEN, guard::Conduct, limits::STORE_TIMEOUT, session::Judged, submit::Found,
    username::Username,
};

/// Time between two reports to the registry while something is done.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// What the node says of a share: stored, or why not.
pub(crate) type Stored = oneshot::Receiver<Result<(), String>>;

/// See the module.
pub(crate) struct Link {
    pub(crate) shared: Arc<Shared>,
    id: SessionId,
    tally: Tally,
    /// Names of the workers by their number; numbers of those that left are given again.
    workers: Vec<Option<String>>,
    /// When the tally is reported, if there is one.
    report_at: Option<Instant>,
}

impl Link {
    pub(crate) fn new(shared: Arc<Shared>, id: SessionId) -> Self {
        Self { shared, id, tally: Tally::default(), workers: Vec::new(), report_at: None }
    }

    pub(crate) const fn id(&self) -> SessionId {
        self.id
    }

    /// Tells the registry, which ends only with the node.
    pub(crate) async fn tell(&self, event: Event) {
        drop(self.shared.events.send(event).await);
    }

    /// Tells of conduct, and before it of what was done: good work counts for the address.
    pub(crate) async fn tell_conduct(&mut self, conduct: Conduct) {
        self.report().await;
        self.tell(Event::Misbehaved { id: self.id, conduct }).await;
    }

    /// Tells of one more worker, which takes the lowest number that is free.
    pub(crate) async fn authorized(&mut self, username: Username) {
        let name = Some(username.worker.clone());
        match self.workers.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = name,
            None => self.workers.push(name),
        }
        self.tell(Event::Authorized { id: self.id, username }).await;
    }

    /// Tells of a worker that is gone, though its connection is not.
    pub(crate) async fn left(&mut self, worker: usize, extranonce1: [u8; EXTRANONCE1_LEN]) {
        if let Some(place) = self.workers.get_mut(worker) {
            *place = None;
        }
        self.tell(Event::Left { id: self.id, worker, extranonce1 }).await;
    }

    /// Times what was read, if it was a submit.
    pub(crate) fn time_submit(&self, since: Instant, was_submit: impl FnOnce() -> bool) {
        if was_submit() {
            self.shared.timings.submit.observe(since.elapsed());
        }
    }

    /// Counts a submit; the registry hears of it with the next report.
    pub(crate) async fn count(&mut self, judged: Judged) {
        match judged {
            Judged::Accepted { worker, hashes, is_fee, lane } => {
                if lane != self.tally.lane {
                    self.report().await;
                    self.tally.lane = lane;
                }
                self.tally.accept(worker, hashes, is_fee);
            }
            Judged::Refused { worker, reason } => self.tally.refuse(worker, reason),
        }
        self.report_at.get_or_insert_with(|| Instant::now() + REPORT_INTERVAL);
    }

    /// Sets the alarm to when something has to be done if nothing comes: for the session, for a report, or for what was read and
    /// has to wait for its turn. An alarm that rings too early is left, because moving it costs a lock.
    pub(crate) fn set_alarm(&self, alarm: &mut Pin<Box<Sleep>>, session: Instant, may_read_at: Option<Instant>) {
        let at = [self.report_at, may_read_at].into_iter().flatten().fold(session, Instant::min);
        if alarm.is_elapsed() || at < alarm.deadline().into_std() {
            alarm.as_mut().reset(at.into());
        }
    }

    /// Reports what was counted, when it is time.
    pub(crate) async fn report_if_due(&mut self) {
        if self.report_at.is_some_and(|at| at <= Instant::now()) {
            self.report().await;
        }
    }

    /// Reports what was counted.
    pub(crate) async fn report(&mut self) {
        self.report_at = None;
        let next = Tally { lane: self.tally.lane, ..Tally::default() };
        let tally = std::mem::replace(&mut self.tally, next);
        if !tally.is_empty() {
            self.tell(Event::Done { id: self.id, tally }).await;
        }
    }

    /// Gives a share or block to the node, and where to hear what becomes of it.
    pub(crate) async fn give(&self, found: Box<Found>, worker: usize) -> Result<Stored, Ended> {
        let (stored, outcome) = oneshot::channel();
        let worker = self.workers.get(worker).cloned().flatten().unwrap_or_default();
        // A share goes to the lane of its job, whichever its miner is on by now.
        let lane = self.shared.lanes.get(found.template.lane().place()).ok_or("the lane is gone")?;
        match lane.found.send(FoundShare { found, worker, stored }).await {
            Ok(()) => Ok(outcome),
            Err(_) => Err("the node stops"),
        }
    }
}

/// An alarm for [`Link::set_alarm`].
pub(crate) fn alarm(session: Instant) -> Pin<Box<Sleep>> {
    Box::pin(sleep_until(session.into()))
}

/// Waits for what the node says of a share.
pub(crate) async fn outcome(stored: Stored) -> Result<Result<(), String>, Ended> {
    match Box::pin(timeout(STORE_TIMEOUT, stored)).await {
        Ok(Ok(stored)) => Ok(stored),
        Ok(Err(_)) => Err("the node stops"),
        Err(_) => {
            warn!("a share waits for the store for more than {} s", STORE_TIMEOUT.as_secs());
            Ok(Err("the store does not answer".to_owned()))
        }
    }
}
