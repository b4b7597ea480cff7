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
    /// The job is too old, or its parent block is not the newest any more.
    #[error("stale job")]
    Stale,
    /// The job is none that the miner was given, or one that was forgotten; miners know one word for both.
    #[error("stale job")]
    UnknownJob,
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

/// What a refused submit counts as: few names, for counters and their labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RejectReason {
    /// Its job is on an old parent block, or too old.
    Stale,
    /// It was accepted before.
    Duplicate,
    /// Its hash is above the target.
    LowDifficulty,
    /// Its job is none that the miner was given, or was forgotten.
    UnknownJob,
    /// Its time is before the template's, or too far ahead.
    BadTime,
    /// Anything else.
    Other,
}

impl RejectReason {
    /// Every reason, in the order of their counters.
    pub const ALL: [Self; 6] =
        [Self::Stale, Self::Duplicate, Self::LowDifficulty, Self::UnknownJob, Self::BadTime, Self::Other];

    /// Its name in the API and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Duplicate => "duplicate",
            Self::LowDifficulty => "low_difficulty",
            Self::UnknownJob => "unknown_job",
            Self::BadTime => "bad_time",
            Self::Other => "other",
        }
    }
}

impl Reject {
    /// What it counts as.
    pub const fn reason(&self) -> RejectReason {
        match self {
            Self::Stale => RejectReason::Stale,
            Self::UnknownJob => RejectReason::UnknownJob,
            Self::Duplicate => RejectReason::Duplicate,
            Self::LowDifficulty => RejectReason::LowDifficulty,
            Self::TimeTooOld | Self::TimeTooNew => RejectReason::BadTime,
            Self::Malformed { .. }
            | Self::UnknownMethod
            | Self::VersionBits
            | Self::TooManySubmits
            | Self::NotStored(_)
            | Self::Unauthorized
            | Self::Address(_)
            | Self::Option(_)
            | Self::WrongPassword
            | Self::CoinbaseTooLong { .. }
            | Self::SecondAddress
            | Self::TooManyWorkers
            | Self::NotSubscribed => RejectReason::Other,
        }
    }

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
            Self::Stale | Self::UnknownJob => 21,
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
