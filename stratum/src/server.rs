//! The tokio shell: accepts connections, runs one task per miner, counts what they do.
//!
//! ```text
//! listener --guard, extranonce--> connection task (Session) --FoundShare--> node
//!                                     ^        |
//!     watch: template, rates          +--Event--> registry --watch--> StratumSnapshot
//! ```
//! The registry owns everything that connections have in common and hands each its seat; all end when the token is cancelled.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use tokio::{
    net::{TcpListener, TcpSocket},
    sync::{mpsc, oneshot, watch},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    job::JobTemplate,
    lane::{LaneId, LanePlan},
    limits::BACKLOG,
    miner::{OperatorFee, Rates, SessionConfig},
    session::Refuge,
    submit::Found,
    timing::Timings,
    v2::AuthorityKeys,
};

mod accounts;
mod connection;
mod http;
mod lane_work;
pub(crate) mod link;
mod opening;
mod outbox;
mod registry;
mod stream;
mod tally;

pub use accounts::{LaneSnapshot, MinerSnapshot, StratumSnapshot};
pub use registry::{Intake, Room};
pub use tally::Rejects;

pub(crate) use connection::{Ended, Shared, now};
pub(crate) use lane_work::{Change, LaneWork};
pub(crate) use opening::behind_proxy;
pub(crate) use outbox::Outbox;
pub(crate) use registry::{Event, Seat};
pub(crate) use stream::Inbox;

use registry::{Doors, Registry};

/// Found shares on their way to the node. When it is full the connection waits, so a miner is never told `true` for a
/// share that is not kept; share difficulty holds the whole pool near one per second.
pub const FOUND_QUEUE_MAX: usize = 256;
/// What connections tell the registry. When it is full connections wait: it only adds numbers.
const EVENTS_QUEUE_MAX: usize = 4_096;

/// A connection's number, never used twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct SessionId(pub(crate) u64);

/// A share or block for the node, and where to say that it is stored.
#[derive(Debug)]
pub struct FoundShare {
    /// What was found.
    pub found: Box<Found>,
    /// Name of the worker that found it; empty for one that was never authorized.
    pub worker: String,
    /// `Ok` when the share is durable, else why not, in words for the miner.
    pub stored: oneshot::Sender<Result<(), String>>,
}

/// Who may connect, and how.
#[derive(Clone, Default)]
pub struct Access {
    /// Addresses that nothing is asked of.
    pub allowed: Vec<IpAddr>,
    /// Addresses that begin with a PROXY header, which is believed.
    pub proxies: Vec<IpAddr>,
    /// Connections at once.
    pub connections_max: usize,
    /// With more connections than this, miners that asked for it are pointed to another node of the operator.
    pub shed_above: Option<usize>,
    /// That other node, while there is one with room.
    pub refuge: Option<watch::Receiver<Option<Refuge>>>,
    /// For clients that begin with TLS.
    pub tls: Option<TlsAcceptor>,
}

/// What the endpoint is given.
#[derive(Debug)]
pub struct StratumConfig {
    /// The sessions' common part.
    pub session: SessionConfig,
    /// Who may connect.
    pub access: Access,
    /// The ends of the lanes, in the order of the session's.
    pub lanes: Vec<LaneEnds>,
    /// Who mines on which lane; `None` where there is one lane only.
    pub plan: Option<watch::Receiver<Arc<LanePlan>>>,
}

impl StratumConfig {
    /// An endpoint with one lane.
    pub fn one_lane(session: SessionConfig, access: Access, lane: LaneEnds) -> Self {
        Self { session, access, lanes: vec![lane], plan: None }
    }
}

/// Where a lane's jobs come from and its shares go to.
#[derive(Clone, Debug)]
pub struct LaneEnds {
    /// Jobs; `None` while there is nothing to mine. A change of the parent block makes jobs clean.
    pub templates: watch::Receiver<Option<Arc<JobTemplate>>>,
    /// Where found shares go.
    pub found: mpsc::Sender<FoundShare>,
}

/// A bound endpoint that does not accept yet.
#[derive(Debug)]
pub struct Stratum {
    listener: TcpListener,
    v2: Option<Door>,
    config: StratumConfig,
    address: SocketAddr,
    snapshots: watch::Sender<Arc<StratumSnapshot>>,
    timings: Arc<Timings>,
    doors: watch::Sender<Doors>,
    terms: watch::Sender<Arc<SessionConfig>>,
}

/// Where Stratum V2 is spoken.
#[derive(Debug)]
struct Door {
    listener: TcpListener,
    keys: Arc<AuthorityKeys>,
}

/// What the node reads of the endpoint, and changes while it serves.
#[derive(Clone, Debug)]
pub struct StratumHandle {
    snapshot: watch::Receiver<Arc<StratumSnapshot>>,
    timings: Arc<Timings>,
    doors: watch::Sender<Doors>,
    terms: watch::Sender<Arc<SessionConfig>>,
    /// The only lane that is looked at; all of them without it.
    lane: Option<LaneId>,
}

impl Stratum {
    /// Binds the listener. Call it in a runtime.
    ///
    /// # Errors
    /// When the address cannot be bound, for one because another process has it.
    pub fn bind(address: SocketAddr, config: StratumConfig) -> std::io::Result<Self> {
        let listener = listen(address)?;
        let address = listener.local_addr()?;
        let timings = Arc::new(Timings::new(Instant::now()));
        let Access { connections_max, shed_above, .. } = config.access;
        let doors = watch::Sender::new(Room { connections_max, shed_above }.into());
        let terms = watch::Sender::new(Arc::new(config.session.clone()));
        Ok(Self { listener, v2: None, config, address, snapshots: watch::Sender::default(), timings, doors, terms })
    }

    /// Binds a second listener, for Stratum V2, whose miners count with those of the first. They know the node by its keys.
    ///
    /// # Errors
    /// As [`Stratum::bind`].
    pub fn bind_v2(&mut self, address: SocketAddr, keys: AuthorityKeys) -> std::io::Result<()> {
        self.v2 = Some(Door { listener: listen(address)?, keys: Arc::new(keys) });
        Ok(())
    }

    /// Where miners connect to that speak Stratum V2.
    pub fn v2_address(&self) -> Option<SocketAddr> {
        self.v2.as_ref()?.listener.local_addr().ok()
    }

    /// Where miners connect to.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its handle, also before [`Stratum::run`].
    pub fn handle(&self) -> StratumHandle {
        StratumHandle {
            snapshot: self.snapshots.subscribe(),
            timings: self.timings.clone(),
            doors: self.doors.clone(),
            terms: self.terms.clone(),
            lane: None,
        }
    }

    /// Serves miners while the returned future is polled, until the token is cancelled; a task per connection is tracked
    /// by `tasks` and ends with the token too.
    pub fn run(
        self,
        tasks: &TaskTracker,
        token: &CancellationToken,
    ) -> (StratumHandle, impl Future<Output = ()> + use<>) {
        let (events, inbox) = mpsc::channel(EVENTS_QUEUE_MAX);
        let handle = self.handle();
        let (rates_tx, rates) = watch::channel(Arc::<Rates>::default());
        let Access { allowed, proxies, refuge, tls, .. } = self.config.access;
        let lanes = self.terms.borrow().lanes.len();
        let shared = Arc::new(Shared {
            terms: self.terms.subscribe(),
            port: self.address.port(),
            proxies,
            tls,
            lanes: self.config.lanes,
            plan: self.config.plan.unwrap_or_else(|| watch::channel(Arc::new(LanePlan::first_of(lanes))).1),
            rates,
            refuge,
            stopping: token.clone(),
            events,
            timings: self.timings,
        });
        let registry = Registry::new(allowed, (self.doors.subscribe(), self.terms.subscribe()), token.clone());
        let serving = registry.run((self.listener, self.v2), inbox, shared, (self.snapshots, rates_tx), tasks.clone());
        (handle, serving)
    }
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of the process before us may still be closing.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl StratumHandle {
    /// The same of what is mined on one lane.
    #[must_use]
    pub fn on(&self, lane: LaneId) -> Self {
        Self { lane: Some(lane), ..self.clone() }
    }

    /// What is mined on one lane as of the last second, without its miners.
    pub fn lane(&self, lane: LaneId) -> LaneSnapshot {
        self.snapshot.borrow().lanes.get(lane.place()).copied().unwrap_or_default()
    }

    /// The miners as of the last second.
    pub fn snapshot(&self) -> Arc<StratumSnapshot> {
        let all = self.snapshot.borrow().clone();
        match self.lane {
            Some(lane) if all.lanes.len() > 1 => Arc::new(all.on(lane)),
            _ => all,
        }
    }

    /// Told of every new snapshot, once a second.
    pub fn subscribe(&self) -> watch::Receiver<Arc<StratumSnapshot>> {
        self.snapshot.clone()
    }

    /// How long things take.
    pub fn timings(&self) -> &Arc<Timings> {
        &self.timings
    }

    /// How many connections there may be.
    pub fn room(&self) -> Room {
        self.doors.borrow().room
    }

    /// The operator's part of the jobs of those who connect now.
    pub fn fee(&self) -> Option<OperatorFee> {
        self.terms.borrow().lanes.get(self.lane.unwrap_or_default())?.fee
    }

    /// Takes this part of the jobs of those who connect from now on. Who is connected was told another one, and keeps it.
    pub fn set_fee(&self, fee: Option<OperatorFee>) {
        let lane = self.lane.unwrap_or_default();
        self.terms.send_modify(|terms| {
            let mut next = SessionConfig::clone(terms);
            if let Some(lane) = next.lanes.get_mut(lane) {
                lane.fee = fee;
            }
            *terms = Arc::new(next);
        });
    }

    /// Lets so many connect from now on.
    pub fn set_room(&self, room: Room) {
        self.doors.send_modify(|doors| doors.room = room);
    }

    /// Whether new miners are taken.
    pub fn intake(&self) -> Intake {
        self.doors.borrow().intake
    }

    /// Takes new miners from now on, or none; the room stays what it is.
    pub fn set_intake(&self, intake: Intake) {
        self.doors.send_modify(|doors| doors.intake = intake);
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { allowed, proxies, connections_max, shed_above, refuge, tls } = self;
        f.debug_struct("Access")
            .field("allowed", allowed)
            .field("proxies", proxies)
            .field("connections_max", connections_max)
            .field("shed_above", shed_above)
            .field("refuge", refuge)
            .field("tls", &tls.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests;
