//! The real clock. Only tasks read it; everything they drive takes the time as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

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
