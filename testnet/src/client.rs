//! Clients in the field, as `devminer` plays them: what they send, what they take, and where they give up.
//!
//! ```text
//! kind       which clients there are, and what is known of each, with its source
//!  \-- rules: line, now --> what was heard, lines to send; or the violation that would cost the miner its work
//!       \-- job: the parameters of a job, read as strictly as the most brittle firmware needs them
//! ```
//! The figures come from the clients' own sources and from measurements of others, never from the server: what checks a
//! server must not believe it. Nothing in here does I/O or reads a clock.

mod job;
mod kind;
mod rules;
mod violation;

pub use kind::{ClientKind, UnknownClient};
pub use rules::{ClientRules, Heard};
pub(crate) use violation::shown;
pub use violation::{Breach, Violation};

#[cfg(test)]
mod tests;
