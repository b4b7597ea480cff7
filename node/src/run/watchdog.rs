//! What feeds the supervisor's watchdog, where it has one.

use std::sync::Arc;

use super::{Tasks, lane::Node};
use crate::{
    api::ApiSources,
    supervisor::{
        Supervisor,
        watchdog::{LanePulse, Watchdog},
    },
};

/// Starts it; it looks at the main tasks of each lane, at the endpoint for miners and at the look over all parts.
pub(super) fn spawn(supervisor: Arc<Supervisor>, lanes: &[(ApiSources, bool)], node: &Node, tasks: &Tasks) {
    let Some(patience) = supervisor.patience() else { return };
    let pulse = |(sources, _): &(ApiSources, bool)| LanePulse {
        name: sources.lane().name.clone(),
        chain: sources.queries.clone(),
        peers: sources.peers.clone(),
    };
    let watchdog = Watchdog {
        lanes: lanes.iter().map(pulse).collect(),
        miners: node.stratum.subscribe(),
        health: node.health.clone(),
    };
    tasks.spawn("watchdog", watchdog.run(supervisor, patience, tasks.token.clone()));
}
