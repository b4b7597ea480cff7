//! The real clock. Only tasks read it; everything they drive takes the time as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

use sharechain::UnixTime;

/// Seconds since 1970; 0 on a machine that believes it is earlier.
pub fn unix_now() -> UnixTime {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
