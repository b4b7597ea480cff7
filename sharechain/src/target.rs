//! Target, its compact form, and work: three types, and the only conversions between them.
//!
//! Compare targets, sum work. Difficulty, the ratio that miners are told, is a float and lives in `stratum`.

use std::fmt;

use crate::{pow::PowHash, u256::U256};

/// Sign bit of the compact form; a target is never negative.
const COMPACT_SIGN: u32 = 0x0080_0000;
/// The 23 bits of the mantissa.
const COMPACT_MANTISSA: u32 = 0x007f_ffff;
/// Bytes of the compact mantissa.
const MANTISSA_BYTES: u32 = 3;

/// A 256-bit bound: a hash meets it when, read as a little-endian integer, it is not greater.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target(U256);

/// The 32-bit form of a target that headers carry (nBits): a base-256 exponent and a 23-bit mantissa.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CompactTarget(u32);

/// Expected number of hashes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Work(u128);

impl Target {
    /// The hardest target a share may have; anything harder is more work than `u128` holds.
    pub const HARDEST_SHARE: Self = Self(U256([0, 0, 1, 0]));
    /// The easiest target there is: every hash meets it.
    pub const EASIEST: Self = Self(U256::MAX);

    /// Whether the hash, read as a little-endian integer, is not greater than this target.
    pub fn is_met_by(self, hash: &PowHash) -> bool {
        U256::from_little_endian(hash.as_bytes()) <= self.0
    }

    /// The greatest compact target that is not easier than this one.
    pub fn to_compact(self) -> CompactTarget {
        let bytes = u32::try_from(self.0.bits().div_ceil(8)).unwrap_or(u32::MAX);
        let shift = bytes.saturating_sub(MANTISSA_BYTES).saturating_mul(8);
        let mantissa = self.0.shr_floor(shift).low_u32();
        // A mantissa with the sign bit set moves into the next exponent.
        let (mantissa, exponent) = if mantissa & COMPACT_SIGN == 0 {
            (mantissa, bytes.max(MANTISSA_BYTES))
        } else {
            (mantissa.wrapping_shr(8), bytes.saturating_add(1))
        };
        CompactTarget(exponent.wrapping_shl(24) | mantissa)
    }

    /// `floor(2^256 / (target + 1))`, or `None` for a target harder than [`Target::HARDEST_SHARE`].
    pub fn work(self) -> Option<Work> {
        let Some(divisor) = self.0.checked_add(U256::one()) else { return Some(Work(1)) };
        // 2^256 does not fit: 2^256 / d = (2^256 - d) / d + 1, and 2^256 - d is the complement of the target.
        let quotient = (!self.0).checked_div(divisor)?;
        u128::try_from(quotient).ok()?.checked_add(1).map(Work)
    }

    /// The easiest target whose work is at least `work`; no work counts as one hash.
    pub fn from_work(work: Work) -> Self {
        let work = U256::from(work.0.max(1));
        let below = U256::MAX.saturating_sub(work.saturating_sub(U256::one()));
        Self(below.checked_div(work).unwrap_or(U256::MAX))
    }

    pub(crate) const fn from_u256(value: U256) -> Self {
        Self(value)
    }

    pub(crate) const fn to_u256(self) -> U256 {
        self.0
    }

    /// The bound from 32 bytes, little-endian.
    pub fn from_le_bytes(bytes: &[u8; 32]) -> Self {
        Self(U256::from_little_endian(bytes))
    }

    /// The bound as 32 bytes, little-endian, comparable with a hash in header byte order.
    pub fn to_le_bytes(self) -> [u8; 32] {
        self.0.to_little_endian()
    }
}

impl CompactTarget {
    /// Wraps the header field as it is; it may be non-canonical.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The header field.
    pub const fn to_bits(self) -> u32 {
        self.0
    }

    /// The target, or `None` when the bits are negative, zero, overflow 256 bits or are not the canonical spelling.
    pub fn to_target(self) -> Option<Target> {
        let exponent = self.0.wrapping_shr(24);
        let mantissa = U256::from(self.0 & COMPACT_MANTISSA);
        if self.0 & COMPACT_SIGN != 0 || mantissa.is_zero() {
            return None;
        }
        let value = match exponent.checked_sub(MANTISSA_BYTES) {
            Some(bytes) => mantissa.shl_exact(bytes.saturating_mul(8))?,
            None => mantissa.shr_floor(MANTISSA_BYTES.saturating_sub(exponent).saturating_mul(8)),
        };
        let target = Target(value);
        (target.to_compact() == self).then_some(target)
    }

    /// The next easier compact target, or `None` at the easiest.
    pub fn next_easier(self) -> Option<Self> {
        let raised = self.0.checked_add(1)?;
        let renormalised =
            if raised & COMPACT_SIGN == 0 { raised } else { (self.0 & !COMPACT_MANTISSA).checked_add(0x0100_8000)? };
        let next = Self(renormalised);
        next.to_target().map(|_| next)
    }
}

impl Work {
    /// No work.
    pub const ZERO: Self = Self(0);
    /// More than any chain will ever hold.
    pub const MAX: Self = Self(u128::MAX);

    /// `hashes` expected hashes.
    pub const fn from_hashes(hashes: u128) -> Self {
        Self(hashes)
    }

    /// Expected hashes.
    pub const fn hashes(self) -> u128 {
        self.0
    }

    /// The sum, or `None` when it does not fit.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The sum, at most 2^128 - 1: for bounds, never for what is part of consensus bytes.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// `factor` times this work, at most [`Work::MAX`].
    pub fn saturating_mul(self, factor: u32) -> Self {
        Self(self.0.saturating_mul(u128::from(factor)))
    }

    /// The difference, zero when `other` is larger.
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({:064x})", self.0)
    }
}

impl fmt::Display for CompactTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Debug for CompactTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CompactTarget({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::json;

    const PAGE: &str = include_str!("../../docs/protocol/difficulty.md");

    /// A target as the pages write it: 64 digits, the greatest first.
    fn digits(target: Target) -> String {
        format!("{:064x}", target.0)
    }

    #[test]
    fn compact_targets_mean_what_the_protocol_page_says() {
        for case in json::cases(PAGE, "compact") {
            let target = json::bits(&case["bits"]).to_target();
            assert_eq!(target.map(digits).as_deref(), case["target"].as_str(), "{case}");
            if let Some(target) = target {
                assert_eq!(target.work(), Some(json::work(&case["work"])), "{case}");
            }
        }
        for case in json::cases(PAGE, "to-compact") {
            let mut bytes = json::bytes32(&case["target"]);
            bytes.reverse();
            assert_eq!(Target::from_le_bytes(&bytes).to_compact(), json::bits(&case["bits"]), "{case}");
        }
    }

    #[test]
    fn compact_vectors_of_bitcoin_core_hold() {
        let decodes = |bits| CompactTarget(bits).to_target().map(|target| format!("{:x}", target.0));
        assert_eq!(decodes(0x1d00_ffff), Some(format!("ffff{}", "0".repeat(52))));
        assert_eq!(decodes(0x0512_3456), Some("1234560000".to_owned()));
        assert_eq!(decodes(0x2000_ffff), Some(format!("ffff{}", "0".repeat(58))));
        // Zero, negative, not the shortest spelling, wider than 256 bits.
        for bits in [0x0000_0000, 0x0092_3456, 0x0492_3456, 0x0500_1234 & 0x0500_00ff, 0x2200_00ff, 0xff12_3456] {
            assert_eq!(decodes(bits), None, "{bits:08x}");
        }
    }

    #[test]
    fn numbers_are_shown_as_the_pages_write_them() {
        let (bits, amount) = (CompactTarget(0x0512_3456), crate::amount::Amount::from_units(5_000_000_000));
        assert_eq!(format!("{bits} {bits:?} {amount}"), "05123456 CompactTarget(05123456) 5000000000");
        assert_eq!(format!("{:?}", bits.to_target().unwrap()), format!("Target({:0>64})", "1234560000"));
    }

    #[test]
    fn work_of_difficulty_one_is_two_to_the_32_and_a_bit() {
        let target = CompactTarget(0x1d00_ffff).to_target().unwrap();
        assert_eq!(target.work(), Some(Work(0x1_0001_0001)));
        assert_eq!(target.work().unwrap().to_string(), "4295032833");
        let mut bytes = [0; 32];
        bytes[26..28].fill(0xff);
        assert_eq!(target.to_le_bytes(), bytes);
        assert_eq!(Target::EASIEST.work(), Some(Work(1)));
        assert_eq!(Target::HARDEST_SHARE.work(), Some(Work(u128::MAX)));
        assert_eq!(Target(U256::from(u128::MAX)).work(), None);
    }

    #[test]
    fn the_next_easier_target_carries_into_the_exponent() {
        let next = |bits| CompactTarget::from_bits(bits).next_easier().map(CompactTarget::to_bits);
        assert_eq!(next(0x1b7f_fffe), Some(0x1b7f_ffff));
        assert_eq!(next(0x1b7f_ffff), Some(0x1c00_8000));
        assert_eq!(next(0x1c00_8000), Some(0x1c00_8001));
        assert_eq!(next(0x2100_ffff), None, "256 bits are all there are");
    }

    proptest! {
        #[test]
        fn compact_is_the_greatest_not_easier(words: [u64; 4], shift in 0_u32..255) {
            let value = U256(words).shr_floor(shift);
            prop_assume!(!value.is_zero());
            let compact = Target(value).to_compact();
            let floor = compact.to_target().unwrap();
            prop_assert!(floor.0 <= value);
            if let Some(easier) = compact.next_easier() {
                prop_assert!(easier.to_target().unwrap().0 > value);
            }
        }

        #[test]
        fn target_from_work_is_the_easiest_with_that_work(work in 1_u128..) {
            let target = Target::from_work(Work(work));
            prop_assert!(target.work().is_none_or(|reached| reached.0 >= work));
            if let Some(easier) = target.0.checked_add(U256::one()) {
                prop_assert!(Target(easier).work().is_some_and(|reached| reached.0 < work));
            }
        }
    }
}
