//! The real clock, and what happens every so often. Only tasks read it; everything they drive takes the time as an argument.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sharechain::UnixTime;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Seconds since 1970; 0 on a machine that believes it is earlier.
pub fn unix_now() -> UnixTime {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Milliseconds since 1970.
pub fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A time as ISO 8601 in UTC; beyond the year 9999 the seconds themselves.
pub fn iso(time: UnixTime) -> String {
    let date = i64::try_from(time).ok().and_then(|secs| OffsetDateTime::from_unix_timestamp(secs).ok());
    date.and_then(|date| date.format(&Rfc3339).ok()).unwrap_or_else(|| time.to_string())
}

/// Ticks at once and then every so often. After a time without any, as when the machine slept, there is one and not all that
/// were missed.
pub(crate) fn every(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
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
    fn times_are_iso_in_utc() {
        for (time, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_793_491_200, "2026-11-01T00:00:00Z"),
            (1_795_332_599, "2026-11-22T07:29:59Z"),
            (4_102_444_799, "2099-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (UnixTime::MAX, "18446744073709551615"),
        ] {
            assert_eq!(iso(time), text);
        }
    }

    #[test]
    fn what_is_due_is_due_again_after_the_interval_and_not_before() {
        let (mut last, interval, start) = (None, Duration::from_secs(30), Instant::now());
        let mut due = |secs| is_due(&mut last, interval, start + Duration::from_secs(secs));
        assert_eq!([due(0), due(0), due(29), due(30), due(59), due(61)], [true, false, false, true, false, true]);
    }
}
