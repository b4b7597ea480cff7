//! Who still has to hear what, and when it is tried again. Pure; its file is JSON.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use sharechain::UnixTime;

use super::Notice;

/// Deliveries that wait. Stops a receiver that is down from filling memory: the oldest become dead letters.
const WAITING_MAX: usize = 1_000;
/// Deliveries that were given up and are kept for the operator to look at; the oldest are forgotten.
const DEAD_MAX: usize = 200;
/// Attempts until a delivery is given up: with the pauses below that is about a day.
const ATTEMPTS_MAX: u32 = 32;
/// Pause after the first failure, seconds, doubled up to the second value.
const BACKOFF_SECS: (u64, u64) = (5, 3_600);
/// Longest reason that is kept, in characters.
const REASON_LEN_MAX: usize = 200;
/// Longest file: every delivery and dead letter with 8 KiB. Stops a wrong file from filling memory.
pub(super) const FILE_LEN_MAX: u64 = 8_192 * (WAITING_MAX + DEAD_MAX) as u64;
/// Version of the file.
const VERSION: u32 = 1;

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver took it.
    Delivered,
    /// It did not.
    Failed {
        /// Why, without secrets.
        reason: String,
        /// Whether trying again cannot help.
        is_final: bool,
    },
}

/// A notice for a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Delivery {
    pub(super) number: u64,
    pub(super) target: String,
    pub(super) notice: Notice,
    attempts: u32,
    due_at: UnixTime,
    #[serde(skip)]
    is_under_way: bool,
}

/// A notice that nobody took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Who should have.
    pub target: String,
    /// The notice.
    pub notice: Notice,
    /// When it was given up, Unix seconds.
    pub given_up_at: UnixTime,
    /// Why.
    pub reason: String,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbox {
    version: u32,
    next_number: u64,
    waiting: VecDeque<Delivery>,
    dead: VecDeque<DeadLetter>,
}

impl Outbox {
    /// Adds a notice, unless it waits already or was given up. Whether it was added.
    pub fn push(&mut self, target: &str, notice: &Notice, now: UnixTime) -> bool {
        let is_same = |other: &str, of: &str| other == target && of == notice.key;
        let is_known = self.waiting.iter().any(|it| is_same(&it.target, &it.notice.key))
            || self.dead.iter().any(|it| is_same(&it.target, &it.notice.key));
        if is_known {
            return false;
        }
        let number = self.next_number;
        self.next_number = self.next_number.wrapping_add(1);
        let (target, notice) = (target.to_owned(), notice.clone());
        self.waiting.push_back(Delivery { number, target, notice, attempts: 0, due_at: now, is_under_way: false });
        while self.waiting.len() > WAITING_MAX {
            if let Some(oldest) = self.waiting.pop_front() {
                self.bury(oldest, "too many notices wait", now);
            }
        }
        true
    }

    /// What is to be tried now: one delivery of each target at a time, in order.
    pub(super) fn take_due(&mut self, now: UnixTime) -> Vec<Delivery> {
        let mut looked_at: Vec<String> = Vec::new();
        let mut due = Vec::new();
        for delivery in &mut self.waiting {
            if looked_at.contains(&delivery.target) {
                continue;
            }
            looked_at.push(delivery.target.clone());
            if !delivery.is_under_way && delivery.due_at <= now {
                delivery.is_under_way = true;
                due.push(delivery.clone());
            }
        }
        due
    }

    /// Takes what became of an attempt.
    pub fn on_outcome(&mut self, number: u64, outcome: &Outcome, now: UnixTime) {
        let Some(place) = self.waiting.iter().position(|delivery| delivery.number == number) else { return };
        let Some(mut delivery) = self.waiting.remove(place) else { return };
        let (reason, is_final) = match outcome {
            Outcome::Delivered => return,
            Outcome::Failed { reason, is_final } => (reason, *is_final),
        };
        delivery.attempts = delivery.attempts.saturating_add(1);
        if is_final || delivery.attempts >= ATTEMPTS_MAX {
            return self.bury(delivery, reason, now);
        }
        let (first, longest) = BACKOFF_SECS;
        let pause = first.saturating_mul(1 << (delivery.attempts - 1).min(20)).min(longest);
        (delivery.due_at, delivery.is_under_way) = (now.saturating_add(pause), false);
        // It keeps its place: notices of a target come in order.
        self.waiting.insert(place, delivery);
    }

    fn bury(&mut self, delivery: Delivery, reason: &str, now: UnixTime) {
        let Delivery { target, notice, .. } = delivery;
        let reason = reason.chars().take(REASON_LEN_MAX).collect();
        self.dead.push_back(DeadLetter { target, notice, given_up_at: now, reason });
        while self.dead.len() > DEAD_MAX {
            self.dead.pop_front();
        }
    }

    /// Forgets what is for targets that are not configured any more.
    pub(super) fn keep_only(&mut self, is_target: impl Fn(&str) -> bool) {
        self.waiting.retain(|delivery| is_target(&delivery.target));
    }

    /// What was given up, oldest first.
    pub const fn dead(&self) -> &VecDeque<DeadLetter> {
        &self.dead
    }

    /// How many deliveries wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// For the file.
    pub fn to_json(&self) -> Vec<u8> {
        let outbox = Self { version: VERSION, ..self.clone() };
        // Strings and numbers only: it cannot fail.
        serde_json::to_vec_pretty(&outbox).unwrap_or_default()
    }

    /// What a file says. A clock that was far ahead must not hold anything back for ever.
    ///
    /// # Errors
    /// When it is none, or of another version.
    pub fn from_json(json: &[u8]) -> serde_json::Result<Self> {
        let mut outbox: Self = serde_json::from_slice(json)?;
        if outbox.version != VERSION {
            return Err(serde::de::Error::custom(format!("version {} is not known", outbox.version)));
        }
        outbox.waiting.iter_mut().for_each(|delivery| delivery.due_at = 0);
        Ok(outbox)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::notify::NoticeKind;

    fn notice(key: &str) -> Notice {
        let (key, kind) = (key.to_owned(), NoticeKind::Block);
        Notice { key, time: 1, kind, title: "t".to_owned(), text: "x".to_owned(), data: Value::Null }
    }

    fn failed(is_final: bool) -> Outcome {
        Outcome::Failed { reason: "down".to_owned(), is_final }
    }

    fn keys(due: &[Delivery]) -> Vec<(&str, &str)> {
        due.iter().map(|delivery| (delivery.target.as_str(), delivery.notice.key.as_str())).collect()
    }

    #[test]
    fn each_target_gets_its_notices_in_order_one_at_a_time() {
        let mut outbox = Outbox::default();
        for (target, key) in [("a", "1"), ("a", "2"), ("b", "1")] {
            assert!(outbox.push(target, &notice(key), 0));
        }
        assert!(!outbox.push("a", &notice("1"), 0), "it waits already");
        let due = outbox.take_due(0);
        assert_eq!(keys(&due), [("a", "1"), ("b", "1")]);
        assert_eq!(keys(&outbox.take_due(9)), [], "they are under way");
        outbox.on_outcome(due[0].number, &Outcome::Delivered, 1);
        assert_eq!(keys(&outbox.take_due(1)), [("a", "2")]);
    }

    #[test]
    fn failures_are_tried_again_with_growing_pauses_and_given_up_in_the_end() {
        let mut outbox = Outbox::default();
        outbox.push("a", &notice("1"), 0);
        let mut now = 0;
        let mut pauses = Vec::new();
        while !outbox.is_empty() {
            let due = outbox.take_due(now);
            outbox.on_outcome(due[0].number, &failed(false), now);
            let before = now;
            while !outbox.is_empty() && outbox.waiting[0].due_at > now {
                now += 1;
            }
            pauses.push(now - before);
        }
        assert_eq!(pauses[..4], [5, 10, 20, 40]);
        assert_eq!((pauses.len(), pauses[30]), (32, 3_600));
        assert!(now > 70_000, "about a day: {now}");
        assert_eq!((outbox.dead().len(), outbox.dead()[0].reason.as_str()), (1, "down"));
        assert!(!outbox.push("a", &notice("1"), now), "it was given up");
        outbox.push("a", &notice("2"), now);
        let due = outbox.take_due(now);
        outbox.on_outcome(due[0].number, &failed(true), now);
        assert_eq!(outbox.dead().len(), 2, "what can never be taken is not tried again");
    }

    #[test]
    fn what_was_under_way_at_the_end_is_tried_again_after_a_restart() {
        let mut outbox = Outbox::default();
        outbox.push("a", &notice("1"), 50);
        outbox.push("gone", &notice("1"), 50);
        assert_eq!(outbox.take_due(50).len(), 2);
        let mut read = Outbox::from_json(&outbox.to_json()).unwrap();
        read.keep_only(|target| target == "a");
        assert_eq!(keys(&read.take_due(0)), [("a", "1")]);
        assert!(Outbox::from_json(b"{").is_err());
        let other = String::from_utf8(outbox.to_json()).unwrap().replace("\"version\": 1", "\"version\": 2");
        assert!(Outbox::from_json(other.as_bytes()).is_err());
    }

    #[test]
    fn what_waits_and_what_is_dead_is_bounded() {
        let mut outbox = Outbox::default();
        for number in 0..WAITING_MAX + DEAD_MAX + 5 {
            outbox.push("a", &notice(&number.to_string()), 0);
        }
        assert_eq!((outbox.len(), outbox.dead().len()), (WAITING_MAX, DEAD_MAX));
        assert_eq!(outbox.dead()[0].notice.key, "5", "the oldest are forgotten");
        assert!(u64::try_from(outbox.to_json().len()).unwrap() < FILE_LEN_MAX);
    }
}
