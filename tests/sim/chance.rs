//! Draws from the seed that the world needs beside plain numbers.

use sharechain::testing::Rng;

use super::Millis;

/// A number in `0.0..1.0`.
pub fn unit(rng: &mut Rng) -> f64 {
    // 53 bits fit a double exactly.
    f64::from(u32::try_from(rng.next() >> 32).unwrap_or(0)) / f64::from(u32::MAX) * (1.0 - f64::EPSILON)
}

/// True with this probability.
pub fn happens(rng: &mut Rng, probability: f64) -> bool {
    unit(rng) < probability
}

/// Milliseconds until the next of events that come at random, this many milliseconds apart on average.
pub fn waiting_time(rng: &mut Rng, mean: f64) -> Millis {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "capped and never negative")]
    let wait = (-(1.0 - unit(rng)).ln() * mean).min(1e12) as Millis;
    wait
}

/// A number of `from..to`.
pub fn between(rng: &mut Rng, from: u64, to: u64) -> u64 {
    from + rng.next() % to.saturating_sub(from).max(1)
}
