//! The 80-byte header of Bitcoin-format chains.

use crate::{
    hash::{BlockHash, MerkleRoot},
    target::CompactTarget,
};

/// Bytes of a header.
pub const HEADER_LEN: usize = 80;

/// A parent-chain block header; a share is one whose hash meets the share target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Block version; its bits may be rolled where the chain allows it.
    pub version: u32,
    /// Hash of the parent-chain block this one extends.
    pub prev_block: BlockHash,
    /// Root of the transaction tree.
    pub merkle_root: MerkleRoot,
    /// Unix seconds.
    pub time: u32,
    /// The parent chain's target.
    pub bits: CompactTarget,
    /// The miner's counter.
    pub nonce: u32,
}

impl Header {
    /// The 80 bytes that are hashed.
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[..4].copy_from_slice(&self.version.to_le_bytes());
        bytes[4..36].copy_from_slice(self.prev_block.as_bytes());
        bytes[36..68].copy_from_slice(self.merkle_root.as_bytes());
        bytes[68..72].copy_from_slice(&self.time.to_le_bytes());
        bytes[72..76].copy_from_slice(&self.bits.to_bits().to_le_bytes());
        bytes[76..].copy_from_slice(&self.nonce.to_le_bytes());
        bytes
    }

    /// Reads the fields; every 80 bytes are some header.
    pub fn decode(bytes: &[u8; HEADER_LEN]) -> Self {
        Self {
            version: u32::from_le_bytes(field::<0, 4>(bytes)),
            prev_block: BlockHash::from_bytes(field::<4, 32>(bytes)),
            merkle_root: MerkleRoot::from_bytes(field::<36, 32>(bytes)),
            time: u32::from_le_bytes(field::<68, 4>(bytes)),
            bits: CompactTarget::from_bits(u32::from_le_bytes(field::<72, 4>(bytes))),
            nonce: u32::from_le_bytes(field::<76, 4>(bytes)),
        }
    }
}

/// `LEN` bytes from `OFFSET`; the instances above are inside the header.
fn field<const OFFSET: usize, const LEN: usize>(bytes: &[u8; HEADER_LEN]) -> [u8; LEN] {
    const { assert!(OFFSET + LEN <= HEADER_LEN) };
    let mut out = [0; LEN];
    for (slot, byte) in out.iter_mut().zip(bytes.iter().skip(OFFSET)) {
        *slot = *byte;
    }
    out
}
