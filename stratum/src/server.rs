//! The tokio shell: accepts connections, runs one task per miner, counts what they do.
//!
//! ```text
//! listener --permit--> connection task (Session) --FoundShare--> node
//!                         ^        |
//!     watch: template, rates       +--Event--> accounting task --watch--> StratumSnapshot
//! ```
//! The accept task starts one task per connection; all end when the token is cancelled.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use sharechain::PayoutScript;
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot, watch},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{job::JobTemplate, session::SessionConfig, submit::Found};

mod accept;
mod accounting;
mod connection;

pub use accounting::{MinerSnapshot, StratumSnapshot};

/// Found shares on their way to the node. When it is full the connection waits, so a miner is never told `true` for a
/// share that is not kept; share difficulty holds the whole pool near one per second.
pub const FOUND_QUEUE_MAX: usize = 256;
/// Statistics on their way to the accounting task. When it is full connections wait: the task only adds numbers.
const EVENTS_QUEUE_MAX: usize = 4_096;

/// A share or block for the node, and where to say that it is stored.
#[derive(Debug)]
pub struct FoundShare {
    /// What was found.
    pub found: Box<Found>,
    /// `Ok` when the share is durable, else why not, in words for the miner.
    pub stored: oneshot::Sender<Result<(), String>>,
}

/// What the endpoint is given.
#[derive(Debug)]
pub struct StratumConfig {
    /// The sessions' common part.
    pub session: SessionConfig,
    /// Jobs; `None` while there is nothing to mine. A change of the parent block makes jobs clean.
    pub templates: watch::Receiver<Option<Arc<JobTemplate>>>,
    /// Where found shares go.
    pub found: mpsc::Sender<FoundShare>,
}

/// A bound endpoint that does not accept yet.
#[derive(Debug)]
pub struct Stratum {
    listener: TcpListener,
    config: StratumConfig,
    address: SocketAddr,
}

/// Read access for the node.
#[derive(Clone, Debug)]
pub struct StratumHandle {
    snapshot: watch::Receiver<Arc<StratumSnapshot>>,
}

/// Hash rate per payout script at this node, hashes per second.
pub(crate) type Rates = Arc<BTreeMap<PayoutScript, f64>>;

impl Stratum {
    /// Binds the listener.
    ///
    /// # Errors
    /// When the address cannot be bound, for one because another process has it.
    pub async fn bind(address: SocketAddr, config: StratumConfig) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, config, address })
    }

    /// Where miners connect to.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves miners while the returned future is polled, until the token is cancelled; a task per connection is tracked
    /// by `tasks` and ends with the token too.
    pub fn run(
        self,
        tasks: &TaskTracker,
        token: &CancellationToken,
    ) -> (StratumHandle, impl Future<Output = ()> + use<>) {
        let (events, events_rx) = mpsc::channel(EVENTS_QUEUE_MAX);
        let (snapshot_tx, snapshot) = watch::channel(Arc::new(StratumSnapshot::default()));
        let (rates_tx, rates) = watch::channel(Rates::default());
        let accounting = accounting::run(events_rx, snapshot_tx, rates_tx, token.clone());
        let shared = Arc::new(connection::Shared {
            session: Arc::new(self.config.session),
            templates: self.config.templates,
            rates,
            found: self.config.found,
            events,
        });
        let accepting = accept::run(self.listener, shared, tasks.clone(), token.clone());
        let serving = async {
            tokio::join!(accounting, accepting);
        };
        (StratumHandle { snapshot }, serving)
    }
}

impl StratumHandle {
    /// The miners as of the last second.
    pub fn snapshot(&self) -> Arc<StratumSnapshot> {
        self.snapshot.borrow().clone()
    }
}
