//! The last events, numbered without holes, and what of them a reader has not had. Pure.

use std::{collections::VecDeque, sync::Arc};

use sharechain::UnixTime;

use super::{Event, Happening};

/// Events that are kept: half an hour of a share a second with its tip. Stops whoever makes events from filling memory.
pub(super) const EVENTS_MAX: usize = 8_192;
/// Bytes of them. Shares with full merge sets are long, so their number alone would be no bound.
pub(super) const BYTES_MAX: usize = 8 << 20;
/// Numbers per second of a node's life. The first number follows from the time of the start, so numbers grow over restarts as
/// long as there are fewer events than this in a second; the largest stays below 2^53, which JavaScript needs.
const IDS_PER_SEC: u64 = 1_000_000;

/// See the module.
#[derive(Debug)]
pub struct EventLog {
    events: VecDeque<Arc<Event>>,
    bytes: usize,
    /// Number of the first event of this run.
    first_id: u64,
    next_id: u64,
}

/// A part of what a reader has not had.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// In order; a gap comes first.
    pub events: Vec<Arc<Event>>,
    /// Where the next page begins.
    pub cursor: u64,
    /// Whether there is nothing after it.
    pub is_end: bool,
}

impl EventLog {
    /// An empty log of a node that starts now.
    pub const fn new(now: UnixTime) -> Self {
        let first_id = now.saturating_mul(IDS_PER_SEC).saturating_add(1);
        Self { events: VecDeque::new(), bytes: 0, first_id, next_id: first_id }
    }

    /// Adds what happened; the oldest make room.
    pub fn push(&mut self, happening: Happening, now: UnixTime) -> Arc<Event> {
        let event = Arc::new(Event::new(self.next_id, now, happening));
        self.next_id = self.next_id.saturating_add(1);
        self.bytes = self.bytes.saturating_add(event.sse().len());
        self.events.push_back(event.clone());
        while self.events.len() > EVENTS_MAX || self.bytes > BYTES_MAX {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes = self.bytes.saturating_sub(oldest.sse().len());
        }
        event
    }

    /// Number of the newest event.
    pub const fn last_id(&self) -> u64 {
        self.next_id.saturating_sub(1)
    }

    /// At most `len_max` events after this number, with a gap before them when there were others that are gone. After 0 comes
    /// all that is kept. A number of another run, or one that was never given, is answered with a gap and all that is kept.
    pub fn after(&self, id: u64, len_max: usize, now: UnixTime) -> Page {
        let oldest = self.events.front().map_or(self.next_id, |event| event.id);
        let is_ours = id.saturating_add(1) >= self.first_id && id < self.next_id;
        let missed = if is_ours { oldest.saturating_sub(id.saturating_add(1)) } else { oldest - self.first_id };
        let has_gap = id != 0 && (missed > 0 || !is_ours);
        let from = if is_ours { id.saturating_add(1).max(oldest) } else { oldest };
        let gap = has_gap.then(|| Arc::new(Event::new(from.saturating_sub(1), now, Happening::Gap { missed })));
        let skipped = usize::try_from(from.saturating_sub(oldest)).unwrap_or(usize::MAX);
        let held = self.events.iter().skip(skipped).take(len_max).cloned();
        let events: Vec<_> = gap.into_iter().chain(held).collect();
        let cursor = events.last().map_or_else(|| from.saturating_sub(1), |event| event.id);
        Page { events, cursor, is_end: cursor >= self.last_id() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixTime = 1_795_000_000;
    const FIRST: u64 = START * IDS_PER_SEC + 1;

    fn tip(height: u64) -> Happening {
        Happening::Tip { id: "ab".to_owned(), height }
    }

    fn log(events: u64) -> EventLog {
        let mut log = EventLog::new(START);
        for height in 0..events {
            log.push(tip(height), START);
        }
        log
    }

    fn ids(page: &Page) -> Vec<u64> {
        page.events.iter().map(|event| event.id).collect()
    }

    #[test]
    fn a_reader_gets_what_it_has_not_had_page_by_page() {
        let log = log(5);
        let page = log.after(FIRST + 1, 2, START);
        assert_eq!((ids(&page), page.cursor, page.is_end), (vec![FIRST + 2, FIRST + 3], FIRST + 3, false));
        let page = log.after(page.cursor, 2, START);
        assert_eq!((ids(&page), page.is_end), (vec![FIRST + 4], true));
        let page = log.after(page.cursor, 2, START);
        assert_eq!((ids(&page), page.cursor, page.is_end), (vec![], FIRST + 4, true));
        assert_eq!(ids(&log.after(0, 9, START)).len(), 5, "after 0 comes all that is kept, and that is no gap");
    }

    #[test]
    fn what_is_gone_is_counted_and_the_reader_goes_on_after_it() {
        let many = u64::try_from(EVENTS_MAX).unwrap() + 10;
        let log = log(many);
        let page = log.after(FIRST + 2, 1, START);
        assert_eq!(page.events[0].happening, Happening::Gap { missed: 7 });
        assert_eq!(ids(&page), [FIRST + 9, FIRST + 10], "the gap has the number before the first that is left");
        assert_eq!(ids(&log.after(FIRST + 9, 1, START)), [FIRST + 10], "so it is told once");
    }

    #[test]
    fn numbers_of_another_run_are_a_gap_of_unknown_length() {
        let log = log(2);
        for id in [FIRST - 2, FIRST + 2, u64::MAX] {
            let page = log.after(id, 9, START);
            assert_eq!(page.events[0].happening, Happening::Gap { missed: 0 }, "{id}");
            assert_eq!(ids(&page), [FIRST - 1, FIRST, FIRST + 1]);
        }
        assert_eq!(ids(&log.after(FIRST - 1, 9, START)), [FIRST, FIRST + 1], "the number before the first is ours");
        assert!(EventLog::new(START + 1).next_id > log.next_id, "a later run has higher numbers");
        assert!(EventLog::new(4_000_000_000).next_id < 1 << 53);
    }

    #[test]
    fn long_events_are_bounded_by_their_bytes() {
        let mut log = EventLog::new(START);
        for _ in 0..200 {
            log.push(Happening::Warning { text: "x".repeat(BYTES_MAX / 100) }, START);
        }
        assert!(log.events.len() < 100 && log.bytes <= BYTES_MAX);
    }
}
