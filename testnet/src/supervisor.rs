//! Runs a whole pool: one devnet chain, N nodes in different regions, one miner each; and judges it at the end.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    time::{Duration, Instant},
};

use node::{Region, api::dto::Status};
use serde::Serialize;

use crate::{
    audit::{Audit, Daemon},
    folder::Folder,
    process::{DevnetProcess, MinerProcess, NodeOptions, NodeProcess, Place},
};

/// Time for all nodes to agree after the last share.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(30);
/// A pool that runs this long has found a block.
const BLOCK_EXPECTED_SECS: u64 = 60;

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many nodes.
    pub nodes: usize,
    /// Folder for everything; `None` for a temporary one.
    pub dir: Option<PathBuf>,
    /// Wanted seconds between parent blocks.
    pub block_interval_secs: u32,
    /// Hashes per second of each miner.
    pub hashrate_max: Option<f64>,
}

/// A running pool.
#[derive(Debug)]
pub struct Pool {
    /// The chain.
    pub devnet: DevnetProcess,
    /// The nodes.
    pub nodes: Vec<NodeProcess>,
    miners: Vec<MinerProcess>,
    started: Instant,
    /// What a folder of an earlier run brought along.
    before: Found,
    audit: Audit,
    folder: Folder,
}

/// What a pool has found.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    blocks: usize,
    shares: usize,
}

/// What a pool did, and whether it kept its promises.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// How many nodes ran.
    pub nodes: usize,
    /// All nodes have the same best share.
    pub same_tip: bool,
    /// Every block pays what every node computes, and all nodes would pay the next one alike.
    pub same_payouts: bool,
    /// Blocks on the parent chain since the start.
    pub blocks_found: usize,
    /// Shares linked since the start.
    pub shares: usize,
    /// Submits that were refused, stale ones included.
    pub rejected: u64,
    /// What differs between blocks and nodes, for people.
    #[serde(skip)]
    pub differences: Vec<String>,
}

impl Pool {
    /// Starts everything.
    ///
    /// # Errors
    /// When a process does not come up.
    pub async fn start(plan: &Plan) -> anyhow::Result<Self> {
        let folder = Folder::new(plan.dir.as_deref())?;
        let place = Place::new(folder.path())?;
        let devnet = place.devnet(plan.block_interval_secs).await?;
        let (mut nodes, mut miners): (Vec<NodeProcess>, _) = (Vec::new(), Vec::new());
        for index in 0..plan.nodes {
            let region = Region::ALL[index % Region::ALL.len()];
            let options = NodeOptions {
                parent_rpc: devnet.rpc.clone(),
                peers: nodes.iter().filter_map(|node| node.endpoints.p2p.first().cloned()).collect(),
                region: Some(region.to_string()),
                ..NodeOptions::default()
            };
            let name = format!("node{}", index + 1);
            let node = place.node(&name, &options).await?;
            miners.push(place.miner(&format!("miner{}", index + 1), &node.endpoints.stratum, plan.hashrate_max)?);
            nodes.push(node);
        }
        Self::of(devnet, nodes, miners, folder).await
    }

    /// A pool of processes that run.
    pub(crate) async fn of(
        devnet: DevnetProcess,
        nodes: Vec<NodeProcess>,
        miners: Vec<MinerProcess>,
        folder: Folder,
    ) -> anyhow::Result<Self> {
        let audit = Audit::new(Daemon::new(&devnet.rpc)?);
        let (started, before) = (Instant::now(), Found::default());
        let mut pool = Self { devnet, nodes, miners, started, before, audit, folder };
        pool.before = pool.found().await?;
        Ok(pool)
    }

    /// Keeps a temporary folder with all logs, and says where it is.
    pub fn keep_folder(&mut self) -> Option<PathBuf> {
        self.folder.keep()
    }

    /// A line per node.
    ///
    /// # Errors
    /// When a node is gone.
    pub async fn report(&mut self) -> anyhow::Result<Vec<String>> {
        let mut lines = Vec::new();
        for node in &mut self.nodes {
            anyhow::ensure!(node.is_running(), "{} is gone", node.name);
            lines.push(line(&node.name, &node.api.status().await?));
        }
        Ok(lines)
    }

    /// Compares blocks that were found since with what the nodes compute, as far as all know their shares already.
    pub async fn audit(&mut self) {
        // What cannot be compared now is compared later, at the latest when the pool is judged.
        let _later = self.audit.go_on(&self.nodes).await;
    }

    /// Stops the miners, waits until the nodes agree, and compares them.
    ///
    /// # Errors
    /// When a process is gone or does not answer.
    pub async fn judge(&mut self) -> anyhow::Result<Verdict> {
        for miner in self.miners.drain(..) {
            miner.stop().await;
        }
        let settled = Instant::now();
        while !self.agree().await? && settled.elapsed() < SETTLE_TIMEOUT {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let same_tip = self.agree().await?;
        self.audit.go_on(&self.nodes).await?;
        let found = self.found().await?;
        let mut next = BTreeSet::new();
        let mut rejected = 0;
        for node in &self.nodes {
            let status = node.api.status().await?;
            rejected += status.submits.rejected + status.submits.stale;
            let payouts = node.api.payouts().await?;
            // Weights, not amounts: templates of different moments carry different fees.
            let weights = payouts.weights.into_iter().map(|weight| (weight.script, weight.work));
            next.insert((payouts.payout_share, weights.collect::<Vec<_>>()));
        }
        let same_payouts = self.audit.differences.is_empty() && next.len() == 1;
        Ok(Verdict {
            nodes: self.nodes.len(),
            same_tip,
            same_payouts,
            blocks_found: found.blocks - self.before.blocks,
            shares: found.shares - self.before.shares,
            rejected,
            differences: self.audit.differences.clone(),
        })
    }

    /// Whether the verdict keeps what the pool promises.
    ///
    /// # Errors
    /// The first promise that is broken.
    pub fn kept_promises(&self, verdict: &Verdict) -> Result<(), &'static str> {
        let expected = self.started.elapsed() >= Duration::from_secs(BLOCK_EXPECTED_SECS);
        if verdict.shares == 0 {
            Err("no share was found")
        } else if !verdict.same_tip {
            Err("the nodes do not agree on a tip")
        } else if !verdict.same_payouts {
            Err("the nodes do not agree on payouts")
        } else if expected && verdict.blocks_found == 0 {
            Err("no block was found")
        } else if verdict.rejected > 0 {
            Err("submits were rejected")
        } else {
            Ok(())
        }
    }

    /// Stops everything in order.
    ///
    /// # Errors
    /// When a process does not stop cleanly.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        for miner in self.miners {
            miner.stop().await;
        }
        for node in self.nodes {
            node.stop().await?;
        }
        self.devnet.stop().await
    }

    async fn agree(&self) -> anyhow::Result<bool> {
        let mut views = BTreeSet::new();
        for node in &self.nodes {
            let status = node.api.status().await?;
            views.insert((status.share_tip, status.parent.tip));
        }
        Ok(views.len() == 1)
    }

    async fn found(&self) -> anyhow::Result<Found> {
        let blocks = usize::try_from(Daemon::new(&self.devnet.rpc)?.height().await?)?;
        let mut shares = 0;
        for node in &self.nodes {
            shares = shares.max(node.api.status().await?.shares);
        }
        Ok(Found { blocks, shares })
    }
}

impl Verdict {
    /// The verdict on a pool of which something died: no promise is kept.
    pub fn broken(nodes: usize, cause: &anyhow::Error) -> Self {
        let differences = vec![format!("{cause:#}")];
        Self { nodes, same_tip: false, same_payouts: false, blocks_found: 0, shares: 0, rejected: 0, differences }
    }
}

/// A node at a glance.
pub(crate) fn line(name: &str, status: &Status) -> String {
    format!(
        "{name:7} {:2}  height {:5}  tip {}  peers {}  miners {}  {:5.2} MH/s  window {:3}  parent {:4}  blocks {:3}{}",
        status.region.as_deref().unwrap_or("--"),
        status.share_height,
        status.share_tip.get(56..).unwrap_or(&status.share_tip),
        status.peers,
        status.miners,
        status.hashrate / 1e6,
        status.window_shares,
        status.parent.height.unwrap_or_default(),
        status.blocks_found,
        if status.mining { "" } else { "  (no work yet)" },
    )
}
