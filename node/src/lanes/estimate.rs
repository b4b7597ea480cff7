//! Smoothed logarithms of revenue with their standard errors, and how long advantages have lasted. Pure arithmetic on what
//! was observed: nothing is forecast.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sharechain::UnixTime;

/// Observations until a mean has a standard error that says something.
pub const OBSERVATIONS_MIN: u32 = 3;
/// The noise is measured over so many half-lives of the mean.
const NOISE_HALF_LIVES: f64 = 6.0;
/// Seconds between two samples of how advantages persist. Longer than the smoothing, which would look like persistence.
const LIFE_SAMPLE_SECS: u64 = 1_800;
/// Seconds after which a sample of persistence counts half.
const LIFE_HALF_LIFE_SECS: f64 = 3.0 * 86_400.0;
/// How long an advantage lasts when nothing is known, seconds.
const LIFE_PRIOR_SECS: f64 = 7_200.0;
/// What the prior weighs, in samples.
const LIFE_PRIOR_SAMPLES: f64 = 12.0;
/// Bounds of an advantage's life, seconds.
const LIFE_SECS: (f64, f64) = (600.0, 86_400.0);

/// What a lane is thought to pay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Name of the lane.
    pub lane: String,
    /// Smoothed revenue of a hash, in the unit of the prices, or coins when all lanes earn the same; `None` while it is not
    /// known.
    pub revenue_per_hash: Option<f64>,
    /// Its standard error, percent of it.
    pub standard_error_percent: Option<f64>,
    /// Advantage over the lane that is mined, percent.
    pub edge_percent: Option<f64>,
    /// Chance of at least one share in a window, percent, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share_chance_percent: Option<f64>,
}

/// An exponentially weighted mean of observations at irregular times.
#[derive(Clone, Debug, PartialEq)]
pub struct Smoothed {
    mean: f64,
    /// Mean square of what each observation was off by.
    noise: f64,
    /// Sum of the squared weights of all observations: the mean's variance is so many times theirs.
    weights_squared: f64,
    last: f64,
    at: UnixTime,
    count: u32,
}

impl Smoothed {
    /// Of a single observation.
    pub const fn begin(value: f64, now: UnixTime) -> Self {
        Self { mean: value, noise: 0.0, weights_squared: 1.0, last: value, at: now, count: 1 }
    }

    /// Takes in an observation; `half_life_secs` is when it counts half.
    pub fn observe(&mut self, value: f64, now: UnixTime, half_life_secs: u64) {
        let elapsed = now.saturating_sub(self.at) as f64;
        let half_lives = elapsed / half_life_secs.max(1) as f64;
        let off = value - self.mean;
        let new = 1.0 - (-half_lives).exp2();
        let noise_new = (1.0 - (-half_lives / NOISE_HALF_LIVES).exp2()).max(1.0 / f64::from(self.count));
        self.noise += noise_new * (off * off - self.noise);
        self.mean += new * off;
        self.weights_squared = (1.0 - new).powi(2) * self.weights_squared + new * new;
        (self.last, self.at) = (value, now);
        self.count = self.count.saturating_add(1);
    }

    /// The mean.
    pub const fn mean(&self) -> f64 {
        self.mean
    }

    /// The newest observation.
    pub const fn last(&self) -> f64 {
        self.last
    }

    /// When that was.
    pub const fn at(&self) -> UnixTime {
        self.at
    }

    /// Variance of the mean; `None` before [`OBSERVATIONS_MIN`].
    pub fn variance(&self) -> Option<f64> {
        (self.count >= OBSERVATIONS_MIN).then_some(self.noise * self.weights_squared)
    }
}

/// How long a lane's advantage over the others lasts, from how much of it is left half an hour later.
#[derive(Clone, Debug, Default)]
pub struct GapLife {
    sampled: BTreeMap<String, f64>,
    sampled_at: Option<UnixTime>,
    /// Sums of d(then)^2 and d(then) d(now), d the distance from the mean of the lanes.
    then_then: f64,
    then_now: f64,
    samples: f64,
}

impl GapLife {
    /// Takes in where all lanes are.
    pub fn observe(&mut self, means: &[(&str, f64)], now: UnixTime) {
        let due = self.sampled_at.is_none_or(|at| now.saturating_sub(at) >= LIFE_SAMPLE_SECS);
        if !due || means.len() < 2 {
            return;
        }
        let center = means.iter().map(|(_, mean)| mean).sum::<f64>() / means.len() as f64;
        let apart: BTreeMap<String, f64> =
            means.iter().map(|(lane, mean)| ((*lane).to_owned(), mean - center)).collect();
        let elapsed = self.sampled_at.map(|at| now.saturating_sub(at));
        // After a longer pause what is left says little about half an hour.
        if let Some(elapsed) = elapsed.filter(|elapsed| *elapsed < 2 * LIFE_SAMPLE_SECS) {
            let old = (-(elapsed as f64) / LIFE_HALF_LIFE_SECS).exp2();
            let pairs = apart.iter().filter_map(|(lane, now)| Some((self.sampled.get(lane)?, now)));
            let (mut then_then, mut then_now) = (0.0, 0.0);
            for (then, now) in pairs {
                then_then += then * then;
                then_now += then * now;
            }
            self.then_then = self.then_then * old + then_then;
            self.then_now = self.then_now * old + then_now;
            self.samples = self.samples * old + 1.0;
        }
        (self.sampled, self.sampled_at) = (apart, Some(now));
    }

    /// Expected life of an advantage, seconds: its integral over the time to come, divided by what it is now.
    pub fn secs(&self) -> f64 {
        let interval = LIFE_SAMPLE_SECS as f64;
        let prior = (-interval / LIFE_PRIOR_SECS).exp();
        let left = if self.then_then > 0.0 { (self.then_now / self.then_then).clamp(0.0, 1.0) } else { prior };
        let left = (left * self.samples + prior * LIFE_PRIOR_SAMPLES) / (self.samples + LIFE_PRIOR_SAMPLES);
        (-interval / left.ln()).clamp(LIFE_SECS.0, LIFE_SECS.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_half_life_an_observation_counts_half() {
        let mut mean = Smoothed::begin(0.0, 0);
        mean.observe(1.0, 600, 600);
        assert!((mean.mean() - 0.5).abs() < 1e-12);
        mean.observe(1.0, 1_200, 600);
        assert!((mean.mean() - 0.75).abs() < 1e-12);
        assert_eq!((mean.last(), mean.at()), (1.0, 1_200));
    }

    #[test]
    fn the_standard_error_is_that_of_repeated_draws() {
        // Alternating noise of variance 1 around 5: the mean's variance is the noise times a / (2 - a).
        let mut mean = Smoothed::begin(5.0, 0);
        for tick in 1..2_000_u32 {
            mean.observe(if tick % 2 == 0 { 6.0 } else { 4.0 }, u64::from(tick) * 60, 600);
        }
        let new = 1.0 - (-0.1_f64).exp2();
        let expected = new / (2.0 - new);
        let variance = mean.variance().unwrap();
        assert!((variance / expected - 1.0).abs() < 0.1, "{variance} {expected}");
        assert!(Smoothed::begin(1.0, 0).variance().is_none());
    }

    #[test]
    fn a_clock_that_goes_back_changes_no_mean() {
        let mut mean = Smoothed::begin(1.0, 1_000);
        mean.observe(9.0, 10, 600);
        assert_eq!(mean.mean(), 1.0);
    }

    #[test]
    fn advantages_that_decay_are_seen_to_decay() {
        let (mut life, mut lasting) = (GapLife::default(), GapLife::default());
        assert!((life.secs() - LIFE_PRIOR_SECS).abs() < 1.0);
        for sample in 0..400_u32 {
            let now = u64::from(sample) * LIFE_SAMPLE_SECS;
            // Halved every half hour, and thrown up again.
            let gap = 0.5_f64.powi(i32::try_from(sample % 8).unwrap());
            life.observe(&[("a", gap), ("b", 0.0)], now);
            lasting.observe(&[("a", 1.0), ("b", 0.0)], now);
        }
        assert!(life.secs() < 1.3 * LIFE_SAMPLE_SECS as f64 / 2.0_f64.ln(), "{}", life.secs());
        assert!(lasting.secs() > 10.0 * life.secs(), "{}", lasting.secs());
    }
}
