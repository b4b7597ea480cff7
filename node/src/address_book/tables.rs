//! Where an entry may stand: keyed buckets, as in Bitcoin Core's addrman (Heilman et al., USENIX Security 2015).
//!
//! A place follows from a secret, the entry's netgroup and, before it was reached, the group of whoever spoke of it. So one
//! group fills a small part of the tables however many addresses it has, and nobody outside can compute which.

use sharechain::hash::blake2s256;

use super::Endpoint;
use crate::netgroup::Netgroup;

/// Buckets of nodes that were only heard of. A quarter of Bitcoin Core's: a pool has thousands of nodes, not a hundred
/// thousand, and the whole book stays below 5 MiB and is searched in a millisecond.
const NEW_BUCKETS: u64 = 256;
/// Buckets of nodes that were reached. A quarter of Bitcoin Core's as well.
const TRIED_BUCKETS: u64 = 64;
/// Places in a bucket.
const BUCKET_LEN: u64 = 64;
/// Buckets that whoever speaks from one netgroup can fill: a sixteenth, as in Bitcoin Core.
const NEW_BUCKETS_PER_SOURCE: u64 = 16;
/// Buckets that reached nodes of one netgroup can fill: a thirty-second, as in Bitcoin Core.
const TRIED_BUCKETS_PER_GROUP: u64 = 2;

/// Entries at most.
pub(super) const ENTRIES_MAX: usize = 20_480;
const _: () = assert!(ENTRIES_MAX as u64 == (NEW_BUCKETS + TRIED_BUCKETS) * BUCKET_LEN);

/// A place in one of the two tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Position {
    /// Heard of.
    New {
        /// Below [`NEW_BUCKETS`].
        bucket: u64,
        /// Below [`BUCKET_LEN`].
        slot: u64,
    },
    /// Reached.
    Tried {
        /// Below [`TRIED_BUCKETS`].
        bucket: u64,
        /// Below [`BUCKET_LEN`].
        slot: u64,
    },
}

/// What decides about a place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'a> {
    pub(super) secret: &'a [u8; 32],
    pub(super) peer: &'a [u8],
    pub(super) endpoint: Endpoint,
}

impl Position {
    pub(super) const fn is_tried(self) -> bool {
        matches!(self, Self::Tried { .. })
    }

    /// The place of a node that `source` spoke of.
    pub(super) fn new(key: Key<'_>, source: Netgroup) -> Self {
        let (group, source) = (Netgroup::of(key.endpoint.ip).to_bytes(), source.to_bytes());
        let part = key.hash(b"part", &[&group, &source]) % NEW_BUCKETS_PER_SOURCE;
        let bucket = key.hash(b"new", &[&source, &part.to_le_bytes()]) % NEW_BUCKETS;
        Self::New { bucket, slot: key.slot(b"new slot", bucket) }
    }

    /// The place of a node that was reached.
    pub(super) fn tried(key: Key<'_>) -> Self {
        let group = Netgroup::of(key.endpoint.ip).to_bytes();
        let part = key.hash(b"part", &[key.peer, &key.endpoint.to_bytes()]) % TRIED_BUCKETS_PER_GROUP;
        let bucket = key.hash(b"tried", &[&group, &part.to_le_bytes()]) % TRIED_BUCKETS;
        Self::Tried { bucket, slot: key.slot(b"tried slot", bucket) }
    }
}

impl Key<'_> {
    fn slot(self, name: &[u8], bucket: u64) -> u64 {
        self.hash(name, &[&bucket.to_le_bytes(), self.peer, &self.endpoint.to_bytes()]) % BUCKET_LEN
    }

    fn hash(self, name: &[u8], parts: &[&[u8]]) -> u64 {
        keyed_hash(self.secret, name, parts)
    }
}

/// A number that nobody without the secret can predict. `parts` other than the last one have a fixed length each.
pub(crate) fn keyed_hash(secret: &[u8; 32], name: &[u8], parts: &[&[u8]]) -> u64 {
    let mut all = vec![secret.as_slice(), name];
    all.extend(parts);
    let hash = blake2s256(&all);
    u64::from_le_bytes(*hash.first_chunk().expect("a hash has 32 bytes"))
}
