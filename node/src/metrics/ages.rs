//! How old shares of others look when gossip brings them: by this clock, since the time in their headers.
//!
//! That is their way here and the age of the job they were mined for, plus whatever this clock is ahead of the finder's. Nobody
//! tells when a share was found, so the three cannot be told apart in one share; the clocks' part is the same in all of them.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use stratum::timing::{Histogram, HistogramCounts};

/// Shares that the median is of: one miner's clock is not this one's fault.
const RECENT: usize = 65;

/// See the module.
#[derive(Debug, Default)]
pub struct ShareAges {
    times: Histogram,
    /// Milliseconds, negative when the share is from the future.
    recent: Mutex<VecDeque<i64>>,
}

impl ShareAges {
    /// A share with this time in its header came: Unix seconds and Unix milliseconds.
    pub fn observe(&self, header_time: u32, now_millis: u64) {
        let found = u64::from(header_time).saturating_mul(1_000);
        self.times.observe(Duration::from_millis(now_millis.saturating_sub(found)));
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() >= RECENT {
            recent.pop_front();
        }
        recent.push_back(i64::try_from(now_millis).unwrap_or(i64::MAX).saturating_sub_unsigned(found));
    }

    /// All of them; one from the future counts as just found.
    pub fn counts(&self) -> HistogramCounts {
        self.times.counts()
    }

    /// The median age of the newest, seconds; `None` while there was none.
    pub fn median_secs(&self) -> Option<f64> {
        let mut recent: Vec<i64> = {
            let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
            recent.iter().copied().collect()
        };
        recent.sort_unstable();
        #[expect(clippy::cast_precision_loss, reason = "exact for 2^53 milliseconds")]
        recent.get(recent.len() / 2).map(|millis| *millis as f64 / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_of_the_newest_and_below_zero_when_this_clock_is_behind() {
        let ages = ShareAges::default();
        assert_eq!(ages.median_secs(), None);
        for _ in 0..RECENT {
            ages.observe(1_000, 1_003_250);
        }
        // One miner lives in the past.
        ages.observe(10, 1_003_250);
        assert_eq!((ages.median_secs(), ages.counts().count()), (Some(3.25), 66));
        for _ in 0..RECENT {
            ages.observe(1_060, 1_000_000);
        }
        assert_eq!(ages.median_secs(), Some(-60.0));
        assert_eq!(ages.counts().sum, Duration::from_millis(3_250 * 65 + 993_250), "none is negative");
    }
}
