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

pub mod clock;
pub mod data_dir;
pub mod defaults;
pub mod error;
pub mod parent;
pub mod store;

pub use error::NodeError;
