//! The PPLNS window: whose work the next blocks pay, and in which proportion.
//!
//! A window is taken at a payout share S (see [`crate::chain`]): the newest entries of the canonical order up to S until
//! their work reaches the bound, the oldest one cut exactly. It is also cut in entries, so that a window never reaches
//! back into shares that nodes no longer keep (attack F4).

use std::collections::BTreeMap;

use crate::{script::PayoutScript, target::Work};

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
    total: Work,
    shares: u64,
}

impl Weights {
    /// Sums a window from its newest entry backwards.
    pub fn from_newest_first(entries: impl Iterator<Item = (PayoutScript, Work)>, bounds: WindowBounds) -> Self {
        let mut weights: BTreeMap<PayoutScript, Work> = BTreeMap::new();
        let mut room = bounds.work;
        let mut entries_left = bounds.entries_max;
        for (script, work) in entries {
            if room == Work::ZERO || entries_left == 0 {
                break;
            }
            entries_left = entries_left.saturating_sub(1);
            let credited = work.min(room);
            room = room.saturating_sub(credited);
            let weight = weights.entry(script).or_default();
            // The sum of all entries is at most the bound, which fits.
            *weight = weight.checked_add(credited).unwrap_or(Work::MAX);
        }
        let total = bounds.work.saturating_sub(room);
        let shares = bounds.entries_max.saturating_sub(entries_left);
        Self { entries: weights.into_iter().collect(), total, shares }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn script(tag: u8) -> PayoutScript {
        PayoutScript::p2wpkh(&[tag; 20])
    }

    #[track_caller]
    fn check(newest_first: &[(u8, u128)], bounds: (u128, u64), expected: &[(u8, u128)]) {
        let entries = newest_first.iter().map(|(tag, work)| (script(*tag), Work::from_hashes(*work)));
        let bounds = WindowBounds { work: Work::from_hashes(bounds.0), entries_max: bounds.1 };
        let weights = Weights::from_newest_first(entries, bounds);
        let expected: Vec<_> = expected.iter().map(|(tag, work)| (script(*tag), Work::from_hashes(*work))).collect();
        assert_eq!(weights.entries(), expected);
        assert_eq!(weights.total().hashes(), expected.iter().map(|(_, work)| work.hashes()).sum::<u128>());
    }

    #[test]
    fn the_oldest_entry_is_cut_exactly() {
        check(&[(2, 10), (1, 20), (2, 30), (3, 5)], (45, 100), &[(1, 20), (2, 25)]);
    }

    #[test]
    fn a_window_that_is_not_full_takes_everything() {
        check(&[(2, 10), (1, 20)], (45, 100), &[(1, 20), (2, 10)]);
        check(&[], (45, 100), &[]);
    }

    #[test]
    fn the_window_also_ends_after_its_most_entries() {
        check(&[(2, 1), (1, 1), (3, 1)], (45, 2), &[(1, 1), (2, 1)]);
    }

    #[test]
    fn one_hard_share_can_fill_the_window_but_not_more() {
        check(&[(7, u128::MAX), (1, 1)], (1 << 90, 10), &[(7, 1 << 90)]);
    }
}
