//! How long things take, counted where they happen: a fixed histogram without locks.
//!
//! Every connection counts into the same one, so a count is three relaxed additions. Nothing here reads a clock.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// Upper bounds of the buckets, microseconds: from a cached submit to a time-out.
pub const BOUNDS_MICROS: [u64; 15] =
    [5, 10, 20, 50, 100, 250, 500, 1_000, 5_000, 20_000, 50_000, 100_000, 500_000, 2_000_000, 10_000_000];
/// Buckets: one more, for what took longer.
const BUCKETS: usize = BOUNDS_MICROS.len() + 1;

/// See the module.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BUCKETS],
    sum_nanos: AtomicU64,
}

/// What a histogram holds at one moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HistogramCounts {
    /// By bucket, not cumulative; the last has what took longer than every bound.
    pub buckets: [u64; BUCKETS],
    /// Sum of all times.
    pub sum: Duration,
}

impl Histogram {
    /// Counts something that took this long.
    pub fn observe(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let place = BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        if let Some(bucket) = self.buckets.get(place) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What it holds. Counts that arrive meanwhile may be in one number and not yet in the other.
    pub fn counts(&self) -> HistogramCounts {
        HistogramCounts {
            buckets: std::array::from_fn(|place| {
                self.buckets.get(place).map_or(0, |bucket| bucket.load(Ordering::Relaxed))
            }),
            sum: Duration::from_nanos(self.sum_nanos.load(Ordering::Relaxed)),
        }
    }
}

impl HistogramCounts {
    /// How many times were counted.
    pub fn count(&self) -> u64 {
        self.buckets.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        for (count, more) in self.buckets.iter_mut().zip(other.buckets) {
            *count = count.saturating_add(more);
        }
        self.sum = self.sum.saturating_add(other.sum);
        self
    }
}

/// The times of an endpoint.
#[derive(Debug)]
pub struct Timings {
    /// From a submit's line to its verdict.
    pub submit: Histogram,
    /// From a new template to the moment that a miner's job was written to its socket.
    pub job_broadcast: Histogram,
    started: Instant,
    /// Nanoseconds from `started` to the newest template; 0 while there was none.
    template_at: AtomicU64,
}

impl Timings {
    /// Nothing counted yet.
    pub fn new(now: Instant) -> Self {
        let (submit, job_broadcast) = Default::default();
        Self { submit, job_broadcast, started: now, template_at: AtomicU64::new(0) }
    }

    /// A template is handed to the connections now.
    pub fn on_template(&self, now: Instant) {
        self.template_at.store(self.nanos(now).max(1), Ordering::Relaxed);
    }

    /// A connection has written the newest template's job.
    pub fn on_job_written(&self, now: Instant) {
        let at = self.template_at.load(Ordering::Relaxed);
        if at > 0 {
            self.job_broadcast.observe(Duration::from_nanos(self.nanos(now).saturating_sub(at)));
        }
    }

    fn nanos(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.started).as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_counted_in_the_first_bucket_that_holds_it() {
        let histogram = Histogram::default();
        for micros in [0, 5, 6, 10_000_000, 10_000_001] {
            histogram.observe(Duration::from_micros(micros));
        }
        let counts = histogram.counts();
        assert_eq!((counts.buckets[0], counts.buckets[1], counts.buckets[14], counts.buckets[15]), (2, 1, 1, 1));
        assert_eq!((counts.count(), counts.sum), (5, Duration::from_micros(20_000_012)));
    }

    #[test]
    fn a_broadcast_is_timed_from_its_template() {
        let start = Instant::now();
        let timings = Timings::new(start);
        timings.on_job_written(start);
        assert_eq!(timings.job_broadcast.counts().count(), 0, "a miner that came before any template");
        timings.on_template(start + Duration::from_secs(1));
        timings.on_job_written(start + Duration::from_millis(1_007));
        assert_eq!(timings.job_broadcast.counts().sum, Duration::from_millis(7));
    }
}
