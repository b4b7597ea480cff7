//! A load generator for a Stratum endpoint: many connections, each of which submits valid shares as fast as they are
//! answered, or at a pace, or only holds its place.
//!
//! ```text
//! run      connections first, then the measured span, then the report
//!  \-- socket (a task per connection): bytes <--> lines, pace
//!       \-- connection: line, now --> actions; share_search: nonces of one job
//!        \-- tally: counters, latency histogram, fan-out; shared by all tasks
//! ```
//! It submits only what the server has to accept: no duplicate, nothing above the target that was told. What it measures
//! is bounded in memory however long it runs. Nothing below `run` and `socket` reads a clock. Beside it there may be `junk`,
//! which keeps to nothing and is measured apart.

use std::time::Duration;

use sharechain::PowAlgorithm;

mod connection;
mod fanout;
pub(crate) mod histogram;
mod junk;
mod lines;
mod message;
mod open_files;
mod pace;
mod report;
mod run;
mod share_search;
mod socket;
mod tally;

pub use junk::JunkConfig;
pub use report::Report;
pub use run::run;

/// What to put on the server.
#[derive(Clone, Debug)]
pub struct LoadConfig {
    /// `host:port`.
    pub address: String,
    /// `ADDRESS.worker`, in turn: the first connection is the first of them, and after the last one it begins anew.
    pub users: Vec<String>,
    /// Password of the user.
    pub password: String,
    /// Proof of work.
    pub algorithm: PowAlgorithm,
    /// Connections at once.
    pub connections: u32,
    /// Connections opened per second; as fast as the server takes them without.
    pub connect_rate: Option<f64>,
    /// What they do.
    pub work: LoadWork,
    /// What others do meanwhile.
    pub junk: Option<JunkConfig>,
    /// Measured time.
    pub duration: Duration,
    /// The server's process, when it is on this machine and its CPU time is wanted.
    pub server_pid: Option<u32>,
    /// Threads of the client.
    pub threads: u32,
}

/// What connections do in the measured time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum LoadWork {
    /// Submit.
    Submit {
        /// Submits of one connection that wait for an answer.
        window: usize,
        /// Submits per second of all connections together; as fast as they are answered without.
        rate: Option<f64>,
    },
    /// Only stay.
    Idle,
}
