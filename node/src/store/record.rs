//! What shares and marks look like on disk: `version u8 ++ bincode ++ crc32`, all of it local and never sent.

use bincode::{
    Decode, Encode,
    config::{self, Configuration, Fixint, Limit, LittleEndian},
};
use sharechain::{CheckedShare, Params, Share, ShareId, share::SHARE_LEN_MAX};

use super::Marks;

/// Version of the record; a node that does not know it drops the record and syncs the share again.
const VERSION: u8 = 1;
/// Longest record. Stops a damaged length from allocating.
pub(super) const RECORD_LEN_MAX: usize = SHARE_LEN_MAX + 64;
const CONFIG: Configuration<LittleEndian, Fixint, Limit<RECORD_LEN_MAX>> =
    config::standard().with_fixed_int_encoding().with_limit::<RECORD_LEN_MAX>();

/// A share with what its bytes do not say.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StoredShare {
    /// Consensus bytes.
    pub bytes: Vec<u8>,
    /// Whether its hash met its header's target: spares hashing it again.
    pub is_block: bool,
    /// When this node linked it, Unix seconds.
    pub linked_at: u64,
}

impl StoredShare {
    /// The record of a share that is linked now.
    pub fn new(share: &CheckedShare, linked_at: u64) -> Self {
        Self { bytes: share.share().encode(), is_block: share.is_block(), linked_at }
    }

    /// The share, without checking its work again; `None` when the record belongs to another chain or version.
    pub fn to_share(&self, params: &Params) -> Option<CheckedShare> {
        CheckedShare::from_own_store(Share::decode(&self.bytes).ok()?, self.is_block, params).ok()
    }

    /// Whether it was found for this share chain.
    pub fn is_of(&self, params: &Params) -> bool {
        Share::decode(&self.bytes).is_ok_and(|share| CheckedShare::is_made_for(&share, params))
    }

    /// The record.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// `None` when a single bit of the record is not what was written.
    pub fn decode(record: &[u8]) -> Option<Self> {
        decode(record)
    }
}

impl Marks {
    pub(super) fn encode(self) -> Vec<u8> {
        encode((*self.first.as_bytes(), *self.tip.as_bytes()))
    }

    /// `None` when a single bit of the record is not what was written.
    pub(super) fn decode(record: &[u8]) -> Option<Self> {
        let (first, tip) = decode::<([u8; 32], [u8; 32])>(record)?;
        Some(Self { first: ShareId::from_bytes(first), tip: ShareId::from_bytes(tip) })
    }
}

fn encode(content: impl Encode) -> Vec<u8> {
    let mut record = vec![VERSION];
    // Encoding to memory fails only above the limit, and nothing here is that long.
    record.extend(bincode::encode_to_vec(content, CONFIG).unwrap_or_default());
    record.extend(crc32fast::hash(&record).to_le_bytes());
    record
}

fn decode<T: Decode<()>>(record: &[u8]) -> Option<T> {
    let (content, checksum) = record.split_last_chunk::<4>()?;
    let (version, body) = content.split_first()?;
    if crc32fast::hash(content) != u32::from_le_bytes(*checksum) || *version != VERSION {
        return None;
    }
    let (stored, read) = bincode::decode_from_slice(body, CONFIG).ok()?;
    (read == body.len()).then_some(stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> StoredShare {
        StoredShare { bytes: vec![7; 300], is_block: true, linked_at: 1_800_000_000 }
    }

    #[test]
    fn records_round_trip_and_every_flipped_bit_is_found() {
        let record = sample().encode();
        assert_eq!(StoredShare::decode(&record), Some(sample()));
        for bit in 0..record.len() * 8 {
            let mut damaged = record.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(StoredShare::decode(&damaged), None, "bit {bit}");
        }
        for len in 0..record.len() {
            assert_eq!(StoredShare::decode(&record[..len]), None, "{len} bytes");
        }
    }

    #[test]
    fn marks_round_trip_and_are_nothing_else() {
        let marks = Marks { first: ShareId::from_bytes([1; 32]), tip: ShareId::from_bytes([2; 32]) };
        let record = marks.encode();
        assert_eq!(Marks::decode(&record), Some(marks));
        assert_eq!(Marks::decode(&sample().encode()), None);
        assert_eq!(Marks::decode(&record[1..]), None);
    }

    #[test]
    fn a_length_that_lies_allocates_nothing() {
        let mut record = vec![VERSION];
        record.extend(u64::MAX.to_le_bytes());
        record.extend(crc32fast::hash(&record).to_le_bytes());
        assert_eq!(StoredShare::decode(&record), None);
    }
}
