//! What a server did that the client cannot take.

use std::ops::RangeInclusive;

use super::kind::ClientKind;

/// The server sent what would cost the client its work, or did not send what it needs.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[error("{} {what}", .client.noun())]
pub struct Violation {
    /// Who cannot take it.
    pub client: ClientKind,
    /// What was wrong, as the rest of a sentence.
    pub what: Breach,
}

/// What was wrong.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum Breach {
    /// The coinbase is too long.
    #[error("takes a coinbase of {max} bytes, this job has {len}")]
    Coinbase {
        /// Bytes it takes.
        max: usize,
        /// Bytes of the job.
        len: usize,
    },
    /// A part of the coinbase is too long.
    #[error("takes {max} bytes as {part}, this job has {len}")]
    CoinbasePart {
        /// `coinb1` or `coinb2`.
        part: &'static str,
        /// Bytes it takes.
        max: usize,
        /// Bytes of the job.
        len: usize,
    },
    /// The Merkle branch is too long.
    #[error("takes a Merkle branch of {max} nodes, this job has {len}")]
    Branch {
        /// Nodes it takes.
        max: usize,
        /// Nodes of the job.
        len: usize,
    },
    /// The job id is too long.
    #[error("takes a job id of {max} letters, this job has {len}")]
    JobId {
        /// Letters it takes.
        max: usize,
        /// Letters of the id.
        len: usize,
    },
    /// A line is too long.
    #[error("takes lines of {max} bytes, this one has {len}")]
    Line {
        /// Bytes it takes.
        max: usize,
        /// Bytes of the line.
        len: usize,
    },
    /// The miner's part of the extranonce has the wrong length.
    #[error("takes an extranonce2 of {} to {} bytes, the pool gives it {len}", .range.start(), .range.end())]
    Extranonce2 {
        /// Bytes it takes.
        range: RangeInclusive<usize>,
        /// Bytes of the pool's.
        len: u64,
    },
    /// The difficulty is a fraction, or is written as one.
    #[error("takes whole numbers as difficulty, the pool sends {0}")]
    Fraction(String),
    /// The difficulty is too low.
    #[error("takes a difficulty of {min} at least, the pool sends {sent}")]
    Difficulty {
        /// What it takes.
        min: f64,
        /// What came.
        sent: f64,
    },
    /// A job came before any difficulty.
    #[error("takes a first job for difficulty 1, and the pool sent no difficulty before it")]
    NoDifficulty,
    /// The job has an id that is known already.
    #[error("drops a job whose id it has had, and {0} comes again")]
    RepeatedJob(String),
    /// The job's version has bits that the miner may roll.
    #[error("sends rolled bits apart, and the job's version {version:08x} has some of the mask {mask:08x}")]
    VersionInMask {
        /// Of the job.
        version: u32,
        /// Bits that may be rolled.
        mask: u32,
    },
    /// Something came before the answer to the subscription.
    #[error("reads one line after mining.subscribe, and it is {0}")]
    NotTheAnswer(String),
    /// The extranonce was changed for a client that did not ask for it.
    #[error("does not know mining.set_extranonce and would mine for nobody")]
    UnaskedExtranonce,
    /// A request was not answered in time.
    #[error("waits {secs} s for the answer to {method}")]
    Unanswered {
        /// The request.
        method: &'static str,
        /// How long.
        secs: u64,
    },
    /// The extranonce subscription was refused.
    #[error("stops when its nonces are used up unless mining.extranonce.subscribe is accepted")]
    NoExtranonceSubscription,
    /// The server was silent.
    #[error("drops a pool that is silent for {secs} s")]
    Silent {
        /// How long.
        secs: u64,
    },
    /// A reply has not both members.
    #[error("needs result and error in a reply, and one of them is not there: {0}")]
    HalfReply(String),
    /// A line or a parameter is not what it should be.
    #[error("cannot read {what}: {text}")]
    Malformed {
        /// The line or its part.
        what: &'static str,
        /// The beginning of what came.
        text: String,
    },
}

/// Letters of what a server sent that are shown.
const SHOWN_LEN: usize = 120;

/// The beginning of what a server sent, without what could reach a terminal.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(SHOWN_LEN).flat_map(char::escape_debug).collect()
}
