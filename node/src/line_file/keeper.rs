//! Gets lines into their file, beside the task that has them: a slow or full disk holds up nobody.

use std::{collections::VecDeque, future::pending, io, mem, path::PathBuf, time::Duration};

use serde::Serialize;
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::timeout,
};
use tracing::{info, warn};

use super::{LineFile, LineKind, line_of};

/// Lines that wait for a disk with room; then the oldest are dropped.
const WAITING_MAX: usize = 1_000;
/// Their bytes: as many decisions about fifty lanes, 15 KB each, as are read again. Stops a full disk from filling memory;
/// under one that hangs it is twice as much, with the lines that are being written.
const WAITING_LEN_MAX: usize = 8 << 20;
/// Time for lines that somebody waits for.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

type Written = (LineFile, VecDeque<Vec<u8>>, io::Result<()>);

/// See the module.
#[derive(Debug)]
pub(crate) struct Keeper {
    kind: &'static LineKind,
    path: PathBuf,
    /// Here while nobody writes.
    file: Option<LineFile>,
    writing: Option<JoinHandle<Written>>,
    waiting: VecDeque<Vec<u8>>,
    /// Whether it was told that nothing can be written.
    told: bool,
}

impl Keeper {
    pub(crate) fn new(file: LineFile) -> Self {
        Self {
            kind: file.kind,
            path: file.path.clone(),
            file: Some(file),
            writing: None,
            waiting: VecDeque::new(),
            told: false,
        }
    }

    /// One more line, which waits until writing begins.
    pub(crate) fn keep(&mut self, value: &impl Serialize) {
        match line_of(value) {
            Ok(line) => {
                self.waiting.push_back(line);
                drop_oldest(&mut self.waiting);
            }
            Err(error) => self.tell(&Err(error.into())),
        }
    }

    /// Begins to write what waits, unless that is done already.
    pub(crate) fn begin(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let Some(mut file) = self.file.take() else { return };
        let mut lines = mem::take(&mut self.waiting);
        self.writing = Some(spawn_blocking(move || {
            let outcome = file.write(&mut lines);
            (file, lines, outcome)
        }));
    }

    /// Waits for the end of a write; cancelling it loses nothing.
    pub(crate) async fn written(&mut self) {
        let Some(writing) = &mut self.writing else { return pending().await };
        let written = writing.await;
        self.writing = None;
        // Only a bug ends it otherwise, and then nothing is written any more.
        let Ok((file, left, outcome)) = written else { return };
        let newer = mem::replace(&mut self.waiting, left);
        self.waiting.extend(newer);
        drop_oldest(&mut self.waiting);
        self.file = Some(file);
        self.tell(&outcome);
    }

    /// Writes all that waits, if that does not take long. Whether it is on the disk.
    pub(crate) async fn flush(&mut self) -> bool {
        let all = async {
            if self.writing.is_some() {
                self.written().await;
            }
            self.begin();
            if self.writing.is_some() {
                self.written().await;
            }
        };
        let in_time = timeout(FLUSH_TIMEOUT, all).await.is_ok();
        // A write that failed when all was handed to the disk leaves nothing that waits, but was told.
        in_time && self.file.is_some() && self.waiting.is_empty() && !self.told
    }

    /// Says once that lines cannot be written, and once that they are again.
    fn tell(&mut self, outcome: &io::Result<()>) {
        let (kind, path) = (self.kind, self.path.display());
        match outcome {
            Ok(()) if self.told => {
                info!(event = kind.written, %path, "{} are written again", kind.plural);
            }
            Err(error) if !self.told => {
                warn!(event = kind.unwritten, %path, %error, "{} cannot be written; mining goes on", kind.plural);
            }
            Ok(()) | Err(_) => {}
        }
        self.told = outcome.is_err();
    }
}

/// Drops the oldest lines that are too many, or too long together.
fn drop_oldest(waiting: &mut VecDeque<Vec<u8>>) {
    let mut len: usize = waiting.iter().map(Vec::len).sum();
    while waiting.len() > WAITING_MAX || len > WAITING_LEN_MAX {
        let Some(oldest) = waiting.pop_front() else { return };
        len = len.saturating_sub(oldest.len());
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{super::tests::open, *};

    #[tokio::test]
    async fn lines_wait_for_a_disk_that_takes_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words.jsonl");
        fs::create_dir(&path).unwrap();
        let mut keeper = Keeper::new(open(&path).0);
        keeper.keep(&"a");
        keeper.begin();
        keeper.keep(&"b");
        keeper.written().await;
        assert!(keeper.told);
        assert_eq!(keeper.waiting, [b"\"a\"\n", b"\"b\"\n"]);
        fs::remove_dir(&path).unwrap();
        keeper.begin();
        keeper.written().await;
        assert!(!keeper.told && keeper.waiting.is_empty());
        keeper.keep(&"c");
        keeper.begin();
        keeper.keep(&"d");
        assert!(keeper.flush().await);
        assert_eq!(open(&path).1, ["a", "b", "c", "d"]);
    }

    #[tokio::test]
    async fn whoever_waits_for_the_disk_hears_whether_it_has_taken_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words.jsonl");
        let mut keeper = Keeper::new(open(&path).0);
        assert!(keeper.flush().await, "nothing is there as a whole");
        fs::create_dir(&path).unwrap();
        keeper.keep(&"a");
        assert!(!keeper.flush().await);
        fs::remove_dir(&path).unwrap();
        assert!(keeper.flush().await);
    }

    #[test]
    fn the_oldest_lines_make_way() {
        let mut many: VecDeque<Vec<u8>> = (0..=WAITING_MAX).map(|number| number.to_string().into_bytes()).collect();
        drop_oldest(&mut many);
        assert_eq!((many.len(), many[0].as_slice()), (WAITING_MAX, b"1".as_slice()));
        let mut large: VecDeque<Vec<u8>> = (0..=8).map(|number| vec![number; 1 << 20]).collect();
        drop_oldest(&mut large);
        assert_eq!((large.len(), large[0][0]), (8, 1));
    }
}
