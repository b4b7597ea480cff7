//! Gets emergencies into their file, beside the task that sees them: a slow or full disk holds up nobody.

use std::{collections::VecDeque, future::pending, io, time::Duration};

use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::timeout,
};
use tracing::{info, warn};

use super::{
    emergencies::Change,
    file::{EmergencyFile, line},
};

/// Lines that wait for a disk with room; then the oldest are dropped.
const WAITING_MAX: usize = 1_000;
/// Time for the last lines when the node stops.
const LAST_WRITE_TIMEOUT: Duration = Duration::from_secs(2);

type Written = (EmergencyFile, VecDeque<Vec<u8>>, io::Result<()>);

/// See the module.
#[derive(Debug)]
pub(super) struct Keeper {
    /// Here while nobody writes.
    file: Option<EmergencyFile>,
    writing: Option<JoinHandle<Written>>,
    waiting: VecDeque<Vec<u8>>,
    /// Whether it was told that nothing can be written.
    told: bool,
}

impl Keeper {
    pub(super) const fn new(file: EmergencyFile) -> Self {
        Self { file: Some(file), writing: None, waiting: VecDeque::new(), told: false }
    }

    /// One more line.
    pub(super) fn keep(&mut self, change: &Change) {
        self.waiting.push_back(line(change));
        while self.waiting.len() > WAITING_MAX {
            self.waiting.pop_front();
        }
    }

    /// Begins to write what waits, unless that is done already.
    pub(super) fn begin(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let Some(mut file) = self.file.take() else { return };
        let mut lines = std::mem::take(&mut self.waiting);
        self.writing = Some(spawn_blocking(move || {
            let outcome = file.write(&mut lines);
            (file, lines, outcome)
        }));
    }

    /// Waits for the end of a write; cancelling it loses nothing.
    pub(super) async fn written(&mut self) {
        let Some(writing) = &mut self.writing else { return pending().await };
        let written = writing.await;
        self.writing = None;
        // Only a bug ends it otherwise, and then nothing is written any more.
        let Ok((file, left, outcome)) = written else { return };
        match outcome {
            Ok(()) if self.told => {
                self.told = false;
                info!(event = "emergencies_written", path = %file.path().display(), "emergencies are written again");
            }
            Ok(()) => {}
            Err(error) if !self.told => {
                self.told = true;
                warn!(event = "emergencies_unwritten", path = %file.path().display(), %error, "emergencies cannot be written; mining goes on");
            }
            Err(_) => {}
        }
        let newer = std::mem::replace(&mut self.waiting, left);
        self.waiting.extend(newer);
        self.file = Some(file);
    }

    /// Writes what is left, if that does not take long.
    pub(super) async fn finish(mut self) {
        let all = async {
            if self.writing.is_some() {
                self.written().await;
            }
            self.begin();
            if self.writing.is_some() {
                self.written().await;
            }
        };
        let _slow = timeout(LAST_WRITE_TIMEOUT, all).await;
    }
}
