//! A file of JSON with a line for each thing that happened, appended; bounded, because a long one is renamed and the one
//! before it is forgotten.
//!
//! What cannot be read is left out. A write that broke off in the middle, as on a full disk, costs its own line only.
//! Whoever has other work than this file writes it with a [`Keeper`].

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};
use tracing::warn;

mod keeper;

pub(crate) use keeper::Keeper;

/// What the lines of a file are about, and how much of it there may be.
#[derive(Debug)]
pub(crate) struct LineKind {
    /// What sentences of the log call them.
    pub(crate) plural: &'static str,
    /// The event in the log when earlier ones cannot be read.
    pub(crate) unread: &'static str,
    /// The event when they cannot be written.
    pub(crate) unwritten: &'static str,
    /// The event when they are written again.
    pub(crate) written: &'static str,
    /// Bytes. A file that is longer is renamed, and the one before it is forgotten.
    pub(crate) file_len_max: u64,
    /// Bytes of the longest line that is read.
    pub(crate) line_len_max: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct LineFile {
    path: PathBuf,
    kind: &'static LineKind,
    /// Whether its last line may have no end.
    is_torn: bool,
}

impl LineFile {
    /// The file. `each` is given what can be read, oldest first: lines of the file before it, then its own.
    pub(crate) fn open<T: DeserializeOwned>(path: PathBuf, kind: &'static LineKind, mut each: impl FnMut(T)) -> Self {
        for path in [&older(&path), &path] {
            if let Err(error) = read(path, kind.line_len_max, &mut each) {
                warn!(event = kind.unread, path = %path.display(), %error, "earlier {} cannot be read", kind.plural);
            }
        }
        // Nobody knows how the last run ended.
        Self { path, kind, is_torn: true }
    }

    /// Appends lines as far as that works; those that are written are taken out. When it returns, they are on the disk.
    fn write(&mut self, lines: &mut VecDeque<Vec<u8>>) -> io::Result<()> {
        let mut len = fs::metadata(&self.path).map_or(0, |file| file.len());
        if len > self.kind.file_len_max {
            fs::rename(&self.path, older(&self.path))?;
            len = 0;
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        while let Some(line) = lines.front() {
            if self.is_torn && len > 0 {
                file.write_all(b"\n")?;
            }
            self.is_torn = true;
            file.write_all(line)?;
            self.is_torn = false;
            lines.pop_front();
        }
        file.sync_data()
    }
}

/// A value as its line, with the line feed.
pub(crate) fn line_of(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}

fn older(path: &Path) -> PathBuf {
    path.with_extension("older.jsonl")
}

fn read<T: DeserializeOwned>(path: &Path, line_len_max: u64, each: &mut impl FnMut(T)) -> io::Result<()> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        if reader.by_ref().take(line_len_max).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if let Ok(value) = serde_json::from_slice(&line) {
            each(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: LineKind = LineKind {
        plural: "words",
        unread: "words_unread",
        unwritten: "words_unwritten",
        written: "words_written",
        file_len_max: 1 << 16,
        line_len_max: 32,
    };

    pub(super) fn open(path: &Path) -> (LineFile, Vec<String>) {
        let mut words = Vec::new();
        let file = LineFile::open(path.to_owned(), &WORDS, |word: String| words.push(word));
        (file, words)
    }

    fn lines(words: &[&str]) -> VecDeque<Vec<u8>> {
        words.iter().map(|word| line_of(word).unwrap()).collect()
    }

    fn append(path: &Path, bytes: &[u8]) {
        OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
    }

    #[test]
    fn lines_are_there_again_and_one_that_is_torn_or_too_long_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words.jsonl");
        let (mut file, before) = open(&path);
        assert!(before.is_empty());
        file.write(&mut lines(&["a", "b"])).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "\"a\"\n\"b\"\n");
        append(&path, b"\"c");
        let (mut file, kept) = open(&path);
        assert_eq!(kept, ["a", "b"]);
        let mut more = lines(&["d", &"x".repeat(100), "e"]);
        file.write(&mut more).unwrap();
        assert!(more.is_empty());
        assert_eq!(open(&path).1, ["a", "b", "d", "e"]);
    }

    #[test]
    fn a_long_file_makes_way_and_a_file_that_cannot_be_written_keeps_its_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words.jsonl");
        let padding = vec![b'\n'; usize::try_from(WORDS.file_len_max).unwrap()];
        let mut file = open(&path).0;
        for (word, kept) in [("a", vec!["a"]), ("b", vec!["a", "b"]), ("c", vec!["b", "c"])] {
            file.write(&mut lines(&[word])).unwrap();
            assert!(fs::metadata(&path).unwrap().len() < 1_000);
            assert_eq!(open(&path).1, kept, "both files are read");
            append(&path, &padding);
        }
        let mut nowhere = LineFile { path: folder.path().to_owned(), kind: &WORDS, is_torn: false };
        let mut waiting = lines(&["d"]);
        assert!(nowhere.write(&mut waiting).is_err());
        assert_eq!(waiting.len(), 1);
    }
}
