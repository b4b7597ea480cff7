//! `emergencies.jsonl`: a line of JSON when an emergency begins and one when it is over.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};
use sharechain::UnixTime;

use super::emergencies::{Change, EMERGENCIES_MAX, Emergency};
use crate::line_file::{LineFile, LineKind};

/// A file that is longer is renamed, and the one before it is forgotten: thousands of emergencies.
const FILE_LEN_MAX: u64 = 1 << 20;
/// Longest line that is read. Stops a damaged file from filling memory.
const LINE_LEN_MAX: u64 = 16 << 10;
const EMERGENCIES: LineKind = LineKind {
    plural: "emergencies",
    unread: "emergencies_unread",
    unwritten: "emergencies_unwritten",
    written: "emergencies_written",
    file_len_max: FILE_LEN_MAX,
    line_len_max: LINE_LEN_MAX,
};

/// What the file has.
#[derive(Serialize, Deserialize)]
pub(super) struct Line {
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

impl Line {
    /// What is kept of a change.
    pub(super) fn of(change: &Change) -> Self {
        let (event, emergency) = match change {
            Change::Began(emergency) => (Event::Began, emergency),
            Change::Ended(emergency) => (Event::Ended, emergency),
        };
        let time = emergency.ended.unwrap_or(emergency.began);
        Self { time, event, emergency: Emergency::clone(emergency) }
    }
}

/// See the module.
#[derive(Debug)]
pub struct EmergencyFile(pub(super) LineFile);

impl EmergencyFile {
    /// The file, and the newest emergencies in it and the one before it, oldest first.
    pub fn open(path: PathBuf) -> (Self, Vec<Emergency>) {
        let mut known = BTreeMap::new();
        let file = LineFile::open(path, &EMERGENCIES, |Line { emergency, .. }: Line| {
            // A later line about an emergency replaces the one before.
            known.insert(emergency.number, emergency);
        });
        let surplus = known.len().saturating_sub(EMERGENCIES_MAX);
        (Self(file), known.into_values().skip(surplus).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs::OpenOptions, io::Write, sync::Arc};

    use super::{
        super::{EmergencyKind, Name, Part},
        *,
    };
    use crate::line_file::{Keeper, line_of};

    fn emergency(number: u64, ended: Option<UnixTime>) -> Emergency {
        let name = Name { lane: Some("a".to_owned()), part: Part::Daemon, subject: Some("http://x".to_owned()) };
        let (reason, action) = ("no \"daemon\"\nanswers".to_owned(), "it is asked again".to_owned());
        Emergency { number, began: 5, ended, kind: EmergencyKind::ComponentFailed, name, reason, action }
    }

    fn line(emergency: &Emergency) -> Line {
        let shared = Arc::new(emergency.clone());
        Line::of(&match emergency.ended {
            None => Change::Began(shared),
            Some(_) => Change::Ended(shared),
        })
    }

    async fn keep(file: EmergencyFile, emergencies: &[Emergency]) {
        let mut keeper = Keeper::new(file.0);
        for emergency in emergencies {
            keeper.keep(&line(emergency));
        }
        keeper.flush().await;
    }

    #[test]
    fn a_line_says_all_there_is_to_say() {
        let text = String::from_utf8(line_of(&line(&emergency(1, Some(9)))).unwrap()).unwrap();
        let expected = r#"{"time":9,"event":"ended","number":1,"began":5,"ended":9,"kind":"component_failed","lane":"a","component":"daemon","subject":"http://x","reason":"no \"daemon\"\nanswers","action":"it is asked again"}"#;
        assert_eq!(text, format!("{expected}\n"));
    }

    #[tokio::test]
    async fn emergencies_are_there_again_and_a_torn_line_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("emergencies.jsonl");
        let (file, before) = EmergencyFile::open(path.clone());
        assert!(before.is_empty());
        keep(file, &[emergency(1, None), emergency(2, None)]).await;
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"time\":7,\"ev").unwrap();
        let (file, kept) = EmergencyFile::open(path.clone());
        assert_eq!(kept, [emergency(1, None), emergency(2, None)]);
        keep(file, &[emergency(1, Some(9))]).await;
        assert_eq!(EmergencyFile::open(path).1, [emergency(1, Some(9)), emergency(2, None)]);
    }
}
