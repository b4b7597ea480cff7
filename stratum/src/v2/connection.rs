//! One client's socket: moves frames between it and the session, and shares to the node.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use bytes::Bytes;
use codec_sv2::SerializedFrame;
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::oneshot, time::timeout};
use tracing::debug;

use super::{
    AuthorityKeys,
    limits::OUTBOX_LEN_MAX,
    message::{Message, MessageError},
    reply::Frame,
    session::{Action, PendingShare, Session},
    transport::{HANDSHAKE_LEN, Transport, TransportError},
};
use crate::{
    extranonce::EXTRANONCE1_LEN,
    guard::Conduct,
    job::JobTemplate,
    limits::WRITE_TIMEOUT,
    server::{
        Change, Ended, Event, Inbox, LaneWork, Outbox, Seat, Shared, behind_proxy,
        link::{self, Link},
        now,
    },
    submit::Found,
};

struct Connection {
    link: Link,
    stream: TcpStream,
    transport: Transport,
    inbox: Inbox,
    outbox: Outbox,
    /// Bytes in the outbox.
    waiting: usize,
    session: Session,
    /// That of the seat, for the first channel.
    extranonce1: Option<[u8; EXTRANONCE1_LEN]>,
    work: LaneWork,
}

/// Serves one client until it leaves, breaks a limit, or the node stops.
pub(crate) async fn run(socket: TcpStream, seat: Seat, shared: Arc<Shared>, keys: Arc<AuthorityKeys>) -> Ended {
    let (id, events) = (seat.id, shared.events.clone());
    let ended = serve(socket, seat, shared, keys).await;
    // The registry ends only with the node.
    drop(events.send(Event::Closed { id, parked: None }).await);
    ended
}

async fn serve(
    socket: TcpStream,
    Seat { id, ticket, address, leave, shed: _ }: Seat,
    shared: Arc<Shared>,
    keys: Arc<AuthorityKeys>,
) -> Ended {
    if socket.set_nodelay(true).is_err() {
        return "the socket is gone";
    }
    let link = Link::new(shared, id);
    let opening = Box::pin(timeout(link.shared.session().subscribe_timeout, async {
        let mut socket = socket;
        behind_proxy(&mut socket, address, &link).await?;
        handshake(socket, &keys).await
    }));
    let opened = tokio::select! {
        biased;
        () = leave.cancelled() => return "told to leave",
        opened = opening => opened,
    };
    let (stream, inbox, transport) = match opened {
        Ok(Ok(opened)) => opened,
        Ok(Err(ended)) => return ended,
        Err(_) => return "no handshake in time",
    };
    let work = LaneWork::new(&link.shared);
    let mut connection = Connection {
        session: Session::new(link.shared.session(), Instant::now()),
        extranonce1: Some(ticket.extranonce1),
        link,
        stream,
        transport,
        inbox,
        outbox: Outbox::default(),
        waiting: 0,
        work,
    };
    let ended = tokio::select! {
        biased;
        () = leave.cancelled() => "told to leave",
        served = connection.serve() => served.err().unwrap_or("closed by the client"),
    };
    connection.link.report().await;
    ended
}

/// Agrees on keys with the client.
async fn handshake(mut socket: TcpStream, keys: &AuthorityKeys) -> Result<(TcpStream, Inbox, Transport), Ended> {
    let mut inbox = Inbox::default();
    while inbox.unused().len() < HANDSHAKE_LEN {
        match inbox.fill(&mut socket).await {
            Ok(0) => return Err("closed without a word"),
            Ok(_) => {}
            Err(_) => return Err("the socket is gone"),
        }
    }
    let theirs: [u8; HANDSHAKE_LEN] = *inbox.unused().first_chunk().expect("so much was read");
    // A key looks like random bytes. The other protocol is a mistake, not junk.
    if theirs.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) {
        return Err("speaks Stratum V1 to the port of V2");
    }
    inbox.consume(HANDSHAKE_LEN);
    let (ours, transport) = Transport::accept(keys, theirs, now().unix).map_err(|_| "the handshake failed")?;
    socket.write_all(&ours).await.map_err(|_| "the socket is gone")?;
    Ok((socket, inbox, transport))
}

impl Connection {
    async fn serve(&mut self) -> Result<(), Ended> {
        let mut alarm = link::alarm(self.session.poll_timeout());
        loop {
            self.inbox.shrink();
            let may_read_at = self.session.may_read_at(Instant::now());
            self.link.set_alarm(&mut alarm, self.session.poll_timeout(), may_read_at);
            // All branches are cancel-safe: a watch, a read that keeps what it has, an alarm.
            tokio::select! {
                biased;
                change = self.work.changed() => {
                    if change? == Change::Plan && !self.settle().await {
                        continue;
                    }
                    let is_job = self.offer_all().await?;
                    self.flush().await?;
                    if is_job {
                        self.link.shared.timings.on_job_written(Instant::now());
                    }
                }
                read = self.inbox.fill(&mut self.stream), if may_read_at.is_none() => {
                    match read {
                        Ok(0) => return Ok(()),
                        Ok(_) => self.take_frames().await?,
                        Err(_) => return Err("the socket is gone"),
                    }
                }
                () = &mut alarm => {
                    self.link.report_if_due().await;
                    let actions = self.session.handle_tick(Instant::now());
                    self.perform(actions).await?;
                    // Frames that had to wait for their turn.
                    self.take_frames().await?;
                }
            }
        }
    }

    /// Handles the whole frames that were read, as many as may be, and acknowledges what they held together.
    async fn take_frames(&mut self) -> Result<(), Ended> {
        while self.session.may_read_at(Instant::now()).is_none() {
            let mut unused = self.inbox.unused();
            let before = unused.len();
            let decoded = self.transport.decode(&mut unused);
            let used = before.saturating_sub(unused.len());
            self.inbox.consume(used);
            match decoded {
                Ok(Some(frame)) => {
                    self.session.count_frame(Instant::now());
                    self.take_frame(frame).await?;
                }
                Ok(None) => break,
                Err(error) => return Err(self.junk(error).await),
            }
        }
        let acknowledged: Vec<Frame> = self.session.acknowledge().collect();
        for frame in acknowledged {
            self.send(frame).await?;
        }
        self.flush().await
    }

    async fn take_frame(&mut self, mut frame: SerializedFrame) -> Result<(), Ended> {
        let header = frame.header();
        // Extensions that are not known here are ignored (specification, section 3.4.1).
        if header.ext_type_without_channel_msg() != 0 {
            debug!(extension = header.ext_type_without_channel_msg(), "frame of an unknown extension");
            return Ok(());
        }
        match Message::decode(header.msg_type(), frame.payload()) {
            Ok(message) => {
                let now = now();
                let actions = self.session.handle_message(message, now);
                self.link.time_submit(now.instant, || actions.iter().any(|action| matches!(action, Action::Judged(_))));
                self.perform(actions).await
            }
            // Of a later version of the protocol.
            Err(error @ MessageError::UnknownType(_)) => {
                debug!(%error, "frame ignored");
                Ok(())
            }
            Err(MessageError::Malformed(_)) => {
                self.link.tell_conduct(Conduct::Junk).await;
                Err("a message cannot be read")
            }
        }
    }

    /// Why the connection ends with what cannot be read.
    async fn junk(&mut self, error: TransportError) -> Ended {
        // Who speaks another handshake is mistaken, and may have miners here that are not.
        if !self.session.is_set_up() {
            return "what follows the handshake cannot be decrypted";
        }
        self.link.tell_conduct(Conduct::Junk).await;
        match error {
            TransportError::TooLong => "a frame is too long",
            TransportError::Handshake | TransportError::Decrypt | TransportError::Encrypt => {
                "a frame cannot be decrypted"
            }
        }
    }

    /// Moves the connection to the lane that the plan has for it; says whether it was on another.
    async fn settle(&mut self) -> bool {
        let lane = self.session.lane(&self.work.plan(), (self.link.id().0, self.work.settled()));
        self.work.settle(lane, &mut self.link).await
    }

    /// Makes jobs of the lane's newest template for all channels; says whether there was anything to make.
    async fn offer_all(&mut self) -> Result<bool, Ended> {
        let (template, channel_ids) = (self.work.newest(), self.session.channel_ids());
        for channel_id in &channel_ids {
            self.offer(*channel_id, template.as_ref()).await?;
        }
        Ok(template.is_some() && !channel_ids.is_empty())
    }

    /// Makes a job of the template for the channel.
    async fn offer(&mut self, channel_id: u32, template: Option<&Arc<JobTemplate>>) -> Result<(), Ended> {
        let Some(template) = template else { return Ok(()) };
        let rates = self.link.shared.rates.borrow().clone();
        for frame in self.session.offer(channel_id, template, &rates, Instant::now()) {
            self.send(frame).await?;
        }
        Ok(())
    }

    async fn perform(&mut self, actions: Vec<Action>) -> Result<(), Ended> {
        let mut actions = VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Send(frame) => self.send(frame).await?,
                Action::Found { found, worker, pending } => self.hand_over((found, worker), pending).await?,
                Action::Renew(channel_id) => self.renew(channel_id).await?,
                Action::Reserve => actions.extend(self.reserve().await?),
                Action::Judged(judged) => self.link.count(judged).await,
                Action::Authorized(username) => self.link.authorized(username).await,
                Action::Left { worker, extranonce1 } => {
                    // What it did is its own, not that of the next worker with its number.
                    self.link.report().await;
                    self.link.left(worker, extranonce1).await;
                    // It may have been the one that chose the lane, or could not be paid on another.
                    if self.settle().await {
                        self.offer_all().await?;
                    }
                }
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

    /// Offers the newest template to one channel. Others may not have seen it yet.
    async fn renew(&mut self, channel_id: u32) -> Result<(), Ended> {
        let template = self.work.peek();
        self.offer(channel_id, template.as_ref()).await
    }

    /// Gets an extranonce1 for the channel that is being opened, and opens it with a job of the newest template.
    async fn reserve(&mut self) -> Result<Vec<Action>, Ended> {
        if self.settle().await {
            self.offer_all().await?;
        }
        let reserved = match self.extranonce1.take() {
            Some(own) => Some(own),
            None => {
                let (answer, outcome) = oneshot::channel();
                self.link.tell(Event::Reserve { id: self.link.id(), answer }).await;
                Box::pin(timeout(WRITE_TIMEOUT, outcome)).await.ok().and_then(Result::ok)
            }
        };
        let (template, rates) = (self.work.peek(), self.link.shared.rates.borrow().clone());
        let work = template.as_ref().map(|template| (template, &*rates));
        Ok(self.session.handle_reserved(reserved, work, Instant::now()))
    }

    /// Gives a share or block to the node, and has it acknowledged when it is stored.
    async fn hand_over(
        &mut self,
        (found, worker): (Box<Found>, usize),
        pending: Option<PendingShare>,
    ) -> Result<(), Ended> {
        let stored = self.link.give(found, worker).await?;
        let Some(pending) = pending else { return Ok(()) };
        let stored = link::outcome(stored).await?;
        match self.session.handle_stored(pending, stored) {
            Some(refused) => self.send(refused).await,
            None => Ok(()),
        }
    }

    /// Encrypts a frame and has it sent with the next flush, or now if much waits already.
    async fn send(&mut self, frame: Frame) -> Result<(), Ended> {
        let bytes = self.transport.encode(frame).map_err(|_| "a frame cannot be encrypted")?;
        self.waiting = self.waiting.saturating_add(bytes.len());
        self.outbox.push_parts([Bytes::from(bytes)]);
        if self.waiting > OUTBOX_LEN_MAX { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), Ended> {
        self.waiting = 0;
        self.outbox.flush_in_time(&mut self.stream).await
    }
}

#[cfg(test)]
mod tests;
