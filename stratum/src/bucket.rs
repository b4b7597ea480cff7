//! Token buckets: how often something may happen in the long run, and how often at once.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// What a bucket allows.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Allowance {
    /// Times per second in the long run.
    pub per_second: f64,
    /// Times at once.
    pub burst: f64,
}

/// How much of an [`Allowance`] is left.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    tokens: f64,
    /// When a token was last asked for.
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

/// A bucket for each key, where strangers make up as many keys as they like: addresses, identities, scripts.
///
/// When there is no room for another key, the half goes that asked longest ago: their buckets have filled up again most.
/// Asking in vain counts too, so who asks on and on is not forgotten for it.
#[derive(Debug)]
pub struct Buckets<K> {
    allowance: Allowance,
    keys_max: usize,
    buckets: BTreeMap<K, TokenBucket>,
}

impl<K: Ord> Buckets<K> {
    /// Allows this to every key, and counts at most `keys_max` of them.
    pub const fn new(allowance: Allowance, keys_max: usize) -> Self {
        Self { allowance, keys_max, buckets: BTreeMap::new() }
    }

    /// Takes a token of this key; false when there is none.
    pub fn take(&mut self, key: K, now: Instant) -> bool {
        if self.buckets.len() >= self.keys_max && !self.buckets.contains_key(&key) {
            self.forget_older_half();
        }
        let bucket = self.buckets.entry(key).or_insert_with(|| TokenBucket::full(self.allowance, now));
        bucket.take(self.allowance, now)
    }

    fn forget_older_half(&mut self) {
        let mut ages: Vec<Instant> = self.buckets.values().map(|bucket| bucket.updated).collect();
        ages.sort_unstable();
        if let Some(newest_of_older) = ages.get(ages.len().saturating_sub(1) / 2) {
            self.buckets.retain(|_, bucket| bucket.updated > *newest_of_older);
        }
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
    #[test]
    fn every_key_has_a_bucket_of_its_own() {
        let start = Instant::now();
        let mut buckets = Buckets::new(Allowance { per_second: 10.0, burst: 2.0 }, 2);
        let mut taken = |key, millis| buckets.take(key, start + Duration::from_millis(millis));
        assert_eq!([taken("a", 0), taken("a", 0), taken("a", 0), taken("b", 0)], [true, true, false, true]);
        assert_eq!([taken("a", 101), taken("a", 101)], [true, false]);
    }

    #[test]
    fn the_half_that_asked_longest_ago_makes_room() {
        let start = Instant::now();
        let mut buckets = Buckets::new(Allowance { per_second: 0.0, burst: 1.0 }, 4);
        let mut taken = |key, second| buckets.take(key, start + Duration::from_secs(second));
        assert_eq!([1, 2, 3, 4].map(|key| taken(key, key)), [true; 4]);
        assert!(!taken(1, 5), "it asks in vain, and is one of the newer ones by that");
        assert!(taken(5, 6), "2 and 3 make room");
        assert_eq!([1, 4, 5].map(|key| taken(key, 7)), [false; 3]);
        assert_eq!([2, 3].map(|key| taken(key, 8)), [true; 2], "forgotten, so they begin anew");
    }

    #[test]
    fn made_up_keys_do_not_fill_memory() {
        let start = Instant::now();
        for step in [Duration::ZERO, Duration::from_millis(1)] {
            let mut buckets = Buckets::new(Allowance { per_second: 1.0, burst: 1.0 }, 100);
            for key in 0..1_000 {
                assert!(buckets.take(key, start + step * key));
                assert!(buckets.buckets.len() <= 100);
            }
        }
    }
}
