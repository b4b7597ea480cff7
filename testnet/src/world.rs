//! An emulated world: nodes in network namespaces, joined by a switch in this process that delays, loses and cuts.
//!
//! ```text
//! geography, partition, delay_line    pure: who is where, how far apart, who is cut off when, which frame goes on when
//! script                              pure: which node is killed, started or restarted when
//! arrivals, resources, verdict        pure: what logs and metrics say, and whether promises are kept
//! namespace, switch, relay, network   root: a namespace and a TAP device per node, the thread between them, ways in and out
//! chain, emulation, upkeep, outsiders a pool that mines its own chain, what is done to it, and by whom
//! healing, chain_walk, judging        what it is asked
//! catch_up                            a new node that syncs what others have
//! ```
//! Only what nodes say to each other crosses the switch. Daemon, miners and questions to the API go through relays from
//! loopback to loopback, so that they cost no emulated distance and no byte that is counted. Namespaces have no name and go
//! with the last process in them, devices go with this one: there is nothing to clean up, however it ends. Nothing in here
//! may touch an address or a route of the machine.

mod arrivals;
mod catch_up;
mod chain;
mod chain_walk;
mod delay_line;
mod emulation;
mod geography;
mod healing;
mod judging;
mod namespace;
mod network;
mod outsiders;
mod partition;
mod relay;
mod resources;
mod script;
mod switch;
mod upkeep;
mod verdict;

pub use catch_up::{CatchUpPlan, CaughtUp, catch_up};
pub use emulation::{World, WorldPlan};
pub use geography::{Geography, NODES_MAX, REGIONS};
pub use namespace::check_rights;
pub use network::Network;
pub use partition::{BadPartition, Partition};
pub use resources::NodeResources;
pub use script::{BadOutage, Outage};
pub use verdict::{Healed, Submits, WorldVerdict};

#[cfg(test)]
mod tests;
