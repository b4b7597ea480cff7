//! The miner's own list of what it was told is kept, and whether the node still has it.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context;
use node::api::{
    client::ApiError,
    dto::{Block, List, ShareEntry},
};
use testnet::process::NodeProcess;
use tests::{SteppedMiner, wait_for};
use tokio::{task::JoinHandle, time::timeout};

/// Time for answers that are on their way to arrive after the node was killed.
const LATE_ANSWERS: Duration = Duration::from_millis(300);
/// Time for a node to take up its blocks.
const PATIENCE: Duration = Duration::from_secs(10);
/// A page of shares.
const PAGE: &str = "shares?limit=1000";

/// What one data directory has to hold.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    shares: Vec<String>,
    /// How many of them were looked up one by one.
    looked_up: usize,
    /// Those that are blocks of the parent chain.
    blocks: BTreeSet<String>,
    lost: BTreeSet<String>,
    /// On a chain that forgets: how many of the newest ones the node has to have, beside the blocks that were seen among them.
    kept: Option<usize>,
}

impl Ledger {
    /// Of a node that has to have so many of the newest ones, or all of them.
    pub(crate) fn new(kept: Option<usize>) -> Self {
        Self { kept, ..Self::default() }
    }

    /// The miner was told that these are kept.
    pub(crate) fn note(&mut self, ids: impl IntoIterator<Item = String>) {
        self.shares.extend(ids);
    }

    pub(crate) fn acknowledged(&self) -> usize {
        self.shares.len()
    }

    pub(crate) fn blocks(&self) -> usize {
        self.blocks.len()
    }

    pub(crate) fn lost(&self) -> usize {
        self.lost.len()
    }

    /// Compares the list with what the node has.
    ///
    /// # Errors
    /// When something is lost, or the node does not answer.
    pub(crate) async fn check(&mut self, node: &NodeProcess) -> anyhow::Result<()> {
        let lost = self.count_lost(node).await?;
        anyhow::ensure!(lost == 0, "{lost} of {} acknowledged shares and blocks are lost", self.shares.len());
        Ok(())
    }

    /// The same, and says how many are lost.
    pub(crate) async fn count_lost(&mut self, node: &NodeProcess) -> anyhow::Result<usize> {
        let listed = listed(node).await?;
        let oldest = self.kept.map_or(0, |kept| self.shares.len().saturating_sub(kept));
        for id in self.shares[oldest..].iter().filter(|id| !listed.contains(*id)) {
            match node.api.share(id).await {
                Ok(_) => {}
                Err(ApiError::Refused { .. }) => drop(self.lost.insert(id.clone())),
                Err(cause) => return Err(cause).context("cannot look up a share"),
            }
        }
        for id in &self.shares[self.looked_up.max(oldest)..] {
            if !self.lost.contains(id) && node.api.share(id).await?.is_block {
                self.blocks.insert(id.clone());
            }
        }
        self.looked_up = self.shares.len();
        self.check_blocks(node).await?;
        Ok(self.lost.len())
    }

    async fn check_blocks(&mut self, node: &NodeProcess) -> anyhow::Result<()> {
        let missing = async || {
            let listed: List<Block> = node.api.get("blocks?limit=1000").await?;
            let listed: BTreeSet<String> = listed.data.into_iter().map(|block| block.hash).collect();
            anyhow::Ok(self.blocks.difference(&listed).cloned().collect::<Vec<_>>())
        };
        let none_missing = async || Ok(missing().await?.is_empty().then_some(()));
        if wait_for("all found blocks", PATIENCE, none_missing).await.is_err() {
            let missing = missing().await?;
            self.lost.extend(missing);
        }
        Ok(())
    }
}

/// Ids of all shares that the node lists.
pub(crate) async fn listed(node: &NodeProcess) -> anyhow::Result<BTreeSet<String>> {
    let (mut ids, mut cursor) = (BTreeSet::new(), String::new());
    loop {
        let page: List<ShareEntry> = node.api.get(&format!("{PAGE}{cursor}")).await?;
        ids.extend(page.data.into_iter().map(|share| share.id));
        let Some(next) = page.meta.next else { return Ok(ids) };
        cursor = format!("&cursor={next}");
    }
}

/// A miner at work until its node is gone.
#[derive(Debug)]
pub(crate) struct Mining {
    acknowledged: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Mining {
    pub(crate) fn begin(mut miner: SteppedMiner) -> Self {
        let acknowledged = Arc::new(Mutex::new(Vec::new()));
        let noted = acknowledged.clone();
        let task = tokio::spawn(async move {
            loop {
                match miner.mine_one().await {
                    Ok(id) => noted.lock().unwrap_or_else(PoisonError::into_inner).push(id),
                    // Its job was outlived by another.
                    Err(cause) if cause.to_string().contains("refused") => {}
                    Err(_) => return,
                }
            }
        });
        Self { acknowledged, task }
    }

    /// What was acknowledged so far.
    pub(crate) fn noted(&self) -> Vec<String> {
        self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends it after its node was killed. An answer that the node had sent before counts: it said that the share is kept.
    pub(crate) async fn end(mut self) -> Vec<String> {
        if timeout(LATE_ANSWERS, &mut self.task).await.is_err() {
            self.task.abort();
        }
        self.noted()
    }
}
