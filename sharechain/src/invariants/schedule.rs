//! I11 and I12: the base difficulty and the earliest time follow from ancestors alone.

use proptest::prelude::*;

use super::{grow, plans};
use crate::{
    chain::{FUTURE_TIME_MAX_SECS, NotYet, Origin, ShareChain, UnixTime, Verdict},
    difficulty::{Controller, Progress, SHARE_WORK_MAX_IN_BASE},
    error::ShareError,
    hash::ShareId,
    target::{CompactTarget, Target},
    testing::{DagMiner, Plan},
};

/// Median of the newest 11 times on the selected chain down from `id`, the virtual genesis among them; the lower middle.
fn median(miner: &DagMiner, id: ShareId) -> u32 {
    let genesis_time = miner.chain.params().raw().genesis_time;
    let time = |id| miner.share(&id).map_or(genesis_time, |share| share.share().header.time);
    let mut times: Vec<u32> = miner.selected_from(id).take(11).map(time).collect();
    times.sort_unstable();
    times[(times.len() - 1) / 2]
}

/// The base after `parent` as the protocol page writes it, with an exponential instead of its polynomial.
fn expected_base(miner: &DagMiner, parent: ShareId) -> f64 {
    let raw = miner.chain.params().raw();
    let genesis = miner.chain.params().genesis_id();
    let is_epoch = |id: &ShareId| miner.height(id).is_multiple_of(u64::from(raw.payout_epoch));
    let anchor = miner.selected_from(parent).find(is_epoch).unwrap();
    let below = miner.share(&anchor).map_or(genesis, |share| share.share().data.parent);
    let count = |id: ShareId| i64::try_from(miner.past(&id).len()).unwrap();
    let shares = count(parent) - count(below);
    let seconds = i64::from(median(miner, parent)) - i64::from(median(miner, below));
    let halflife_ms = 1_000 * i64::from(raw.asert_halflife_secs);
    let error_ms = (1_000 * seconds - i64::from(raw.share_interval_ms) * shares).min(2 * halflife_ms);
    let anchor_base =
        miner.share(&anchor).map_or_else(|| miner.chain.params().base_target_max(), |share| share.base_target());
    #[expect(clippy::cast_precision_loss, reason = "a second opinion to a thousandth")]
    let exponent = error_ms as f64 / halflife_ms as f64;
    (float(anchor_base) * exponent.exp2()).min(float(miner.chain.params().base_target_max()))
}

fn float(target: Target) -> f64 {
    target.to_le_bytes().iter().rev().fold(0.0, |sum, byte| sum * 256.0 + f64::from(*byte))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn invariant_i11_the_base_is_the_formula_over_the_ancestors(plans in plans(20..60)) {
        let miner = grow(&plans);
        for share in &miner.shares {
            let data = &share.share().data;
            let (base, expected) = (float(share.base_target()), expected_base(&miner, data.parent));
            // A compact target keeps at least 15 bits.
            prop_assert!((base / expected - 1.0).abs() < 0.000_3, "height {}: {base:e}, expected {expected:e}", data.height);
        }
    }

    /// Whatever a share says of itself, and whomever it merges, its base is that of its parent's next share. Whether it
    /// is late or early shows in its descendants only, and only by the median.
    #[test]
    fn invariant_i11_a_share_does_not_choose_its_own_base(plans in plans(15..40), changes in plans(6..7)) {
        let mut miner = grow(&plans);
        let parent = miner.chain.tip().id;
        let base = miner.chain.context_on(&parent, &[]).unwrap().base_bits;
        for plan in changes {
            let uncles = miner.chain.job_context().unwrap().uncles;
            let uncles = if miner.chain.tip().id == parent && plan.uncles < 128 { uncles } else { Vec::new() };
            let share = miner.mine_on(&plan, parent, &uncles);
            prop_assert_eq!(share.share().data.base_bits, base);
        }
    }

    /// The earliest time is the median itself, not the parent's time plus one, and validity knows no latest time: it would let a miner refuse its neighbours by its own clock, and the future is a matter of
    /// admission, not of validity.
    #[test]
    fn invariant_i12_no_share_is_before_the_median_and_any_other_time_is_valid(plans in plans(1..50), early in 1..128_i16, late: u16) {
        let mut miner = grow(&plans);
        let parent = miner.chain.tip().id;
        let median = median(&miner, parent);
        prop_assert_eq!(miner.chain.context_on(&parent, &[]).unwrap().median_time, median);
        let plan = Plan { time: i8::try_from(-early).unwrap(), ..Plan::from_bytes(&[0, 255]) };
        let early = miner.mine_on(&plan, parent, &[]);
        let error = ShareError::TimeTooOld { time: early.share().header.time, median };
        prop_assert_eq!(miner.chain.handle(early, Origin::OwnStore, 0), Verdict::Invalid(error));
        let mut context = miner.chain.context_on(&parent, &[]).unwrap();
        for time in [median, median + u32::from(late), u32::MAX] {
            context.median_time = time;
            let share = miner.assemble(&Plan::from_bytes(&[]), &context, |_| ());
            prop_assert_eq!(share.share().header.time, time);
            prop_assert_eq!(miner.chain.handle(share, Origin::OwnStore, 0), Verdict::Valid);
        }
    }

    /// A live share is held back exactly while it is more than two minutes ahead, and then it is what it would have
    /// been.
    #[test]
    fn invariant_i12_the_future_is_held_back_until_it_comes(plans in plans(5..30), ahead in 1..5_000_u64) {
        let miner = grow(&plans);
        let mut chain = ShareChain::new(miner.chain.params().clone());
        // A branch with so much more work than ours is followed whatever our clock says.
        let lead = chain.next_base_work().saturating_mul(4 * SHARE_WORK_MAX_IN_BASE);
        prop_assume!(miner.shares.iter().all(|share| share.share().data.total_work < lead));
        let first = miner.shares[0].clone();
        let now = UnixTime::from(first.share().header.time) - FUTURE_TIME_MAX_SECS - ahead;
        prop_assert_eq!(chain.handle(first, Origin::Live, now), Verdict::NotYet(NotYet::FutureTime { until: now + ahead }));
        for share in &miner.shares[1..] {
            prop_assert_ne!(chain.handle(share.clone(), Origin::Live, now + ahead - 1), Verdict::Valid);
        }
        chain.handle_timeout(now + ahead - 1);
        prop_assert_eq!(chain.tip().height, 0);
        while let Some(due) = chain.poll_timeout() {
            chain.handle_timeout(due);
        }
        prop_assert_eq!(chain.tip(), miner.chain.tip());
    }
}

proptest! {
    /// One step eases the base at most fourfold, never past the easiest, and more time or fewer shares never harden it.
    /// There is no bound towards harder: a surge has to be answered within a half-life (attack M12).
    #[test]
    fn invariant_i11_easing_is_bounded_and_the_controller_is_monotone(
        bits in 0x1200_8000_u32..0x1e40_0000, count in 0..1_000_000_u64, time in 0..100_000_000_u32, more: u16,
    ) {
        let Some(base) = CompactTarget::from_bits(bits).to_target() else { return Ok(()) };
        let easiest = CompactTarget::from_bits(0x1e40_0000).to_target().unwrap();
        let controller = Controller { share_interval_ms: 1_000, halflife_secs: 600, base_target_max: easiest };
        let anchor = Progress { count: 5, median_time: 7 };
        let after = |count: u64, seconds: u32| {
            let now = Progress { count: anchor.count + count, median_time: anchor.median_time + seconds };
            controller.base_bits(base, anchor, now).to_target().unwrap()
        };
        let target = after(count, time);
        prop_assert!(float(target) <= 4.0 * float(base) && target <= easiest);
        prop_assert!(after(count, time + u32::from(more)) >= target);
        prop_assert!(after(count + u64::from(more), time) <= target);
    }
}
