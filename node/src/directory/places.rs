//! Where in the distributed hash table an ad lies: eight places for each region, and for nodes that do not say theirs.
//!
//! Gossip reaches who is there when an ad is said; the table answers who comes later or knows few. A place holds the ad of one
//! node at each of the peers that keep it, so that what strangers can have us keep is bounded by the number of places, however
//! many nodes they make up. Nothing is kept that its node did not sign, or at another place than its own.

use sharechain::{ParamsId, UnixTime, hash::blake2s256};

use super::{NodeAd, SignedAd};
use crate::region::Region;

/// Places of one region. With the peers that keep a place, each its own choice, a region's nodes are found a few at a time.
pub const PLACES_PER_REGION: u8 = 8;
/// All places: as many records as a node keeps for others. Stops a stranger from filling memory with records of its own keys.
pub const PLACES_MAX: usize = PLACES_PER_REGION as usize * (Region::ALL.len() + 1);

/// Begins what a key is the hash of.
const DOMAIN: &[u8] = b"poolnode/place/1";
/// The byte of no region.
const NO_REGION: u8 = 7;
const _: () = assert!(NO_REGION as usize == Region::ALL.len());

/// A place of the hash table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    region: Option<Region>,
    index: u8,
}

impl Place {
    /// Where this node's ad lies: in its region, at an index that its key decides.
    pub fn of(ad: &NodeAd) -> Self {
        Self { region: ad.region, index: blake2s256(&[DOMAIN, &ad.node.0])[0] % PLACES_PER_REGION }
    }

    /// A place of this region.
    pub const fn new(region: Option<Region>, index: u8) -> Self {
        Self { region, index: index % PLACES_PER_REGION }
    }

    /// Its key in the hash table of a share chain.
    pub fn key(self, params: ParamsId) -> [u8; 32] {
        let region = self.region.map_or(NO_REGION, Region::index);
        blake2s256(&[DOMAIN, &params.0, &[region, self.index]])
    }
}

/// Whether an ad takes the place of the one that is held: a newer one of the same node does, and another node's only when the
/// held one is over. Who was there first stays for as long as it says so, as in the directory.
pub(super) fn replaces(offered: &NodeAd, held: Option<&SignedAd>, now: UnixTime) -> bool {
    held.is_none_or(|held| match held.ad.node == offered.node {
        true => offered.issued >= held.ad.issued,
        false => held.ad.expires() <= now,
    })
}
