//! Nodes of the directory.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A node of the directory, as it says of itself; nothing of it was measured.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ListedNode {
    /// Its identity.
    pub peer_id: String,
    /// Whether it is the node that answers.
    pub own: bool,
    /// Multiaddresses for peers, without its identity.
    pub p2p: Vec<String>,
    /// Where miners connect to.
    pub stratum: Vec<String>,
    /// Its region.
    pub region: Option<String>,
    /// Its country.
    pub country: Option<String>,
    /// The AS of its first address, where the answering node knows one.
    pub asn: Option<u32>,
    /// Hundredths of a percent of the jobs that are credited to its operator.
    pub fee_basis_points: u16,
    /// Connections of miners it takes.
    pub capacity: u32,
    /// Connections of miners it had when it said so.
    pub load: u32,
    /// What it calls itself.
    pub agent: String,
    /// Its operator's key, hexadecimal: nodes with the same key prove that they are one operator's.
    pub operator: Option<String>,
    /// When the answering node heard of it first, Unix seconds.
    pub first_seen: u64,
    /// When it said this, Unix seconds.
    pub issued: u64,
    /// Until when it holds, Unix seconds.
    pub expires: u64,
}

/// A node of the directory with what the answering node measured.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NearNode {
    /// As it says of itself.
    #[serde(flatten)]
    pub node: ListedNode,
    /// Shortest round trip from the answering node, milliseconds; null when it was never measured.
    pub rtt_ms: Option<f64>,
}
