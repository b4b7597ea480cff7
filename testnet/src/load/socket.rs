//! One connection's socket: moves lines between it and the state machine, and submits at its pace. A task holds no
//! buffer of its own while the server is silent.

use std::{
    convert::Infallible,
    future::poll_fn,
    io,
    mem::MaybeUninit,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Poll, ready},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use tokio::{
    io::{AsyncRead, AsyncWriteExt, ReadBuf},
    net::TcpStream,
    sync::{Semaphore, mpsc, watch},
    task::yield_now,
    time::{sleep_until, timeout},
};

use super::{
    connection::{Action, Connection, Login},
    lines::LineBuffer,
    pace::Pace,
    tally::Tally,
};

/// Connections that are being opened at once: miners come back in a crowd when a server restarts. A server whose
/// listening socket queues fewer makes the rest wait a second for the kernel to try again; that is measured too.
pub(super) const OPENING_MAX: usize = 512;
/// Time for the TCP handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Time from there to the first job. A server that is full answers never.
const READY_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes read at once: many replies, or most jobs.
const READ_LEN: usize = 16 * 1_024;
/// Longest line of a server. A job with thousands of payouts has some 100 kB; more is no job.
const LINE_LEN_MAX: usize = 4 << 20;

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    /// `host:port` as it was asked for.
    pub(super) server: String,
    /// What that is; they are tried in order.
    pub(super) addresses: Vec<SocketAddr>,
    /// Submits of one connection that wait for an answer.
    pub(super) window: usize,
    pub(super) tally: Tally,
    /// One permit per connection that is being opened.
    pub(super) opening: Semaphore,
    /// Told once per connection when it has a job.
    pub(super) ready: mpsc::Sender<()>,
    /// When the measured span begins, once that is known.
    pub(super) start: watch::Receiver<Option<Start>>,
}

/// The measured span begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    pub(super) at: Instant,
    /// Between two submits of a connection.
    pub(super) interval: Option<Duration>,
}

/// Why a connection ended. It never ends by itself: whoever started it drops it.
#[derive(Debug)]
pub(super) enum Ended {
    /// Before it was ready.
    NotConnected(anyhow::Error),
    /// After it was.
    Lost(anyhow::Error),
}

/// Opens a connection not before `opens`, and submits from the start on. `place` is between 0 and 1: connections with a
/// pace spread their first submits by it.
pub(super) async fn run(shared: Arc<Shared>, login: Arc<Login>, opens: Instant, place: f64) -> Ended {
    sleep_until(opens.into()).await;
    let mut socket = match Socket::open(shared.clone(), login).await {
        Ok(socket) => socket,
        Err(error) => return Ended::NotConnected(error),
    };
    // Whoever counts the connections is gone only when all of them are about to be dropped.
    let _told = shared.ready.send(()).await;
    let error = match socket.wait_for_start().await {
        Ok(start) => {
            let Err(error) = socket.serve(start, place).await;
            error
        }
        Err(error) => error,
    };
    Ended::Lost(error)
}

/// What a connection waits for besides the server.
enum Wait {
    /// Nothing.
    Server,
    /// All others to have their turn.
    Turn,
    /// Its pace.
    Until(Instant),
}

struct Socket {
    shared: Arc<Shared>,
    stream: TcpStream,
    received: LineBuffer,
    connection: Connection,
    /// Whole lines to write.
    unsent: String,
}

impl Socket {
    async fn open(shared: Arc<Shared>, login: Arc<Login>) -> anyhow::Result<Self> {
        let _permit = shared.opening.acquire().await.context("the load ends")?;
        let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(shared.addresses.as_slice())).await;
        let stream = stream.with_context(|| format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()));
        let stream = stream.and_then(|stream| Ok(stream?));
        let stream = stream.with_context(|| format!("cannot connect to {}", shared.server))?;
        stream.set_nodelay(true).context("cannot set no-delay")?;
        let (connection, mut unsent) = Connection::open(login);
        unsent.push('\n');
        let mut socket = Self { shared: shared.clone(), stream, received: LineBuffer::default(), connection, unsent };
        match timeout(READY_TIMEOUT, socket.become_ready()).await {
            Ok(ready) => ready?,
            Err(_) => {
                let missing = socket.connection.waits_for().unwrap_or("next line");
                bail!("the server sends no {missing} within {} s", READY_TIMEOUT.as_secs());
            }
        }
        Ok(socket)
    }

    async fn become_ready(&mut self) -> anyhow::Result<()> {
        while self.connection.waits_for().is_some() {
            self.write().await?;
            self.read().await?;
            self.take_lines()?;
        }
        Ok(())
    }

    async fn wait_for_start(&mut self) -> anyhow::Result<Start> {
        let mut starts = self.shared.start.clone();
        loop {
            self.write().await?;
            // Both can be dropped without loss: a read that is not ready has taken nothing.
            tokio::select! {
                biased;
                start = starts.wait_for(Option::is_some) => {
                    if let Some(start) = *start.context("the load ends")? {
                        return Ok(start);
                    }
                }
                read = self.read() => read?,
            }
            self.take_lines()?;
        }
    }

    async fn serve(&mut self, start: Start, place: f64) -> anyhow::Result<Infallible> {
        let first = start.at + start.interval.unwrap_or_default().mul_f64(place);
        let mut pace = Pace::new(start.interval, first);
        loop {
            let wait = self.submit(&mut pace)?;
            self.write().await?;
            // All can be dropped without loss.
            match wait {
                Wait::Server => self.read().await?,
                Wait::Turn => tokio::select! {
                    biased;
                    read = self.read() => read?,
                    () = yield_now() => {}
                },
                Wait::Until(due) => tokio::select! {
                    biased;
                    read = self.read() => read?,
                    () = sleep_until(due.into()) => {}
                },
            }
            if self.take_lines()? {
                // Building a header takes as long as reading a job. Others read theirs first, or the time that a block
                // takes to all connections would be that of the client.
                yield_now().await;
            }
        }
    }

    /// Adds what is due and found to what is written next.
    fn submit(&mut self, pace: &mut Pace) -> anyhow::Result<Wait> {
        let room = self.shared.window.saturating_sub(self.connection.outstanding());
        let due = pace.due(Instant::now(), room);
        if due == 0 {
            return Ok(if room == 0 { Wait::Server } else { Wait::Until(pace.next()) });
        }
        let hashes = self.connection.search(due)?;
        let submits = self.connection.submit(due, Instant::now(), &mut self.unsent);
        pace.sent(submits);
        self.shared.tally.on_submitted(submits, hashes);
        let wait = if self.connection.is_out_of_work() || submits == room {
            Wait::Server
        } else if submits < due {
            Wait::Turn
        } else {
            Wait::Until(pace.next())
        };
        Ok(wait)
    }

    async fn write(&mut self) -> anyhow::Result<()> {
        if !self.unsent.is_empty() {
            self.stream.write_all(self.unsent.as_bytes()).await.context("the server closed the connection")?;
            self.unsent.clear();
        }
        Ok(())
    }

    /// Waits for bytes. Through a buffer on the stack: one per task would be most of its memory.
    async fn read(&mut self) -> anyhow::Result<()> {
        let (stream, received) = (&mut self.stream, &mut self.received);
        let count = poll_fn(|context| {
            let mut bytes = [MaybeUninit::uninit(); READ_LEN];
            let mut buffer = ReadBuf::uninit(&mut bytes);
            ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
            received.extend(buffer.filled());
            Poll::Ready(Ok::<_, io::Error>(buffer.filled().len()))
        });
        ensure!(count.await.context("the server broke the connection")? > 0, "the server closed the connection");
        Ok(())
    }

    /// Handles the lines that are whole; says whether a new block was among them.
    fn take_lines(&mut self) -> anyhow::Result<bool> {
        let now = Instant::now();
        let mut is_new_block = false;
        while let Some(line) = self.received.next_line() {
            let line = str::from_utf8(line).context("the server sent what is no text")?;
            match self.connection.handle_line(line, now)? {
                None => {}
                Some(Action::Send(line)) => {
                    self.unsent.push_str(&line);
                    self.unsent.push('\n');
                }
                Some(Action::Answered { verdict, latency }) => self.shared.tally.on_answered(verdict, latency),
                Some(Action::NewBlock(prev_block)) => {
                    is_new_block = true;
                    self.shared.tally.on_block(&prev_block, now);
                }
            }
        }
        ensure!(self.received.unfinished() <= LINE_LEN_MAX, "the server sent a line without an end");
        Ok(is_new_block)
    }
}
