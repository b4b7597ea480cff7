//! Feeds the supervisor's watchdog while those tasks turn that a node is useless without.
//!
//! ```text
//! chain of each lane    answers a question through its inbox
//! network of each lane  has published what it sees
//! stratum               has published its miners
//! health                has looked at every part
//! ```
//! A runtime whose threads are stuck runs this task no more than the others, so it is seen too. What fails in words, like a daemon
//! that does not answer, is no reason to start anew, and not looked at here.

use std::{fmt, sync::Arc, time::Duration};

use futures::future;
use stratum::server::StratumSnapshot;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{Supervisor, Word};
use crate::{
    chain_task::{ChainInput, ChainQuery},
    clock::every,
    health::HealthView,
    p2p::PeersView,
};

/// Looks in the time after which the supervisor starts the node anew: one that fails is repeated before.
const LOOKS_IN_PATIENCE: u32 = 4;
/// Part of that time that a task has to show that it turns. With the time between two looks it stays below the whole.
const ANSWER_PART: u32 = 2;
const _: () = assert!(ANSWER_PART >= 2 && LOOKS_IN_PATIENCE > 2);

/// The tasks of one lane.
#[derive(Debug)]
pub(crate) struct LanePulse {
    /// Which lane.
    pub(crate) name: String,
    /// The inbox of its chain task.
    pub(crate) chain: mpsc::Sender<ChainInput>,
    /// What its network task publishes.
    pub(crate) peers: watch::Receiver<Arc<PeersView>>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Watchdog {
    /// Every lane.
    pub(crate) lanes: Vec<LanePulse>,
    /// What the endpoint for miners publishes.
    pub(crate) miners: watch::Receiver<Arc<StratumSnapshot>>,
    /// What the look over all parts publishes.
    pub(crate) health: watch::Receiver<Arc<HealthView>>,
}

/// A task that does not turn.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Stuck {
    lane: Option<String>,
    task: &'static str,
}

impl Watchdog {
    /// Runs until the token is cancelled.
    pub(crate) async fn run(mut self, supervisor: Arc<Supervisor>, patience: Duration, token: CancellationToken) {
        let mut looks = every(patience / LOOKS_IN_PATIENCE);
        let look = async {
            // The supervisor counts from the word that the node is ready on, which comes first.
            looks.tick().await;
            loop {
                looks.tick().await;
                let stuck = self.stuck(patience / ANSWER_PART).await;
                if stuck.is_empty() {
                    supervisor.tell(Word::Alive);
                } else {
                    let tasks = stuck.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                    warn!(event = "tasks_stuck", tasks, "the watchdog is not fed");
                }
            }
        };
        tokio::select! {
            biased;
            () = token.cancelled() => {}
            () = look => {}
        }
    }

    /// Those that show nothing in this time. All are looked at together.
    async fn stuck(&mut self, patience: Duration) -> Vec<Stuck> {
        let of_node = |task| Stuck { lane: None, task };
        let lanes = self.lanes.iter_mut().map(|LanePulse { name, chain, peers }| async move {
            let of_lane = |task| Stuck { lane: Some(name.clone()), task };
            let (chain, network) = tokio::join!(answers(chain, patience), publishes(peers, patience));
            [(!chain).then(|| of_lane("chain")), (!network).then(|| of_lane("network"))]
        });
        let (lanes, miners, health) = tokio::join!(
            future::join_all(lanes),
            publishes(&mut self.miners, patience),
            publishes(&mut self.health, patience),
        );
        let of_all = [(!miners).then(|| of_node("stratum")), (!health).then(|| of_node("health"))];
        lanes.into_iter().flatten().chain(of_all).flatten().collect()
    }
}

/// Whether the chain task answers.
async fn answers(chain: &mpsc::Sender<ChainInput>, patience: Duration) -> bool {
    let (reply, answer) = oneshot::channel();
    let question = ChainQuery::NewestShares { below: None, len_max: 1, reply };
    let exchange = async { chain.send(ChainInput::Query(question)).await.is_ok() && answer.await.is_ok() };
    timeout(patience, exchange).await.unwrap_or(false)
}

/// Whether something was published since the last look.
async fn publishes<T>(view: &mut watch::Receiver<T>, patience: Duration) -> bool {
    timeout(patience, view.changed()).await.is_ok_and(|changed| changed.is_ok())
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.lane {
            Some(lane) => write!(f, "{} of {lane}", self.task),
            None => f.write_str(self.task),
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
