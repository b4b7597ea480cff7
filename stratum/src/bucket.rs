//! A token bucket: how often something may happen in the long run, and how often at once.

use std::time::{Duration, Instant};

/// What a bucket allows.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Allowance {
    /// Times per second in the long run.
    pub per_second: f64,
    /// Times at once.
    pub burst: f64,
}

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    tokens: f64,
    updated: Instant,
}

impl TokenBucket {
    /// A full bucket.
    pub const fn full(allowance: Allowance, now: Instant) -> Self {
        Self { tokens: allowance.burst, updated: now }
    }

    /// Takes a token; false when there is none.
    pub fn take(&mut self, allowance: Allowance, now: Instant) -> bool {
        self.refill(allowance, now);
        let has = self.tokens >= 1.0;
        if has {
            self.tokens -= 1.0;
        }
        has
    }

    /// When there is a token again; `None` while there is one.
    pub fn empty_until(&mut self, allowance: Allowance, now: Instant) -> Option<Instant> {
        self.refill(allowance, now);
        let missing = 1.0 - self.tokens;
        (missing > 0.0).then(|| now + Duration::from_secs_f64(missing / allowance.per_second))
    }

    fn refill(&mut self, allowance: Allowance, now: Instant) {
        let since = now.saturating_duration_since(self.updated).as_secs_f64();
        self.tokens = since.mul_add(allowance.per_second, self.tokens).min(allowance.burst);
        self.updated = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let allowance = Allowance { per_second: 10.0, burst: 3.0 };
        let start = Instant::now();
        let mut bucket = TokenBucket::full(allowance, start);
        let mut taken = |millis| bucket.take(allowance, start + Duration::from_millis(millis));
        assert_eq!([taken(0), taken(0), taken(0), taken(0), taken(99)], [true, true, true, false, false]);
        assert_eq!([taken(101), taken(101)], [true, false]);
        assert_eq!((0..9).filter(|_| taken(60_000)).count(), 3, "no more than the burst is saved up");
        let now = start + Duration::from_secs(60);
        let wake = bucket.empty_until(allowance, now).unwrap();
        assert_eq!(wake - now, Duration::from_millis(100));
        assert_eq!(bucket.empty_until(allowance, wake + Duration::from_millis(1)), None);
    }
}
