//! A log file that never takes more room than it may: when it is full it is renamed, and the oldest is removed.
//!
//! `poolnode.log`, then `poolnode.log.1`, `.2` and so on. A line is never cut in two.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// See the module.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: File,
    len: u64,
    len_max: u64,
    /// Older files that are kept.
    older: u32,
}

impl LogFile {
    /// Goes on with this file, or begins it.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: PathBuf, len_max: u64, older: u32) -> io::Result<Self> {
        let file = append(&path)?;
        let len = file.metadata()?.len();
        Ok(Self { path, file, len, len_max, older })
    }

    fn rotate(&mut self) -> io::Result<()> {
        for number in (1..=self.older).rev() {
            let from = if number == 1 { self.path.clone() } else { numbered(&self.path, number - 1) };
            match fs::rename(from, numbered(&self.path, number)) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
                _ => {}
            }
        }
        if self.older == 0 {
            fs::remove_file(&self.path)?;
        }
        self.file = append(&self.path)?;
        self.len = 0;
        Ok(())
    }
}

impl Write for LogFile {
    /// One line, as the log writes it: whole, or not at all.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let len = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if self.len > 0 && self.len.saturating_add(len) > self.len_max {
            self.rotate()?;
        }
        self.file.write_all(line)?;
        self.len = self.len.saturating_add(len);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// Only its owner may read it: it names miners and peers.
fn append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_never_take_more_room_than_they_may() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("poolnode.log");
        let mut log = LogFile::open(path.clone(), 10, 2).unwrap();
        for line in ["one\n", "two\n", "three\n", "a line that is too long\n", "four\n"] {
            log.write_all(line.as_bytes()).unwrap();
        }
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("poolnode.log"), "four\n");
        assert_eq!(read("poolnode.log.1"), "a line that is too long\n");
        assert_eq!(read("poolnode.log.2"), "three\n", "the first two lines are gone");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
        drop(log);
        let mut log = LogFile::open(path, 10, 0).unwrap();
        log.write_all(b"five\n").unwrap();
        assert_eq!(read("poolnode.log"), "four\nfive\n", "it goes on where it was");
        log.write_all(b"six\n").unwrap();
        assert_eq!(read("poolnode.log"), "six\n");
    }
}
