//! `decisions.jsonl`: a line of JSON for each decision, so that every move can be explained and replayed.

use std::{collections::VecDeque, path::PathBuf};

use crate::{
    lanes::{Decision, limits::DECISIONS_MAX},
    line_file::{LineFile, LineKind},
};

/// A file that is longer is renamed, and the one before it is forgotten: days with a few lanes, hours with fifty.
const FILE_LEN_MAX: u64 = 32 << 20;
/// Longest line that is read: a decision with all lanes and their prices. Stops a damaged file from filling memory.
const LINE_LEN_MAX: u64 = 1 << 20;
const DECISIONS: LineKind = LineKind {
    plural: "decisions about lanes",
    unread: "decisions_unread",
    unwritten: "decisions_unwritten",
    written: "decisions_written",
    file_len_max: FILE_LEN_MAX,
    line_len_max: LINE_LEN_MAX,
};

/// See the module.
#[derive(Debug)]
pub struct DecisionRecord(pub(super) LineFile);

impl DecisionRecord {
    /// The record, and the newest decisions in its file and the one before it, oldest first.
    pub fn open(path: PathBuf) -> (Self, Vec<Decision>) {
        let mut newest = VecDeque::with_capacity(DECISIONS_MAX);
        let file = LineFile::open(path, &DECISIONS, |decision: Decision| {
            // A write that broke off just before its line feed was done again.
            if newest.back() == Some(&decision) {
                return;
            }
            if newest.len() == DECISIONS_MAX {
                newest.pop_front();
            }
            newest.push_back(decision);
        });
        (Self(file), newest.into())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, OpenOptions},
        io::Write,
        ops::RangeInclusive,
    };

    use super::*;
    use crate::{
        lanes::{Controller, Inputs, Settings},
        line_file::{Keeper, line_of},
    };

    fn made(count: u64) -> Vec<Decision> {
        let mut controller = Controller::new(Settings { lanes: vec!["a".to_owned()], ..Settings::default() });
        (1..=count).map(|time| (*controller.tick(time, Inputs::default())).clone()).collect()
    }

    async fn keep(record: DecisionRecord, decisions: &[Decision]) {
        let mut keeper = Keeper::new(record.0);
        for decision in decisions {
            keeper.keep(decision);
        }
        keeper.flush().await;
    }

    #[tokio::test]
    async fn decisions_are_there_again_and_a_cut_line_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("decisions.jsonl");
        let made = made(3);
        let (record, before) = DecisionRecord::open(path.clone());
        assert!(before.is_empty());
        keep(record, &made[..2]).await;
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"number\":").unwrap();
        let (record, _) = DecisionRecord::open(path.clone());
        keep(record, &made[2..]).await;
        assert_eq!(DecisionRecord::open(path).1, made);
    }

    #[test]
    fn the_newest_of_both_files_are_read_once_each() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("decisions.jsonl");
        let max = DECISIONS_MAX as u64;
        let made = made(max + 2);
        let text = |numbers: RangeInclusive<u64>| -> Vec<u8> {
            let some = made.iter().filter(|decision| numbers.contains(&decision.number));
            some.flat_map(|decision| line_of(decision).unwrap()).collect()
        };
        fs::write(folder.path().join("decisions.older.jsonl"), text(1..=max)).unwrap();
        fs::write(&path, [text(max + 1..=max + 2), text(max + 2..=max + 2)].concat()).unwrap();
        assert_eq!(DecisionRecord::open(path).1, made[2..]);
    }
}
