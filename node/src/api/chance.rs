//! How likely a miner is paid by a block: what is certain and what is drawn (docs/protocol/payout.md), in parts of one. Pure.

use sharechain::{PayoutScript, pplns::Weights};

/// What decides who is paid.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// What the outputs sum to, base units.
    pub(super) reward: u64,
    /// Most outputs.
    pub(super) outputs_max: usize,
    /// Smallest output, base units.
    pub(super) payout_min: u64,
}

/// The probability that a block pays the script, before the block it is mined on, and with it the draw, is known.
#[expect(clippy::cast_precision_loss, reason = "a probability for people")]
pub(super) fn of_payout(terms: Terms, weights: &Weights, script: &PayoutScript) -> f64 {
    let of_script = |(other, _): &(PayoutScript, _)| other == script;
    let Some((_, work)) = weights.entries().iter().find(|entry| of_script(entry)) else { return 0.0 };
    let (work, total) = (work.hashes() as f64, weights.total().hashes() as f64);
    let (mut left, mut slots, mut pot) = (total, terms.outputs_max as f64, terms.reward as f64);
    for (other, theirs) in weights.by_work() {
        let theirs = theirs.hashes() as f64;
        let due = terms.reward as f64 * theirs / total;
        if due < terms.payout_min as f64 || slots < 1.0 || theirs * slots < left {
            break;
        }
        if other == script {
            return 1.0;
        }
        (left, slots, pot) = (left - theirs, slots - 1.0, pot - due);
    }
    let tickets = slots.min((pot / (terms.payout_min.max(1) as f64)).floor());
    if left > 0.0 { (work * tickets / left).min(1.0) } else { 0.0 }
}

/// The probability that at least one of the blocks of a day pays, when blocks come by chance.
pub(super) fn of_day(blocks_per_day: f64, of_block: f64) -> f64 {
    -(-blocks_per_day * of_block).exp_m1()
}

#[cfg(test)]
mod tests {
    use sharechain::{
        Amount, Work,
        hash::BlockHash,
        payout::{PayoutTerms, split},
        pplns::WindowBounds,
        testing,
    };

    use super::*;

    /// How often blocks on random parents pay each of the miners.
    fn frequencies(terms: Terms, weights: &Weights, miners: u64) -> Vec<f64> {
        let blocks = 4_000_u32;
        let mut paid = vec![0_u32; usize::try_from(miners).unwrap()];
        for block in 0..blocks {
            let mut prev_block = [0; 32];
            prev_block[..4].copy_from_slice(&block.to_le_bytes());
            let terms = PayoutTerms {
                reward: Amount::from_units(terms.reward),
                outputs_max: terms.outputs_max,
                payout_min: Amount::from_units(terms.payout_min),
                prev_block: BlockHash::from_bytes(prev_block),
            };
            let outputs = split(&terms, weights, testing::script(0));
            for (miner, paid) in paid.iter_mut().enumerate() {
                let script = testing::script(u64::try_from(miner).unwrap());
                *paid += u32::from(outputs.iter().any(|output| output.script == script));
            }
        }
        paid.into_iter().map(|paid| f64::from(paid) / f64::from(blocks)).collect()
    }

    #[test]
    fn chances_are_the_frequencies_of_the_draw() {
        let works = [3_000_u128, 2_500, 900, 400, 300, 200, 100, 50, 5, 1];
        let bounds = WindowBounds { work: Work::from_hashes(u128::MAX), entries_max: 100 };
        let entries = works.iter().zip(0..).map(|(work, tag)| (testing::script(tag), Work::from_hashes(*work)));
        let weights = Weights::from_newest_first(entries, bounds);
        for (outputs_max, payout_min) in [(4, 1_000), (4, 200_000), (11, 1_000), (11, 10), (1, 1)] {
            let terms = Terms { reward: 1_000_000, outputs_max, payout_min };
            for (miner, seen) in frequencies(terms, &weights, 10).into_iter().enumerate() {
                let chance = of_payout(terms, &weights, &testing::script(u64::try_from(miner).unwrap()));
                assert!((chance - seen).abs() < 0.03, "{terms:?}, miner {miner}: {chance} but {seen} was seen");
            }
        }
        let terms = Terms { reward: 1, outputs_max: 4, payout_min: 1 };
        assert_eq!(of_payout(terms, &weights, &testing::script(99)), 0.0);
    }

    #[test]
    fn a_day_of_many_blocks_is_nearly_certain() {
        assert!((of_day(1.0, 1.0) - 0.632).abs() < 1e-3);
        assert!(of_day(1_000.0, 0.1) > 0.999_999);
        assert_eq!(of_day(0.0, 1.0), 0.0);
    }
}
