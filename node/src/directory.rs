//! The directory: which nodes there are for miners, from the signed ads that nodes gossip. No coordinator.
//!
//! ```text
//! gossip --bytes--> Directory::on_ad(.., now) --> Accept (relay) | Ignore | Reject
//!                        |
//!                        +--> view(now) --> candidates(region, count)   for the API and `poolnode nearest`
//!                        +--> refuge(operator)                          for miners of a node that is too full
//! OwnAds::next(.., now) --> our ad, when it is due
//! ```
//! Pure: it never reads a clock, resolves a name, or opens a connection. It never holds the address of a miner, and
//! nothing here believes an ad: an ad only says whom to measure, and a node that follows none loses nothing.

use std::{
    collections::{BTreeMap, btree_map::Entry as MapEntry},
    net::IpAddr,
    sync::Arc,
};

use libp2p::PeerId;
use sharechain::{ParamsId, UnixTime};
use stratum::Refuge;

use crate::{netgroup::AddressPolicy, region::Region};

mod ad;
mod endpoint;
pub mod limits;
mod network_group;
mod own_ads;
pub mod places;
mod view;

pub use ad::{AdError, Country, NodeAd, Operator, PublicKey, SignedAd};
pub use endpoint::{AuthorityKey, Host, InvalidStratumUrl, StratumProtocol, StratumUrl};
pub use network_group::NetworkGroup;
pub use own_ads::{Offer, OwnAds, OwnNode};
pub use places::Place;
pub use view::{DirectoryView, ListedNode};

use limits::{
    AD_AHEAD_SECS_MAX, AD_INTERVAL_SECS_MIN, ADS_MAX, ADS_PER_SOURCE_HONEST, ADS_PER_SOURCE_MAX, NEARLY_FULL_PERCENT,
    SOURCE_WINDOW_SECS, SOURCES_MAX,
};

/// What becomes of a gossiped ad.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AdVerdict {
    /// Kept; relay it.
    Accept,
    /// Of no use here; nobody is to blame.
    Ignore,
    /// Of no use here, after more of them than anybody needs: the sender is to blame.
    Useless,
    /// Every relay could have seen that this is no ad: the sender is to blame.
    Reject(AdError),
}

/// A kept ad.
#[derive(Clone, Debug)]
struct Entry {
    signed: Arc<SignedAd>,
    peer_id: PeerId,
    first_seen: UnixTime,
    accepted: UnixTime,
}

/// See the module.
#[derive(Debug)]
pub struct Directory {
    params: ParamsId,
    /// Which hosts an ad may name. If a stranger's could name local ones, `poolnode nearest` would knock on doors in the
    /// reader's own network.
    hosts: AddressPolicy,
    entries: BTreeMap<PublicKey, Entry>,
    /// Ads that came from each peer since the beginning of the window.
    sources: BTreeMap<PeerId, u32>,
    window_since: UnixTime,
    /// Our own key, once we have announced: nobody else speaks for us.
    own: Option<PublicKey>,
}

impl Directory {
    /// An empty directory of the nodes of one share chain.
    pub fn new(params: ParamsId, hosts: AddressPolicy) -> Self {
        Self { params, hosts, entries: BTreeMap::new(), sources: BTreeMap::new(), window_since: 0, own: None }
    }

    /// Ads that are kept, expired ones included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes an ad that `source` sent. What is cheap is looked at first: the signature costs most.
    pub fn on_ad(&mut self, bytes: &[u8], source: PeerId, now: UnixTime) -> AdVerdict {
        match self.sent_by(source, now) {
            Some(..=ADS_PER_SOURCE_MAX) => {}
            Some(..=ADS_PER_SOURCE_HONEST) | None => return AdVerdict::Ignore,
            Some(_) => return AdVerdict::Useless,
        }
        let signed = match SignedAd::decode(bytes) {
            Ok(signed) => signed,
            Err(AdError::Version(_)) => return AdVerdict::Ignore,
            Err(error) => return AdVerdict::Reject(error),
        };
        if !self.is_of_use(&signed.ad, now) {
            return AdVerdict::Ignore;
        }
        if let Err(error) = signed.verify(self.params) {
            return AdVerdict::Reject(error);
        }
        if self.insert(signed, now) { AdVerdict::Accept } else { AdVerdict::Ignore }
    }

    /// Takes a record that `source` wants kept at `key` of the hash table, where `held` is kept now; until when it is.
    ///
    /// # Errors
    /// What else becomes of it; never [`AdVerdict::Accept`].
    pub fn on_record(
        &mut self,
        (key, bytes): (&[u8], &[u8]),
        held: Option<&[u8]>,
        source: PeerId,
        now: UnixTime,
    ) -> Result<UnixTime, AdVerdict> {
        match self.on_ad(bytes, source, now) {
            AdVerdict::Accept | AdVerdict::Ignore => {}
            refused @ (AdVerdict::Useless | AdVerdict::Reject(_)) => return Err(refused),
        }
        // What gossip has told already is no news, and kept here all the same.
        let known = SignedAd::decode(bytes).ok().filter(|offered| {
            let known = self.entries.get(&offered.ad.node).map(|known| &known.signed);
            known.is_some_and(|known| **known == *offered)
        });
        let offered = known.ok_or(AdVerdict::Ignore)?.ad;
        let held = held.and_then(|held| SignedAd::decode(held).ok());
        let fits = Place::of(&offered).key(self.params) == key
            && offered.expires() > now
            && places::replaces(&offered, held.as_ref(), now);
        if fits { Ok(offered.expires()) } else { Err(AdVerdict::Ignore) }
    }

    /// Puts our own ad into the directory: who asks this node should find it too.
    pub fn keep_own(&mut self, signed: SignedAd, now: UnixTime) {
        self.own = Some(signed.ad.node);
        self.insert(signed, now);
    }

    /// Forgets what has expired.
    pub fn expire(&mut self, now: UnixTime) {
        self.entries.retain(|_, entry| entry.signed.ad.expires() > now);
    }

    /// The nodes that hold now, those that are known longest first. `asn` says which AS an address belongs to, where
    /// that is known.
    pub fn view(&self, asn: impl Fn(IpAddr) -> Option<u32>, now: UnixTime) -> DirectoryView {
        let holding = self.entries.values().filter(|entry| entry.signed.ad.expires() > now);
        let mut nodes: Vec<ListedNode> = holding
            .map(|entry| ListedNode {
                peer_id: entry.peer_id,
                signed: entry.signed.clone(),
                first_seen: entry.first_seen,
                asn: network_group::addresses(&entry.signed.ad).find_map(&asn),
                is_own: self.own == Some(entry.signed.ad.node),
            })
            .collect();
        nodes.sort_by_key(|node| (node.first_seen, node.signed.ad.node));
        DirectoryView { nodes }
    }

    /// Where miners of a node of this operator that is too full can go: another of its nodes that has room, in the
    /// same region if there is one. Never another operator's: whoever could be sent there could be stolen.
    pub fn refuge(&self, operator: PublicKey, region: Option<Region>, now: UnixTime) -> Option<Refuge> {
        let of_operator = self.entries.values().map(|entry| &entry.signed.ad).filter(|ad| {
            ad.operator.is_some_and(|own| own.key == operator) && self.own != Some(ad.node) && ad.expires() > now
        });
        let with_room = of_operator.filter(|ad| ad.fill_percent() < NEARLY_FULL_PERCENT);
        let best = with_room
            .filter_map(|ad| Some((ad, ad.endpoints.iter().find(|endpoint| endpoint.protocol == StratumProtocol::V1)?)))
            .min_by_key(|(ad, _)| (ad.region != region, ad.fill_percent(), ad.node))?;
        let endpoint = best.1;
        Some(Refuge { host: endpoint.host.as_str().to_owned(), port: endpoint.port })
    }

    /// Counts an ad for who sent it: how many it sent in this window, unless there are too many senders to count.
    fn sent_by(&mut self, source: PeerId, now: UnixTime) -> Option<u32> {
        if now.abs_diff(self.window_since) >= SOURCE_WINDOW_SECS {
            self.window_since = now;
            self.sources.clear();
        }
        let has_room = self.sources.len() < SOURCES_MAX;
        let sent = match self.sources.entry(source) {
            MapEntry::Vacant(_) if !has_room => return None,
            MapEntry::Vacant(vacant) => vacant.insert(0),
            MapEntry::Occupied(occupied) => occupied.into_mut(),
        };
        *sent = sent.saturating_add(1);
        Some(*sent)
    }

    /// Whether an ad, if it is true, says something that we want to know.
    fn is_of_use(&self, ad: &NodeAd, now: UnixTime) -> bool {
        let holds = ad.expires() > now && ad.issued <= now.saturating_add(AD_AHEAD_SECS_MAX);
        let may_name =
            self.hosts == AddressPolicy::LocalToo || ad.endpoints.iter().all(|endpoint| endpoint.host.is_public());
        let is_news = self.entries.get(&ad.node).is_none_or(|known| {
            ad.issued > known.signed.ad.issued && now >= known.accepted.saturating_add(AD_INTERVAL_SECS_MIN)
        });
        holds && may_name && is_news && self.own != Some(ad.node)
    }

    /// Keeps an ad; false when there is no room for it.
    fn insert(&mut self, signed: SignedAd, now: UnixTime) -> bool {
        let Some(peer_id) = signed.ad.node.peer_id() else { return false };
        let first_seen = self.entries.get(&signed.ad.node).map(|known| known.first_seen);
        if first_seen.is_none() && self.entries.len() >= ADS_MAX {
            self.expire(now);
            if self.entries.len() >= ADS_MAX && !self.make_room(&signed.ad) {
                return false;
            }
        }
        let first_seen = first_seen.unwrap_or(now);
        let entry = Entry { peer_id, first_seen, accepted: now, signed: Arc::new(signed) };
        self.entries.insert(entry.signed.ad.node, entry);
        true
    }

    /// Forgets the newest node of the network that has most of them, if the newcomer's network has clearly fewer:
    /// who was there first stays, and a flood from one network displaces only itself.
    fn make_room(&mut self, newcomer: &NodeAd) -> bool {
        let mut networks: BTreeMap<NetworkGroup, usize> = BTreeMap::new();
        for entry in self.entries.values() {
            let count = networks.entry(NetworkGroup::main(&entry.signed.ad)).or_default();
            *count = count.saturating_add(1);
        }
        let own_count = networks.get(&NetworkGroup::main(newcomer)).copied().unwrap_or_default();
        let Some((largest, count)) = networks.into_iter().max_by_key(|(_, count)| *count) else { return false };
        if count <= own_count.saturating_add(1) {
            return false;
        }
        let members = self.entries.values().filter(|entry| NetworkGroup::main(&entry.signed.ad) == largest);
        let others = members.filter(|entry| self.own != Some(entry.signed.ad.node));
        let newest = others.max_by_key(|entry| (entry.first_seen, entry.signed.ad.node));
        let Some(newest) = newest.map(|entry| entry.signed.ad.node) else { return false };
        self.entries.remove(&newest);
        true
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
