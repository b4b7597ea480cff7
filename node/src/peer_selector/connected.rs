//! One connected peer: what was measured of it.

use std::{collections::VecDeque, time::Duration};

use libp2p::Multiaddr;

use super::{
    limits::LAGS_MAX,
    slot::{Place, RttClass, Slot, region_by_rtt},
};
use crate::{
    address_book::Millis,
    netgroup::{Netgroup, Subnet},
    region::Region,
};

/// Weight of a new round trip in the mean: a quarter.
const EWMA_SHIFT: u32 = 2;
/// Longest lag that is told apart.
const LAG_MAX: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub(super) struct ConnectedPeer {
    pub(super) slot: Slot,
    pub(super) address: Multiaddr,
    /// Whether this node dialled.
    pub(super) is_outbound: bool,
    /// `None` when limits do not hold.
    pub(super) group: Option<Netgroup>,
    /// `None` when limits do not hold.
    pub(super) subnet: Option<Subnet>,
    pub(super) place: Place,
    pub(super) since: Millis,
    pub(super) rtt: Option<Rtt>,
    /// Newest last.
    lags: VecDeque<Duration>,
    pub(super) first_deliveries: u64,
    /// When it last told something new.
    pub(super) news_at: Option<Millis>,
}

/// Round trips.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rtt {
    /// The shortest: what is left when no queue was in the way.
    pub(super) min: Duration,
    /// Exponentially weighted mean: how it is now.
    pub(super) mean: Duration,
}

impl ConnectedPeer {
    pub(super) const fn new(slot: Slot, address: Multiaddr, since: Millis) -> Self {
        Self {
            slot,
            address,
            is_outbound: false,
            group: None,
            subnet: None,
            place: Place { region: None, asn: None },
            since,
            rtt: None,
            lags: VecDeque::new(),
            first_deliveries: 0,
            news_at: None,
        }
    }

    pub(super) fn measured(&mut self, rtt: Duration) {
        self.rtt = Some(self.rtt.map_or(Rtt { min: rtt, mean: rtt }, |old| Rtt {
            min: old.min.min(rtt),
            mean: old.mean - old.mean / (1 << EWMA_SHIFT) + rtt / (1 << EWMA_SHIFT),
        }));
    }

    pub(super) fn delivered(&mut self, lag: Duration, now: Millis) {
        self.news_at = Some(now);
        self.first_deliveries += u64::from(lag.is_zero());
        if self.lags.len() >= LAGS_MAX {
            self.lags.pop_front();
        }
        self.lags.push_back(lag.min(LAG_MAX));
    }

    pub(super) fn lags(&self) -> usize {
        self.lags.len()
    }

    /// The lag that nine of ten deliveries stay below.
    pub(super) fn lag_p90(&self) -> Option<Duration> {
        let mut lags: Vec<Duration> = self.lags.iter().copied().collect();
        lags.sort_unstable();
        lags.get(lags.len() * 9 / 10).copied()
    }

    pub(super) fn class(&self) -> Option<RttClass> {
        self.rtt.map(|rtt| RttClass::of(rtt.min))
    }

    pub(super) fn region(&self, own: Option<Region>) -> Option<Region> {
        region_by_rtt(own, self.place.region.map(|(region, _)| region), self.class())
    }

    pub(super) const fn tenure(&self, now: Millis) -> Millis {
        now.saturating_sub(self.since)
    }

    pub(super) fn is_pinned_outbound(&self) -> bool {
        self.slot == Slot::Pinned && self.is_outbound
    }

    /// Whether it told something new within the last `span`.
    pub(super) fn has_news(&self, span: Millis, now: Millis) -> bool {
        self.news_at.is_some_and(|then| now.saturating_sub(then) < span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer() -> ConnectedPeer {
        ConnectedPeer::new(Slot::Near, Multiaddr::empty(), 0)
    }

    #[test]
    fn a_queue_moves_the_mean_and_not_the_shortest() {
        let mut peer = peer();
        assert_eq!(peer.class(), None);
        for millis in [20, 100, 100] {
            peer.measured(Duration::from_millis(millis));
        }
        let rtt = peer.rtt.unwrap();
        assert_eq!((rtt.min, rtt.mean), (Duration::from_millis(20), Duration::from_millis(55)));
        assert_eq!(peer.class(), Some(RttClass::Near));
    }

    #[test]
    fn nine_of_ten_deliveries_are_sooner_and_old_ones_are_forgotten() {
        let mut peer = peer();
        assert_eq!(peer.lag_p90(), None);
        for millis in 0..100 {
            peer.delivered(Duration::from_millis(millis), 0);
        }
        assert_eq!((peer.lag_p90(), peer.first_deliveries), (Some(Duration::from_millis(90)), 1));
        for _ in 0..LAGS_MAX + 10 {
            peer.delivered(Duration::from_secs(1_000), 5);
        }
        assert_eq!((peer.lags(), peer.lag_p90()), (LAGS_MAX, Some(LAG_MAX)));
        assert!(peer.has_news(1, 5) && !peer.has_news(10, 15));
    }
}
