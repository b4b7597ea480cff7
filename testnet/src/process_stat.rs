//! CPU time and memory of a process, as Linux tells them under `/proc`. Looks at a process, never touches it.

use std::path::PathBuf;

use anyhow::Context;
use nix::unistd::{SysconfVar, sysconf};

/// Fields of `stat` between the closing parenthesis of the name and the user time; the system time follows it.
const FIELDS_BEFORE_CPU: usize = 11;

/// A process that is looked at.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    folder: PathBuf,
    ticks_per_sec: u32,
}

impl Process {
    /// The process with this number.
    ///
    /// # Errors
    /// When there is none, or the system does not tell.
    pub(crate) fn find(pid: u32) -> anyhow::Result<Self> {
        Self::named(format!("process {pid}"), &pid.to_string())
    }

    /// The process that asks.
    ///
    /// # Errors
    /// When the system does not tell.
    pub(crate) fn this() -> anyhow::Result<Self> {
        Self::named("this process".to_owned(), "self")
    }

    fn named(name: String, folder: &str) -> anyhow::Result<Self> {
        let ticks = sysconf(SysconfVar::CLK_TCK).ok().flatten().and_then(|ticks| u32::try_from(ticks).ok());
        let ticks_per_sec = ticks.filter(|ticks| *ticks > 0).context("the system does not tell its clock ticks")?;
        let process = Self { name, folder: PathBuf::from("/proc").join(folder), ticks_per_sec };
        process.cpu_secs()?;
        Ok(process)
    }

    /// Seconds of CPU time of all its threads since it started, in steps of a clock tick (10 ms).
    ///
    /// # Errors
    /// When it ended.
    pub(crate) fn cpu_secs(&self) -> anyhow::Result<f64> {
        let ticks =
            cpu_ticks(&self.read("stat")?).with_context(|| format!("no CPU time in the stat of {}", self.name))?;
        #[expect(clippy::cast_precision_loss, reason = "2^53 ticks are three million years")]
        let ticks = ticks as f64;
        Ok(ticks / f64::from(self.ticks_per_sec))
    }

    /// Bytes of memory it holds.
    ///
    /// # Errors
    /// When it ended.
    pub(crate) fn rss_bytes(&self) -> anyhow::Result<u64> {
        rss_bytes(&self.read("status")?).with_context(|| format!("no memory in the status of {}", self.name))
    }

    fn read(&self, file: &str) -> anyhow::Result<String> {
        let path = self.folder.join(file);
        std::fs::read_to_string(&path).with_context(|| format!("cannot look at {} ({})", self.name, path.display()))
    }
}

/// User and system time from `/proc/PID/stat`.
fn cpu_ticks(stat: &str) -> Option<u64> {
    // The name is in parentheses and may hold spaces and parentheses itself.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_ascii_whitespace().skip(FIELDS_BEFORE_CPU).map(str::parse::<u64>);
    let (user, system) = (times.next()?.ok()?, times.next()?.ok()?);
    user.checked_add(system)
}

/// Resident memory from `/proc/PID/status`.
fn rss_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim_end().parse::<u64>().ok()?.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_user_plus_system_whatever_the_name() {
        for name in ["poolnode", "a b", "a) S 1 2 (b", ")"] {
            let stat = format!(
                "4242 ({name}) S 1 4242 4242 0 -1 4194304 5000 0 1 0 1234 566 7 8 20 0 9 0 100 270000000 40000 \
                 18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 1 0 0 0 0 0\n"
            );
            assert_eq!(cpu_ticks(&stat), Some(1_800), "{name}");
        }
        assert_eq!(cpu_ticks("4242 (poolnode) S 1 2"), None);
        assert_eq!(cpu_ticks(""), None);
    }

    #[test]
    fn memory_is_in_bytes() {
        assert_eq!(
            rss_bytes("Name:\tpoolnode\nVmHWM:\t  99999 kB\nVmRSS:\t   12345 kB\nThreads:\t4\n"),
            Some(12_641_280)
        );
        // A zombie has none.
        assert_eq!(rss_bytes("Name:\tpoolnode\nState:\tZ (zombie)\n"), None);
    }

    #[test]
    fn this_process_has_both_and_no_process_is_refused_in_words() {
        let this = Process::this().unwrap();
        assert!(this.cpu_secs().unwrap() >= 0.0);
        assert!(this.rss_bytes().unwrap() > 1 << 20);
        // Beyond the greatest number that Linux gives.
        let error = Process::find(1 << 30).unwrap_err();
        assert!(format!("{error:#}").contains("cannot look at process 1073741824"), "{error:#}");
    }
}
