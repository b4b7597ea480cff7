//! A whole network of share chains on one thread, in virtual time: the real `ShareChain`, `Sync` and job policy of every
//! node, and around them everything that goes wrong.
//!
//! ```text
//!  Scenario (seed) --> World: nodes, miners, network, parent chain
//!                        | events in order of (time, sequence)
//!                        v
//!                      Outcome --> checkers: agreement, payouts, window, losses, blame, revenue
//! ```
//! Everything that happens follows from the seed: no clock, no threads, no collection without an order. Mining is drawn
//! instead of searched: a share has all its bytes and passes every rule but the proof of work, which was drawn.

pub mod args;
pub mod chance;
pub mod checkers;
pub mod events;
pub mod hostile;
pub mod job;
pub mod ledger;
pub mod miner;
pub mod network;
pub mod node;
pub mod outcome;
pub mod parent_chain;
pub mod report;
pub mod rival_rules;
pub mod scenario;
pub mod summary;
pub mod world;

pub use hostile::Attack;
pub use outcome::Outcome;
pub use scenario::Scenario;
pub use world::World;

/// Virtual time, milliseconds since the world began.
pub type Millis = u64;
/// Number of a node.
pub type NodeId = usize;
/// Number of a miner.
pub type MinerId = usize;
/// Number of a share, in order of mining.
pub type ShareNo = usize;
