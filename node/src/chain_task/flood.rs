//! How many shares by gossip are looked at, per peer and per payout script.
//!
//! The controller holds the network at about one share a second, whatever its speed; more than these come only from somebody
//! who mines cheap shares to be relayed by everybody (attack P3). What is over is ignored, and nobody is blamed for it: a relay
//! passes on what others found. A share that somebody builds on is fetched all the same.

use std::time::Instant;

use libp2p::PeerId;
use sharechain::PayoutScript;
use stratum::bucket::{Allowance, Buckets};

/// Shares of one peer: all that the network makes, and after a partition all that the other side made.
const PER_PEER: Allowance = Allowance { per_second: 40.0, burst: 2_048.0 };
/// Shares of one payout script: a miner that has just become faster finds some a second until it is measured.
const PER_SCRIPT: Allowance = Allowance { per_second: 8.0, burst: 256.0 };
/// Peers that are counted, and scripts.
const COUNTED_MAX: usize = 4_096;

/// See the module.
#[derive(Debug)]
pub(super) struct FloodGuard {
    peers: Buckets<PeerId>,
    scripts: Buckets<Vec<u8>>,
}

impl Default for FloodGuard {
    fn default() -> Self {
        Self { peers: Buckets::new(PER_PEER, COUNTED_MAX), scripts: Buckets::new(PER_SCRIPT, COUNTED_MAX) }
    }
}

impl FloodGuard {
    /// Whether one more share of this peer and this script is looked at.
    pub(super) fn admits(&mut self, peer: PeerId, script: &PayoutScript, now: Instant) -> bool {
        self.peers.take(peer, now) && self.scripts.take(script.as_bytes().to_vec(), now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sharechain::testing;

    use super::*;

    #[test]
    fn attack_p3_a_flood_of_one_script_is_cut_and_others_are_not() {
        let (mut guard, peer, now) = (FloodGuard::default(), PeerId::random(), Instant::now());
        let admitted = |guard: &mut FloodGuard, script, now| {
            (0..1_000).filter(|_| guard.admits(peer, &testing::script(script), now)).count()
        };
        assert_eq!(admitted(&mut guard, 1, now), 256);
        assert_eq!(admitted(&mut guard, 2, now), 256);
        assert_eq!(admitted(&mut guard, 1, now + Duration::from_secs(10)), 80);
    }

    #[test]
    fn attack_p3_a_flood_of_one_peer_is_cut_and_others_are_not() {
        let (mut guard, now) = (FloodGuard::default(), Instant::now());
        let admitted = |guard: &mut FloodGuard, peer, from: u64| {
            (from..from + 4_000).filter(|script| guard.admits(peer, &testing::script(*script), now)).count()
        };
        assert_eq!(admitted(&mut guard, PeerId::random(), 0), 2_048);
        assert_eq!(admitted(&mut guard, PeerId::random(), 10_000), 2_048);
    }
}
