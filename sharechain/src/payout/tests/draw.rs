//! The draw is fair: exactly, by going through every offset of small cases, and statistically, by the hashes of many
//! parent blocks in large ones.

use super::*;
use crate::testing::Rng;

/// Offsets at which the outcome changes, each with the outcome from there on; the first is 0.
///
/// As the offset grows, every ticket moves on in the same order of scripts. So two offsets with equal outputs have equal
/// outputs in between, and halving finds every change.
fn outcomes(split: &impl Fn(u64) -> Vec<Payout>) -> Vec<(u64, Vec<Payout>)> {
    let mut found = vec![(0, split(0))];
    let end = split(u64::MAX);
    while let Some((from, outputs)) = found.last().filter(|(_, outputs)| *outputs != end) {
        // The outcome still holds at `same` and no more at `other`.
        let (mut same, mut other) = (*from, u64::MAX);
        while other - same > 1 {
            let middle = same + (other - same) / 2;
            if split(middle) == *outputs { same = middle } else { other = middle }
        }
        found.push((other, split(other)));
    }
    found
}

/// Expected units of each script, times 2^64.
fn expectation(split: impl Fn(u64) -> Vec<Payout>) -> BTreeMap<PayoutScript, u128> {
    let outcomes = outcomes(&split);
    let ends = outcomes.iter().skip(1).map(|(from, _)| u128::from(*from)).chain([1 << 64]);
    let mut sums = BTreeMap::new();
    for ((from, outputs), end) in outcomes.iter().zip(ends) {
        for output in outputs {
            *sums.entry(output.script).or_default() += (end - u128::from(*from)) * u128::from(output.amount.units());
        }
    }
    sums
}

/// Everybody's expectation is its due, but for the units that rounding leaves: at most one per output.
#[track_caller]
fn check_expectation(works: &[u64], terms: &PayoutTerms) {
    let weights = weights(works);
    let mut expected = expectation(|offset| split_with_offset(terms, &weights, testing::script(77), offset));
    let reward = u128::from(terms.reward.units());
    let sum: u128 = works.iter().map(|work| u128::from(*work)).sum();
    let tolerance = u128::try_from(terms.outputs_max + 1).unwrap() << 64;
    for (work, tag) in works.iter().zip(1_u64..) {
        // In units x 2^64; the reward is below 2^32 and the sum of works below 2^20.
        let due = ((reward * u128::from(*work)) << 64) / sum;
        let mean = expected.remove(&testing::script(tag)).unwrap_or_default();
        let off = mean.abs_diff(due);
        assert!(off <= tolerance, "{works:?}, {terms:?}: miner {tag} expects {}, due {}", mean >> 64, due >> 64);
        assert!(off <= due / 1_000, "{works:?}, {terms:?}: miner {tag} is off by more than a thousandth");
    }
    assert!(expected.is_empty(), "nobody else is paid");
}

#[test]
fn the_expectation_is_the_due_over_all_offsets_in_the_smallest_class() {
    let works = [30, 30, 30, 1, 2, 3, 4];
    let weights = weights(&works);
    let terms = terms(1_000_000_000, 4, 1_000, 0);
    check_expectation(&works, &terms);
    // Three are paid for certain; the fourth output goes to one of the other four by a tenth, two, three and four.
    let outcomes = outcomes(&|offset| split_with_offset(&terms, &weights, testing::script(77), offset));
    let changes: Vec<u64> = outcomes.iter().map(|(from, _)| *from).collect();
    let tenths = |tenths: u128| u64::try_from((tenths << 64).div_ceil(10)).unwrap();
    assert_eq!(changes, [0, 1, 3, 6].map(tenths));
}

#[test]
fn the_expectation_is_the_due_over_all_offsets_in_many_small_cases() {
    let mut rng = Rng::new(7);
    for _case in 0..300 {
        let works: Vec<u64> = (0..1 + rng.below(9)).map(|_| 1 + rng.next() % [3, 20, 100][rng.below(3)]).collect();
        for outputs_max in 1..=6 {
            check_expectation(&works, &terms(1_000_000_007, outputs_max, 1_000, 0));
        }
    }
}

/// Rewards that pay for fewer tickets than there are slots change the number of tickets, not the expectation.
#[test]
fn the_expectation_is_the_due_when_the_minimum_limits_the_tickets() {
    for affordable in 1..=5 {
        check_expectation(&[5, 4, 3, 3, 3, 2, 1], &terms(affordable * 100_000, 6, 100_000, 0));
    }
}

/// Works of a thousand miners that fall as one through their rank does, in an order that scripts do not follow.
fn thousand_miners() -> Vec<u64> {
    let mut works: Vec<u64> = (1..=1_000).map(|rank| 1_000_000 / rank).collect();
    Rng::new(3).shuffle(&mut works);
    works
}

/// Sum of squared deviations in units of their expectation, and what it stays below unless the draw is not fair: five
/// standard deviations of the statistic above its mean for independent draws. Systematic draws spread less.
fn chi_square(expected: &[f64], observed: &[f64]) -> (f64, f64) {
    let statistic = expected.iter().zip(observed).map(|(expected, observed)| (observed - expected).powi(2) / expected);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred groups")]
    let degrees = expected.len() as f64;
    (statistic.sum(), degrees + 5.0 * (2.0 * degrees).sqrt())
}

/// By the hashes of parent blocks, in each class: drawn outputs in proportion, every sum exact, as many outputs as the
/// class holds and none too small.
#[test]
#[expect(clippy::cast_precision_loss, reason = "a statistic of counts below 2^32")]
fn a_thousand_miners_are_drawn_in_proportion_in_every_class() {
    const DRAWS: u64 = 1_500;
    let works = thousand_miners();
    let weights = weights(&works);
    let total: u64 = works.iter().sum();
    let reward = 5_000_000_000;
    for outputs_max in [4, 11, 45, 141, 362] {
        let mut sums = BTreeMap::<PayoutScript, u64>::new();
        let mut always = BTreeMap::<PayoutScript, u64>::new();
        for draw in 0..DRAWS {
            let outputs = split(&terms(reward, outputs_max, 10_000, draw), &weights, testing::script(77_777));
            assert_eq!(outputs.iter().map(|output| output.amount.units()).sum::<u64>(), reward);
            // Nobody who is drawn is due more than one ticket, so none falls on another and every slot is used.
            assert_eq!(outputs.len(), outputs_max);
            assert!(outputs.iter().all(|output| output.amount.units() >= 10_000));
            for output in outputs {
                *sums.entry(output.script).or_default() += output.amount.units();
                *always.entry(output.script).or_default() += 1;
            }
        }
        // Who is paid in every draw is paid its due in each, or has a due above one ticket; the others win tickets.
        let drawn = |tag: u64| always.get(&testing::script(tag)).is_none_or(|outputs| *outputs < DRAWS);
        let drawn: Vec<(u64, u64)> = works.iter().copied().zip(1..).filter(|(_, tag)| drawn(*tag)).collect();
        let tickets = outputs_max - (works.len() - drawn.len()).min(outputs_max - 1);
        let work_left: u64 = drawn.iter().map(|(work, _)| work).sum();
        let due = |work: u64| reward as f64 * work as f64 / total as f64 * DRAWS as f64;
        let ticket = due(work_left) / DRAWS as f64 / tickets as f64;
        let (mut expected, mut observed, mut group) = (Vec::new(), Vec::new(), (0.0, 0.0));
        for (work, tag) in &drawn {
            group.0 += due(*work) / ticket;
            group.1 += sums.get(&testing::script(*tag)).copied().unwrap_or_default() as f64 / ticket;
            if group.0 >= 25.0 {
                expected.push(group.0);
                observed.push(group.1);
                group = (0.0, 0.0);
            }
        }
        let (statistic, bound) = chi_square(&expected, &observed);
        assert!(expected.len() >= 20, "class {outputs_max}: {} groups", expected.len());
        assert!(statistic < bound, "class {outputs_max}: chi-square {statistic:.1}, bound {bound:.1}");
    }
}

/// Blocks in a row give offsets without a pattern.
#[test]
fn the_offset_is_uniform_over_parent_blocks() {
    let mut counts = [0.0; 256];
    for draw in 0..100_000 {
        let offset = draw_offset(terms(0, 1, 1, draw).prev_block);
        counts[usize::from(offset.to_be_bytes()[0])] += 1.0;
    }
    let (statistic, bound) = chi_square(&[100_000.0 / 256.0; 256], &counts);
    assert!(statistic < bound, "chi-square {statistic:.1}, bound {bound:.1}");
}
