//! Who makes room when all inbound slots are taken: as in Bitcoin Core's `node/eviction.cpp`, with regions and shares.
//!
//! Each protection wants something else that an attacker finds hard to have: unpredictable netgroups, closeness, work
//! that nobody has seen yet, distance, time. A pure function of what was measured.

use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

use libp2p::PeerId;

use super::limits::{PROTECTED_BY_DELIVERY, PROTECTED_BY_GROUP, PROTECTED_BY_RTT, PROTECTED_PER_REGION};
use crate::{address_book::Millis, netgroup::Netgroup, region::Region};

/// An inbound peer as the eviction sees it.
#[derive(Clone, Debug)]
pub(super) struct InboundPeer {
    pub(super) peer: PeerId,
    /// `None`: a party of its own.
    pub(super) group: Option<Netgroup>,
    /// A number from the group and a secret.
    pub(super) keyed_group: u64,
    pub(super) rtt_min: Option<Duration>,
    pub(super) first_deliveries: u64,
    /// When it is far.
    pub(super) far_region: Option<Region>,
    pub(super) since: Millis,
}

/// The peer that makes room; `None` when all of them deserve their place.
pub(super) fn evictee(mut peers: Vec<InboundPeer>) -> Option<PeerId> {
    protect(&mut peers, PROTECTED_BY_GROUP, |_| true, |peer| peer.keyed_group);
    protect(&mut peers, PROTECTED_BY_RTT, |peer| peer.rtt_min.is_some(), |peer| peer.rtt_min);
    protect(&mut peers, PROTECTED_BY_DELIVERY, |peer| peer.first_deliveries > 0, |peer| Reverse(peer.first_deliveries));
    for region in Region::ALL {
        protect(&mut peers, PROTECTED_PER_REGION, |peer| peer.far_region == Some(region), |peer| peer.since);
    }
    let half = peers.len() / 2;
    protect(&mut peers, half, |_| true, |peer| peer.since);
    youngest_of_largest_group(&peers)
}

/// Takes out the `count` peers that deserve it and have the smallest key.
fn protect<K: Ord>(
    peers: &mut Vec<InboundPeer>,
    count: usize,
    deserves: impl Fn(&InboundPeer) -> bool,
    key: impl Fn(&InboundPeer) -> K,
) {
    let mut deserving: Vec<(K, PeerId)> =
        peers.iter().filter(|peer| deserves(peer)).map(|peer| (key(peer), peer.peer)).collect();
    deserving.sort();
    deserving.truncate(count);
    peers.retain(|peer| deserving.iter().all(|(_, protected)| *protected != peer.peer));
}

fn youngest_of_largest_group(peers: &[InboundPeer]) -> Option<PeerId> {
    let mut sizes: BTreeMap<Netgroup, usize> = BTreeMap::new();
    for group in peers.iter().filter_map(|peer| peer.group) {
        *sizes.entry(group).or_default() += 1;
    }
    let size = |peer: &InboundPeer| peer.group.and_then(|group| sizes.get(&group)).copied().unwrap_or(1);
    peers.iter().max_by_key(|peer| (size(peer), peer.since, peer.peer)).map(|peer| peer.peer)
}

#[cfg(test)]
mod tests;
