//! Validation as stages, each a type: `Share` -> [`CheckedShare`] -> linked into the DAG.
//!
//! A [`CheckedShare`] has its proof of work and binds its own bytes. It may be relayed and nothing else: no credit, no
//! event, no job. The one exception is the finder's own block, which goes to the daemon at once.

pub(crate) mod contextual;
mod stateless;

pub use stateless::CheckedShare;
