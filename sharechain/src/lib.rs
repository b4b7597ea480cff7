//! Consensus of the poolnode share chain.
//!
//! A share is a parent-chain block candidate whose proof of work meets a target that is easier than the block's.
//! Shares form a DAG; the heaviest one is the tip, and the work in its past decides whom the next block pays.
//!
//! ```text
//! bytes --decode--> Share --check(params)--> CheckedShare --ShareChain::handle--> linked into the Dag
//!                  (bounds)   (stateless: commitment,        (in context: uncles, difficulty,
//!                              merkle branch, PoW)            time, the whole coinbase prefix)
//!                                                                     |
//!          Effects <-- tip changed, linked, missing ancestors <-------+
//!          JobContext, payouts  <-- what the next share must say and whom it must pay
//! ```
//!
//! Invariants, stated as absences:
//! - no clock, no randomness, no network, no disk, no environment, no float: the same shares in any order give the same
//!   tip and the same coinbase bytes on every machine;
//! - validity never asks a daemon: a share is valid or not by its own bytes and those of its past, for ever;
//! - no arithmetic that can wrap or panic, no collection whose iteration order is not defined;
//! - no hashed or gossiped byte is produced outside [`encode`], [`header`], [`coinbase`] and [`share`].
//!
//! The rules with their reasons and vectors are in `docs/protocol/`; the tests read the vectors from there.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::disallowed_methods,
        clippy::disallowed_types,
        clippy::expect_used,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::iter_over_hash_type,
        clippy::panic,
        clippy::unwrap_used,
    )
)]

pub mod amount;
pub mod chain;
pub mod coinbase;
mod dag;
pub mod difficulty;
pub mod encode;
pub mod error;
pub mod fork_choice;
pub mod hash;
pub mod header;
#[cfg(test)]
mod invariants;
pub mod merkle;
pub mod params;
pub mod payout;
pub mod pow;
pub mod pplns;
pub mod script;
pub mod share;
pub mod sync;
pub mod target;
pub mod template_key;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod u256;
pub mod upgrade;
pub mod validate;

pub use amount::Amount;
pub use chain::{Admission, Effect, JobContext, Origin, ParentWork, ShareChain, ShareTerms, Tip, UnixTime, Verdict};
pub use error::{Misbehaviour, ShareError};
pub use hash::{BlockHash, MerkleRoot, ParamsId, ShareId};
pub use header::Header;
pub use params::{ConsensusParams, Params};
pub use pow::PowAlgorithm;
pub use script::PayoutScript;
pub use share::{Share, ShareData};
pub use target::{CompactTarget, Target, Work};
pub use template_key::TemplateKey;
pub use validate::CheckedShare;
