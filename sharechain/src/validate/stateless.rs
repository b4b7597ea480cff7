//! What can be said of a share by its own bytes: cheap rules first, proof of work last.

use crate::{
    amount::Amount,
    difficulty::SHARE_WORK_MAX_IN_BASE,
    error::ShareError,
    hash::ShareId,
    header::HEADER_LEN,
    merkle,
    params::{ExtraOutputsRule, Params},
    share::{SHARE_VERSION, Share, ShareData},
    target::{CompactTarget, Target, Work},
};

/// A share whose proof of work is real and binds every one of its bytes.
///
/// Its place in the share chain is still a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedShare {
    share: Share,
    id: ShareId,
    work: Work,
    base_target: Target,
    is_block: bool,
}

impl CheckedShare {
    /// Checks every rule that needs no context.
    ///
    /// # Errors
    /// The first rule the share breaks. The sender can be blamed for it.
    pub fn check(share: Share, params: &Params) -> Result<Self, ShareError> {
        let (base_target, work) = check_all_but_work(&share, params)?;
        let parent = params.parent();
        let header = share.header.encode();
        let pow = parent.pow.hash(&header);
        if !share.data.share_bits.to_target().is_some_and(|target| target.is_met_by(&pow)) {
            return Err(ShareError::ProofOfWork);
        }
        let is_block = share.header.bits.to_target().is_some_and(|target| target.is_met_by(&pow));
        // Where block id and proof of work are one function, it is not run twice: scrypt takes a third of a millisecond.
        let id = if parent.block_hash == parent.pow {
            ShareId::from_bytes(*pow.as_bytes())
        } else {
            share_id(&header, params)
        };
        Ok(Self { id, share, work, base_target, is_block })
    }

    /// Checks every rule but the proof of work: simulations draw when a share is found instead of looking for one.
    ///
    /// # Errors
    /// The first rule the share breaks.
    #[cfg(any(test, feature = "testing"))]
    pub fn check_unmined(share: Share, is_block: bool, params: &Params) -> Result<Self, ShareError> {
        let (base_target, work) = check_all_but_work(&share, params)?;
        Ok(Self { id: share_id(&share.header.encode(), params), share, work, base_target, is_block })
    }

    /// Whether a share was made for this share chain: every rule that needs no context and no hash of its work. For shares that
    /// this node checked before, and that may have been kept under other parameters.
    pub fn is_made_for(share: &Share, params: &Params) -> bool {
        check_all_but_work(share, params).is_ok()
    }

    /// Takes a share that this node checked before and kept in its own store, without hashing it again.
    ///
    /// # Errors
    /// A rule of the data that cannot be broken by a share that was once checked: the store is damaged or belongs to
    /// other parameters.
    pub fn from_own_store(share: Share, is_block: bool, params: &Params) -> Result<Self, ShareError> {
        let (base_target, work) = check_data(&share.data, params)?;
        Ok(Self { id: share_id(&share.header.encode(), params), share, work, base_target, is_block })
    }

    /// The share.
    pub const fn share(&self) -> &Share {
        &self.share
    }

    /// Its id, the parent chain's hash of its header.
    pub const fn id(&self) -> ShareId {
        self.id
    }

    /// Its own work, the weight it is credited with.
    pub const fn work(&self) -> Work {
        self.work
    }

    /// Its base target.
    pub(crate) const fn base_target(&self) -> Target {
        self.base_target
    }

    /// Whether its hash meets the target its header claims: then it is, if the claim holds, a parent-chain block.
    pub const fn is_block(&self) -> bool {
        self.is_block
    }
}

fn share_id(header: &[u8; HEADER_LEN], params: &Params) -> ShareId {
    ShareId::from_bytes(*params.parent().block_hash.hash(header).as_bytes())
}

fn check_all_but_work(share: &Share, params: &Params) -> Result<(Target, Work), ShareError> {
    let checked = check_data(&share.data, params)?;
    let parent = params.parent();
    if share.header.version & parent.version_mask != parent.version_value {
        return Err(ShareError::HeaderVersion(share.header.version));
    }
    check_commitment(share, params)?;
    Ok(checked)
}

fn check_data(data: &ShareData, params: &Params) -> Result<(Target, Work), ShareError> {
    if data.version != SHARE_VERSION {
        return Err(ShareError::Version(data.version));
    }
    if data.uncles.len() > usize::from(params.raw().uncles_max) {
        return Err(ShareError::TooManyUncles { uncles: data.uncles.len(), uncles_max: params.raw().uncles_max });
    }
    let ascending = data.uncles.iter().zip(data.uncles.iter().skip(1)).all(|(a, b)| a < b);
    if !ascending || data.uncles.binary_search(&data.parent).is_ok() {
        return Err(ShareError::UncleList);
    }
    let targets = check_targets(data, params)?;
    if data.block_height == 0 {
        return Err(ShareError::BlockHeight);
    }
    if params.outputs_max(data.payout_class, &data.extra_outputs).is_none() {
        return Err(ShareError::PayoutClass(data.payout_class));
    }
    check_extra_outputs(data, &params.parent().extra_outputs)?;
    Ok(targets)
}

fn check_targets(data: &ShareData, params: &Params) -> Result<(Target, Work), ShareError> {
    let in_range = |field, bits: CompactTarget| {
        let target = bits.to_target().filter(|target| *target <= params.base_target_max());
        target.and_then(|target| Some((target, target.work()?))).ok_or(ShareError::Bits { field })
    };
    let (base_target, base_work) = in_range("base_bits", data.base_bits)?;
    let (share_target, work) = in_range("share_bits", data.share_bits)?;
    if share_target > base_target || work > base_work.saturating_mul(SHARE_WORK_MAX_IN_BASE) {
        return Err(ShareError::ShareBitsRange);
    }
    Ok((base_target, work))
}

fn check_extra_outputs(data: &ShareData, rule: &ExtraOutputsRule) -> Result<(), ShareError> {
    let outputs = &data.extra_outputs;
    let sum = Amount::checked_sum(outputs.iter().map(|output| output.value)).ok_or(ShareError::ExtraOutputsValue)?;
    if sum > data.coinbase_value {
        return Err(ShareError::ExtraOutputsValue);
    }
    let as_fixed = match rule {
        ExtraOutputsRule::Forbidden => outputs.is_empty(),
        ExtraOutputsRule::Treasury { scripts, permille_max } => {
            let value = u128::from(sum.units()).saturating_mul(1_000);
            let bound = u128::from(data.coinbase_value.units()).saturating_mul(u128::from(*permille_max));
            outputs.is_empty() || (outputs.iter().map(|output| &output.script).eq(scripts.iter()) && value <= bound)
        }
        ExtraOutputsRule::SignatureKey => {
            let is_key = |script: &[u8]| matches!(script, [0x21, 0x02 | 0x03, key @ .., 0xac] if key.len() == 32);
            matches!(outputs.as_slice(), [only] if only.value == Amount::ZERO && is_key(&only.script))
        }
    };
    if as_fixed { Ok(()) } else { Err(ShareError::ExtraOutputs) }
}

fn check_commitment(share: &Share, params: &Params) -> Result<(), ShareError> {
    let tail = share.data.coinbase_tail(params.id(), &share.extranonce);
    let root = merkle::root_of_left_path(share.prefix.txid(&tail), &share.merkle_branch);
    if root == share.header.merkle_root { Ok(()) } else { Err(ShareError::Commitment) }
}

#[cfg(test)]
mod tests;
