//! A whole pool on one machine: a CPU miner, a supervisor of devnet, nodes and miners, and a load for one of the nodes.
//!
//! Nothing of it is part of a node; `devminer` speaks Stratum like any other miner and shares no code with the server's
//! judgement of its submits.

pub mod audit;
pub mod cheap_chain;
pub mod client;
mod folder;
pub mod hostile;
pub mod load;
pub mod miner;
pub mod process;
mod process_stat;
pub mod supervisor;
#[cfg(target_os = "linux")]
pub mod world;
