//! Payouts after the fact: whom blocks paid, and the proof of it that anybody can check without a node.
//!
//! ```text
//! blocks --confirmed--> [PayoutsTask] --window?--> chain
//!                             | proof (verified, fsync) --> payouts/HASH.json
//!                             v
//!                          Ledger --> API: history, proof, audit
//! ```
//! Payouts themselves are made by the share chain's rules and the parent chain alone (`sharechain::payout`); nothing here is needed
//! for them.

pub mod audit;
pub mod ledger;
pub mod proof;
mod task;

pub use audit::{Audit, AuditVerdict, AuditedOutput, audit};
pub use ledger::{Ledger, PaidBlock, PaidScript};
pub use proof::{PayoutProof, ProofError, Proven};
pub use task::{PayoutSources, PayoutsHandle, PayoutsTask, Unproven, read_proof};
