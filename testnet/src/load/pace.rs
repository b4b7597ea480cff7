//! When a connection may submit. Reads no clock: `now` is an argument.

use std::time::{Duration, Instant};

/// The submits of one connection on a time line, or as many as are answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Between two submits; `None` to go as fast as the server answers.
    interval: Option<Duration>,
    /// When the next submit is due. Counted from the first, not from the last: what a slow answer held up is sent
    /// later, so that a slow server is not spared.
    due: Instant,
}

impl Pace {
    /// The first submit is due at `first`.
    pub(super) const fn new(interval: Option<Duration>, first: Instant) -> Self {
        Self { interval, due: first }
    }

    /// How many submits are due, at most `most`.
    pub(super) fn due(&self, now: Instant, most: usize) -> usize {
        let Some(interval) = self.interval else { return most };
        let Some(late) = now.checked_duration_since(self.due) else { return 0 };
        let due = 1 + late.as_nanos() / interval.as_nanos().max(1);
        usize::try_from(due).unwrap_or(usize::MAX).min(most)
    }

    /// When the next submit is due.
    pub(super) const fn next(&self) -> Instant {
        self.due
    }

    /// This many were sent.
    pub(super) fn sent(&mut self, submits: usize) {
        let submits = u32::try_from(submits).unwrap_or(u32::MAX);
        self.due += self.interval.unwrap_or_default().saturating_mul(submits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_interval_everything_is_due() {
        let now = Instant::now();
        let mut pace = Pace::new(None, now);
        pace.sent(1_000);
        assert_eq!(pace.due(now, 8), 8);
    }

    #[test]
    fn the_rate_holds_over_a_slow_answer() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut pace = Pace::new(Some(Duration::from_millis(10)), at(5));
        assert_eq!((pace.due(at(4), 8), pace.next()), (0, at(5)));
        assert_eq!(pace.due(at(5), 8), 1);
        pace.sent(1);
        assert_eq!((pace.due(at(14), 8), pace.next()), (0, at(15)));
        // Nothing could be sent until 44 ms: those of 15, 25 and 35 are due, and none of them is forgotten.
        assert_eq!((pace.due(at(44), 8), pace.due(at(44), 2)), (3, 2));
        pace.sent(2);
        assert_eq!(pace.due(at(44), 8), 1);
    }
}
