//! The PPLNS window: whose work the next blocks pay, and in which proportion.
//!
//! A window is taken at a payout share S (see [`crate::chain`]): the newest entries of the canonical order up to S until
//! their work reaches the bound, the oldest one cut exactly. It is also cut in entries, so that a window never reaches
//! back into shares that nodes no longer keep (attack F4).

use std::collections::BTreeMap;

use crate::{script::PayoutScript, target::Work};

/// Upgrade bits of a share.
pub const SIGNAL_BITS: usize = 16;

/// How far back a window reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowBounds {
    /// Work after which the window ends, cutting its oldest entry.
    pub work: Work,
    /// Most entries, whatever their work.
    pub entries_max: u64,
}

/// Work per payout script inside one window, in ascending script order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weights {
    entries: Vec<(PayoutScript, Work)>,
    /// The same, the largest work first, equal ones ascending by script.
    by_work: Vec<(PayoutScript, Work)>,
    total: Work,
    shares: u64,
    signalled: [Work; SIGNAL_BITS],
}

impl Weights {
    /// Sums a window from its newest entry backwards: the definition that every faster way has to agree with.
    pub fn from_newest_first(entries: impl Iterator<Item = (PayoutScript, Work)>, bounds: WindowBounds) -> Self {
        let mut tally = Tally::default();
        let mut room = bounds.work;
        let mut entries_left = bounds.entries_max;
        for (script, work) in entries {
            if room == Work::ZERO || entries_left == 0 {
                break;
            }
            entries_left = entries_left.saturating_sub(1);
            let credited = work.min(room);
            room = room.saturating_sub(credited);
            tally.add(script, 0, credited);
        }
        tally.weights(bounds.entries_max.saturating_sub(entries_left))
    }

    /// The weights of a window that is known by its sums, such as one that somebody shows.
    pub fn from_sums(sums: impl Iterator<Item = (PayoutScript, Work)>, shares: u64) -> Self {
        let mut tally = Tally::default();
        sums.for_each(|(script, work)| tally.add(script, 0, work));
        tally.weights(shares)
    }

    /// Script and work, the largest first; equal ones ascending by script.
    pub fn by_work(&self) -> &[(PayoutScript, Work)] {
        &self.by_work
    }

    /// Work of the shares that set this upgrade bit; none for a bit that does not exist.
    pub fn signalled(&self, bit: usize) -> Work {
        self.signalled.get(bit).copied().unwrap_or(Work::ZERO)
    }

    /// Script and work, ascending by script; every work is above zero.
    pub fn entries(&self) -> &[(PayoutScript, Work)] {
        &self.entries
    }

    /// Sum of all works.
    pub const fn total(&self) -> Work {
        self.total
    }

    /// Shares inside the window, the one that is cut included.
    pub const fn shares(&self) -> u64 {
        self.shares
    }

    /// Whether nobody has work in the window.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// A window under way: what is added can be taken back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    weights: BTreeMap<PayoutScript, Work>,
    total: Work,
    signalled: [Work; SIGNAL_BITS],
}

impl Tally {
    /// Credits `work` to a script and to every upgrade bit of `signal`.
    pub(crate) fn add(&mut self, script: PayoutScript, signal: u16, work: Work) {
        self.change(script, signal, |sum| sum.saturating_add(work));
    }

    /// Takes back what [`Tally::add`] credited.
    pub(crate) fn remove(&mut self, script: PayoutScript, signal: u16, work: Work) {
        self.change(script, signal, |sum| sum.saturating_sub(work));
    }

    /// The weights of a window of so many shares.
    pub(crate) fn weights(&self, shares: u64) -> Weights {
        let entries: Vec<(PayoutScript, Work)> = self.weights.iter().map(|(script, work)| (*script, *work)).collect();
        let mut by_work = entries.clone();
        by_work.sort_by(|(_, work_a), (_, work_b)| work_b.cmp(work_a));
        Weights { entries, by_work, total: self.total, shares, signalled: self.signalled }
    }

    fn change(&mut self, script: PayoutScript, signal: u16, change: impl Fn(Work) -> Work) {
        let weight = self.weights.entry(script).or_default();
        *weight = change(*weight);
        if *weight == Work::ZERO {
            self.weights.remove(&script);
        }
        self.total = change(self.total);
        let mut bits = signal;
        for sum in &mut self.signalled {
            if bits & 1 == 1 {
                *sum = change(*sum);
            }
            bits >>= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, json};

    const PAGE: &str = include_str!("../../docs/protocol/payout.md");

    /// The page names scripts by letters.
    fn script(letter: &str) -> PayoutScript {
        testing::script(u64::from(letter.as_bytes()[0]))
    }

    #[test]
    fn a_window_is_empty_when_nobody_has_work_in_it() {
        let bounds = WindowBounds { work: Work::from_hashes(10), entries_max: 10 };
        let of = |entries: Vec<_>| Weights::from_newest_first(entries.into_iter(), bounds).is_empty();
        assert!(of(Vec::new()) && !of(vec![(script("A"), Work::from_hashes(1))]));
    }

    #[test]
    fn windows_are_cut_as_the_protocol_page_says() {
        for case in json::cases(PAGE, "window") {
            let entries = case["newest_first"].as_array().unwrap();
            let entries = entries.iter().map(|entry| (script(entry[0].as_str().unwrap()), json::work(&entry[1])));
            let bounds =
                WindowBounds { work: json::work(&case["work_max"]), entries_max: json::number(&case["entries_max"]) };
            let weights = Weights::from_newest_first(entries, bounds);
            let expected = case["weights"].as_object().unwrap().iter();
            let expected: Vec<_> = expected.map(|(letter, work)| (script(letter), json::work(work))).collect();
            assert_eq!(weights.entries(), expected, "{case}");
            assert_eq!(
                weights.total().hashes(),
                expected.iter().map(|(_, work)| work.hashes()).sum::<u128>(),
                "{case}"
            );
            assert_eq!(weights.shares(), json::number::<u64>(&case["shares"]), "{case}");
        }
    }
}
