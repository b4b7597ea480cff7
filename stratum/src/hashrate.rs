//! Hash rate from accepted work: an exponential average that is not biased low while it is young.

use std::time::{Duration, Instant};

/// Averages accepted work over about `tau`.
#[derive(Clone, Debug)]
pub struct HashrateMeter {
    tau: f64,
    started: Instant,
    updated: Instant,
    /// Sum of work, each part decayed by `exp(-age / tau)`.
    decayed: f64,
}

impl HashrateMeter {
    /// An empty meter.
    pub fn new(tau: Duration, now: Instant) -> Self {
        Self { tau: tau.as_secs_f64(), started: now, updated: now, decayed: 0.0 }
    }

    /// Adds `hashes` of accepted work.
    pub fn add(&mut self, hashes: f64, now: Instant) {
        self.decayed = self.decayed * self.decay(self.updated, now) + hashes;
        self.updated = now;
    }

    /// Hashes per second at `now`; 0 while nothing was added.
    pub fn rate(&self, now: Instant) -> f64 {
        // An average over less than the time since the start would be too low by this.
        let weight = 1.0 - self.decay(self.started, now);
        if weight <= 0.0 { 0.0 } else { self.decayed * self.decay(self.updated, now) / (self.tau * weight) }
    }

    fn decay(&self, from: Instant, now: Instant) -> f64 {
        (-now.saturating_duration_since(from).as_secs_f64() / self.tau).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_miner_is_measured_right_from_the_first_minute() {
        let start = Instant::now();
        let mut meter = HashrateMeter::new(Duration::from_secs(300), start);
        assert!(meter.rate(start) == 0.0);
        for second in 1..=3_600_u64 {
            let now = start + Duration::from_secs(second);
            meter.add(1_000.0, now);
            if second >= 30 {
                let rate = meter.rate(now);
                assert!((rate / 1_000.0 - 1.0).abs() < 0.04, "{rate} after {second} s");
            }
        }
    }

    #[test]
    fn a_miner_that_stops_fades() {
        let start = Instant::now();
        let mut meter = HashrateMeter::new(Duration::from_secs(60), start);
        for second in 1..=600 {
            meter.add(1_000.0, start + Duration::from_secs(second));
        }
        assert!(meter.rate(start + Duration::from_secs(600 + 600)) < 1.0);
    }
}
