use super::*;
use crate::{
    chain::{Origin, ShareChain, Verdict},
    coinbase::CoinbaseFields,
    error::{Misbehaviour, ShareError},
    params::Params,
    testing::{self, GENESIS_TIME, Miner, json},
    validate::CheckedShare,
};

fn check(share: &Share, params: &Params) -> Result<CheckedShare, ShareError> {
    CheckedShare::check(share.clone(), params)
}

/// A share with every optional field in use, and the chain it extends.
fn sample() -> (Miner, ShareChain, Share) {
    let mut miner = Miner::devnet();
    let mut chain = ShareChain::new(miner.params.clone());
    for second in 1..=30 {
        miner.extend(&mut chain, GENESIS_TIME + second);
    }
    // A fork of two: the lighter one becomes an uncle.
    let (a, b) = (miner.mine(&mut chain, GENESIS_TIME + 31), miner.mine(&mut chain, GENESIS_TIME + 31));
    assert_eq!(chain.handle(a, Origin::OwnStore, 0), Verdict::Valid);
    assert_eq!(chain.handle(b, Origin::OwnStore, 0), Verdict::Valid);
    let share = miner.mine(&mut chain, GENESIS_TIME + 32).share().clone();
    assert_eq!(share.data.uncles.len(), 1);
    (miner, chain, share)
}

#[test]
fn bytes_round_trip_and_nothing_trails() {
    let (_, _, share) = sample();
    let bytes = share.encode();
    assert_eq!(Share::decode(&bytes), Ok(share));
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(Share::decode(&longer), Err(DecodeError::Trailing { extra: 1 }));
    for len in 0..bytes.len() {
        assert!(Share::decode(&bytes[..len]).is_err(), "{len} bytes");
    }
}

#[test]
fn the_longest_share_is_as_long_as_the_bound() {
    let (_, _, mut share) = sample();
    share.data.uncles = vec![ShareId::ZERO; UNCLES_LIMIT];
    share.data.payout_script = PayoutScript::p2tr(&[1; 32]);
    share.data.coinbase_flags = vec![0; COINBASE_FLAGS_LEN_MAX];
    share.data.witness_commitment = Some([0; 32]);
    let output = ExtraOutput { value: Amount::ZERO, script: vec![0; EXTRA_OUTPUT_SCRIPT_LEN_MAX] };
    share.data.extra_outputs = vec![output; EXTRA_OUTPUTS_MAX];
    share.merkle_branch = vec![[0; 32]; BRANCH_MAX];
    assert_eq!(share.encode().len(), SHARE_LEN_MAX);
    assert_eq!(SHARE_LEN_MAX, 3_337, "as docs/protocol/share.md says");
}

/// The vectors of `docs/protocol/share.md`.
fn page_vectors() -> serde_json::Value {
    serde_json::from_str(include_str!("../../../tests/vectors/share.json")).unwrap()
}

/// Every value on the way from the parameters to the id.
#[test]
fn the_shares_of_the_protocol_page_hold() {
    let vectors = page_vectors();
    let shares = vectors["shares"].as_array().unwrap();
    assert_eq!(shares.len(), 5);
    for vector in shares {
        let params = json::params(&vectors["params"][vector["params"].as_str().unwrap()]);
        let bytes = |name: &str| json::bytes(&vector[name]);
        let share = Share::decode(&bytes("share")).unwrap();
        assert_eq!(bytes("share"), share.encode());
        assert_eq!(bytes("header"), share.header.encode());
        assert_eq!(bytes("data"), share.data.encode());
        assert_eq!(page_data(&vector["fields"]), share.data, "{vector}");
        assert_eq!(bytes("extranonce"), share.extranonce);
        let branch: Vec<[u8; 32]> = vector["merkle_branch"].as_array().unwrap().iter().map(json::bytes32).collect();
        assert_eq!(branch, share.merkle_branch);
        assert_eq!(bytes("commitment"), share.data.commitment(params.id()));
        assert_eq!(bytes("coinbase_tail"), share.data.coinbase_tail(params.id(), &share.extranonce));
        let fields = CoinbaseFields {
            tx_time: vector["tx_time"].is_number().then(|| json::number(&vector["tx_time"])),
            block_height: share.data.block_height,
            flags: &share.data.coinbase_flags,
            extra_outputs: &share.data.extra_outputs,
            payouts: &json::payouts(&vector["payouts"]),
            witness_commitment: share.data.witness_commitment.as_ref(),
        };
        assert_eq!(bytes("coinbase_prefix"), fields.prefix(), "{vector}");
        assert_eq!(PrefixState::after(&fields.prefix()), Some(share.prefix));
        let whole = [bytes("coinbase_prefix"), bytes("coinbase_tail")].concat();
        assert_eq!(bytes("coinbase_txid"), crate::hash::sha256d(&whole));
        assert_eq!(bytes("merkle_root"), share.header.merkle_root.as_bytes());
        assert_eq!(bytes("pow_hash"), params.parent().pow.hash(&share.header.encode()).as_bytes());
        let checked = check(&share, &params).unwrap();
        assert_eq!(bytes("id"), checked.id().as_bytes());
        assert_eq!(checked.work(), json::work(&vector["work"]));
        assert_eq!(vector["is_block"], checked.is_block());
    }
}

/// The data that the fields of a vector spell out.
fn page_data(fields: &serde_json::Value) -> ShareData {
    let list = |name: &str| fields[name].as_array().unwrap().clone();
    ShareData {
        version: json::number(&fields["version"]),
        parent: json::id(&fields["parent"]),
        uncles: list("uncles").iter().map(json::id).collect(),
        height: json::number(&fields["height"]),
        count: json::number(&fields["count"]),
        total_work: json::work(&fields["total_work"]),
        base_bits: json::bits(&fields["base_bits"]),
        share_bits: json::bits(&fields["share_bits"]),
        payout_script: json::script(fields["payout_script"].as_str().unwrap()),
        payout_class: json::number(&fields["payout_class"]),
        coinbase_value: Amount::from_units(json::number(&fields["coinbase_value"])),
        block_height: json::number(&fields["block_height"]),
        coinbase_flags: json::bytes(&fields["coinbase_flags"]),
        witness_commitment: fields["witness_commitment"]
            .is_string()
            .then(|| json::bytes32(&fields["witness_commitment"])),
        extra_outputs: list("extra_outputs")
            .iter()
            .map(|output| ExtraOutput {
                value: Amount::from_units(json::number(&output[0])),
                script: json::bytes(&output[1]),
            })
            .collect(),
        node_nonce: json::number(&fields["node_nonce"]),
        signal: json::number(&fields["signal"]),
    }
}

#[test]
fn the_broken_shares_of_the_protocol_page_break_the_rule_it_says() {
    let vectors = page_vectors();
    let mut rules = std::collections::BTreeSet::new();
    for vector in vectors["invalid"].as_array().unwrap() {
        let params = json::params(&vectors["params"][vector["params"].as_str().unwrap()]);
        let judged = Share::decode(&json::bytes(&vector["share"])).map_err(ShareError::from);
        let error = judged.and_then(|share| check(&share, &params)).unwrap_err();
        assert_eq!(error.rule(), vector["rule"], "{}", vector["about"]);
        assert_ne!(error.misbehaviour(), Misbehaviour::Blameless, "{}", vector["about"]);
        rules.insert(error.rule());
    }
    assert_eq!(rules.len(), 13, "every rule that needs no context: {rules:?}");
}

/// Someone else's share with one field changed: no proof of work covers the change.
#[track_caller]
fn refused_when_changed(change: impl Fn(&mut ShareData)) {
    let (miner, _, share) = sample();
    assert!(check(&share, &miner.params).is_ok());
    let mut changed = share.clone();
    change(&mut changed.data);
    assert_ne!(changed, share, "the change must change something");
    let error = check(&changed, &miner.params).unwrap_err();
    assert_ne!(error.misbehaviour(), Misbehaviour::Blameless);
}

/// The miner's own lie: the field is changed before mining, so the proof of work covers it.
#[track_caller]
fn refused_when_mined(change: impl Fn(&mut ShareData), expected: impl Fn(&ShareError) -> bool) {
    let (mut miner, mut chain, honest) = sample();
    let context = chain.job_context().unwrap();
    let prefix = context.coinbase_prefix(&miner.params, &honest.data, miner.work.prev_block);
    let mut data = honest.data;
    change(&mut data);
    let lie = miner.mine_prefix(data, &prefix, GENESIS_TIME + 32);
    let error = match check(&lie, &miner.params) {
        Err(error) => error,
        Ok(checked) => match chain.handle(std::sync::Arc::new(checked), Origin::OwnStore, 0) {
            Verdict::Invalid(error) => error,
            verdict => panic!("not refused: {verdict:?}"),
        },
    };
    assert!(expected(&error), "refused for another reason: {error}");
}

macro_rules! fields {
    ($($field:ident: $change:expr;)*) => {
        /// Does not compile when a field has no test.
        const _: fn(&ShareData) = |ShareData { $($field: _),* }| {};

        /// One test per field: the proof of work binds it.
        mod bound {
            use super::*;
            $(
                #[test]
                fn $field() {
                    refused_when_changed($change);
                }
            )*
        }
    };
}

fields! {
    version: |data| data.version = 2;
    parent: |data| data.parent = ShareId::from_bytes([5; 32]);
    uncles: |data| data.uncles.clear();
    height: |data| data.height += 1;
    count: |data| data.count += 1;
    total_work: |data| data.total_work = Work::MAX;
    base_bits: |data| data.base_bits = CompactTarget::from_bits(0x203f_ffff);
    share_bits: |data| data.share_bits = CompactTarget::from_bits(0x203f_ffff);
    payout_script: |data| data.payout_script = testing::script(99);
    payout_class: |data| data.payout_class = 4;
    coinbase_value: |data| data.coinbase_value = Amount::from_units(1);
    block_height: |data| data.block_height += 1;
    coinbase_flags: |data| data.coinbase_flags.push(0);
    witness_commitment: |data| data.witness_commitment = None;
    extra_outputs: |data| data.extra_outputs.push(ExtraOutput { value: Amount::ZERO, script: vec![0x51] });
    node_nonce: |data| data.node_nonce += 1;
    signal: |data| data.signal = 1;
}

/// The parts of a share outside its data are bound too.
#[test]
fn header_extranonce_branch_and_prefix_are_bound() {
    let (miner, _, share) = sample();
    type Change = fn(&mut Share);
    let changes: [(&str, Change); 5] = [
        ("merkle root", |share| share.header.merkle_root = crate::hash::MerkleRoot::ZERO),
        ("extranonce", |share| share.extranonce[0] ^= 1),
        ("branch", |share| share.merkle_branch[0][0] ^= 1),
        ("shorter branch", |share| share.merkle_branch.truncate(1)),
        ("prefix", |share| {
            share.prefix = PrefixState::after(&[0; 64]).unwrap();
        }),
    ];
    for (name, change) in changes {
        let mut changed = share.clone();
        change(&mut changed);
        assert_eq!(check(&changed, &miner.params), Err(ShareError::Commitment), "{name}");
    }
    // A changed header that is ground anew is a share again, and another one.
    let mut other_time = share.clone();
    other_time.header.time += 1;
    miner.grind(&mut other_time);
    assert_ne!(check(&other_time, &miner.params).unwrap().id(), check(&share, &miner.params).unwrap().id());
}

#[test]
fn a_hash_above_the_share_target_is_no_share() {
    let (miner, _, mut share) = sample();
    let target = share.data.share_bits.to_target().unwrap();
    while target.is_met_by(&miner.params.parent().pow.hash(&share.header.encode())) {
        share.header.nonce += 1;
    }
    assert_eq!(check(&share, &miner.params), Err(ShareError::ProofOfWork));
}

#[test]
fn a_share_of_another_chain_does_not_commit_to_ours() {
    let (miner, _, share) = sample();
    let mut raw = miner.params.raw().clone();
    raw.password = Some("private".to_owned());
    assert_eq!(check(&share, &testing::params(raw)), Err(ShareError::Commitment));
}

/// Lies with proof of work behind them.
mod mined {
    use super::*;

    #[test]
    fn version() {
        refused_when_mined(|data| data.version = 2, |error| *error == ShareError::Version(2));
    }

    #[test]
    fn uncles_that_are_the_parent() {
        refused_when_mined(|data| data.uncles = vec![data.parent], |error| *error == ShareError::UncleList);
    }

    #[test]
    fn uncles_twice() {
        refused_when_mined(|data| data.uncles.push(data.uncles[0]), |error| *error == ShareError::UncleList);
    }

    #[test]
    fn height() {
        refused_when_mined(|data| data.height += 1, |error| *error == ShareError::Position { field: "height" });
    }

    #[test]
    fn count() {
        refused_when_mined(|data| data.count += 1, |error| *error == ShareError::Position { field: "count" });
    }

    #[test]
    fn total_work() {
        refused_when_mined(
            |data| data.total_work = Work::from_hashes(data.total_work.hashes() + 1),
            |error| *error == ShareError::Position { field: "total_work" },
        );
    }

    #[test]
    fn base_bits() {
        let harder = CompactTarget::from_bits(0x203f_ffff);
        let work = |bits: CompactTarget| bits.to_target().unwrap().work().unwrap().hashes();
        refused_when_mined(
            |data| {
                let before = data.total_work.hashes() - work(data.share_bits);
                data.total_work = Work::from_hashes(before + work(harder));
                (data.base_bits, data.share_bits) = (harder, harder);
            },
            |error| *error == ShareError::Position { field: "base_bits" },
        );
    }

    #[test]
    fn share_bits_easier_than_base() {
        let harder = CompactTarget::from_bits(0x203f_ffff);
        refused_when_mined(|data| data.base_bits = harder, |error| *error == ShareError::ShareBitsRange);
    }

    #[test]
    fn share_bits_more_than_64_times_base() {
        let too_hard = CompactTarget::from_bits(0x2000_ffff);
        refused_when_mined(|data| data.share_bits = too_hard, |error| *error == ShareError::ShareBitsRange);
    }

    #[test]
    fn bits_that_are_not_canonical() {
        for bits in [0x2100_7fff, 0x0000_0000, 0x20ff_ffff] {
            let (miner, _, mut share) = sample();
            share.data.share_bits = CompactTarget::from_bits(bits);
            assert_eq!(check(&share, &miner.params), Err(ShareError::Bits { field: "share_bits" }));
        }
    }

    #[test]
    fn payout_class() {
        refused_when_mined(|data| data.payout_class = 5, |error| *error == ShareError::PayoutClass(5));
    }

    #[test]
    fn coinbase_value() {
        refused_when_mined(|data| data.coinbase_value = Amount::from_units(1), |error| *error == ShareError::Prefix);
    }

    #[test]
    fn block_height() {
        refused_when_mined(|data| data.block_height = 0, |error| *error == ShareError::BlockHeight);
        refused_when_mined(|data| data.block_height += 1, |error| *error == ShareError::Prefix);
    }

    #[test]
    fn coinbase_flags() {
        refused_when_mined(|data| data.coinbase_flags.push(1), |error| *error == ShareError::Prefix);
    }

    #[test]
    fn witness_commitment() {
        refused_when_mined(|data| data.witness_commitment = None, |error| *error == ShareError::Prefix);
    }

    #[test]
    fn extra_outputs() {
        let to_myself = ExtraOutput { value: Amount::from_units(1), script: vec![0x51] };
        refused_when_mined(
            |data| data.extra_outputs.push(to_myself.clone()),
            |error| *error == ShareError::ExtraOutputs,
        );
    }

    #[test]
    fn parent_that_does_not_exist_waits_instead_of_being_refused() {
        let mut miner = Miner::devnet();
        let mut chain = ShareChain::new(miner.params.clone());
        let orphan = miner.orphan(1);
        let parent = orphan.share().data.parent;
        assert_eq!(chain.handle(orphan.clone(), Origin::OwnStore, 0), Verdict::Missing(vec![parent]));
        assert_eq!(chain.handle(orphan, Origin::OwnStore, 0), Verdict::Known);
    }
}
