//! How tasks are started, and what the end of one means.

use std::{future::Future, panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt;
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument, debug_span, info_span};

use crate::error::NodeError;

/// Tasks of a node; the end of any ends the node.
#[derive(Clone)]
pub(super) struct Tasks {
    /// Whose tasks these are, for the log, where a node has several lanes.
    pub(super) lane: Option<Arc<str>>,
    pub(super) tracker: TaskTracker,
    pub(super) token: CancellationToken,
    pub(super) ended: mpsc::Sender<NodeError>,
}

impl Tasks {
    /// The same for the tasks of one lane among several.
    pub(super) fn of_lane(&self, name: &str) -> Self {
        Self { lane: Some(name.into()), ..self.clone() }
    }

    /// Starts a task that a node cannot live without.
    pub(super) fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        self.try_spawn(name, task.map(Ok));
    }

    /// Starts one that may fail; its error is the node's.
    pub(super) fn try_spawn(
        &self,
        name: &'static str,
        task: impl Future<Output = Result<(), NodeError>> + Send + 'static,
    ) {
        let tasks = self.clone();
        let span = match &self.lane {
            Some(lane) => info_span!("lane", name = &**lane),
            None => debug_span!("task", name),
        };
        self.tracker.spawn(async move {
            // A panic must not be silent: without one of its tasks a node does harm.
            let ended = AssertUnwindSafe(task.instrument(span)).catch_unwind().await;
            let ended = ended.unwrap_or(Err(NodeError::TaskPanicked(name)));
            if !tasks.token.is_cancelled() {
                // The first one to end names the cause; the rest follow.
                let _full = tasks.ended.try_send(ended.err().unwrap_or(NodeError::TaskEnded(name)));
                tasks.token.cancel();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    /// Everything here takes milliseconds.
    const PATIENCE: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_task_that_panics_ends_the_node_by_name() {
        let (ended, mut first_ended) = mpsc::channel(1);
        let tasks = Tasks { lane: None, tracker: TaskTracker::new(), token: CancellationToken::new(), ended };
        tasks.spawn("healthy", std::future::pending());
        tasks.spawn("broken", async { panic!("a bug") });
        timeout(PATIENCE, tasks.token.cancelled()).await.expect("the end of a task ends the node");
        assert!(matches!(first_ended.try_recv(), Ok(NodeError::TaskPanicked("broken"))));
    }
}
