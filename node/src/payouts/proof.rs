//! The proof of a block's payouts: what anybody needs to see, without a node, whom a found block pays and why.
//!
//! A share carries its coinbase only as the state of SHA-256 before the last 48 bytes. So the share and the window are the whole
//! proof: from the window the rule makes the outputs, from the outputs the coinbase follows byte for byte, and its hash leads to
//! the header, whose own hash meets the parent chain's target. Nothing of it has to be believed but two things, which it cannot
//! show: that the block is on the main chain, and that the window is the share chain's.
//!
//! A proof comes from a stranger: every length in it is bounded before anything is made of it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sharechain::{
    CheckedShare, PayoutScript, Share, ShareError, ShareId, Work, chain::PaidWindow, coinbase::PrefixState,
    encode::DecodeError, hash::Txid, payout::Payout, pplns::Weights,
};

use crate::chain_profile::ChainProfile;

/// Version of the format.
const VERSION: u32 = 1;
/// Longest proof: a window of a main network in which every share is somebody else's. Stops a file from filling memory.
pub const PROOF_LEN_MAX: usize = 48 << 20;
/// Longest share in it, hexadecimal digits.
const SHARE_DIGITS_MAX: usize = 2 * 8_192;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PayoutProof {
    /// Version of the format, 1.
    pub version: u32,
    /// Name of the chain.
    pub network: String,
    /// Identity of the share chain, hexadecimal.
    pub params_id: String,
    /// The share that is a block, as nodes send it (docs/protocol/share.md), hexadecimal.
    pub share: String,
    /// The share at which the window was taken, hexadecimal.
    pub payout_share: String,
    /// Time of the coinbase, on chains whose transactions have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coinbase_time: Option<u32>,
    /// Shares in the window.
    pub window_shares: u64,
    /// Work in the window by script, ascending by script.
    pub window: Vec<WindowEntry>,
}

/// Work of one script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowEntry {
    /// The script, hexadecimal.
    pub script: String,
    /// Its work in the window, hashes, decimal.
    pub work: String,
}

/// Why a proof proves nothing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProofError {
    /// Of another version.
    #[error("the proof has the version {0}; this program knows {VERSION}")]
    Version(u32),
    /// Of another share chain.
    #[error("the proof is of the share chain {proof}, and {network} has {own}")]
    OtherChain {
        /// Whose it is.
        proof: String,
        /// The chain it names.
        network: String,
        /// That chain's.
        own: String,
    },
    /// A value that cannot be.
    #[error("{0} of the proof is malformed")]
    Malformed(&'static str),
    /// Bytes that are no share.
    #[error("the share cannot be read")]
    Share(#[from] DecodeError),
    /// A share that breaks a rule.
    #[error("the share is invalid")]
    Invalid(#[from] ShareError),
    /// The share's hash does not meet the parent chain's target.
    #[error("the share {0} is not a block")]
    NoBlock(ShareId),
    /// Another window leads to this coinbase, or none.
    #[error("the window does not lead to the coinbase of block {0}")]
    OtherCoinbase(ShareId),
}

/// What a proof shows.
#[derive(Clone, Debug)]
pub struct Proven {
    /// The block's share.
    pub share: CheckedShare,
    /// The coinbase transaction without its witness.
    pub coinbase: Vec<u8>,
    /// Its id.
    pub coinbase_txid: Txid,
    /// Where the window was taken.
    pub payout_share: ShareId,
    /// The window.
    pub weights: Arc<Weights>,
    /// Whom the block pays.
    pub payouts: Vec<Payout>,
}

impl PayoutProof {
    /// The proof of a share's block.
    pub fn of(share: &CheckedShare, window: &PaidWindow, profile: &ChainProfile) -> Self {
        let entry = |(script, work): &(PayoutScript, Work)| WindowEntry {
            script: script.to_string(),
            work: work.hashes().to_string(),
        };
        Self {
            version: VERSION,
            network: profile.name.clone(),
            params_id: profile.params.id().to_string(),
            share: hex::encode(share.share().encode()),
            payout_share: window.payout_share.to_string(),
            coinbase_time: window.tx_time,
            window_shares: window.weights.shares(),
            window: window.weights.entries().iter().map(entry).collect(),
        }
    }

    /// What it shows.
    ///
    /// # Errors
    /// [`ProofError`]: then it shows nothing.
    pub fn verify(&self, profile: &ChainProfile) -> Result<Proven, ProofError> {
        let params = &profile.params;
        if self.version != VERSION {
            return Err(ProofError::Version(self.version));
        }
        if self.params_id != params.id().to_string() {
            let (proof, network) = (self.params_id.clone(), profile.name.clone());
            return Err(ProofError::OtherChain { proof, network, own: params.id().to_string() });
        }
        let checked = CheckedShare::check(Share::decode(&self.share_bytes()?)?, params)?;
        if !checked.is_block() {
            return Err(ProofError::NoBlock(checked.id()));
        }
        let window = self.window()?;
        let share = checked.share();
        let prefix = window.coinbase_prefix(params, &share.data, share.header.prev_block);
        if PrefixState::after(&prefix) != Some(share.prefix) {
            return Err(ProofError::OtherCoinbase(checked.id()));
        }
        let tail = share.data.coinbase_tail(params.id(), &share.extranonce);
        let coinbase_txid = share.prefix.txid(&tail);
        let coinbase = [prefix.as_slice(), &tail].concat();
        let payouts = window.payouts(params, &share.data, share.header.prev_block);
        let PaidWindow { payout_share, weights, .. } = window;
        Ok(Proven { share: checked, coinbase, coinbase_txid, payout_share, weights, payouts })
    }

    fn share_bytes(&self) -> Result<Vec<u8>, ProofError> {
        let fits = self.share.len() <= SHARE_DIGITS_MAX;
        fits.then(|| hex::decode(&self.share).ok()).flatten().ok_or(ProofError::Malformed("share"))
    }

    fn window(&self) -> Result<PaidWindow, ProofError> {
        let entry = |entry: &WindowEntry| {
            let script = PayoutScript::from_bytes(&hex::decode(&entry.script).ok()?).ok()?;
            Some((script, Work::from_hashes(entry.work.parse().ok()?)))
        };
        let sums: Vec<(PayoutScript, Work)> =
            self.window.iter().map(entry).collect::<Option<_>>().ok_or(ProofError::Malformed("window"))?;
        let ascends = sums.iter().zip(sums.iter().skip(1)).all(|(one, next)| one.0 < next.0);
        let is_sum = sums.iter().try_fold(Work::ZERO, |sum, (_, work)| sum.checked_add(*work)).is_some();
        if !ascends || !is_sum || sums.iter().any(|(_, work)| *work == Work::ZERO) {
            return Err(ProofError::Malformed("window"));
        }
        Ok(PaidWindow {
            payout_share: self.payout_share.parse().map_err(|_| ProofError::Malformed("payout_share"))?,
            weights: Arc::new(Weights::from_sums(sums.into_iter(), self.window_shares)),
            tx_time: self.coinbase_time,
        })
    }
}

impl Proven {
    /// What a script gets.
    pub fn amount_of(&self, script: &PayoutScript) -> u64 {
        self.payouts.iter().filter(|payout| payout.script == *script).map(|payout| payout.amount.units()).sum()
    }

    /// Work of a script in the window, and of all.
    pub fn work_of(&self, script: &PayoutScript) -> (u128, u128) {
        let own = self.weights.entries().iter().find(|(known, _)| known == script);
        (own.map_or(0, |(_, work)| work.hashes()), self.weights.total().hashes())
    }
}

#[cfg(test)]
pub(super) mod tests;
