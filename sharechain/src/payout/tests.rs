use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{
    pplns::WindowBounds,
    testing::{self, json},
};

const PAGE: &str = include_str!("../../../docs/protocol/payout.md");

mod draw;

fn weights(works: &[u64]) -> Weights {
    let entries = works
        .iter()
        .zip(1_u64..)
        .filter(|(work, _)| **work > 0)
        .map(|(work, tag)| (testing::script(tag), Work::from_hashes(u128::from(*work))));
    Weights::from_newest_first(entries, WindowBounds { work: Work::MAX, entries_max: u64::MAX }).with_total_of_entries()
}

impl Weights {
    /// `Work::MAX` as the bound would leave the whole of it as the total; tests want the sum.
    fn with_total_of_entries(self) -> Self {
        let bound = self.entries().iter().map(|(_, work)| work.hashes()).sum();
        let entries = self.entries().to_vec();
        Self::from_newest_first(
            entries.into_iter(),
            WindowBounds { work: Work::from_hashes(bound), entries_max: u64::MAX },
        )
    }
}

fn terms(reward: u64, outputs_max: usize, payout_min: u64, draw: u64) -> PayoutTerms {
    let mut prev_block = [0; 32];
    prev_block[..8].copy_from_slice(&draw.to_le_bytes());
    PayoutTerms {
        reward: Amount::from_units(reward),
        outputs_max,
        payout_min: Amount::from_units(payout_min),
        prev_block: BlockHash::from_bytes(prev_block),
    }
}

#[test]
fn who_is_due_exactly_the_minimum_and_fills_a_slot_draws_for_nothing() {
    for draw in 0..50 {
        let outputs = split(&terms(10, 3, 3, draw), &weights(&[5, 3, 2]), testing::script(77));
        let paid =
            |tag| outputs.iter().any(|output| output.script == testing::script(tag) && output.amount.units() >= 3);
        assert!(paid(1) && paid(2), "{draw}: {outputs:?}");
    }
}

/// The terms, weights and finder of a case of the protocol page.
fn page_case(case: &Value) -> (PayoutTerms, Weights, PayoutScript) {
    let works: Vec<(PayoutScript, Work)> = case["weights"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(script, work)| (json::script(script), json::work(work)))
        .collect();
    let bounds = WindowBounds {
        work: Work::from_hashes(works.iter().map(|(_, work)| work.hashes()).sum()),
        entries_max: u64::MAX,
    };
    let terms = PayoutTerms {
        reward: Amount::from_units(json::number(&case["reward"])),
        outputs_max: json::number(&case["outputs_max"]),
        payout_min: Amount::from_units(json::number(&case["payout_min"])),
        prev_block: BlockHash::from_bytes(json::bytes32(&case["prev_block"])),
    };
    let finder = case["finder"].as_str().map_or_else(|| testing::script(77), json::script);
    (terms, Weights::from_newest_first(works.into_iter(), bounds), finder)
}

#[test]
fn rewards_are_split_as_the_protocol_page_says() {
    for case in json::cases(PAGE, "split") {
        let (terms, weights, finder) = page_case(&case);
        let outputs = split(&terms, &weights, finder);
        let expected = json::payouts(&case["outputs"]);
        assert_eq!(outputs, expected, "{case}");
    }
}

#[test]
fn parent_blocks_draw_as_the_protocol_page_says() {
    for case in json::cases(PAGE, "draw") {
        let offset = draw_offset(BlockHash::from_bytes(json::bytes32(&case["prev_block"])));
        assert_eq!(offset, json::number::<u64>(&case["u"]), "{case}");
    }
}

/// Counts over evenly spread draws what each script gets in the mean.
fn mean_payouts(works: &[u64], reward: u64, outputs_max: usize, draws: u64) -> BTreeMap<PayoutScript, f64> {
    let mut sums: BTreeMap<PayoutScript, u64> = BTreeMap::new();
    for draw in 0..draws {
        for payout in split(&terms(reward, outputs_max, 1, draw), &weights(works), testing::script(77)) {
            *sums.entry(payout.script).or_default() += payout.amount.units();
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a mean for a tolerance check")]
    sums.into_iter().map(|(script, sum)| (script, sum as f64 / draws as f64)).collect()
}

#[test]
fn the_mean_over_many_draws_is_the_due_in_the_smallest_class() {
    let works = [30, 30, 30, 1, 2, 3, 4];
    let means = mean_payouts(&works, 100_000, 4, 4_000);
    for (work, tag) in works.into_iter().zip(1_u64..) {
        #[expect(clippy::cast_precision_loss, reason = "a mean for a tolerance check")]
        let due = work as f64 * 1_000.0;
        let mean = means.get(&testing::script(tag)).copied().unwrap_or_default();
        // One ticket of 10,000 units won with probability p has a deviation of 10,000 sqrt(p (1 - p) / draws) < 80.
        assert!((mean - due).abs() < 4.0 * 80.0, "miner {tag}: mean {mean}, due {due}");
    }
}

proptest! {
    #[test]
    fn outputs_sum_to_the_reward_within_slots_and_above_the_minimum(
        works in prop::collection::vec(0_u64..1 << 40, 0..60), reward: u64, outputs_max in 1_usize..50,
        payout_min in 1_u64..1 << 33, draw: u64,
    ) {
        let weights = weights(&works);
        let terms = terms(reward, outputs_max, payout_min, draw);
        let outputs = split(&terms, &weights, testing::script(77));
        prop_assert_eq!(outputs.iter().map(|output| u128::from(output.amount.units())).sum::<u128>(), u128::from(reward));
        prop_assert!((1..=outputs_max).contains(&outputs.len()));
        prop_assert!(outputs.windows(2).all(|pair| pair[0].script < pair[1].script));
        if outputs.len() > 1 {
            prop_assert!(outputs.iter().all(|output| output.amount.units() >= payout_min));
        }
    }

    #[test]
    fn huge_works_neither_overflow_nor_lose_a_unit(
        works in prop::collection::vec(1_u128..u128::MAX / 64, 1..40), reward: u64, draw: u64,
    ) {
        let bound = Work::from_hashes(works.iter().sum());
        let entries = works.iter().zip(1_u64..).map(|(work, tag)| (testing::script(tag), Work::from_hashes(*work)));
        let weights = Weights::from_newest_first(entries, WindowBounds { work: bound, entries_max: u64::MAX });
        let outputs = split(&terms(reward, 11, 1, draw), &weights, testing::script(77));
        prop_assert_eq!(outputs.iter().map(|output| u128::from(output.amount.units())).sum::<u128>(), u128::from(reward));
    }
}
