//! What every answer comes in: lists with their length, and refusals.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of a list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct List<T> {
    /// The elements.
    pub data: Vec<T>,
    /// About them.
    pub meta: Meta,
}

/// About a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Meta {
    /// How many elements this page has.
    pub count: usize,
    /// How many there are.
    pub total: usize,
    /// What to ask for as `cursor` to get those that follow; null on the last page.
    pub next: Option<String>,
}

impl<T> List<T> {
    /// The whole list.
    pub fn new(data: Vec<T>) -> Self {
        let total = data.len();
        Self::page(data, total, None)
    }

    /// A part of a list of `total` elements; `next` names what follows.
    pub fn page(data: Vec<T>, total: usize, next: Option<String>) -> Self {
        let meta = Meta { count: data.len(), total, next };
        Self { data, meta }
    }
}

/// Why a request was refused (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A name for programs: a URI that is the same for every refusal of this kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// A short name for people.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened and what to do.
    pub detail: String,
}
