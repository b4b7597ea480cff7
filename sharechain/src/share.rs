//! The share: a parent-chain block candidate, what it says about the share chain, and the proof that binds both.
//!
//! `Share = header[80] ++ data ++ extranonce[12] ++ merkle_branch ++ prefix_state`. The header's merkle root commits to
//! the coinbase transaction, whose last output commits to `data`; so the proof of work of the header binds every byte.
//! The bytes are described in `docs/protocol/share.md`.

use crate::{
    amount::Amount,
    coinbase::{PrefixState, TAIL_LEN},
    encode::{DecodeError, Reader, Writer},
    hash::{ParamsId, ShareId, blake2s256},
    header::{HEADER_LEN, Header},
    merkle::BRANCH_MAX,
    script::{PAYOUT_SCRIPT_LEN_MAX, PayoutScript},
    target::{CompactTarget, Work},
};

/// Version of the share format.
pub const SHARE_VERSION: u8 = 1;
/// Its name in decoding errors.
pub(crate) const VERSION_FIELD: &str = "version";
/// No chain may let a share merge more than this; bounds what one message makes a node look up.
pub const UNCLES_LIMIT: usize = 64;
/// Longest raw coinbase flags: with them, the height and the padding, the scriptSig stays within 100 bytes.
pub const COINBASE_FLAGS_LEN_MAX: usize = 31;
/// Most extra outputs of a share.
pub const EXTRA_OUTPUTS_MAX: usize = 4;
/// Longest script of an extra output.
pub const EXTRA_OUTPUT_SCRIPT_LEN_MAX: usize = 40;
/// Bytes the miner varies: extranonce1 and extranonce2 together.
pub const EXTRANONCE_LEN: usize = 12;
/// Bytes of the longest share; longer messages are refused before they are read.
pub const SHARE_LEN_MAX: usize = HEADER_LEN + DATA_LEN_MAX + EXTRANONCE_LEN + (1 + 32 * BRANCH_MAX) + (32 + 2);
const DATA_LEN_MAX: usize = 1
    + 32
    + (1 + 32 * UNCLES_LIMIT)
    + (8 + 8 + 16)
    + (4 + 4)
    + (1 + PAYOUT_SCRIPT_LEN_MAX)
    + 1
    + (8 + 4)
    + (1 + COINBASE_FLAGS_LEN_MAX)
    + (1 + 32)
    + (1 + EXTRA_OUTPUTS_MAX * (8 + 1 + EXTRA_OUTPUT_SCRIPT_LEN_MAX))
    + (8 + 2);
const COMMITMENT_DOMAIN: &[u8] = b"poolnode/share/1";

/// What a share says; hashed into the commitment of its coinbase.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShareData {
    /// Format version, [`SHARE_VERSION`].
    pub version: u8,
    /// The selected parent.
    pub parent: ShareId,
    /// Merged shares from other branches, in ascending order.
    pub uncles: Vec<ShareId>,
    /// Selected ancestors, the virtual genesis included: parent's height + 1.
    pub height: u64,
    /// Shares in the past, including this one.
    pub count: u64,
    /// Work in the past, including this share's own.
    pub total_work: Work,
    /// The base difficulty at this share.
    pub base_bits: CompactTarget,
    /// The difficulty this share chose: its target and the weight it is paid by.
    pub share_bits: CompactTarget,
    /// Whom its work is credited to.
    pub payout_script: PayoutScript,
    /// Index of the class table: how many payout outputs this miner's firmware can hold.
    pub payout_class: u8,
    /// Subsidy and fees of the block, a claim about the parent chain.
    pub coinbase_value: Amount,
    /// Height of the block being mined, a claim about the parent chain.
    pub block_height: u32,
    /// Raw bytes the daemon wants in the scriptSig.
    pub coinbase_flags: Vec<u8>,
    /// Witness commitment of the block (BIP141).
    pub witness_commitment: Option<[u8; 32]>,
    /// Outputs the parent chain demands.
    pub extra_outputs: Vec<ExtraOutput>,
    /// Random per node: two nodes with one payout script never mine the same share.
    pub node_nonce: u64,
    /// Upgrade bits.
    pub signal: u16,
}

/// An output the parent chain demands beside the payouts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExtraOutput {
    /// Its value.
    pub value: Amount,
    /// Its raw script.
    pub script: Vec<u8>,
}

/// A share as it is sent and stored. Nothing of it is checked beyond its bounds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Share {
    /// The parent-chain header whose hash is the proof of work.
    pub header: Header,
    /// What the share says.
    pub data: ShareData,
    /// The bytes the miner varied in the coinbase.
    pub extranonce: [u8; EXTRANONCE_LEN],
    /// Right siblings on the path from the coinbase to the merkle root.
    pub merkle_branch: Vec<[u8; 32]>,
    /// SHA-256 state over the coinbase before the commitment.
    pub prefix: PrefixState,
}

impl ExtraOutput {
    /// Bytes in the coinbase transaction.
    pub(crate) fn encoded_len(&self) -> usize {
        self.script.len().saturating_add(9)
    }
}

impl ShareData {
    /// The consensus bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(320);
        out.u8(self.version).bytes(self.parent.as_bytes()).count_u8(self.uncles.len());
        for uncle in &self.uncles {
            out.bytes(uncle.as_bytes());
        }
        out.u64(self.height)
            .u64(self.count)
            .u128(self.total_work.hashes())
            .u32(self.base_bits.to_bits())
            .u32(self.share_bits.to_bits())
            .bytes_u8(self.payout_script.as_bytes())
            .u8(self.payout_class)
            .u64(self.coinbase_value.units())
            .u32(self.block_height)
            .bytes_u8(&self.coinbase_flags);
        match &self.witness_commitment {
            None => out.u8(0),
            Some(commitment) => out.u8(1).bytes(commitment),
        };
        out.count_u8(self.extra_outputs.len());
        for output in &self.extra_outputs {
            out.u64(output.value.units()).bytes_u8(&output.script);
        }
        out.u64(self.node_nonce).u16(self.signal);
        out.into_bytes()
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        // Another version may have another layout: nothing after it can be read.
        let version = match reader.u8()? {
            SHARE_VERSION => SHARE_VERSION,
            tag => return Err(DecodeError::UnknownTag { field: VERSION_FIELD, tag }),
        };
        Ok(Self {
            version,
            parent: reader.array().map(ShareId::from_bytes)?,
            uncles: decode_list(reader, "uncles", UNCLES_LIMIT, |reader| reader.array().map(ShareId::from_bytes))?,
            height: reader.u64()?,
            count: reader.u64()?,
            total_work: reader.u128().map(Work::from_hashes)?,
            base_bits: reader.u32().map(CompactTarget::from_bits)?,
            share_bits: reader.u32().map(CompactTarget::from_bits)?,
            payout_script: PayoutScript::from_bytes(reader.bytes_u8("payout_script", PAYOUT_SCRIPT_LEN_MAX)?)
                .map_err(|_| DecodeError::Malformed { field: "payout_script" })?,
            payout_class: reader.u8()?,
            coinbase_value: reader.u64().map(Amount::from_units)?,
            block_height: reader.u32()?,
            coinbase_flags: reader.bytes_u8("coinbase_flags", COINBASE_FLAGS_LEN_MAX)?.to_vec(),
            witness_commitment: match reader.option_tag("witness_commitment")? {
                false => None,
                true => Some(reader.array()?),
            },
            extra_outputs: decode_list(reader, "extra_outputs", EXTRA_OUTPUTS_MAX, |reader| {
                Ok(ExtraOutput {
                    value: reader.u64().map(Amount::from_units)?,
                    script: reader.bytes_u8("extra_outputs.script", EXTRA_OUTPUT_SCRIPT_LEN_MAX)?.to_vec(),
                })
            })?,
            node_nonce: reader.u64()?,
            signal: reader.u16()?,
        })
    }

    /// What the last output of the coinbase carries: binds this data, and the share chain it belongs to, to the header.
    pub fn commitment(&self, params: ParamsId) -> [u8; 32] {
        blake2s256(&[COMMITMENT_DOMAIN, &params.0, &self.encode()])
    }

    /// The end of the coinbase transaction: everything after the prefix.
    pub fn coinbase_tail(&self, params: ParamsId, extranonce: &[u8; EXTRANONCE_LEN]) -> [u8; TAIL_LEN] {
        coinbase_tail(&self.commitment(params), extranonce, self.locktime())
    }

    /// Lock time of the coinbase: the height before the block's (BIP54), so that no two coinbases are equal.
    pub const fn locktime(&self) -> u32 {
        self.block_height.saturating_sub(1)
    }
}

/// The end of a coinbase transaction whose share data has this commitment and lock time.
pub fn coinbase_tail(commitment: &[u8; 32], extranonce: &[u8; EXTRANONCE_LEN], locktime: u32) -> [u8; TAIL_LEN] {
    let mut tail = [0; TAIL_LEN];
    tail[..32].copy_from_slice(commitment);
    tail[32..44].copy_from_slice(extranonce);
    tail[44..].copy_from_slice(&locktime.to_le_bytes());
    tail
}

impl Share {
    /// The consensus bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(1024);
        out.bytes(&self.header.encode())
            .bytes(&self.data.encode())
            .bytes(&self.extranonce)
            .count_u8(self.merkle_branch.len());
        for node in &self.merkle_branch {
            out.bytes(node);
        }
        self.prefix.encode(&mut out);
        out.into_bytes()
    }

    /// Reads exactly one share.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are not the one encoding of a share.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let share = Self {
            header: Header::decode(&reader.array()?),
            data: ShareData::decode(&mut reader)?,
            extranonce: reader.array()?,
            merkle_branch: decode_list(&mut reader, "merkle_branch", BRANCH_MAX, Reader::array)?,
            prefix: PrefixState::decode(&mut reader)?,
        };
        reader.finish()?;
        Ok(share)
    }
}

/// A `u8` count, bounded before anything is allocated, and that many elements.
fn decode_list<'a, T>(
    reader: &mut Reader<'a>,
    field: &'static str,
    len_max: usize,
    element: impl Fn(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let len = reader.count_u8(field, len_max)?;
    (0..len).map(|_| element(reader)).collect()
}

#[cfg(test)]
mod tests;
