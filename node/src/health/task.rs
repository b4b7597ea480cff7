//! The task that looks once a second, and owns what was seen: components with their begin, emergencies with their file.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use stratum::StratumHandle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    HealthView,
    emergencies::{Change, Emergencies, Emergency},
    file::{EmergencyFile, Line},
    look::{LaneSources, Memory, Now},
    node,
    tracker::Tracker,
};
use crate::{
    clock::{every, unix_millis, unix_now},
    geo::{Geo, GeoFiles},
    line_file::Keeper,
    switching::Lanes,
};

/// Time between two looks.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// What it looks at.
#[derive(Clone, Debug)]
pub struct HealthSources {
    /// Miners.
    pub stratum: StratumHandle,
    /// Connections of the API.
    pub api_connections: watch::Receiver<usize>,
    /// Databases of places.
    pub geo: watch::Receiver<Arc<Geo>>,
    /// Those that are configured.
    pub geo_files: watch::Receiver<GeoFiles>,
    /// Which lanes are left.
    pub board: Lanes,
    /// Each lane.
    pub lanes: Vec<LaneSources>,
}

/// See the module.
#[derive(Debug)]
pub struct HealthTask {
    sources: HealthSources,
    memory: Memory,
    tracker: Tracker,
    emergencies: Emergencies,
    keeper: Keeper,
    view: watch::Sender<Arc<HealthView>>,
}

impl HealthTask {
    /// A task that goes on with the emergencies of the file.
    pub fn new(
        sources: HealthSources,
        (file, earlier): (EmergencyFile, Vec<Emergency>),
        view: watch::Sender<Arc<HealthView>>,
    ) -> Self {
        let emergencies = Emergencies::restore(earlier, unix_now());
        // What earlier runs left is there from the first question on.
        view.send_modify(|view| {
            *view = Arc::new(HealthView { emergencies: emergencies.newest(), ..HealthView::clone(view) })
        });
        Self {
            sources,
            memory: Memory::default(),
            tracker: Tracker::default(),
            emergencies,
            keeper: Keeper::new(file.0),
            view,
        }
    }

    /// Runs until the token is cancelled.
    pub async fn run(mut self, token: CancellationToken) {
        let mut looks = every(LOOK_INTERVAL);
        loop {
            // A write and a tick lose nothing when another branch wins.
            tokio::select! {
                biased;
                () = token.cancelled() => break,
                () = self.keeper.written() => {}
                _ = looks.tick() => {
                    self.look();
                    self.keeper.begin();
                }
            }
        }
        // A store that fails ends the node at once, and that is what should be found afterwards.
        if self.sources.lanes.iter().any(|lane| lane.store.has_failed()) {
            self.look();
        }
        self.keeper.flush().await;
    }

    fn look(&mut self) {
        let now = Now { steady: Instant::now(), unix_millis: unix_millis() };
        let seen = self.memory.look(&self.sources, now);
        let components = self.tracker.update(node::components(&seen), now.unix());
        for change in self.emergencies.look(&components, &seen, now.unix()) {
            tell(&change);
            self.keeper.keep(&Line::of(&change));
        }
        self.view.send_replace(Arc::new(HealthView { components, emergencies: self.emergencies.newest() }));
    }
}

/// One line in the log for a begin, and one for an end.
fn tell(change: &Change) {
    match change {
        Change::Began(emergency) => {
            let Emergency { kind, name, reason, action, number, .. } = &**emergency;
            warn!(event = kind.events().0, component = %name, reason, action, number, "emergency");
        }
        Change::Ended(emergency) => {
            let Emergency { kind, name, began, ended, number, .. } = &**emergency;
            let secs = ended.unwrap_or(*began).saturating_sub(*began);
            info!(event = kind.events().1, component = %name, secs, number, "the emergency is over");
        }
    }
}
