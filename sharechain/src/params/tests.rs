//! Bounds, identity and the networks' values.

use super::*;
use crate::testing::{self, json};

#[test]
fn every_parameter_changes_the_identity() {
    type Change = fn(&mut ConsensusParams);
    let changes: [(&str, Change); 20] = [
        ("name", |p| p.name.push('x')),
        ("password", |p| p.password = Some(String::new())),
        ("genesis", |p| p.parent.genesis = BlockHash::from_bytes([9; 32])),
        ("pow", |p| p.parent.pow = PowAlgorithm::Scrypt),
        ("block_hash", |p| p.parent.block_hash = PowAlgorithm::Scrypt),
        ("version_mask", |p| p.parent.version_mask |= 1),
        ("version_value", |p| (p.parent.version_mask, p.parent.version_value) = (1, 1)),
        ("tx_time", |p| p.parent.tx_time = true),
        ("signature key", |p| p.parent.extra_outputs = ExtraOutputsRule::SignatureKey),
        ("treasury", |p| {
            p.parent.extra_outputs = ExtraOutputsRule::Treasury { scripts: vec![vec![1]], permille_max: 100 }
        }),
        ("share_interval_ms", |p| p.share_interval_ms += 1),
        ("merge_depth", |p| p.merge_depth += 1),
        ("uncles_max", |p| p.uncles_max -= 1),
        ("asert_halflife_secs", |p| p.asert_halflife_secs += 1),
        ("window_shares", |p| p.window_shares += 1),
        ("payout_epoch", |p| p.payout_epoch += 1),
        ("payout_min", |p| p.payout_min = Amount::from_units(1)),
        ("payout_classes", |p| p.payout_classes.truncate(4)),
        ("base_target_max", |p| p.base_target_max = CompactTarget::from_bits(0x1d00_ffff)),
        ("genesis_time", |p| p.genesis_time += 1),
    ];
    let base = testing::devnet_params().raw().clone();
    let mut seen = vec![Params::new(base.clone()).unwrap().id()];
    for (name, change) in changes {
        let mut changed = base.clone();
        change(&mut changed);
        let id = Params::new(changed).unwrap().id();
        assert!(!seen.contains(&id), "{name}");
        seen.push(id);
    }
}

#[test]
fn every_bound_is_refused_by_name_and_what_is_on_it_is_not() {
    type Change = fn(&mut ConsensusParams);
    fn treasury(scripts: usize, len: usize, permille_max: u16) -> ExtraOutputsRule {
        ExtraOutputsRule::Treasury { scripts: vec![vec![1; len]; scripts], permille_max }
    }
    // What is out of range, and the last value that is in it.
    let bounds: [(&str, Change, Change); 22] = [
        ("name", |p| p.name.clear(), |p| p.name = "x".into()),
        ("name", |p| p.name = "x".repeat(65), |p| p.name = "x".repeat(64)),
        ("password", |p| p.password = Some("x".repeat(65)), |p| p.password = Some("x".repeat(64))),
        ("share_interval_ms", |p| p.share_interval_ms = 0, |p| p.share_interval_ms = 1),
        ("share_interval_ms", |p| p.asert_halflife_secs = 0, |p| p.asert_halflife_secs = 1),
        ("merge_depth", |p| p.merge_depth = 0, |p| p.merge_depth = 1),
        ("merge_depth", |p| p.payout_epoch = 0, |p| p.payout_epoch = 1),
        ("merge_depth", |p| p.window_shares = 0, |p| p.window_shares = 1),
        ("uncles_max", |p| p.uncles_max = 65, |p| p.uncles_max = 64),
        ("payout_min", |p| p.payout_min = Amount::ZERO, |p| p.payout_min = Amount::from_units(1)),
        ("payout_classes", |p| p.payout_classes.clear(), |p| p.payout_classes = vec![1]),
        ("payout_classes", |p| p.payout_classes = vec![0], |p| p.payout_classes = vec![362]),
        ("payout_classes", |p| p.payout_classes = vec![363], |p| p.payout_classes = vec![4, 4]),
        ("payout_classes", |p| p.payout_classes = vec![11, 4], |p| p.payout_classes = vec![4, 11]),
        ("payout_classes", |p| p.payout_classes = vec![4; 17], |p| p.payout_classes = vec![4; 16]),
        (
            "version_value",
            |p| (p.parent.version_mask, p.parent.version_value) = (2, 3),
            |p| (p.parent.version_mask, p.parent.version_value) = (3, 2),
        ),
        (
            "extra_outputs",
            |p| p.parent.extra_outputs = treasury(5, 1, 1),
            |p| p.parent.extra_outputs = treasury(4, 1, 1),
        ),
        (
            "extra_outputs",
            |p| p.parent.extra_outputs = treasury(1, 41, 1),
            |p| p.parent.extra_outputs = treasury(1, 40, 1),
        ),
        (
            "extra_outputs",
            |p| p.parent.extra_outputs = treasury(1, 1, 1_001),
            |p| p.parent.extra_outputs = treasury(1, 1, 1_000),
        ),
        (
            "base_target_max",
            |p| p.base_target_max = CompactTarget::from_bits(0x0100_0000),
            |p| p.base_target_max = CompactTarget::from_bits(0x1d00_ffff),
        ),
        // One byte below 2^128, and 2^128.
        (
            "base_target_max",
            |p| p.base_target_max = CompactTarget::from_bits(0x1100_ffff),
            |p| p.base_target_max = CompactTarget::from_bits(0x1101_0000),
        ),
        (
            "base_target_max",
            |p| p.base_target_max = CompactTarget::from_bits(0x2101_0000),
            |p| p.base_target_max = CompactTarget::from_bits(0x207f_ffff),
        ),
    ];
    for (number, (field, beyond, within)) in bounds.into_iter().enumerate() {
        let mut raw = testing::devnet_params().raw().clone();
        beyond(&mut raw);
        let error = Params::new(raw.clone()).expect_err(&format!("{number}: {field}"));
        assert!(error.field.split(", ").any(|named| named == field), "{number}: {error}");
        within(&mut raw);
        // Each change undoes the other or stands alone.
        raw.name.truncate(64);
        assert_eq!(Params::new(raw).map(|_| ()), Ok(()), "{number}: {field}");
    }
}

#[test]
fn the_networks_are_those_of_the_table() {
    let profile = testing::parent_profile(PowAlgorithm::Blake2s);
    let bits = CompactTarget::from_bits(0x1d00_ffff);
    let main = ConsensusParams::main("coin", profile.clone(), bits, 77);
    assert_eq!((main.share_interval_ms, main.merge_depth, main.uncles_max), (1_000, 600, 64));
    assert_eq!((main.asert_halflife_secs, main.window_shares, main.payout_epoch), (600, 86_400, 64));
    assert_eq!((main.payout_min, main.payout_classes), (Amount::from_units(10_000), vec![45, 141, 362]));
    assert_eq!((main.name.as_str(), main.base_target_max, main.genesis_time), ("coin", bits, 77));
    let devnet = ConsensusParams::devnet(profile, 78);
    assert_eq!((devnet.share_interval_ms, devnet.merge_depth, devnet.uncles_max), (1_000, 16, 64));
    assert_eq!((devnet.asert_halflife_secs, devnet.window_shares, devnet.payout_epoch), (60, 600, 4));
    assert_eq!((devnet.payout_min, devnet.payout_classes), (Amount::from_units(1_000), vec![4, 11, 45, 141, 362]));
    assert_eq!((devnet.base_target_max, devnet.genesis_time), (CompactTarget::from_bits(0x1e40_0000), 78));
}

#[test]
fn extra_outputs_take_their_bytes_from_the_class_as_the_protocol_page_says() {
    let params = testing::devnet_params();
    assert_eq!(params.raw().payout_classes, [4, 11, 45, 141, 362]);
    for case in json::cases(include_str!("../../../docs/protocol/payout.md"), "outputs-max") {
        let lengths = case["extra_script_lengths"].as_array().unwrap();
        let extra: Vec<ExtraOutput> =
            lengths.iter().map(|len| ExtraOutput { value: Amount::ZERO, script: vec![0; json::number(len)] }).collect();
        let outputs_max = params.outputs_max(json::number(&case["class"]), &extra);
        assert_eq!(outputs_max, Some(json::number(&case["outputs_max"])), "{case}");
    }
    assert_eq!(params.outputs_max(5, &[]), None);
}
