//! This machine's clock beside others'.

use super::Finding;

/// A difference that costs shares: headers from the future are held back by others.
const DIFFERENCE_WARNING_SECS: u64 = 30;
/// A difference that makes work worthless.
const DIFFERENCE_ERROR_SECS: u64 = 120;

/// Whose clock it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Against {
    /// The daemon's: its template has its time.
    Daemon,
    /// The share chain's: its newest share may be old, and should not be from the future.
    Peers,
}

/// Judges by how much `theirs` differs from `ours`, Unix seconds.
pub(super) fn judge(theirs: u64, ours: u64, against: Against) -> Finding {
    let (ahead, behind) = (theirs.saturating_sub(ours), ours.saturating_sub(theirs));
    let (who, difference) = match against {
        Against::Daemon => ("the daemon's clock", ahead.max(behind)),
        Against::Peers => ("the newest share", ahead),
    };
    let text = match (ahead, against) {
        (0, Against::Peers) => format!("{who} is not from the future"),
        (0, Against::Daemon) => format!("{who} is {behind} s behind this machine's"),
        (ahead, _) => format!("{who} is {ahead} s ahead of this machine's clock"),
    };
    let fix = "set the clocks by NTP (timedatectl set-ntp true) on this machine and that of the daemon";
    if difference > DIFFERENCE_ERROR_SECS {
        Finding::error("clock", text).because("headers would have a time that others refuse").fix(fix)
    } else if difference > DIFFERENCE_WARNING_SECS {
        Finding::warning("clock", text).fix(fix)
    } else {
        Finding::ok("clock", text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Severity;

    #[test]
    fn clocks_may_differ_by_half_a_minute() {
        let severity = |theirs, against| judge(theirs, 1_000, against).severity;
        let daemon =
            [880 - 1, 880, 970 - 1, 970, 1_000, 1_030, 1_031, 1_120, 1_121].map(|time| severity(time, Against::Daemon));
        use Severity::{Error, Ok, Warning};
        assert_eq!(daemon, [Error, Warning, Warning, Ok, Ok, Ok, Warning, Warning, Error]);
        let peers = [0, 1_030, 1_031, 1_121].map(|time| severity(time, Against::Peers));
        assert_eq!(peers, [Ok, Ok, Warning, Error]);
        assert_eq!(
            judge(1_200, 1_000, Against::Peers).finding,
            "the newest share is 200 s ahead of this machine's clock"
        );
        assert_eq!(judge(990, 1_000, Against::Daemon).finding, "the daemon's clock is 10 s behind this machine's");
    }
}
