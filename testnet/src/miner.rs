//! A Stratum CPU miner. Both versions of the protocol are sources of work for the same hashing threads.
//!
//! ```text
//! socket --reading thread--> Protocol (V1, V2) --Work--> hashing threads --Solution--> Protocol --submit--> socket
//! ```

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64},
    },
    time::Duration,
};

use anyhow::Context;
use node::ChainProfile;
use sharechain::{PayoutScript, PowAlgorithm, hash::blake2s256};

use crate::client::{ClientKind, Violation};

mod connection;
mod hasher;
mod search;
mod v1;
pub mod v2;
mod work;

pub use hasher::Hasher;
pub use v1::UNANSWERED;
pub use work::{Work, target_of};

/// Reasons kept between two reports.
const REASONS_MAX: usize = 16;
/// Silence of the pool after which the connection is given up, if the client does not do so at another time.
const POOL_SILENT_MAX: Duration = Duration::from_secs(120);

/// How to mine.
#[derive(Clone, Debug)]
pub struct MinerConfig {
    /// Where, and how it is spoken to.
    pub pool: Pool,
    /// `ADDRESS.worker`.
    pub user: String,
    /// Proof of work.
    pub algorithm: PowAlgorithm,
    /// Hashing threads.
    pub threads: u32,
    /// Hashes per second of all threads together; as fast as they can without.
    pub hashrate_max: Option<f64>,
}

/// Where to mine.
#[derive(Clone, Debug)]
pub enum Pool {
    /// An endpoint of Stratum V1.
    V1 {
        /// `host:port`.
        address: String,
        /// Whose ways and limits to have.
        client: ClientKind,
    },
    /// An endpoint of Stratum V2.
    V2 {
        /// Where it is, and whose key it has.
        endpoint: v2::Endpoint,
        /// What to open there.
        channel: v2::ChannelKind,
    },
}

/// What a miner did so far.
#[derive(Debug, Default)]
pub struct Counters {
    /// Hashes tried.
    pub hashes: AtomicU64,
    /// Submits the pool accepted.
    pub accepted: AtomicU64,
    /// Submits that came too late for it.
    pub stale: AtomicU64,
    /// Submits it refused for another reason.
    pub rejected: AtomicU64,
    /// Submits whose connection ended before the pool answered them.
    pub unanswered: AtomicU64,
    /// Why, newest last.
    reasons: Mutex<Vec<String>>,
}

impl Counters {
    /// Remembers why a submit was refused.
    fn note_reason(&self, reason: &str) {
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        if reasons.len() < REASONS_MAX {
            reasons.push(reason.to_owned());
        }
    }

    /// Why submits were refused since this was last asked.
    pub fn take_reasons(&self) -> Vec<String> {
        std::mem::take(&mut *self.reasons.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// `ADDRESS.name` on the devnet, with an address made from the name. Nobody can spend from it.
///
/// # Errors
/// Never on the devnet as it is: it has segwit addresses.
pub fn devnet_user(name: &str) -> anyhow::Result<String> {
    let profile = ChainProfile::find("devnet", None)?;
    let hash = blake2s256(&[b"devminer", name.as_bytes()]);
    let mut key_hash = [0; 20];
    key_hash.copy_from_slice(&hash[..20]);
    let address = profile.addresses.format(&PayoutScript::p2wpkh(&key_hash)).context("the devnet has no addresses")?;
    Ok(format!("{address}.{name}"))
}

/// The pool will not pay this user: trying again is of no use.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the pool refuses {user}: {reason}")]
pub struct RefusedUser {
    /// Who was refused.
    pub user: String,
    /// Why.
    pub reason: String,
}

/// The pool will not work with this client: trying again is of no use.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the pool refuses {user_agent}: {reason}")]
pub struct RefusedClient {
    /// What the client calls itself.
    pub user_agent: &'static str,
    /// Why.
    pub reason: String,
}

/// Whether trying again is of no use after this error of [`mine`].
pub fn is_final(error: &anyhow::Error) -> bool {
    error.is::<RefusedUser>() || error.is::<RefusedClient>() || error.is::<Violation>() || error.is::<v2::Refusal>()
}

/// Mines on one connection until it ends or `stop` is set.
///
/// # Errors
/// When the pool cannot be reached, goes silent, or hangs up: [`RefusedUser`], [`RefusedClient`] and [`v2::Refusal`] when it will
/// not have this miner, [`Violation`] when the client cannot take what it does.
pub fn mine(config: &MinerConfig, counters: &Arc<Counters>, stop: &AtomicBool) -> anyhow::Result<()> {
    match &config.pool {
        Pool::V1 { address, client } => v1::mine(config, (address, *client), counters, stop),
        Pool::V2 { endpoint, channel } => v2::mine(config, (endpoint, *channel), counters, stop),
    }
}

#[cfg(test)]
mod tests;
