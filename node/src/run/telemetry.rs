//! What watches the node: events and history. It reads what the other tasks publish; none of them waits for it.

use stratum::StratumHandle;

use super::Tasks;
use crate::{
    api::ApiSources,
    config::Config,
    data_dir::DataDir,
    events::{self, EventSender, EventsHandle, EventsTask, Observer},
    history::{HistoryHandle, HistoryTask},
};

/// The tasks before they run, and the ends of their channels.
pub(super) struct Telemetry {
    /// Where shares are told.
    pub(super) events: EventSender,
    /// Where events are read.
    pub(super) handle: EventsHandle,
    /// Where past hash rates are asked for.
    pub(super) history: HistoryHandle,
    events_task: EventsTask,
    history_task: HistoryTask,
}

impl Telemetry {
    /// Takes up what earlier runs left.
    pub(super) fn open(config: &Config, data_dir: &DataDir, stratum: StratumHandle) -> Self {
        let (events, handle, events_task) = events::channel(config.chain.addresses.clone());
        let (history_task, history) = HistoryTask::open(data_dir.history(), stratum);
        Self { events, handle, history, events_task, history_task }
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
    }
}
