//! The consensus parameters of a share chain, as data, and their identity.
//!
//! Two nodes speak to each other only when their [`ParamsId`]s agree: any changed parameter is another share chain.

use crate::{
    amount::Amount,
    difficulty::Controller,
    encode::Writer,
    hash::{BlockHash, ParamsId, ShareId, blake2s256},
    pow::PowAlgorithm,
    share::{EXTRA_OUTPUT_SCRIPT_LEN_MAX, ExtraOutput, UNCLES_LIMIT},
    target::{CompactTarget, Target},
};

/// Domain of `params_id`; its number changes with any rule that is not itself a parameter.
const PARAMS_DOMAIN: &[u8] = b"poolnode/params/1";
/// Bytes of a coinbase output with the longest payout script: what an extra output takes from the class table.
const PAYOUT_OUTPUT_LEN_MAX: usize = 43;
/// Outputs that keep the coinbase prefix within 256 SHA-256 blocks.
const CLASS_OUTPUTS_LIMIT: u16 = 362;
/// Longest chain name or password, bytes.
const NAME_LEN_MAX: usize = 64;

/// What a share chain's rules are made of. Plain data; [`Params::new`] checks it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConsensusParams {
    /// Name of the share chain, part of its identity.
    pub name: String,
    /// Makes a private pool: without it nobody computes the same identity.
    pub password: Option<String>,
    /// The chain whose blocks are mined.
    pub parent: ParentProfile,
    /// Wanted time between shares, milliseconds.
    pub share_interval_ms: u32,
    /// How deep below the tip a branch may have left the selected chain and still be merged, heights.
    pub merge_depth: u32,
    /// Merged shares one share may name.
    pub uncles_max: u8,
    /// Half-life of the base difficulty controller, seconds.
    pub asert_halflife_secs: u32,
    /// Work of the PPLNS window, in shares of base difficulty.
    pub window_shares: u32,
    /// Payouts are fixed once per this many heights.
    pub payout_epoch: u32,
    /// Smallest payout drawn or paid for certain.
    pub payout_min: Amount,
    /// Most payout outputs of each payout class, in ascending order.
    pub payout_classes: Vec<u16>,
    /// The easiest base difficulty.
    pub base_target_max: CompactTarget,
    /// Time of the virtual genesis share, Unix seconds.
    pub genesis_time: u32,
}

/// What the share chain must know of the parent chain's block format.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParentProfile {
    /// Hash of the parent chain's first block.
    pub genesis: BlockHash,
    /// Proof of work of headers.
    pub pow: PowAlgorithm,
    /// Identity of headers; not always the proof of work (Litecoin: SHA-256d).
    pub block_hash: PowAlgorithm,
    /// Header version bits that are fixed: on multi-algorithm chains a free version would let a share be mined with
    /// another algorithm.
    pub version_mask: u32,
    /// Values of the fixed version bits.
    pub version_value: u32,
    /// Whether transactions carry a time after their version.
    pub tx_time: bool,
    /// Outputs the chain demands beside the payouts.
    pub extra_outputs: ExtraOutputsRule,
}

/// Which extra outputs a share may carry. Free ones would let a miner pay itself outside the split.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExtraOutputsRule {
    /// None at all.
    Forbidden,
    /// Either none, or exactly these scripts in this order with at most `permille_max` of the coinbase value in sum.
    Treasury {
        /// The scripts the chain demands.
        scripts: Vec<Vec<u8>>,
        /// Bound of their value, thousandths of the coinbase value.
        permille_max: u16,
    },
    /// Exactly one output of value 0 to a 33-byte public key, which signs the block (Verge).
    SignatureKey,
}

/// Why parameters describe no share chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("share chain parameter {field} is out of range: {rule}")]
pub struct ParamsError {
    /// The parameter.
    pub field: &'static str,
    /// What it must be.
    pub rule: &'static str,
}

impl ConsensusParams {
    /// The parameters of public share chains (design table 3.9).
    pub fn main(name: &str, parent: ParentProfile, base_target_max: CompactTarget, genesis_time: u32) -> Self {
        Self {
            name: name.to_owned(),
            password: None,
            parent,
            share_interval_ms: 1_000,
            merge_depth: 600,
            uncles_max: 64,
            asert_halflife_secs: 600,
            window_shares: 86_400,
            payout_epoch: 64,
            payout_min: Amount::from_units(10_000),
            // Whoever mines chooses the class and knows the draw, so a class of K outputs is worth up to 1 / (4 K) more than
            // what is due: none below 45 (docs/decisions/0003).
            payout_classes: vec![45, 141, 362],
            base_target_max,
            genesis_time,
        }
    }

    /// The parameters of the devnet: short depths, so that the first payout is on screen within a minute.
    pub fn devnet(parent: ParentProfile, genesis_time: u32) -> Self {
        Self {
            merge_depth: 16,
            asert_halflife_secs: 60,
            window_shares: 600,
            payout_epoch: 4,
            payout_min: Amount::from_units(1_000),
            // Nothing is to be gained here, and firmware of every limit can be tried.
            payout_classes: vec![4, 11, 45, 141, 362],
            // 2^18 expected hashes: half a second of one slow core.
            ..Self::main("devnet", parent, CompactTarget::from_bits(0x1e40_0000), genesis_time)
        }
    }

    /// The consensus bytes whose hash is the chain's identity.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(256);
        out.bytes_u8(self.name.as_bytes());
        match &self.password {
            None => out.u8(0),
            Some(password) => out.u8(1).bytes_u8(password.as_bytes()),
        };
        self.parent.encode(&mut out);
        out.u32(self.share_interval_ms)
            .u32(self.merge_depth)
            .u8(self.uncles_max)
            .u32(self.asert_halflife_secs)
            .u32(self.window_shares)
            .u32(self.payout_epoch)
            .u64(self.payout_min.units())
            .count_u8(self.payout_classes.len());
        for outputs in &self.payout_classes {
            out.u16(*outputs);
        }
        out.u32(self.base_target_max.to_bits()).u32(self.genesis_time);
        out.into_bytes()
    }

    fn check(&self) -> Result<Target, ParamsError> {
        let refuse = |field, rule| Err(ParamsError { field, rule });
        if self.name.is_empty() || self.name.len() > NAME_LEN_MAX {
            return refuse("name", "1 to 64 bytes");
        }
        if self.password.as_ref().is_some_and(|password| password.len() > NAME_LEN_MAX) {
            return refuse("password", "at most 64 bytes");
        }
        if self.share_interval_ms == 0 || self.asert_halflife_secs == 0 {
            return refuse("share_interval_ms, asert_halflife_secs", "at least 1");
        }
        if self.merge_depth == 0 || self.payout_epoch == 0 || self.window_shares == 0 {
            return refuse("merge_depth, payout_epoch, window_shares", "at least 1");
        }
        if usize::from(self.uncles_max) > UNCLES_LIMIT {
            return refuse("uncles_max", "at most 64");
        }
        if self.payout_min == Amount::ZERO {
            return refuse("payout_min", "at least 1");
        }
        let classes = &self.payout_classes;
        let in_range = classes.iter().all(|outputs| (1..=CLASS_OUTPUTS_LIMIT).contains(outputs));
        if classes.is_empty() || classes.len() > 16 || !in_range || !classes.is_sorted() {
            return refuse("payout_classes", "1 to 16 classes of 1 to 362 outputs, ascending");
        }
        self.parent.check()?;
        match self.base_target_max.to_target() {
            Some(target) if target >= Target::HARDEST_SHARE => Ok(target),
            _ => refuse("base_target_max", "a canonical target of at least 2^128"),
        }
    }
}

impl ParentProfile {
    fn encode(&self, out: &mut Writer) {
        out.bytes(self.genesis.as_bytes())
            .u8(self.pow.tag())
            .u8(self.block_hash.tag())
            .u32(self.version_mask)
            .u32(self.version_value)
            .u8(u8::from(self.tx_time));
        match &self.extra_outputs {
            ExtraOutputsRule::Forbidden => {
                out.u8(0);
            }
            ExtraOutputsRule::Treasury { scripts, permille_max } => {
                out.u8(1).u16(*permille_max).count_u8(scripts.len());
                for script in scripts {
                    out.bytes_u8(script);
                }
            }
            ExtraOutputsRule::SignatureKey => {
                out.u8(2);
            }
        }
    }

    fn check(&self) -> Result<(), ParamsError> {
        if self.version_value & !self.version_mask != 0 {
            return Err(ParamsError { field: "version_value", rule: "no bit outside version_mask" });
        }
        let treasury_fits = match &self.extra_outputs {
            ExtraOutputsRule::Forbidden | ExtraOutputsRule::SignatureKey => true,
            ExtraOutputsRule::Treasury { scripts, permille_max } => {
                scripts.len() <= crate::share::EXTRA_OUTPUTS_MAX
                    && *permille_max <= 1_000
                    && scripts.iter().all(|script| script.len() <= EXTRA_OUTPUT_SCRIPT_LEN_MAX)
            }
        };
        if treasury_fits {
            Ok(())
        } else {
            Err(ParamsError { field: "extra_outputs", rule: "at most 4 scripts of 40 bytes, 1000 permille" })
        }
    }
}

/// Checked parameters with everything that is derived from them once.
#[derive(Clone, Debug)]
pub struct Params {
    raw: ConsensusParams,
    id: ParamsId,
    genesis_id: ShareId,
    base_target_max: Target,
}

impl Params {
    /// Checks every parameter and derives the chain's identity.
    ///
    /// # Errors
    /// [`ParamsError`] names the first parameter that is out of range.
    pub fn new(raw: ConsensusParams) -> Result<Self, ParamsError> {
        let base_target_max = raw.check()?;
        let id = ParamsId(blake2s256(&[PARAMS_DOMAIN, &raw.encode()]));
        let genesis_id = ShareId::from_bytes(blake2s256(&[&id.0]));
        Ok(Self { raw, id, genesis_id, base_target_max })
    }

    /// The share chain's identity.
    pub const fn id(&self) -> ParamsId {
        self.id
    }

    /// Id of the virtual genesis share: Blake2s256 of the chain's identity.
    pub const fn genesis_id(&self) -> ShareId {
        self.genesis_id
    }

    /// The easiest base target.
    pub const fn base_target_max(&self) -> Target {
        self.base_target_max
    }

    /// The parameters as they were given.
    pub const fn raw(&self) -> &ConsensusParams {
        &self.raw
    }

    /// The parent chain's format.
    pub const fn parent(&self) -> &ParentProfile {
        &self.raw.parent
    }

    /// Merge depth in heights, as the type heights have.
    pub(crate) fn merge_depth(&self) -> u64 {
        u64::from(self.raw.merge_depth)
    }

    /// Heights of a payout epoch, as the type heights have.
    pub(crate) fn payout_epoch(&self) -> u64 {
        u64::from(self.raw.payout_epoch)
    }

    /// Whether payouts are fixed anew at this height.
    pub(crate) fn is_epoch(&self, height: u64) -> bool {
        height.checked_rem(self.payout_epoch()) == Some(0)
    }

    /// The base difficulty controller.
    pub(crate) const fn controller(&self) -> Controller {
        Controller {
            share_interval_ms: self.raw.share_interval_ms,
            halflife_secs: self.raw.asert_halflife_secs,
            base_target_max: self.base_target_max,
        }
    }

    /// Most payout outputs of `class` beside these extra outputs, at least 1; `None` for an unknown class.
    ///
    /// Extra outputs take their bytes from the class, because its limit is the miner firmware's coinbase buffer.
    pub fn outputs_max(&self, class: u8, extra_outputs: &[ExtraOutput]) -> Option<usize> {
        let outputs = usize::from(*self.raw.payout_classes.get(usize::from(class))?);
        let extra_bytes = extra_outputs.iter().fold(0_usize, |sum, output| sum.saturating_add(output.encoded_len()));
        Some(outputs.saturating_sub(extra_bytes.div_ceil(PAYOUT_OUTPUT_LEN_MAX)).max(1))
    }
}

#[cfg(test)]
mod tests;
