//! The parent chain in detail, and what the node was told to do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Parent;

/// The parent chain in detail.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ParentDetail {
    /// Its tip and daemons.
    #[serde(flatten)]
    pub parent: Parent,
    /// What miners work on; null while no daemon gives a template.
    pub template: Option<TemplateSummary>,
    /// Difficulty of a block, as its miners count it; null without a template.
    pub difficulty: Option<f64>,
}

/// A template.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TemplateSummary {
    /// Height of the block that it makes.
    pub height: u32,
    /// Seconds since it came.
    pub age_secs: Option<u64>,
    /// Its transactions, without the coinbase.
    pub transactions: usize,
    /// Subsidy and fees, base units.
    pub coinbase_value: u64,
    /// Fees, base units; null when the daemon does not tell those of every transaction.
    pub fees: Option<u64>,
    /// The target in compact form, hexadecimal.
    pub bits: String,
}

/// A key of the configuration.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ConfigItem {
    /// Section and name.
    pub key: String,
    /// Its effective value; null where there is none, `(hidden)` where it is a secret.
    pub value: serde_json::Value,
    /// `default`, `file`, `env` or `flag`.
    pub origin: String,
    /// Exactly where: a place in a file, the name of a variable or of a flag.
    pub place: Option<String>,
}
