//! Why a request is refused, in the words the miner's log will show.
//!
//! Codes are those of the Stratum wiki. cpuminer-opt counts a reject as stale when its text contains "job", so only
//! stale rejects use the word.

use crate::{address::AddressError, options::OptionError};

/// A refused request.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Reject {
    /// The parameters are not what the method takes.
    #[error("malformed {field}: expected {expected}")]
    Malformed {
        /// The parameter.
        field: &'static str,
        /// What it should have been.
        expected: &'static str,
    },
    /// The method does not exist here.
    #[error("method not supported")]
    UnknownMethod,
    /// The time is before the template's minimum.
    #[error("ntime too old")]
    TimeTooOld,
    /// The time is so far ahead that other nodes would hold the share back.
    #[error("ntime more than 120 s ahead of the node: check the clock")]
    TimeTooNew,
    /// Version bits outside the mask, or on a chain where they may not be rolled.
    #[error("version bits outside the mask")]
    VersionBits,
    /// More accepted submits for one job than the session remembers.
    #[error("too many shares at this difficulty")]
    TooManySubmits,
    /// The node could not keep the share; the text says why.
    #[error("node could not store the share: {0}")]
    NotStored(String),
    /// The job is unknown or too old, or its parent block is not the newest any more.
    #[error("stale job")]
    Stale,
    /// The same submit was accepted before.
    #[error("duplicate share")]
    Duplicate,
    /// The hash is above the difficulty's target.
    #[error("low difficulty share")]
    LowDifficulty,
    /// The worker was not authorized on this connection.
    #[error("unauthorized worker")]
    Unauthorized,
    /// The user name is not a payout address of this chain.
    #[error("user name must be ADDRESS[.worker]: {0}")]
    Address(#[from] AddressError),
    /// An option in the password makes no sense.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// The endpoint has a password, and this is not it.
    #[error("wrong password for this endpoint")]
    WrongPassword,
    /// The coinbase of the smallest payout class is too long for the client's firmware, which would cut it without a word.
    #[error(
        "{client} takes a coinbase of {coinbase_max} bytes, this pool pays everybody in one of {needed}: use other firmware or a proxy"
    )]
    CoinbaseTooLong {
        /// What the client is.
        client: &'static str,
        /// Bytes it takes.
        coinbase_max: usize,
        /// Bytes that the smallest class may need.
        needed: usize,
    },
    /// The connection pays another address already.
    #[error("one payout address per connection")]
    SecondAddress,
    /// The connection has as many workers as it may.
    #[error("too many workers on one connection")]
    TooManyWorkers,
    /// Submitted before subscribing.
    #[error("not subscribed")]
    NotSubscribed,
}

impl Reject {
    /// The code of the Stratum wiki.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Malformed { .. }
            | Self::UnknownMethod
            | Self::TimeTooOld
            | Self::TimeTooNew
            | Self::VersionBits
            | Self::TooManySubmits
            | Self::NotStored(_) => 20,
            Self::Stale => 21,
            Self::Duplicate => 22,
            Self::LowDifficulty => 23,
            Self::Unauthorized
            | Self::Address(_)
            | Self::Option(_)
            | Self::WrongPassword
            | Self::CoinbaseTooLong { .. }
            | Self::SecondAddress
            | Self::TooManyWorkers => 24,
            Self::NotSubscribed => 25,
        }
    }
}
