use super::*;
use crate::{
    params::ConsensusParams,
    pow::PowAlgorithm,
    share::ExtraOutput,
    testing::{self, GENESIS_TIME, Miner},
};

/// An output of nothing to a public key.
fn key_output(prefix: u8) -> ExtraOutput {
    let mut script = vec![0x21, prefix];
    script.extend([7; 32]);
    script.push(0xac);
    ExtraOutput { value: Amount::ZERO, script }
}

fn output(units: u64, script: u8) -> ExtraOutput {
    ExtraOutput { value: Amount::from_units(units), script: vec![script] }
}

/// The verdict on a mined share with these extra outputs under this rule.
fn with_outputs(rule: &ExtraOutputsRule, outputs: &[ExtraOutput]) -> Result<(), ShareError> {
    let mut profile = testing::parent_profile(PowAlgorithm::Blake2s);
    profile.extra_outputs = rule.clone();
    verdict(ConsensusParams { parent: profile, ..testing::devnet_params().raw().clone() }, |data| {
        data.coinbase_value = Amount::from_units(1_000_000);
        data.extra_outputs = outputs.to_vec();
    })
}

fn verdict(raw: ConsensusParams, change: impl FnOnce(&mut ShareData)) -> Result<(), ShareError> {
    let mut miner = Miner::new(testing::params(raw), 1);
    let context = crate::ShareChain::new(miner.params.clone()).job_context().unwrap();
    let mut data = miner.data(&context);
    change(&mut data);
    let share = miner.mine_data(&context, data, GENESIS_TIME);
    CheckedShare::check(share, &miner.params).map(drop)
}

#[test]
fn a_merge_set_is_bounded() {
    let uncles =
        |len: u8| move |data: &mut ShareData| data.uncles = (0..len).map(|n| ShareId::from_bytes([n; 32])).collect();
    let raw = testing::devnet_params().raw().clone();
    assert_eq!(verdict(raw.clone(), uncles(raw.uncles_max)), Ok(()));
    let expected = ShareError::TooManyUncles { uncles: usize::from(raw.uncles_max) + 1, uncles_max: raw.uncles_max };
    assert_eq!(verdict(raw.clone(), uncles(raw.uncles_max + 1)), Err(expected));
}

#[test]
fn chains_with_several_algorithms_fix_version_bits() {
    let with_bits = |version_value| {
        let mut raw = testing::devnet_params().raw().clone();
        (raw.parent.version_mask, raw.parent.version_value) = (0x2000_0f00, version_value);
        verdict(raw, |_| {})
    };
    assert_eq!(with_bits(0x2000_0000), Ok(()));
    assert_eq!(with_bits(0x2000_0200), Err(ShareError::HeaderVersion(0x2000_0000)));
}

#[test]
fn a_chain_without_extra_outputs_has_none() {
    let rule = ExtraOutputsRule::Forbidden;
    assert_eq!(with_outputs(&rule, &[]), Ok(()));
    assert_eq!(with_outputs(&rule, &[output(0, 1)]), Err(ShareError::ExtraOutputs));
}

#[test]
fn a_treasury_gets_its_scripts_in_order_and_at_most_its_part() {
    let rule = ExtraOutputsRule::Treasury { scripts: vec![vec![1], vec![2]], permille_max: 100 };
    assert_eq!(with_outputs(&rule, &[]), Ok(()));
    assert_eq!(with_outputs(&rule, &[output(60_000, 1), output(40_000, 2)]), Ok(()));
    let refused = [
        vec![output(60_000, 1), output(40_001, 2)],
        vec![output(1, 2), output(1, 1)],
        vec![output(1, 1)],
        vec![output(1, 1), output(1, 2), output(1, 3)],
    ];
    for outputs in refused {
        assert_eq!(with_outputs(&rule, &outputs), Err(ShareError::ExtraOutputs), "{outputs:?}");
    }
}

#[test]
fn extra_outputs_never_exceed_the_coinbase_value() {
    let rule = ExtraOutputsRule::Treasury { scripts: vec![vec![1], vec![2]], permille_max: 1_000 };
    assert_eq!(with_outputs(&rule, &[output(500_000, 1), output(500_000, 2)]), Ok(()));
    for units in [500_001, u64::MAX] {
        let outputs = [output(units, 1), output(500_000, 2)];
        assert_eq!(with_outputs(&rule, &outputs), Err(ShareError::ExtraOutputsValue), "{units}");
    }
}

#[test]
fn a_signed_coinbase_names_one_key_and_pays_it_nothing() {
    let rule = ExtraOutputsRule::SignatureKey;
    assert_eq!(with_outputs(&rule, &[key_output(2)]), Ok(()));
    assert_eq!(with_outputs(&rule, &[key_output(3)]), Ok(()));
    let paid = ExtraOutput { value: Amount::from_units(1), ..key_output(2) };
    for outputs in [vec![], vec![key_output(4)], vec![paid], vec![key_output(2), key_output(2)], vec![output(0, 0x21)]]
    {
        assert_eq!(with_outputs(&rule, &outputs), Err(ShareError::ExtraOutputs), "{outputs:?}");
    }
}
