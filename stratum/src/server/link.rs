//! What connections of both protocols share: their link to the registry, which counts, and to the node, which stores.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::oneshot, time::timeout};
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

    pub(crate) async fn tell_conduct(&self, conduct: Conduct) {
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

    /// When something has to be done if nothing comes, given when the session has something to do.
    pub(crate) fn wake(&self, session: Instant) -> Instant {
        self.report_at.map_or(session, |at| at.min(session))
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

    /// Gives a share or block to the node. Waits for what it says of it, if somebody `waits` for the answer.
    pub(crate) async fn store(&self, found: Box<Found>, waits: bool) -> Result<Result<(), String>, Ended> {
        let (stored, outcome) = oneshot::channel();
        if self.shared.found.send(FoundShare { found, stored }).await.is_err() {
            return Err("the node stops");
        }
        if !waits {
            return Ok(Ok(()));
        }
        match Box::pin(timeout(STORE_TIMEOUT, outcome)).await {
            Ok(Ok(stored)) => Ok(stored),
            Ok(Err(_)) => Err("the node stops"),
            Err(_) => {
                warn!("a share waits for the store for more than {} s", STORE_TIMEOUT.as_secs());
                Ok(Err("the store does not answer".to_owned()))
            }
        }
    }
}
