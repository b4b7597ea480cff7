//! Scripted partitions: which region is cut off when, and when its two sides are in contact again. Pure.

use std::{
    collections::BTreeSet,
    fmt,
    str::FromStr,
    time::{Duration, Instant},
};

use node::Region;

use super::geography::REGIONS;

/// One region without the others, for a while: `REGION:START:LENGTH` in seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Partition {
    /// Who is cut off.
    pub region: Region,
    /// When it begins, seconds after the measured time does.
    pub start_secs: u64,
    /// How long it lasts.
    pub length_secs: u64,
}

/// The text describes no partition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no partition; write REGION:START:LENGTH, such as AS:60:30, with one of NA SA EU AF AS OC and whole seconds"
)]
pub struct BadPartition(String);

impl FromStr for Partition {
    type Err = BadPartition;

    fn from_str(text: &str) -> Result<Self, BadPartition> {
        let bad = || BadPartition(text.to_owned());
        let [region, start, length] = text.split(':').collect::<Vec<_>>()[..] else { return Err(bad()) };
        let region: Region = region.parse().map_err(|_| bad())?;
        let number = |text: &str| text.parse::<u32>().map(u64::from).map_err(|_| bad());
        let (start_secs, length_secs) = (number(start)?, number(length)?);
        if length_secs == 0 || !REGIONS.contains(&region) {
            return Err(bad());
        }
        Ok(Self { region, start_secs, length_secs })
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.region, self.start_secs, self.length_secs)
    }
}

impl Partition {
    /// When it is over, seconds after the measured time begins.
    pub const fn end_secs(&self) -> u64 {
        self.start_secs + self.length_secs
    }

    /// The same as a rule for frames.
    pub(super) fn cut(&self, began: Instant, regions: &[Region]) -> Cut {
        Cut {
            inside: regions.iter().map(|region| *region == self.region).collect(),
            from: began + Duration::from_secs(self.start_secs),
            to: began + Duration::from_secs(self.end_secs()),
            crossed: BTreeSet::new(),
            contact: None,
        }
    }
}

/// A partition as the switch sees it.
#[derive(Clone, Debug)]
pub(super) struct Cut {
    /// Whether a node is in the region, by its index.
    inside: Vec<bool>,
    from: Instant,
    to: Instant,
    /// Pairs of sender and receiver on different sides that a frame went between since the end.
    crossed: BTreeSet<(usize, usize)>,
    contact: Option<Instant>,
}

impl Cut {
    /// Whether a frame sent now goes nowhere.
    pub(super) fn stops(&self, now: Instant, from: usize, to: usize) -> bool {
        (self.from..self.to).contains(&now) && self.separates(from, to)
    }

    /// Takes note of a frame that arrived. Two nodes of different sides are in contact when each has heard the other: a frame
    /// to somebody who does not answer is none.
    pub(super) fn on_delivered(&mut self, now: Instant, from: usize, to: usize) {
        if self.contact.is_some() || now < self.to || !self.separates(from, to) {
            return;
        }
        self.crossed.insert((from, to));
        if self.crossed.contains(&(to, from)) {
            self.contact = Some(now);
        }
    }

    /// When the sides were first in contact again.
    pub(super) fn contact(&self) -> Option<Instant> {
        self.contact
    }

    fn separates(&self, from: usize, to: usize) -> bool {
        self.inside[from] != self.inside[to]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_read_as_it_is_written() {
        let partition = Partition { region: Region::As, start_secs: 60, length_secs: 30 };
        assert_eq!("AS:60:30".parse(), Ok(partition));
        assert_eq!("as:60:30".parse(), Ok(partition));
        assert_eq!(partition.to_string(), "AS:60:30");
        assert_eq!(partition.end_secs(), 90);
        for bad in ["", "AS", "AS:60", "AS:60:0", "AS:60:30:1", "XX:60:30", "AN:60:30", "AS:-1:30", "AS:1.5:30"] {
            assert_eq!(bad.parse::<Partition>(), Err(BadPartition(bad.to_owned())));
        }
    }

    #[test]
    fn a_cut_stops_what_crosses_it_while_it_lasts_and_tells_the_first_contact_both_ways() {
        let began = Instant::now();
        let at = |secs| began + Duration::from_secs(secs);
        let partition = Partition { region: Region::Eu, start_secs: 10, length_secs: 5 };
        let mut cut = partition.cut(began, &[Region::Na, Region::Eu, Region::Eu]);
        assert!(!cut.stops(at(9), 0, 1));
        assert!(cut.stops(at(10), 0, 1) && cut.stops(at(14), 2, 0));
        assert!(!cut.stops(at(12), 1, 2), "inside the region");
        assert!(!cut.stops(at(15), 0, 1));
        // A frame that was on its way before the cut is no contact, nor is one that nobody answers.
        cut.on_delivered(at(10), 0, 1);
        cut.on_delivered(at(10), 1, 0);
        cut.on_delivered(at(16), 0, 1);
        cut.on_delivered(at(17), 2, 0);
        cut.on_delivered(at(17), 1, 2);
        assert_eq!(cut.contact(), None);
        cut.on_delivered(at(18), 1, 0);
        cut.on_delivered(at(19), 0, 1);
        assert_eq!(cut.contact(), Some(at(18)));
    }
}
