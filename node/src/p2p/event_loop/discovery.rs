//! How this node learns of others and of ways to itself: seeds, what peers tell, the hash table, the local network, the router.
//!
//! Everything that is told goes into the address book; only the selector dials what is in it.

use std::time::Instant;

use libp2p::{
    Multiaddr, PeerId, autonat,
    core::{PeerRecord, SignedEnvelope},
    identify,
    kad::{self, GetClosestPeersOk, GetRecordOk, QueryResult},
    mdns,
    swarm::dial_opts::DialOpts,
    upnp,
};
use tracing::{debug, info};

use super::{
    super::wire::{ENVELOPE_LEN_MAX, Request},
    Network,
    listeners::Listeners,
    requests::Asked,
};
use crate::{
    address_book::Source,
    clock::is_due,
    defaults::{
        ENVELOPES_MAX, EXCHANGE_INTERVAL, LOCAL_PEERS_MAX, LOOKUP_INTERVAL, LOOKUP_INTERVAL_FEW, PEERS_FEW_PERCENT,
        SEED_INTERVAL,
    },
    netgroup::ip_of,
    region::Region,
};

/// When what was last done.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    seeds: Option<Instant>,
    lookup: Option<Instant>,
    exchange: Option<Instant>,
    /// Where peers come in.
    pub(super) listeners: Listeners,
}

impl Discovery {
    /// Nothing was asked yet.
    pub(super) fn new(listeners: Listeners) -> Self {
        Self { listeners, ..Self::default() }
    }
}

impl Network {
    /// Asks seeds, the hash table and peers for others: often while there are few, now and then after that.
    pub(super) fn look_for_peers(&mut self) {
        let (peers, now) = (self.peers.ids(), Instant::now());
        let has_few = peers.len() * 100 < self.config.p2p.outbound.total() * PEERS_FEW_PERCENT;
        if has_few && is_due(&mut self.discovery.seeds, SEED_INTERVAL, now) {
            for seed in self.config.p2p.seeds.clone() {
                self.dial(DialOpts::from(seed));
            }
        }
        let lookup_interval = if has_few { LOOKUP_INTERVAL_FEW } else { LOOKUP_INTERVAL };
        if is_due(&mut self.discovery.lookup, lookup_interval, now) && !peers.is_empty() {
            self.swarm.behaviour_mut().kad.get_closest_peers(PeerId::random());
            self.look_for_nodes();
        }
        if !peers.is_empty() && is_due(&mut self.discovery.exchange, EXCHANGE_INTERVAL, now) {
            self.ask_for_peers(peers[rand::random_range(0..peers.len())]);
        }
    }

    /// Asks a peer for nodes in the regions that we have none of.
    pub(super) fn ask_for_peers(&mut self, peer: PeerId) {
        if self.config.p2p.discovery {
            let missing = self.peering.selector.missing_regions();
            self.ask(peer, Request::Peers { missing }, Asked::Peers);
        }
    }

    /// What a peer that asks is told: records that their nodes signed, of nodes that we have reached.
    pub(super) fn told_peers(&mut self, asker: &PeerId, missing: &[Region]) -> Vec<Vec<u8>> {
        let peering = &mut self.peering;
        let told = peering.book.exchange(asker, missing, &mut peering.rng);
        told.iter().filter_map(|record| self.envelopes.get(&record.peer)).cloned().collect()
    }

    /// A peer tells of others. A record that its node did not sign is the teller's fault.
    pub(super) fn on_told_peers(&mut self, teller: PeerId, envelopes: Vec<Vec<u8>>) -> Result<(), ()> {
        let source = Source::Other(self.peers.address(&teller).and_then(ip_of));
        for envelope in envelopes {
            let (peer, addresses) = opened(&envelope).ok_or(())?;
            self.learn(peer, addresses, source);
        }
        Ok(())
    }

    pub(super) fn on_identify(&mut self, event: identify::Event) {
        let identify::Event::Received { peer_id, info, .. } = event else { return };
        debug!(peer = %peer_id, addresses = info.listen_addrs.len(), agent = info.agent_version, "peer identified");
        let source = Source::Itself(self.peers.address(&peer_id).and_then(ip_of));
        let mut addresses = info.listen_addrs;
        if let Some(envelope) = info.signed_peer_record {
            let bytes = envelope.into_protobuf_encoding();
            // Of somebody else, or too long to be passed on.
            if let Some((peer, signed)) = opened(&bytes).filter(|(peer, _)| *peer == peer_id) {
                addresses.splice(0..0, signed);
                self.keep_envelope(peer, bytes);
            }
        }
        let speaks_kad =
            info.protocols.iter().any(|protocol| self.swarm.behaviour().kad.protocol_names().contains(protocol));
        self.learn(peer_id, addresses, source);
        // The book has sorted out what cannot be dialled.
        let usable = self.peering.book.get(&peer_id).map(|entry| entry.addresses()).unwrap_or_default();
        // What is in its table, the hash table dials when it likes.
        for address in usable.into_iter().filter(|_| speaks_kad && self.config.p2p.discovery) {
            self.swarm.behaviour_mut().kad.add_address(&peer_id, address);
        }
    }

    fn keep_envelope(&mut self, peer: PeerId, envelope: Vec<u8>) {
        if self.envelopes.len() >= ENVELOPES_MAX && !self.envelopes.contains_key(&peer) {
            // Whoever is not in the book is not told of either.
            let book = &self.peering.book;
            self.envelopes.retain(|peer, _| book.get(peer).is_some_and(|entry| entry.is_tried()));
        }
        if self.envelopes.len() < ENVELOPES_MAX {
            self.envelopes.insert(peer, envelope);
        }
    }

    pub(super) fn on_kad(&mut self, event: kad::Event) {
        match event {
            kad::Event::OutboundQueryProgressed { result: QueryResult::GetClosestPeers(Ok(found)), .. } => {
                let GetClosestPeersOk { peers, .. } = found;
                debug!(peers = peers.len(), "the hash table was asked");
                for peer in peers {
                    self.learn(peer.peer_id, peer.addrs, Source::Other(None));
                }
            }
            kad::Event::OutboundQueryProgressed {
                result: QueryResult::GetRecord(Ok(GetRecordOk::FoundRecord(found))),
                ..
            } => self.on_found_record(&found),
            kad::Event::OutboundQueryProgressed { id, result: QueryResult::PutRecord(result), .. } => {
                self.on_placed(id, &result);
            }
            kad::Event::InboundRequest {
                request: kad::InboundRequest::PutRecord { source, record: Some(record), .. },
            } => self.on_offered_record(source, record),
            _ => {}
        }
    }

    /// Nodes of the local network are the operator's: it is asked for them only when the operator wants it.
    pub(super) fn on_mdns(&mut self, event: mdns::Event) {
        let mdns::Event::Discovered(found) = event else { return };
        for (peer, address) in found {
            let address = address.with_p2p(peer).unwrap_or_else(|address| address);
            if self.configured.len() < LOCAL_PEERS_MAX && self.configured.add(address.clone()) {
                info!(%address, "node on the local network");
            }
        }
        self.dial_configured();
    }

    pub(super) fn on_upnp(&mut self, event: upnp::Event) {
        match event {
            upnp::Event::NewExternalAddr { external_addr, .. } => {
                info!(address = %external_addr, "the router gave us a port")
            }
            upnp::Event::GatewayNotFound | upnp::Event::NonRoutableGateway => {
                info!("no router gives us a port; hint: forward one by hand, or set p2p.external or p2p.relays");
            }
            upnp::Event::ExpiredExternalAddr { external_addr, .. } => {
                info!(address = %external_addr, "the router took the port back");
            }
        }
    }

    pub(super) fn on_autonat(&mut self, event: &autonat::v2::client::Event) {
        match &event.result {
            Ok(()) => {
                if self.reachability.reached == 0 {
                    info!(address = %event.tested_addr, by = %event.server, "this node can be reached");
                }
                self.reachability.reached = self.reachability.reached.saturating_add(1);
            }
            Err(error) => {
                debug!(address = %event.tested_addr, by = %event.server, %error, "not reached");
                self.reachability.failed = self.reachability.failed.saturating_add(1);
            }
        }
    }
}

/// Who signed a record, and where it says it is.
fn opened(envelope: &[u8]) -> Option<(PeerId, Vec<Multiaddr>)> {
    if envelope.len() > ENVELOPE_LEN_MAX {
        return None;
    }
    let envelope = SignedEnvelope::from_protobuf_encoding(envelope).ok()?;
    let record = PeerRecord::from_signed_envelope(envelope).ok()?;
    Some((record.peer_id(), record.addresses().to_vec()))
}
