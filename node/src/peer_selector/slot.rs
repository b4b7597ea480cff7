//! What a connection is for, and where its peer seems to be.

use std::time::Duration;

use super::limits::{RTT_MID_MAX, RTT_NEAR_MAX};
use crate::region::{Region, RegionSource};

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// Outbound, chosen because it answers fast.
    Near,
    /// Outbound, chosen because it is in another region.
    Far,
    /// Outbound, chosen by chance.
    Random,
    /// Outbound, to find out whether it exists and how fast it answers.
    Feeler,
    /// Outbound, opened by something else than the selector.
    Unasked,
    /// The peer dialled.
    Inbound,
    /// The operator's own: never dropped, never counted.
    Pinned,
}

impl Slot {
    /// Its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Near => "near",
            Self::Far => "far",
            Self::Random => "random",
            Self::Feeler => "feeler",
            Self::Unasked => "visit",
            Self::Inbound => "inbound",
            Self::Pinned => "configured",
        }
    }

    /// Whether it is one of the outbound slots that are held for long.
    pub const fn is_held(self) -> bool {
        matches!(self, Self::Near | Self::Far | Self::Random)
    }
}

/// How far a peer is by its round trips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RttClass {
    /// Below 40 ms.
    Near,
    /// Below 120 ms.
    Mid,
    /// The rest.
    Far,
}

impl RttClass {
    /// The class of a shortest round trip.
    pub fn of(rtt_min: Duration) -> Self {
        if rtt_min < RTT_NEAR_MAX {
            Self::Near
        } else if rtt_min < RTT_MID_MAX {
            Self::Mid
        } else {
            Self::Far
        }
    }
}

/// Where a peer seems to be before anything was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Its region, and who says so.
    pub region: Option<(Region, RegionSource)>,
    /// Its autonomous system, by a database.
    pub asn: Option<u32>,
}

impl Place {
    /// Takes over what is known better now.
    pub(super) fn learn(&mut self, other: Self) {
        self.asn = other.asn.or(self.asn);
        if other.region.map(|(_, source)| source) >= self.region.map(|(_, source)| source) {
            self.region = other.region;
        }
    }
}

/// The region that a peer counts for: measured round trips overrule what is said of it.
pub(super) fn region_by_rtt(own: Option<Region>, said: Option<Region>, class: Option<RttClass>) -> Option<Region> {
    match class {
        // Wherever it says it is, it is next to us.
        Some(RttClass::Near) => own,
        Some(RttClass::Far) if said == own => None,
        Some(RttClass::Mid | RttClass::Far) | None => said,
    }
}

/// Why a connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropReason {
    /// A visit is over.
    VisitOver,
    /// Too many outbound peers of its netgroup or autonomous system.
    OutboundDiversity,
    /// Too many inbound peers of its subnet.
    InboundSubnet,
    /// All inbound slots are taken by peers that deserve them more.
    InboundFull,
    /// It made room for another inbound peer.
    Evicted,
    /// It made room for a peer that may deliver sooner, or fit its slot better.
    Rotated,
    /// Too many connections that the selector did not ask for.
    Unasked,
    /// The operator said so.
    Ordered,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_overrule_what_is_said() {
        let (eu, sa) = (Some(Region::Eu), Some(Region::Sa));
        let class = |millis| Some(RttClass::of(Duration::from_millis(millis)));
        assert_eq!(region_by_rtt(eu, sa, class(12)), eu, "12 ms is not across an ocean");
        assert_eq!(region_by_rtt(eu, sa, class(40)), sa);
        assert_eq!(region_by_rtt(eu, eu, class(119)), eu, "a slow neighbour");
        assert_eq!(region_by_rtt(eu, eu, class(120)), None, "nobody in our region takes that long");
        assert_eq!(region_by_rtt(eu, sa, None), sa, "not measured yet");
        assert_eq!(region_by_rtt(None, None, class(12)), None);
    }

    #[test]
    fn a_better_hint_stays() {
        let hint = |region, source| Place { region: Some((region, source)), asn: None };
        let mut place = Place { region: None, asn: Some(7) };
        place.learn(hint(Region::Af, RegionSource::Claim));
        place.learn(hint(Region::Eu, RegionSource::Database));
        place.learn(hint(Region::Sa, RegionSource::Claim));
        assert_eq!(place, Place { asn: Some(7), ..hint(Region::Eu, RegionSource::Database) });
        place.learn(hint(Region::As, RegionSource::Database));
        assert_eq!(place.region, Some((Region::As, RegionSource::Database)), "the newer of two that are as good");
    }
}
