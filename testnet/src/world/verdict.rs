//! What an emulated world did, and whether it kept its promises. Pure.

use serde::Serialize;

use super::resources::NodeResources;

/// Growth of a node's memory that is none: what an hour's logs and measurements make of it.
const RSS_SLOPE_MAX_MIB_PER_H: f64 = 1.0;

/// Figures of one run. Ratios are the time from the finder of a share to a node over the shortest path between them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct WorldVerdict {
    /// How many nodes ran.
    pub nodes: usize,
    /// Measured time.
    pub seconds: u64,
    /// Median ratio of nodes at least 20 ms apart.
    pub p50_ratio: Option<f64>,
    /// 95 of 100 are not above it.
    pub p95_ratio: Option<f64>,
    /// Median time from the finder until all nodes have a share, milliseconds.
    pub p50_to_all_ms: Option<f64>,
    /// 95 of 100 shares were everywhere in it.
    pub p95_to_all_ms: Option<f64>,
    /// What the median would be over the shortest paths: no choice of peers makes it less.
    pub p50_to_all_shortest_ms: Option<f64>,
    /// Shares that were acknowledged to miners and are in no payout, or not on every node.
    pub lost: usize,
    /// Share of the acknowledged ones that was merged as uncles.
    pub uncle_rate: f64,
    /// Connected peers of a node at the end, inbound ones included, on average.
    pub peers_mean: f64,
    /// Bytes that a node receives from its peers per share of the pool, of everything it is sent.
    pub bytes_per_share: u64,
    /// All nodes have the same best share.
    pub same_tip: bool,
    /// Every block pays what every node computes, and all nodes would pay the next one alike.
    pub same_payouts: bool,
    /// Bans that nodes of this pool laid on each other and on their miners.
    pub honest_bans: usize,
    /// Bans that they laid on hostile peers and miners.
    pub hostile_bans: usize,
    /// Sessions that hostile peers began.
    pub hostile_sessions: u64,
    /// Visits of junk connections to the nodes' Stratum.
    pub junk_runs: u64,
    /// What became of everything that the miners submitted, by their own logs.
    pub submits: Submits,
    /// Nodes that were started again, after a stop or a kill.
    pub restarts: usize,
    /// The longest time from the start of the process until it had work for its miners.
    pub restart_max_ms: Option<f64>,
    /// The steepest growth of a node's memory, of those that were looked at long enough.
    pub rss_slope_mib_per_h: Option<f64>,
    /// What each node took of the machine.
    pub resources: Vec<NodeResources>,
    /// Acknowledged shares.
    pub shares: usize,
    /// Those of them that ratios are of: not found in a partition or before it healed.
    pub shares_timed: usize,
    /// Mean time between shares.
    pub share_interval_secs: f64,
    /// Median ratio of all nodes, near ones included.
    pub p50_ratio_all: Option<f64>,
    /// 95 of 100 are not above it.
    pub p95_ratio_all: Option<f64>,
    /// Median time from finder to node, milliseconds.
    pub p50_reach_ms: Option<f64>,
    /// 95 of 100 nodes were reached in it.
    pub p95_reach_ms: Option<f64>,
    /// The same of nodes of the finder's region, 6 ms away.
    pub p95_near_ms: Option<f64>,
    /// The longest time from contact after a partition to one tip.
    pub healed_secs: Option<f64>,
    /// Each partition.
    pub partitions: Vec<Healed>,
    /// Blocks on the parent chain since the start.
    pub blocks_found: usize,
    /// Submits that were refused, stale ones included.
    pub rejected: u64,
    /// Frames that were lost by chance.
    pub frames_lost: u64,
    /// Frames that the switch or a device had no room for.
    pub frames_full: u64,
    /// Frames that a partition stopped.
    pub frames_cut: u64,
    /// How late the switch was with 99 of 100 frames at most, milliseconds: above 1 the machine was too busy to measure.
    pub p99_switch_late_ms: f64,
    /// What differs between blocks and nodes, for people.
    #[serde(skip)]
    pub differences: Vec<String>,
}

/// What became of submits, as the miners saw it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Submits {
    /// Answered with yes.
    pub accepted: u64,
    /// Too late.
    pub stale: u64,
    /// Refused for another reason.
    pub rejected: u64,
    /// Never answered, because the connection ended.
    pub unanswered: u64,
    /// Those of them that are paid for all the same.
    pub unanswered_kept: u64,
}

impl Submits {
    /// Adds the last report of a miner: words and numbers in turn. `None` when it is none.
    pub(super) fn add(&mut self, report: &str) -> Option<()> {
        let words: Vec<&str> = report.split_whitespace().collect();
        let count =
            |name: &str| words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1)?.parse().ok());
        let counts: [Option<u64>; 4] = ["accepted", "stale", "rejected", "unanswered"].map(count);
        self.accepted += counts[0]?;
        self.stale += counts[1]?;
        self.rejected += counts[2]?;
        self.unanswered += counts[3]?;
        Some(())
    }
}

/// How a partition healed.
#[derive(Clone, Debug, Serialize)]
pub struct Healed {
    /// Who was cut off.
    pub region: String,
    /// When it began.
    pub start_secs: u64,
    /// How long it lasted.
    pub length_secs: u64,
    /// From its end until two nodes of different sides had heard each other.
    pub contact_secs: Option<f64>,
    /// From then until all nodes had one tip.
    pub healed_secs: Option<f64>,
    /// What that may take: three shares and two round trips.
    pub bound_secs: f64,
}

impl Healed {
    fn is_in_time(&self) -> bool {
        self.healed_secs.is_some_and(|secs| secs <= self.bound_secs)
    }
}

impl WorldVerdict {
    /// Whether the world keeps its promises. Ratios are none: they are figures of the machine too.
    ///
    /// # Errors
    /// The first promise that is broken.
    pub fn kept_promises(&self) -> Result<(), &'static str> {
        if self.shares == 0 {
            Err("no share was found")
        } else if !self.same_tip {
            Err("the nodes do not agree on a tip")
        } else if !self.same_payouts {
            Err("the nodes do not agree on payouts")
        } else if self.honest_bans > 0 {
            Err("honest peers were banned")
        } else if !self.partitions.iter().all(Healed::is_in_time) {
            Err("a partition did not heal in time")
        } else if self.lost > 0 && self.partitions.is_empty() {
            // A cut off region may find shares that are too deep to be merged when it comes back: the devnet merges 16 heights.
            Err("acknowledged shares were lost")
        } else if self.submits.rejected > 0 {
            Err("miners' submits were refused")
        } else if self.submits.unanswered > self.submits.unanswered_kept {
            Err("submits were neither answered nor kept")
        } else if self.rss_slope_mib_per_h.is_some_and(|slope| slope >= RSS_SLOPE_MAX_MIB_PER_H) {
            Err("a node's memory grows")
        } else {
            Ok(())
        }
    }

    /// The verdict on a world of which something died: no promise is kept.
    pub fn broken(nodes: usize, cause: &anyhow::Error) -> Self {
        Self { nodes, differences: vec![format!("{cause:#}")], ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> WorldVerdict {
        WorldVerdict { shares: 5, same_tip: true, same_payouts: true, ..WorldVerdict::default() }
    }

    fn healed(healed_secs: Option<f64>) -> Healed {
        let region = "AS".to_owned();
        Healed { region, start_secs: 1, length_secs: 30, contact_secs: Some(1.0), healed_secs, bound_secs: 3.65 }
    }

    #[test]
    fn every_promise_can_be_broken() {
        assert_eq!(good().kept_promises(), Ok(()));
        let broken = [
            WorldVerdict { shares: 0, ..good() },
            WorldVerdict { same_tip: false, ..good() },
            WorldVerdict { same_payouts: false, ..good() },
            WorldVerdict { honest_bans: 1, ..good() },
            WorldVerdict { submits: Submits { rejected: 1, ..Submits::default() }, ..good() },
            WorldVerdict { submits: Submits { unanswered: 2, unanswered_kept: 1, ..Submits::default() }, ..good() },
            WorldVerdict { rss_slope_mib_per_h: Some(1.0), ..good() },
            WorldVerdict { lost: 1, ..good() },
            WorldVerdict { partitions: vec![healed(Some(3.0)), healed(Some(3.7))], ..good() },
            WorldVerdict { partitions: vec![healed(None)], ..good() },
            WorldVerdict::broken(3, &anyhow::anyhow!("a node is gone")),
        ];
        let causes: std::collections::BTreeSet<_> =
            broken.iter().map(|verdict| verdict.kept_promises().unwrap_err()).collect();
        assert_eq!(causes.len(), 9, "{causes:?}");
    }

    #[test]
    fn a_partition_may_cost_shares_but_not_time() {
        let late = WorldVerdict { lost: 3, partitions: vec![healed(Some(3.6))], ..good() };
        assert_eq!(late.kept_promises(), Ok(()));
    }

    #[test]
    fn the_last_report_of_a_miner_is_read() {
        let mut submits = Submits::default();
        assert_eq!(submits.add("accepted 12  stale 3  rejected 0  unanswered 1  0.32 MH/s"), Some(()));
        let expected = Submits { accepted: 12, stale: 3, rejected: 0, unanswered: 1, unanswered_kept: 0 };
        assert_eq!((submits, submits.add("accepted 12")), (expected, None));
    }
}
