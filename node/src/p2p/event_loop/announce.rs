//! Ads of nodes by gossip and in the hash table: those of others into the directory, and ours out when it is due.

use std::time::{Duration, Instant};

use futures::StreamExt;
use libp2p::{
    PeerId,
    gossipsub::PublishError,
    kad::{PeerRecord, PutRecordResult, QueryId, Quorum, Record, RecordKey, store::RecordStore},
};
use sharechain::UnixTime;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::{super::GossipTicket, Network};
use crate::{
    clock::unix_now,
    directory::{NodeAd, Place, places::PLACES_PER_REGION},
    region::Region,
};

/// Time for the last ad to leave. A node that stops has five seconds for everything.
const FAREWELL_TIME: Duration = Duration::from_millis(250);

/// Our ad on its way into the hash table. A node says it first when it has hardly met anybody, so it is tried until somebody
/// keeps it.
#[derive(Debug, Default)]
pub(super) struct Placing {
    ad: Option<(NodeAd, Vec<u8>)>,
    asked: Option<QueryId>,
}

impl Network {
    pub(super) fn on_ad(&mut self, bytes: &[u8], ticket: &GossipTicket) {
        let (acceptance, fault) = self.config.nodes.on_ad(bytes, ticket.source, unix_now());
        self.report(ticket, acceptance);
        // Every relay checks an ad before it sends it on, so the sender is at fault and nobody else.
        if let Some(fault) = fault {
            self.on_fault(ticket.source, fault);
        }
    }

    /// A peer that was asked tells of an ad; it was checked by who told it, as with gossip.
    pub(super) fn on_told_ad(&mut self, teller: PeerId, bytes: &[u8]) {
        if let (_, Some(fault)) = self.config.nodes.on_ad(bytes, teller, unix_now()) {
            self.on_fault(teller, fault);
        }
    }

    /// Says where we are, when it is time, and lets others see the directory.
    pub(super) fn announce(&mut self) {
        let now = unix_now();
        let addresses = self.listen.iter().chain(self.swarm.external_addresses());
        if let Some((bytes, ad)) = self.config.nodes.due(addresses, now) {
            match self.swarm.behaviour_mut().gossip.publish(self.nodes_topic.clone(), bytes.clone()) {
                Ok(_) => {
                    self.placing.ad = Some((ad.clone(), bytes));
                    self.config.nodes.announced(ad);
                }
                // It stays due until somebody hears it.
                Err(PublishError::NoPeersSubscribedToTopic) => debug!("nobody is there to hear of this node"),
                Err(cause) => warn!(%cause, "this node could not be announced; it is tried again"),
            }
        }
        self.place_ad(now);
        let geo = self.config.geo.borrow().clone();
        self.config.nodes.publish(|address| geo.registration(address).asn, now);
    }

    /// Lays our ad into its place in the hash table.
    fn place_ad(&mut self, now: UnixTime) {
        let Some((ad, bytes)) = self.placing.ad.as_ref().filter(|_| self.placing.asked.is_none()) else { return };
        if !self.config.p2p.discovery {
            return;
        }
        let mut record = Record::new(Place::of(ad).key(self.config.params.id()).to_vec(), bytes.clone());
        record.expires = Some(expiry(ad.expires(), now));
        match self.swarm.behaviour_mut().kad.put_record(record, Quorum::One) {
            Ok(query) => self.placing.asked = Some(query),
            Err(error) => debug!(%error, "our ad does not go into the hash table"),
        }
    }

    /// Somebody keeps our ad, or nobody does.
    pub(super) fn on_placed(&mut self, query: QueryId, result: &PutRecordResult) {
        if self.placing.asked == Some(query) {
            debug!(kept = result.is_ok(), "our ad in the hash table");
            self.placing.asked = None;
            if result.is_ok() {
                self.placing.ad = None;
            }
        }
    }

    /// Looks into one place of the hash table: of our own region as often as of all others.
    pub(super) fn look_for_nodes(&mut self) {
        let others = || Region::from_index(rand::random_range(0..=u8::try_from(Region::ALL.len()).unwrap_or(u8::MAX)));
        let region = self.config.p2p.region.filter(|_| rand::random()).or_else(others);
        let key = Place::new(region, rand::random_range(0..PLACES_PER_REGION)).key(self.config.params.id());
        self.swarm.behaviour_mut().kad.get_record(RecordKey::from(key.to_vec()));
    }

    /// Somebody keeps this record. It was checked before it was kept, so who shows a wrong one is at fault, as with gossip.
    pub(super) fn on_found_record(&mut self, found: &PeerRecord) {
        if let Some(holder) = found.peer {
            self.on_told_ad(holder, &found.record.value);
        }
    }

    /// Somebody wants a record kept.
    pub(super) fn on_offered_record(&mut self, source: PeerId, mut record: Record) {
        let now = unix_now();
        let store = self.swarm.behaviour_mut().kad.store_mut();
        let held = store.get(&record.key).map(|held| held.value.clone());
        let offered = (record.key.as_ref(), record.value.as_slice());
        match self.config.nodes.on_record(offered, held.as_deref(), source, now) {
            Ok(expires) => {
                record.expires = Some(expiry(expires, now));
                if let Err(error) = self.swarm.behaviour_mut().kad.store_mut().put(record) {
                    debug!(%source, %error, "a record is not kept");
                }
            }
            Err(fault) => fault.into_iter().for_each(|fault| self.on_fault(source, fault)),
        }
    }

    /// Tells others that this node stops, and gives that the time to leave.
    pub(super) async fn say_farewell(&mut self) {
        let Some(bytes) = self.config.nodes.farewell(unix_now()) else { return };
        if self.swarm.behaviour_mut().gossip.publish(self.nodes_topic.clone(), bytes).is_ok() {
            let leaving = async {
                loop {
                    let _unheard = self.swarm.select_next_some().await;
                }
            };
            let _over = timeout(FAREWELL_TIME, leaving).await;
        }
    }
}

/// When something ends, as the hash table counts time.
fn expiry(expires: UnixTime, now: UnixTime) -> Instant {
    Instant::now() + Duration::from_secs(expires.saturating_sub(now))
}
