//! Stratum V1: lines of JSON. What is said, and what is borne, is up to the rules of the client that is played.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use anyhow::{Context, bail};
use serde_json::Value;
use sharechain::Target;
use stratum::Difficulty;

use super::{
    Counters, MinerConfig, POOL_SILENT_MAX, RefusedClient, RefusedUser,
    connection::{self, CONNECT_TIMEOUT, Protocol},
    search::{Search, Solution},
    work::{Work, target_of},
};
use crate::client::{ClientKind, ClientRules, Heard};

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
}

impl Miner {
    fn new(socket: TcpStream, rules: ClientRules, search: Arc<Search<String>>) -> Self {
        let target = target_of(Difficulty::new(1.0), search.config.algorithm);
        Self { socket, rules, search, extranonce1: Vec::new(), extranonce2_len: 0, target, generation: 0 }
    }

    fn on_job(&mut self, params: &Value) -> anyhow::Result<()> {
        self.generation += 1;
        let mut work = Work::parse(params, &self.extranonce1, self.extranonce2_len, self.target, self.generation)?;
        work.version_mask = self.rules.version_mask();
        self.search.assign(work);
        Ok(())
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
            Heard::Judged(Ok(())) => _ = self.search.counters.accepted.fetch_add(1, Ordering::Relaxed),
            Heard::Judged(Err(reason)) => self.search.counters.reject(&reason),
            Heard::Stale => _ = self.search.counters.stale.fetch_add(1, Ordering::Relaxed),
            Heard::RefusedClient(reason) => bail!(RefusedClient { user_agent: self.rules.user_agent(), reason }),
            Heard::RefusedUser(reason) => bail!(RefusedUser { user: self.search.config.user.clone(), reason }),
        }
        Ok(())
    }

    fn handle_solution(&mut self, solution: &Solution<String>) -> anyhow::Result<()> {
        let Solution { work, roll, nonce } = solution;
        let line = self.rules.submit(work, &roll.extranonce2, roll.version_bits, *nonce);
        self.send(&line)
    }

    fn handle_tick(&mut self, now: Instant) -> anyhow::Result<()> {
        self.rules.handle_tick(now)?;
        for line in self.rules.take_lines(now) {
            self.send(&line)?;
        }
        Ok(())
    }
}
