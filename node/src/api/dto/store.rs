//! Shares as they are stored.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A part of the share store, in order of appending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StorePage {
    /// Shares of the chain, about as many as the store holds.
    pub shares: usize,
    /// Records as hexadecimal, in the form of this version.
    pub records: Vec<String>,
    /// Damaged records that are left out of this part.
    pub damaged: u64,
    /// Where to go on, as `after`; null when there are no more.
    pub next: Option<u64>,
    /// Where the best chain begins and ends; null before there is one.
    pub marks: Option<StoreMarks>,
}

/// Where the best chain begins and ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoreMarks {
    /// Its oldest share that is kept; the virtual genesis while that is.
    pub first: String,
    /// Its best share.
    pub tip: String,
}
