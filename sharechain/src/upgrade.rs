//! How the network agrees on new rules: sixteen bits that shares may set, counted by work.
//!
//! ```text
//!          >= 95 % of a full window         >= 90 % in every epoch of a window        one window later
//!  Quiet -----------------------> Signalled --------------------------> LockedIn -----------------> Active
//!    ^------- below 90 % ------------'                                     (never goes back)
//! ```
//! Looked at once per payout epoch, at the window that the epoch pays. The parts are of a *full* window: shares that are
//! not there, and shares that do not set the bit, never count as assent. The two thresholds keep a majority that wavers
//! around one of them from starting the count again and again.
//!
//! This version knows no rules beyond its own, so no bit changes what is valid; a bit that is locked in tells the operator
//! to update. Shares of another format version are refused.

use crate::{
    params::Params,
    pplns::{SIGNAL_BITS, Weights},
    target::Work,
};

/// From this part of a full window's work on a bit begins to count, thousandths.
pub const SIGNALLED_PERMILLE: u32 = 950;
/// Below this it has to begin again, thousandths.
pub const RETAINED_PERMILLE: u32 = 900;

/// How far the network is with a bit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum UpgradeState {
    /// Hardly anybody sets it.
    #[default]
    Quiet,
    /// Nearly everybody does, for so many epochs in a row.
    Signalled {
        /// Counted epochs.
        epochs: u32,
    },
    /// The rules will change when so many epochs have passed.
    LockedIn {
        /// Epochs left.
        epochs_left: u32,
    },
    /// The rules have changed.
    Active,
}

/// The state of every bit at one payout share.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct UpgradeStates {
    bits: [UpgradeState; SIGNAL_BITS],
}

/// What the states are measured by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UpgradeTerms {
    /// Work of a full window at the payout share.
    pub window_work: Work,
    /// Payout epochs of a full window when every share is selected.
    pub window_epochs: u32,
}

impl UpgradeTerms {
    /// The terms at a payout share whose base work is `base_work`.
    pub(crate) fn new(params: &Params, base_work: Work) -> Self {
        let window_shares = params.raw().window_shares;
        Self {
            window_work: base_work.saturating_mul(window_shares),
            window_epochs: window_shares.div_ceil(params.raw().payout_epoch.max(1)),
        }
    }
}

impl UpgradeState {
    /// Whether the network has decided.
    pub const fn is_decided(self) -> bool {
        matches!(self, Self::LockedIn { .. } | Self::Active)
    }

    fn next(self, signalled: Work, terms: &UpgradeTerms) -> Self {
        let reaches = |permille: u32| signalled.saturating_mul(1_000) >= terms.window_work.saturating_mul(permille);
        match self {
            Self::Quiet if reaches(SIGNALLED_PERMILLE) => Self::Signalled { epochs: 1 },
            Self::Signalled { epochs } if reaches(RETAINED_PERMILLE) => match epochs.saturating_add(1) {
                epochs if epochs >= terms.window_epochs => Self::LockedIn { epochs_left: terms.window_epochs },
                epochs => Self::Signalled { epochs },
            },
            Self::Quiet | Self::Signalled { .. } => Self::Quiet,
            Self::LockedIn { epochs_left: 0 | 1 } | Self::Active => Self::Active,
            Self::LockedIn { epochs_left } => Self::LockedIn { epochs_left: epochs_left.saturating_sub(1) },
        }
    }
}

impl UpgradeStates {
    /// The states one epoch later, at a payout share with this window.
    #[must_use]
    pub fn after(&self, weights: &Weights, terms: &UpgradeTerms) -> Self {
        let mut next = *self;
        for (bit, state) in next.bits.iter_mut().enumerate() {
            *state = state.next(weights.signalled(bit), terms);
        }
        next
    }

    /// Bits that are not quiet, with their state.
    pub fn stirring(&self) -> impl Iterator<Item = (usize, UpgradeState)> + '_ {
        self.bits.iter().copied().enumerate().filter(|(_, state)| *state != UpgradeState::Quiet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{pplns::Tally, script::PayoutScript};

    const TERMS: UpgradeTerms = UpgradeTerms { window_work: Work::from_hashes(1_000), window_epochs: 3 };

    /// Feeds windows in which bit 2 has so much of 1,000 work; the rest is there but silent.
    #[track_caller]
    fn check(windows: &[u128], expected: UpgradeState) {
        let mut states = UpgradeStates::default();
        for signalled in windows {
            let mut tally = Tally::default();
            tally.add(PayoutScript::p2wpkh(&[1; 20]), 1 << 2, Work::from_hashes(*signalled));
            tally.add(PayoutScript::p2wpkh(&[2; 20]), 0, Work::from_hashes(1_000 - signalled));
            states = states.after(&tally.weights(2), &TERMS);
        }
        let stirring: Vec<(usize, UpgradeState)> = states.stirring().collect();
        let expected = if expected == UpgradeState::Quiet { vec![] } else { vec![(2, expected)] };
        assert_eq!(stirring, expected);
    }

    #[test]
    fn a_bit_needs_95_percent_once_and_90_percent_for_a_window() {
        check(&[949], UpgradeState::Quiet);
        check(&[950], UpgradeState::Signalled { epochs: 1 });
        check(&[950, 900], UpgradeState::Signalled { epochs: 2 });
        check(&[950, 899], UpgradeState::Quiet);
        check(&[950, 899, 949], UpgradeState::Quiet);
        check(&[950, 900, 900], UpgradeState::LockedIn { epochs_left: 3 });
    }

    #[test]
    fn what_is_locked_in_becomes_active_whatever_comes() {
        check(&[950, 900, 900, 0], UpgradeState::LockedIn { epochs_left: 2 });
        check(&[950, 900, 900, 0, 0], UpgradeState::LockedIn { epochs_left: 1 });
        check(&[950, 900, 900, 0, 0, 0], UpgradeState::Active);
        check(&[950, 900, 900, 0, 0, 0, 0], UpgradeState::Active);
    }

    #[test]
    fn absence_is_never_assent() {
        // A window that is not full yet, in which everybody signals.
        let mut tally = Tally::default();
        tally.add(PayoutScript::p2wpkh(&[1; 20]), 1 << 2, Work::from_hashes(949));
        let states = UpgradeStates::default().after(&tally.weights(1), &TERMS);
        assert_eq!(states, UpgradeStates::default());
        let states = UpgradeStates::default().after(&Tally::default().weights(0), &TERMS);
        assert_eq!(states, UpgradeStates::default());
    }
}
