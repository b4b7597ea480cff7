//! Builders of real shares for tests and benchmarks: they mine, at a target that two hashes meet.

use std::sync::Arc;

use crate::{
    amount::Amount,
    chain::{JobContext, Origin, ParentWork, ShareChain, ShareTerms, Verdict},
    coinbase::PrefixState,
    difficulty,
    hash::{BlockHash, ShareId},
    header::Header,
    merkle,
    params::{ConsensusParams, ExtraOutputsRule, Params, ParentProfile},
    pow::PowAlgorithm,
    script::PayoutScript,
    share::{EXTRANONCE_LEN, Share, ShareData},
    target::{CompactTarget, Work},
    validate::CheckedShare,
};

mod dag_miner;
#[cfg(test)]
pub(crate) mod json;
#[cfg_attr(not(test), expect(clippy::panic, reason = "a page without its vectors is the test's failure"))]
mod page;
mod world;

pub use dag_miner::{DagMiner, PLAN_LEN, Plan, shallow_params};
pub use page::vectors;
pub use world::{Rng, World};

/// Time of the virtual genesis in tests.
pub const GENESIS_TIME: u32 = 1_800_000_000;
/// A target that half of all hashes meet.
pub const EASY_BITS: CompactTarget = CompactTarget::from_bits(0x207f_ffff);

/// A plain Bitcoin-format parent chain with this proof of work.
pub fn parent_profile(pow: PowAlgorithm) -> ParentProfile {
    ParentProfile {
        genesis: BlockHash::from_bytes([1; 32]),
        pow,
        block_hash: pow,
        version_mask: 0,
        version_value: 0,
        tx_time: false,
        extra_outputs: ExtraOutputsRule::Forbidden,
    }
}

/// Devnet parameters at a target that two hashes meet.
///
/// # Panics
/// Never: the parameters are constants in range.
pub fn devnet_params() -> Arc<Params> {
    let raw = ConsensusParams::devnet(parent_profile(PowAlgorithm::Blake2s), GENESIS_TIME);
    params(ConsensusParams { base_target_max: EASY_BITS, ..raw })
}

/// The same with a merge depth of 4 and windows of so many shares, four of which are kept: a short run forgets.
///
/// # Panics
/// When they are out of range.
pub fn short_params(window_shares: u32) -> Arc<Params> {
    let raw = devnet_params().raw().clone();
    params(ConsensusParams { window_shares, merge_depth: 4, ..raw })
}

/// Main-net depths and windows at a target that two hashes meet.
///
/// # Panics
/// Never: the parameters are constants in range.
pub fn main_params() -> Arc<Params> {
    params(ConsensusParams::main("test", parent_profile(PowAlgorithm::Blake2s), EASY_BITS, GENESIS_TIME))
}

/// Checks parameters that a test made.
///
/// # Panics
/// When they are out of range.
#[expect(clippy::expect_used, reason = "tests choose the parameters")]
pub fn params(raw: ConsensusParams) -> Arc<Params> {
    Arc::new(Params::new(raw).expect("parameters in range"))
}

/// A payout script that is different for every tag.
pub fn script(tag: u64) -> PayoutScript {
    let mut key_hash = [0; 20];
    key_hash[..8].copy_from_slice(&tag.to_le_bytes());
    PayoutScript::p2wpkh(&key_hash)
}

/// One miner with one payout script: mines shares on whatever chain it is shown.
#[derive(Clone, Debug)]
pub struct Miner {
    /// The chain's parameters.
    pub params: Arc<Params>,
    /// What the parent chain's template says.
    pub work: ParentWork,
    /// Whom the shares credit.
    pub script: PayoutScript,
    /// Work wanted per share.
    pub share_work: Work,
    /// Payout class of the shares.
    pub payout_class: u8,
    /// Target in the header: the parent chain's.
    pub block_bits: CompactTarget,
    /// Right siblings of the coinbase.
    pub merkle_branch: Vec<[u8; 32]>,
    extranonce: u64,
}

impl Miner {
    /// A miner on these parameters; `tag` makes its script.
    pub fn new(params: Arc<Params>, tag: u64) -> Self {
        Self {
            params,
            work: ParentWork {
                prev_block: BlockHash::from_bytes([7; 32]),
                block_height: 700,
                coinbase_value: Amount::from_units(5_000_000_000),
                coinbase_flags: b"test".to_vec(),
                witness_commitment: Some([9; 32]),
                extra_outputs: Vec::new(),
            },
            script: script(tag),
            share_work: Work::ZERO,
            payout_class: 2,
            block_bits: CompactTarget::from_bits(0x1d00_ffff),
            merkle_branch: vec![[3; 32], [4; 32]],
            extranonce: 0,
        }
    }

    /// A miner on [`devnet_params`].
    pub fn devnet() -> Self {
        Self::new(devnet_params(), 1)
    }

    /// What a share on `context` says.
    ///
    /// # Panics
    /// When the chain's numbers are exhausted.
    #[expect(clippy::expect_used, reason = "test chains are short")]
    pub fn data(&self, context: &JobContext) -> ShareData {
        let terms = ShareTerms {
            payout_script: self.script,
            payout_class: self.payout_class,
            share_bits: difficulty::share_bits(self.share_work, context.base_bits).expect("base is a valid target"),
            node_nonce: 42,
            signal: 0,
        };
        context.share_data(&self.work, &terms).expect("work fits")
    }

    /// Mines `data` with the coinbase prefix that `context` gives it.
    pub fn mine_data(&mut self, context: &JobContext, data: ShareData, time: u32) -> Share {
        let prefix = context.coinbase_prefix(&self.params, &data, self.work.prev_block);
        self.mine_prefix(data, &prefix, time)
    }

    /// Mines `data` with any coinbase prefix.
    ///
    /// # Panics
    /// When the prefix is not a whole number of blocks or the target is none.
    #[expect(clippy::expect_used, reason = "tests choose the data")]
    pub fn mine_prefix(&mut self, data: ShareData, prefix: &[u8], time: u32) -> Share {
        let prefix = PrefixState::after(prefix).expect("a whole number of blocks");
        let mut share = self.assemble(data, prefix, time);
        self.grind(&mut share);
        share
    }

    /// A share that is complete but for its proof of work; each has an extranonce of its own.
    ///
    /// # Panics
    /// Never: payout scripts are longer than what is taken of them.
    #[expect(clippy::expect_used, reason = "payout scripts are longer")]
    pub fn assemble(&mut self, data: ShareData, prefix: PrefixState, time: u32) -> Share {
        self.extranonce = self.extranonce.saturating_add(1);
        let mut extranonce = [0; EXTRANONCE_LEN];
        extranonce[..8].copy_from_slice(&self.extranonce.to_be_bytes());
        extranonce[8..].copy_from_slice(self.script.as_bytes().get(2..6).expect("scripts are longer"));
        let merkle_branch = self.merkle_branch.clone();
        let txid = prefix.txid(&data.coinbase_tail(self.params.id(), &extranonce));
        let header = Header {
            version: 0x2000_0000,
            prev_block: self.work.prev_block,
            merkle_root: merkle::root_of_left_path(txid, &merkle_branch),
            time,
            bits: self.block_bits,
            nonce: 0,
        };
        Share { header, data, extranonce, merkle_branch, prefix }
    }

    /// Changes the nonce until the header meets the share target.
    ///
    /// # Panics
    /// When the target is none.
    #[expect(clippy::expect_used, reason = "tests choose the data")]
    pub fn grind(&self, share: &mut Share) {
        let target = share.data.share_bits.to_target().expect("a canonical target");
        while !target.is_met_by(&self.params.parent().pow.hash(&share.header.encode())) {
            share.header.nonce = share.header.nonce.saturating_add(1);
        }
    }

    /// Mines one share on the chain's best tip; the chain does not learn of it.
    ///
    /// # Panics
    /// When the chain's own context is refused by its own stateless rules.
    #[expect(clippy::expect_used, reason = "a failure here is the test's failure")]
    pub fn mine(&mut self, chain: &mut ShareChain, time: u32) -> Arc<CheckedShare> {
        let context = chain.job_context().expect("numbers are not exhausted");
        let data = self.data(&context);
        let share = self.mine_data(&context, data, time);
        Arc::new(CheckedShare::check(share, &self.params).expect("a mined share passes the stateless rules"))
    }

    /// Mines one share and links it.
    ///
    /// # Panics
    /// When the chain refuses what was mined on its own tip.
    pub fn extend(&mut self, chain: &mut ShareChain, time: u32) -> Arc<CheckedShare> {
        let share = self.mine(chain, time);
        assert_eq!(chain.handle(share.clone(), Origin::OwnStore, 0), Verdict::Valid);
        share
    }

    /// A share with proof of work whose parent exists nowhere.
    ///
    /// # Panics
    /// When its own stateless rules refuse it.
    #[expect(clippy::expect_used, reason = "a failure here is the test's failure")]
    pub fn orphan(&mut self, tag: u64) -> Arc<CheckedShare> {
        let context = ShareChain::new(self.params.clone()).job_context().expect("an empty chain has a context");
        let mut data = self.data(&context);
        let mut parent = [0xee; 32];
        parent[..8].copy_from_slice(&tag.to_le_bytes());
        data.parent = ShareId::from_bytes(parent);
        let share = self.mine_data(&context, data, GENESIS_TIME);
        Arc::new(CheckedShare::check(share, &self.params).expect("an orphan passes the stateless rules"))
    }
}
