//! Base difficulty: relative ASERT with the aserti3-2d polynomial, and the share difficulty a node may ask for.
//!
//! The controller holds the rate of shares, of whatever difficulty, at one per interval. It is a function of the
//! share's past alone. `docs/protocol/difficulty.md` has the formula in words and vectors.

use crate::{
    target::{CompactTarget, Target, Work},
    u256::U512,
};

/// A share may carry at most this much more work than the base: one lucky hard share must never displace more of the
/// selected chain than the merge depth can take back as uncles (attack C5).
pub const SHARE_WORK_MAX_IN_BASE: u32 = 64;

/// A share whose own work is below `base / 8` is not worth a merge slot: cheap side branches would otherwise fill the
/// slots and inflate the share count (attack F5).
pub const UNCLE_WORK_MIN_DIVISOR: u32 = 8;

/// How far one step may ease the base, in half-lives. What the clamp swallows is forgotten, so idle time never becomes
/// a debt of cheap shares (attack F3).
const EASING_HALFLIVES_MAX: i128 = 2;

/// Fraction bits of the exponent and of the polynomial.
const RADIX: i128 = 1 << 16;

/// What the controller compares: how many shares and how much median time lie behind a point of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Shares in the past, including the point itself.
    pub count: u64,
    /// Median time past at the point, Unix seconds.
    pub median_time: u32,
}

/// The controller's constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Controller {
    /// Wanted milliseconds between two shares.
    pub share_interval_ms: u32,
    /// Time after which an error of one half-life halves or doubles the target, in seconds.
    pub halflife_secs: u32,
    /// The easiest base.
    pub base_target_max: Target,
}

impl Controller {
    /// The base target of a share whose epoch anchor has `anchor_base`.
    ///
    /// `anchor` is the progress at the anchor's parent and `now` the progress at the share's parent. The result is
    /// compact, so that the rounding of one epoch is part of the next one's input on every node.
    pub fn base_bits(&self, anchor_base: Target, anchor: Progress, now: Progress) -> CompactTarget {
        let elapsed_ms =
            (i128::from(now.median_time).saturating_sub(i128::from(anchor.median_time))).saturating_mul(1000);
        let shares = i128::from(now.count).saturating_sub(i128::from(anchor.count));
        let scheduled_ms = shares.saturating_mul(i128::from(self.share_interval_ms));
        let halflife_ms = i128::from(self.halflife_secs).saturating_mul(1000);
        let error_ms = elapsed_ms.saturating_sub(scheduled_ms).min(halflife_ms.saturating_mul(EASING_HALFLIVES_MAX));
        let exponent = error_ms.saturating_mul(RADIX).checked_div_euclid(halflife_ms).unwrap_or_default();
        let target = scale(anchor_base, exponent);
        target.min(self.base_target_max).max(Target::HARDEST_SHARE).to_compact()
    }
}

/// `target x 2^(exponent / 65536)`, rounded down; results above 256 bits become the easiest target.
fn scale(target: Target, exponent: i128) -> Target {
    let whole = exponent.div_euclid(RADIX);
    let fraction = u128::try_from(exponent.rem_euclid(RADIX)).unwrap_or_default();
    let product = U512::from(target.to_u256()).saturating_mul(U512::from(two_to_the(fraction)));
    // The factor carries 16 fraction bits.
    let shift = whole.saturating_sub(16);
    let scaled = match (u32::try_from(shift), u32::try_from(shift.saturating_neg())) {
        (Ok(left), _) => product.shl_exact(left).unwrap_or(U512::MAX),
        (_, Ok(right)) => product.shr_floor(right),
        _ => U512::zero(),
    };
    scaled.to_u256().map_or(Target::EASIEST, Target::from_u256)
}

/// `65536 x 2^(fraction / 65536)` by the cubic of aserti3-2d (Bitcoin Cash, CHIP 2020-11 ASERT), error below 0.013 %.
fn two_to_the(fraction: u128) -> u128 {
    let square = fraction.saturating_mul(fraction);
    let cube = square.saturating_mul(fraction);
    let polynomial = 195_766_423_245_049_u128
        .saturating_mul(fraction)
        .saturating_add(971_821_376_u128.saturating_mul(square))
        .saturating_add(5_127_u128.saturating_mul(cube))
        .saturating_add(1 << 47);
    (polynomial >> 48).saturating_add(1 << 16)
}

/// The compact share target for about `wanted` work, moved into what the chain allows: from the base's own work to
/// [`SHARE_WORK_MAX_IN_BASE`] times it. `None` when `base` is not a valid target.
pub fn share_bits(wanted: Work, base: CompactTarget) -> Option<CompactTarget> {
    let base_target = base.to_target()?;
    let base_work = base_target.work()?;
    let work_max = base_work.saturating_mul(SHARE_WORK_MAX_IN_BASE);
    let mut bits = Target::from_work(wanted.clamp(base_work, work_max)).min(base_target).to_compact();
    // Compact targets are coarse and round towards more work: take the nearest one that is within the limit.
    while bits.to_target()?.work()? > work_max {
        bits = bits.next_easier()?;
    }
    Some(bits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONTROLLER: Controller =
        Controller { share_interval_ms: 1000, halflife_secs: 600, base_target_max: Target::EASIEST };

    fn controller() -> Controller {
        Controller { base_target_max: CompactTarget::from_bits(0x1e40_0000).to_target().unwrap(), ..CONTROLLER }
    }

    #[track_caller]
    fn check(anchor_bits: u32, count: u64, elapsed_secs: u32, expected: u32) {
        let anchor = Progress { count: 1000, median_time: 1_000_000 };
        let now = Progress { count: 1000 + count, median_time: 1_000_000 + elapsed_secs };
        let base = CompactTarget::from_bits(anchor_bits).to_target().unwrap();
        assert_eq!(controller().base_bits(base, anchor, now), CompactTarget::from_bits(expected));
    }

    #[test]
    fn on_schedule_keeps_the_base() {
        check(0x1c10_0000, 64, 64, 0x1c10_0000);
    }

    #[test]
    fn one_halflife_early_halves_and_late_doubles() {
        check(0x1c10_0000, 600, 0, 0x1c08_0000);
        check(0x1c10_0000, 0, 600, 0x1c20_0000);
    }

    #[test]
    fn fractions_follow_the_polynomial() {
        // The cubic's 2^(1/2) is 92,674 / 65,536 = 1.41409, 0.009 % low.
        check(0x1c10_0000, 0, 300, 0x1c16_a020);
        check(0x1c10_0000, 300, 0, 0x1c0b_5010);
    }

    #[test]
    fn a_month_of_silence_eases_fourfold_and_no_more() {
        check(0x1c10_0000, 10, 30 * 86_400, 0x1c40_0000);
    }

    #[test]
    fn the_easiest_base_and_the_hardest_share_bound_the_result() {
        check(0x1e30_0000, 0, 600, 0x1e40_0000);
        check(0x1c10_0000, 10_000_000, 0, Target::HARDEST_SHARE.to_compact().to_bits());
    }

    #[test]
    fn median_time_may_run_backwards() {
        let anchor = Progress { count: 0, median_time: 1_000_600 };
        let now = Progress { count: 0, median_time: 1_000_000 };
        let base = CompactTarget::from_bits(0x1c10_0000).to_target().unwrap();
        assert_eq!(controller().base_bits(base, anchor, now), CompactTarget::from_bits(0x1c08_0000));
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
}
