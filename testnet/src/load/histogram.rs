//! Latencies in buckets that grow with them: bounded memory, and a bounded relative error whatever the latency.
//!
//! Recording takes `&self`, so that all connections share one histogram. Never reads a clock.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Two to this power are the buckets per doubling. 128 of them keep a quantile within 1/128 of the true one, which is
/// less than two runs differ by.
const PRECISION_BITS: u32 = 7;
/// Enough for every number of nanoseconds that 64 bits hold: 58 kB.
const BUCKETS: usize = ((u64::BITS - PRECISION_BITS + 1) as usize) << PRECISION_BITS;

/// Counts of latencies.
#[derive(Debug)]
pub(crate) struct Histogram {
    counts: Vec<AtomicU64>,
}

impl Histogram {
    /// Without latencies.
    pub(crate) fn new() -> Self {
        Self { counts: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Counts one latency; more than 584 years count as that.
    pub(crate) fn record(&self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get(bucket_of(nanos)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Forgets all latencies.
    pub(crate) fn clear(&self) {
        for count in &self.counts {
            count.store(0, Ordering::Relaxed);
        }
    }

    /// The latency that this many of 1,000 did not exceed, never less than the true one and at most 1/128 more; `None`
    /// without latencies.
    pub(crate) fn quantile(&self, per_mille: u64) -> Option<Duration> {
        let counts: Vec<u64> = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let total: u128 = counts.iter().copied().map(u128::from).sum();
        let rank = (total * u128::from(per_mille)).div_ceil(1_000).max(1);
        let mut seen = 0;
        let bucket = counts.iter().position(|count| {
            seen += u128::from(*count);
            seen >= rank
        });
        bucket.map(|bucket| Duration::from_nanos(greatest_in(bucket)))
    }
}

/// Numbers below 2^8 have a bucket each; above, the leading 8 bits choose it.
fn bucket_of(nanos: u64) -> usize {
    let shift = (u64::BITS - nanos.leading_zeros()).saturating_sub(PRECISION_BITS + 1);
    let bucket = (u64::from(shift) << PRECISION_BITS) + (nanos >> shift);
    usize::try_from(bucket).unwrap_or(usize::MAX)
}

/// The greatest number of a bucket.
fn greatest_in(bucket: usize) -> u64 {
    let bucket = u64::try_from(bucket).unwrap_or(u64::MAX);
    let shift = (bucket >> PRECISION_BITS).saturating_sub(1);
    let leading = bucket - (shift << PRECISION_BITS);
    (leading << shift) | ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn buckets_follow_each_other_without_gap_or_overlap() {
        let mut next = 0;
        for bucket in 0..BUCKETS {
            assert_eq!(bucket_of(next), bucket);
            assert_eq!(bucket_of(greatest_in(bucket)), bucket);
            next = greatest_in(bucket).wrapping_add(1);
        }
        assert_eq!(next, 0, "the last bucket ends with the greatest number");
    }

    #[test]
    fn quantiles_of_known_latencies() {
        let histogram = Histogram::new();
        assert_eq!(histogram.quantile(500), None);
        (1..=1_000).for_each(|millis| histogram.record(Duration::from_millis(millis)));
        for per_mille in [1, 500, 990, 999, 1_000] {
            let exact = Duration::from_millis(per_mille);
            let found = histogram.quantile(per_mille).unwrap();
            assert!(exact <= found && found <= exact + exact / 128, "{per_mille}: {found:?}");
        }
        histogram.clear();
        assert_eq!(histogram.quantile(500), None);
    }

    proptest! {
        #[test]
        fn a_quantile_is_at_most_a_128th_above_the_true_one(
            latencies in prop::collection::vec((any::<u64>(), 0_u32..64), 1..200),
            per_mille in 1_u64..=1_000,
        ) {
            let mut latencies: Vec<u64> = latencies.into_iter().map(|(nanos, shift)| nanos >> shift).collect();
            let histogram = Histogram::new();
            latencies.iter().for_each(|nanos| histogram.record(Duration::from_nanos(*nanos)));
            latencies.sort_unstable();
            let rank = (latencies.len() as u64 * per_mille).div_ceil(1_000);
            let exact = latencies[usize::try_from(rank).unwrap() - 1];
            let found = u64::try_from(histogram.quantile(per_mille).unwrap().as_nanos()).unwrap();
            prop_assert!(exact <= found && found - exact <= exact / 128, "{exact} {found}");
        }
    }
}
