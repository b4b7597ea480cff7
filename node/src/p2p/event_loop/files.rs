//! What the network task remembers over a restart: bans and known nodes, and when their files are written.
//!
//! While the node runs it never waits for the disk; a crash forgets the last seconds of bans and the last minutes of nodes.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tracing::warn;

use super::Network;
use crate::{clock::unix_now, data_dir::write_durably};

/// Time between two writings of the address book.
const BOOK_INTERVAL: Duration = Duration::from_secs(300);

/// The files, and what is newer than they are.
#[derive(Debug)]
pub(super) struct Files {
    bans: PathBuf,
    book: PathBuf,
    pub(super) bans_changed: bool,
    book_written: Instant,
}

impl Files {
    pub(super) fn new(bans: PathBuf, book: PathBuf) -> Self {
        Self { bans, book, bans_changed: false, book_written: Instant::now() }
    }
}

impl Network {
    /// Writes what is old enough, beside everything else.
    pub(super) fn keep_files(&mut self) {
        if let Some(file) = self.changed_bans() {
            tokio::task::spawn_blocking(move || write(&file));
        }
        if self.files.book_written.elapsed() >= BOOK_INTERVAL {
            self.files.book_written = Instant::now();
            let file = self.book();
            tokio::task::spawn_blocking(move || write(&file));
        }
    }

    /// At the stop, when there is no task to do it.
    pub(super) fn keep_files_now(&mut self) {
        self.changed_bans().iter().chain([&self.book()]).for_each(write);
    }

    fn changed_bans(&mut self) -> Option<(PathBuf, Vec<u8>)> {
        let changed = std::mem::take(&mut self.files.bans_changed);
        changed.then(|| {
            let bans = &mut self.swarm.behaviour_mut().gate.bans;
            bans.forget(unix_now());
            (self.files.bans.clone(), bans.to_json().into_bytes())
        })
    }

    fn book(&self) -> (PathBuf, Vec<u8>) {
        (self.files.book.clone(), self.peering.book.encode())
    }
}

fn write((path, bytes): &(PathBuf, Vec<u8>)) {
    if let Err(cause) = write_durably(Path::new(path), bytes) {
        warn!(path = %path.display(), %cause, "what is known of peers is not kept over a restart");
    }
}
