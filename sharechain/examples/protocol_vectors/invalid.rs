//! Shares that break one rule each of those that need no context.

use serde_json::{Value, json};
use sharechain::{
    Amount, CheckedShare, CompactTarget, Params, Share, ShareData, ShareError, ShareId,
    coinbase::PrefixState,
    share::{ExtraOutput, UNCLES_LIMIT},
    testing::GENESIS_TIME,
};

use super::share::{Pool, Pools, VERSION_MASK, extra_outputs, signature_key};

/// Collects shares under the rule that they break.
struct Invalid {
    vectors: Vec<Value>,
}

pub(super) fn vectors(pools: &mut Pools) -> Vec<Value> {
    let mut invalid = Invalid { vectors: Vec::new() };
    invalid.add_encodings(&mut pools.blake2s);
    invalid.add_data(&mut pools.blake2s);
    invalid.add_targets(&mut pools.blake2s);
    invalid.add_uncle_count(&mut pools.treasury);
    invalid.add_extra_outputs(pools);
    invalid.add_header_version(&mut pools.signature);
    invalid.add_commitments(pools);
    invalid.add_proof_of_work(&mut pools.blake2s);
    invalid.vectors
}

impl Invalid {
    /// Adds a share, which must break exactly the rule it is here for.
    fn add(&mut self, rule: &str, about: &str, pool: &Pool, bytes: &[u8]) {
        let error = check(bytes, &pool.miner.params).expect_err("it breaks a rule");
        assert_eq!(error.rule(), rule, "{about}");
        self.vectors.push(json!({ "rule": rule, "about": about, "params": pool.name, "share": hex::encode(bytes) }));
    }

    /// Adds an honest share whose data was changed before it was mined.
    fn add_mined(&mut self, rule: &str, about: &str, pool: &mut Pool, change: impl FnOnce(&mut ShareData)) {
        let (data, prefix) = changed(pool, change);
        let share = pool.miner.mine_prefix(data, &prefix, GENESIS_TIME + 40);
        self.add(rule, about, pool, &share.encode());
    }

    fn add_encodings(&mut self, pool: &mut Pool) {
        let share = honest(pool);
        let bytes = share.encode();
        let mut encoding = |about: &str, bytes: &[u8]| self.add("encoding", about, pool, bytes);
        encoding("the last byte is missing", &bytes[..bytes.len() - 1]);
        encoding("a byte too many", &[&bytes[..], &[0]].concat());
        encoding("65 uncles", &with_data(&share, |data| data.uncles = many_ids(UNCLES_LIMIT + 1)));
        encoding("a script of none of the five forms", &replaced(&bytes, share.data.payout_script.as_bytes(), 0, 0x52));
        encoding("32 bytes of coinbase flags", &with_data(&share, |data| data.coinbase_flags = vec![0; 32]));
        let witness = [&[1], &share.data.witness_commitment.expect("this chain has one")[..]].concat();
        encoding("an option of 02", &replaced(&bytes, &witness, 0, 2));
        let output = |len| ExtraOutput { value: Amount::ZERO, script: vec![0x51; len] };
        encoding("five extra outputs", &with_data(&share, |data| data.extra_outputs = vec![output(1); 5]));
        encoding("a script of 41 bytes", &with_data(&share, |data| data.extra_outputs = vec![output(41)]));
        let branch = Share { merkle_branch: vec![[1; 32]; 25], ..share.clone() };
        encoding("a branch of 25", &branch.encode());
        let blocks = |blocks: u16| [&bytes[..bytes.len() - 2], &blocks.to_le_bytes()].concat();
        encoding("a prefix of no block", &blocks(0));
        encoding("a prefix of 257 blocks", &blocks(257));
    }

    fn add_data(&mut self, pool: &mut Pool) {
        self.add_mined("version", "another version", pool, |data| data.version = 2);
        let header = honest(pool).header.encode();
        self.add("version", "another version with another layout", pool, &[&header[..], &[0, 0xff]].concat());
        self.add_mined("uncle_list", "descending", pool, |data| data.uncles = many_ids(2).into_iter().rev().collect());
        self.add_mined("uncle_list", "one twice", pool, |data| data.uncles = vec![ShareId::from_bytes([1; 32]); 2]);
        self.add_mined("uncle_list", "the parent", pool, |data| data.uncles = vec![data.parent]);
        self.add_mined("block_height", "block 0", pool, |data| data.block_height = 0);
        self.add_mined("payout_class", "only classes 0 to 4 exist", pool, |data| data.payout_class = 5);
    }

    fn add_targets(&mut self, pool: &mut Pool) {
        let mut unmined = |rule: &str, about: &str, base: u32, own: u32| {
            let (data, prefix) = changed(pool, |data| {
                (data.base_bits, data.share_bits) = (CompactTarget::from_bits(base), CompactTarget::from_bits(own));
            });
            let prefix = PrefixState::after(&prefix).expect("whole blocks");
            let share = pool.miner.assemble(data, prefix, GENESIS_TIME + 40);
            self.add(rule, about, pool, &share.encode());
        };
        unmined("target", "base_bits are not canonical", 0x2100_7fff, 0x207f_ffff);
        unmined("target", "share_bits are not canonical", 0x207f_ffff, 0x2100_7fff);
        unmined("target", "base_bits above base_target_max", 0x2100_8000, 0x207f_ffff);
        unmined("target", "share_bits above base_target_max", 0x207f_ffff, 0x2100_8000);
        unmined("target", "base_bits below 2^128", 0x1100_ffff, 0x1100_ffff);
        unmined("target", "share_bits below 2^128", 0x1101_0000, 0x1100_ffff);
        unmined("share_bits", "easier than the base", 0x203f_ffff, 0x207f_ffff);
        unmined("share_bits", "more than 64 times the base", 0x207f_ffff, 0x2001_fc07);
    }

    fn add_uncle_count(&mut self, pool: &mut Pool) {
        self.add_mined("uncle_count", "this chain allows two", pool, |data| data.uncles = many_ids(3));
    }

    fn add_extra_outputs(&mut self, pools: &mut Pools) {
        let units = Amount::from_units;
        let rule = "extra_outputs_value";
        self.add_mined(rule, "more than the coinbase value", &mut pools.signature, |data| {
            data.coinbase_value = units(9);
            data.extra_outputs = vec![signature_key(10, 0x02)];
        });
        self.add_mined(rule, "a sum above 2^64", &mut pools.treasury, |data| {
            data.extra_outputs = extra_outputs([u64::MAX, 1]);
        });
        let rule = "extra_outputs";
        self.add_mined(rule, "this chain has none", &mut pools.blake2s, |data| {
            data.extra_outputs = vec![ExtraOutput { value: units(0), script: vec![0x51] }];
        });
        let treasury = &mut pools.treasury;
        self.add_mined(rule, "another order", treasury, |data| data.extra_outputs.reverse());
        self.add_mined(rule, "one of two", treasury, |data| data.extra_outputs.truncate(1));
        self.add_mined(rule, "one unit above 100 permille", treasury, |data| {
            data.extra_outputs = extra_outputs([400_000_000, 100_000_001]);
        });
        let signature = &mut pools.signature;
        self.add_mined(rule, "no key", signature, |data| data.extra_outputs.clear());
        self.add_mined(rule, "two keys", signature, |data| data.extra_outputs = vec![signature_key(0, 0x02); 2]);
        self.add_mined(rule, "a key with a value", signature, |data| data.extra_outputs = vec![signature_key(1, 0x02)]);
        self.add_mined(rule, "no compressed key", signature, |data| data.extra_outputs = vec![signature_key(0, 0x04)]);
    }

    fn add_header_version(&mut self, pool: &mut Pool) {
        let mut share = honest(pool);
        share.header.version |= VERSION_MASK;
        pool.miner.grind(&mut share);
        self.add("header_version", "the bits of another algorithm", pool, &share.encode());
    }

    fn add_commitments(&mut self, pools: &mut Pools) {
        let share = honest(&mut pools.blake2s);
        let mut foreign = honest(&mut pools.sha256d);
        pools.blake2s.miner.grind(&mut foreign);
        let mut changed = |about: &str, change: fn(&mut Share)| {
            let mut share = share.clone();
            change(&mut share);
            pools.blake2s.miner.grind(&mut share);
            self.add("commitment", about, &pools.blake2s, &share.encode());
        };
        changed("another payout_script", |share| share.data.payout_script = sharechain::testing::script(9));
        changed("another extranonce", |share| share.extranonce[11] ^= 1);
        changed("a shorter branch", |share| share.merkle_branch.truncate(1));
        changed("another merkle root", |share| share.header.merkle_root = sharechain::MerkleRoot::ZERO);
        changed("another prefix", |share| share.prefix = PrefixState::after(&[0; 64]).expect("one block"));
        self.add("commitment", "a share of another chain", &pools.blake2s, &foreign.encode());
    }

    fn add_proof_of_work(&mut self, pool: &mut Pool) {
        let mut share = honest(pool);
        let target = share.data.share_bits.to_target().expect("canonical");
        while target.is_met_by(&pool.miner.params.parent().pow.hash(&share.header.encode())) {
            share.header.nonce += 1;
        }
        self.add("proof_of_work", "a hash above the share target", pool, &share.encode());
    }
}

fn check(bytes: &[u8], params: &Params) -> Result<CheckedShare, ShareError> {
    CheckedShare::check(Share::decode(bytes)?, params)
}

/// What an honest share would say, changed, and an honest prefix.
fn changed(pool: &mut Pool, change: impl FnOnce(&mut ShareData)) -> (ShareData, Vec<u8>) {
    let context = pool.context();
    let mut data = pool.miner.data(&context);
    let prefix = context.coinbase_prefix(&pool.miner.params, &data, pool.miner.work.prev_block);
    change(&mut data);
    (data, prefix)
}

fn honest(pool: &mut Pool) -> Share {
    let (data, prefix) = changed(pool, |_| ());
    pool.miner.mine_prefix(data, &prefix, GENESIS_TIME + 40)
}

fn with_data(share: &Share, change: impl FnOnce(&mut ShareData)) -> Vec<u8> {
    let mut share = share.clone();
    change(&mut share.data);
    share.encode()
}

/// The bytes with one byte of the only place of `part` in them changed.
fn replaced(bytes: &[u8], part: &[u8], offset: usize, byte: u8) -> Vec<u8> {
    let places: Vec<usize> = (0..=bytes.len() - part.len()).filter(|at| bytes[*at..].starts_with(part)).collect();
    assert_eq!(places.len(), 1);
    let mut bytes = bytes.to_vec();
    bytes[places[0] + offset] = byte;
    bytes
}

/// Ascending ids that nobody has.
fn many_ids(len: usize) -> Vec<ShareId> {
    (0..len).map(|tag| ShareId::from_bytes([u8::try_from(tag + 1).expect("few"); 32])).collect()
}
