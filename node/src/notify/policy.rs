//! What is worth a notice, and when. Pure: events, looks at health and the time come in, notices go out.
//!
//! A worker that comes back in time was never gone, and what is wrong for a moment is not told. Who was told that something
//! is wrong is told when it is right again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sharechain::UnixTime;

use crate::events::{Event, Happening};

/// Workers that are watched at once. Names cost nothing: beyond it the rest is not told of.
const WORKERS_MAX: usize = 10_240;
/// Notices of workers in [`WINDOW_SECS`]. Stops whoever connects and leaves under ever new names from filling the operator's phone.
const WORKER_NOTICES_MAX: usize = 20;
/// See [`WORKER_NOTICES_MAX`].
const WINDOW_SECS: u64 = 600;

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A worker went away, or came back.
    WorkerOffline,
    /// A block was found, confirmed or orphaned.
    Block,
    /// A confirmed block pays an address of this node's miners.
    Payout,
    /// Something keeps the node from its work, or does not any more.
    Unhealthy,
    /// The network has agreed on rules that this version does not know.
    Upgrade,
}

impl NoticeKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::WorkerOffline, Self::Block, Self::Payout, Self::Unhealthy, Self::Upgrade];

    /// Its name in configuration and payloads.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WorkerOffline => "worker_offline",
            Self::Block => "block",
            Self::Payout => "payout",
            Self::Unhealthy => "unhealthy",
            Self::Upgrade => "upgrade",
        }
    }
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// The same for every attempt to tell it, and for nothing else.
    pub key: String,
    /// When it happened, Unix seconds.
    pub time: UnixTime,
    /// What it is about.
    pub kind: NoticeKind,
    /// In a few words.
    pub title: String,
    /// In a sentence.
    pub text: String,
    /// The same for programs.
    pub data: Value,
}

#[derive(Debug)]
struct Gone {
    since: UnixTime,
    event: u64,
    is_told: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Policy {
    patience_secs: u64,
    last_event: Option<u64>,
    /// Workers without a connection, by address and name.
    gone: BTreeMap<(String, String), Gone>,
    /// When workers were last told of.
    told: Vec<UnixTime>,
    /// Since when something is wrong, and whether that was told.
    unhealthy: Option<(UnixTime, bool)>,
    upgrades: BTreeSet<usize>,
}

impl Policy {
    /// Nothing seen yet. Workers and health get so much time before anybody is told.
    pub const fn new(patience_secs: u64) -> Self {
        Self {
            patience_secs,
            last_event: None,
            gone: BTreeMap::new(),
            told: Vec::new(),
            unhealthy: None,
            upgrades: BTreeSet::new(),
        }
    }

    /// The newest event that was taken.
    pub const fn last_event(&self) -> Option<u64> {
        self.last_event
    }

    /// Takes an event.
    pub fn on_event(&mut self, event: &Event) -> Option<Notice> {
        self.last_event = Some(event.id);
        let notice = |kind, title: String, text: String| Some(of_event(event, kind, title, text));
        match &event.happening {
            Happening::WorkerOff { address, worker } => {
                if self.gone.len() < WORKERS_MAX {
                    let gone = Gone { since: event.time, event: event.id, is_told: false };
                    self.gone.insert((address.clone(), worker.clone()), gone);
                }
                None
            }
            Happening::WorkerOn { address, worker, .. } => {
                let gone = self.gone.remove(&(address.clone(), worker.clone())).filter(|gone| gone.is_told)?;
                let text = format!("Worker {worker} is back after {}.", duration(event.time.saturating_sub(gone.since)));
                notice(NoticeKind::WorkerOffline, format!("Worker {worker} is back"), text)
            }
            // Anybody may claim a block; those of others count when a daemon has them.
            Happening::BlockFound { height, own: true, hash } => notice(
                NoticeKind::Block,
                format!("Block {height} found"),
                format!("A miner of this node found block {height}: {hash}"),
            ),
            Happening::BlockConfirmed { height, hash, .. } => notice(
                NoticeKind::Block,
                format!("Block {height} confirmed"),
                format!("The pool's block {height} is on the main chain: {hash}"),
            ),
            Happening::BlockOrphaned { height, hash } => notice(
                NoticeKind::Block,
                format!("Block {height} orphaned"),
                format!("The pool's block {height} is not on the main chain: {hash}"),
            ),
            Happening::Payout { height, address, amount, .. } => notice(
                NoticeKind::Payout,
                format!("Payout in block {height}"),
                format!("Block {height} pays {amount} base units to {address}."),
            ),
            Happening::BlockFound { own: false, .. }
            | Happening::Share { .. }
            | Happening::Uncle { .. }
            | Happening::Tip { .. }
            | Happening::PeerOn { .. }
            | Happening::PeerOff { .. }
            | Happening::Template { .. }
            // What is wrong is looked at itself, because it has an end too.
            | Happening::Warning { .. }
            | Happening::Gap { .. } => None,
        }
    }

    /// Looks at what is wrong, at upgrade bits that are decided, and at who is gone for long.
    pub fn on_look(&mut self, wrong: &[String], upgrades: &[usize], now: UnixTime) -> Vec<Notice> {
        let mut notices: Vec<Notice> = self.on_health(wrong, now).into_iter().collect();
        for bit in upgrades {
            if self.upgrades.insert(*bit) {
                let text = format!(
                    "The network has agreed on rules that this version does not know (bit {bit}). Update poolnode."
                );
                notices.push(Notice {
                    key: format!("upgrade-{bit}"),
                    time: now,
                    kind: NoticeKind::Upgrade,
                    title: "Update poolnode".to_owned(),
                    text,
                    data: json!({"bit": bit}),
                });
            }
        }
        notices.extend(self.offline(now));
        notices
    }

    fn on_health(&mut self, wrong: &[String], now: UnixTime) -> Option<Notice> {
        let notice = |state: &str, since: UnixTime, title: &str, text: String| Notice {
            key: format!("{state}-{since}"),
            time: now,
            kind: NoticeKind::Unhealthy,
            title: title.to_owned(),
            text,
            data: json!({"state": state, "since": since, "problems": wrong}),
        };
        let Some((since, was_told)) = self.unhealthy else {
            self.unhealthy = (!wrong.is_empty()).then_some((now, false));
            return None;
        };
        let lasted = now.saturating_sub(since);
        if wrong.is_empty() {
            self.unhealthy = None;
            let text = format!("The node works again after {}.", duration(lasted));
            return was_told.then(|| notice("healthy", since, "Node is healthy again", text));
        }
        let is_due = !was_told && lasted >= self.patience_secs;
        self.unhealthy = Some((since, was_told || is_due));
        is_due.then(|| notice("unhealthy", since, "Node is unhealthy", wrong.join("; ")))
    }

    fn offline(&mut self, now: UnixTime) -> Vec<Notice> {
        self.told.retain(|told| now.saturating_sub(*told) < WINDOW_SECS);
        let mut notices = Vec::new();
        for ((address, worker), gone) in &mut self.gone {
            let is_due = !gone.is_told && now.saturating_sub(gone.since) >= self.patience_secs;
            if !is_due || self.told.len() >= WORKER_NOTICES_MAX {
                continue;
            }
            gone.is_told = true;
            self.told.push(now);
            notices.push(Notice {
                key: gone.event.to_string(),
                time: gone.since,
                kind: NoticeKind::WorkerOffline,
                title: format!("Worker {worker} is offline"),
                text: format!(
                    "Worker {worker} of {address} has had no connection for {}.",
                    duration(now.saturating_sub(gone.since))
                ),
                data: json!({"state": "offline", "address": address, "worker": worker}),
            });
        }
        notices
    }
}

fn of_event(event: &Event, kind: NoticeKind, title: String, text: String) -> Notice {
    // Made by this node, so it is JSON.
    let data = serde_json::from_slice::<Value>(event.json()).unwrap_or_default();
    Notice { key: event.id.to_string(), time: event.time, kind, title, text, data }
}

fn duration(secs: u64) -> String {
    match secs {
        0..120 => format!("{secs} s"),
        120..7_200 => format!("{} min", secs / 60),
        _ => format!("{} h", secs / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = 1_795_000_000;

    fn event(id: u64, time: UnixTime, happening: Happening) -> Event {
        Event::new(id, NOW + time, happening)
    }

    fn off(worker: &str) -> Happening {
        Happening::WorkerOff { address: "dn1q".to_owned(), worker: worker.to_owned() }
    }

    fn on(worker: &str) -> Happening {
        Happening::WorkerOn { address: "dn1q".to_owned(), worker: worker.to_owned(), agent: String::new() }
    }

    #[test]
    fn a_worker_that_comes_back_in_time_was_never_gone() {
        let mut policy = Policy::new(300);
        let look = |policy: &mut Policy, secs| policy.on_look(&[], &[], NOW + secs);
        policy.on_event(&event(1, 0, off("a")));
        policy.on_event(&event(2, 0, off("b")));
        assert_eq!(look(&mut policy, 299), []);
        assert_eq!(policy.on_event(&event(3, 299, on("a"))), None);
        let told = look(&mut policy, 300);
        assert_eq!((told.len(), told[0].key.as_str(), told[0].title.as_str()), (1, "2", "Worker b is offline"));
        assert_eq!(look(&mut policy, 900), [], "once");
        let back = policy.on_event(&event(4, 900, on("b"))).unwrap();
        assert_eq!((back.kind, back.text.as_str()), (NoticeKind::WorkerOffline, "Worker b is back after 15 min."));
        assert_eq!(policy.last_event(), Some(4));
    }

    #[test]
    fn ever_new_names_do_not_fill_a_phone() {
        let mut policy = Policy::new(10);
        for number in 0..1_000 {
            policy.on_event(&event(number, 0, off(&number.to_string())));
        }
        assert_eq!(policy.on_look(&[], &[], NOW + 10).len(), WORKER_NOTICES_MAX);
        assert_eq!(policy.on_look(&[], &[], NOW + 11).len(), 0);
        assert_eq!(policy.on_look(&[], &[], NOW + 10 + WINDOW_SECS).len(), WORKER_NOTICES_MAX);
    }

    #[test]
    fn health_is_told_when_it_lasts_and_so_is_its_end() {
        let mut policy = Policy::new(60);
        let wrong = ["no templates".to_owned()];
        let mut look = |wrong: &[String], secs| {
            policy
                .on_look(wrong, &[], NOW + secs)
                .into_iter()
                .map(|notice| (notice.title, notice.key))
                .collect::<Vec<_>>()
        };
        assert_eq!(look(&wrong, 0), []);
        assert_eq!(look(&[], 30), [], "a moment");
        assert_eq!(look(&wrong, 100), []);
        let unhealthy = ("Node is unhealthy".to_owned(), format!("unhealthy-{}", NOW + 100));
        assert_eq!(look(&wrong, 160), [unhealthy]);
        assert_eq!(look(&wrong, 999), []);
        assert_eq!(look(&[], 1_000), [("Node is healthy again".to_owned(), format!("healthy-{}", NOW + 100))]);
    }

    #[test]
    fn blocks_of_others_count_when_a_daemon_has_them() {
        let mut policy = Policy::new(0);
        let mut kind = |happening| policy.on_event(&event(9, 0, happening)).map(|notice| (notice.kind, notice.title));
        let (hash, height) = ("ab".to_owned(), 7);
        assert_eq!(kind(Happening::BlockFound { hash: hash.clone(), height, own: false }), None);
        let block = |title: &str| Some((NoticeKind::Block, title.to_owned()));
        assert_eq!(kind(Happening::BlockFound { hash: hash.clone(), height, own: true }), block("Block 7 found"));
        let confirmed = Happening::BlockConfirmed { hash: hash.clone(), height, confirmations: 1 };
        assert_eq!(kind(confirmed), block("Block 7 confirmed"));
        assert_eq!(kind(Happening::BlockOrphaned { hash, height }), block("Block 7 orphaned"));
        let payout = Happening::Payout { block: String::new(), height, address: "dn1q".to_owned(), amount: 50 };
        assert_eq!(kind(payout), Some((NoticeKind::Payout, "Payout in block 7".to_owned())));
        assert_eq!(kind(Happening::Warning { text: String::new() }), None);
    }

    #[test]
    fn an_upgrade_is_told_once() {
        let mut policy = Policy::new(0);
        assert_eq!(policy.on_look(&[], &[3], NOW)[0].key, "upgrade-3");
        assert_eq!(policy.on_look(&[], &[3], NOW), []);
    }
}
