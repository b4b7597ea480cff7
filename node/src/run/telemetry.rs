//! What watches the node and tells of it: events, history, metrics, notices. It reads what the other tasks publish; none of
//! them waits for it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use stratum::StratumHandle;

use super::Tasks;
use crate::{
    api::{ApiSources, MetricsState},
    config::Config,
    data_dir::DataDir,
    error::NodeError,
    events::{self, EventSender, EventsHandle, EventsTask, Observer},
    history::{HistoryHandle, HistoryTask},
    notify::{NotifyTask, Outbox, Sender, Target, read_outbox},
};

/// The tasks before they run, and the ends of their channels.
pub(super) struct Telemetry {
    /// Where shares are told.
    pub(super) events: EventSender,
    /// Where events are read.
    pub(super) handle: EventsHandle,
    /// Where past hash rates are asked for.
    pub(super) history: HistoryHandle,
    /// What metrics are made of.
    pub(super) metrics: MetricsState,
    events_task: EventsTask,
    history_task: HistoryTask,
    notices: Option<Notices>,
}

/// What there is to tell others, when somebody wants to be told.
struct Notices {
    targets: Arc<[Target]>,
    patience: Duration,
    outbox: Outbox,
    path: PathBuf,
    sender: Sender,
}

impl Telemetry {
    /// Takes up what earlier runs left.
    pub(super) fn open(
        config: &Config,
        data_dir: &DataDir,
        (stratum, metrics): (StratumHandle, MetricsState),
    ) -> Result<Self, NodeError> {
        let (events, handle, events_task) = events::channel(config.chain.addresses.clone());
        let (history_task, history) = HistoryTask::open(data_dir.history(), stratum);
        let notices = Notices::open(config, data_dir)?;
        Ok(Self { events, handle, history, metrics, events_task, history_task, notices })
    }

    /// Starts them. They look at what the API reads.
    pub(super) fn spawn(self, tasks: &Tasks, state: &ApiSources) {
        let observer = Observer {
            profile: state.profile.clone(),
            events: self.events,
            stratum: state.stratum.clone(),
            peers: state.peers.clone(),
            parent: state.parent.clone(),
            chain: state.chain.clone(),
            blocks: state.blocks.clone(),
            store: state.store.clone(),
            queries: state.queries.clone(),
            history: self.history,
        };
        tasks.spawn("events", self.events_task.run(tasks.token.clone()));
        tasks.spawn("observer", observer.run(tasks.token.clone()));
        tasks.spawn("history", self.history_task.run(tasks.token.clone()));
        if let Some(Notices { targets, patience, outbox, path, sender }) = self.notices {
            let task = NotifyTask {
                targets,
                patience,
                node: state.peer_id.clone(),
                outbox,
                path,
                sender,
                events: self.handle,
                chain: state.chain.clone(),
                parent: state.parent.clone(),
            };
            tasks.spawn("notify", task.run(tasks.token.clone()));
        }
    }
}

impl Notices {
    fn open(config: &Config, data_dir: &DataDir) -> Result<Option<Self>, NodeError> {
        let targets: Arc<[Target]> = config.notify.targets.clone().into();
        if targets.is_empty() {
            return Ok(None);
        }
        let (sender, path) = (Sender::new(targets.iter().map(|target| &target.url))?, data_dir.notices());
        let (outbox, patience) = (read_outbox(&path, &targets), Duration::from_secs(config.notify.after_secs));
        Ok(Some(Self { targets, patience, outbox, path, sender }))
    }
}
