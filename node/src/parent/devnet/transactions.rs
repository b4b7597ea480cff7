//! The devnet's transactions: a fixed function of the block they are mined on.
//!
//! On each block up to [`POOL_SIZE`] transactions wait; a few more become visible every second, as in a real mempool. Any
//! of them may be in the next block, in any order, each once. They have witnesses, so that a witness commitment is not
//! the same as a merkle root, and pay fees.

use sharechain::{
    BlockHash,
    encode::Writer,
    hash::{Txid, blake2s256, sha256d},
};

/// Transactions that wait on each block.
pub(super) const POOL_SIZE: u32 = 48;
/// Visible at once.
const VISIBLE_FROM_START: u32 = 5;
/// One more becomes visible per this many seconds.
const SECONDS_PER_TRANSACTION: u64 = 2;
const DOMAIN: &[u8] = b"poolnode/devnet/tx/1";

/// A transaction with what a template says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PoolTransaction {
    pub(super) bytes: Vec<u8>,
    pub(super) txid: Txid,
    pub(super) wtxid: Txid,
    pub(super) fee: u64,
    pub(super) weight: usize,
}

/// How many are visible this many seconds after the block.
pub(super) fn visible(seconds: u64) -> u32 {
    let more = u32::try_from(seconds / SECONDS_PER_TRANSACTION).unwrap_or(u32::MAX);
    VISIBLE_FROM_START.saturating_add(more).min(POOL_SIZE)
}

/// Transaction `index` of those that wait on `prev_block`.
pub(super) fn transaction(prev_block: BlockHash, index: u32) -> PoolTransaction {
    let seed = blake2s256(&[DOMAIN, prev_block.as_bytes(), &index.to_le_bytes()]);
    let body = |out: &mut Writer| {
        out.compact_size(1).bytes(&seed).u32(0).compact_size(0).u32(0xffff_fffd);
        out.compact_size(1).u64(100_000 + u64::from(seed[0])).compact_size(22).bytes(&[0x00, 0x14]).bytes(&seed[..20]);
    };
    let mut stripped = Writer::default();
    stripped.u32(2);
    body(&mut stripped);
    stripped.u32(0);
    let stripped = stripped.into_bytes();
    let mut whole = Writer::default();
    whole.u32(2).bytes(&[0x00, 0x01]);
    body(&mut whole);
    // A signature and a key by their lengths.
    whole.compact_size(2).compact_size(64).bytes(&seed).bytes(&seed).compact_size(33).u8(2).bytes(&seed).u32(0);
    let bytes = whole.into_bytes();
    PoolTransaction {
        txid: Txid::from_bytes(sha256d(&stripped)),
        wtxid: Txid::from_bytes(sha256d(&bytes)),
        fee: 1_000 + u64::from(seed[1]) * 10,
        weight: stripped.len() * 3 + bytes.len(),
        bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parent::block::Transaction;

    #[test]
    fn ids_and_weight_are_those_of_the_bytes() {
        let made = transaction(BlockHash::from_bytes([3; 32]), 7);
        let parsed = Transaction::decode(&made.bytes).unwrap();
        assert_eq!((made.txid, made.wtxid, made.weight), (parsed.txid, parsed.wtxid, parsed.weight));
        assert_ne!(made.txid, made.wtxid);
        assert_eq!(made, transaction(BlockHash::from_bytes([3; 32]), 7));
        assert_ne!(made, transaction(BlockHash::from_bytes([3; 32]), 8));
    }

    #[test]
    fn the_pool_fills_up() {
        assert_eq!([0, 1, 2, 20, 1_000_000].map(visible), [5, 5, 6, 15, POOL_SIZE]);
    }
}
