//! Peers that provably broke the protocol, kept away for a while.
//!
//! The list only remembers who and since when; the caller blocks and unblocks.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use libp2p::PeerId;

/// How long a peer stays away.
pub(super) const BLAMED_FOR: Duration = Duration::from_secs(600);

/// Peers kept away at once: identities are free, and a flood of them must not fill the memory.
const BLAMED_MAX: usize = 1_024;

/// Who is kept away, since when.
#[derive(Debug, Default)]
pub(super) struct BlameList {
    since: BTreeMap<PeerId, Instant>,
}

impl BlameList {
    /// Remembers a peer; false when the list is full.
    pub(super) fn add(&mut self, peer: PeerId, now: Instant) -> bool {
        if self.since.len() >= BLAMED_MAX && !self.since.contains_key(&peer) {
            return false;
        }
        self.since.insert(peer, now);
        true
    }

    /// Whether a peer is kept away.
    pub(super) fn contains(&self, peer: &PeerId) -> bool {
        self.since.contains_key(peer)
    }

    /// Takes out the peers whose time is over.
    pub(super) fn take_forgiven(&mut self, now: Instant) -> Vec<PeerId> {
        let mut forgiven = Vec::new();
        self.since.retain(|peer, since| {
            let stays = now.saturating_duration_since(*since) < BLAMED_FOR;
            if !stays {
                forgiven.push(*peer);
            }
            stays
        });
        forgiven
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_forgiven_when_its_time_is_over_and_not_before() {
        let (mut list, now, peer) = (BlameList::default(), Instant::now(), PeerId::random());
        assert!(list.add(peer, now));
        assert_eq!(list.take_forgiven(now + BLAMED_FOR - Duration::from_secs(1)), []);
        assert_eq!(list.take_forgiven(now + BLAMED_FOR), [peer]);
        assert_eq!(list.take_forgiven(now + BLAMED_FOR), []);
    }

    #[test]
    fn a_flood_of_identities_does_not_grow_it() {
        let (mut list, now, first) = (BlameList::default(), Instant::now(), PeerId::random());
        assert!(list.add(first, now));
        assert_eq!((1..BLAMED_MAX + 50).filter(|_| list.add(PeerId::random(), now)).count(), BLAMED_MAX - 1);
        assert!(list.add(first, now), "who is on it stays on it");
    }
}
