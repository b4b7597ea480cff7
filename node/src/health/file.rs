//! `emergencies.jsonl`: a line of JSON when an emergency begins and one when it is over, appended; bounded by rotation.
//!
//! What cannot be read is left out. A write that broke off in the middle, as on a full disk, costs its own line only.

use std::{
    collections::{BTreeMap, VecDeque},
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sharechain::UnixTime;
use tracing::warn;

use super::emergencies::{Change, EMERGENCIES_MAX, Emergency};

/// A file that is longer is renamed, and the one before it is forgotten: thousands of emergencies.
const FILE_LEN_MAX: u64 = 1 << 20;
/// Longest line that is read. Stops a damaged file from filling memory.
const LINE_LEN_MAX: u64 = 16 << 10;

/// What the file has.
#[derive(Serialize, Deserialize)]
struct Line {
    time: UnixTime,
    event: Event,
    #[serde(flatten)]
    emergency: Emergency,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    Began,
    Ended,
}

/// See the module.
#[derive(Debug)]
pub struct EmergencyFile {
    path: PathBuf,
    /// Whether its last line may have no end.
    is_torn: bool,
}

impl EmergencyFile {
    /// The file, and the newest emergencies in it and the one before it, oldest first.
    pub fn open(path: PathBuf) -> (Self, Vec<Emergency>) {
        let mut known = BTreeMap::new();
        for path in [older(&path), path.clone()] {
            if let Err(error) = read(&path, &mut known) {
                warn!(event = "emergencies_unread", path = %path.display(), %error, "earlier emergencies cannot be read");
            }
        }
        let surplus = known.len().saturating_sub(EMERGENCIES_MAX);
        // Nobody knows how the last run ended.
        (Self { path, is_torn: true }, known.into_values().skip(surplus).collect())
    }

    /// Appends lines as far as that works; those that are written are taken out.
    pub(super) fn write(&mut self, lines: &mut VecDeque<Vec<u8>>) -> io::Result<()> {
        let len = fs::metadata(&self.path).map_or(0, |file| file.len());
        if len > FILE_LEN_MAX {
            fs::rename(&self.path, older(&self.path))?;
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
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// A change as its line, with the line feed.
pub(super) fn line(change: &Change) -> Vec<u8> {
    let (event, emergency) = match change {
        Change::Began(emergency) => (Event::Began, emergency),
        Change::Ended(emergency) => (Event::Ended, emergency),
    };
    let time = emergency.ended.unwrap_or(emergency.began);
    // What is made of texts and numbers has a JSON.
    let mut line =
        serde_json::to_vec(&Line { time, event, emergency: Emergency::clone(emergency) }).unwrap_or_default();
    line.push(b'\n');
    line
}

fn older(path: &Path) -> PathBuf {
    path.with_extension("older.jsonl")
}

/// Takes in what a file has; a later line about an emergency replaces the one before.
fn read(path: &Path, known: &mut BTreeMap<u64, Emergency>) -> io::Result<()> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let mut reader = BufReader::new(file);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        if reader.by_ref().take(LINE_LEN_MAX).read_until(b'\n', &mut bytes)? == 0 {
            return Ok(());
        }
        if let Ok(Line { emergency, .. }) = serde_json::from_slice(&bytes) {
            known.insert(emergency.number, emergency);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{
        super::{EmergencyKind, Name, Part},
        *,
    };

    fn emergency(number: u64, ended: Option<UnixTime>) -> Emergency {
        let name = Name { lane: Some("a".to_owned()), part: Part::Daemon, subject: Some("http://x".to_owned()) };
        let (reason, action) = ("no \"daemon\"\nanswers".to_owned(), "it is asked again".to_owned());
        Emergency { number, began: 5, ended, kind: EmergencyKind::ComponentFailed, name, reason, action }
    }

    fn lines(emergencies: &[Emergency]) -> VecDeque<Vec<u8>> {
        let change = |emergency: &Emergency| match emergency.ended {
            None => Change::Began(Arc::new(emergency.clone())),
            Some(_) => Change::Ended(Arc::new(emergency.clone())),
        };
        emergencies.iter().map(|emergency| line(&change(emergency))).collect()
    }

    #[test]
    fn a_line_says_all_there_is_to_say() {
        let text = String::from_utf8(lines(&[emergency(1, Some(9))])[0].clone()).unwrap();
        let expected = r#"{"time":9,"event":"ended","number":1,"began":5,"ended":9,"kind":"component_failed","lane":"a","component":"daemon","subject":"http://x","reason":"no \"daemon\"\nanswers","action":"it is asked again"}"#;
        assert_eq!(text, format!("{expected}\n"));
    }

    #[test]
    fn emergencies_are_there_again_and_a_torn_line_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("emergencies.jsonl");
        let (mut file, before) = EmergencyFile::open(path.clone());
        assert!(before.is_empty());
        file.write(&mut lines(&[emergency(1, None), emergency(2, None)])).unwrap();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"time\":7,\"ev").unwrap();
        let (mut file, kept) = EmergencyFile::open(path.clone());
        assert_eq!(kept, [emergency(1, None), emergency(2, None)]);
        let mut more = lines(&[emergency(1, Some(9))]);
        file.write(&mut more).unwrap();
        assert!(more.is_empty());
        assert_eq!(EmergencyFile::open(path).1, [emergency(1, Some(9)), emergency(2, None)]);
    }

    #[test]
    fn a_long_file_makes_way_and_a_file_that_cannot_be_written_keeps_its_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("emergencies.jsonl");
        let mut file = EmergencyFile::open(path.clone()).0;
        file.write(&mut lines(&[emergency(1, None)])).unwrap();
        let padding = vec![b'\n'; usize::try_from(FILE_LEN_MAX).unwrap()];
        OpenOptions::new().append(true).open(&path).unwrap().write_all(&padding).unwrap();
        file.write(&mut lines(&[emergency(2, None)])).unwrap();
        assert!(fs::metadata(&path).unwrap().len() < 1_000);
        assert_eq!(EmergencyFile::open(path).1.len(), 2, "both files are read");
        let mut nowhere = EmergencyFile { path: folder.path().to_owned(), is_torn: false };
        let mut waiting = lines(&[emergency(3, None)]);
        assert!(nowhere.write(&mut waiting).is_err());
        assert_eq!(waiting.len(), 1);
    }
}
