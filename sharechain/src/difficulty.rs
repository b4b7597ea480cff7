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
mod tests;
