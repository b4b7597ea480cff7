//! Peers that break the protocol: one that sends whatever it is told to, what it can be told, and a crew that goes on.
//!
//! ```text
//! crew     draws a victim and a way, as somebody else each time, until it is stopped
//!  |-- flood, broken, lie    what a peer sends and answers; who reads it judges it
//!  |    \-- mesh             frames of gossip, written by hand
//!  \-- peer                  a connected peer without rules of its own
//! ```
//! Nothing in here judges a victim: stories and worlds do. A peer is of one share chain, because nodes of another do not
//! understand it.

pub mod crew;
pub mod mesh;

mod broken;
mod flood;
mod lie;
mod peer;

pub use broken::{BrokenAnswer, BrokenGossip, BrokenQuestion, without_work};
pub use flood::Flood;
pub use lie::Lie;
pub use peer::{Answer, Hostile, Seen, framed, hello, polite, signed_record, tip};
