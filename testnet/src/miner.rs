//! A Stratum V1 CPU miner: one thread reads the socket, the others hash, the main one submits and counts. What is said, and
//! what is borne, is up to the rules of the client that it plays.

use std::{
    io::{BufRead, BufReader, Write},
    net::{Shutdown, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use node::ChainProfile;
use serde_json::Value;
use sharechain::{PayoutScript, PowAlgorithm, Target, hash::blake2s256};
use stratum::Difficulty;

use crate::client::{ClientKind, ClientRules, Heard};

mod hasher;
mod work;

pub use hasher::Hasher;
pub use work::{Work, target_of};

/// Most hashes between two looks at the job and the clock.
const BATCH: u32 = 4_096;
/// Longest time between them for a miner that is held back.
const BATCH_TIME: Duration = Duration::from_millis(50);
/// Reasons kept between two reports.
const REASONS_MAX: usize = 16;
/// Silence of the pool after which the connection is given up, if the client does not do so at another time.
const POOL_SILENT_MAX: Duration = Duration::from_secs(120);
/// Time to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How to mine.
#[derive(Clone, Debug)]
pub struct MinerConfig {
    /// `host:port`.
    pub address: String,
    /// `ADDRESS.worker`.
    pub user: String,
    /// Whose ways and limits to have.
    pub client: ClientKind,
    /// Proof of work.
    pub algorithm: PowAlgorithm,
    /// Hashing threads.
    pub threads: u32,
    /// Hashes per second of all threads together; as fast as they can without.
    pub hashrate_max: Option<f64>,
}

/// What a miner did so far.
#[derive(Debug, Default)]
pub struct Counters {
    /// Hashes tried.
    pub hashes: AtomicU64,
    /// Submits the pool accepted.
    pub accepted: AtomicU64,
    /// Submits it refused.
    pub rejected: AtomicU64,
    /// Why, newest last.
    reasons: Mutex<Vec<String>>,
}

impl Counters {
    fn reject(&self, reason: &str) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        if reasons.len() < REASONS_MAX {
            reasons.push(reason.to_owned());
        }
    }

    /// Why submits were refused since this was last asked.
    pub fn take_reasons(&self) -> Vec<String> {
        std::mem::take(&mut *self.reasons.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// `ADDRESS.name` on the devnet, with an address made from the name. Nobody can spend from it.
///
/// # Errors
/// Never on the devnet as it is: it has segwit addresses.
pub fn devnet_user(name: &str) -> anyhow::Result<String> {
    let profile = ChainProfile::find("devnet", None)?;
    let hash = blake2s256(&[b"devminer", name.as_bytes()]);
    let mut key_hash = [0; 20];
    key_hash.copy_from_slice(&hash[..20]);
    let address = profile.addresses.format(&PayoutScript::p2wpkh(&key_hash)).context("the devnet has no addresses")?;
    Ok(format!("{address}.{name}"))
}

/// The pool will not pay this user: trying again is of no use.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the pool refuses {user}: {reason}")]
pub struct RefusedUser {
    /// Who was refused.
    pub user: String,
    /// Why.
    pub reason: String,
}

/// The pool will not work with this client: trying again is of no use.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the pool refuses {user_agent}: {reason}")]
pub struct RefusedClient {
    /// What the client calls itself.
    pub user_agent: &'static str,
    /// Why.
    pub reason: String,
}

/// What hashing threads share.
struct Shared {
    config: MinerConfig,
    counters: Arc<Counters>,
    stop: Arc<AtomicBool>,
    // Held for one assignment or clone at a time.
    work: Mutex<Option<Arc<Work>>>,
    generation: AtomicU64,
}

/// A nonce that meets the target.
struct Solution {
    work: Arc<Work>,
    extranonce2: Vec<u8>,
    version_bits: u32,
    nonce: u32,
}

/// What wakes the main thread.
enum Event {
    Line(String),
    Closed(String),
    Solution(Solution),
}

/// Mines on one connection until it ends or `stop` is set.
///
/// # Errors
/// When the pool cannot be reached, goes silent, or hangs up: [`RefusedUser`] and [`RefusedClient`] when it will not have this
/// miner, [`Violation`](crate::client::Violation) when the client cannot take what it does.
pub fn mine(config: &MinerConfig, counters: &Arc<Counters>, stop: &Arc<AtomicBool>) -> anyhow::Result<()> {
    let socket = connect(&config.address)?;
    let rules = ClientRules::new(config.client, config.algorithm, &config.user, Instant::now());
    // The client's own patience ends first.
    let silence_max = rules.silence_max().map_or(POOL_SILENT_MAX, |longest| longest + CONNECT_TIMEOUT);
    socket.set_read_timeout(Some(silence_max)).context("cannot set a time-out")?;
    socket.set_nodelay(true).context("cannot set no-delay")?;
    let (events, inbox) = mpsc::sync_channel(64);
    let shared = Arc::new(Shared {
        config: config.clone(),
        counters: counters.clone(),
        stop: Arc::new(AtomicBool::new(false)),
        work: Mutex::new(None),
        generation: AtomicU64::new(0),
    });
    let share = || socket.try_clone().context("cannot share the socket");
    let (reader, closing) = (share()?, share()?);
    let threads: Vec<_> = (0..config.threads)
        .map(|thread| {
            let (shared, events) = (shared.clone(), events.clone());
            thread::spawn(move || hash(&shared, thread, &events))
        })
        .collect();
    let reading = thread::spawn(move || read(reader, &events));
    let ended = Connection::new(socket, rules, shared.clone()).run(&inbox, stop);
    shared.stop.store(true, Ordering::Relaxed);
    drop(inbox);
    // Or the reading thread would wait until the pool hangs up. An error means that it has.
    let _closed = closing.shutdown(Shutdown::Both);
    for thread in threads.into_iter().chain([reading]) {
        // A hashing thread that panicked has printed why.
        drop(thread.join());
    }
    ended
}

fn connect(address: &str) -> anyhow::Result<TcpStream> {
    use std::net::ToSocketAddrs;
    let resolved = address.to_socket_addrs().with_context(|| format!("{address} is no address"))?.next();
    let resolved = resolved.with_context(|| format!("{address} has no address"))?;
    TcpStream::connect_timeout(&resolved, CONNECT_TIMEOUT).with_context(|| format!("no pool answers at {address}"))
}

fn read(socket: TcpStream, events: &mpsc::SyncSender<Event>) {
    let mut lines = BufReader::new(socket).lines();
    loop {
        let event = match lines.next() {
            Some(Ok(line)) => Event::Line(line),
            Some(Err(error)) => Event::Closed(error.to_string()),
            None => Event::Closed("the pool closed the connection".to_owned()),
        };
        let closed = matches!(event, Event::Closed(_));
        if events.send(event).is_err() || closed {
            return;
        }
    }
}

/// The main thread's side of a connection.
struct Connection {
    socket: TcpStream,
    rules: ClientRules,
    shared: Arc<Shared>,
    extranonce1: Vec<u8>,
    extranonce2_len: usize,
    target: Target,
    generation: u64,
}

impl Connection {
    fn new(socket: TcpStream, rules: ClientRules, shared: Arc<Shared>) -> Self {
        let target = target_of(Difficulty::new(1.0), shared.config.algorithm);
        Self { socket, rules, shared, extranonce1: Vec::new(), extranonce2_len: 0, target, generation: 0 }
    }

    fn run(mut self, inbox: &mpsc::Receiver<Event>, stop: &AtomicBool) -> anyhow::Result<()> {
        while !stop.load(Ordering::Relaxed) {
            for line in self.rules.take_lines(Instant::now()) {
                self.send(&line)?;
            }
            match inbox.recv_timeout(Duration::from_millis(200)) {
                Ok(Event::Line(line)) => {
                    let heard = self.rules.handle_line(&line, Instant::now())?;
                    self.on_heard(heard)?;
                }
                Ok(Event::Solution(solution)) => self.submit(&solution)?,
                Ok(Event::Closed(reason)) => bail!("{reason}"),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => bail!("all hashing threads ended"),
            }
            self.rules.handle_tick(Instant::now())?;
        }
        Ok(())
    }

    fn on_heard(&mut self, heard: Heard) -> anyhow::Result<()> {
        match heard {
            Heard::Nothing => {}
            Heard::Extranonce { first, second_len } => (self.extranonce1, self.extranonce2_len) = (first, second_len),
            Heard::Difficulty(difficulty) => {
                self.target = target_of(Difficulty::new(difficulty), self.shared.config.algorithm);
            }
            Heard::Job(params) => self.on_job(&params)?,
            Heard::Judged(Ok(())) => _ = self.shared.counters.accepted.fetch_add(1, Ordering::Relaxed),
            Heard::Judged(Err(reason)) => self.shared.counters.reject(&reason),
            Heard::RefusedClient(reason) => bail!(RefusedClient { user_agent: self.rules.user_agent(), reason }),
            Heard::RefusedUser(reason) => bail!(RefusedUser { user: self.shared.config.user.clone(), reason }),
        }
        Ok(())
    }

    fn on_job(&mut self, params: &Value) -> anyhow::Result<()> {
        self.generation += 1;
        let mut work = Work::parse(params, &self.extranonce1, self.extranonce2_len, self.target, self.generation)?;
        work.version_mask = self.rules.version_mask();
        *self.shared.work.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(work));
        self.shared.generation.store(self.generation, Ordering::Release);
        Ok(())
    }

    fn submit(&mut self, solution: &Solution) -> anyhow::Result<()> {
        let Solution { work, extranonce2, version_bits, nonce } = solution;
        let line = self.rules.submit(work, extranonce2, *version_bits, *nonce);
        self.send(&line)
    }

    fn send(&mut self, line: &str) -> anyhow::Result<()> {
        self.socket.write_all(format!("{line}\n").as_bytes()).context("the pool closed the connection")
    }
}

/// Keeps a thread at its rate, in batches short enough to look at the job and the clock between them.
struct Pace {
    batch: u32,
    /// Time for one batch; none when the thread may run.
    time: Option<Duration>,
    due: Instant,
}

impl Pace {
    fn new(config: &MinerConfig) -> Self {
        let rate = config.hashrate_max.map(|rate| (rate / f64::from(config.threads)).max(1.0));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a batch size; the cast saturates")]
        let batch = rate.map_or(BATCH, |rate| (rate * BATCH_TIME.as_secs_f64()) as u32).clamp(1, BATCH);
        let time = rate.map(|rate| Duration::from_secs_f64(f64::from(batch) / rate));
        Self { batch, time, due: Instant::now() }
    }

    fn wait(&mut self) {
        let Some(time) = self.time else { return };
        let now = Instant::now();
        // What was missed while the thread had no work is not made up for.
        self.due = (self.due + time).max(now.checked_sub(BATCH_TIME).unwrap_or(now));
        thread::sleep(self.due.saturating_duration_since(now));
    }
}

/// One hashing thread.
fn hash(shared: &Shared, thread: u32, events: &mpsc::SyncSender<Event>) {
    let mut pace = Pace::new(&shared.config);
    let (mut generation, mut rolls) = (0, 0_u64);
    while !shared.stop.load(Ordering::Relaxed) {
        let work = shared.work.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(work) = work else {
            thread::sleep(Duration::from_millis(20));
            continue;
        };
        if work.generation != generation {
            (generation, rolls) = (work.generation, 0);
        }
        let (extranonce2, version_bits) = (work.extranonce2(thread, rolls), work.version_bits(rolls));
        rolls += 1;
        let hasher = Hasher::new(shared.config.algorithm, &work.rolled_header(&extranonce2, version_bits));
        let mut start = 0_u32;
        while let Some(next) = start.checked_add(pace.batch) {
            let found = hasher.scan(start, pace.batch, work.target);
            start = next;
            shared.counters.hashes.fetch_add(u64::from(pace.batch), Ordering::Relaxed);
            for nonce in found {
                let extranonce2 = extranonce2.clone();
                let solution = Solution { work: work.clone(), extranonce2, version_bits, nonce };
                if events.send(Event::Solution(solution)).is_err() {
                    return;
                }
            }
            pace.wait();
            let outdated = shared.generation.load(Ordering::Acquire) != generation;
            if outdated || shared.stop.load(Ordering::Relaxed) {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests;
