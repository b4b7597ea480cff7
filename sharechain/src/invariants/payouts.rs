//! I7 and I8: every unit is paid, to as many as the class holds, and to each in proportion.

use proptest::{collection::vec, prelude::*};

use super::{grow, plans};
use crate::{
    amount::Amount,
    hash::BlockHash,
    payout::{self, PayoutTerms},
    pplns::{Weights, WindowBounds},
    target::Work,
    testing::script,
};

fn weights(works: &[u128]) -> Weights {
    let total = Work::from_hashes(works.iter().sum());
    let entries = works.iter().zip(0..).map(|(work, tag)| (script(tag), Work::from_hashes(*work)));
    Weights::from_newest_first(entries, WindowBounds { work: total, entries_max: u64::MAX })
}

/// Works of one to eighty miners, alike or of very different size.
fn works() -> impl Strategy<Value = Vec<u128>> {
    let size = (any::<u128>(), 8..=128_u32).prop_map(|(work, shift)| (work.unbounded_shr(shift)).max(1) >> 7 | 1);
    prop_oneof![vec(size, 1..80), vec(1..4_u128, 1..80), vec(Just(7_u128), 1..80)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn invariant_i7_a_split_spends_exactly_the_reward(
        works in works(), reward in prop_oneof![0..2_000_u64, any::<u64>()], payout_min in 1..5_000_u64,
        outputs_max in prop_oneof![1..12_usize, 1..400_usize], prev_block: [u8; 32],
    ) {
        let terms = PayoutTerms {
            reward: Amount::from_units(reward),
            outputs_max,
            payout_min: Amount::from_units(payout_min),
            prev_block: BlockHash::from_bytes(prev_block),
        };
        let weights = weights(&works);
        let outputs = payout::split(&terms, &weights, script(1_000));
        let paid: u128 = outputs.iter().map(|output| u128::from(output.amount.units())).sum();
        prop_assert_eq!(paid, u128::from(reward));
        prop_assert!((1..=outputs_max).contains(&outputs.len()));
        prop_assert!(outputs.windows(2).all(|pair| pair[0].script < pair[1].script), "one output per script, ascending");
        let smallest = outputs.iter().map(|output| output.amount.units()).min().unwrap();
        prop_assert!(smallest >= payout_min.min(reward), "{} of {}", smallest, reward);
        prop_assert!(outputs.iter().all(|output| weights.entries().iter().any(|(script, _)| *script == output.script)));
    }

    /// With a slot for everybody and nobody below the minimum nothing is drawn: each is paid within a unit of its due,
    /// and the largest gets what rounding left (at most a unit per miner).
    #[test]
    fn invariant_i8_with_room_for_all_each_is_paid_its_due(works in vec(1..1_000_u128, 1..80), reward in 1_000_000_000..u64::MAX) {
        let terms = PayoutTerms {
            reward: Amount::from_units(reward),
            outputs_max: 362,
            payout_min: Amount::from_units(10_000),
            prev_block: BlockHash::ZERO,
        };
        let total: u128 = works.iter().sum();
        let largest = works.iter().position(|work| work == works.iter().max().unwrap()).unwrap();
        let outputs = payout::split(&terms, &weights(&works), script(1_000));
        prop_assert_eq!(outputs.len(), works.len());
        for (miner, work) in works.iter().enumerate() {
            let due = u64::try_from(u128::from(reward) * work / total).unwrap();
            let wanted = script(u64::try_from(miner).unwrap());
            let paid = outputs.iter().find(|output| output.script == wanted).unwrap().amount.units();
            let rest = if miner == largest { u64::try_from(works.len()).unwrap() } else { 0 };
            prop_assert!((due..=due + rest).contains(&paid), "miner {}: {} instead of {}", miner, paid, due);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Of every share of a chain with forks: class by class, with the window that its past gives.
    #[test]
    fn invariant_i7_every_coinbase_of_a_chain_spends_its_value(plans in plans(20..70)) {
        let mut miner = grow(&plans);
        let raw = miner.chain.params().raw().clone();
        for share in miner.shares.clone() {
            let data = &share.share().data;
            // What was forgotten is paid by nobody any more.
            let Some(outputs) = miner.chain.payouts(&share) else { continue };
            let paid: u64 = outputs.iter().map(|output| output.amount.units()).sum();
            prop_assert_eq!(paid, data.coinbase_value.units());
            prop_assert!(outputs.len() <= usize::from(raw.payout_classes[usize::from(data.payout_class)]));
            prop_assert!(outputs.iter().all(|output| output.amount >= raw.payout_min));
        }
    }
}
