//! Stratum difficulty: the ratio that miners are told, and its two definitions in the field.
//!
//! cpuminer-multi, cgminer and ESP-Miner mine below `0xffff x 2^208 x K / d`, cpuminer-opt below `2^224 x K / d`, which
//! is 1.5e-5 easier. The server accepts the easier one, so neither sees a reject; K is 65536 for scrypt, else 1.
//! Floats are fine here: nothing of this is consensus.

use std::fmt;

use sharechain::{PowAlgorithm, Target, Work};

/// Doubles carry 53 bits; miners compute their target in floats too. A hash this close above the bound is accepted.
const SLACK: f64 = 1e-9;
/// Miners parse at least this; 1e-10 is below one hash for every algorithm.
const DIFFICULTY_MIN: f64 = 1e-10;

/// A difficulty in the units miners display, always positive and finite.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug)]
pub struct Difficulty(f64);

impl Difficulty {
    /// The number, moved into what there is; infinity counts as the largest, not a number as the smallest.
    pub fn new(difficulty: f64) -> Self {
        Self(difficulty.clamp(DIFFICULTY_MIN, f64::MAX).max(DIFFICULTY_MIN))
    }

    /// The number.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// Expected hashes per share: `d x 2^32 / K`.
    pub fn hashes(self, algorithm: PowAlgorithm) -> f64 {
        self.0 * 2_f64.powi(32) / factor(algorithm)
    }

    /// The difficulty at which one share takes `hashes` in the mean.
    pub fn from_hashes(hashes: f64, algorithm: PowAlgorithm) -> Self {
        Self::new(hashes * factor(algorithm) / 2_f64.powi(32))
    }

    /// The same for work of the share chain.
    pub fn from_work(work: Work, algorithm: PowAlgorithm) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a ratio for display and pacing")]
        let hashes = work.hashes() as f64;
        Self::from_hashes(hashes, algorithm)
    }

    /// The easiest hash a submit at this difficulty may have.
    pub fn target(self, algorithm: PowAlgorithm) -> Target {
        target_from_f64(2_f64.powi(224) * factor(algorithm) / self.0 * (1.0 + SLACK))
    }

    /// The smallest difficulty whose miners, by either definition, never submit above `target`.
    pub fn covering(target: Target, algorithm: PowAlgorithm) -> Self {
        let mut difficulty = Self::new(2_f64.powi(224) * factor(algorithm) / target_to_f64(target));
        while target_from_f64(2_f64.powi(224) * factor(algorithm) / difficulty.0) > target {
            difficulty = Self(difficulty.0.next_up());
        }
        difficulty
    }

    /// The whole number below it, where that is 1 or more.
    pub const fn whole(self) -> Self {
        if self.0 >= 1.0 { Self(self.0.floor()) } else { self }
    }

    /// As ASICs want it: whole numbers from 1 upwards without a fraction.
    pub fn to_json(self) -> String {
        if self.0 >= 1.0 && self.0.fract() == 0.0 { format!("{:.0}", self.0) } else { format!("{:?}", self.0) }
    }
}

impl fmt::Display for Difficulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// K of the algorithm.
const fn factor(algorithm: PowAlgorithm) -> f64 {
    match algorithm {
        PowAlgorithm::Scrypt => 65_536.0,
        PowAlgorithm::Blake2s | PowAlgorithm::Sha256d => 1.0,
    }
}

/// The integer part of a positive float; the easiest target when it does not fit.
fn target_from_f64(value: f64) -> Target {
    if value >= 2_f64.powi(256) {
        return Target::EASIEST;
    }
    let mut bytes = [0; 32];
    let mut rest = value.floor();
    for (place, byte) in bytes.iter_mut().enumerate().rev() {
        let unit = 256_f64.powi(i32::try_from(place).unwrap_or(0));
        let digit = (rest / unit).floor();
        rest -= digit * unit;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a digit to the base of 256")]
        let digit = digit as u8;
        *byte = digit;
    }
    Target::from_le_bytes(&bytes)
}

fn target_to_f64(target: Target) -> f64 {
    target.to_le_bytes().iter().rev().fold(0.0, |value, byte| value * 256.0 + f64::from(*byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn vectors() -> Value {
        serde_json::from_str(include_str!("../../tests/vectors/stratum.json")).unwrap()
    }

    #[test]
    fn targets_of_captured_shares_agree_to_the_precision_of_a_double() {
        for share in vectors()["shares"].as_array().unwrap() {
            let algorithm: PowAlgorithm = share["algo"].as_str().unwrap().parse().unwrap();
            let difficulty = Difficulty::new(share["difficulty"].as_f64().unwrap());
            let mut expected = hex::decode(share["target_2_224_over_d"].as_str().unwrap()).unwrap();
            expected.reverse();
            let expected = target_to_f64(Target::from_le_bytes(&expected.try_into().unwrap()));
            let ratio = target_to_f64(difficulty.target(algorithm)) / expected;
            assert!((1.0..1.0 + 2.0 * SLACK).contains(&ratio), "{ratio}");
        }
    }

    #[test]
    fn the_easier_of_the_two_definitions_is_accepted() {
        let vectors = vectors();
        let boundary = Difficulty::new(vectors["boundary"]["difficulty"].as_f64().unwrap());
        let hash: [u8; 32] =
            hex::decode(vectors["shares"][0]["pow_hash_le"].as_str().unwrap()).unwrap().try_into().unwrap();
        let hash = sharechain::pow::PowHash::from_bytes(hash);
        assert!(boundary.target(PowAlgorithm::Blake2s).is_met_by(&hash));
        assert!(!Difficulty::new(boundary.get() * 1.000_01).target(PowAlgorithm::Blake2s).is_met_by(&hash));
    }

    #[test]
    fn json_has_no_fraction_for_whole_numbers() {
        assert_eq!(Difficulty::new(1024.0).to_json(), "1024");
        assert_eq!(Difficulty::new(0.5).to_json(), "0.5");
        assert_eq!(Difficulty::new(1.5).to_json(), "1.5");
        assert_eq!(Difficulty::new(1.5e-5).to_json(), "1.5e-5");
        assert_eq!(Difficulty::new(f64::NAN).get(), DIFFICULTY_MIN);
    }

    proptest! {
        #[test]
        fn miners_of_a_covering_difficulty_never_submit_above_the_target(work in 1_u128..1 << 90) {
            for algorithm in PowAlgorithm::ALL {
                let target = Target::from_work(Work::from_hashes(work));
                let difficulty = Difficulty::covering(target, algorithm);
                let easiest_submit = target_from_f64(2_f64.powi(224) * factor(algorithm) / difficulty.get());
                prop_assert!(easiest_submit <= target);
                // And the difficulty is not noticeably higher than needed.
                let needed = Difficulty::from_work(Work::from_hashes(work), algorithm).get();
                prop_assert!(difficulty.get() <= needed * (1.0 + 1e-9) + DIFFICULTY_MIN, "{} {}", difficulty.get(), needed);
            }
        }
    }
}
