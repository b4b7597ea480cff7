//! Ads of nodes by gossip: those of others into the directory, and ours out when it is due.

use libp2p::{PeerId, gossipsub::PublishError};
use tracing::{debug, warn};

use super::{super::GossipTicket, Network};
use crate::clock::unix_now;

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
            match self.swarm.behaviour_mut().gossip.publish(self.nodes_topic.clone(), bytes) {
                Ok(_) => self.config.nodes.announced(ad),
                // It stays due until somebody hears it.
                Err(PublishError::NoPeersSubscribedToTopic) => debug!("nobody is there to hear of this node"),
                Err(cause) => warn!(%cause, "this node could not be announced; it is tried again"),
            }
        }
        let geo = self.config.geo.borrow().clone();
        self.config.nodes.publish(|address| geo.registration(address).asn, now);
    }
}
