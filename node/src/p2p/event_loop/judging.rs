//! Faults of peers, bans and their file, and what the operator orders.

use std::time::{Duration, Instant};

use libp2p::{PeerId, swarm::dial_opts::DialOpts};
use stratum::guard::Source;
use tokio::sync::oneshot;
use tracing::{info, warn};

use super::{
    super::{
        PeerOrder,
        bans::{Ban, Banned},
        conduct::Fault,
        wire::Request,
    },
    Network,
    requests::Asked,
};
use crate::{clock::unix_now, data_dir::write_durably, netgroup::ip_of};

impl Network {
    /// A peer did something wrong; when it is enough, it is disconnected and stays away with its address.
    pub(super) fn on_fault(&mut self, peer: PeerId, fault: Fault) {
        let (now, subject) = (unix_now(), self.subject(&peer));
        if !self.scores.on_fault(subject, fault, now) {
            return;
        }
        let reason = fault.to_string();
        let bans = &mut self.swarm.behaviour_mut().gate.bans;
        let secs = bans.ban(Banned::Peer(peer), &reason, now);
        if matches!(subject, Banned::Address(_)) {
            bans.ban(subject, &reason, now);
        }
        warn!(%peer, address = %subject, reason, secs, "peer banned");
        self.peering.book.forget(&peer);
        self.throw_out(subject, peer);
    }

    /// Whom a peer's faults count for: its address, which it cannot change at will; on this machine its identity.
    fn subject(&self, peer: &PeerId) -> Banned {
        let source = self.peers.address(peer).and_then(ip_of).map(Source::from);
        source.filter(|source| !source.is_loopback()).map_or(Banned::Peer(*peer), Banned::Address)
    }

    /// Disconnects a peer and everybody else who is banned with it.
    fn throw_out(&mut self, subject: Banned, peer: PeerId) {
        self.bans_changed = true;
        for connected in self.peers.ids() {
            if connected == peer || self.subject(&connected) == subject {
                self.swarm.behaviour_mut().gate.close(connected);
            }
        }
        self.publish_view();
    }

    /// Bans that last.
    pub(super) fn bans(&self) -> Vec<(Banned, Ban)> {
        let bans = self.swarm.behaviour().gate.bans.list(unix_now());
        bans.map(|(banned, ban)| (*banned, ban.clone())).collect()
    }

    /// Writes the file of bans when it is old; a crash in between forgets the last seconds of it.
    pub(super) fn save_bans(&mut self) {
        if !std::mem::take(&mut self.bans_changed) {
            return;
        }
        let bans = &mut self.swarm.behaviour_mut().gate.bans;
        bans.forget(unix_now());
        let (text, path) = (bans.to_json(), self.config.bans.1.clone());
        // The network must not wait for the disk.
        tokio::task::spawn_blocking(move || {
            if let Err(cause) = write_durably(&path, text.as_bytes()) {
                warn!(path = %path.display(), %cause, "bans are not kept over a restart");
            }
        });
    }

    /// The same at the stop, when there is no task to do it.
    pub(super) fn save_bans_now(&mut self) {
        if std::mem::take(&mut self.bans_changed) {
            let text = self.swarm.behaviour().gate.bans.to_json();
            if let Err(cause) = write_durably(&self.config.bans.1, text.as_bytes()) {
                warn!(path = %self.config.bans.1.display(), %cause, "bans are not kept over a restart");
            }
        }
    }

    /// Who asks may be gone before the answer.
    pub(super) fn on_order(&mut self, order: PeerOrder) {
        match order {
            PeerOrder::Ban { banned, secs, reply } => {
                self.swarm.behaviour_mut().gate.bans.ban_for(banned, secs, "by the operator", unix_now());
                info!(%banned, secs, "banned by the operator");
                for peer in self.peers.ids() {
                    if banned == Banned::Peer(peer) || self.is_from(&peer, banned) {
                        self.throw_out(Banned::Peer(peer), peer);
                    }
                }
                self.bans_changed = true;
                self.publish_view();
                let _gone = reply.send(());
            }
            PeerOrder::Unban { banned, reply } => {
                let was_banned = self.swarm.behaviour_mut().gate.bans.unban(&banned, unix_now());
                self.bans_changed |= was_banned;
                self.publish_view();
                let _gone = reply.send(was_banned);
            }
            PeerOrder::Add { address, reply } => {
                self.configured.add(address.clone());
                let dialled = self.swarm.dial(DialOpts::from(address)).map_err(|error| error.to_string());
                let _gone = reply.send(dialled);
            }
            PeerOrder::Drop { peer, reply } => {
                self.configured.remove(&peer);
                let was_connected = self.swarm.disconnect_peer_id(peer).is_ok();
                let _gone = reply.send(was_connected);
            }
            PeerOrder::Ping { peer, reply } => self.measure(peer, reply),
        }
    }

    fn is_from(&self, peer: &PeerId, banned: Banned) -> bool {
        let source = self.peers.address(peer).and_then(ip_of).map(Source::from);
        source.is_some_and(|source| banned == Banned::Address(source))
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
