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
    accounts::Tally,
    connection::{Ended, Shared},
    registry::Event,
};
use crate::{guard::Conduct, limits::STORE_TIMEOUT, session::Judged, submit::Found};

/// Time between two reports to the registry while something is done.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// What the node says of a share: stored, or why not.
pub(crate) type Stored = oneshot::Receiver<Result<(), String>>;

/// See the module.
pub(crate) struct Link {
    pub(crate) shared: Arc<Shared>,
    id: SessionId,
    tally: Tally,
    /// When the tally is reported, if there is one.
    report_at: Option<Instant>,
}

impl Link {
    pub(crate) fn new(shared: Arc<Shared>, id: SessionId) -> Self {
        Self { shared, id, tally: Tally::default(), report_at: None }
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

    /// Counts a submit; the registry hears of it with the next report.
    pub(crate) fn count(&mut self, judged: Judged) {
        match judged {
            Judged::Accepted { worker, hashes, is_fee } => self.tally.accept(worker, hashes, is_fee),
            Judged::Stale => self.tally.stale = self.tally.stale.saturating_add(1),
            Judged::Rejected => self.tally.rejected = self.tally.rejected.saturating_add(1),
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
        let tally = std::mem::take(&mut self.tally);
        if !tally.is_empty() {
            self.tell(Event::Done { id: self.id, tally }).await;
        }
    }

    /// Gives a share or block to the node, and where to hear what becomes of it.
    pub(crate) async fn give(&self, found: Box<Found>) -> Result<Stored, Ended> {
        let (stored, outcome) = oneshot::channel();
        match self.shared.found.send(FoundShare { found, stored }).await {
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
