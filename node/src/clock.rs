//! The real clock, and what happens every so often. Only tasks read it; everything they drive takes the time as an argument.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sharechain::UnixTime;

/// Seconds since 1970; 0 on a machine that believes it is earlier.
pub fn unix_now() -> UnixTime {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Milliseconds since 1970.
pub fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Whether the last time is an interval ago, or there was none; then `now` is the last time.
pub(crate) fn is_due(last: &mut Option<Instant>, interval: Duration, now: Instant) -> bool {
    let is_due = last.is_none_or(|last| now.saturating_duration_since(last) >= interval);
    if is_due {
        *last = Some(now);
    }
    is_due
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_is_due_again_after_the_interval_and_not_before() {
        let (mut last, interval, start) = (None, Duration::from_secs(30), Instant::now());
        let mut due = |secs| is_due(&mut last, interval, start + Duration::from_secs(secs));
        assert_eq!([due(0), due(0), due(29), due(30), due(59), due(61)], [true, false, false, true, false, true]);
    }
}
