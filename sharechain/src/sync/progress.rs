//! How fast a node catches up and how long it will take: counts over the last seconds, for people. Nothing is decided by it.

use std::collections::VecDeque;

use super::Millis;

/// Time over which the rate is measured.
const SPAN_MS: Millis = 10_000;
/// Time between two samples.
const SAMPLE_MS: Millis = 1_000;

/// How far a sync is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Our height.
    pub height: u64,
    /// The best height that a peer claims.
    pub target_height: u64,
    /// Shares linked in a second, over the last ten.
    pub shares_per_sec: u64,
    /// Time until our height is the target's, at the pace of the last seconds; `None` while it does not grow.
    pub secs_left: Option<u64>,
    /// Shares linked by syncing since the first peer told its tip.
    pub shares: u64,
    /// Time since then, milliseconds.
    pub elapsed_ms: Millis,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Millis,
    shares: u64,
    height: u64,
}

/// What was linked when.
#[derive(Debug, Default)]
pub(super) struct Pace {
    samples: VecDeque<Sample>,
    shares: u64,
}

impl Pace {
    /// Shares were linked.
    pub(super) fn linked(&mut self, shares: usize) {
        self.shares = self.shares.saturating_add(u64::try_from(shares).unwrap_or(u64::MAX));
    }

    /// Looks at our height.
    pub(super) fn sample(&mut self, height: u64, now: Millis) {
        let sample = Sample { at: now, shares: self.shares, height };
        if let Some(last) = self.samples.back() {
            if now < last.at.saturating_add(SAMPLE_MS) {
                return;
            }
            // A new node begins in the middle: that is no pace.
            if height.saturating_sub(last.height) > self.shares.saturating_sub(last.shares) {
                self.samples.clear();
            }
        }
        while self.samples.front().is_some_and(|first| first.at.saturating_add(SPAN_MS) < now) {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    /// How far it is from `height` to the target.
    pub(super) fn progress(&self, height: u64, target_height: u64, elapsed_ms: Millis) -> Progress {
        let target_height = target_height.max(height);
        let (span, shares, heights) = match (self.samples.front(), self.samples.back()) {
            (Some(first), Some(last)) => (
                last.at.saturating_sub(first.at),
                last.shares.saturating_sub(first.shares),
                last.height.saturating_sub(first.height),
            ),
            _ => (0, 0, 0),
        };
        let left = target_height.saturating_sub(height).saturating_mul(span);
        Progress {
            height,
            target_height,
            shares_per_sec: shares.saturating_mul(1_000).checked_div(span).unwrap_or_default(),
            secs_left: left.checked_div(heights.saturating_mul(1_000)),
            shares: self.shares,
            elapsed_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_time_left_are_those_of_the_last_ten_seconds() {
        let mut pace = Pace::default();
        for second in 0..60 {
            pace.sample(2 * second, 1_000 * second);
            // Slow at first, then fast; three shares to two heights.
            pace.linked(if second < 40 { 3 } else { 30 });
        }
        let progress = pace.progress(118, 1_118, 60_000);
        assert_eq!((progress.shares_per_sec, progress.secs_left), (30, Some(500)));
        assert_eq!((progress.shares, progress.elapsed_ms), (40 * 3 + 20 * 30, 60_000));
    }

    #[test]
    fn the_jump_of_a_new_node_to_its_first_share_is_no_pace() {
        let mut pace = Pace::default();
        pace.sample(0, 0);
        pace.linked(500);
        pace.sample(990_000, 1_000);
        assert_eq!(pace.progress(990_000, 1_000_000, 1_000).secs_left, None);
        pace.linked(1_000);
        pace.sample(991_000, 2_000);
        let progress = pace.progress(991_000, 1_000_000, 2_000);
        assert_eq!((progress.shares_per_sec, progress.secs_left), (1_000, Some(9)));
    }

    #[test]
    fn who_stands_still_does_not_know_how_long_it_takes() {
        let mut pace = Pace::default();
        assert_eq!(
            pace.progress(5, 3, 0),
            Progress { height: 5, target_height: 5, shares_per_sec: 0, secs_left: None, shares: 0, elapsed_ms: 0 }
        );
        pace.sample(5, 0);
        pace.sample(5, 1_000);
        assert_eq!(pace.progress(5, 30, 0).secs_left, None);
    }
}
