//! Stories across real processes. What a single crate can show is tested beside its code.

mod bad_input;
mod cli;
mod directory;
mod durability;
mod hostile_peer;
mod network;
mod pool;
mod stratum_endpoint;
