//! What nodes take of the machine while a world runs: memory, files and tasks, as their own metrics tell them. Pure, but for
//! the file that every look is written to.

use std::{fs::File, io::Write, path::Path};

use anyhow::Context;
use serde::Serialize;

/// Where all looks are kept, in the folder of the run.
const FILE: &str = "resources.csv";
/// Seconds after a process started in which its memory still grows: until it keeps the 2,400 shares that it ever will, and the
/// 8,192 events.
const SETTLING_SECS: f64 = 4_500.0;
/// Looks that a slope is of, at least: ten minutes.
const LOOKS_MIN: usize = 60;
const BYTES_PER_MIB: f64 = 1_048_576.0;

/// One look at one node.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Look {
    /// Seconds since the world began.
    pub(super) secs: f64,
    /// When the process began that is looked at, Unix seconds.
    process: f64,
    rss_bytes: f64,
    open_fds: f64,
    tasks: f64,
}

impl Look {
    /// Reads a node's metrics; `None` when one is missing.
    pub(super) fn read(secs: f64, metrics: &str) -> Option<Self> {
        let value = |name: &str| {
            let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line?.split(' ').next()?.parse().ok()
        };
        Some(Self {
            secs,
            process: value("process_start_time_seconds")?,
            rss_bytes: value("process_resident_memory_bytes")?,
            open_fds: value("process_open_fds")?,
            tasks: value("poolnode_tasks")?,
        })
    }
}

/// All looks.
#[derive(Debug)]
pub(super) struct Resources {
    file: File,
    /// By the index of the node.
    nodes: Vec<Vec<Look>>,
}

/// What one node took.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeResources {
    /// Its name.
    pub node: String,
    /// How often it was looked at, every process of it.
    pub looks: usize,
    /// Memory when its last process had settled, at the end, and at most, MiB.
    pub rss_mib: [f64; 3],
    /// The median slope of its memory from then on, MiB an hour; `None` when there were less than ten minutes left.
    pub rss_slope_mib_per_h: Option<f64>,
    /// Open files and sockets: the same three moments.
    pub open_fds: [f64; 3],
    /// Tasks: the same three moments.
    pub tasks: [f64; 3],
}

impl Resources {
    /// None of so many nodes so far.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn new(folder: &Path, nodes: usize) -> anyhow::Result<Self> {
        let path = folder.join(FILE);
        let mut file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        writeln!(file, "seconds,node,process,rss_bytes,open_fds,tasks").context("cannot write what nodes take")?;
        Ok(Self { file, nodes: vec![Vec::new(); nodes] })
    }

    /// Takes note of a look.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub(super) fn note(&mut self, node: usize, look: Look) -> anyhow::Result<()> {
        let Look { secs, process, rss_bytes, open_fds, tasks } = look;
        let number = node + 1;
        writeln!(self.file, "{secs:.1},{number},{process},{rss_bytes},{open_fds},{tasks}")
            .context("cannot write what nodes take")?;
        self.nodes[node].push(look);
        Ok(())
    }

    /// What each took.
    pub(super) fn sums(&self) -> Vec<NodeResources> {
        self.nodes.iter().enumerate().filter_map(|(node, looks)| sum(format!("node{}", node + 1), looks)).collect()
    }
}

fn sum(node: String, looks: &[Look]) -> Option<NodeResources> {
    let last = looks.last()?;
    let first = looks.iter().find(|look| look.process == last.process)?;
    let is_settled = |look: &&Look| look.process == last.process && look.secs >= first.secs + SETTLING_SECS;
    let settled: Vec<Look> = looks.iter().filter(is_settled).copied().collect();
    let begin = settled.first().unwrap_or(first);
    let moments = |of: fn(&Look) -> f64| {
        let most = looks.iter().map(of).max_by(f64::total_cmp).unwrap_or_default();
        [of(begin), of(last), most]
    };
    Some(NodeResources {
        node,
        looks: looks.len(),
        rss_mib: moments(|look| look.rss_bytes).map(|bytes| rounded(bytes / BYTES_PER_MIB)),
        rss_slope_mib_per_h: slope_per_sec(&settled).map(|slope| rounded(slope * 3_600.0 / BYTES_PER_MIB)),
        open_fds: moments(|look| look.open_fds),
        tasks: moments(|look| look.tasks),
    })
}

/// The median of the slopes between any two looks (Theil 1950, Sen 1968): one jump does not bend it, a leak does.
fn slope_per_sec(looks: &[Look]) -> Option<f64> {
    if looks.len() < LOOKS_MIN {
        return None;
    }
    let pairs =
        looks.iter().enumerate().flat_map(|(index, one)| looks[index + 1..].iter().map(move |other| (one, other)));
    let mut slopes: Vec<f64> = pairs
        .filter(|(one, other)| other.secs > one.secs)
        .map(|(one, other)| (other.rss_bytes - one.rss_bytes) / (other.secs - one.secs))
        .collect();
    slopes.sort_by(f64::total_cmp);
    slopes.get(slopes.len() / 2).copied()
}

fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(process: u32, rss: f64) -> String {
        format!(
            "# HELP process_open_fds Files\n# TYPE process_open_fds gauge\nprocess_open_fds 40\nprocess_open_fds_max 9\n\
             process_start_time_seconds {process}\nprocess_resident_memory_bytes {rss}\npoolnode_tasks 33\n# EOF\n"
        )
    }

    #[test]
    fn a_look_reads_metrics_by_their_whole_names() {
        let look = Look { secs: 7.0, process: 5.0, rss_bytes: 2_097_152.0, open_fds: 40.0, tasks: 33.0 };
        assert_eq!(Look::read(7.0, &metrics(5, 2_097_152.0)), Some(look));
        assert_eq!(Look::read(7.0, "process_open_fds 40\n"), None);
    }

    /// A node that was restarted after 100 s and then grows by `mib_per_h`, with a jump at one moment.
    fn looks(mib_per_h: f64) -> Vec<Look> {
        let at = |step: u32| {
            let secs = f64::from(step) * 10.0;
            let jump = if step == 600 { 50.0 } else { 0.0 };
            let mib = 20.0 + jump + secs / 3_600.0 * mib_per_h;
            Look::read(secs, &metrics(1 + step / 10, mib * BYTES_PER_MIB).replace("seconds 1\n", "seconds 0\n"))
        };
        let one_process = |look: Look| Look { process: f64::from(u8::from(look.secs >= 100.0)), ..look };
        (0..700).filter_map(at).map(one_process).collect()
    }

    #[test]
    fn a_leak_is_seen_and_a_jump_is_not() {
        let slope = |mib_per_h| sum(String::new(), &looks(mib_per_h)).unwrap().rss_slope_mib_per_h.unwrap();
        assert!(slope(0.0).abs() < 0.01, "{}", slope(0.0));
        assert!((slope(5.0) - 5.0).abs() < 0.1, "{}", slope(5.0));
    }

    #[test]
    fn memory_is_compared_with_what_the_last_process_had_when_it_had_settled() {
        let sum = sum("node1".to_owned(), &looks(36.0)).unwrap();
        assert_eq!((sum.looks, sum.rss_mib), (700, [66.0, 89.9, 130.0]));
        assert_eq!((sum.open_fds, sum.tasks), ([40.0; 3], [33.0; 3]));
        assert_eq!(super::sum(String::new(), &[]), None);
        let short = super::sum(String::new(), &looks(1.0)[..50]).unwrap();
        assert_eq!(short.rss_slope_mib_per_h, None, "too short to tell");
    }
}
