//! Why there is nothing to mine at an endpoint, in words.

/// What ends mining at an endpoint for good: trying again is of no use.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// The key in the URL is no key.
    #[error("the key in the URL is no public key of secp256k1")]
    Key,
    /// Somebody else answers, or a clock is wrong.
    #[error("who answers has no valid certificate of the key in the URL: another node, or a clock is wrong")]
    Certificate,
    /// `SetupConnection.Error`.
    #[error("the pool refuses the connection: {0}")]
    Connection(String),
    /// `OpenMiningChannel.Error`.
    #[error("the pool refuses a channel for {user}: {reason}")]
    Channel {
        /// Who was refused.
        user: String,
        /// Why.
        reason: String,
    },
    /// It said something that it may not say then.
    #[error("the pool breaks the protocol: {0}")]
    Protocol(String),
}

impl Refusal {
    /// It said what it may not say.
    pub(super) fn protocol(what: impl Into<String>) -> Self {
        Self::Protocol(what.into())
    }
}

/// The words for a code of `SetupConnection.Error` and `OpenMiningChannel.Error`; codes that are not known stand for themselves.
pub(super) fn in_words(code: &str) -> String {
    let words = match code {
        "unsupported-protocol" => "it is no mining endpoint",
        "protocol-version-mismatch" => "it speaks another version of the protocol",
        "unsupported-feature-flags" => "it does not have what this miner requires",
        "unknown-user" => "the user name has no payout address of this chain",
        "invalid-user-identity" => "what follows the user name is not the pool's password, or no option",
        "invalid-nominal-hashrate" => "it does not take this hash rate",
        "max-target-out-of-range" => "it has no shares as hard as this miner wants them",
        "min-extranonce-size-too-large" => "it leaves the miner fewer bytes of extranonce",
        "channel-capacity-exhausted" => "it has no room for another channel",
        "extended-channels-not-supported-for-standard-jobs" => "a miner of standard jobs gets no extended channel",
        "coinbase-too-long-for-firmware" => "its coinbase is longer than this client takes",
        "" => return "without a reason".to_owned(),
        unknown => return unknown.to_owned(),
    };
    format!("{words} ({code})")
}
