//! One miner's socket: moves lines between it and the session, and shares to the node.

use std::{
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot, watch},
    time::{Sleep, sleep_until, timeout},
};
use tokio_rustls::TlsAcceptor;
use tracing::warn;

use super::{
    FoundShare, SessionId,
    accounts::Tally,
    http,
    opening::{self, Opened},
    outbox::Outbox,
    registry::{Event, Seat},
    stream::{Inbox, Stream},
};
use crate::{
    connect_page::ConnectPage,
    guard::Conduct,
    job::JobTemplate,
    limits::{LINE_LEN_MAX, STORE_TIMEOUT, WRITE_TIMEOUT},
    message,
    miner::{Now, Rates, SessionConfig},
    session::{Action, Judged, PendingReply, Session},
    submit::Found,
};

/// Time between two reports to the registry while something is done.
pub(crate) const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Time to take the last line.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);
/// When a node stops its miners come back at different seconds of this many, so that they do not come back all at once.
const RECONNECT_SPREAD_SECS: u64 = 10;

/// What all connections of the endpoint use.
pub(crate) struct Shared {
    pub(crate) session: Arc<SessionConfig>,
    pub(crate) proxies: Vec<IpAddr>,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) page: ConnectPage,
    pub(crate) templates: watch::Receiver<Option<Arc<JobTemplate>>>,
    pub(crate) rates: watch::Receiver<Arc<Rates>>,
    pub(crate) found: mpsc::Sender<FoundShare>,
    pub(crate) events: mpsc::Sender<Event>,
}

impl Shared {
    /// Whether connections from there begin with a PROXY header.
    pub(crate) fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxies.contains(&address.to_canonical())
    }
}

/// Why a connection ends, for the log.
pub(crate) type Ended = &'static str;

struct Connection {
    shared: Arc<Shared>,
    id: SessionId,
    stream: Stream,
    inbox: Inbox,
    outbox: Outbox,
    session: Session,
    templates: watch::Receiver<Option<Arc<JobTemplate>>>,
    tally: Tally,
    /// When the tally is reported, if there is one.
    report_at: Option<Instant>,
}

/// Serves one miner until it leaves, breaks a limit, or the node stops.
pub(super) async fn run(socket: TcpStream, seat: Seat, shared: Arc<Shared>) -> Ended {
    let (id, events) = (seat.id, shared.events.clone());
    let (ended, parked) = serve(socket, seat, shared).await;
    // The registry ends only with the node.
    drop(events.send(Event::Closed { id, parked }).await);
    ended
}

/// Boxed, because few of the futures in here are needed at a time, and a silent miner should take little memory.
async fn serve(
    socket: TcpStream,
    Seat { id, ticket, address, leave }: Seat,
    shared: Arc<Shared>,
) -> (Ended, Option<Box<crate::session::Parked>>) {
    // Without it a reply may wait for the acknowledgement of the one before.
    if socket.set_nodelay(true).is_err() {
        return ("the socket is gone", None);
    }
    let opening = Box::pin(opening::open(socket, id, address, &shared));
    let opened = tokio::select! {
        biased;
        () = leave.cancelled() => return ("told to leave", None),
        opened = opening => opened,
    };
    let (stream, inbox) = match opened {
        Ok(Opened::Stratum { stream, inbox }) => (stream, inbox),
        Ok(Opened::Http { stream, inbox }) => {
            return (Box::pin(http::answer(stream, inbox, &shared.page)).await, None);
        }
        Err(ended) => return (ended, None),
    };
    let mut templates = shared.templates.clone();
    templates.mark_changed();
    let session = Session::new(shared.session.clone(), ticket, now());
    let (outbox, tally) = (Outbox::default(), Tally::default());
    let mut connection = Connection { shared, id, stream, inbox, outbox, session, templates, tally, report_at: None };
    let ended = tokio::select! {
        biased;
        () = leave.cancelled() => connection.farewell().await,
        served = connection.serve() => served.err().unwrap_or("closed by the miner"),
    };
    connection.report().await;
    (ended, connection.session.park().map(Box::new))
}

impl Connection {
    async fn serve(&mut self) -> Result<(), Ended> {
        let mut alarm = Box::pin(sleep_until(self.wake().into()));
        // What it began with was read to find out what it speaks.
        self.take_lines().await?;
        loop {
            self.inbox.shrink();
            let may_read_at = self.session.may_read_at(Instant::now());
            set_alarm(&mut alarm, may_read_at.map_or_else(|| self.wake(), |at| at.min(self.wake())));
            // All branches are cancel-safe: a watch, a read that keeps what it has, an alarm.
            tokio::select! {
                biased;
                changed = self.templates.changed() => {
                    changed.map_err(|_| "the node stops")?;
                    self.renew();
                    self.flush().await?;
                }
                read = self.inbox.fill(&mut self.stream), if may_read_at.is_none() => {
                    match read {
                        Ok(0) => return Ok(()),
                        Ok(_) => self.take_lines().await?,
                        Err(_) => return Err("the socket is gone"),
                    }
                }
                () = &mut alarm => {
                    if self.report_at.is_some_and(|at| at <= Instant::now()) {
                        self.report().await;
                    }
                    let actions = self.session.handle_tick(now());
                    self.perform(actions).await?;
                    // Lines that had to wait for their turn.
                    self.take_lines().await?;
                }
            }
        }
    }

    /// When something has to be done if nothing comes.
    fn wake(&self) -> Instant {
        let session = self.session.poll_timeout();
        self.report_at.map_or(session, |at| at.min(session))
    }

    /// Handles the whole lines that were read, as many as may be.
    async fn take_lines(&mut self) -> Result<(), Ended> {
        while self.session.may_read_at(Instant::now()).is_none() {
            let Some(line) = self.inbox.next_line() else { break };
            let Ok(line) = str::from_utf8(line) else {
                self.tell(Event::Misbehaved { id: self.id, conduct: Conduct::Junk }).await;
                return Err("a line is not text");
            };
            let actions = self.session.handle_line(line, now());
            self.perform(actions).await?;
        }
        if self.inbox.unused().len() > LINE_LEN_MAX && self.inbox.has_no_line() {
            self.tell(Event::Misbehaved { id: self.id, conduct: Conduct::Junk }).await;
            return Err("a line is too long");
        }
        self.flush().await
    }

    /// Makes a job of the newest template.
    fn renew(&mut self) {
        let template = self.templates.borrow_and_update().clone();
        let Some(template) = template.filter(|_| self.session.is_mining()) else { return };
        let rates = self.shared.rates.borrow().clone();
        let actions = self.session.handle_template(&template, &rates, now());
        for action in actions {
            self.send(action);
        }
    }

    /// Puts into the outbox what is to be sent.
    fn send(&mut self, action: Action) {
        match action {
            Action::Send(line) => self.outbox.push_line(line),
            Action::SendJob(line) => self.outbox.push_parts(line.into_parts()),
            _ => {}
        }
    }

    async fn perform(&mut self, actions: Vec<Action>) -> Result<(), Ended> {
        for action in actions {
            match action {
                action @ (Action::Send(_) | Action::SendJob(_)) => self.send(action),
                Action::Found { found, reply } => self.hand_over(found, reply).await?,
                Action::Renew => self.renew(),
                Action::Resume { session_id } => self.resume(&session_id).await?,
                Action::Judged(judged) => self.count(judged),
                Action::Authorized(username) => self.tell(Event::Authorized { id: self.id, username }).await,
                Action::Agent(agent) => self.tell(Event::Named { id: self.id, agent }).await,
                Action::Misbehaved(conduct) => self.tell(Event::Misbehaved { id: self.id, conduct }).await,
                Action::Disconnect(reason) => {
                    let _flushed = self.flush().await;
                    return Err(reason);
                }
            }
        }
        Ok(())
    }

    /// Gives a share or block to the node and answers the miner when it is stored.
    async fn hand_over(&mut self, found: Box<Found>, reply: Option<PendingReply>) -> Result<(), Ended> {
        let (stored, outcome) = oneshot::channel();
        if self.shared.found.send(FoundShare { found, stored }).await.is_err() {
            return Err("the node stops");
        }
        let Some(reply) = reply else { return Ok(()) };
        let line = match Box::pin(timeout(STORE_TIMEOUT, outcome)).await {
            Ok(Ok(Ok(()))) => reply.stored(),
            Ok(Ok(Err(reason))) => reply.refused(reason),
            Ok(Err(_)) => return Err("the node stops"),
            Err(_) => {
                warn!("a share waits for the store for more than {} s", STORE_TIMEOUT.as_secs());
                reply.refused("the store does not answer".to_owned())
            }
        };
        self.outbox.push_line(line);
        Ok(())
    }

    /// Asks for the session that the miner wants to take up; its subscription is answered then.
    async fn resume(&mut self, session_id: &str) -> Result<(), Ended> {
        let mut found = None;
        if let Ok(ticket) = session_id.parse() {
            let (answer, outcome) = oneshot::channel();
            self.tell(Event::Resume { id: self.id, ticket, answer }).await;
            found = Box::pin(timeout(WRITE_TIMEOUT, outcome)).await.ok().and_then(Result::ok).flatten();
        }
        for action in self.session.handle_resume(found) {
            match action {
                Action::Agent(agent) => self.tell(Event::Named { id: self.id, agent }).await,
                Action::Renew => self.renew(),
                action => self.send(action),
            }
        }
        Ok(())
    }

    fn count(&mut self, judged: Judged) {
        match judged {
            Judged::Accepted { worker, hashes, is_fee } => self.tally.accept(worker, hashes, is_fee),
            Judged::Stale => self.tally.stale = self.tally.stale.saturating_add(1),
            Judged::Rejected => self.tally.rejected = self.tally.rejected.saturating_add(1),
        }
        self.report_at.get_or_insert_with(|| Instant::now() + REPORT_INTERVAL);
    }

    async fn report(&mut self) {
        self.report_at = None;
        let tally = std::mem::take(&mut self.tally);
        if !tally.is_empty() {
            self.tell(Event::Done { id: self.id, tally }).await;
        }
    }

    async fn flush(&mut self) -> Result<(), Ended> {
        if self.outbox.is_empty() {
            return Ok(());
        }
        match timeout(WRITE_TIMEOUT, self.outbox.flush(&mut self.stream)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err("the socket is gone"),
            Err(_) => Err("does not read what it is sent"),
        }
    }

    /// Sends the miner away: to the same place, at a time that others do not have.
    async fn farewell(&mut self) -> Ended {
        if self.session.is_mining() {
            let wait = self.id.0 % RECONNECT_SPREAD_SECS + 1;
            // Never to another host: a miner must not learn to follow such a line (attack M9).
            self.outbox.push_line(message::notification("client.reconnect", &format!("[null,null,{wait}]")));
            drop(timeout(FAREWELL_TIMEOUT, self.outbox.flush(&mut self.stream)).await);
        }
        "told to leave"
    }

    async fn tell(&self, event: Event) {
        // The registry ends only with the node.
        drop(self.shared.events.send(event).await);
    }
}

/// Moves the alarm, which costs a lock, only when it would ring too late or has rung.
pub(crate) fn set_alarm(alarm: &mut Pin<Box<Sleep>>, at: Instant) {
    if alarm.is_elapsed() || at < alarm.deadline().into_std() {
        alarm.as_mut().reset(at.into());
    }
}

/// The clocks.
pub(crate) fn now() -> Now {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Now { instant: Instant::now(), unix }
}
