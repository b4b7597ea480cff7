use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{
    chain::ShareChain,
    coinbase::PrefixState,
    error::ShareError,
    testing::{GENESIS_TIME, Miner, json},
    validate::CheckedShare,
};

const PAGE: &str = include_str!("../../../docs/protocol/difficulty.md");

fn target(bits: u32) -> Target {
    CompactTarget::from_bits(bits).to_target().unwrap()
}

fn controller() -> Controller {
    Controller { share_interval_ms: 1000, halflife_secs: 600, base_target_max: target(0x1e40_0000) }
}

#[test]
fn bases_are_those_of_the_protocol_page() {
    for case in json::cases(PAGE, "base") {
        let progress = |count: &str, mtp: &str| Progress {
            count: json::number(&case[count]),
            median_time: json::number(&case[mtp]),
        };
        let anchor_base = json::bits(&case["anchor_base"]).to_target().unwrap();
        let (anchor, now) = (progress("anchor_count", "anchor_mtp"), progress("count", "mtp"));
        assert_eq!(controller().base_bits(anchor_base, anchor, now), json::bits(&case["base_bits"]), "{case}");
    }
}

/// Which ancestors a base is computed from, and the median time past.
#[test]
fn a_chain_has_the_bases_and_medians_of_the_protocol_page() {
    for case in json::cases(PAGE, "base-chain") {
        let mut miner = Miner::devnet();
        let mut chain = ShareChain::new(miner.params.clone());
        let column = |name: &str| case[name].as_array().unwrap().clone();
        let rows = column("seconds").into_iter().zip(column("median_seconds")).zip(column("base_bits"));
        for ((seconds, median), base) in rows {
            let share = miner.extend(&mut chain, GENESIS_TIME + json::number::<u32>(&seconds));
            assert_eq!(share.share().data.base_bits, json::bits(&base), "height {}", share.share().data.height);
            let next = chain.job_context().unwrap();
            assert_eq!(next.median_time - GENESIS_TIME, json::number::<u32>(&median), "height {}", next.height - 1);
        }
        assert!(chain.tip().height >= 40);
    }
}

fn share_with(case: &Value) -> Result<CheckedShare, ShareError> {
    let mut miner = Miner::devnet();
    let context = ShareChain::new(miner.params.clone()).job_context().unwrap();
    let mut data = miner.data(&context);
    (data.base_bits, data.share_bits) = (json::bits(&case["base_bits"]), json::bits(&case["share_bits"]));
    let prefix = context.coinbase_prefix(&miner.params, &data, miner.work.prev_block);
    let share = miner.assemble(data, PrefixState::after(&prefix).unwrap(), GENESIS_TIME);
    CheckedShare::check_unmined(share, false, &miner.params)
}

#[test]
fn share_targets_are_accepted_as_the_protocol_page_says() {
    for case in json::cases(PAGE, "share-range") {
        let work_of = |field: &str| json::bits(&case[field]).to_target().unwrap().work().unwrap();
        assert_eq!(work_of("base_bits"), json::work(&case["base_work"]), "{case}");
        assert_eq!(work_of("share_bits"), json::work(&case["share_work"]), "{case}");
        let expected = if case["valid"] == true { None } else { Some(ShareError::ShareBitsRange) };
        assert_eq!(share_with(&case).err(), expected, "{case}");
    }
}

#[test]
fn wanted_work_becomes_the_share_target_of_the_protocol_page() {
    for case in json::cases(PAGE, "share-bits") {
        let bits = share_bits(json::work(&case["wanted"]), json::bits(&case["base_bits"])).unwrap();
        assert_eq!(bits, json::bits(&case["share_bits"]), "{case}");
        assert_eq!(bits.to_target().unwrap().work(), Some(json::work(&case["work"])), "{case}");
    }
}

#[test]
fn a_share_may_carry_exactly_the_most_work_there_is() {
    let most = |bits: u32| {
        let base = CompactTarget::from_bits(bits);
        let most = target(bits).work()?.saturating_mul(SHARE_WORK_MAX_IN_BASE);
        (Target::from_work(most).to_compact().to_target()?.work()? == most).then_some((base, most))
    };
    let exact: Vec<_> = (0x1e00_8000..0x1e00_c000).filter_map(most).collect();
    assert!(!exact.is_empty());
    for (base, most) in exact {
        assert_eq!(share_bits(Work::MAX, base).unwrap().to_target().unwrap().work(), Some(most), "{base}");
    }
}

#[test]
fn a_month_of_silence_eases_fourfold_and_no_more() {
    let anchor = Progress { count: 1000, median_time: 1_000_000 };
    let now = Progress { count: 1010, median_time: 1_000_000 + 30 * 86_400 };
    assert_eq!(controller().base_bits(target(0x1c10_0000), anchor, now), CompactTarget::from_bits(0x1c40_0000));
}

proptest! {
    #[test]
    fn base_is_always_canonical_and_in_range(
        anchor_count: u64, now_count: u64, anchor_time: u32, now_time: u32, bits in 0x1100_8000_u32..0x1e40_0000,
    ) {
        let Some(base) = CompactTarget::from_bits(bits).to_target() else { return Ok(()) };
        prop_assume!(base >= Target::HARDEST_SHARE);
        let bits = controller().base_bits(
            base,
            Progress { count: anchor_count, median_time: anchor_time },
            Progress { count: now_count, median_time: now_time },
        );
        let target = bits.to_target().expect("canonical");
        prop_assert!(target >= Target::HARDEST_SHARE.to_compact().to_target().unwrap());
        prop_assert!(target <= controller().base_target_max);
    }

    #[test]
    fn share_bits_stay_between_base_and_64_times_base(wanted: u128, bits in 0x1200_8000_u32..0x1e40_0000) {
        let base = CompactTarget::from_bits(bits);
        let Some(base_target) = base.to_target() else { return Ok(()) };
        let Some(base_work) = base_target.work() else { return Ok(()) };
        let target = share_bits(Work::from_hashes(wanted), base).unwrap().to_target().unwrap();
        prop_assert!(target <= base_target);
        prop_assert!(target.work().unwrap() <= base_work.saturating_mul(SHARE_WORK_MAX_IN_BASE));
    }
}

#[test]
fn scaling_shifts_both_ways_and_ends_at_256_bits() {
    let one = target(0x1d00_ffff);
    let shifted = |bits: u32| CompactTarget::from_bits(0x1d00_ffff + ((bits / 8) << 24)).to_target().unwrap();
    assert_eq!(scale(one, 8 * RADIX), shifted(8));
    assert_eq!(scale(one, 16 * RADIX), shifted(16));
    assert_eq!(scale(one, 24 * RADIX), shifted(24));
    assert_eq!(scale(shifted(24), -24 * RADIX), one);
    assert_eq!(scale(one, 33 * RADIX), Target::EASIEST);
    assert_eq!(scale(one, 600 * RADIX), Target::EASIEST);
}
