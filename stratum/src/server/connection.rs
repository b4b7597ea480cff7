//! One miner's socket: moves lines between it and the session, and shares to the node.

use std::{
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use futures::{SinkExt, StreamExt};
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot, watch},
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::{
    codec::{Framed, LinesCodec},
    sync::CancellationToken,
};
use tracing::{info, warn};

use super::{
    FoundShare, Rates,
    accounting::{Event, SessionId},
};
use crate::{
    extranonce::Extranonce1,
    job::JobTemplate,
    limits::{LINE_LEN_MAX, STORE_TIMEOUT, WRITE_TIMEOUT},
    session::{Action, Now, PendingReply, Session, SessionConfig},
    submit::Found,
};

/// Time between two looks at the session's clocks.
const TICK: std::time::Duration = std::time::Duration::from_secs(1);

/// What all connections of the endpoint use.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) session: Arc<SessionConfig>,
    pub(super) templates: watch::Receiver<Option<Arc<JobTemplate>>>,
    pub(super) rates: watch::Receiver<Rates>,
    pub(super) found: mpsc::Sender<FoundShare>,
    pub(super) events: mpsc::Sender<Event>,
}

/// Why a connection ends, for the log.
type Ended = &'static str;

struct Connection {
    shared: Arc<Shared>,
    socket: Framed<TcpStream, LinesCodec>,
    session: Session,
    id: SessionId,
    /// The template of the newest job.
    sent: Option<Arc<JobTemplate>>,
}

/// Serves one miner until it leaves, breaks a limit, or the node stops.
pub(super) async fn run(
    socket: TcpStream,
    extranonce1: Extranonce1,
    shared: Arc<Shared>,
    token: CancellationToken,
) -> Ended {
    // Without it a reply may wait for the acknowledgement of the one before.
    if socket.set_nodelay(true).is_err() {
        return "the socket is gone";
    }
    let id = SessionId(u32::from_be_bytes(extranonce1.to_bytes()));
    let mut templates = shared.templates.clone();
    templates.mark_changed();
    let mut connection = Connection {
        socket: Framed::new(socket, LinesCodec::new_with_max_length(LINE_LEN_MAX)),
        session: Session::new(shared.session.clone(), extranonce1, now()),
        shared,
        id,
        sent: None,
    };
    connection.report(Event::Opened { id }).await;
    let ended = connection.serve(templates, token).await.err().unwrap_or("closed by the miner");
    connection.report(Event::Closed { id }).await;
    ended
}

impl Connection {
    async fn serve(
        &mut self,
        mut templates: watch::Receiver<Option<Arc<JobTemplate>>>,
        token: CancellationToken,
    ) -> Result<(), Ended> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // All branches are cancel-safe: a watch, a framed read that keeps its buffer, an interval.
            tokio::select! {
                biased;
                () = token.cancelled() => return Err("the node stops"),
                changed = templates.changed() => {
                    changed.map_err(|_| "the node stops")?;
                    let template = templates.borrow_and_update().clone();
                    self.offer(template).await?;
                }
                line = self.socket.next() => {
                    let line = match line {
                        None => return Ok(()),
                        Some(Err(_)) => return Err("a line is too long or not text"),
                        Some(Ok(line)) => line,
                    };
                    let was_mining = self.session.is_mining();
                    let actions = self.session.handle_line(&line, now());
                    self.perform(actions).await?;
                    if !was_mining && self.session.is_mining() {
                        let template = templates.borrow_and_update().clone();
                        self.offer(template).await?;
                    }
                }
                _ = ticks.tick() => {
                    let actions = self.session.handle_tick(now());
                    self.perform(actions).await?;
                }
            }
        }
    }

    /// Makes a job of the template, clean when the parent block is another one.
    async fn offer(&mut self, template: Option<Arc<JobTemplate>>) -> Result<(), Ended> {
        let Some(template) = template.filter(|_| self.session.is_mining()) else { return Ok(()) };
        let prev_block = |template: &Arc<JobTemplate>| template.work().prev_block;
        let clean = self.sent.as_ref().map(prev_block) != Some(prev_block(&template));
        let script = self.session.script();
        let rate = script.and_then(|script| self.shared.rates.borrow().get(&script).copied()).unwrap_or_default();
        let actions = self.session.handle_template(&template, rate, clean, now());
        // Without a job the miner has not heard of the new block.
        if !actions.is_empty() {
            self.sent = Some(template);
        }
        self.perform(actions).await
    }

    async fn perform(&mut self, actions: Vec<Action>) -> Result<(), Ended> {
        let id = self.id;
        for action in actions {
            match action {
                Action::Send(line) => self.feed(line).await?,
                Action::Found { found, reply } => self.hand_over(found, reply).await?,
                Action::Judged(judged) => self.report(Event::Judged { id, judged }).await,
                Action::Authorized(username) => {
                    info!(worker = username.worker, agent = self.session.user_agent(), "worker authorized");
                    self.report(Event::Authorized { id, username, agent: self.session.user_agent().to_owned() }).await;
                }
                Action::Disconnect(reason) => {
                    let _flushed = self.flush().await;
                    return Err(reason);
                }
            }
        }
        self.flush().await
    }

    /// Gives a share or block to the node and answers the miner when it is stored.
    async fn hand_over(&mut self, found: Box<Found>, reply: Option<PendingReply>) -> Result<(), Ended> {
        let (stored, outcome) = oneshot::channel();
        if self.shared.found.send(FoundShare { found, stored }).await.is_err() {
            return Err("the node stops");
        }
        let Some(reply) = reply else { return Ok(()) };
        let line = match timeout(STORE_TIMEOUT, outcome).await {
            Ok(Ok(Ok(()))) => reply.stored(),
            Ok(Ok(Err(reason))) => reply.refused(reason),
            Ok(Err(_)) => return Err("the node stops"),
            Err(_) => {
                warn!("a share waits for the store for more than {} s", STORE_TIMEOUT.as_secs());
                reply.refused("the store does not answer".to_owned())
            }
        };
        self.feed(line).await
    }

    async fn feed(&mut self, line: String) -> Result<(), Ended> {
        match timeout(WRITE_TIMEOUT, self.socket.feed(line)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err("the socket is gone"),
            Err(_) => Err("does not read what it is sent"),
        }
    }

    async fn flush(&mut self) -> Result<(), Ended> {
        match timeout(WRITE_TIMEOUT, SinkExt::<String>::flush(&mut self.socket)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err("the socket is gone"),
            Err(_) => Err("does not read what it is sent"),
        }
    }

    async fn report(&self, event: Event) {
        // The accounting task ends only with the node.
        let _ended = self.shared.events.send(event).await;
    }
}

fn now() -> Now {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Now { instant: Instant::now(), unix }
}
