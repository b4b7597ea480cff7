//! Keys of the distributed hash table: where the ads of a region are found, and where one node's ad is.
//!
//! What stands there is a hint from strangers, verified like an ad by gossip. A region is spread over buckets and over
//! days, because whoever sits next to a key decides what is found there: one key for ever would be worth the work of
//! making identities around it.

use sharechain::{ParamsId, UnixTime, hash::blake2s256};

use super::ad::{PublicKey, SignedAd};
use crate::region::Region;

/// Buckets of one region and day.
pub const BUCKETS: u8 = 16;
/// Begins the bytes of a bucket's key.
const BUCKET_DOMAIN: &[u8] = b"poolnode";
/// Begins the bytes of an ad's key.
const AD_DOMAIN: &[u8] = b"poolnode ad";
/// In place of a region, for nodes that say none.
const NO_REGION: u8 = 0xff;
const SECONDS_PER_DAY: u64 = 86_400;

/// A key of the distributed hash table.
pub type RecordKey = [u8; 32];

/// Where nodes of a region say that they provide: `H("poolnode" | params | region | bucket | day)`.
pub fn bucket_key(params: ParamsId, region: Option<Region>, bucket: u8, day: u32) -> RecordKey {
    let region = region.map_or(NO_REGION, Region::index);
    blake2s256(&[BUCKET_DOMAIN, &params.0, &[region, bucket], &day.to_le_bytes()])
}

/// The bucket of a node, which it cannot choose without choosing another key.
pub fn bucket_of(node: PublicKey) -> u8 {
    blake2s256(&[&node.0])[0] % BUCKETS
}

/// Days since 1970.
pub fn day_of(now: UnixTime) -> u32 {
    u32::try_from(now / SECONDS_PER_DAY).unwrap_or(u32::MAX)
}

/// The keys that find the nodes of a region now: today's buckets. A node that announced yesterday does so again today.
pub fn keys_of_region(params: ParamsId, region: Option<Region>, now: UnixTime) -> impl Iterator<Item = RecordKey> {
    let day = day_of(now);
    (0..BUCKETS).map(move |bucket| bucket_key(params, region, bucket, day))
}

/// What the distributed hash table is given for an ad.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AdRecord {
    /// Where the ad itself is.
    pub key: RecordKey,
    /// The ad.
    pub value: Vec<u8>,
    /// When both are of no use any more.
    pub expires: UnixTime,
    /// Where the node says that it provides.
    pub bucket: RecordKey,
}

/// The record of an ad. Its bucket is that of the day it was issued on.
pub fn to_record(signed: &SignedAd, params: ParamsId) -> AdRecord {
    let ad = &signed.ad;
    AdRecord {
        key: ad_key(params, ad.node),
        value: signed.encode(),
        expires: ad.expires(),
        bucket: bucket_key(params, ad.region, bucket_of(ad.node), day_of(ad.issued)),
    }
}

/// Where one node's ad is: `H("poolnode ad" | params | the node's key)`.
pub fn ad_key(params: ParamsId, node: PublicKey) -> RecordKey {
    blake2s256(&[AD_DOMAIN, &params.0, &node.0])
}
