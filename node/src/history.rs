//! How fast was mined here: hashes, accepted and refused submits of the node and of every worker, by minute, hour and day.
//!
//! ```text
//! StratumSnapshot --every 5 s--> History (pure) --every 10 min and at the stop--> history.hashrate
//! API ------------HistoryQuery------^
//! ```
//! Space is bounded whatever miners do, see [`limits`]. Nothing depends on it: a file that cannot be read is put aside.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use sharechain::{PayoutScript, UnixTime};
use stratum::{StratumHandle, server::StratumSnapshot};
use tokio::{
    sync::{mpsc, oneshot},
    time::Duration,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::{
    clock::{every, unix_now},
    data_dir::write_durably,
};

mod file;
pub mod limits;
mod series;
mod state;

pub use file::FILE_LEN_MAX;
pub use series::{Point, Step};
pub use state::{History, Subject};

/// Time between two looks at the miners. What a worker does between the last look and its disconnection is counted for the node
/// only.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// Time between two writes of the file: what a power cut may cost.
const SAVE_INTERVAL: Duration = Duration::from_secs(600);
/// Questions that wait; askers wait.
const QUERIES_MAX: usize = 64;

#[derive(Debug)]
enum HistoryQuery {
    Points { subject: Subject, step: Step, len_max: usize, reply: oneshot::Sender<Option<Vec<Point>>> },
    Scripts(oneshot::Sender<Vec<PayoutScript>>),
}

/// Where others ask.
#[derive(Clone, Debug)]
pub struct HistoryHandle {
    queries: mpsc::Sender<HistoryQuery>,
}

impl HistoryHandle {
    /// The last points of a subject, oldest first, without a hole; `None` when nobody of that name has mined here, or the
    /// node stops.
    pub async fn points(&self, subject: Subject, step: Step, len_max: usize) -> Option<Vec<Point>> {
        let (reply, answer) = oneshot::channel();
        self.queries.send(HistoryQuery::Points { subject, step, len_max, reply }).await.ok()?;
        answer.await.ok().flatten()
    }

    /// Whom miners mined for that are remembered; nobody when the node stops.
    pub async fn scripts(&self) -> Vec<PayoutScript> {
        let (reply, answer) = oneshot::channel();
        let asked = self.queries.send(HistoryQuery::Scripts(reply)).await;
        if asked.is_ok() { answer.await.unwrap_or_default() } else { Vec::new() }
    }
}

/// See the module.
#[derive(Debug)]
pub struct HistoryTask {
    history: History,
    path: PathBuf,
    stratum: StratumHandle,
    queries: mpsc::Receiver<HistoryQuery>,
}

impl HistoryTask {
    /// Takes up what the file holds.
    pub fn open(path: PathBuf, stratum: StratumHandle) -> (Self, HistoryHandle) {
        let history = read(&path).unwrap_or_else(|cause| {
            let aside = path.with_extension("broken");
            let moved = std::fs::rename(&path, &aside).is_ok();
            let (path, aside) = (path.display(), aside.display());
            warn!(event = "history_broken", %path, %cause, moved, %aside, "the history of hash rates cannot be read; it begins anew");
            History::default()
        });
        let (queries, asked) = mpsc::channel(QUERIES_MAX);
        (Self { history, path, stratum, queries: asked }, HistoryHandle { queries })
    }

    /// Runs until the token is cancelled.
    pub async fn run(mut self, token: CancellationToken) {
        let mut looks = every(LOOK_INTERVAL);
        let mut saves = every(SAVE_INTERVAL);
        saves.reset();
        loop {
            // A channel and intervals lose nothing when another branch wins.
            tokio::select! {
                biased;
                () = token.cancelled() => break,
                query = self.queries.recv() => match query {
                    Some(query) => self.answer(query),
                    None => return token.cancelled().await,
                },
                _ = saves.tick() => self.save().await,
                _ = looks.tick() => self.look(&self.stratum.snapshot()),
            }
        }
        self.look(&self.stratum.snapshot());
        self.save().await;
    }

    fn look(&mut self, seen: &Arc<StratumSnapshot>) {
        self.history.on_snapshot(seen, unix_now());
    }

    fn answer(&self, query: HistoryQuery) {
        // Nobody waits any more when a reply cannot be sent.
        match query {
            HistoryQuery::Points { subject, step, len_max, reply } => {
                drop(reply.send(self.history.points(&subject, step, len_max, unix_now())));
            }
            HistoryQuery::Scripts(reply) => drop(reply.send(self.history.scripts())),
        }
    }

    async fn save(&mut self) {
        self.history.forget_old(unix_now());
        let (path, bytes) = (self.path.clone(), self.history.encode());
        let written = tokio::task::spawn_blocking(move || write_durably(&path, &bytes)).await;
        if let Ok(Err(cause)) = written {
            warn!(event = "history_unwritten", %cause, path = %self.path.display(), "the history of hash rates could not be written");
        }
    }
}

/// What the file holds; nothing when there is none.
fn read(path: &Path) -> io::Result<History> {
    let len = match path.metadata() {
        Ok(metadata) => metadata.len(),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(History::default()),
        Err(cause) => return Err(cause),
    };
    if len > FILE_LEN_MAX {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "it is damaged, or of another version");
    History::decode(&std::fs::read(path)?, unix_now()).ok_or_else(damaged)
}

/// The time of a slot's begin.
fn slot_time(slot: u32, step: Step) -> UnixTime {
    UnixTime::from(slot) * step.secs()
}

#[cfg(test)]
mod tests;
