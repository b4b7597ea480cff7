//! What the system gives: space on the disk, and open files.

use std::path::Path;

use nix::{
    sys::{
        resource::{Resource, getrlimit},
        statvfs::statvfs,
    },
    unistd::{AccessFlags, eaccess},
};

use super::Finding;
use crate::miners::connections_possible;

/// Below this there is not enough room for a day of logs and shares.
const FREE_WARNING: u64 = 5 << 30;
/// Below this the store may fail at any time.
const FREE_ERROR: u64 = 500 << 20;

/// Space where the data directory is or will be, and whether it can be written to.
pub(super) fn disk(data_dir: &Path) -> Finding {
    // The first start makes what is missing.
    let Some(existing) = data_dir.ancestors().find(|folder| folder.exists()) else {
        return Finding::error("disk", format!("there is no folder above {}", data_dir.display()));
    };
    // "" stands for the current folder.
    let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
    let subject = data_dir.display().to_string();
    if let Err(cause) = eaccess(existing, AccessFlags::W_OK | AccessFlags::X_OK) {
        return Finding::error("disk", format!("{} cannot be written to", existing.display()))
            .about(subject)
            .because(cause.desc())
            .fix("run the node as the folder's owner, or choose another --data-dir");
    }
    match statvfs(existing) {
        Ok(space) => free(space.blocks_available().saturating_mul(space.fragment_size())).about(subject),
        Err(cause) => {
            Finding::skipped("disk", "the system does not say how much is free").about(subject).because(cause.desc())
        }
    }
}

fn free(bytes: u64) -> Finding {
    let text = format!("{}.{} GiB free", bytes >> 30, (bytes >> 20) % 1_024 * 10 / 1_024);
    let fix = "make room, or move the data directory to a larger disk";
    if bytes < FREE_ERROR {
        return Finding::error("disk", text)
            .because("without room no share can be kept, and then none is mined")
            .fix(fix);
    }
    if bytes < FREE_WARNING { Finding::warning("disk", text).fix(fix) } else { Finding::ok("disk", text) }
}

/// Open files that the system lets this process have, beside the miners it is configured for.
pub(super) fn file_limit(connections_max: usize) -> Finding {
    match getrlimit(Resource::RLIMIT_NOFILE) {
        Ok((_, hard)) => files(connections_max, hard),
        Err(cause) => Finding::skipped("file-limit", "the system does not say").because(cause.desc()),
    }
}

/// The node raises the soft limit to the hard one.
fn files(connections_max: usize, hard: u64) -> Finding {
    let possible = connections_possible(connections_max, hard);
    if possible >= connections_max {
        let limit = if hard > u64::from(u32::MAX) { "no limit".to_owned() } else { format!("{hard} open files") };
        return Finding::ok("file-limit", format!("{limit}: enough for {connections_max} miners"));
    }
    Finding::warning("file-limit", format!("{hard} open files: enough for {possible} of {connections_max} miners"))
        .because("a service manager may give the node another limit than this shell has")
        .fix("raise the hard limit (ulimit -Hn, LimitNOFILE=), or lower stratum.connections_max")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostics::Severity;

    #[test]
    fn little_space_warns_and_none_fails() {
        let judged = |bytes| {
            let found = free(bytes);
            (found.severity, found.finding)
        };
        assert_eq!(judged(FREE_ERROR - 1), (Severity::Error, "0.4 GiB free".to_owned()));
        assert_eq!(judged(FREE_ERROR).0, Severity::Warning);
        assert_eq!(judged(FREE_WARNING - 1), (Severity::Warning, "4.9 GiB free".to_owned()));
        assert_eq!(judged(FREE_WARNING), (Severity::Ok, "5.0 GiB free".to_owned()));
        assert_eq!(judged(u64::MAX).0, Severity::Ok);
    }

    #[test]
    fn a_folder_that_is_not_there_is_judged_by_the_one_above() {
        let folder = tempfile::tempdir().unwrap();
        let found = disk(&folder.path().join("not/yet/there"));
        assert!(matches!(found.severity, Severity::Ok | Severity::Warning), "{found:?}");
        assert!(found.subject.unwrap().ends_with("not/yet/there"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn few_open_files_are_few_miners() {
        assert_eq!(files(1_000, 1_512).severity, Severity::Ok);
        let found = files(16_384, 1_024);
        assert_eq!(found.severity, Severity::Warning);
        assert_eq!(found.finding, "1024 open files: enough for 512 of 16384 miners");
        assert_eq!(files(10, u64::MAX).finding, "no limit: enough for 10 miners");
    }
}
