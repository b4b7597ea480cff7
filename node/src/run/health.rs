//! What looks at all lanes and says how well every part is.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Tasks, lane::Node};
use crate::{
    api::ApiSources,
    geo::GeoFiles,
    health::{Emergency, EmergencyFile, HealthSources, HealthTask, HealthView, LaneSources},
    switching::Lanes,
};

/// What it goes on with, and where it says what it sees.
pub(super) struct Health {
    /// The emergencies of earlier runs, and their file.
    pub(super) emergencies: (EmergencyFile, Vec<Emergency>),
    /// Where it says what it sees.
    pub(super) view: watch::Sender<Arc<HealthView>>,
    /// Databases of places that are configured.
    pub(super) geo_files: watch::Receiver<GeoFiles>,
    /// Connections of the API.
    pub(super) api_connections: watch::Receiver<usize>,
}

impl Health {
    /// Starts it; it looks at what the API reads of each lane.
    pub(super) fn spawn(self, lanes: &[(ApiSources, bool)], (node, board): (&Node, Lanes), tasks: &Tasks) {
        let lane = |(sources, expects_peers): &(ApiSources, bool)| LaneSources {
            view: sources.lane().clone(),
            peers: sources.peers.clone(),
            expects_peers: *expects_peers,
            store: sources.store.clone(),
            paid: sources.paid.clone(),
        };
        let sources = HealthSources {
            stratum: node.stratum.clone(),
            api_connections: self.api_connections,
            geo: node.geo.clone(),
            geo_files: self.geo_files,
            board,
            lanes: lanes.iter().map(lane).collect(),
        };
        let task = HealthTask::new(sources, self.emergencies, self.view);
        tasks.spawn("health", task.run(tasks.token.clone()));
    }
}
