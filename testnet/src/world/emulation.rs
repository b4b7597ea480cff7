//! A whole run: starts a pool in its world, lets it mine, cuts it as the script says, and judges it.

use std::{
    ops::Range,
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, ensure};
use node::{api::client::ApiClient, peer_selector::Selection};
use tokio::{
    task::JoinHandle,
    time::{sleep, sleep_until},
};

use super::{
    arrivals::{Arrivals, LOG_FILTER, Micros, NodeLog, Spread, micros, percentile},
    chain,
    chain_walk::PaidShares,
    delay_line::Loss,
    geography::Geography,
    healing::Watch,
    network::{Network, loopback},
    partition::Partition,
    verdict::{Healed, WorldVerdict},
};
use crate::{
    folder::Folder,
    process::{NodeOptions, NodeProcess, Place},
    supervisor::{Pool, Verdict},
};

/// Time for all nodes to sync and to find the first shares.
const READY_TIMEOUT: Duration = Duration::from_secs(180);
/// Shares before anything is measured: the first ones come faster than they should.
const READY_HEIGHT: u64 = 10;
/// Mining goes on for this long after the measured time, so that its last uncles are merged.
const EPILOGUE: Duration = Duration::from_secs(10);
/// Time between two reports.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);
/// The devnet's wanted time between shares; three of them may pass until a partition has healed.
const SHARE_INTERVAL: Duration = Duration::from_secs(1);
/// Heights walked below the first measured one: a share of a fork may be merged from there.
const WALK_BELOW: u64 = 20;

/// What to run.
#[derive(Clone, Debug)]
pub struct WorldPlan {
    /// How many nodes.
    pub nodes: usize,
    /// Folder for everything; `None` for a temporary one.
    pub dir: Option<PathBuf>,
    /// Wanted seconds between parent blocks.
    pub block_interval_secs: u32,
    /// Hashes per second of each miner.
    pub hashrate_max: Option<f64>,
    /// Time that shares are found in before any is measured: peers are chosen by what was measured of them.
    pub warm_up_secs: u64,
    /// Measured time.
    pub seconds: u64,
    /// Most outbound peers of each node; as nodes have it without.
    pub outbound_max: Option<usize>,
    /// How nodes choose them.
    pub selection: Selection,
    /// Who is cut off when.
    pub partitions: Vec<Partition>,
    /// Frames lost by chance, out of a million.
    pub loss_per_million: u32,
    /// Of that chance.
    pub seed: u64,
}

/// A pool in its world. Fields go in this order: processes first, the network under them last.
#[derive(Debug)]
pub struct World {
    /// The pool.
    pool: Pool,
    started: Micros,
    plan: WorldPlan,
    geography: Geography,
    place: Place,
    network: Network,
}

/// The measured time.
struct Measured {
    time: Range<Micros>,
    first_height: u64,
    bytes: u64,
    healed: Vec<Healed>,
    /// When partitions kept shares from their normal way.
    gaps: Vec<Range<Micros>>,
}

impl World {
    /// Starts everything.
    ///
    /// # Errors
    /// Without the rights, and when something does not come up.
    pub async fn start(plan: WorldPlan) -> anyhow::Result<Self> {
        for partition in &plan.partitions {
            ensure!(partition.end_secs() < plan.seconds, "partition {partition} is not over after {} s", plan.seconds);
        }
        let geography = Geography::new(plan.nodes);
        let mut network = Network::new(&geography, Loss::new(plan.loss_per_million, plan.seed))?;
        let folder = Folder::new(plan.dir.as_deref())?;
        let (started, place) = (micros(SystemTime::now()), Place::new(folder.path())?);
        let devnet = place.devnet(plan.block_interval_secs).await?;

        let (mut nodes, mut miners) = (Vec::new(), Vec::new());
        let daemon = loopback(&devnet.rpc)?;
        for node in 0..plan.nodes {
            let rpc = network.outwards(node, daemon)?;
            let config = chain::write_config(folder.path(), node, &format!("http://{rpc}"))?;
            let options = options(&plan, &geography, node, config);
            let process = network.place(node, &place).node(&format!("node{}", node + 1), &options).await?;
            nodes.push(network.reach(node, process)?);
        }
        for (index, node) in nodes.iter().enumerate() {
            let name = format!("miner{}", index + 1);
            miners.push(place.miner(&name, &node.endpoints.stratum, plan.hashrate_max)?);
        }
        let pool = Pool::of(devnet, nodes, miners, folder).await?;
        Ok(Self { pool, started, plan, geography, place, network })
    }

    /// Mines for the planned time and judges; lines for people go to `say`.
    ///
    /// # Errors
    /// When a process is gone or does not answer.
    pub async fn run(&mut self, say: impl Fn(&str)) -> anyhow::Result<WorldVerdict> {
        self.wait_until_ready().await?;
        say(&format!(
            "{} nodes mine; the measured {} s begin in {} s",
            self.plan.nodes, self.plan.seconds, self.plan.warm_up_secs
        ));
        self.report_until(Instant::now() + Duration::from_secs(self.plan.warm_up_secs), &say).await?;
        let measured = self.measure(&say).await?;
        say("stopping");
        sleep(EPILOGUE).await;
        let verdict = self.pool.judge().await?;
        self.compare(&measured, verdict).await
    }

    /// The pool, to be stopped, and what it needs until then.
    pub fn into_parts(self) -> (Pool, Network) {
        (self.pool, self.network)
    }

    async fn wait_until_ready(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            let lines = self.pool.report().await?;
            let mut ready = true;
            for node in &self.pool.nodes {
                let status = node.api.status().await?;
                ready &= status.mining && status.share_height >= READY_HEIGHT;
            }
            if ready {
                return Ok(());
            }
            ensure!(started.elapsed() < READY_TIMEOUT, "not all nodes mine:\n{}", lines.join("\n"));
            sleep(Duration::from_millis(500)).await;
        }
    }

    async fn report_until(&mut self, end: Instant, say: &impl Fn(&str)) -> anyhow::Result<()> {
        while Instant::now() < end {
            sleep_until(end.min(Instant::now() + REPORT_INTERVAL).into()).await;
            for line in self.pool.report().await? {
                say(&line);
            }
        }
        Ok(())
    }

    async fn measure(&mut self, say: &impl Fn(&str)) -> anyhow::Result<Measured> {
        let first_height = self.first_node()?.status().await?.share_height;
        let began = (Instant::now(), SystemTime::now());
        let bytes_before = self.network.traffic().bytes();
        self.network.traffic().forget_lateness();
        let watches = self.start_partitions(began);
        let end = began.0 + Duration::from_secs(self.plan.seconds);
        self.report_until(end, say).await?;
        let bytes = self.network.traffic().bytes() - bytes_before;
        let time = micros(began.1)..micros(SystemTime::now());
        let (mut healed, mut gaps) = (Vec::new(), Vec::new());
        for watch in watches {
            let (partition, gap) = watch.await.context("a watch panicked")?;
            healed.push(partition);
            gaps.push(gap);
        }
        Ok(Measured { time, first_height, bytes, healed, gaps })
    }

    /// Tells the switch of the partitions and watches them heal.
    fn start_partitions(&self, began: (Instant, SystemTime)) -> Vec<JoinHandle<(Healed, Range<Micros>)>> {
        let regions: Vec<_> = (0..self.geography.len()).map(|node| self.geography.region(node)).collect();
        self.network
            .switch()
            .set_cuts(self.plan.partitions.iter().map(|partition| partition.cut(began.0, &regions)).collect());
        let watch = Watch {
            apis: self.pool.nodes.iter().map(|node| node.api.clone()).collect(),
            traffic: self.network.traffic().clone(),
            began,
            bound: 3 * SHARE_INTERVAL + 2 * self.geography.round_trip_max(),
        };
        let partitions = self.plan.partitions.iter().enumerate();
        partitions.map(|(index, partition)| tokio::spawn(watch.clone().heal(index, *partition))).collect()
    }

    async fn compare(&self, measured: &Measured, verdict: Verdict) -> anyhow::Result<WorldVerdict> {
        let read = |node: &NodeProcess| self.place.log_text(&node.name).map(|text| NodeLog::read(&text));
        let arrivals = Arrivals::new(self.pool.nodes.iter().map(read).collect::<anyhow::Result<_>>()?);
        let acknowledged: Vec<&str> = arrivals.acknowledged(&measured.time).map(|(share, _)| share).collect();
        let api = self.first_node()?;
        let bottom = measured.first_height.saturating_sub(WALK_BELOW).max(1);
        let paid = PaidShares::walk(api, api.status().await?.share_tip, bottom).await?;
        let uncles = acknowledged.iter().filter(|share| paid.is_uncle(share)).count();
        let lost = acknowledged.iter().filter(|share| !paid.has(share) || !arrivals.is_everywhere(share)).count();
        let mut peers = 0;
        for node in &self.pool.nodes {
            peers += node.api.status().await?.peers;
        }
        let (traffic, spread) =
            (self.network.traffic(), arrivals.spread(&self.geography, &measured.time, &measured.gaps));
        let shares = acknowledged.len();
        Ok(WorldVerdict {
            nodes: self.plan.nodes,
            seconds: self.plan.seconds,
            lost,
            uncle_rate: per(uncles, shares),
            peers_mean: per(peers, self.plan.nodes),
            bytes_per_share: measured.bytes / (shares.max(1) * self.plan.nodes.max(1)) as u64,
            same_tip: verdict.same_tip,
            same_payouts: verdict.same_payouts,
            honest_bans: arrivals.bans(self.started),
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

    fn first_node(&self) -> anyhow::Result<&ApiClient> {
        self.pool.nodes.first().map(|node| &node.api).context("a world without nodes")
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

/// How a node is started: it knows its own place and two seeds.
fn options(plan: &WorldPlan, geography: &Geography, node: usize, config: PathBuf) -> NodeOptions {
    let log = ["--log".to_owned(), LOG_FILTER.to_owned()];
    let seeds = geography.seeds(node).into_iter().flat_map(|seed| ["--seed".to_owned(), geography.multiaddress(seed)]);
    let outbound = plan.outbound_max.map(|outbound_max| ["--outbound-max".to_owned(), outbound_max.to_string()]);
    let selection = ["--selection".to_owned(), plan.selection.to_string()];
    NodeOptions {
        config: Some(config),
        parent_rpc: String::new(),
        peers: Vec::new(),
        region: Some(geography.region(node).to_string()),
        p2p_listen: Some(geography.multiaddress(node)),
        flags: log.into_iter().chain(seeds).chain(outbound.into_iter().flatten()).chain(selection).collect(),
    }
}
