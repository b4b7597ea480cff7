//! Stories across real processes. What a single crate can show is tested beside its code.

mod api;
mod backup;
mod bad_input;
mod browser;
mod cli;
mod configuration;
mod custom_coin;
mod directory;
mod doctor;
mod durability;
mod emergencies;
mod evil_daemon;
mod found_blocks;
mod hash_table;
mod hostile_peer;
mod lanes;
mod litecoind;
mod network;
mod payouts;
mod pool;
mod stratum_endpoint;
mod supervision;
mod telemetry;
mod wrong_commands;
mod wrong_requests;
