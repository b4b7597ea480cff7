//! The record of decisions: a line of JSON each, appended when it is made, so that every move can be explained and replayed.
//!
//! What cannot be read is left out, and what cannot be written is told once: no miner waits for this file.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
};

use tracing::warn;

use crate::lanes::{Decision, limits::DECISIONS_MAX};

/// A file that is longer is renamed, and the one before it is forgotten: days with a few lanes, hours with fifty.
const FILE_LEN_MAX: u64 = 32 << 20;
/// Longest line that is read: a decision with all lanes and their prices. Stops a damaged file from filling memory.
const LINE_LEN_MAX: u64 = 1 << 20;

/// See the module.
#[derive(Debug)]
pub struct DecisionRecord {
    path: PathBuf,
    told: bool,
    /// Whether the last line may have no end: nobody knows how the last run ended.
    is_torn: bool,
}

impl DecisionRecord {
    /// The record in this file, and the newest decisions in it, oldest first.
    pub fn open(path: PathBuf) -> (Self, Vec<Decision>) {
        let decisions = read(&path);
        (Self { path, told: false, is_torn: true }, decisions)
    }

    /// Keeps a decision.
    pub fn append(&mut self, decision: &Decision) {
        match self.write(decision) {
            Ok(()) => self.told = false,
            Err(error) if !self.told => {
                self.told = true;
                warn!(path = %self.path.display(), %error, "decisions about lanes are not recorded; mining goes on");
            }
            Err(_) => {}
        }
    }

    fn write(&mut self, decision: &Decision) -> io::Result<()> {
        if fs::metadata(&self.path).is_ok_and(|file| file.len() > FILE_LEN_MAX) {
            fs::rename(&self.path, self.path.with_extension("older.jsonl"))?;
        }
        let mut line = if self.is_torn { vec![b'\n'] } else { Vec::new() };
        serde_json::to_writer(&mut line, decision)?;
        line.push(b'\n');
        self.is_torn = true;
        OpenOptions::new().create(true).append(true).open(&self.path)?.write_all(&line)?;
        self.is_torn = false;
        Ok(())
    }
}

/// The newest decisions of a file, oldest first.
fn read(path: &Path) -> Vec<Decision> {
    let mut newest = VecDeque::with_capacity(DECISIONS_MAX);
    let Ok(file) = File::open(path) else { return Vec::new() };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(LINE_LEN_MAX).read_until(b'\n', &mut line) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                warn!(path = %path.display(), %error, "the record of decisions about lanes cannot be read to its end");
                break;
            }
        }
        let Ok(decision) = serde_json::from_slice(&line) else { continue };
        if newest.len() == DECISIONS_MAX {
            newest.pop_front();
        }
        newest.push_back(decision);
    }
    newest.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::{Controller, Inputs, Settings};

    #[test]
    fn decisions_are_there_again_and_a_cut_line_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("decisions.jsonl");
        let mut controller = Controller::new(Settings { lanes: vec!["a".to_owned()], ..Settings::default() });
        let made: Vec<Decision> = (1..=3).map(|time| (*controller.tick(time, Inputs::default())).clone()).collect();
        let (mut record, before) = DecisionRecord::open(path.clone());
        assert!(before.is_empty());
        for decision in &made[..2] {
            record.append(decision);
        }
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"number\":").unwrap();
        let (mut record, _) = DecisionRecord::open(path.clone());
        record.append(&made[2]);
        assert_eq!(DecisionRecord::open(path).1, made);
    }
}
