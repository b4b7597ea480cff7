//! Tells the share chain which parent blocks the own daemon has, so that it can judge what shares claim of them.
//!
//! At the start the newest blocks, then every new one, and the blocks that held shares ask for. What the daemon
//! does not answer is asked again later; nothing here stops the node.

use std::collections::BTreeMap;

use sharechain::{
    Amount, BlockHash, CompactTarget,
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
    Daemons, ParentState,
    rpc::{BlockStatus, RpcError},
};
use crate::chain_task::{ChainInput, ChainView};

/// Time between two questions for the blocks that held shares mine on.
const ASK_INTERVAL: Duration = Duration::from_secs(1);
/// Blocks asked for at once. Stops shares on invented blocks from keeping the daemon busy.
const ASK_MAX: usize = 16;
/// A block that the daemon did not have is not asked for again before this.
const ASK_AGAIN: Duration = Duration::from_secs(10);
/// What a block is worth at most, beside twice what our own template is: other nodes know other transactions, and more come
/// in while the block is looked for. Ten coins; the highest fees of a block so far were above two hundred, and paid by mistake.
const VALUE_SLACK: Amount = Amount::from_units(10 * 100_000_000);
/// Remembered blocks that the daemon did not have; beyond that all are forgotten.
const ASKED_MAX: usize = 1_024;

struct KnownBlocks {
    daemons: Daemons,
    chain: mpsc::Sender<ChainInput>,
    /// The tip that was told last.
    told: Option<(BlockHash, u32)>,
    /// When blocks that the daemon did not have were asked for.
    asked: BTreeMap<BlockHash, Instant>,
}

/// What is watched, and who is told.
pub type Watched = (watch::Receiver<ParentState>, watch::Receiver<Arc<ChainView>>, mpsc::Sender<ChainInput>);

/// Runs until the token is cancelled or an input ends.
pub async fn run(daemons: Daemons, (mut parent, mut view, chain): Watched, token: CancellationToken) {
    let mut known = KnownBlocks { daemons, chain, told: None, asked: BTreeMap::new() };
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

/// The daemon's tip, and what the next block may be.
#[derive(Clone, Copy)]
struct Newest {
    hash: BlockHash,
    height: u32,
    bits: CompactTarget,
    value_max: Option<Amount>,
}

fn newest(parent: &ParentState) -> Option<Newest> {
    let template = parent.template.as_ref()?;
    let ((hash, height), value) = (template.tip(), template.work.coinbase_value);
    let value_max = value.checked_add(value).and_then(|twice| twice.checked_add(VALUE_SLACK));
    Some(Newest { hash, height, bits: template.bits, value_max })
}

impl KnownBlocks {
    /// Tells the tip, and what lies between it and the last one that was told.
    async fn tell_tip(&mut self, tip: Option<Newest>) -> Result<(), RpcError> {
        let is_new = |tip: &Newest| self.told.map(|(told, _)| told) != Some(tip.hash);
        let Some(Newest { hash, height, bits, value_max }) = tip.filter(is_new) else { return Ok(()) };
        self.tell(ParentBlock { hash, height, next_bits: Some(bits), value_max }).await;
        // After a reorganisation the last few blocks are others; telling one twice does no harm.
        let first = match self.told {
            Some((_, told)) => told.min(height).saturating_sub(6),
            None => height.saturating_sub(FRESH_BLOCKS),
        };
        for height in (first..height).rev() {
            let hash = self.daemons.block_hash(height).await?;
            self.tell(ParentBlock { hash, height, next_bits: None, value_max: None }).await;
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
            match self.daemons.block_status(&hash).await? {
                Some(BlockStatus { height, .. }) => {
                    self.tell(ParentBlock { hash, height, next_bits: None, value_max: None }).await;
                }
                None => {
                    self.asked.insert(hash, Instant::now());
                }
            }
        }
        Ok(())
    }

    async fn tell(&self, block: ParentBlock) {
        // The chain ends only with the node.
        let _stopping = self.chain.send(ChainInput::ParentBlock(block)).await;
    }
}
