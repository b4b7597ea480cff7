//! One miner's socket: moves lines between it and the session, and shares to the node.

use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot, watch},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::{
    LaneEnds, http,
    lane_work::{Change, LaneWork},
    link::{self, Link},
    opening::{self, Opened},
    outbox::Outbox,
    registry::{Event, Seat},
    stream::{Inbox, LineTooLong, Stream},
};
use crate::{
    connect_page::ConnectPage,
    guard::Conduct,
    lane::LanePlan,
    limits::{LINE_LEN_MAX, WRITE_TIMEOUT},
    miner::{Now, Rates, SessionConfig},
    session::{Action, Parked, PendingReply, Refuge, Session},
    submit::Found,
    timing::Timings,
};

/// Time to take the last line.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);
/// When a node stops its miners come back at different seconds of this many, so that they do not come back all at once.
const RECONNECT_SPREAD_SECS: u64 = 10;

/// What all connections of the endpoint use.
pub(crate) struct Shared {
    /// May change while miners are served; a connection keeps what it began with.
    pub(crate) terms: watch::Receiver<Arc<SessionConfig>>,
    /// Where miners connect to.
    pub(crate) port: u16,
    pub(crate) proxies: Vec<IpAddr>,
    pub(crate) tls: Option<TlsAcceptor>,
    /// Never empty.
    pub(crate) lanes: Vec<LaneEnds>,
    pub(crate) plan: watch::Receiver<Arc<LanePlan>>,
    pub(crate) rates: watch::Receiver<Arc<Rates>>,
    pub(crate) refuge: Option<watch::Receiver<Option<Refuge>>>,
    /// Cancelled when the node stops.
    pub(crate) stopping: CancellationToken,
    pub(crate) events: mpsc::Sender<Event>,
    pub(crate) timings: Arc<Timings>,
}

impl Shared {
    /// What holds for a connection that begins now.
    pub(crate) fn session(&self) -> Arc<SessionConfig> {
        self.terms.borrow().clone()
    }

    /// What a browser sees.
    fn page(&self) -> ConnectPage {
        ConnectPage::new(&self.session(), self.port, self.tls.is_some())
    }

    /// Another node of the operator that has room.
    pub(super) fn refuge(&self) -> Option<Refuge> {
        self.refuge.as_ref()?.borrow().clone()
    }

    /// Whether connections from there begin with a PROXY header.
    pub(crate) fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxies.contains(&address.to_canonical())
    }
}

/// Why a connection ends, for the log.
pub(crate) type Ended = &'static str;

struct Connection {
    link: Link,
    stream: Stream,
    inbox: Inbox,
    outbox: Outbox,
    session: Session,
    work: LaneWork,
    /// Cancelled when the node has too many miners and this one would go.
    shed: CancellationToken,
    is_invited: bool,
}

/// Serves one miner until it leaves, breaks a limit, or the node stops.
pub(super) async fn run(socket: TcpStream, seat: Seat, shared: Arc<Shared>) -> Ended {
    let (id, events) = (seat.id, shared.events.clone());
    let (ended, parked) = serve(socket, seat, shared).await;
    // The registry ends only with the node.
    drop(events.send(Event::Closed { id, parked }).await);
    ended
}

/// What takes much memory and is over soon is boxed: a silent miner should take little.
async fn serve(
    socket: TcpStream,
    Seat { id, ticket, address, leave, shed }: Seat,
    shared: Arc<Shared>,
) -> (Ended, Option<Box<Parked>>) {
    // Without it a reply may wait for the acknowledgement of the one before.
    if socket.set_nodelay(true).is_err() {
        return ("the socket is gone", None);
    }
    let mut link = Link::new(shared, id);
    let opening = Box::pin(opening::open(socket, address, &mut link));
    let opened = tokio::select! {
        biased;
        () = leave.cancelled() => return ("told to leave", None),
        opened = opening => opened,
    };
    let (stream, inbox) = match opened {
        Ok(Opened::Stratum { stream, inbox }) => (stream, inbox),
        Ok(Opened::Http { stream, inbox }) => {
            return (Box::pin(http::answer(stream, inbox, &link.shared.page())).await, None);
        }
        Err(ended) => return (ended, None),
    };
    let work = LaneWork::new(&link.shared);
    let session = Session::new(link.shared.session(), ticket, now());
    let outbox = Outbox::default();
    let mut connection = Connection { link, stream, inbox, outbox, session, work, shed, is_invited: false };
    let ended = tokio::select! {
        biased;
        () = leave.cancelled() => connection.farewell().await,
        served = connection.serve() => served.err().unwrap_or("closed by the miner"),
    };
    connection.link.report().await;
    (ended, connection.session.park().map(Box::new))
}

impl Connection {
    async fn serve(&mut self) -> Result<(), Ended> {
        let mut alarm = link::alarm(self.session.poll_timeout());
        // What it began with was read to find out what it speaks.
        self.take_lines().await?;
        loop {
            self.inbox.shrink();
            let may_read_at = self.session.may_read_at(Instant::now());
            self.link.set_alarm(&mut alarm, self.session.poll_timeout(), may_read_at);
            // All branches are cancel-safe: a watch, a token, a read that keeps what it has, an alarm.
            tokio::select! {
                biased;
                change = self.work.changed() => {
                    let actions = match change? {
                        Change::Template => self.offer(),
                        Change::Plan if self.settle().await => self.offer(),
                        Change::Plan => Vec::new(),
                    };
                    let is_job = !actions.is_empty();
                    self.perform(actions).await?;
                    self.flush().await?;
                    if is_job {
                        self.link.shared.timings.on_job_written(Instant::now());
                    }
                }
                () = self.shed.cancelled(), if !self.is_invited => {
                    self.is_invited = true;
                    let invitation = self.refuge().and_then(|refuge| self.session.invitation(&refuge, self.wait_secs()));
                    self.perform(invitation.into_iter().collect()).await?;
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
                    self.link.report_if_due().await;
                    let actions = self.session.handle_tick(now());
                    self.perform(actions).await?;
                    // Lines that had to wait for their turn.
                    self.take_lines().await?;
                }
            }
        }
    }

    /// Handles the whole lines that were read, as many as may be.
    async fn take_lines(&mut self) -> Result<(), Ended> {
        while self.session.may_read_at(Instant::now()).is_none() {
            let actions = match self.inbox.next_line(LINE_LEN_MAX).map(|line| line.map(str::from_utf8)) {
                Ok(None) => break,
                Ok(Some(Ok(line))) => {
                    let now = now();
                    let actions = self.session.handle_line(line, now);
                    self.link
                        .time_submit(now.instant, || actions.iter().any(|action| matches!(action, Action::Judged(_))));
                    actions
                }
                Ok(Some(Err(_))) => return Err(self.junk("a line is not text").await),
                Err(LineTooLong) => return Err(self.junk("a line is too long").await),
            };
            self.perform(actions).await?;
        }
        self.flush().await
    }

    /// Why the connection ends with what is no Stratum.
    async fn junk(&mut self, reason: Ended) -> Ended {
        self.link.tell_conduct(Conduct::Junk).await;
        reason
    }

    /// Moves the miner to the lane that the plan has for it; says whether it was on another.
    async fn settle(&mut self) -> bool {
        let lane = self.session.lane(&self.work.plan(), (self.link.id().0, self.work.settled()));
        self.work.settle(lane, &mut self.link).await
    }

    /// Makes a job of the lane's newest template.
    fn offer(&mut self) -> Vec<Action> {
        let Some(template) = self.work.newest().filter(|_| self.session.is_mining()) else { return Vec::new() };
        let rates = self.link.shared.rates.borrow().clone();
        self.session.handle_template(&template, &rates, now())
    }

    async fn perform(&mut self, actions: Vec<Action>) -> Result<(), Ended> {
        let mut actions = VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Send(line) => self.outbox.push_line(line),
                Action::SendJob(line) => self.outbox.push_parts(line.into_parts()),
                Action::Found { found, worker, reply } => self.hand_over((found, worker), reply).await?,
                Action::Renew => {
                    self.settle().await;
                    actions.extend(self.offer());
                }
                Action::Resume { session_id } => actions.extend(self.resume(&session_id).await),
                Action::Judged(judged) => self.link.count(judged).await,
                Action::Authorized(username) => self.link.authorized(username).await,
                Action::Follows(follows) => self.link.tell(Event::Follows { id: self.link.id(), follows }).await,
                Action::Agent(agent) => self.link.tell(Event::Named { id: self.link.id(), agent }).await,
                Action::Misbehaved(conduct) => self.link.tell_conduct(conduct).await,
                Action::Disconnect(reason) => {
                    let _flushed = self.flush().await;
                    return Err(reason);
                }
            }
        }
        Ok(())
    }

    /// Gives a share or block to the node and answers the miner when it is stored.
    async fn hand_over(
        &mut self,
        (found, worker): (Box<Found>, usize),
        reply: Option<PendingReply>,
    ) -> Result<(), Ended> {
        let stored = self.link.give(found, worker).await?;
        let Some(reply) = reply else { return Ok(()) };
        let stored = link::outcome(stored).await?;
        self.outbox.push_line(stored.map_or_else(|reason| reply.refused(reason), |()| reply.stored()));
        Ok(())
    }

    /// Asks for the session that the miner wants to take up; its subscription is answered then.
    async fn resume(&mut self, session_id: &str) -> Vec<Action> {
        let mut found = None;
        if let Ok(ticket) = session_id.parse() {
            let (answer, outcome) = oneshot::channel();
            self.link.tell(Event::Resume { id: self.link.id(), ticket, answer }).await;
            found = Box::pin(timeout(WRITE_TIMEOUT, outcome)).await.ok().and_then(Result::ok).flatten();
        }
        self.session.handle_resume(found)
    }

    async fn flush(&mut self) -> Result<(), Ended> {
        self.outbox.flush_in_time(&mut self.stream).await
    }

    /// Sends the miner away, at a time that others do not have.
    async fn farewell(&mut self) -> Ended {
        // Who is banned is not passed on, and who has come back on another connection is here already.
        let refuge = self.link.shared.stopping.is_cancelled().then(|| self.refuge()).flatten();
        if let Some(Action::Send(line)) = self.session.farewell(refuge.as_ref(), self.wait_secs()) {
            self.outbox.push_line(line);
            drop(timeout(FAREWELL_TIMEOUT, self.outbox.flush(&mut self.stream)).await);
        }
        "told to leave"
    }

    fn wait_secs(&self) -> u64 {
        self.link.id().0 % RECONNECT_SPREAD_SECS + 1
    }

    /// Where this miner could go. Inside TLS nowhere: the line names no scheme, and the other port may not know TLS.
    fn refuge(&self) -> Option<Refuge> {
        matches!(self.stream, Stream::Left(_)).then(|| self.link.shared.refuge()).flatten()
    }
}

/// The clocks.
pub(crate) fn now() -> Now {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Now { instant: Instant::now(), unix }
}
