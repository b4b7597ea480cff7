//! Stratum V2: the same jobs, difficulty and judging as V1, spoken in encrypted binary frames.
//!
//! ```text
//! socket --transport (Noise NX, frames)--> Message --> Session::handle_message(message, now) --> Actions
//!                                                      Session::offer(channel, template, ..) --> Actions
//! ```
//! One connection carries channels, each a miner of its own: payout address, extranonce, jobs, difficulty. Standard channels get
//! merkle roots, extended channels a coinbase to roll; custom work is refused, since a coinbase pays whom the share chain says.
//!
//! Invariants, stated as absences:
//! - nothing in this crate outside of this module and its children knows a Stratum V2 crate;
//! - [`Session`] knows no socket, no clock and no key;
//! - no frame is decrypted, and no memory taken for it, beyond [`limits::FRAME_LEN_MAX`];
//! - no share of the share chain is acknowledged before the node has stored it.

pub mod channel;
pub(crate) mod connection;
pub mod keys;
pub mod limits;
pub mod message;
pub mod reply;
pub mod session;
#[cfg(test)]
pub(crate) mod test_client;
pub(crate) mod transport;

pub use keys::AuthorityKeys;
pub use message::Message;
pub use session::{Action, Session};
