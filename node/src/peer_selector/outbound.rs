//! Which node is dialled for a slot.
//!
//! A slot without a candidate of its kind takes any, so that a small network is fully connected; it is given to a fitting
//! one later. Nothing here trusts a claim for more than an order of preference.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rand::{Rng, RngExt};

use super::{
    PeerSelector,
    limits::{
        FAR_SAMPLE, NEAR_SAMPLE, OUTBOUND_PER_ASN_MAX, OUTBOUND_PER_GROUP_MAX, RTT_FLOOR, RTT_MID_MAX, RTT_NEAR_MAX,
        RTT_WEIGHT_OFFSET,
    },
    slot::{RttClass, Slot, region_by_rtt},
};
use crate::{
    address_book::{AddressBook, Entry, Millis},
    netgroup::Netgroup,
    region::Region,
};

/// What the outbound slots, taken or being dialled, already have.
#[derive(Debug, Default)]
pub(super) struct Taken {
    groups: BTreeMap<Netgroup, usize>,
    asns: BTreeMap<u32, usize>,
    far_regions: BTreeSet<Region>,
}

impl Taken {
    pub(super) fn add(&mut self, group: Option<Netgroup>, asn: Option<u32>) {
        if let Some(group) = group {
            *self.groups.entry(group).or_default() += 1;
        }
        if let Some(asn) = asn {
            *self.asns.entry(asn).or_default() += 1;
        }
    }

    pub(super) fn add_far(&mut self, region: Option<Region>) {
        self.far_regions.extend(region);
    }

    pub(super) fn has_far(&self, region: Region) -> bool {
        self.far_regions.contains(&region)
    }

    /// Whether one more would still be diverse enough.
    pub(super) fn allows(&self, group: Option<Netgroup>, asn: Option<u32>) -> bool {
        let in_group = group.and_then(|group| self.groups.get(&group)).copied().unwrap_or(0);
        let in_asn = asn.and_then(|asn| self.asns.get(&asn)).copied().unwrap_or(0);
        in_group < OUTBOUND_PER_GROUP_MAX && in_asn < OUTBOUND_PER_ASN_MAX
    }
}

impl PeerSelector {
    /// The entry to dial for a slot.
    pub(super) fn candidate<'a>(
        &self,
        slot: Slot,
        now: Millis,
        book: &'a AddressBook,
        rng: &mut impl Rng,
    ) -> Option<&'a Entry> {
        let taken = self.taken();
        let may = |entry: &Entry| self.may_dial(entry, &taken, now, book);
        match slot {
            Slot::Feeler => book.probe(rng, |entry| self.is_free(entry, now)),
            Slot::Random => book.sample(1, rng, |entry| entry.is_tried() && may(entry)).pop(),
            Slot::Near | Slot::Far => self.fitting(slot, now, book, rng),
            Slot::Unasked | Slot::Inbound | Slot::Pinned => return None,
        }
        .or_else(|| match slot {
            Slot::Random => book.sample(1, rng, may).pop(),
            // The nearest of a few, or the farthest kind there is.
            Slot::Near => draw_near(book.sample(NEAR_SAMPLE, rng, may), rng),
            Slot::Far => {
                let elsewhere = book.sample(1, rng, |entry| may(entry) && !self.seems_near(entry)).pop();
                elsewhere.or_else(|| book.sample(1, rng, may).pop())
            }
            Slot::Feeler | Slot::Unasked | Slot::Inbound | Slot::Pinned => None,
        })
    }

    /// An entry that is what a near or far slot is for.
    pub(super) fn fitting<'a>(
        &self,
        slot: Slot,
        now: Millis,
        book: &'a AddressBook,
        rng: &mut impl Rng,
    ) -> Option<&'a Entry> {
        let taken = self.taken();
        let may = |entry: &Entry| self.may_dial(entry, &taken, now, book);
        if slot == Slot::Near {
            return draw_near(book.sample(NEAR_SAMPLE, rng, |entry| may(entry) && self.seems_near(entry)), rng);
        }
        let region = |entry: &Entry| self.far_region(entry).filter(|region| !taken.far_regions.contains(region));
        let regions: BTreeSet<Region> = book.entries().filter(|entry| may(entry)).filter_map(region).collect();
        let wanted = regions.iter().nth(rng.random_range(0..regions.len().max(1))).copied()?;
        let drawn = book.sample(FAR_SAMPLE, rng, |entry| may(entry) && region(entry) == Some(wanted));
        drawn.into_iter().min_by_key(|entry| entry.rtt_min.unwrap_or(RTT_MID_MAX))
    }

    /// What the slots have; of the peers that are held or dialled to be held.
    pub(super) fn taken(&self) -> Taken {
        let mut taken = Taken::default();
        for peer in self.peers.values().filter(|peer| peer.slot.is_held()) {
            taken.add(peer.group, peer.place.asn);
            if peer.slot == Slot::Far {
                taken.add_far(peer.region(self.own_region));
            }
        }
        for dial in self.dials.values().filter(|dial| dial.slot.is_held()) {
            taken.add(dial.group, dial.asn);
            if dial.slot == Slot::Far {
                taken.add_far(dial.region);
            }
        }
        taken
    }

    fn may_dial(&self, entry: &Entry, taken: &Taken, now: Millis, book: &AddressBook) -> bool {
        let ip = entry.endpoints.first().map(|endpoint| endpoint.ip);
        let is_visiting = self.slot(&entry.peer) == Some(Slot::Unasked);
        taken.allows(book.policy().group(ip), entry.asn) && (is_visiting || self.is_free(entry, now))
    }

    fn is_free(&self, entry: &Entry, now: Millis) -> bool {
        entry.is_due(now)
            && entry.peer != self.own
            && !self.peers.contains_key(&entry.peer)
            && !self.dials.contains_key(&entry.peer)
    }

    fn seems_near(&self, entry: &Entry) -> bool {
        let in_own_region = self.own_region.is_some() && entry.region == self.own_region;
        entry.rtt_min.map_or(in_own_region, |rtt| RttClass::of(rtt) == RttClass::Near)
    }

    /// The other region that an entry seems to be in.
    pub(super) fn far_region(&self, entry: &Entry) -> Option<Region> {
        let class = entry.rtt_min.map(RttClass::of);
        region_by_rtt(self.own_region, entry.region, class)
            .filter(|region| Some(*region) != self.own_region && class != Some(RttClass::Near))
    }
}

/// One of them, the faster the likelier.
fn draw_near<'a>(drawn: Vec<&'a Entry>, rng: &mut impl Rng) -> Option<&'a Entry> {
    let weights: Vec<u64> = drawn.iter().map(|entry| weight(entry.rtt_min)).collect();
    let mut left = rng.random_range(0..weights.iter().sum::<u64>().max(1));
    drawn.into_iter().zip(weights).find_map(|(entry, weight)| match left.checked_sub(weight) {
        Some(rest) => {
            left = rest;
            None
        }
        None => Some(entry),
    })
}

/// 1 / (round trip + 10 ms), in parts of a million; who was not measured is at the edge of near.
fn weight(rtt_min: Option<Duration>) -> u64 {
    let rtt = rtt_min.unwrap_or(RTT_NEAR_MAX).max(RTT_FLOOR) + RTT_WEIGHT_OFFSET;
    1_000_000_000 / u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faster_weighs_more_but_next_door_no_more_than_the_same_town() {
        let of = |millis| weight(Some(Duration::from_millis(millis)));
        assert_eq!([of(20), of(40), of(90)], [33_333, 20_000, 10_000]);
        assert_eq!(of(0), of(20));
        assert_eq!(weight(None), of(40));
    }
}
