//! Valid shares of each kind of parent chain, with every value on the way from the parameters to the id.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use sharechain::{
    Amount, CheckedShare, CompactTarget, ConsensusParams, JobContext, Origin, PayoutScript, PowAlgorithm, Share,
    ShareChain, Work,
    coinbase::PrefixState,
    merkle,
    params::{ExtraOutputsRule, ParentProfile},
    share::ExtraOutput,
    testing::{self, EASY_BITS, GENESIS_TIME, Miner},
};

use super::{encoded, invalid, number, params};

/// Scripts that the treasury chain demands, in an order that is not ascending.
pub(super) const TREASURY: [&[u8]; 2] = [&[0x52, 0x51], &[0x51]];
/// Header bits that are fixed on the chain with several algorithms.
pub(super) const VERSION_MASK: u32 = 0x2000_7800;

/// A miner and the chain it mines on.
pub(super) struct Pool {
    pub(super) name: &'static str,
    pub(super) miner: Miner,
    pub(super) chain: ShareChain,
}

/// The share chains of the vectors, one for each kind of parent chain.
pub(super) struct Pools {
    pub(super) blake2s: Pool,
    pub(super) sha256d: Pool,
    pub(super) scrypt: Pool,
    pub(super) treasury: Pool,
    pub(super) signature: Pool,
}

pub(super) fn vectors() -> Value {
    let mut pools = Pools::new();
    let names: Map<String, Value> =
        pools.all().into_iter().map(|pool| (pool.name.to_owned(), params(&pool.miner.params))).collect();
    let shares = [
        with_an_uncle(&mut pools.blake2s),
        the_first(&mut pools.sha256d),
        that_is_a_block(&mut pools.scrypt),
        with_extra_outputs(&mut pools.treasury),
        with_a_signature_key(&mut pools.signature),
    ];
    json!({
        "about": "valid shares of each kind of parent chain, and shares that break a rule; docs/protocol/share.md",
        "params": names,
        "shares": shares,
        "invalid": invalid::vectors(&mut pools),
    })
}

impl Pool {
    fn new(name: &'static str, raw: ConsensusParams) -> Self {
        let params = testing::params(ConsensusParams { name: name.to_owned(), base_target_max: EASY_BITS, ..raw });
        Self { name, miner: Miner::new(params.clone(), 1), chain: ShareChain::new(params) }
    }

    pub(super) fn context(&mut self) -> JobContext {
        self.chain.job_context().expect("a short chain goes on")
    }

    /// Lets this and two more miners mine until the window has weight.
    fn fill_window(&mut self) {
        let other = |tag| {
            let mut other = self.miner.clone();
            other.script = testing::script(tag);
            other
        };
        let mut others = [2, 3].map(other);
        for second in 1..=30 {
            let finder = match second % 4 {
                0 => &mut others[0],
                1 => &mut others[1],
                _ => &mut self.miner,
            };
            finder.extend(&mut self.chain, GENESIS_TIME + second);
        }
    }

    /// Mines shares on one parent; all but the best are the next one's uncles.
    fn fork(&mut self, siblings: u64) {
        let siblings: Vec<Arc<CheckedShare>> =
            (0..siblings).map(|_| self.miner.mine(&mut self.chain, GENESIS_TIME + 31)).collect();
        for sibling in siblings {
            self.chain.handle(sibling, Origin::OwnStore, 0);
        }
    }

    fn mine(&mut self) -> (JobContext, Share) {
        let context = self.context();
        let data = self.miner.data(&context);
        let share = self.miner.mine_data(&context, data, GENESIS_TIME + 32);
        (context, share)
    }

    /// The share with every value that is on the way to its id.
    fn described(&self, about: &str, context: &JobContext, share: &Share) -> Value {
        let (params, data) = (&self.miner.params, &share.data);
        let checked = CheckedShare::check(share.clone(), params).expect("a mined share passes the stateless rules");
        let prev_block = share.header.prev_block;
        let prefix = context.coinbase_prefix(params, data, prev_block);
        let payouts = context.payouts(params, data, prev_block);
        let payouts = payouts.iter().map(|payout| (payout.script.to_string(), json!(payout.amount.units())));
        let tail = data.coinbase_tail(params.id(), &share.extranonce);
        let txid = PrefixState::after(&prefix).expect("whole blocks").txid(&tail);
        json!({
            "about": about,
            "params": self.name,
            "share": encoded(share),
            "header": hex::encode(share.header.encode()),
            "data": hex::encode(data.encode()),
            "fields": fields(share),
            "extranonce": hex::encode(share.extranonce),
            "merkle_branch": share.merkle_branch.iter().map(hex::encode).collect::<Vec<_>>(),
            "tx_time": params.parent().tx_time.then_some(context.median_time),
            "payouts": payouts.collect::<Map<_, _>>(),
            "coinbase_prefix": hex::encode(&prefix),
            "commitment": hex::encode(data.commitment(params.id())),
            "coinbase_tail": hex::encode(tail),
            "coinbase_txid": hex::encode(txid.as_bytes()),
            "merkle_root": hex::encode(merkle::root_of_left_path(txid, &share.merkle_branch).as_bytes()),
            "pow_hash": hex::encode(params.parent().pow.hash(&share.header.encode()).as_bytes()),
            "id": hex::encode(checked.id().as_bytes()),
            "work": number(checked.work().hashes()),
            "is_block": checked.is_block(),
        })
    }
}

impl Pools {
    pub(super) fn new() -> Self {
        let devnet = |parent| ConsensusParams::devnet(parent, GENESIS_TIME);
        let scripts = TREASURY.map(<[u8]>::to_vec).to_vec();
        Self {
            blake2s: Pool::new("blake2s", devnet(testing::parent_profile(PowAlgorithm::Blake2s))),
            sha256d: Pool::new("sha256d", devnet(testing::parent_profile(PowAlgorithm::Sha256d))),
            scrypt: Pool::new(
                "scrypt",
                devnet(ParentProfile {
                    block_hash: PowAlgorithm::Sha256d,
                    ..testing::parent_profile(PowAlgorithm::Scrypt)
                }),
            ),
            treasury: Pool::new(
                "treasury",
                ConsensusParams {
                    uncles_max: 2,
                    ..devnet(ParentProfile {
                        tx_time: true,
                        extra_outputs: ExtraOutputsRule::Treasury { scripts, permille_max: 100 },
                        ..testing::parent_profile(PowAlgorithm::Blake2s)
                    })
                },
            ),
            signature: Pool::new(
                "signature",
                ConsensusParams {
                    password: Some("private".to_owned()),
                    ..devnet(ParentProfile {
                        version_mask: VERSION_MASK,
                        version_value: 0x2000_0000,
                        tx_time: true,
                        extra_outputs: ExtraOutputsRule::SignatureKey,
                        ..testing::parent_profile(PowAlgorithm::Blake2s)
                    })
                },
            ),
        }
    }

    fn all(&self) -> [&Pool; 5] {
        [&self.blake2s, &self.sha256d, &self.scrypt, &self.treasury, &self.signature]
    }
}

fn with_an_uncle(pool: &mut Pool) -> Value {
    pool.fill_window();
    pool.fork(2);
    let (context, share) = pool.mine();
    pool.described("one uncle, a witness commitment, three scripts in the window", &context, &share)
}

fn the_first(pool: &mut Pool) -> Value {
    let work = &mut pool.miner.work;
    (work.block_height, work.witness_commitment) = (16, None);
    work.coinbase_flags.clear();
    pool.miner.merkle_branch.clear();
    pool.miner.script = PayoutScript::p2tr(&[0x1f; 32]);
    let (context, mut share) = pool.mine();
    share.header.version = 0x3fff_e000;
    pool.miner.grind(&mut share);
    let about = "on the virtual genesis: pays its finder; a one-byte height, rolled version bits, no witness, no other transaction";
    pool.described(about, &context, &share)
}

fn that_is_a_block(pool: &mut Pool) -> Value {
    pool.fill_window();
    let work = &mut pool.miner.work;
    work.block_height = 1_000_000;
    work.coinbase_flags = (0..31).collect();
    pool.miner.script = PayoutScript::p2pkh(&[0x2f; 20]);
    pool.miner.block_bits = CompactTarget::from_bits(0x207f_ffff);
    pool.miner.merkle_branch = (0..12).map(|tag| [tag; 32]).collect();
    let (context, share) = pool.mine();
    pool.described("proof of work and id are different functions; it meets its header's target", &context, &share)
}

fn with_extra_outputs(pool: &mut Pool) -> Value {
    pool.miner.work.extra_outputs = extra_outputs([400_000_000, 100_000_000]);
    pool.fill_window();
    pool.fork(3);
    pool.miner.work.block_height = 8_388_608;
    pool.miner.script = PayoutScript::p2sh(&[0x3f; 20]);
    pool.miner.payout_class = 0;
    let (context, share) = pool.mine();
    let about = "two uncles, a transaction time, extra outputs of all that is allowed, a drawn payout, a height with a zero byte";
    pool.described(about, &context, &share)
}

/// The outputs that the treasury chain demands.
pub(super) fn extra_outputs(values: [u64; 2]) -> Vec<ExtraOutput> {
    let outputs = values.into_iter().zip(TREASURY);
    outputs.map(|(value, script)| ExtraOutput { value: Amount::from_units(value), script: script.to_vec() }).collect()
}

fn with_a_signature_key(pool: &mut Pool) -> Value {
    pool.miner.work.extra_outputs = vec![signature_key(0, 0x02)];
    pool.miner.work.block_height = 17;
    pool.miner.script = PayoutScript::p2wsh(&[0x4f; 32]);
    pool.miner.share_work = Work::from_hashes(100);
    let (context, share) = pool.mine();
    pool.described(
        "a private chain with fixed version bits and a signature key; harder than its base",
        &context,
        &share,
    )
}

/// An output to a public key that begins with `first`.
pub(super) fn signature_key(value: u64, first: u8) -> ExtraOutput {
    let script = [&[0x21, first], &[0x5f; 32][..], &[0xac]].concat();
    ExtraOutput { value: Amount::from_units(value), script }
}

fn fields(share: &Share) -> Value {
    let data = &share.data;
    let extra_outputs =
        data.extra_outputs.iter().map(|output| json!([output.value.units(), hex::encode(&output.script)]));
    json!({
        "version": data.version,
        "parent": hex::encode(data.parent.as_bytes()),
        "uncles": data.uncles.iter().map(|uncle| hex::encode(uncle.as_bytes())).collect::<Vec<_>>(),
        "height": data.height,
        "count": data.count,
        "total_work": number(data.total_work.hashes()),
        "base_bits": data.base_bits.to_string(),
        "share_bits": data.share_bits.to_string(),
        "payout_script": data.payout_script.to_string(),
        "payout_class": data.payout_class,
        "coinbase_value": data.coinbase_value.units(),
        "block_height": data.block_height,
        "coinbase_flags": hex::encode(&data.coinbase_flags),
        "witness_commitment": data.witness_commitment.map(hex::encode),
        "extra_outputs": extra_outputs.collect::<Vec<_>>(),
        "node_nonce": data.node_nonce,
        "signal": data.signal,
    })
}
