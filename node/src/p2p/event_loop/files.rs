//! What the network task remembers over a restart: bans and known nodes, and when their files are written.
//!
//! While the node runs it never waits for the disk; a crash forgets the last seconds of bans and the last minutes of nodes.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use tokio::task::{JoinHandle, spawn_blocking};
use tracing::warn;

use super::Network;
use crate::{clock::unix_now, data_dir::write_durably};

/// Time between two writings of the address book.
const BOOK_INTERVAL: Duration = Duration::from_secs(300);

/// A file and what is to be in it.
type Due = (PathBuf, Vec<u8>);

/// The files, and what is newer than they are.
#[derive(Debug)]
pub(super) struct Files {
    bans: PathBuf,
    book: PathBuf,
    pub(super) bans_changed: bool,
    book_written: Instant,
    /// The one that writes: two would share a temporary file, and the half of one could get the name of the other.
    writing: Option<JoinHandle<()>>,
}

impl Files {
    pub(super) fn new(bans: PathBuf, book: PathBuf) -> Self {
        Self { bans, book, bans_changed: false, book_written: Instant::now(), writing: None }
    }

    fn is_writing(&self) -> bool {
        self.writing.as_ref().is_some_and(|writing| !writing.is_finished())
    }

    /// Writes beside everything else; one that is under way is to be over.
    fn begin(&mut self, files: Vec<Due>) {
        if !files.is_empty() {
            self.writing = Some(spawn_blocking(move || files.iter().for_each(write)));
        }
    }

    /// Writes when what is being written is there.
    async fn write_now(&mut self, files: Vec<Due>) {
        if let Some(writing) = self.writing.take() {
            // Only a bug ends it otherwise, and that is no reason to keep nothing.
            drop(writing.await);
        }
        files.iter().for_each(write);
    }
}

impl Network {
    /// Writes what is old enough, unless the disk is still busy with what was old enough before.
    pub(super) fn keep_files(&mut self) {
        if self.files.is_writing() {
            return;
        }
        let mut due = Vec::from_iter(self.changed_bans());
        if self.files.book_written.elapsed() >= BOOK_INTERVAL {
            self.files.book_written = Instant::now();
            due.push(self.book());
        }
        self.files.begin(due);
    }

    /// At the stop.
    pub(super) async fn keep_files_now(&mut self) {
        let files = self.changed_bans().into_iter().chain([self.book()]).collect();
        self.files.write_now(files).await;
    }

    fn changed_bans(&mut self) -> Option<Due> {
        let changed = std::mem::take(&mut self.files.bans_changed);
        changed.then(|| {
            let bans = &mut self.swarm.behaviour_mut().gate.bans;
            bans.forget(unix_now());
            (self.files.bans.clone(), bans.to_json().into_bytes())
        })
    }

    fn book(&self) -> Due {
        (self.files.book.clone(), self.peering.book.encode())
    }
}

fn write((path, bytes): &Due) {
    if let Err(cause) = write_durably(path, bytes) {
        warn!(path = %path.display(), %cause, "what is known of peers is not kept over a restart");
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::{fs, io::Read};

    use nix::{sys::stat::Mode, unistd::mkfifo};
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn what_is_written_at_the_stop_waits_for_what_is_being_written() {
        let folder = tempfile::tempdir().unwrap();
        let (bans, temporary) = (folder.path().join("bans.json"), folder.path().join("bans.tmp"));
        let mut files = Files::new(bans.clone(), folder.path().join("peers.book"));
        assert!(!files.is_writing());
        // Whoever writes to it waits until somebody reads.
        mkfifo(&temporary, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        files.begin(vec![(bans.clone(), b"first".to_vec())]);
        assert!(files.is_writing());
        let mut last = Box::pin(files.write_now(vec![(bans.clone(), b"second".to_vec())]));
        assert!(timeout(Duration::from_millis(50), &mut last).await.is_err(), "two write to one temporary file");
        let mut pipe = fs::File::open(&temporary).unwrap();
        fs::remove_file(&temporary).unwrap();
        let mut read = String::new();
        pipe.read_to_string(&mut read).unwrap();
        assert_eq!(read, "first");
        // The first has failed by that, because a pipe cannot be synced.
        last.await;
        assert_eq!(fs::read(&bans).unwrap(), b"second");
    }
}
