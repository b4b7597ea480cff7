//! The jobs that a connection hears of: those of the lane its miner is on, until the plan moves it.

use std::sync::Arc;

use tokio::sync::watch;

use super::{
    connection::{Ended, Shared},
    link::Link,
    registry::Event,
};
use crate::{
    job::JobTemplate,
    lane::{LaneId, LanePlan},
};

/// What a connection should look at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    /// The lane has a new job template.
    Template,
    /// The miner may be on another lane now.
    Plan,
}

/// See the module.
pub(crate) struct LaneWork {
    /// `None` before there was anybody to choose a lane for: the jobs are then those of the first, which nobody gets.
    settled: Option<LaneId>,
    templates: watch::Receiver<Option<Arc<JobTemplate>>>,
    plan: watch::Receiver<Arc<LanePlan>>,
}

impl LaneWork {
    /// On the first lane, where nothing was heard of yet.
    pub(crate) fn new(shared: &Shared) -> Self {
        let mut templates = shared.lanes[0].templates.clone();
        templates.mark_changed();
        Self { settled: None, templates, plan: shared.plan.clone() }
    }

    /// Waits for a new job template or another plan. Cancel-safe.
    pub(crate) async fn changed(&mut self) -> Result<Change, Ended> {
        tokio::select! {
            biased;
            // A node with one lane has nobody who could change the plan.
            Ok(()) = self.plan.changed() => Ok(Change::Plan),
            changed = self.templates.changed() => changed.map(|()| Change::Template).map_err(|_| "the node stops"),
        }
    }

    /// The lane, once it was chosen.
    pub(crate) const fn settled(&self) -> Option<LaneId> {
        self.settled
    }

    /// Who is to mine on which lane.
    pub(crate) fn plan(&mut self) -> Arc<LanePlan> {
        self.plan.borrow_and_update().clone()
    }

    /// The lane's newest job template.
    pub(crate) fn newest(&mut self) -> Option<Arc<JobTemplate>> {
        self.templates.borrow_and_update().clone()
    }

    /// The same, without taking notice of it: others of the connection may not have seen it yet.
    pub(crate) fn peek(&self) -> Option<Arc<JobTemplate>> {
        self.templates.borrow().clone()
    }

    /// Takes the jobs of this lane from now on; says whether that is another. What was done before is reported as done on the
    /// lane before.
    pub(crate) async fn settle(&mut self, lane: Option<LaneId>, link: &mut Link) -> bool {
        let Some(lane) = lane else { return false };
        let Some(ends) = link.shared.lanes.get(lane.place()) else { return false };
        if self.settled.replace(lane).unwrap_or(LaneId::FIRST) == lane {
            return false;
        }
        self.templates = ends.templates.clone();
        link.report().await;
        link.tell(Event::Moved { id: link.id(), lane }).await;
        true
    }
}
