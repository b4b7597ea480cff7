//! Which lane miners are on: what all lanes of a node show, and the task that publishes the plan.
//!
//! ```text
//! lanes --LaneView--> switching --LanePlan--> every connection
//! ```
//! It never touches a connection: each moves itself when the plan has another lane for its miner.

use std::{sync::Arc, time::Duration};

use stratum::{
    JobTemplate, LaneId, LanePlan, OperatorFee,
    lane::{PlannedLane, WHOLE},
};
use tokio::{sync::watch, time::interval};
use tokio_util::sync::CancellationToken;

use crate::{chain_profile::ChainProfile, chain_task::ChainView, parent::ParentState};

/// How often it is looked at whether lanes have work.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// What a lane shows to those who choose among lanes.
#[derive(Clone, Debug)]
pub struct LaneView {
    /// Its number.
    pub id: LaneId,
    /// Its name.
    pub name: String,
    /// Its chain.
    pub profile: Arc<ChainProfile>,
    /// Its share chain.
    pub chain: watch::Receiver<Arc<ChainView>>,
    /// Its daemons.
    pub parent: watch::Receiver<ParentState>,
    /// Its jobs; `None` while there is nothing to mine.
    pub jobs: watch::Receiver<Option<Arc<JobTemplate>>>,
    /// The operator's part.
    pub fee: Option<OperatorFee>,
}

/// All lanes of a node.
#[derive(Clone, Debug)]
pub struct Lanes {
    views: Arc<[LaneView]>,
    plan: watch::Receiver<Arc<LanePlan>>,
}

impl Lanes {
    /// In the order of the configuration, with the plan that is followed.
    pub fn new(views: Vec<LaneView>, plan: watch::Receiver<Arc<LanePlan>>) -> Self {
        Self { views: views.into(), plan }
    }

    /// Each of them.
    pub fn views(&self) -> &[LaneView] {
        &self.views
    }

    /// Who is to mine where.
    pub fn plan(&self) -> Arc<LanePlan> {
        self.plan.borrow().clone()
    }
}

/// Publishes the plan until the token is cancelled.
pub async fn run(lanes: Lanes, plan: watch::Sender<Arc<LanePlan>>, token: CancellationToken) {
    let mut looks = interval(LOOK_INTERVAL);
    loop {
        tokio::select! {
            biased;
            () = token.cancelled() => return,
            _ = looks.tick() => {}
        }
        let planned = |view: &LaneView| PlannedLane {
            weight: if view.id == LaneId::FIRST { WHOLE } else { 0 },
            is_usable: view.jobs.borrow().is_some(),
        };
        let next = LanePlan::new(lanes.views().iter().map(planned).collect());
        plan.send_if_modified(|plan| {
            let is_new = **plan != next;
            if is_new {
                *plan = Arc::new(next);
            }
            is_new
        });
    }
}
