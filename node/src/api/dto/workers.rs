//! Miners.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Submits;

/// A miner's connection.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Worker {
    /// Its payout address.
    pub address: String,
    /// Its name.
    pub worker: String,
    /// What it calls itself.
    pub agent: String,
    /// Hashes per second.
    pub hashrate: f64,
    /// Seconds since it connected.
    pub connected_secs: u64,
    /// Its submits.
    pub submits: Submits,
}
