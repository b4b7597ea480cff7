//! How long it takes until the last connection knows of a new block. Reads no clock: arrivals come with their time.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Blocks that not all connections have yet. Blocks are seconds apart, so there is hardly ever a second one.
const OPEN_MAX: usize = 16;

/// Arrivals of new blocks.
#[derive(Debug, Default)]
pub(super) struct Fanouts {
    connections: u32,
    open: VecDeque<Fanout>,
    complete: u64,
    last: Option<Duration>,
}

/// A block on its way to the connections.
#[derive(Debug)]
struct Fanout {
    prev_block: String,
    // Threads take the time before they take turns here, so neither is simply that of the call.
    first: Instant,
    last: Instant,
    arrivals: u32,
}

impl Fanouts {
    /// Begins with what arrives now at this many connections.
    pub(super) fn new(connections: u32) -> Self {
        Self { connections, ..Self::default() }
    }

    /// One of the connections got a clean job on `prev_block`. Each tells of a block once.
    pub(super) fn on_arrival(&mut self, prev_block: &str, now: Instant) {
        let place = self.open.iter().position(|fanout| fanout.prev_block == prev_block);
        let place = place.unwrap_or_else(|| self.open_one(prev_block, now));
        let Some(fanout) = self.open.get_mut(place) else { return };
        fanout.arrivals += 1;
        fanout.first = fanout.first.min(now);
        fanout.last = fanout.last.max(now);
        if fanout.arrivals >= self.connections {
            let took = fanout.last.saturating_duration_since(fanout.first);
            self.open.remove(place);
            self.complete += 1;
            self.last = self.last.max(Some(took));
        }
    }

    /// A connection is gone. Whether it still got the blocks that are on their way is unknown, so they do not count.
    pub(super) fn on_lost(&mut self) {
        self.connections = self.connections.saturating_sub(1);
        self.open.clear();
    }

    /// How many blocks all connections got.
    pub(super) const fn complete(&self) -> u64 {
        self.complete
    }

    /// The longest time from the first to the last arrival of a block that all connections got.
    pub(super) const fn last(&self) -> Option<Duration> {
        self.last
    }

    fn open_one(&mut self, prev_block: &str, now: Instant) -> usize {
        if self.open.len() >= OPEN_MAX {
            self.open.pop_front();
        }
        self.open.push_back(Fanout { prev_block: prev_block.to_owned(), first: now, last: now, arrivals: 0 });
        self.open.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_block_counts_from_its_first_to_its_last_arrival() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut fanouts = Fanouts::new(3);
        // The second block overtakes the first on one connection.
        for (block, millis) in [("a", 0), ("a", 7), ("b", 20), ("b", 21), ("a", 30), ("b", 45)] {
            fanouts.on_arrival(block, at(millis));
        }
        assert_eq!((fanouts.complete(), fanouts.last()), (2, Some(Duration::from_millis(30))));
        fanouts.on_arrival("c", at(50));
        fanouts.on_arrival("c", at(950));
        assert_eq!(fanouts.complete(), 2, "one connection did not get it");
    }

    #[test]
    fn a_block_during_which_a_connection_was_lost_does_not_count() {
        let now = Instant::now();
        let mut fanouts = Fanouts::new(3);
        fanouts.on_arrival("a", now);
        fanouts.on_lost();
        fanouts.on_arrival("a", now);
        assert_eq!((fanouts.complete(), fanouts.last()), (0, None));
        fanouts.on_arrival("b", now);
        fanouts.on_arrival("b", now);
        assert_eq!((fanouts.complete(), fanouts.last()), (1, Some(Duration::ZERO)));
    }

    #[test]
    fn blocks_that_never_complete_are_bounded() {
        let now = Instant::now();
        let mut fanouts = Fanouts::new(2);
        (0..1_000).for_each(|block| fanouts.on_arrival(&block.to_string(), now));
        assert_eq!((fanouts.open.len(), fanouts.complete()), (OPEN_MAX, 0));
    }
}
