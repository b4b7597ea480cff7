//! How many outbound peers are held, and of which kind: what an operator decides of the selection.

use std::{fmt, str::FromStr};

use super::{
    limits::{FAR_SLOTS, FEELER_SLOTS, NEAR_SLOTS, OUTBOUND_SLOTS, OUTBOUND_SLOTS_MIN, RANDOM_SLOTS},
    slot::Slot,
};

/// How outbound peers are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// By round trips and regions, and some by chance.
    #[default]
    Latency,
    /// All by chance: shares take longer, but nobody gets a slot by being close, and the peers do not tell where the node is.
    Random,
}

/// No such selection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown selection {0:?}; known are latency and random")]
pub struct UnknownSelection(String);

/// Outbound slots by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    near: usize,
    far: usize,
    random: usize,
}

impl Quotas {
    /// Slots for this many outbound peers, at least [`OUTBOUND_SLOTS_MIN`], in the proportions of the default.
    pub fn new(outbound_max: usize, selection: Selection) -> Self {
        let held = outbound_max.max(OUTBOUND_SLOTS_MIN) - FEELER_SLOTS;
        if selection == Selection::Random {
            return Self { near: 0, far: 0, random: held };
        }
        let held_by_default = OUTBOUND_SLOTS - FEELER_SLOTS;
        // To the nearest whole number; none of the kinds may go, or the network falls apart or can be surrounded.
        let part = |slots: usize| ((2 * held * slots + held_by_default) / (2 * held_by_default)).max(1);
        let (far, random) = (part(FAR_SLOTS), part(RANDOM_SLOTS));
        Self { near: held - far - random, far, random }
    }

    /// How many of a kind the selector fills.
    pub(super) const fn of(self, slot: Slot) -> usize {
        match slot {
            Slot::Near => self.near,
            Slot::Far => self.far,
            Slot::Random => self.random,
            Slot::Feeler => FEELER_SLOTS,
            Slot::Unasked | Slot::Inbound | Slot::Pinned => 0,
        }
    }

    /// All of them.
    pub const fn total(self) -> usize {
        self.near + self.far + self.random + FEELER_SLOTS
    }
}

impl Default for Quotas {
    fn default() -> Self {
        Self { near: NEAR_SLOTS, far: FAR_SLOTS, random: RANDOM_SLOTS }
    }
}

impl FromStr for Selection {
    type Err = UnknownSelection;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "latency" => Ok(Self::Latency),
            "random" => Ok(Self::Random),
            _ => Err(UnknownSelection(text.to_owned())),
        }
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Latency => "latency",
            Self::Random => "random",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_slots_keep_the_proportions_and_every_kind() {
        let of = |outbound_max| {
            let quotas = Quotas::new(outbound_max, Selection::Latency);
            assert_eq!(quotas.total(), outbound_max);
            [Slot::Near, Slot::Far, Slot::Random, Slot::Feeler].map(|slot| quotas.of(slot))
        };
        assert_eq!([4, 5, 6, 8].map(of), [[1, 1, 1, 1], [2, 1, 1, 1], [2, 2, 1, 1], [3, 3, 1, 1]]);
        assert_eq!(Quotas::new(OUTBOUND_SLOTS, Selection::Latency), Quotas::default());
    }

    #[test]
    fn a_random_selection_has_random_slots_and_a_feeler_only() {
        let quotas = Quotas::new(12, "random".parse().unwrap());
        assert_eq!([Slot::Near, Slot::Far, Slot::Random, Slot::Feeler].map(|slot| quotas.of(slot)), [0, 0, 11, 1]);
        assert_eq!("nearest".parse::<Selection>(), Err(UnknownSelection("nearest".to_owned())));
        assert_eq!(
            [Selection::Latency, Selection::Random].map(|it| it.to_string().parse()),
            [Ok(Selection::Latency), Ok(Selection::Random)]
        );
    }
}
