//! What the system says of this process.

use std::fs;

use nix::unistd::{SysconfVar, sysconf};
use sharechain::UnixTime;
use tokio::runtime::Handle;

/// What Prometheus calls the standard metrics of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Process {
    /// When it started, Unix seconds.
    pub started_at: UnixTime,
    /// Memory that it holds.
    pub resident_bytes: Option<u64>,
    /// Files and sockets that are open.
    pub open_fds: Option<u64>,
    /// Tasks of the runtime that have not ended: a number that only grows is a leak.
    pub tasks: Option<u64>,
}

impl Process {
    /// As it is now, where the system has `/proc`.
    pub fn now(started_at: UnixTime) -> Self {
        Self { started_at, resident_bytes: resident_bytes(), open_fds: open_fds(), tasks: tasks() }
    }
}

fn resident_bytes() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    let page = u64::try_from(sysconf(SysconfVar::PAGE_SIZE).ok()??).ok()?;
    pages.checked_mul(page)
}

/// Linux tells the number as the folder's size since version 6.2. Before that they are counted, a millisecond a thousand.
fn open_fds() -> Option<u64> {
    const FOLDER: &str = "/proc/self/fd";
    let told = fs::metadata(FOLDER).ok()?.len();
    if told > 0 { Some(told) } else { u64::try_from(fs::read_dir(FOLDER).ok()?.count()).ok() }
}

/// None outside a runtime.
fn tasks() -> Option<u64> {
    let runtime = Handle::try_current().ok()?;
    u64::try_from(runtime.metrics().num_alive_tasks()).ok()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn the_system_knows_this_process() {
        let process = Process::now(7);
        assert!(process.resident_bytes.unwrap() > 1 << 20);
        let before = process.open_fds.unwrap();
        let held: Vec<_> = (0..200).map(|_| fs::File::open("/proc/self/statm").unwrap()).collect();
        // Other tests open and close files too.
        assert!(before > 2 && open_fds().unwrap() > before + 100, "{before}");
        drop(held);
    }

    #[test]
    fn tasks_are_counted_while_they_live() {
        assert_eq!(Process::now(7).tasks, None, "there is no runtime");
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let task = tokio::spawn(std::future::pending::<()>());
            assert_eq!(Process::now(7).tasks, Some(1));
            task.abort();
            assert!(task.await.is_err());
            assert_eq!(Process::now(7).tasks, Some(0));
        });
    }
}
