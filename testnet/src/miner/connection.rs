//! One connection to a pool, whatever its protocol: one thread reads the socket, the others hash, the main one hands what happens
//! to the protocol. It knows no message of any protocol.

use std::{
    io,
    net::{Shutdown, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use super::search::{Search, Solution};

/// Time to connect.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Messages and solutions that wait for the main thread; when it is full the threads wait.
const EVENTS_QUEUE_MAX: usize = 64;
/// Longest time between two ticks.
const TICK: Duration = Duration::from_millis(200);
/// How long a miner that is to end waits for the answers to what it has submitted.
const LAST_ANSWERS_MAX: Duration = Duration::from_secs(2);

/// How a pool is spoken to: what it says, nonces and the time come in; it sends, assigns work and counts by itself.
pub(super) trait Protocol {
    /// How the pool names a job.
    type JobId: Send + Sync + 'static;
    /// What the pool says at a time.
    type Message: Send + 'static;

    /// The pool said something.
    fn handle_message(&mut self, message: Self::Message, now: Instant) -> anyhow::Result<()>;

    /// A thread found a nonce for work that was assigned.
    fn handle_solution(&mut self, solution: &Solution<Self::JobId>) -> anyhow::Result<()>;

    /// Time has passed; comes before anything else, too.
    fn handle_tick(&mut self, now: Instant) -> anyhow::Result<()>;

    /// Whether something that was submitted is not answered yet.
    fn awaits_answers(&self) -> bool;
}

/// What wakes the main thread.
pub(super) enum Event<J, M> {
    Message(M),
    Closed(String),
    Solution(Solution<J>),
}

/// Opens a socket that small messages leave at once.
pub(super) fn connect(address: &str) -> anyhow::Result<TcpStream> {
    use std::net::ToSocketAddrs;
    let resolved = address.to_socket_addrs().with_context(|| format!("{address} is no address"))?.next();
    let resolved = resolved.with_context(|| format!("{address} has no address"))?;
    let socket = TcpStream::connect_timeout(&resolved, CONNECT_TIMEOUT)
        .with_context(|| format!("no pool answers at {address}"))?;
    socket.set_nodelay(true).context("cannot set no-delay")?;
    Ok(socket)
}

/// A second owner of the socket.
pub(super) fn share(socket: &TcpStream) -> anyhow::Result<TcpStream> {
    socket.try_clone().context("cannot share the socket")
}

/// Mines until the connection ends or `stop` is set. `messages` are what is read from `socket`.
pub(super) fn run<P: Protocol>(
    mut protocol: P,
    messages: impl Iterator<Item = io::Result<P::Message>> + Send + 'static,
    socket: &TcpStream,
    search: &Arc<Search<P::JobId>>,
    stop: &AtomicBool,
) -> anyhow::Result<()> {
    let (events, inbox) = mpsc::sync_channel(EVENTS_QUEUE_MAX);
    let threads: Vec<_> = (0..search.config.threads)
        .map(|thread| {
            let (search, events) = (search.clone(), events.clone());
            thread::spawn(move || search.run(thread, &events))
        })
        .collect();
    let reading = thread::spawn(move || read(messages, &events));
    let ended = serve(&mut protocol, &inbox, stop);
    search.stop();
    drop(inbox);
    // Or the reading thread would wait until the pool hangs up. An error means that it has.
    let _closed = socket.shutdown(Shutdown::Both);
    for thread in threads.into_iter().chain([reading]) {
        // A hashing thread that panicked has printed why.
        drop(thread.join());
    }
    ended
}

fn read<J, M>(mut messages: impl Iterator<Item = io::Result<M>>, events: &mpsc::SyncSender<Event<J, M>>) {
    loop {
        let event = match messages.next() {
            Some(Ok(message)) => Event::Message(message),
            Some(Err(error)) => Event::Closed(error.to_string()),
            None => Event::Closed("the pool closed the connection".to_owned()),
        };
        let is_closed = matches!(event, Event::Closed(_));
        if events.send(event).is_err() || is_closed {
            return;
        }
    }
}

fn serve<P: Protocol>(
    protocol: &mut P,
    inbox: &mpsc::Receiver<Event<P::JobId, P::Message>>,
    stop: &AtomicBool,
) -> anyhow::Result<()> {
    while !stop.load(Ordering::Relaxed) {
        protocol.handle_tick(Instant::now())?;
        match inbox.recv_timeout(TICK) {
            Ok(Event::Message(message)) => protocol.handle_message(message, Instant::now())?,
            Ok(Event::Solution(solution)) => protocol.handle_solution(&solution)?,
            Ok(Event::Closed(reason)) => bail!("{reason}"),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => bail!("all hashing threads ended"),
        }
    }
    let end = Instant::now() + LAST_ANSWERS_MAX;
    while protocol.awaits_answers() {
        match inbox.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(Event::Message(message)) => protocol.handle_message(message, Instant::now())?,
            // It is found too late to wait for its answer.
            Ok(Event::Solution(_)) => {}
            Ok(Event::Closed(_)) | Err(_) => break,
        }
    }
    Ok(())
}
