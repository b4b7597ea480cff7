//! The owner of what all connections have in common: who may connect, extranonces, sessions kept for their miners, accounts.
//!
//! One task: it accepts, gives each connection a [`Seat`], and hears from it what it did.

use std::{
    collections::{BTreeMap, VecDeque},
    future::pending,
    hash::{BuildHasher, RandomState},
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot, watch},
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument, debug, info, info_span, warn};

use super::{
    Door, SessionId,
    accounts::{Accounts, Protocol, StratumSnapshot},
    connection::{self, Ended, Shared},
    tally::Tally,
};
use crate::{
    extranonce::{EXTRANONCE1_LEN, Extranonces},
    guard::{Conduct, Guard, Source, Turned},
    lane::LaneId,
    limits::{PARKED_MAX, PARKED_TIME},
    miner::{Rates, SessionConfig},
    session::{Parked, Ticket},
    username::Username,
    v2::{self, AuthorityKeys},
};

mod room;
#[cfg(test)]
mod tests;

pub(super) use room::Doors;
use room::Invitation;
pub use room::{Intake, Room};

/// How often snapshots are published.
const PUBLISH_INTERVAL: Duration = Duration::from_secs(1);
/// How often kept sessions are looked through.
const KEPT_INTERVAL: Duration = Duration::from_secs(30);
/// Pause after a failed accept: running out of file descriptors does not get better by trying faster.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a connection reports or asks.
#[derive(Debug)]
pub(crate) enum Event {
    /// Behind a proxy: who it really is, and whether that one may connect.
    Admit { id: SessionId, address: IpAddr, answer: oneshot::Sender<Result<(), Turned>> },
    /// What the client calls itself.
    Named { id: SessionId, agent: String },
    /// One more worker.
    Authorized { id: SessionId, username: Username },
    /// Whether the miner may be pointed to another node of the operator.
    Follows { id: SessionId, follows: bool },
    /// A connection with several channels wants an extranonce1 more, besides that of its ticket.
    Reserve { id: SessionId, answer: oneshot::Sender<[u8; EXTRANONCE1_LEN]> },
    /// The connection's miners are on another lane now.
    Moved { id: SessionId, lane: LaneId },
    /// A worker's channel is closed: its number is free for the next, and so is what was reserved for it.
    Left { id: SessionId, worker: usize, extranonce1: [u8; EXTRANONCE1_LEN] },
    /// What was done since the last report.
    Done { id: SessionId, tally: Tally },
    /// What is no part of mining.
    Misbehaved { id: SessionId, conduct: Conduct },
    /// A miner wants to take up the session with this ticket.
    Resume { id: SessionId, ticket: Ticket, answer: Answer },
    /// The connection is over; what may be taken up again.
    Closed { id: SessionId, parked: Option<Box<Parked>> },
}

/// Where the session goes that a miner wants to take up.
pub(crate) type Answer = oneshot::Sender<Option<(Ticket, Parked)>>;

/// What a connection is given when it is accepted.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) id: SessionId,
    pub(crate) ticket: Ticket,
    pub(crate) address: IpAddr,
    /// Cancelled when the connection has to end.
    pub(crate) leave: CancellationToken,
    /// Cancelled when the miner is to be pointed to another node.
    pub(crate) shed: CancellationToken,
}

/// An open connection.
#[derive(Debug)]
struct Open {
    address: IpAddr,
    /// Whether the guard counts it.
    is_counted: bool,
    ticket: Ticket,
    leave: CancellationToken,
    invitation: Invitation,
    /// Extranonces of channels after the first.
    reserved: Vec<[u8; EXTRANONCE1_LEN]>,
    /// Another connection of the same miner waits for this one to end: a lost connection may look open for long.
    heir: Option<(SessionId, Answer)>,
}

#[derive(Debug)]
struct Kept {
    since: Instant,
    parked: Box<Parked>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Registry {
    token: CancellationToken,
    /// May change while miners are served.
    doors: watch::Receiver<Doors>,
    /// Says whom fees are credited to; may change too.
    terms: watch::Receiver<Arc<SessionConfig>>,
    guard: Guard,
    accounts: Accounts,
    extranonces: Extranonces,
    tags: RandomState,
    next_id: u64,
    open: BTreeMap<SessionId, Open>,
    kept: BTreeMap<Ticket, Kept>,
    /// Tickets in the order they were kept; some are not any more.
    kept_order: VecDeque<(Instant, Ticket)>,
}

impl Registry {
    pub(super) fn new(
        allowed: Vec<IpAddr>,
        (doors, terms): (watch::Receiver<Doors>, watch::Receiver<Arc<SessionConfig>>),
        token: CancellationToken,
    ) -> Self {
        let lanes = terms.borrow().lanes.len();
        Self {
            token,
            doors,
            terms,
            guard: Guard::new(allowed),
            accounts: Accounts::new(lanes),
            extranonces: Extranonces::default(),
            tags: RandomState::new(),
            next_id: 0,
            open: BTreeMap::new(),
            kept: BTreeMap::new(),
            kept_order: VecDeque::new(),
        }
    }

    pub(super) async fn run(
        mut self,
        (listener, v2): (TcpListener, Option<Door>),
        mut inbox: mpsc::Receiver<Event>,
        shared: Arc<Shared>,
        (snapshots, rates): (watch::Sender<Arc<StratumSnapshot>>, watch::Sender<Arc<Rates>>),
        tasks: TaskTracker,
    ) {
        let token = self.token.clone();
        let mut publish = interval(PUBLISH_INTERVAL);
        publish.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut look_at_kept = interval(KEPT_INTERVAL);
        look_at_kept.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // One connection too many waits in the kernel instead of being refused late. Publishing brings the loop here
            // every second, so that new room is used.
            let has_room = self.doors.borrow().answer(self.open.len());
            tokio::select! {
                biased;
                () = token.cancelled() => return,
                _ = publish.tick() => {
                    let now = Instant::now();
                    snapshots.send_replace(Arc::new(self.accounts.snapshot(self.guard.bans(now).count(), now)));
                    rates.send_replace(self.accounts.rates(now));
                    // An invitation is given once, so not while there is nowhere to go.
                    if shared.refuge().is_some() {
                        self.shed(Instant::now());
                    }
                }
                _ = look_at_kept.tick() => self.forget_kept(Instant::now()),
                event = inbox.recv() => match event {
                    Some(event) => self.handle(event, Instant::now()),
                    None => return,
                },
                accepted = listener.accept(), if has_room => {
                    if let Some((socket, seat)) = self.seat(accepted, &shared, Protocol::V1).await {
                        let address = seat.address;
                        track(&tasks, address, connection::run(socket, seat, shared.clone()));
                    }
                }
                (accepted, keys) = accept(v2.as_ref()), if has_room => {
                    if let Some((socket, seat)) = self.seat(accepted, &shared, Protocol::V2).await {
                        let address = seat.address;
                        track(&tasks, address, v2::connection::run(socket, seat, shared.clone(), keys));
                    }
                }
            }
        }
    }

    /// Gives a connection its seat, unless its address may have none.
    async fn seat(
        &mut self,
        accepted: io::Result<(TcpStream, SocketAddr)>,
        shared: &Shared,
        protocol: Protocol,
    ) -> Option<(TcpStream, Seat)> {
        let (socket, address) = match accepted {
            Ok((socket, address)) => (socket, address.ip()),
            Err(error) => {
                warn!(%error, "cannot accept a miner");
                sleep(ACCEPT_PAUSE).await;
                return None;
            }
        };
        if self.doors.borrow().intake == Intake::Closed {
            debug!(%address, "miner turned away: the node takes nobody new");
            return None;
        }
        // A proxy's connections count for whom they come from.
        let is_counted = !shared.is_proxy(address);
        if is_counted && let Err(turned) = self.guard.admit(address, Instant::now()) {
            debug!(%address, %turned, "miner turned away");
            return None;
        }
        let id = SessionId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        let extranonce1 = self.extranonces.allocate();
        let ticket = Ticket { extranonce1, tag: self.tags.hash_one(id.0) };
        let (leave, shed) = (self.token.child_token(), CancellationToken::new());
        let seat = Seat { id, ticket, address, leave: leave.clone(), shed: shed.clone() };
        let invitation = Invitation::new(shed);
        let open = Open { address, is_counted, ticket, leave, invitation, reserved: Vec::new(), heir: None };
        self.open.insert(id, open);
        self.accounts.open(id, protocol);
        Some((socket, seat))
    }

    fn handle(&mut self, event: Event, now: Instant) {
        match event {
            Event::Admit { id, address, answer } => {
                let Some(open) = self.open.get_mut(&id) else { return };
                let outcome = self.guard.admit(address, now);
                (open.address, open.is_counted) = (address, outcome.is_ok());
                // A connection that does not wait for the answer is over.
                let _over = answer.send(outcome);
            }
            Event::Named { id, agent } => self.accounts.name(id, agent),
            Event::Moved { id, lane } => self.accounts.move_to(id, lane),
            Event::Authorized { id, username } => self.accounts.authorize(id, username, now),
            Event::Follows { id, follows } => {
                if let Some(open) = self.open.get_mut(&id) {
                    open.invitation.follows = follows;
                }
            }
            Event::Reserve { id, answer } => {
                let Some(open) = self.open.get_mut(&id) else { return };
                let extranonce1 = self.extranonces.allocate();
                open.reserved.push(extranonce1);
                // A connection that does not wait for the answer is over, and frees it.
                let _over = answer.send(extranonce1);
            }
            Event::Left { id, worker, extranonce1 } => {
                self.accounts.leave(id, worker);
                let Some(open) = self.open.get_mut(&id) else { return };
                if let Some(place) = open.reserved.iter().position(|reserved| *reserved == extranonce1) {
                    open.reserved.swap_remove(place);
                    self.extranonces.free(extranonce1);
                }
            }
            Event::Done { id, tally } => {
                let fee = self.terms.borrow().lanes.get(tally.lane).and_then(|lane| lane.fee);
                self.accounts.add(id, &tally, fee.map(|fee| fee.script), now);
                self.on_conduct(id, Conduct::Good(tally.accepted()), now);
            }
            Event::Misbehaved { id, conduct } => self.on_conduct(id, conduct, now),
            Event::Resume { id, ticket, answer } => self.on_resume(id, ticket, answer),
            Event::Closed { id, parked } => self.on_closed(id, parked, now),
        }
    }

    /// Bans take all connections of the address with them.
    fn on_conduct(&mut self, id: SessionId, conduct: Conduct, now: Instant) {
        let Some(address) = self.open.get(&id).map(|open| open.address) else { return };
        if !self.guard.on_conduct(address, conduct, now) {
            return;
        }
        info!(event = "miner_banned", %address, ?conduct, "address banned");
        let source = Source::from(address);
        for open in self.open.values().filter(|open| Source::from(open.address) == source) {
            open.leave.cancel();
        }
    }

    fn on_resume(&mut self, id: SessionId, ticket: Ticket, answer: Answer) {
        if let Some(kept) = self.kept.remove(&ticket) {
            self.hand_over(id, ticket, Some(kept.parked), answer);
        } else if let Some(open) = self.open.values_mut().find(|open| open.ticket == ticket && open.heir.is_none()) {
            open.heir = Some((id, answer));
            open.leave.cancel();
        } else {
            drop(answer.send(None));
        }
    }

    /// Gives a session to the connection of a miner that has come back.
    fn hand_over(&mut self, id: SessionId, ticket: Ticket, parked: Option<Box<Parked>>, answer: Answer) {
        let taken = self.open.get_mut(&id).zip(parked);
        let Some((open, parked)) = taken else {
            self.extranonces.free(ticket.extranonce1);
            drop(answer.send(None));
            return;
        };
        let own = std::mem::replace(&mut open.ticket, ticket);
        self.extranonces.free(own.extranonce1);
        drop(answer.send(Some((ticket, *parked))));
    }

    fn on_closed(&mut self, id: SessionId, parked: Option<Box<Parked>>, now: Instant) {
        self.accounts.close(id);
        let Some(open) = self.open.remove(&id) else { return };
        let Open { address, is_counted, ticket, reserved, heir, .. } = open;
        for extranonce1 in reserved {
            self.extranonces.free(extranonce1);
        }
        if is_counted {
            self.guard.on_closed(address);
        }
        match (heir, parked) {
            (Some((heir, answer)), parked) => self.hand_over(heir, ticket, parked, answer),
            (None, Some(parked)) => {
                self.kept.insert(ticket, Kept { since: now, parked });
                self.kept_order.push_back((now, ticket));
                self.bound_kept();
            }
            (None, None) => self.extranonces.free(ticket.extranonce1),
        }
    }

    /// Forgets the sessions that wait longest when there are too many.
    fn bound_kept(&mut self) {
        while self.kept_order.len() > PARKED_MAX {
            self.forget_oldest_kept();
        }
    }

    fn forget_oldest_kept(&mut self) {
        let Some((since, ticket)) = self.kept_order.pop_front() else { return };
        // It may have been taken up, and kept again since.
        if self.kept.get(&ticket).is_some_and(|kept| kept.since == since) {
            self.kept.remove(&ticket);
            self.extranonces.free(ticket.extranonce1);
        }
    }

    /// Forgets sessions that nobody came back to, and old jobs of the others.
    fn forget_kept(&mut self, now: Instant) {
        let is_over = |since: Instant| now.saturating_duration_since(since) >= PARKED_TIME;
        while self.kept_order.front().is_some_and(|(since, _)| is_over(*since)) {
            self.forget_oldest_kept();
        }
        for kept in self.kept.values_mut() {
            kept.parked.forget_old_jobs(now);
        }
    }
}

/// The next connection at the door; none where there is no door.
async fn accept(door: Option<&Door>) -> (io::Result<(TcpStream, SocketAddr)>, Arc<AuthorityKeys>) {
    match door {
        Some(door) => (door.listener.accept().await, door.keys.clone()),
        None => pending().await,
    }
}

/// Runs a connection to its end.
fn track(tasks: &TaskTracker, address: IpAddr, connection: impl Future<Output = Ended> + Send + 'static) {
    let span = info_span!("miner", %address);
    tasks.spawn(async move {
        let reason = connection.instrument(span.clone()).await;
        debug!(parent: &span, reason, "miner disconnected");
    });
}
