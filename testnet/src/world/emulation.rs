//! A whole run: starts a pool in its world, lets it mine, cuts it as the script says, and judges it.

use std::{
    ops::Range,
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, ensure};
use node::peer_selector::Selection;
use tokio::{
    task::JoinHandle,
    time::{sleep, sleep_until},
};

use super::{
    arrivals::{LOG_FILTER, Micros, micros},
    chain,
    chain_walk::PaidShares,
    delay_line::Loss,
    geography::Geography,
    healing::Watch,
    network::{Network, address_in},
    outsiders::Outsiders,
    partition::Partition,
    resources::Resources,
    script::{Outage, Script},
    verdict::{Healed, WorldVerdict},
};
use crate::{
    folder::Folder,
    process::{NodeOptions, Place},
    supervisor::Pool,
};

/// Time for all nodes to sync and to find the first shares.
const READY_TIMEOUT: Duration = Duration::from_secs(180);
/// Shares before anything is measured: the first ones come faster than they should.
const READY_HEIGHT: u64 = 10;
/// Mining goes on for this long after the measured time, so that its last uncles are merged.
const EPILOGUE: Duration = Duration::from_secs(10);
/// Time between two reports.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);
/// Time between two looks at the script.
const TICK: Duration = Duration::from_secs(1);
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
    /// Who is killed when, and away for how long.
    pub outages: Vec<Outage>,
    /// When all nodes are restarted in turn, seconds after the measured time begins.
    pub rolling_restarts: Vec<u64>,
    /// Places of hostile peers and hostile miners.
    pub hostile: usize,
    /// Frames lost by chance, out of a million.
    pub loss_per_million: u32,
    /// Of that chance, and of what hostile ones do.
    pub seed: u64,
}

/// A pool in its world. Fields go in this order: processes first, the network under them last.
#[derive(Debug)]
pub struct World {
    pub(super) outsiders: Outsiders,
    /// The pool.
    pub(super) pool: Pool,
    pub(super) started: (Micros, Instant),
    pub(super) plan: WorldPlan,
    pub(super) geography: Geography,
    pub(super) place: Place,
    /// How each node is started.
    pub(super) options: Vec<NodeOptions>,
    /// What is still to be done to nodes.
    script: Script,
    /// Whether a node is killed now.
    pub(super) away: Vec<bool>,
    pub(super) paid: PaidShares,
    pub(super) resources: Resources,
    /// How long each node took to have work again that was stopped and started.
    pub(super) restarts: Vec<Duration>,
    pub(super) network: Network,
}

/// The measured time.
pub(super) struct Measured {
    pub(super) time: Range<Micros>,
    pub(super) bytes: u64,
    pub(super) healed: Vec<Healed>,
    /// When shares were kept from their normal way.
    pub(super) gaps: Vec<Range<Micros>>,
}

impl WorldPlan {
    fn check(&self) -> anyhow::Result<()> {
        let seconds = self.seconds;
        for partition in &self.partitions {
            ensure!(partition.end_secs() < seconds, "partition {partition} is not over after {seconds} s");
        }
        for (index, outage) in self.outages.iter().enumerate() {
            ensure!(outage.end_secs() < seconds, "outage {outage} is not over after {seconds} s");
            ensure!(outage.node <= self.nodes, "outage {outage}: there are {} nodes", self.nodes);
            let other = self.outages[..index].iter().find(|other| outage.overlaps(other));
            ensure!(other.is_none(), "outage {outage} begins or ends in another one of the same node");
        }
        for start in &self.rolling_restarts {
            ensure!(*start < seconds, "a rolling restart after {start} s does not begin within {seconds} s");
        }
        Ok(())
    }

    /// Heights that the chain of this world merges.
    pub(super) fn merge_depth(&self) -> u64 {
        let partitions = self.partitions.iter().map(|partition| partition.length_secs);
        chain::merge_depth(partitions.chain(self.outages.iter().map(|outage| outage.length_secs)).max().unwrap_or(0))
    }
}

impl World {
    /// Starts everything.
    ///
    /// # Errors
    /// Without the rights, and when something does not come up.
    pub async fn start(plan: WorldPlan) -> anyhow::Result<Self> {
        plan.check()?;
        let geography = Geography::with_outsiders(plan.nodes, plan.hostile);
        let mut network = Network::new(&geography, Loss::new(plan.loss_per_million, plan.seed))?;
        let folder = Folder::new(plan.dir.as_deref())?;
        let (started, place) = ((micros(SystemTime::now()), Instant::now()), Place::new(folder.path())?);
        let devnet = place.devnet(plan.block_interval_secs).await?;
        let resources = Resources::new(folder.path(), plan.nodes)?;

        let (mut nodes, mut miners, mut all_options) = (Vec::new(), Vec::new(), Vec::new());
        let daemon = address_in(&devnet.rpc)?;
        for node in 0..plan.nodes {
            let rpc = network.outwards(node, daemon)?;
            let config = chain::write_config(folder.path(), node, &format!("http://{rpc}"), plan.merge_depth())?;
            let options = options(&plan, &geography, node, config);
            let process = network.place(node, &place).node(&format!("node{}", node + 1), &options).await?;
            nodes.push(network.reach(node, process)?);
            all_options.push(options);
        }
        for (index, node) in nodes.iter().enumerate() {
            let name = format!("miner{}", index + 1);
            miners.push(place.miner(&name, &node.endpoints.stratum, plan.hashrate_max)?);
        }
        let outsiders = Outsiders::start(&plan, &geography, &network, &place)?;
        let pool = Pool::of(devnet, nodes, miners, folder).await?;
        Ok(Self {
            outsiders,
            pool,
            started,
            script: Script::new(&plan.outages, &plan.rolling_restarts),
            away: vec![false; plan.nodes],
            plan,
            geography,
            place,
            options: all_options,
            paid: PaidShares::default(),
            resources,
            restarts: Vec::new(),
            network,
        })
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
        let height = self.first_node()?.api.status().await?.share_height;
        self.paid = PaidShares::above(height.saturating_sub(WALK_BELOW));
        self.report_until(Instant::now() + Duration::from_secs(self.plan.warm_up_secs), None, &say).await?;
        let measured = self.measure(&say).await?;
        say("stopping");
        let siege = self.outsiders.stop().await?;
        sleep(EPILOGUE).await;
        let verdict = self.pool.judge().await?;
        self.compare(&measured, verdict, siege).await
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

    /// Looks at everything from time to time; with the beginning of the measured time it does what the script says.
    async fn report_until(&mut self, end: Instant, began: Option<Instant>, say: &impl Fn(&str)) -> anyhow::Result<()> {
        let mut report_at = Instant::now() + REPORT_INTERVAL;
        while Instant::now() < end {
            sleep_until(end.min(Instant::now() + TICK).into()).await;
            while let Some(step) = began.and_then(|began| self.script.due(began.elapsed().as_secs())) {
                self.take(step, say).await?;
            }
            if Instant::now() >= report_at {
                report_at += REPORT_INTERVAL;
                for line in self.look().await? {
                    say(&line);
                }
            }
        }
        Ok(())
    }

    async fn measure(&mut self, say: &impl Fn(&str)) -> anyhow::Result<Measured> {
        let began = (Instant::now(), SystemTime::now());
        let bytes_before = self.network.traffic().bytes();
        self.network.traffic().forget_lateness();
        let watches = self.start_partitions(began);
        let end = began.0 + Duration::from_secs(self.plan.seconds);
        self.report_until(end, Some(began.0), say).await?;
        let bytes = self.network.traffic().bytes() - bytes_before;
        let time = micros(began.1)..micros(SystemTime::now());
        let (mut healed, mut gaps) = (Vec::new(), Vec::new());
        for watch in watches {
            let (partition, gap) = watch.await.context("a watch panicked")?;
            healed.push(partition);
            gaps.push(gap);
        }
        Ok(Measured { time, bytes, healed, gaps })
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
}

/// How a node is started: it knows its own place and two seeds. All its ports stay the same over a restart.
fn options(plan: &WorldPlan, geography: &Geography, node: usize, config: PathBuf) -> NodeOptions {
    let log = ["--log".to_owned(), LOG_FILTER.to_owned()];
    let seeds = geography.seeds(node).into_iter().flat_map(|seed| ["--seed".to_owned(), geography.multiaddress(seed)]);
    let outbound = plan.outbound_max.map(|outbound_max| ["--outbound-max".to_owned(), outbound_max.to_string()]);
    let selection = ["--selection".to_owned(), plan.selection.to_string()];
    NodeOptions {
        config: Some(config),
        region: Some(geography.region(node).to_string()),
        p2p_listen: Some(geography.multiaddress(node)),
        stratum_listen: Some(geography.stratum(node)),
        api_listen: Some(Geography::API),
        flags: log.into_iter().chain(seeds).chain(outbound.into_iter().flatten()).chain(selection).collect(),
        ..NodeOptions::default()
    }
}
