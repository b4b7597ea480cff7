//! What peers did wrong, and when it is enough.
//!
//! A fault that can be proven from what the sender itself sent or did bans it at once. What an honest node that is behind may do
//! too costs points which are forgiven with time. Nothing here blames anybody for what others made (attack P5): a share that is
//! wrong in its context passed every relay in good faith; nor for silence, which may be a cut line: a sync asks others, and a
//! connection whose pings are not answered is closed.

use std::{collections::BTreeMap, time::Instant};

use libp2p::PeerId;
use sharechain::UnixTime;
use stratum::bucket::{Allowance, Buckets};

use super::bans::Banned;

/// Shares by gossip of one peer, whatever becomes of them. The network finds about one in a second, and each that a relay
/// passes on has an eighth of the work of such a one at least: to be honest, a peer that sends more than this would need fifty
/// times the hash rate of the whole network behind it (attack P7).
const GOSSIPED: Allowance = Allowance { per_second: 400.0, burst: 4_096.0 };
/// Peers whose shares are counted.
const COUNTED_MAX: usize = 1_024;

/// Points with which a peer is banned.
const POINTS_MAX: u64 = 100;
/// A point is forgiven in this time, seconds.
const FORGIVEN_SECS: u64 = 6;
/// Peers and addresses whose points are remembered. Identities are free: beyond it the lowest scores go.
const SCORES_MAX: usize = 4_096;

/// What a peer did wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    /// A share that breaks a rule which every relay checks.
    #[error("sent an invalid share ({rule})")]
    InvalidShare {
        /// The rule's name.
        rule: &'static str,
    },
    /// Bytes that are no message of the protocol.
    #[error("sent bytes that are no message")]
    Malformed,
    /// An answer to something that was not asked.
    #[error("answered something else than it was asked")]
    WrongAnswer,
    /// A record of a node, or an ad, that is malformed or that its node did not sign.
    #[error("sent a record that is none, or that its node did not sign")]
    Forged,
    /// More requests than anybody needs.
    #[error("asks too often")]
    TooManyRequests,
    /// More shares than the network makes.
    #[error("sends shares that nobody needs")]
    UselessShares,
    /// More ads than there are nodes to speak of.
    #[error("sends ads that nobody needs")]
    UselessAds,
}

/// What a fault costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Penalty {
    /// The connection and a ban.
    Ban,
    /// Points.
    Points(u64),
}

impl Fault {
    /// What it costs. Without a wildcard, so that no fault is forgotten (attack P6).
    pub(super) const fn penalty(self) -> Penalty {
        match self {
            Self::InvalidShare { .. } | Self::Malformed | Self::WrongAnswer | Self::Forged | Self::TooManyRequests => {
                Penalty::Ban
            }
            // A node that is behind sends some too, for as long as it takes to hear of our tip.
            Self::UselessShares | Self::UselessAds => Penalty::Points(1),
        }
    }
}

/// How many shares each peer sends by gossip. They are counted as they are read, before anything is known about them: the
/// gossip layer remembers the id of each, so what counts is how many there are.
#[derive(Debug)]
pub(super) struct GossipCount {
    peers: Buckets<PeerId>,
}

impl Default for GossipCount {
    fn default() -> Self {
        Self { peers: Buckets::new(GOSSIPED, COUNTED_MAX) }
    }
}

impl GossipCount {
    /// Counts one; the fault when it is one more than any network makes.
    pub(super) fn one(&mut self, peer: PeerId, now: Instant) -> Option<Fault> {
        (!self.peers.take(peer, now)).then_some(Fault::UselessShares)
    }
}

#[derive(Clone, Copy, Debug)]
struct Score {
    points: u64,
    since: UnixTime,
}

impl Score {
    const fn at(self, now: UnixTime) -> u64 {
        self.points.saturating_sub(now.saturating_sub(self.since) / FORGIVEN_SECS)
    }
}

/// Points of peers, also of those that left: coming back must not be a pardon.
#[derive(Debug, Default)]
pub(super) struct Scores {
    scores: BTreeMap<Banned, Score>,
}

impl Scores {
    /// Counts a fault; true when it is enough for a ban, which starts from zero again.
    pub(super) fn on_fault(&mut self, subject: Banned, fault: Fault, now: UnixTime) -> bool {
        let points = match fault.penalty() {
            Penalty::Ban => POINTS_MAX,
            Penalty::Points(points) => points,
        };
        let points = self.points(&subject, now).saturating_add(points);
        if points >= POINTS_MAX {
            self.scores.remove(&subject);
            return true;
        }
        self.scores.insert(subject, Score { points, since: now });
        self.bound(now);
        false
    }

    /// Points now.
    pub(super) fn points(&self, subject: &Banned, now: UnixTime) -> u64 {
        self.scores.get(subject).map_or(0, |score| score.at(now))
    }

    fn bound(&mut self, now: UnixTime) {
        if self.scores.len() <= SCORES_MAX {
            return;
        }
        self.scores.retain(|_, score| score.at(now) > 0);
        while self.scores.len() > SCORES_MAX {
            let lowest = self.scores.iter().min_by_key(|(_, score)| score.at(now)).map(|(subject, _)| *subject);
            lowest.and_then(|lowest| self.scores.remove(&lowest));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    const NOW: UnixTime = 1_900_000_000;

    fn somebody(number: u32) -> Banned {
        Banned::Address(IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 + number)).into())
    }

    #[test]
    fn attack_p6_every_fault_has_its_penalty() {
        let table = [
            (Fault::InvalidShare { rule: "pow" }, Penalty::Ban),
            (Fault::Malformed, Penalty::Ban),
            (Fault::WrongAnswer, Penalty::Ban),
            (Fault::Forged, Penalty::Ban),
            (Fault::TooManyRequests, Penalty::Ban),
            (Fault::UselessShares, Penalty::Points(1)),
            (Fault::UselessAds, Penalty::Points(1)),
        ];
        for (fault, penalty) in table {
            assert_eq!(fault.penalty(), penalty, "{fault}");
            let is_banned = Scores::default().on_fault(somebody(1), fault, NOW);
            assert_eq!(is_banned, penalty == Penalty::Ban, "{fault}");
        }
    }

    #[test]
    fn points_add_up_and_are_forgiven() {
        let mut scores = Scores::default();
        let useless = |scores: &mut Scores, times, now| {
            (0..times)
                .map(|_| scores.on_fault(somebody(1), Fault::UselessShares, now))
                .filter(|is_banned| *is_banned)
                .count()
        };
        assert_eq!(useless(&mut scores, 90, NOW), 0);
        assert_eq!((scores.points(&somebody(1), NOW), scores.points(&somebody(2), NOW)), (90, 0));
        let later = NOW + 60 * FORGIVEN_SECS;
        assert_eq!(scores.points(&somebody(1), later), 30);
        assert_eq!(useless(&mut scores, 69, later), 0);
        assert_eq!(useless(&mut scores, 1, later), 1, "a hundred");
        assert_eq!(scores.points(&somebody(1), later), 0, "after the ban it begins anew");
    }

    #[test]
    fn attack_p7_who_sends_more_shares_than_any_network_makes_is_to_blame() {
        let (mut count, honest, now) = (GossipCount::default(), PeerId::random(), Instant::now());
        for second in 0..100 {
            let now = now + std::time::Duration::from_secs(second);
            assert!((0..400).all(|_| count.one(honest, now).is_none()), "fifty times the network's hash rate");
        }
        let hostile = PeerId::random();
        let faults: Vec<Fault> = (0..5_000).filter_map(|_| count.one(hostile, now)).collect();
        assert_eq!(faults, vec![Fault::UselessShares; 5_000 - 4_096]);
    }

    #[test]
    fn a_flood_of_identities_does_not_grow_it_and_the_worst_stay() {
        let mut scores = Scores::default();
        for _ in 0..50 {
            scores.on_fault(somebody(0), Fault::UselessShares, NOW);
        }
        for number in 1..2 * u32::try_from(SCORES_MAX).unwrap() {
            scores.on_fault(somebody(number), Fault::UselessShares, NOW);
        }
        assert_eq!(scores.scores.len(), SCORES_MAX);
        assert_eq!(scores.points(&somebody(0), NOW), 50);
    }
}
