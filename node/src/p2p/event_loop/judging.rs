//! Faults of peers, bans, and what the operator orders.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use libp2p::{PeerId, swarm::dial_opts::DialOpts};
use stratum::guard::Source;
use tokio::sync::oneshot;
use tracing::{info, warn};

use super::{
    super::{PeerOrder, bans::Banned, conduct::Fault, configured_peers::peer_in, wire::Request},
    Network,
    requests::Asked,
};
use crate::{clock::unix_now, netgroup::ip_of, peer_selector::Event};

impl Network {
    /// A peer did something wrong; when it is enough, it is disconnected and stays away with its address.
    pub(super) fn on_fault(&mut self, peer: PeerId, fault: Fault) {
        let (now, subject) = (unix_now(), self.subject(&peer));
        let bans = &mut self.swarm.behaviour_mut().gate.bans;
        // What was on its way when it was banned is not another offence.
        if bans.is_banned(&Banned::Peer(peer), now) || !self.scores.on_fault(subject, fault, now) {
            return;
        }
        let reason = fault.to_string();
        let secs = bans.ban(Banned::Peer(peer), &reason, now);
        if matches!(subject, Banned::Address(_)) {
            bans.ban(subject, &reason, now);
        }
        warn!(%peer, address = %subject, reason, secs, "peer banned");
        self.peering.book.forget(&peer);
        self.on_bans_changed();
    }

    /// Whom a peer's faults count for: its address, which it cannot change at will; on this machine its identity.
    fn subject(&self, peer: &PeerId) -> Banned {
        let source = self.peers.address(peer).and_then(ip_of).map(Source::from);
        source.filter(|source| !source.is_loopback()).map_or(Banned::Peer(*peer), Banned::Address)
    }

    /// Disconnects whoever is banned now, and lets others see the list.
    fn on_bans_changed(&mut self) {
        self.files.bans_changed = true;
        for peer in self.peers.ids() {
            let gate = &self.swarm.behaviour().gate;
            if self.peers.address(&peer).is_some_and(|address| gate.is_banned(&peer, address)) {
                let _gone = self.swarm.disconnect_peer_id(peer);
            }
        }
        self.shown_bans = Arc::new(self.swarm.behaviour().gate.bans.lasting(unix_now()));
        self.publish_view();
    }

    /// Who asks may be gone before the answer.
    pub(super) fn on_order(&mut self, order: PeerOrder) {
        match order {
            PeerOrder::Ban { banned, secs, reply } => {
                self.swarm.behaviour_mut().gate.bans.ban_for(banned, secs, "by the operator", unix_now());
                info!(%banned, secs, "banned by the operator");
                self.on_bans_changed();
                let _gone = reply.send(());
            }
            PeerOrder::Unban { banned, reply } => {
                let was_banned = self.swarm.behaviour_mut().gate.bans.unban(&banned, unix_now());
                self.on_bans_changed();
                let _gone = reply.send(was_banned);
            }
            PeerOrder::Add { address, reply } => {
                self.configured.add(address.clone());
                let connected = peer_in(&address).filter(|peer| self.peers.contains(peer));
                let dialled = match connected {
                    Some(peer) => {
                        self.select(Event::Pinned(peer));
                        Ok(())
                    }
                    None => self.swarm.dial(DialOpts::from(address)).map_err(|error| error.to_string()),
                };
                let _gone = reply.send(dialled);
            }
            PeerOrder::Drop { peer, reply } => {
                let was_connected = self.swarm.is_connected(&peer);
                self.configured.remove(&peer);
                self.select(Event::Dropped(peer));
                // The selector does not know those that it let go itself and that are still there.
                let _gone = self.swarm.disconnect_peer_id(peer);
                let _gone = reply.send(was_connected);
            }
            PeerOrder::Ping { peer, reply } => self.measure(peer, reply),
        }
    }

    /// Says hello and measures how long the answer takes.
    fn measure(&mut self, peer: PeerId, reply: oneshot::Sender<Option<Duration>>) {
        if !self.peers.contains(&peer) {
            let _gone = reply.send(None);
            return;
        }
        let hello = Request::Hello(self.hello());
        self.ask(peer, hello, Asked::Hello(Some((Instant::now(), reply))));
    }
}
