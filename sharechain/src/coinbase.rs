//! The coinbase transaction of a share: built and checked byte for byte.
//!
//! ```text
//! prefix, a multiple of 64 bytes                                            tail, 48 bytes
//! version 2 | [time] | 01 | 00*32 ffffffff | S | scriptSig | feffffff |
//!   n | extra outputs | payouts | witness commitment | 0 2e 6a2c           | commitment[32] extranonce[12] locktime[4]
//! ```
//! A share carries the prefix only as its SHA-256 state, so the txid costs two compressions and no allocation. The tail
//! ends in the same SHA-256 block it begins in: 48 + 9 bytes of padding. A 64-byte inner node of the merkle tree
//! can therefore never be read as a tail (its padding differs), see attack L15 in `docs/protocol/attacks.md`.

use sha2::{Digest, Sha256, block_api::compress256};

use crate::{
    amount::Amount,
    encode::{DecodeError, Reader, Writer},
    hash::Txid,
    payout::Payout,
    share::ExtraOutput,
};

/// What the script of a witness commitment begins with (BIP141); 32 bytes follow.
pub const WITNESS_MARKER: [u8; 6] = [0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed];
/// Bytes after the prefix: commitment, extranonce and lock time.
pub const TAIL_LEN: usize = 48;
/// The prefix is hashed in blocks of this size.
const SHA256_BLOCK_LEN: usize = 64;
/// Longest prefix, blocks: the largest class with the longest scripts needs 247.
const PREFIX_BLOCKS_MAX: u16 = 256;
/// Shortest scriptSig the parent chain accepts.
const SCRIPT_SIG_LEN_MIN: usize = 2;
/// SHA-256 initial state (FIPS 180-4, 5.3.3).
const SHA256_INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// Everything the prefix is made of.
#[derive(Clone, Debug)]
pub struct CoinbaseFields<'a> {
    /// Transaction time on chains that have one.
    pub tx_time: Option<u32>,
    /// Height of the block (BIP34).
    pub block_height: u32,
    /// Raw bytes after the height.
    pub flags: &'a [u8],
    /// Outputs the parent chain demands.
    pub extra_outputs: &'a [ExtraOutput],
    /// Payouts in ascending script order.
    pub payouts: &'a [Payout],
    /// Witness commitment (BIP141).
    pub witness_commitment: Option<&'a [u8; 32]>,
}

impl CoinbaseFields<'_> {
    /// The bytes before the commitment, a multiple of 64.
    pub fn prefix(&self) -> Vec<u8> {
        let unpadded = self.write(0).len();
        let mut pad = unpadded.next_multiple_of(SHA256_BLOCK_LEN).saturating_sub(unpadded);
        let script_sig_len = height_push(self.block_height).len().saturating_add(self.flags.len());
        if script_sig_len.saturating_add(pad) < SCRIPT_SIG_LEN_MIN {
            pad = pad.saturating_add(SHA256_BLOCK_LEN);
        }
        self.write(pad).into_bytes()
    }

    fn write(&self, pad: usize) -> Writer {
        let mut out = Writer::with_capacity(1024);
        out.u32(2);
        if let Some(time) = self.tx_time {
            out.u32(time);
        }
        let push = height_push(self.block_height);
        let script_sig_len = push.len().saturating_add(self.flags.len()).saturating_add(pad);
        out.u8(1).bytes(&[0; 32]).u32(u32::MAX);
        out.compact_size(script_sig_len).bytes(&push).bytes(self.flags).bytes(&vec![0; pad]);
        // Not final: with the lock time this makes the coinbase of every height unique (BIP54).
        out.u32(0xffff_fffe);
        let outputs = self.extra_outputs.len().saturating_add(self.payouts.len()).saturating_add(1);
        out.compact_size(outputs.saturating_add(usize::from(self.witness_commitment.is_some())));
        for output in self.extra_outputs {
            write_output(&mut out, output.value, &output.script);
        }
        for payout in self.payouts {
            write_output(&mut out, payout.amount, payout.script.as_bytes());
        }
        if let Some(commitment) = self.witness_commitment {
            out.u64(0).compact_size(38).bytes(&WITNESS_MARKER).bytes(commitment);
        }
        out.u64(0).compact_size(46).bytes(&[0x6a, 0x2c]);
        out
    }
}

fn write_output(out: &mut Writer, value: Amount, script: &[u8]) {
    out.u64(value.units()).compact_size(script.len()).bytes(script);
}

/// The push of a block height that BIP34 demands: `OP_1`..`OP_16`, else the minimal script number.
pub fn height_push(height: u32) -> Vec<u8> {
    if let Ok(small @ 1..=16) = u8::try_from(height) {
        return vec![small.saturating_add(0x50)];
    }
    let mut number: Vec<u8> = height.to_le_bytes().to_vec();
    while number.last() == Some(&0) {
        number.pop();
    }
    // The top bit is the sign.
    if number.last().is_some_and(|byte| byte & 0x80 != 0) {
        number.push(0);
    }
    let mut out = Writer::default();
    out.bytes_u8(&number);
    out.into_bytes()
}

/// SHA-256 over the coinbase before the commitment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrefixState {
    state: [u32; 8],
    blocks: u16,
}

impl PrefixState {
    /// The state after `prefix`, or `None` when it is not 1 to 256 whole blocks.
    pub fn after(prefix: &[u8]) -> Option<Self> {
        let (chunks, rest) = prefix.as_chunks::<SHA256_BLOCK_LEN>();
        let blocks = u16::try_from(chunks.len()).ok()?;
        if !rest.is_empty() || !(1..=PREFIX_BLOCKS_MAX).contains(&blocks) {
            return None;
        }
        let mut state = SHA256_INITIAL;
        compress256(&mut state, chunks);
        Some(Self { state, blocks })
    }

    /// The id of the coinbase transaction that continues with `tail`: two compressions.
    pub fn txid(&self, tail: &[u8; TAIL_LEN]) -> Txid {
        let mut last = [0; SHA256_BLOCK_LEN];
        last[..TAIL_LEN].copy_from_slice(tail);
        last[TAIL_LEN] = 0x80;
        // At most 256 x 64 + 48 bytes: the length in bits is far from overflowing.
        let bytes = u64::from(self.blocks).saturating_mul(64).saturating_add(48);
        last[56..].copy_from_slice(&bytes.saturating_mul(8).to_be_bytes());
        let mut state = self.state;
        compress256(&mut state, &[last]);
        let mut first_hash = [0; 32];
        for (slot, word) in first_hash.as_chunks_mut::<4>().0.iter_mut().zip(state) {
            *slot = word.to_be_bytes();
        }
        Txid::from_bytes(Sha256::digest(first_hash).into())
    }

    pub(crate) fn encode(&self, out: &mut Writer) {
        for word in self.state {
            out.u32(word);
        }
        out.u16(self.blocks);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut state = [0; 8];
        for word in &mut state {
            *word = reader.u32()?;
        }
        let blocks = reader.u16()?;
        if (1..=PREFIX_BLOCKS_MAX).contains(&blocks) {
            Ok(Self { state, blocks })
        } else {
            Err(DecodeError::Malformed { field: "prefix_state.blocks" })
        }
    }
}

/// The coinbase as it stands in a segwit block: with marker, flag and the reserved witness value of zeros (BIP141).
///
/// `coinbase` is the serialization without witness, at least a version and a lock time; anything shorter is returned
/// as it is.
pub fn with_witness(coinbase: &[u8]) -> Vec<u8> {
    let Some(((version, rest), locktime)) =
        coinbase.split_last_chunk::<4>().and_then(|(head, locktime)| Some((head.split_at_checked(4)?, locktime)))
    else {
        return coinbase.to_vec();
    };
    let mut out = Writer::with_capacity(coinbase.len().saturating_add(36));
    out.bytes(version).bytes(&[0x00, 0x01]).bytes(rest).bytes(&[0x01, 0x20]).bytes(&[0; 32]).bytes(locktime);
    out.into_bytes()
}

#[cfg(test)]
mod tests;
