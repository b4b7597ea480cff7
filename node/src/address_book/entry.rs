//! What is known about one node that is perhaps not connected.
//!
//! Reachability and round trip are this node's own experience, never hearsay; region and AS are hints.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId};

use super::{Endpoint, Millis, tables::Position};
use crate::{netgroup::Netgroup, region::Region};

/// Endpoints of one node: IPv4 and IPv6, TCP and QUIC. More would let one record make us dial many victims.
pub const ENDPOINTS_MAX: usize = 4;

/// Failures after which a node that never answered gives way. As in Bitcoin Core, like the three below.
const FAILURES_OF_STRANGER_MAX: u32 = 3;
/// Failures after which a node that did not answer for a week gives way.
const FAILURES_MAX: u32 = 10;
const WEEK: Millis = 7 * 24 * 3_600_000;
/// A node that nobody spoke of for so long gives way.
const SEEN_WITHIN: Millis = 30 * 24 * 3_600_000;
/// Wait after the first failure; doubles with each further one.
const RETRY_AFTER: Millis = 60_000;
/// The same for a node that was there within the hour: a line was cut, and comes back.
const RETRY_SOON_AFTER: Millis = 5_000;
const HOUR: Millis = 3_600_000;
/// Doublings of that wait: at most about an hour.
const RETRY_DOUBLINGS_MAX: u32 = 6;

/// A node in the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Who.
    pub peer: PeerId,
    /// Where, at least one and at most [`ENDPOINTS_MAX`]; the one that worked last comes first.
    pub endpoints: Vec<Endpoint>,
    /// Where it seems to be.
    pub region: Option<Region>,
    /// Its autonomous system.
    pub asn: Option<u32>,
    /// Shortest round trip that this node measured.
    pub rtt_min: Option<Duration>,
    /// When somebody last spoke of it.
    pub seen_at: Millis,
    /// When this node last reached it.
    pub succeeded_at: Option<Millis>,
    /// Dials that failed since.
    pub failures: u32,
    /// Not dialled before.
    pub rests_until: Millis,
    /// Who spoke of it first.
    pub(super) source: Netgroup,
    /// Its only place in the tables.
    pub(super) position: Position,
}

impl Entry {
    /// Whether this node has reached it.
    pub const fn is_tried(&self) -> bool {
        self.position.is_tried()
    }

    /// Whether it may be dialled.
    pub const fn is_due(&self, now: Millis) -> bool {
        now >= self.rests_until
    }

    /// Its addresses, without the peer.
    pub fn addresses(&self) -> Vec<Multiaddr> {
        self.endpoints.iter().map(|endpoint| endpoint.to_multiaddr()).collect()
    }

    /// Whether it gives way to another one that wants its place.
    pub(super) fn gives_way(&self, now: Millis) -> bool {
        let reached_this_week = self.succeeded_at.is_some_and(|then| now.saturating_sub(then) < WEEK);
        let failures_max = if self.succeeded_at.is_none() { FAILURES_OF_STRANGER_MAX } else { FAILURES_MAX };
        now.saturating_sub(self.seen_at) > SEEN_WITHIN || (self.failures >= failures_max && !reached_this_week)
    }

    pub(super) fn fail(&mut self, now: Millis) {
        let doublings = self.failures.min(RETRY_DOUBLINGS_MAX);
        self.failures = self.failures.saturating_add(1);
        let was_there = self.succeeded_at.is_some_and(|then| now.saturating_sub(then) < HOUR);
        let wait = if was_there { RETRY_SOON_AFTER } else { RETRY_AFTER };
        self.rests_until = now.saturating_add(wait << doublings);
    }

    pub(super) fn succeed(&mut self, now: Millis) {
        self.failures = 0;
        self.rests_until = 0;
        self.seen_at = now;
        self.succeeded_at = Some(now);
    }

    /// Puts the endpoint that worked in front.
    pub(super) fn prefer(&mut self, endpoint: Endpoint) {
        self.endpoints.retain(|other| *other != endpoint);
        self.endpoints.insert(0, endpoint);
        self.endpoints.truncate(ENDPOINTS_MAX);
    }
}
