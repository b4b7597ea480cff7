//! Stratum V1: lines of JSON. What is said, and what is borne, is up to the rules of the client that is played.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use anyhow::{Context, bail};
use serde_json::Value;
use sharechain::{Target, pow::PowHash};
use stratum::Difficulty;

use super::{
    Counters, MinerConfig, POOL_SILENT_MAX, RefusedClient, RefusedUser,
    connection::{self, CONNECT_TIMEOUT, Protocol},
    hasher::Hasher,
    search::{Search, Solution},
    work::{Work, target_of},
};
use crate::client::{ClientKind, ClientRules, Heard};

/// How a line of the log begins that names the hash of a submit without an answer.
pub const UNANSWERED: &str = "unanswered submit ";

/// Mines on one connection until it ends or `stop` is set.
pub(super) fn mine(
    config: &MinerConfig,
    (address, client): (&str, ClientKind),
    counters: &Arc<Counters>,
    stop: &AtomicBool,
) -> anyhow::Result<()> {
    let socket = connection::connect(address)?;
    let rules = ClientRules::new(client, config.algorithm, &config.user, Instant::now());
    // The client's own patience ends first.
    let silence_max = rules.silence_max().map_or(POOL_SILENT_MAX, |longest| longest + CONNECT_TIMEOUT);
    socket.set_read_timeout(Some(silence_max)).context("cannot set a time-out")?;
    let search = Arc::new(Search::new(config, counters));
    let lines = BufReader::new(connection::share(&socket)?).lines();
    let miner = Miner::new(connection::share(&socket)?, rules, search.clone());
    connection::run(miner, lines, &socket, &search, stop)
}

/// The main thread's side of a connection.
struct Miner {
    socket: TcpStream,
    rules: ClientRules,
    search: Arc<Search<String>>,
    extranonce1: Vec<u8>,
    extranonce2_len: usize,
    target: Target,
    generation: u64,
    /// Hashes of what was submitted and not answered yet, oldest first: pools answer in order.
    waiting: VecDeque<PowHash>,
}

impl Drop for Miner {
    /// What nobody answered may be kept or lost: whoever reads the log can ask.
    #[expect(clippy::print_stderr, reason = "it is the log of a miner")]
    fn drop(&mut self) {
        for hash in &self.waiting {
            self.search.counters.unanswered.fetch_add(1, Ordering::Relaxed);
            eprintln!("{UNANSWERED}{}", hex::encode(hash.as_bytes().iter().rev().copied().collect::<Vec<_>>()));
        }
    }
}

impl Miner {
    fn new(socket: TcpStream, rules: ClientRules, search: Arc<Search<String>>) -> Self {
        let target = target_of(Difficulty::new(1.0), search.config.algorithm);
        let (extranonce1, waiting) = (Vec::new(), VecDeque::new());
        Self { socket, rules, search, extranonce1, extranonce2_len: 0, target, generation: 0, waiting }
    }

    fn on_job(&mut self, params: &Value) -> anyhow::Result<()> {
        self.generation += 1;
        let mut work = Work::parse(params, &self.extranonce1, self.extranonce2_len, self.target, self.generation)?;
        work.version_mask = self.rules.version_mask();
        self.search.assign(work);
        Ok(())
    }

    /// The oldest submit was answered like this.
    fn on_judged(&mut self, counter: impl Fn(&Counters) -> &AtomicU64) {
        self.waiting.pop_front();
        counter(&self.search.counters).fetch_add(1, Ordering::Relaxed);
    }

    fn send(&mut self, line: &str) -> anyhow::Result<()> {
        self.socket.write_all(format!("{line}\n").as_bytes()).context("the pool closed the connection")
    }
}

impl Protocol for Miner {
    type JobId = String;
    type Message = String;

    fn handle_message(&mut self, line: String, now: Instant) -> anyhow::Result<()> {
        match self.rules.handle_line(&line, now)? {
            Heard::Nothing => {}
            Heard::Extranonce { first, second_len } => (self.extranonce1, self.extranonce2_len) = (first, second_len),
            Heard::Difficulty(difficulty) => {
                self.target = target_of(Difficulty::new(difficulty), self.search.config.algorithm);
            }
            Heard::Job(params) => self.on_job(&params)?,
            Heard::Judged(Ok(())) => self.on_judged(|counters| &counters.accepted),
            Heard::Judged(Err(reason)) => {
                self.search.counters.note_reason(&reason);
                self.on_judged(|counters| &counters.rejected);
            }
            Heard::Stale => self.on_judged(|counters| &counters.stale),
            Heard::RefusedClient(reason) => bail!(RefusedClient { user_agent: self.rules.user_agent(), reason }),
            Heard::RefusedUser(reason) => bail!(RefusedUser { user: self.search.config.user.clone(), reason }),
        }
        Ok(())
    }

    fn handle_solution(&mut self, solution: &Solution<String>) -> anyhow::Result<()> {
        let Solution { work, roll, nonce } = solution;
        let line = self.rules.submit(work, &roll.extranonce2, roll.version_bits, *nonce);
        let hasher = Hasher::new(self.search.config.algorithm, &work.rolled_header(roll));
        self.waiting.push_back(hasher.hash(*nonce));
        self.send(&line)
    }

    fn awaits_answers(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn handle_tick(&mut self, now: Instant) -> anyhow::Result<()> {
        self.rules.handle_tick(now)?;
        for line in self.rules.take_lines(now) {
            self.send(&line)?;
        }
        Ok(())
    }
}
