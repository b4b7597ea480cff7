//! Found blocks: written to disk and submitted to every daemon at once, until it is there and each has judged them; watched
//! until their coinbase can be spent.
//!
//! ```text
//! own, rebuilt: found --> submitted | refused(reason)
//!                   \--> file (fsync), which the miner's answer waits for
//! anyone's:     found (seen in the share chain) --> confirmed(n) --> matured
//!                                                       \--> orphaned
//! ```
//! A block's file stays until it is matured; at every start the files are submitted again, which a daemon answers with
//! `duplicate` when it has the block. What became of every block is kept in `history.json`.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use sharechain::{BlockHash, CheckedShare, Header, Params};
use stratum::submit::Found;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    chain_profile::ChainProfile,
    clock::every,
    defaults::{BLOCK_CHECK, BLOCK_UNKNOWN_MAX, BLOCKS_REMEMBERED_MAX},
    parent::{
        Daemons,
        rpc::{BlockStatus, RpcError},
    },
};

mod disk;
mod files;
mod history;
mod pool_block;
mod recount;
pub(crate) mod submit;

pub use pool_block::{BlocksView, Kept, PoolBlock, PoolBlockStatus};

pub(crate) use recount::recount;

use history::History;
use pool_block::Tracked;
pub(crate) use submit::header_hash;

use submit::{assemble, submit_until_judged};

/// Looks at once.
const LOOKS_MAX: usize = 2;

/// What the blocks task is told.
#[derive(Debug)]
pub enum BlockInput {
    /// A miner of this node found a hash that meets the parent target.
    Own {
        /// What was found.
        found: Box<Found>,
        /// Told when the block is on the disk, or why it is kept nowhere: what the miner hears waits for it.
        kept: Kept,
    },
    /// A linked share claims to be a block.
    Seen(Arc<CheckedShare>),
    /// The block of a linked share, put together from its node's template.
    Rebuilt {
        /// Its hash.
        hash: BlockHash,
        /// The whole block.
        bytes: Vec<u8>,
    },
}

/// What a call to a daemon or the disk brought.
#[derive(Debug)]
enum Answer {
    Written {
        hash: BlockHash,
        outcome: io::Result<()>,
    },
    /// Whoever waits for a block that could not be written has waited long enough.
    Overdue {
        hash: BlockHash,
    },
    Saved(io::Result<()>),
    Submitted {
        hash: BlockHash,
        url: Arc<str>,
        verdict: Option<Result<Option<String>, RpcError>>,
    },
    Looked {
        hash: BlockHash,
        status: Result<Option<BlockStatus>, RpcError>,
    },
}

/// The task's state.
#[derive(Debug)]
pub struct BlocksTask {
    daemons: Daemons,
    params: Arc<Params>,
    maturity: i64,
    folder: PathBuf,
    blocks: BTreeMap<BlockHash, Tracked>,
    /// Confirmed blocks that were forgotten.
    forgotten: u64,
    calls: FuturesUnordered<BoxFuture<'static, Answer>>,
    /// Looks under way.
    looks: usize,
    /// What became of a block is not in its file yet.
    unsaved: bool,
    /// The file is being written.
    is_saving: bool,
    view: watch::Sender<Arc<BlocksView>>,
}

impl BlocksTask {
    /// Takes up the blocks of the folder.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(
        daemons: Daemons,
        profile: &ChainProfile,
        folder: PathBuf,
        view: watch::Sender<Arc<BlocksView>>,
    ) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let History { blocks, forgotten } = history::read(&folder);
        let mut task = Self {
            daemons,
            params: profile.params.clone(),
            maturity: i64::from(profile.daemon.maturity),
            folder,
            blocks: blocks.into_iter().map(|block| (block.hash, Tracked::new(block))).collect(),
            forgotten,
            calls: FuturesUnordered::new(),
            looks: 0,
            unsaved: false,
            is_saving: false,
            view,
        };
        for path in files::all(&task.folder)? {
            task.resume(&path);
        }
        // Who looks at it from the start on knows which blocks are none of this run.
        task.publish();
        Ok(task)
    }

    /// Runs until the token is cancelled.
    pub async fn run(mut self, mut inbox: mpsc::Receiver<BlockInput>, token: CancellationToken) {
        let mut checks = every(BLOCK_CHECK);
        loop {
            tokio::select! {
                biased;
                () = token.cancelled() => break,
                // Before the next input: a submission begins when it is first looked at here.
                Some(answer) = self.calls.next() => self.on_answer(answer),
                input = inbox.recv() => match input {
                    Some(input) => self.on_input(input),
                    None => break,
                },
                _ = checks.tick() => {
                    self.write_again();
                    self.look();
                }
            }
            self.publish();
        }
        self.finish(inbox).await;
    }

    fn on_input(&mut self, input: BlockInput) {
        match input {
            BlockInput::Own { found, kept } => self.on_own(&found, kept),
            BlockInput::Seen(share) => self.on_seen(&share),
            BlockInput::Rebuilt { hash, bytes } => self.on_rebuilt(hash, bytes),
        }
    }

    fn on_own(&mut self, found: &Found, kept: Kept) {
        let hash = header_hash(&self.params, &found.header);
        let bytes = assemble(&self.params, found);
        let height = found.data.block_height;
        info!(event = "block_found", %hash, height, "block found");
        self.take(PoolBlock::found(hash, height, found.data.coinbase_value.units(), true), bytes.into(), kept);
    }

    /// An own block goes to the daemons and to the disk; neither waits for the other.
    fn take(&mut self, block: PoolBlock, bytes: Arc<[u8]>, kept: Kept) {
        let hash = block.hash;
        self.track(block);
        if let Some(tracked) = self.blocks.get_mut(&hash) {
            tracked.waiting.push(kept);
        }
        self.submit(hash, bytes.clone());
        self.write(hash, bytes);
    }

    fn on_seen(&mut self, share: &CheckedShare) {
        let data = &share.share().data;
        let block = PoolBlock::found(share.id().into(), data.block_height, data.coinbase_value.units(), false);
        self.track(block.mined_at(share.share().header.time));
    }

    /// Another node's block goes to our daemons too: its own may be down.
    fn on_rebuilt(&mut self, hash: BlockHash, bytes: Vec<u8>) {
        if self.blocks.get(&hash).is_none_or(|tracked| tracked.block.own || !tracked.needs_submission()) {
            return;
        }
        info!(event = "block_rebuilt", %hash, "submitting the block of another node");
        let bytes: Arc<[u8]> = bytes.into();
        self.submit(hash, bytes.clone());
        self.write(hash, bytes);
    }

    fn track(&mut self, block: PoolBlock) {
        let own = block.own;
        self.unsaved |= !self.blocks.contains_key(&block.hash);
        let tracked = self.blocks.entry(block.hash).or_insert_with(|| Tracked::new(block));
        tracked.block.own |= own;
        while self.blocks.len() > BLOCKS_REMEMBERED_MAX {
            // Anyone may claim blocks and heights: what no daemon has confirmed goes first, and ours last.
            let least = self.blocks.values().min_by_key(|tracked| tracked.block.worth());
            let Some(forgotten) = least.map(|tracked| tracked.block.hash).and_then(|hash| self.blocks.remove(&hash))
            else {
                break;
            };
            self.forgotten = self.forgotten.saturating_add(u64::from(forgotten.block.is_confirmed()));
        }
    }

    /// Submits a block that an earlier run wrote. A file that is none costs only itself: the node has to start.
    fn resume(&mut self, path: &Path) {
        let bytes = match files::read(path) {
            Ok(bytes) => bytes.unwrap_or_default(),
            Err(cause) => {
                return warn!(event = "block_unread", %cause, path = %path.display(), "a block cannot be read, left alone");
            }
        };
        let Some(header) = bytes.first_chunk().map(Header::decode) else {
            return warn!(path = %path.display(), "not a block, left alone");
        };
        let hash = header_hash(&self.params, &header);
        if self.path(&hash) != path {
            return warn!(path = %path.display(), "not the block of its name, left alone");
        }
        info!(%hash, bytes = bytes.len(), "submitting a block of an earlier run again");
        // The history says whose it is; without it, it is worth keeping like our own.
        let own = self.blocks.get(&hash).is_none_or(|tracked| tracked.block.own);
        self.track(PoolBlock::found(hash, 0, 0, own));
        self.submit(hash, bytes.into());
    }

    /// Hands a block to every daemon at once.
    fn submit(&mut self, hash: BlockHash, bytes: Arc<[u8]>) {
        let Some(tracked) = self.blocks.get_mut(&hash) else { return };
        for client in self.daemons.all() {
            tracked.submissions += 1;
            let (client, bytes, ended) = (client.clone(), bytes.clone(), tracked.ended.clone());
            self.calls.push(Box::pin(async move {
                // Nobody waits for a daemon that is down once the block is settled.
                let verdict = ended.run_until_cancelled(submit_until_judged(&client, &bytes)).await;
                Answer::Submitted { hash, url: client.url().into(), verdict }
            }));
        }
    }

    /// Asks about blocks that are not settled, a few at a time: anybody's share may claim to be a block, and daemons have
    /// templates to make.
    fn look(&mut self) {
        self.save_if_changed();
        let mut due: Vec<&mut Tracked> = self.blocks.values_mut().filter(|tracked| tracked.is_due()).collect();
        due.sort_by_key(|tracked| std::cmp::Reverse(tracked.block.worth()));
        for tracked in due.into_iter().take(LOOKS_MAX.saturating_sub(self.looks)) {
            tracked.is_looked_at = true;
            tracked.looked = Some(Instant::now());
            self.looks += 1;
            let (daemons, hash) = (self.daemons.clone(), tracked.block.hash);
            self.calls.push(Box::pin(async move {
                let status = daemons.block_status(&hash).await;
                Answer::Looked { hash, status }
            }));
        }
    }

    fn on_answer(&mut self, answer: Answer) {
        match answer {
            Answer::Written { hash, outcome } => self.on_written(hash, outcome),
            Answer::Overdue { hash } => self.blocks.get_mut(&hash).into_iter().for_each(Tracked::refuse_waiting),
            Answer::Saved(outcome) => self.on_saved(&outcome),
            Answer::Submitted { hash, url, verdict } => self.on_submitted(hash, &url, verdict),
            Answer::Looked { hash, status } => {
                self.looks = self.looks.saturating_sub(1);
                self.on_looked(hash, status);
                self.look();
            }
        }
    }

    fn on_submitted(&mut self, hash: BlockHash, url: &str, verdict: Option<Result<Option<String>, RpcError>>) {
        let Some(tracked) = self.blocks.get_mut(&hash) else { return };
        tracked.submissions = tracked.submissions.saturating_sub(1);
        match verdict {
            None => {}
            Some(Ok(word)) if submit::is_taken(word.as_deref().unwrap_or_default()) => {
                info!(event = "block_taken", %hash, url, word, "the daemon took the block");
                self.unsaved |= tracked.block.on_taken();
            }
            Some(refusal) => {
                let refusal = refusal.map_or_else(|cause| cause.to_string(), Option::unwrap_or_default);
                error!(event = "block_refused", %hash, url, refusal, "the daemon refuses the block; its file is kept");
                self.unsaved |= tracked.block.on_refused(refusal);
            }
        }
        tracked.answer_waiting();
    }

    fn on_looked(&mut self, hash: BlockHash, status: Result<Option<BlockStatus>, RpcError>) {
        let Some(tracked) = self.blocks.get_mut(&hash) else { return };
        tracked.is_looked_at = false;
        // Unreachable daemons say nothing about the block.
        let Ok(status) = status else { return };
        let before = tracked.block.status.clone();
        let is_old = tracked.since.elapsed() > BLOCK_UNKNOWN_MAX;
        tracked.block.on_looked(status, self.maturity, is_old);
        let (block, own) = (&tracked.block, tracked.block.own);
        self.unsaved |= std::mem::discriminant(&before) != std::mem::discriminant(&block.status);
        match (&before, &block.status) {
            (PoolBlockStatus::Matured(_), _) => {}
            (_, PoolBlockStatus::Matured(_)) => {
                info!(event = "block_matured", %hash, height = block.height, own, "block matured")
            }
            (PoolBlockStatus::Confirmed(_), PoolBlockStatus::Confirmed(_)) => {}
            (_, PoolBlockStatus::Confirmed(_)) => {
                info!(event = "block_confirmed", %hash, height = block.height, own, "block confirmed")
            }
            (PoolBlockStatus::Confirmed(_), _) => {
                warn!(event = "block_orphaned", %hash, height = block.height, own, "block left the main chain")
            }
            _ => {}
        }
        if block.is_matured() {
            tracked.ended.cancel();
            tracked.unwritten = None;
            files::forget(&files::path(&self.folder, &hash));
        } else if status.is_none() && tracked.needs_submission() {
            self.submit_again(hash);
        }
    }

    /// Submits a block once more, from its file where it has one.
    fn submit_again(&mut self, hash: BlockHash) {
        let path = self.path(&hash);
        let Some(tracked) = self.blocks.get_mut(&hash) else { return };
        let read = match tracked.unwritten.clone() {
            Some(bytes) => Ok(Some(bytes)),
            None => files::read(&path).map(|read| read.map(Arc::from)),
        };
        match read {
            Ok(Some(bytes)) => {
                warn!(%hash, "no daemon knows the block, submitting it again");
                self.submit(hash, bytes);
            }
            // Others' blocks have a file only when they were rebuilt here.
            Ok(None) if !tracked.block.own => {}
            Ok(None) | Err(_) if tracked.trouble.is_some() => {}
            unread => {
                let cause = unread.err().map_or_else(|| "there is no file".to_owned(), |cause| cause.to_string());
                error!(event = "block_unread", cause, path = %path.display(), "no daemon knows the block, and it cannot be read");
                tracked.trouble = Some(cause);
            }
        }
    }

    fn publish(&self) {
        let mut blocks: Vec<PoolBlock> = self.blocks.values().map(|tracked| tracked.block.clone()).collect();
        blocks.sort_by_key(|block| (std::cmp::Reverse(block.height), block.hash));
        let confirmed = blocks.iter().filter(|block| block.is_confirmed()).count();
        let confirmed = self.forgotten.saturating_add(u64::try_from(confirmed).unwrap_or(u64::MAX));
        self.view.send_replace(Arc::new(BlocksView { blocks, confirmed }));
    }

    fn path(&self, hash: &BlockHash) -> PathBuf {
        files::path(&self.folder, hash)
    }
}

#[cfg(test)]
mod tests;
