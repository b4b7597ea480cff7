//! Stratum V1: the protocol as state machines without I/O, and a thin tokio server around them.
//!
//! ```text
//! socket line --> Session::handle_line(line, now) --> Actions: send, hand over a share, disconnect
//! JobTemplate --> Session::handle_template(..)    --> Actions: set_difficulty, notify
//! clock       --> Session::handle_tick(now)       --> Actions: keep-alive, time-outs
//! ```
//!
//! Invariants, stated as absences:
//! - no session reads a clock: `now` is an argument;
//! - nothing a miner sends is used as text before it is decoded and bounded ([`limits`]);
//! - no submit is judged by a policy before its hash was compared with the block target;
//! - no `true` leaves for a share of the share chain before the node has stored it.

pub mod address;
pub mod bucket;
pub mod client;
pub mod connect_page;
pub mod difficulty;
pub mod error;
pub mod extranonce;
pub mod guard;
pub mod hashrate;
pub mod job;
pub mod lane;
pub mod limits;
pub mod message;
pub mod miner;
pub mod opening;
pub mod options;
pub mod server;
pub mod session;
pub mod submit;
pub mod timing;
pub mod username;
pub mod v2;
pub mod vardiff;

pub use address::AddressFormat;
pub use difficulty::Difficulty;
pub use error::Reject;
pub use job::{BlockBody, HeaderFields, Job, JobTemplate};
pub use lane::{LaneId, LanePlan, LaneScripts, LaneTerms};
pub use miner::{Miner, Now, OperatorFee, Payee, Rates, SessionConfig};
pub use server::{FoundShare, Stratum, StratumConfig, StratumHandle};
pub use session::{Action, Refuge, Session};
