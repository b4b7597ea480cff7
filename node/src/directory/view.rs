//! What others see of the directory, and whom an answer names.

use std::{collections::BTreeMap, sync::Arc};

use libp2p::PeerId;
use sharechain::UnixTime;

use super::{NetworkGroup, SignedAd, limits::ADS_PER_NETWORK_MAX};
use crate::region::Region;

/// A node of the directory.
#[derive(Clone, Debug)]
pub struct ListedNode {
    /// Its identity.
    pub peer_id: PeerId,
    /// Its newest ad.
    pub signed: Arc<SignedAd>,
    /// When its first ad came.
    pub first_seen: UnixTime,
    /// The AS of its first address that one is known of.
    pub asn: Option<u32>,
    /// Whether it is this node.
    pub is_own: bool,
}

/// The nodes that hold at one time, those that are known longest first.
#[derive(Clone, Debug, Default)]
pub struct DirectoryView {
    /// All of them; an answer to others takes [`DirectoryView::candidates`].
    pub nodes: Vec<ListedNode>,
}

impl DirectoryView {
    /// At most `count` nodes to measure: those that say they are in the region first, then those that say nothing, then
    /// the others; of each those that are known longest; no more than [`ADS_PER_NETWORK_MAX`] of one network.
    pub fn candidates(&self, region: Option<Region>, count: usize) -> Vec<&ListedNode> {
        let distance = |node: &ListedNode| match (region, node.signed.ad.region) {
            (Some(wanted), Some(claimed)) if wanted == claimed => 0,
            (Some(_), Some(_)) => 2,
            _ => 1,
        };
        let mut ordered: Vec<&ListedNode> = self.nodes.iter().collect();
        ordered.sort_by_key(|node| distance(node));
        let mut networks: BTreeMap<NetworkGroup, usize> = BTreeMap::new();
        let admitted = ordered.into_iter().filter(|node| {
            let groups = NetworkGroup::all(&node.signed.ad, node.asn);
            let fits =
                groups.iter().all(|group| networks.get(group).copied().unwrap_or_default() < ADS_PER_NETWORK_MAX);
            if fits {
                groups.into_iter().for_each(|group| *networks.entry(group).or_default() += 1);
            }
            fits
        });
        admitted.take(count).collect()
    }
}
