//! A pool node: the only crate with a network, a disk, an HTTP server and tasks.
//!
//! ```text
//!             peers                    miners                  parent daemon
//!               |                        |                        |   ^
//!        +------+------+         +-------+-------+         +------+---+--+
//!        | p2p (Swarm) |         | stratum       |         | parent      |
//!        +--+-------^--+         +--+---------^--+         +--+----------+
//!   shares, |       | verdicts,     | found   | job         | template
//!   tips    v       | requests      v         | templates   v (watch)
//!        +--+-------+---------------+--+   +--+-------------+--+     +---------+
//!        | chain (owns ShareChain)     +-->+ work              |     | blocks  |
//!        +--+--------------------------+   +-------------------+     +----^----+
//!           | append, read  ^ loaded   \--- found blocks ------------------+
//!        +--v---------------+--+             +-----------------------------------+
//!        | store (own thread)  |             | api: reads watches, asks by query |
//!        +---------------------+             +-----------------------------------+
//! ```
//! Each box is one task with a bounded inbox and the only owner of its state; arrows are channels. What others only
//! read goes through `watch`. [`run()`] is the only place that starts tasks.

pub mod address_book;
mod announcement;
pub mod api;
pub mod blocks;
pub mod chain_profile;
pub mod chain_task;
pub mod clock;
pub mod config;
pub mod data_dir;
pub mod database;
pub mod defaults;
pub mod diagnostics;
pub mod directory;
pub mod error;
pub mod events;
pub mod geo;
pub mod health;
pub mod history;
pub mod lanes;
mod line_file;
pub mod log_file;
pub mod metrics;
pub mod miners;
pub mod netgroup;
pub mod notify;
pub mod p2p;
pub mod parent;
pub mod payouts;
pub mod peer_selector;
pub mod problems;
pub mod region;
pub mod reload;
pub mod run;
pub mod signals;
mod socket;
pub mod store;
pub mod supervisor;
pub mod switching;
pub mod templates;
#[cfg(test)]
mod testing;
mod tls;
pub mod work;

pub use chain_profile::ChainProfile;
pub use config::Config;
pub use error::NodeError;
pub use region::Region;
pub use run::{run, run_reloadable};
// In the command line too a share has its id.
pub use sharechain::ShareId;
