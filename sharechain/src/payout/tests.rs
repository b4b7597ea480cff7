use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{pplns::WindowBounds, testing};

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

#[track_caller]
fn check(works: &[u64], terms: &PayoutTerms, expected: &[(u64, u64)]) {
    let outputs = split(terms, &weights(works), testing::script(77));
    let expected: Vec<Payout> = expected
        .iter()
        .map(|(tag, units)| Payout { script: testing::script(*tag), amount: Amount::from_units(*units) })
        .collect();
    assert_eq!(outputs, expected);
}

#[test]
fn nobody_in_the_window_pays_the_finder() {
    check(&[], &terms(100, 4, 10, 0), &[(77, 100)]);
}

#[test]
fn with_slots_for_all_everyone_is_paid_exactly_and_the_dust_goes_to_the_largest() {
    check(&[1, 2, 3], &terms(100, 4, 10, 0), &[(1, 16), (2, 33), (3, 51)]);
}

#[test]
fn no_reward_is_one_empty_output_to_the_largest() {
    check(&[1, 5, 3], &terms(0, 4, 10, 0), &[(2, 0)]);
}

#[test]
fn a_reward_below_the_minimum_goes_to_the_largest_and_the_lower_script_wins_ties() {
    check(&[5, 5, 1], &terms(9, 4, 10, 0), &[(1, 9)]);
}

/// Drawn tickets, computed by a second implementation in Python from the protocol page.
#[test]
fn drawn_tickets_are_those_of_the_protocol_page() {
    let pool = [30, 30, 30, 1, 2, 3, 4];
    check(&[1, 1, 1], &terms(100, 1, 10, 3), &[(2, 100)]);
    check(&pool, &terms(100_000, 4, 1, 0), &[(1, 30_000), (2, 30_000), (3, 30_000), (6, 10_000)]);
    check(&pool, &terms(100_000, 4, 1, 1), &[(1, 30_000), (2, 30_000), (3, 30_000), (5, 10_000)]);
    check(&[1; 10], &terms(1_003, 4, 10, 7), &[(1, 250), (3, 251), (6, 251), (8, 251)]);
    check(&[5, 4, 3, 3, 3, 2], &terms(1_000, 4, 1, 5), &[(1, 250), (3, 250), (4, 250), (6, 250)]);
}

#[test]
fn one_slot_for_three_is_one_ticket_for_the_whole_pot() {
    let outputs = split(&terms(100, 1, 10, 3), &weights(&[1, 1, 1]), testing::script(77));
    assert_eq!(outputs.len(), 1);
    assert_eq!(outputs[0].amount, Amount::from_units(100));
}

#[test]
fn a_remainder_too_small_for_a_ticket_goes_to_the_largest() {
    // 90 of 100 to the first; the other ten hold 10 units together and the minimum is 11.
    check(&[90, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], &terms(100, 20, 11, 0), &[(1, 100)]);
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
