//! Stratum V2: encrypted binary frames, with the crates that miners are made of.
//!
//! ```text
//! socket --wire (Noise NX, frames)--> Message --> Client::handle --> Actions: frames to send, Work, verdicts
//!                                     Solution --> Client::submit --> frame to send
//! ```
//! Nothing of the server's code is used here: what both understand the same is what is on the wire. `Client`
//! knows no socket and no clock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use anyhow::{Context, bail};

use super::{
    Counters, MinerConfig, POOL_SILENT_MAX,
    connection::{self, CONNECT_TIMEOUT, Protocol},
    search::{Search, Solution},
};

mod channel;
mod client;
mod endpoint;
mod frame;
mod message;
mod refusal;
mod wire;

pub use endpoint::{Endpoint, InvalidEndpoint, SCHEME};
pub use refusal::Refusal;

use client::{Action, Client, Terms};
use message::Message;
use wire::Writer;

/// What a miner opens at an endpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ChannelKind {
    /// A coinbase to vary: the miner makes the merkle root.
    #[default]
    Extended,
    /// The pool makes the merkle root; the header alone varies.
    Standard,
}

/// Mines on one connection until it ends or `stop` is set.
pub(super) fn mine(
    config: &MinerConfig,
    (endpoint, kind): (&Endpoint, ChannelKind),
    counters: &Arc<Counters>,
    stop: &AtomicBool,
) -> anyhow::Result<()> {
    let socket = connection::connect(&endpoint.address())?;
    socket.set_read_timeout(Some(CONNECT_TIMEOUT)).context("cannot set a time-out")?;
    let (writer, frames) = wire::agree(connection::share(&socket)?, &endpoint.key)?;
    socket.set_read_timeout(Some(POOL_SILENT_MAX)).context("cannot set a time-out")?;
    #[expect(clippy::cast_possible_truncation, reason = "a hint that the wire has in single precision")]
    let hashrate = config.hashrate_max.unwrap_or(0.0) as f32;
    let (client, first) = Client::new(Terms { user: config.user.clone(), kind, hashrate }, endpoint);
    let search = Arc::new(Search::new(config, counters));
    let mut miner = Miner { writer, client, search: search.clone(), waiting: 0 };
    miner.writer.send(first)?;
    connection::run(miner, frames, &socket, &search, stop)
}

/// The main thread's side of a connection.
struct Miner {
    writer: Writer,
    client: Client,
    search: Arc<Search<u32>>,
    /// Submits that were not answered yet.
    waiting: u64,
}

impl Drop for Miner {
    fn drop(&mut self) {
        self.search.counters.unanswered.fetch_add(self.waiting, Ordering::Relaxed);
    }
}

impl Miner {
    /// So many submits were answered like this.
    fn on_judged(&mut self, count: u32, counter: impl Fn(&Counters) -> &AtomicU64) {
        self.waiting = self.waiting.saturating_sub(count.into());
        counter(&self.search.counters).fetch_add(count.into(), Ordering::Relaxed);
    }
}

impl Protocol for Miner {
    type JobId = u32;
    type Message = Message;

    fn handle_message(&mut self, message: Message, _now: Instant) -> anyhow::Result<()> {
        match self.client.handle(message)? {
            Action::Nothing => {}
            Action::Send(frame) => self.writer.send(frame)?,
            Action::Mine(work) => self.search.assign(*work),
            Action::Accepted(count) => self.on_judged(count, |counters| &counters.accepted),
            Action::Stale => self.on_judged(1, |counters| &counters.stale),
            Action::Rejected(reason) => {
                self.search.counters.note_reason(&reason);
                self.on_judged(1, |counters| &counters.rejected);
            }
            Action::Closed(reason) => bail!("the pool closed the channel: {reason}"),
        }
        Ok(())
    }

    fn handle_solution(&mut self, solution: &Solution<u32>) -> anyhow::Result<()> {
        let Some(frame) = self.client.submit(solution) else { return Ok(()) };
        self.waiting += 1;
        self.writer.send(frame)
    }

    /// The specification asks for nothing from time to time.
    fn awaits_answers(&self) -> bool {
        self.waiting > 0
    }

    fn handle_tick(&mut self, _now: Instant) -> anyhow::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
