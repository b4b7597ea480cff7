//! What others may see of the selection.

use std::time::Duration;

use libp2p::PeerId;

use super::{
    PeerSelector,
    slot::{RttClass, Slot},
};
use crate::{address_book::Millis, region::Region};

/// A connected peer and its slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotView {
    /// Who.
    pub peer: PeerId,
    /// What it is connected for.
    pub slot: Slot,
    /// Where it seems to be, after its round trips.
    pub region: Option<Region>,
    /// Its autonomous system.
    pub asn: Option<u32>,
    /// How far it is.
    pub class: Option<RttClass>,
    /// Shortest round trip.
    pub rtt_min: Option<Duration>,
    /// Mean round trip of late.
    pub rtt_mean: Option<Duration>,
    /// How late after the first copy nine of ten shares came.
    pub lag_p90: Option<Duration>,
    /// Shares that it delivered first.
    pub first_deliveries: u64,
    /// Since when it is connected.
    pub tenure: Duration,
    /// Whether it is redialled first after a restart.
    pub is_anchor: bool,
}

impl PeerSelector {
    /// All connected peers, by slot.
    pub fn view(&self, now: Millis) -> Vec<SlotView> {
        let anchors = self.anchor_peers(now);
        let view = self.peers.iter().map(|(id, peer)| SlotView {
            peer: *id,
            slot: peer.slot,
            region: peer.region(self.own_region),
            asn: peer.place.asn,
            class: peer.class(),
            rtt_min: peer.rtt.map(|rtt| rtt.min),
            rtt_mean: peer.rtt.map(|rtt| rtt.mean),
            lag_p90: peer.lag_p90(),
            first_deliveries: peer.first_deliveries,
            tenure: Duration::from_millis(peer.tenure(now)),
            is_anchor: anchors.contains(id),
        });
        let mut view: Vec<SlotView> = view.collect();
        view.sort_by_key(|peer| (peer.slot, peer.peer));
        view
    }

    /// The slot of a peer.
    pub fn slot(&self, peer: &PeerId) -> Option<Slot> {
        self.peers.get(peer).map(|peer| peer.slot)
    }

    /// Regions without a connected peer: what to ask for in a peer exchange.
    pub fn missing_regions(&self) -> Vec<Region> {
        let held: Vec<Region> = self.peers.values().filter_map(|peer| peer.region(self.own_region)).collect();
        Region::ALL.into_iter().filter(|region| !held.contains(region)).collect()
    }
}
