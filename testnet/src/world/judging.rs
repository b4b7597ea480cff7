//! Judges a run: what became of every share that a miner was told is kept, and of those that nobody answered.

use anyhow::Context;

use super::{
    arrivals::{Arrivals, NodeLog, Spread, percentile},
    emulation::{Measured, World},
    outsiders::Siege,
    verdict::{Submits, WorldVerdict},
};
use crate::{miner::UNANSWERED, process::NodeProcess, supervisor::Verdict};

impl World {
    pub(super) async fn compare(
        &mut self,
        measured: &Measured,
        verdict: Verdict,
        siege: Siege,
    ) -> anyhow::Result<WorldVerdict> {
        let read = |node: &NodeProcess| self.place.log_text(&node.name).map(|text| NodeLog::read(&text));
        let arrivals = Arrivals::new(self.pool.nodes.iter().map(read).collect::<anyhow::Result<_>>()?);
        let acknowledged: Vec<&str> = arrivals.acknowledged(&measured.time).map(|(share, _)| share).collect();
        let api = self.first_node()?.api.clone();
        self.paid.follow(&api, api.status().await?.share_tip, 0).await?;
        let paid = &self.paid;
        let uncles = acknowledged.iter().filter(|share| paid.is_uncle(share)).count();
        let lost = acknowledged.iter().filter(|share| !paid.has(share) || !arrivals.is_everywhere(share)).count();
        let mut peers = 0;
        for node in &self.pool.nodes {
            peers += node.api.status().await?.peers;
        }
        let (traffic, spread) =
            (self.network.traffic(), arrivals.spread(&self.geography, &measured.time, &measured.gaps));
        let shares = acknowledged.len();
        let (hostile_bans, honest_bans) = arrivals.bans(self.started.0, &siege.identities);
        let resources = self.resources.sums();
        let slopes = resources.iter().filter_map(|node| node.rss_slope_mib_per_h);
        Ok(WorldVerdict {
            nodes: self.plan.nodes,
            seconds: self.plan.seconds,
            lost,
            uncle_rate: per(uncles, shares),
            peers_mean: per(peers, self.plan.nodes),
            bytes_per_share: measured.bytes / (shares.max(1) * self.plan.nodes.max(1)) as u64,
            same_tip: verdict.same_tip,
            same_payouts: verdict.same_payouts,
            honest_bans,
            hostile_bans,
            hostile_sessions: siege.sessions,
            junk_runs: siege.junk_runs,
            submits: self.submits()?,
            restarts: self.restarts.len(),
            restart_max_ms: self.restarts.iter().max().map(|took| took.as_secs_f64() * 1e3),
            rss_slope_mib_per_h: slopes.max_by(f64::total_cmp),
            resources,
            shares,
            share_interval_secs: self.plan.seconds as f64 / shares.max(1) as f64,
            healed_secs: measured.healed.iter().filter_map(|healed| healed.healed_secs).max_by(f64::total_cmp),
            partitions: measured.healed.clone(),
            blocks_found: verdict.blocks_found,
            rejected: verdict.rejected,
            frames_lost: traffic.lost().0,
            frames_full: traffic.lost().1,
            frames_cut: traffic.cut(),
            p99_switch_late_ms: traffic.lateness(990).as_secs_f64() * 1e3,
            differences: verdict.differences,
            ..spread_figures(&spread)
        })
    }

    /// What the miners' own logs say.
    fn submits(&self) -> anyhow::Result<Submits> {
        let mut all = Submits::default();
        for miner in 1..=self.plan.nodes {
            let log = self.place.log_text(&format!("miner-miner{miner}"))?;
            let counts =
                log.lines().rev().find(|line| line.starts_with("accepted ")).context("a miner did not report")?;
            all.add(counts).with_context(|| format!("a miner said {counts:?}"))?;
            let unanswered = log.lines().filter_map(|line| line.strip_prefix(UNANSWERED));
            all.unanswered_kept += unanswered.filter(|share| self.paid.has(share)).count() as u64;
        }
        Ok(all)
    }
}

fn spread_figures(spread: &Spread) -> WorldVerdict {
    WorldVerdict {
        shares_timed: spread.shares,
        p50_ratio: percentile(&spread.far_ratios, 50),
        p95_ratio: percentile(&spread.far_ratios, 95),
        p50_ratio_all: percentile(&spread.ratios, 50),
        p95_ratio_all: percentile(&spread.ratios, 95),
        p50_to_all_ms: percentile(&spread.to_all_ms, 50),
        p95_to_all_ms: percentile(&spread.to_all_ms, 95),
        p50_to_all_shortest_ms: percentile(&spread.to_all_shortest_ms, 50),
        p50_reach_ms: percentile(&spread.reach_ms, 50),
        p95_reach_ms: percentile(&spread.reach_ms, 95),
        p95_near_ms: percentile(&spread.near_ms, 95),
        ..WorldVerdict::default()
    }
}

fn per(part: usize, whole: usize) -> f64 {
    (part as f64 / whole.max(1) as f64 * 1e4).round() / 1e4
}
