//! Values of the protocol's vectors, as the tests of this crate read them.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    amount::Amount,
    hash::{BlockHash, ShareId},
    params::{ConsensusParams, ExtraOutputsRule, Params, ParentProfile},
    payout::Payout,
    script::PayoutScript,
    target::{CompactTarget, Work},
};

/// The cases of a page's block.
pub(crate) fn cases(page: &str, name: &str) -> Vec<Value> {
    let cases: Vec<Value> = serde_json::from_str(super::vectors(page, name)).unwrap();
    assert!(!cases.is_empty(), "{name}");
    cases
}

/// A number, which stands as text above 2^53 - 1.
#[track_caller]
pub(crate) fn number<T: TryFrom<u128, Error: std::fmt::Debug>>(value: &Value) -> T {
    let number = value.as_u64().map(u128::from).or_else(|| value.as_str()?.parse().ok());
    number.unwrap_or_else(|| panic!("a number expected: {value}")).try_into().unwrap()
}

#[track_caller]
pub(crate) fn work(value: &Value) -> Work {
    Work::from_hashes(number(value))
}

#[track_caller]
pub(crate) fn bits(value: &Value) -> CompactTarget {
    CompactTarget::from_bits(u32::from_str_radix(value.as_str().unwrap(), 16).unwrap())
}

#[track_caller]
pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

#[track_caller]
pub(crate) fn bytes32(value: &Value) -> [u8; 32] {
    bytes(value).try_into().unwrap()
}

#[track_caller]
pub(crate) fn id(value: &Value) -> ShareId {
    ShareId::from_bytes(bytes32(value))
}

#[track_caller]
pub(crate) fn script(text: &str) -> PayoutScript {
    PayoutScript::from_bytes(&hex::decode(text).unwrap()).unwrap()
}

/// Outputs by script, ascending.
#[track_caller]
pub(crate) fn payouts(value: &Value) -> Vec<Payout> {
    let outputs = value.as_object().unwrap().iter();
    let mut payouts: Vec<Payout> = outputs
        .map(|(text, units)| Payout { script: script(text), amount: Amount::from_units(number(units)) })
        .collect();
    payouts.sort_by_key(|payout| payout.script);
    payouts
}

/// The parameters of a share chain, which must have the identity that stands beside them.
#[track_caller]
pub(crate) fn params(value: &Value) -> Arc<Params> {
    let algorithm = |field: &str| value[field].as_str().unwrap().parse().unwrap();
    let raw = ConsensusParams {
        name: value["name"].as_str().unwrap().to_owned(),
        password: value["password"].as_str().map(ToOwned::to_owned),
        parent: ParentProfile {
            genesis: BlockHash::from_bytes(bytes32(&value["parent_genesis"])),
            pow: algorithm("pow"),
            block_hash: algorithm("block_hash"),
            version_mask: number(&value["version_mask"]),
            version_value: number(&value["version_value"]),
            tx_time: value["tx_time"].as_bool().unwrap(),
            extra_outputs: extra_outputs_rule(&value["extra_outputs"]),
        },
        share_interval_ms: number(&value["share_interval_ms"]),
        merge_depth: number(&value["merge_depth"]),
        uncles_max: number(&value["uncles_max"]),
        asert_halflife_secs: number(&value["asert_halflife_secs"]),
        window_shares: number(&value["window_shares"]),
        payout_epoch: number(&value["payout_epoch"]),
        payout_min: Amount::from_units(number(&value["payout_min"])),
        payout_classes: value["payout_classes"].as_array().unwrap().iter().map(number).collect(),
        base_target_max: bits(&value["base_target_max"]),
        genesis_time: number(&value["genesis_time"]),
    };
    assert_eq!(bytes(&value["encoded"]), raw.encode(), "{}", raw.name);
    let params = super::params(raw);
    assert_eq!(bytes32(&value["params_id"]), params.id().0);
    assert_eq!(id(&value["genesis_id"]), params.genesis_id());
    params
}

fn extra_outputs_rule(value: &Value) -> ExtraOutputsRule {
    match value["rule"].as_str().unwrap() {
        "forbidden" => ExtraOutputsRule::Forbidden,
        "signature_key" => ExtraOutputsRule::SignatureKey,
        "treasury" => ExtraOutputsRule::Treasury {
            scripts: value["scripts"].as_array().unwrap().iter().map(bytes).collect(),
            permille_max: number(&value["permille_max"]),
        },
        other => panic!("unknown rule {other}"),
    }
}
