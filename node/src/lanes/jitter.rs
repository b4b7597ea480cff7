//! When a node may move for profit: every node at moments of its own, so that no chain sees a pool move at once.

use serde::{Deserialize, Serialize};
use sharechain::UnixTime;

use super::limits::{JITTER_SECS_MAX, TICK_SECS};

/// The moments of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// Drawn once, at the start of a node.
    pub seed: u64,
    /// Seconds between two ticks.
    pub tick_secs: u64,
    /// Seconds over which the moments of different nodes are spread; 0 only where one node is alone.
    pub jitter_secs: u64,
}

impl Schedule {
    /// The usual times with this seed.
    pub const fn seeded(seed: u64) -> Self {
        Self { seed, tick_secs: TICK_SECS, jitter_secs: JITTER_SECS_MAX }
    }

    /// Seconds by which moment number `number` comes later than it is due, 0 to `jitter_secs`.
    pub const fn offset_secs(&self, number: u64) -> u64 {
        mix(self.seed ^ mix(number)) % self.jitter_secs.saturating_add(1)
    }

    /// The first moment after `now`: one in every `tick_secs + jitter_secs`, and never two within `tick_secs`.
    pub fn next_move(&self, now: UnixTime) -> UnixTime {
        let period = self.tick_secs.saturating_add(self.jitter_secs).max(1);
        let moment = |number: u64| number.saturating_mul(period).saturating_add(self.offset_secs(number));
        let this = moment(now / period);
        if this > now { this } else { moment((now / period).saturating_add(1)) }
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self::seeded(0)
    }
}

/// The finisher of splitmix64: every bit of the input changes every bit of the output.
pub(super) const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};

    use super::*;

    proptest! {
        #[test]
        fn invariant_moments_lie_ahead_and_apart(seed in any::<u64>(), now in 0..4_000_000_000_u64) {
            let schedule = Schedule::seeded(seed);
            let first = schedule.next_move(now);
            prop_assert!(first > now && first - now <= TICK_SECS + 2 * JITTER_SECS_MAX);
            let second = schedule.next_move(first);
            prop_assert!(second - first >= TICK_SECS);
        }
    }

    #[test]
    fn nodes_do_not_move_together() {
        let mut nodes_at = std::collections::BTreeMap::<u64, u32>::new();
        for seed in 0..1_210 {
            *nodes_at.entry(Schedule::seeded(seed).offset_secs(7)).or_default() += 1;
        }
        assert_eq!(nodes_at.len(), 121, "every second is some node's");
        assert!(nodes_at.values().all(|nodes| *nodes < 30), "ten are expected: {nodes_at:?}");
    }

    #[test]
    fn a_node_alone_moves_at_every_tick_and_the_end_of_time_does_not_panic() {
        let alone = Schedule { seed: 3, tick_secs: 1, jitter_secs: 0 };
        assert_eq!([7, 8, 9].map(|now| alone.next_move(now)), [8, 9, 10]);
        assert_eq!(Schedule::seeded(1).next_move(u64::MAX), u64::MAX);
        let absurd = Schedule { seed: 1, tick_secs: 0, jitter_secs: u64::MAX };
        assert!(absurd.next_move(0) > 0);
    }
}
