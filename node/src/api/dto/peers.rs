//! Peers, bans, and what an operator orders.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A connected peer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Peer {
    /// Its identity.
    pub peer_id: String,
    /// Its multiaddress.
    pub address: String,
    /// `inbound` or `outbound`.
    pub direction: String,
    /// `tcp`, `quic` or `relay`.
    pub transport: String,
    /// What it is connected for: `near`, `far`, `random`, `feeler`, `visit`, `inbound` or `configured`.
    pub slot: Option<String>,
    /// What it calls itself.
    pub agent: String,
    /// Newest round trip, milliseconds.
    pub rtt_ms: Option<f64>,
    /// Shortest round trip seen, milliseconds.
    pub rtt_min_ms: Option<f64>,
    /// How much round trips vary from one to the next, milliseconds.
    pub rtt_jitter_ms: Option<f64>,
    /// Where it seems to be.
    pub region: Option<String>,
    /// Why: `mmdb`, `self-declared` or `rtt`.
    pub region_source: Option<String>,
    /// Country its address is registered in.
    pub country: Option<String>,
    /// Autonomous system that announces its address.
    pub asn: Option<u32>,
    /// Height of its best share, as it says.
    pub share_height: Option<u64>,
    /// Heights that we are ahead of it, by what it says.
    pub share_lag: Option<u64>,
    /// Seconds since it connected.
    pub connected_secs: u64,
    /// Shares that it delivered before anybody else.
    pub shares_first: u64,
    /// Shares that it delivered after somebody else.
    pub shares_late: u64,
}

/// The node's place in the network.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NetworkSummary {
    /// Peers that dialled us.
    pub inbound: usize,
    /// Peers that we dialled.
    pub outbound: usize,
    /// Peers by transport.
    pub transports: Vec<Count>,
    /// Peers by region; `-` where it is not known.
    pub regions: Vec<Count>,
    /// Peers by autonomous system; `-` where it is not known.
    pub asns: Vec<Count>,
    /// Addresses that the node listens on.
    pub listen: Vec<String>,
    /// Addresses that others are known to reach it at.
    pub external: Vec<String>,
    /// Whether others can connect; nothing while nobody has tried.
    pub reachable: Option<bool>,
    /// Dials of ours by others that worked.
    pub dialled_back: u32,
    /// Dials that did not.
    pub dial_back_failed: u32,
    /// Height of our best share.
    pub share_height: u64,
    /// How many peers and addresses are banned.
    pub bans: usize,
    /// Whether the peers look like those of an attacker, in words.
    pub alarm: Option<String>,
}

/// How often something is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Count {
    /// What.
    pub name: String,
    /// How often.
    pub count: usize,
}

/// A ban.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BanEntry {
    /// A peer id, an IPv4 address or an IPv6 /64.
    pub subject: String,
    /// Its end, Unix seconds.
    pub until: u64,
    /// Seconds left.
    pub secs_left: u64,
    /// Why.
    pub reason: String,
}

/// Whom an order is about.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PeerOrderBody {
    /// A peer id, an address or a multiaddress, as the order wants it.
    pub subject: String,
    /// For a ban: for how long.
    pub secs: Option<u64>,
}

/// What became of an order.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PeerOrderResult {
    /// Whether there was something to do.
    pub done: bool,
    /// For a ping: milliseconds to the peer and back.
    pub rtt_ms: Option<f64>,
}
