//! Room for the coinbase: daemons reserve some thousand weight units, and a coinbase with 362 outputs needs 63,000. What does
//! not fit is left out from the end, where nothing is that others depend on.

use sharechain::{
    Params,
    hash::{Txid, sha256d},
    header::HEADER_LEN,
    merkle,
};

use super::{TemplateError, raw::Raw};

/// Bytes of the largest payout output: value, length, a script of 34 bytes.
const OUTPUT_LEN_MAX: u64 = 43;
/// Bytes of a coinbase beside its outputs: version, time, input with a script of 100 bytes, counts, lock time.
const FIXED_LEN_MAX: u64 = 4 + 4 + (1 + 36 + 1 + 100 + 4) + 3 + 4;
/// Bytes of its last two outputs, the witness commitment and the share's.
const COMMITMENTS_LEN: u64 = 47 + 55;
/// Marker, flag and the reserved value, which count once.
const WITNESS_WEIGHT: u64 = 2 + 1 + 1 + 32;
/// Bytes before the coinbase: the header and the longest count of transactions that is likely.
const BEFORE_LEN: u64 = HEADER_LEN as u64 + 5;
/// Signature operations of a P2PKH output, in the units of `sigoplimit` since segwit.
const OUTPUT_SIGOPS: u64 = 4;
/// A byte without witness data (BIP141).
const WITNESS_SCALE: u64 = 4;

/// What the largest coinbase of a share chain may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoinbaseRoom {
    len: u64,
    outputs: u64,
}

impl CoinbaseRoom {
    /// The room of the largest payout class.
    pub fn of(params: &Params) -> Self {
        let outputs = params.raw().payout_classes.iter().max().copied().unwrap_or_default();
        let outputs = u64::from(outputs);
        Self { len: FIXED_LEN_MAX + COMMITMENTS_LEN + outputs * OUTPUT_LEN_MAX, outputs }
    }

    /// Weight of the header, the count of transactions and the largest coinbase, in a block with witnesses.
    pub const fn weight(&self) -> u64 {
        (BEFORE_LEN + self.len) * WITNESS_SCALE + WITNESS_WEIGHT
    }

    /// How many transactions there is room for, and the fees of those there is none for.
    pub(super) fn cut(&self, raw: &Raw<'_>) -> Result<(usize, Option<u64>), TemplateError> {
        let is_segwit = raw.weightlimit.is_some();
        let scale = if is_segwit { WITNESS_SCALE } else { 1 };
        let own_weight = if is_segwit { self.weight() } else { BEFORE_LEN + self.len };
        let own_sigops = if is_segwit { self.outputs * OUTPUT_SIGOPS } else { self.outputs };
        let weight_max = raw.weightlimit.or(raw.sizelimit).unwrap_or(u64::MAX).saturating_sub(own_weight);
        let sigops_max = raw.sigoplimit.unwrap_or(u64::MAX).saturating_sub(own_sigops);
        let (mut weight, mut sigops, mut kept) = (0_u64, 0_u64, 0);
        for transaction in &raw.transactions {
            let len = u64::try_from(transaction.data.len() / 2).unwrap_or(u64::MAX);
            // A daemon that says no weight has transactions without witnesses.
            weight = weight.saturating_add(transaction.weight.unwrap_or_else(|| len.saturating_mul(scale)));
            sigops = sigops.saturating_add(transaction.sigops.unwrap_or_default());
            if weight > weight_max || sigops > sigops_max {
                break;
            }
            kept += 1;
        }
        if kept == raw.transactions.len() {
            return Ok((kept, None));
        }
        let left_out = raw.transactions.get(kept..).unwrap_or_default();
        let fees = left_out.iter().map(|transaction| transaction.fee).sum::<Option<u64>>();
        let may_change = raw.mutable.as_ref().is_none_or(|mutable| {
            mutable.iter().any(|what| matches!(what.as_ref(), "transactions" | "transactions/remove"))
        });
        // The last transaction of a block with MWEB belongs to it.
        match fees {
            Some(fees) if may_change && raw.mweb.is_none() => Ok((kept, Some(fees))),
            _ => Err(TemplateError::NoRoom { needed: own_weight }),
        }
    }
}

/// The witness commitment to these transactions after a coinbase (BIP141), whose reserved value is zero.
pub(super) fn commitment_to(wtxids: &[Txid]) -> [u8; 32] {
    let root = merkle::root_of_left_path(Txid::from_bytes([0; 32]), &merkle::left_path(wtxids));
    let mut preimage = [0; 64];
    preimage[..32].copy_from_slice(root.as_bytes());
    sha256d(&preimage)
}
