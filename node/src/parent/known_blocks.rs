//! Tells the share chain which parent blocks the own daemon has, so that it can judge what shares claim of them.
//!
//! At the start the newest blocks, then every new one, and the blocks that held shares ask for. What the daemon
//! does not answer is asked again later; nothing here stops the node.

use std::collections::BTreeMap;

use sharechain::{
    BlockHash, CompactTarget,
    chain::{FRESH_BLOCKS, ParentBlock},
};
use std::sync::Arc;
use tokio::{
    sync::{mpsc, watch},
    time::{Duration, Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    ParentState,
    rpc::{RpcClient, RpcError},
};
use crate::chain_task::{ChainInput, ChainView};

/// Time between two questions for the blocks that held shares mine on.
const ASK_INTERVAL: Duration = Duration::from_secs(1);
/// Blocks asked for at once. Stops shares on invented blocks from keeping the daemon busy.
const ASK_MAX: usize = 16;
/// A block that the daemon did not have is not asked for again before this.
const ASK_AGAIN: Duration = Duration::from_secs(10);
/// Remembered blocks that the daemon did not have; beyond that all are forgotten.
const ASKED_MAX: usize = 1_024;

struct KnownBlocks {
    client: RpcClient,
    chain: mpsc::Sender<ChainInput>,
    /// The tip that was told last.
    told: Option<(BlockHash, u32)>,
    /// When blocks that the daemon did not have were asked for.
    asked: BTreeMap<BlockHash, Instant>,
}

/// Runs until the token is cancelled or an input ends.
pub async fn run(
    client: RpcClient,
    mut parent: watch::Receiver<ParentState>,
    mut view: watch::Receiver<Arc<ChainView>>,
    chain: mpsc::Sender<ChainInput>,
    token: CancellationToken,
) {
    let mut known = KnownBlocks { client, chain, told: None, asked: BTreeMap::new() };
    loop {
        let (tip, unknown) = (newest(&parent.borrow_and_update()), view.borrow_and_update().unknown_blocks.clone());
        let work = async {
            known.tell_tip(tip).await?;
            known.ask(unknown).await
        };
        tokio::select! {
            biased;
            () = token.cancelled() => return,
            outcome = work => if let Err(cause) = outcome {
                debug!(%cause, "the daemon does not tell its blocks");
            },
        }
        // A new tip is told at once; questions are few.
        tokio::select! {
            biased;
            () = token.cancelled() => return,
            changed = parent.changed() => if changed.is_err() { return },
            () = sleep(ASK_INTERVAL) => {}
        }
    }
}

/// The daemon's tip and the target of the next block.
fn newest(parent: &ParentState) -> Option<(BlockHash, u32, CompactTarget)> {
    let (hash, height) = parent.tip()?;
    Some((hash, height, parent.template.as_ref()?.bits))
}

impl KnownBlocks {
    /// Tells the tip, and what lies between it and the last one that was told.
    async fn tell_tip(&mut self, tip: Option<(BlockHash, u32, CompactTarget)>) -> Result<(), RpcError> {
        let Some((hash, height, bits)) = tip.filter(|(hash, ..)| self.told.map(|(told, _)| told) != Some(*hash)) else {
            return Ok(());
        };
        self.tell(hash, height, Some(bits)).await;
        // After a reorganisation the last few blocks are others; telling one twice does no harm.
        let first = match self.told {
            Some((_, told)) => told.min(height).saturating_sub(6),
            None => height.saturating_sub(FRESH_BLOCKS),
        };
        for height in (first..height).rev() {
            let hash = self.client.block_hash(height).await?;
            self.tell(hash, height, None).await;
        }
        self.told = Some((hash, height));
        Ok(())
    }

    /// Asks for blocks that held shares mine on.
    async fn ask(&mut self, unknown: Vec<BlockHash>) -> Result<(), RpcError> {
        if self.asked.len() > ASKED_MAX {
            self.asked.clear();
        }
        let due = |hash: &BlockHash| self.asked.get(hash).is_none_or(|asked| asked.elapsed() >= ASK_AGAIN);
        for hash in unknown.into_iter().filter(due).take(ASK_MAX).collect::<Vec<_>>() {
            match self.client.block_status(&hash).await? {
                Some(status) => self.tell(hash, status.height, None).await,
                None => {
                    self.asked.insert(hash, Instant::now());
                }
            }
        }
        Ok(())
    }

    async fn tell(&self, hash: BlockHash, height: u32, next_bits: Option<CompactTarget>) {
        // The chain ends only with the node.
        let _stopping = self.chain.send(ChainInput::ParentBlock(ParentBlock { hash, height, next_bits })).await;
    }
}
