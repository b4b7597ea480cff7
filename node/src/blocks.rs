//! Found blocks: written to disk before anything else, submitted until the daemon has judged them, watched until buried.
//!
//! ```text
//! own:    found --> file (fsync) --> submitted --> accepted | refused(reason)
//! anyone: seen in the share chain --> unknown --> confirmed(n) --> buried | orphaned
//! ```
//! A block's file stays until it is buried; at every start the files are submitted again, which a daemon answers with
//! `duplicate` when it has the block.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use sharechain::{BlockHash, CheckedShare, Params};
use stratum::submit::Found;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    clock::unix_now,
    data_dir::write_durably,
    defaults::{BLOCK_BURIED_CONFIRMATIONS, BLOCK_CHECK, BLOCK_UNKNOWN_MAX, BLOCKS_REMEMBERED_MAX},
    parent::{
        block,
        rpc::{BlockStatus, RpcClient, RpcError},
    },
};

mod pool_block;
pub(crate) mod submit;

pub use pool_block::{BlocksView, PoolBlock, PoolBlockStatus};

use pool_block::Tracked;
use submit::{assemble, header_hash, submit_until_judged};

/// Looks at once.
const LOOKS_MAX: usize = 2;

/// What the blocks task is told.
#[derive(Debug)]
pub enum BlockInput {
    /// A miner of this node found a hash that meets the parent target.
    Own {
        /// What was found.
        found: Box<Found>,
        /// Told when the block is on the disk, or could not be written: what the miner hears waits for it.
        written: oneshot::Sender<()>,
    },
    /// A linked share claims to be a block.
    Seen(Arc<CheckedShare>),
}

/// What a call to the daemon brought.
#[derive(Debug)]
enum Answer {
    Submitted { hash: BlockHash, verdict: Result<Option<String>, RpcError> },
    Looked { hash: BlockHash, status: Result<Option<BlockStatus>, RpcError> },
}

/// The task's state.
#[derive(Debug)]
pub struct BlocksTask {
    client: RpcClient,
    params: Arc<Params>,
    folder: PathBuf,
    blocks: BTreeMap<BlockHash, Tracked>,
    /// Confirmed blocks that were forgotten.
    forgotten: u64,
    calls: FuturesUnordered<BoxFuture<'static, Answer>>,
    /// Looks under way.
    looks: usize,
    view: watch::Sender<Arc<BlocksView>>,
}

impl BlocksTask {
    /// Takes up the blocks of the folder.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(
        client: RpcClient,
        params: Arc<Params>,
        folder: PathBuf,
        view: watch::Sender<Arc<BlocksView>>,
    ) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let mut task = Self {
            client,
            params,
            folder,
            blocks: BTreeMap::new(),
            forgotten: 0,
            calls: FuturesUnordered::new(),
            looks: 0,
            view,
        };
        for entry in fs::read_dir(&task.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "block") {
                task.resume(&path)?;
            }
        }
        Ok(task)
    }

    /// Runs until the token is cancelled.
    pub async fn run(mut self, mut inbox: mpsc::Receiver<BlockInput>, token: CancellationToken) {
        let mut checks = interval(BLOCK_CHECK);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = token.cancelled() => break,
                input = inbox.recv() => match input {
                    Some(BlockInput::Own { found, written }) => self.on_own(&found, written),
                    Some(BlockInput::Seen(share)) => self.on_seen(&share),
                    None => return,
                },
                Some(answer) = self.calls.next() => self.on_answer(answer),
                _ = checks.tick() => self.look(),
            }
            self.publish();
        }
        // Blocks that were found before the stop still reach the disk; the channel ends with the chain task.
        while let Some(input) = inbox.recv().await {
            if let BlockInput::Own { found, written } = input {
                self.on_own(&found, written);
            }
        }
    }

    fn on_own(&mut self, found: &Found, written: oneshot::Sender<()>) {
        let hash = header_hash(&self.params, &found.header);
        let bytes = assemble(&self.params, found);
        let height = found.data.block_height;
        info!(%hash, height, "block found");
        let path = self.path(&hash);
        if let Err(cause) = write_durably(&path, hex::encode(&bytes).as_bytes()) {
            // The block is worth more than the file: it is submitted all the same.
            error!(%cause, path = %path.display(), "the found block could not be written to disk");
        }
        let _stopping = written.send(());
        let value = found.data.coinbase_value.units();
        self.track(hash, height, value, true);
        self.submit(hash, bytes);
    }

    fn on_seen(&mut self, share: &CheckedShare) {
        let data = &share.share().data;
        self.track(share.id().into(), data.block_height, data.coinbase_value.units(), false);
    }

    fn track(&mut self, hash: BlockHash, height: u32, coinbase_value: u64, own: bool) {
        let block =
            PoolBlock { hash, height, coinbase_value, own, found_at: unix_now(), status: PoolBlockStatus::Pending };
        let tracked = self.blocks.entry(hash).or_insert_with(|| Tracked {
            block,
            since: Instant::now(),
            looked: None,
            busy: false,
        });
        tracked.block.own |= own;
        while self.blocks.len() > BLOCKS_REMEMBERED_MAX {
            // Anyone may claim blocks and heights: what the daemon has not confirmed goes first, and ours last.
            let least = self.blocks.values().min_by_key(|tracked| tracked.block.worth());
            let Some(forgotten) = least.map(|tracked| tracked.block.hash).and_then(|hash| self.blocks.remove(&hash))
            else {
                break;
            };
            self.forgotten = self.forgotten.saturating_add(u64::from(forgotten.block.is_confirmed()));
        }
    }

    /// Submits a block that an earlier run wrote.
    fn resume(&mut self, path: &Path) -> io::Result<()> {
        let text = fs::read(path)?;
        let parsed =
            hex::decode(text.trim_ascii()).ok().and_then(|bytes| Some((block::Block::decode(&bytes).ok()?, bytes)));
        let Some((parsed, bytes)) = parsed else {
            warn!(path = %path.display(), "not a block, left alone");
            return Ok(());
        };
        let value =
            parsed.transactions.first().map_or(0, |coinbase| coinbase.outputs.iter().map(|out| out.value).sum());
        let hash = header_hash(&self.params, &parsed.header);
        info!(%hash, bytes = bytes.len(), "submitting a block of an earlier run again");
        self.track(hash, 0, value, true);
        self.submit(hash, bytes);
        Ok(())
    }

    fn submit(&mut self, hash: BlockHash, bytes: Vec<u8>) {
        if let Some(tracked) = self.blocks.get_mut(&hash) {
            tracked.busy = true;
        }
        let client = self.client.clone();
        self.calls.push(Box::pin(async move {
            let verdict = submit_until_judged(&client, &bytes).await;
            Answer::Submitted { hash, verdict }
        }));
    }

    /// Asks the daemon about blocks that are not buried, a few at a time: anybody's share may claim to be a block, and the
    /// daemon has templates to make.
    fn look(&mut self) {
        let mut due: Vec<&mut Tracked> = self.blocks.values_mut().filter(|tracked| tracked.is_due()).collect();
        due.sort_by_key(|tracked| std::cmp::Reverse(tracked.block.worth()));
        for tracked in due.into_iter().take(LOOKS_MAX.saturating_sub(self.looks)) {
            tracked.busy = true;
            tracked.looked = Some(Instant::now());
            self.looks += 1;
            let (client, hash) = (self.client.clone(), tracked.block.hash);
            self.calls.push(Box::pin(async move {
                let status = client.block_status(&hash).await;
                Answer::Looked { hash, status }
            }));
        }
    }

    fn on_answer(&mut self, answer: Answer) {
        match answer {
            Answer::Submitted { hash, verdict } => self.on_submitted(hash, verdict),
            Answer::Looked { hash, status } => {
                self.looks = self.looks.saturating_sub(1);
                self.on_looked(hash, status);
                self.look();
            }
        }
    }

    fn on_submitted(&mut self, hash: BlockHash, verdict: Result<Option<String>, RpcError>) {
        let Some(tracked) = self.blocks.get_mut(&hash) else { return };
        tracked.busy = false;
        match verdict.map(|word| word.unwrap_or_default()) {
            // Inconclusive: it is in the tree beside the tip; a look will tell.
            Ok(word) if matches!(word.as_str(), "" | "duplicate" | "inconclusive" | "duplicate-inconclusive") => {
                info!(%hash, word, "the daemon took the block");
            }
            Ok(reason) => {
                error!(%hash, reason, "the daemon refuses the block");
                tracked.block.status = PoolBlockStatus::Refused(reason);
            }
            Err(cause) => {
                error!(%hash, %cause, "the daemon could not judge the block; its file is kept");
                tracked.block.status = PoolBlockStatus::Refused(cause.to_string());
            }
        }
    }

    fn on_looked(&mut self, hash: BlockHash, status: Result<Option<BlockStatus>, RpcError>) {
        let Some(tracked) = self.blocks.get_mut(&hash) else { return };
        tracked.busy = false;
        // An unreachable daemon says nothing about the block.
        let Ok(status) = status else { return };
        let before = tracked.block.status.clone();
        tracked.block.status = match status {
            Some(status) if status.confirmations >= 1 => {
                tracked.block.height = status.height;
                PoolBlockStatus::Confirmed(status.confirmations)
            }
            Some(_) => PoolBlockStatus::Orphaned,
            None if tracked.since.elapsed() > BLOCK_UNKNOWN_MAX => PoolBlockStatus::Orphaned,
            None => PoolBlockStatus::Pending,
        };
        let (block, own) = (&tracked.block, tracked.block.own);
        let is_buried = matches!(block.status, PoolBlockStatus::Confirmed(BLOCK_BURIED_CONFIRMATIONS..));
        match (&before, &block.status) {
            (PoolBlockStatus::Confirmed(_), PoolBlockStatus::Confirmed(_)) => {}
            (_, PoolBlockStatus::Confirmed(_)) => info!(%hash, height = block.height, own, "block confirmed"),
            (PoolBlockStatus::Confirmed(_), _) => warn!(%hash, height = block.height, own, "block left the main chain"),
            _ => {}
        }
        if own && is_buried {
            self.forget_file(&hash);
        } else if own && status.is_none() {
            // It took the block once, and has lost it.
            self.submit_again(hash);
        }
    }

    /// Submits an own block once more, from its file.
    fn submit_again(&mut self, hash: BlockHash) {
        let path = self.path(&hash);
        match fs::read(&path).map(|text| hex::decode(text.trim_ascii())) {
            Ok(Ok(bytes)) => {
                warn!(%hash, "the daemon does not know our block, submitting it again");
                self.submit(hash, bytes);
            }
            _ => warn!(path = %path.display(), "the daemon does not know our block, and its file cannot be read"),
        }
    }

    fn publish(&self) {
        let mut blocks: Vec<PoolBlock> = self.blocks.values().map(|tracked| tracked.block.clone()).collect();
        blocks.sort_by_key(|block| (std::cmp::Reverse(block.height), block.hash));
        let confirmed = blocks.iter().filter(|block| block.is_confirmed()).count();
        let confirmed = self.forgotten.saturating_add(u64::try_from(confirmed).unwrap_or(u64::MAX));
        self.view.send_replace(Arc::new(BlocksView { blocks, confirmed }));
    }

    /// A buried block needs no file any more.
    fn forget_file(&self, hash: &BlockHash) {
        let path = self.path(hash);
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                warn!(%cause, path = %path.display(), "a buried block's file could not be removed");
            }
            _ => {}
        }
    }

    fn path(&self, hash: &BlockHash) -> PathBuf {
        self.folder.join(format!("{hash}.block"))
    }
}

#[cfg(test)]
mod tests;
