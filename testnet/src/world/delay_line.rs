//! Frames on their way: when each is due, and which never arrive. Pure: time and chance are arguments.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    time::{Duration, Instant},
};

use super::partition::Cut;

/// Frames on their way to one node; further ones are dropped, as by a full router. 12 MB of the largest ones, far more than
/// a pool has in flight: it bounds what a node that floods costs this process.
const IN_FLIGHT_MAX: usize = 8_192;
/// What a loss is a part of.
const MILLION: u64 = 1_000_000;

/// The ways between nodes.
#[derive(Debug)]
pub(super) struct DelayLine {
    one_way: Vec<Vec<Duration>>,
    loss: Loss,
    cuts: Vec<Cut>,
    queue: BinaryHeap<Reverse<Flight>>,
    /// Frames on their way to each node.
    in_flight: Vec<usize>,
    /// Frames taken so far: what is due at the same time leaves in the order in which it came.
    taken: u64,
}

/// A frame on its way.
#[derive(Debug)]
pub(super) struct Flight {
    /// When it arrives.
    pub(super) due: Instant,
    order: u64,
    /// Who sent it.
    pub(super) from: usize,
    /// Who gets it.
    pub(super) to: usize,
    /// All of it.
    pub(super) frame: Vec<u8>,
}

/// Why a frame never arrives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dropped {
    /// By chance.
    Lost,
    /// By a partition.
    Cut,
    /// Too many are on their way to that node.
    Full,
}

/// Chance of a frame to be lost, the same for all, from a seed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loss {
    /// Lost out of a million.
    per_million: u32,
    state: u64,
}

impl Loss {
    pub(super) fn new(per_million: u32, seed: u64) -> Self {
        Self { per_million, state: seed }
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    fn strikes(&mut self) -> bool {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % MILLION < u64::from(self.per_million)
    }
}

impl DelayLine {
    /// Ways of these lengths, with nothing on them.
    pub(super) fn new(one_way: Vec<Vec<Duration>>, loss: Loss) -> Self {
        let in_flight = vec![0; one_way.len()];
        Self { one_way, loss, cuts: Vec::new(), queue: BinaryHeap::new(), in_flight, taken: 0 }
    }

    /// Partitions from now on.
    pub(super) fn set_cuts(&mut self, cuts: Vec<Cut>) {
        self.cuts = cuts;
    }

    /// When the sides of each partition were in contact again.
    pub(super) fn contacts(&self) -> impl Iterator<Item = Option<Instant>> {
        self.cuts.iter().map(Cut::contact)
    }

    /// Takes a frame.
    ///
    /// # Errors
    /// Why it never arrives.
    pub(super) fn send(&mut self, now: Instant, from: usize, to: usize, frame: &[u8]) -> Result<(), Dropped> {
        if self.cuts.iter().any(|cut| cut.stops(now, from, to)) {
            return Err(Dropped::Cut);
        }
        if self.loss.strikes() {
            return Err(Dropped::Lost);
        }
        if self.in_flight[to] >= IN_FLIGHT_MAX {
            return Err(Dropped::Full);
        }
        self.in_flight[to] += 1;
        let due = now + self.one_way[from][to];
        self.queue.push(Reverse(Flight { due, order: self.taken, from, to, frame: frame.to_vec() }));
        self.taken += 1;
        Ok(())
    }

    /// When the next frame arrives.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.queue.peek().map(|Reverse(flight)| flight.due)
    }

    /// A frame that is there by now.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Flight> {
        if self.next_due()? > now {
            return None;
        }
        let Reverse(flight) = self.queue.pop()?;
        self.in_flight[flight.to] -= 1;
        for cut in &mut self.cuts {
            cut.on_delivered(now, flight.from, flight.to);
        }
        Some(flight)
    }
}

impl PartialEq for Flight {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Flight {}

impl PartialOrd for Flight {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Flight {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.due, self.order).cmp(&(other.due, other.order))
    }
}

#[cfg(test)]
mod tests {
    use node::Region;

    use super::*;
    use crate::world::partition::Partition;

    const MS: Duration = Duration::from_millis(1);

    /// Three nodes: 10 ms between the first two, 100 ms to the third.
    fn line(loss_per_million: u32) -> DelayLine {
        let (here, near, far) = (Duration::ZERO, 10 * MS, 100 * MS);
        let one_way = vec![vec![here, near, far], vec![near, here, far], vec![far, far, here]];
        DelayLine::new(one_way, Loss::new(loss_per_million, 7))
    }

    fn frames(line: &mut DelayLine, now: Instant) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| line.take_due(now)).map(|flight| flight.frame).collect()
    }

    #[test]
    fn frames_arrive_when_their_way_is_done_and_in_their_order() {
        let (mut line, now) = (line(0), Instant::now());
        line.send(now, 0, 2, b"far").unwrap();
        line.send(now, 0, 1, b"first").unwrap();
        line.send(now, 0, 1, b"second").unwrap();
        assert_eq!(line.next_due(), Some(now + 10 * MS));
        assert!(frames(&mut line, now + 9 * MS).is_empty());
        assert_eq!(frames(&mut line, now + 10 * MS), [b"first".to_vec(), b"second".to_vec()]);
        assert!(frames(&mut line, now + 99 * MS).is_empty());
        assert_eq!(frames(&mut line, now + 100 * MS), [b"far".to_vec()]);
        assert_eq!(line.next_due(), None);
    }

    #[test]
    fn as_many_frames_are_lost_as_was_asked_for_and_the_same_ones_again() {
        let now = Instant::now();
        let lost = |per_million| {
            let mut line = line(per_million);
            let sent = (0..20_000_u32).filter(|_| {
                while line.take_due(now + 10 * MS).is_some() {}
                line.send(now, 0, 1, b"x") == Err(Dropped::Lost)
            });
            sent.collect::<Vec<_>>()
        };
        assert!(lost(0).is_empty());
        assert!((150..250).contains(&lost(10_000).len()), "one in a hundred of 20,000");
        assert_eq!(lost(10_000), lost(10_000));
        assert_eq!(lost(1_000_000).len(), 20_000);
    }

    #[test]
    fn a_partition_stops_frames_and_tells_of_the_contact_after_it() {
        let (mut line, began) = (line(0), Instant::now());
        let partition = Partition { region: Region::Oc, start_secs: 1, length_secs: 2 };
        line.set_cuts(vec![partition.cut(began, &[Region::Na, Region::Na, Region::Oc])]);
        let at = |ms: u32| began + ms * MS;
        assert_eq!(line.send(at(999), 0, 2, b"before"), Ok(()));
        assert_eq!(line.send(at(1_000), 0, 2, b"lost"), Err(Dropped::Cut));
        assert_eq!(line.send(at(1_000), 0, 1, b"near"), Ok(()));
        assert_eq!(frames(&mut line, at(1_099)), [b"near".to_vec(), b"before".to_vec()]);
        assert_eq!(line.send(at(3_000), 0, 2, b"question"), Ok(()));
        assert_eq!(frames(&mut line, at(3_100)), [b"question".to_vec()]);
        assert_eq!(line.contacts().collect::<Vec<_>>(), [None]);
        line.send(at(3_100), 2, 0, b"answer").unwrap();
        assert_eq!(frames(&mut line, at(3_200)), [b"answer".to_vec()]);
        assert_eq!(line.contacts().collect::<Vec<_>>(), [Some(at(3_200))]);
    }

    #[test]
    fn a_flood_is_bounded_and_passes() {
        let (mut line, now) = (line(0), Instant::now());
        for _ in 0..IN_FLIGHT_MAX {
            line.send(now, 0, 2, b"flood").unwrap();
        }
        assert_eq!(line.send(now, 1, 2, b"too many"), Err(Dropped::Full));
        assert_eq!(line.send(now, 2, 1, b"another way"), Ok(()));
        assert_eq!(frames(&mut line, now + 100 * MS).len(), IN_FLIGHT_MAX + 1);
        assert_eq!(line.send(now, 1, 2, b"room again"), Ok(()));
    }
}
