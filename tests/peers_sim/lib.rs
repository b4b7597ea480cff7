//! How fast shares spread over the connections that the real `PeerSelector` and `AddressBook` choose, and whether a
//! swarm of hostile addresses can surround a node.
//!
//! ```text
//!  Places (seed: regions, addresses, round trips)
//!     |-> Network: a selector and a book per node, virtual time --> connections --> Mesh --> Spread of shares
//!     |-> rivals: random, nearest only ------------------------------^
//!     \-> eclipse: one victim, honest and hostile addresses --> hostile part of its outbound slots
//! ```
//! Everything follows from the seed. The round trips are an assumed table, typical of public clouds, not a measurement:
//! only the comparison of policies in one world says something.

pub mod args;
pub mod eclipse;
pub mod mesh;
pub mod network;
pub mod places;
pub mod policy;
pub mod report;

/// Number of a node.
pub type NodeId = usize;
