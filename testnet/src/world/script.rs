//! Scripted ends of nodes: who is killed when, for how long it stays away, and when all are restarted in turn. Pure.

use std::{fmt, str::FromStr};

/// One node is killed and stays away for a while: `NODE:START:LENGTH`, seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outage {
    /// Which one, counted from 1 as in its name.
    pub node: usize,
    /// When it is killed, seconds after the measured time begins.
    pub start_secs: u64,
    /// How long it is away.
    pub length_secs: u64,
}

/// The text describes no outage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no outage; write NODE:START:LENGTH, such as 3:60:20, with the number of a node and whole seconds")]
pub struct BadOutage(String);

impl FromStr for Outage {
    type Err = BadOutage;

    fn from_str(text: &str) -> Result<Self, BadOutage> {
        let numbers: Result<Vec<u32>, _> = text.split(':').map(str::parse).collect();
        match numbers.as_deref() {
            Ok(&[node, start, length]) if node > 0 && length > 0 => {
                let node = usize::try_from(node).map_err(|_| BadOutage(text.to_owned()))?;
                Ok(Self { node, start_secs: start.into(), length_secs: length.into() })
            }
            _ => Err(BadOutage(text.to_owned())),
        }
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.node, self.start_secs, self.length_secs)
    }
}

impl Outage {
    /// When it is over, seconds after the measured time begins.
    pub const fn end_secs(&self) -> u64 {
        self.start_secs + self.length_secs
    }

    /// Whether the other one would kill a node that is away, or start one that runs.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.node == other.node && self.start_secs <= other.end_secs() && other.start_secs <= self.end_secs()
    }
}

/// What is done to a node, by its index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Step {
    /// Killed.
    Kill(usize),
    /// Started again.
    Start(usize),
    /// All are stopped and started in turn.
    RestartAll,
}

/// All steps in their order.
#[derive(Clone, Debug)]
pub(super) struct Script {
    /// With the seconds at which each is due; the next one last.
    steps: Vec<(u64, Step)>,
}

impl Script {
    pub(super) fn new(outages: &[Outage], rolling_restarts: &[u64]) -> Self {
        let outages = outages.iter().flat_map(|outage| {
            let node = outage.node - 1;
            [(outage.start_secs, Step::Kill(node)), (outage.end_secs(), Step::Start(node))]
        });
        let mut steps: Vec<_> =
            outages.chain(rolling_restarts.iter().map(|start| (*start, Step::RestartAll))).collect();
        steps.sort_unstable_by(|one, other| other.cmp(one));
        Self { steps }
    }

    /// The next step, when it is due.
    pub(super) fn due(&mut self, secs: u64) -> Option<Step> {
        self.steps.pop_if(|(at, _)| *at <= secs).map(|(_, step)| step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_read_as_it_is_written() {
        let outage = Outage { node: 3, start_secs: 60, length_secs: 20 };
        assert_eq!("3:60:20".parse(), Ok(outage));
        assert_eq!((outage.to_string(), outage.end_secs()), ("3:60:20".to_owned(), 80));
        for bad in ["", "3", "3:60", "0:60:20", "3:60:0", "3:60:20:1", "x:60:20", "3:-1:20", "3:1.5:20"] {
            assert_eq!(bad.parse::<Outage>(), Err(BadOutage(bad.to_owned())));
        }
    }

    #[test]
    fn outages_of_one_node_may_not_touch() {
        let outage = |text: &str| text.parse::<Outage>().unwrap();
        for (one, other, overlaps) in [
            ("3:10:5", "3:12:5", true),
            ("3:10:5", "3:15:5", true),
            ("3:10:5", "3:16:5", false),
            ("3:10:5", "2:12:5", false),
        ] {
            let (one, other) = (outage(one), outage(other));
            assert_eq!((one.overlaps(&other), other.overlaps(&one)), (overlaps, overlaps), "{one} {other}");
        }
    }

    #[test]
    fn steps_come_when_they_are_due_and_once() {
        let outages = ["2:10:5", "1:12:30"].map(|text| text.parse().unwrap());
        let mut script = Script::new(&outages, &[20, 0]);
        let mut at = |secs| std::iter::from_fn(|| script.due(secs)).collect::<Vec<_>>();
        assert_eq!(at(0), [Step::RestartAll]);
        assert_eq!(at(9), []);
        assert_eq!(at(15), [Step::Kill(1), Step::Kill(0), Step::Start(1)]);
        assert_eq!(at(100), [Step::RestartAll, Step::Start(0)]);
        assert_eq!(at(1_000), []);
    }
}
