//! Reads the journal share by share, so that its length costs no memory. What is appended, or begun anew, while somebody reads
//! does not disturb it: the files that were opened stay.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read, Take},
    path::{Path, PathBuf},
};

use tracing::warn;

use super::{FILE_LEN_MAX, HEAD_LEN, MARK, files as journal_files};
use crate::store::{StoredShare, record::RECORD_LEN_MAX};

/// Longest entry.
const ENTRY_LEN_MAX: usize = HEAD_LEN + RECORD_LEN_MAX;
/// Bytes that are read at once.
const READ_LEN: u64 = 64 << 10;

/// Own shares out of the journal, the oldest first.
#[derive(Debug)]
pub struct JournalReader {
    /// The older file, then the newer one, as far as they are not read to their end.
    files: VecDeque<Source>,
}

/// One of its files.
#[derive(Debug)]
struct Source {
    path: PathBuf,
    /// What is left of it; no more than a file may have, or a wrong one would keep a start for long.
    file: Take<File>,
    is_at_end: bool,
    /// Bytes that were read, and how many of them were looked at.
    read: Vec<u8>,
    looked_at: usize,
    /// Bytes that are part of no entry.
    skipped: usize,
}

impl JournalReader {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut files = VecDeque::new();
        for path in journal_files(path).into_iter().rev() {
            match File::open(&path) {
                Ok(file) => files.push_back(Source::new(path, file)),
                Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
                Err(cause) => return Err(cause),
            }
        }
        Ok(Self { files })
    }

    /// At most `len_max` shares; none at the end.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn page(&mut self, len_max: usize) -> io::Result<Vec<StoredShare>> {
        let mut shares = Vec::new();
        while shares.len() < len_max
            && let Some(source) = self.files.front_mut()
        {
            match source.next()? {
                Some(share) => shares.push(share),
                None => drop(self.files.pop_front()),
            }
        }
        Ok(shares)
    }
}

impl Source {
    fn new(path: PathBuf, file: File) -> Self {
        let file = file.take(FILE_LEN_MAX);
        Self { path, file, is_at_end: false, read: Vec::new(), looked_at: 0, skipped: 0 }
    }

    /// The next whole entry; what is torn or damaged is passed over up to the next mark.
    fn next(&mut self) -> io::Result<Option<StoredShare>> {
        loop {
            if self.rest().len() < ENTRY_LEN_MAX && !self.is_at_end {
                self.fill()?;
                continue;
            }
            if self.rest().is_empty() {
                if self.skipped > 0 {
                    let (path, bytes) = (self.path.display(), self.skipped);
                    warn!(%path, bytes, "a part of the journal of own shares is torn or damaged, and passed over");
                }
                return Ok(None);
            }
            if let Some((share, len)) = entry(self.rest()) {
                self.looked_at += len;
                return Ok(Some(share));
            }
            let len = self.len_to_next_mark();
            self.skipped += len;
            self.looked_at += len;
        }
    }

    fn rest(&self) -> &[u8] {
        self.read.get(self.looked_at..).unwrap_or_default()
    }

    fn fill(&mut self) -> io::Result<()> {
        self.read.drain(..self.looked_at);
        self.looked_at = 0;
        self.is_at_end = self.file.by_ref().take(READ_LEN).read_to_end(&mut self.read)? == 0;
        Ok(())
    }

    /// From here, where no entry is, to where one may begin.
    fn len_to_next_mark(&self) -> usize {
        let rest = self.rest();
        // Half a mark at the end of what was read may go on in what was not.
        let len_max = if self.is_at_end { rest.len() } else { rest.len().saturating_sub(MARK.len()) };
        let after = rest.get(1..).unwrap_or_default();
        after.windows(MARK.len()).position(|part| part == MARK).map_or(len_max, |at| at + 1)
    }
}

/// The entry at the beginning, and its length.
fn entry(bytes: &[u8]) -> Option<(StoredShare, usize)> {
    let (len, rest) = bytes.strip_prefix(&MARK)?.split_first_chunk::<4>()?;
    let len = usize::try_from(u32::from_le_bytes(*len)).ok().filter(|len| *len <= RECORD_LEN_MAX)?;
    Some((StoredShare::decode(rest.get(..len)?)?, HEAD_LEN + len))
}
