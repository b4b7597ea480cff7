//! What the task writes, and who waits for it. Writes are done beside it: a slow disk holds up no submission.
//!
//! A block that cannot be written stays in memory, is submitted all the same, and is written at every look until it is there
//! or buried. Its miner hears that it is not kept, unless a daemon takes it soon.

use std::{io, sync::Arc, time::Duration};

use futures::StreamExt;
use sharechain::BlockHash;
use tokio::{
    sync::mpsc,
    task::spawn_blocking,
    time::{sleep, timeout},
};
use tracing::{error, info, warn};

use super::{Answer, BlockInput, BlocksTask, files, history, history::History};
use crate::defaults::BLOCKS_STOP_TIMEOUT;

/// Time for a daemon to take a block that could not be written, before its miner hears that it is not kept.
const TAKEN_PATIENCE: Duration = Duration::from_secs(2);

impl BlocksTask {
    /// Has a block written, beside everything else.
    pub(super) fn write(&mut self, hash: BlockHash, bytes: Arc<[u8]>) {
        let Some(tracked) = self.blocks.get_mut(&hash) else { return };
        tracked.unwritten = Some(bytes);
        self.begin_write(hash);
    }

    /// The same for what an earlier write did not bring to the disk.
    pub(super) fn write_again(&mut self) {
        let unwritten = self.blocks.iter().filter(|(_, tracked)| tracked.unwritten.is_some());
        let hashes: Vec<BlockHash> = unwritten.map(|(hash, _)| *hash).collect();
        hashes.into_iter().for_each(|hash| self.begin_write(hash));
    }

    fn begin_write(&mut self, hash: BlockHash) {
        // One writer per file: two would share a temporary file.
        let Some(tracked) = self.blocks.get_mut(&hash).filter(|tracked| !tracked.is_being_written) else { return };
        let Some(bytes) = tracked.unwritten.clone() else { return };
        tracked.is_being_written = true;
        let path = files::path(&self.folder, &hash);
        let writing = spawn_blocking(move || files::write(&path, &bytes));
        self.calls.push(Box::pin(async move {
            let outcome = writing.await.unwrap_or_else(|cause| Err(io::Error::other(cause)));
            Answer::Written { hash, outcome }
        }));
    }

    pub(super) fn on_written(&mut self, hash: BlockHash, outcome: io::Result<()>) {
        let Some(tracked) = self.blocks.get_mut(&hash) else { return };
        tracked.is_being_written = false;
        let path = files::path(&self.folder, &hash);
        match outcome {
            Ok(()) => {
                tracked.unwritten = None;
                if tracked.trouble.take().is_some() {
                    info!(event = "block_written", path = %path.display(), "the found block is on the disk now");
                }
                // While it was written the last confirmation may have come.
                if tracked.block.is_matured() {
                    files::forget(&path);
                }
            }
            Err(cause) => {
                if tracked.trouble.is_none() {
                    error!(
                        event = "block_unwritten", %cause, path = %path.display(),
                        "the found block could not be written to disk; it is submitted all the same, and written again"
                    );
                }
                tracked.trouble = Some(cause.to_string());
                // Others' blocks are in their finders' memory, and could be many.
                if !tracked.block.own {
                    tracked.unwritten = None;
                }
                if !tracked.waiting.is_empty() {
                    self.calls.push(Box::pin(async move {
                        sleep(TAKEN_PATIENCE).await;
                        Answer::Overdue { hash }
                    }));
                }
            }
        }
        tracked.answer_waiting();
        // Not before: the block's own file is what the miner waits for.
        self.save_if_changed();
    }

    /// What became of the blocks is for people: nobody waits for it.
    pub(super) fn save_if_changed(&mut self) {
        if !self.unsaved || self.is_saving {
            return;
        }
        (self.unsaved, self.is_saving) = (false, true);
        let (folder, history) = (self.folder.clone(), self.history());
        let writing = spawn_blocking(move || history::write(&folder, &history));
        self.calls.push(Box::pin(async move {
            Answer::Saved(writing.await.unwrap_or_else(|cause| Err(io::Error::other(cause))))
        }));
    }

    pub(super) fn on_saved(&mut self, outcome: &io::Result<()>) {
        self.is_saving = false;
        if let Err(cause) = outcome {
            // The files of the blocks are what must not be lost.
            warn!(%cause, path = %self.folder.display(), "what became of found blocks could not be written");
        }
    }

    fn history(&self) -> History {
        let blocks = self.blocks.values().map(|tracked| tracked.block.clone()).collect();
        History { blocks, forgotten: self.forgotten }
    }

    /// Blocks that were found before the stop still reach the disk, and the daemons that answer soon.
    pub(super) async fn finish(mut self, mut inbox: mpsc::Receiver<BlockInput>) {
        self.write_again();
        // The channel ends with the chain task. A channel and a set of futures lose nothing when the other wins.
        loop {
            tokio::select! {
                biased;
                Some(answer) = self.calls.next() => self.on_answer(answer),
                input = inbox.recv() => match input {
                    Some(BlockInput::Own { found, kept }) => self.on_own(&found, kept),
                    Some(BlockInput::Seen(_) | BlockInput::Rebuilt { .. }) => {}
                    None => break,
                },
            }
        }
        let last = async {
            while self.has_work_that_counts() {
                let Some(answer) = self.calls.next().await else { return };
                self.on_answer(answer);
            }
        };
        if timeout(BLOCKS_STOP_TIMEOUT, last).await.is_err() {
            warn!(
                "the node stops before every found block was taken by a daemon and written; files are submitted at its next start"
            );
        }
        self.publish();
        // A disk that has not answered until now does not need another write.
        if self.unsaved && !self.is_saving {
            let outcome = history::write(&self.folder, &self.history());
            self.on_saved(&outcome);
        }
    }

    /// Whether a block is on its way that no daemon has, or something is being written.
    fn has_work_that_counts(&self) -> bool {
        self.is_saving || self.blocks.values().any(|tracked| tracked.is_being_written || tracked.is_undelivered())
    }
}
