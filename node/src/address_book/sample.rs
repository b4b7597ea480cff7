//! Drawing from the book: for dials, for tests, and for a peer that asks.

use std::collections::BTreeMap;

use libp2p::PeerId;
use rand::{Rng, RngExt};

use super::{AddressBook, Entry, PeerRecord};
use crate::{netgroup::Netgroup, region::Region};

/// Records in one answer to a peer, also by the format. A longer list would let one question copy the book.
pub const EXCHANGE_MAX: usize = 16;

impl AddressBook {
    /// At most `count` suitable entries of different netgroups, drawn uniformly over the groups and then inside each.
    ///
    /// So ten thousand addresses in eight groups are drawn like eight, wherever in the book they are.
    pub fn sample(&self, count: usize, rng: &mut impl Rng, suits: impl Fn(&Entry) -> bool) -> Vec<&Entry> {
        let mut parties: BTreeMap<Party, Vec<&Entry>> = BTreeMap::new();
        for entry in self.entries.values().filter(|entry| suits(entry)) {
            parties.entry(self.party(entry)).or_default().push(entry);
        }
        let mut parties: Vec<Vec<&Entry>> = parties.into_values().collect();
        let count = count.min(parties.len());
        let mut drawn = Vec::with_capacity(count);
        for place in 0..count {
            let other = rng.random_range(place..parties.len());
            parties.swap(place, other);
            drawn.push(parties[place][rng.random_range(0..parties[place].len())]);
        }
        drawn
    }

    /// A suitable entry to find out about: the owner of a place that another one wants, else one that was never reached.
    pub fn probe(&self, rng: &mut impl Rng, suits: impl Fn(&Entry) -> bool) -> Option<&Entry> {
        let owners = self.challenges.keys().filter_map(|position| self.places.get(position));
        let tested = owners.filter_map(|owner| self.entries.get(owner)).find(|entry| suits(entry));
        tested.or_else(|| self.sample(1, rng, |entry| !entry.is_tried() && suits(entry)).pop())
    }

    /// What `asker` is told: reached nodes, first of the regions that it misses, at most [`EXCHANGE_MAX`].
    pub fn exchange(&self, asker: &PeerId, missing: &[Region], rng: &mut impl Rng) -> Vec<PeerRecord> {
        let is_told = |entry: &Entry| entry.is_tried() && entry.failures == 0 && entry.peer != *asker;
        let mut told: BTreeMap<PeerId, &Entry> = BTreeMap::new();
        let regions = Region::ALL.into_iter().filter(|region| missing.contains(region));
        let per_region = EXCHANGE_MAX.checked_div(regions.clone().count()).unwrap_or(0);
        for region in regions {
            let drawn = self.sample(per_region, rng, |entry| is_told(entry) && entry.region == Some(region));
            told.extend(drawn.into_iter().map(|entry| (entry.peer, entry)));
        }
        let rest =
            self.sample(EXCHANGE_MAX - told.len(), rng, |entry| is_told(entry) && !told.contains_key(&entry.peer));
        told.extend(rest.into_iter().map(|entry| (entry.peer, entry)));
        told.into_values().map(Entry::record).collect()
    }

    fn party(&self, entry: &Entry) -> Party {
        let ip = entry.endpoints.first().map(|endpoint| endpoint.ip);
        self.policy.group(ip).map_or(Party::One(entry.peer), Party::Group)
    }
}

impl Entry {
    /// What others are told of it.
    fn record(&self) -> PeerRecord {
        PeerRecord { peer: self.peer, addresses: self.addresses(), region: self.region, asn: self.asn }
    }
}

/// Who is drawn as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Party {
    Group(Netgroup),
    One(PeerId),
}
