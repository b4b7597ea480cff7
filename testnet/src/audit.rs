//! The auditor's view: what the blocks on the parent chain pay, beside what each node computes for itself.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context;
use node::{
    api::{client::ApiClient, dto::Payout},
    parent::block::Block as ParentBlock,
};
use serde_json::{Value, json};

use crate::process::NodeProcess;

/// Blocks that are looked at again, because others may stand in their place.
const REORG_DEPTH_MAX: usize = 20;
/// Time for one answer of a daemon.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A coin daemon, asked as anybody could.
#[derive(Clone, Debug)]
pub struct Daemon {
    url: String,
    http: reqwest::Client,
}

/// One block and its payouts.
#[derive(Clone, Debug)]
pub struct Paid {
    /// Its hash.
    pub hash: String,
    /// Output script to value, the last (commitment) output and the witness commitment left out.
    pub outputs: BTreeMap<String, u64>,
}

impl Daemon {
    /// A daemon that wants no password.
    ///
    /// # Errors
    /// When the system gives no HTTP client.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build().context("no HTTP client")?;
        Ok(Self { url: url.to_owned(), http })
    }

    /// One call.
    ///
    /// # Errors
    /// When the daemon does not answer, or with an error.
    pub async fn call(&self, method: &str, params: Value) -> anyhow::Result<Value> {
        let request = json!({"jsonrpc": "1.0", "id": 1, "method": method, "params": params});
        let answer = self.http.post(&self.url).json(&request).send().await.context("the daemon does not answer")?;
        let answer: Value = answer.json().await.context("the daemon answers no JSON")?;
        if answer["error"].is_null() {
            Ok(answer["result"].clone())
        } else {
            anyhow::bail!("{method}: {}", answer["error"])
        }
    }

    /// The height of the main chain.
    ///
    /// # Errors
    /// When the daemon does not say.
    pub async fn height(&self) -> anyhow::Result<u64> {
        self.call("getblockcount", json!([])).await?.as_u64().context("no height")
    }

    /// The hash of the main chain's block at a height.
    ///
    /// # Errors
    /// When there is none.
    pub async fn block_hash(&self, height: u64) -> anyhow::Result<String> {
        let hash = self.call("getblockhash", json!([height])).await?;
        Ok(hash.as_str().context("no hash")?.to_owned())
    }

    /// A block, as its bytes say it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn block(&self, hash: String) -> anyhow::Result<Paid> {
        let hex = self.call("getblock", json!([hash, 0])).await?;
        let bytes = hex::decode(hex.as_str().context("no block")?).context("no hexadecimal")?;
        let block = ParentBlock::decode(&bytes).context("no block")?;
        let coinbase = block.transactions.first().context("no coinbase")?;
        let outputs = coinbase.outputs.iter().filter(|output| output.script.first() != Some(&0x6a));
        Ok(Paid { hash, outputs: outputs.map(|output| (hex::encode(&output.script), output.value)).collect() })
    }

    /// Every block of the main chain after the first.
    ///
    /// # Errors
    /// When a block cannot be read.
    pub async fn blocks(&self) -> anyhow::Result<Vec<Paid>> {
        let mut blocks = Vec::new();
        for height in 1..=self.height().await? {
            blocks.push(self.block(self.block_hash(height).await?).await?);
        }
        Ok(blocks)
    }
}

/// An audit that goes on while the pool runs: nodes forget the shares of old blocks.
#[derive(Clone, Debug)]
pub struct Audit {
    daemon: Daemon,
    /// The last blocks that were compared, by height.
    compared: BTreeMap<u64, String>,
    /// What was found to differ so far.
    pub differences: Vec<String>,
}

impl Audit {
    /// Of the chain of this daemon, from its first block on.
    pub const fn new(daemon: Daemon) -> Self {
        Self { daemon, compared: BTreeMap::new(), differences: Vec::new() }
    }

    /// Compares every block that is new with what each node computes.
    ///
    /// # Errors
    /// When a node does not answer, or does not know the share of a block: it goes on there when it is called again.
    pub async fn go_on(&mut self, nodes: &[NodeProcess]) -> anyhow::Result<()> {
        let first = self.compared.keys().next().copied().unwrap_or(1);
        for height in first..=self.daemon.height().await? {
            let hash = self.daemon.block_hash(height).await?;
            if self.compared.get(&height) == Some(&hash) {
                continue;
            }
            let block = self.daemon.block(hash).await?;
            let mut differences = Vec::new();
            for node in nodes {
                let difference = differs(&node.api, &block).await?;
                differences.extend(difference.map(|difference| format!("{}: {difference}", node.name)));
            }
            self.differences.append(&mut differences);
            self.compared.insert(height, block.hash);
            while self.compared.len() > REORG_DEPTH_MAX {
                self.compared.pop_first();
            }
        }
        Ok(())
    }
}

/// Compares a block's outputs with what a node computes for the same share; says what differs.
///
/// # Errors
/// When the node does not answer or does not know the share.
pub async fn differs(api: &ApiClient, block: &Paid) -> anyhow::Result<Option<String>> {
    let share = api.share(&block.hash).await.with_context(|| format!("share of block {}", block.hash))?;
    let computed = by_script(&share.payouts);
    if computed == block.outputs {
        return Ok(None);
    }
    Ok(Some(format!("block {} pays {:?}, the node computes {computed:?}", block.hash, block.outputs)))
}

/// Payouts as a map.
pub fn by_script(payouts: &[Payout]) -> BTreeMap<String, u64> {
    payouts.iter().map(|payout| (payout.script.clone(), payout.amount)).collect()
}
