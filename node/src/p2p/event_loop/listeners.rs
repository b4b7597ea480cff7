//! Addresses to listen on, opened again after they were closed: a relay that goes away takes the listener behind it along.

use std::time::{Duration, Instant};

use libp2p::{Multiaddr, core::transport::ListenerId, multiaddr::Protocol, swarm::SwarmEvent};
use tracing::{debug, info, warn};

use super::{super::behaviour::BehaviourEvent, Network};

/// Pause before a closed listener is opened again, doubled up to the second value while it does not hold.
const PAUSES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    all: Vec<Listener>,
}

#[derive(Debug)]
struct Listener {
    address: Multiaddr,
    /// `None` while it is closed.
    id: Option<ListenerId>,
    /// When it may be opened again, and how long is waited after the next failure.
    due: Instant,
    pause: Duration,
}

impl Listeners {
    /// One that was opened.
    pub(super) fn add(&mut self, id: ListenerId, address: Multiaddr, now: Instant) {
        self.all.push(Listener { address, id: Some(id), due: now, pause: PAUSES.0 });
    }

    /// It has an address that others can use.
    fn heard(&mut self, id: ListenerId) {
        if let Some(listener) = self.of(id) {
            listener.pause = PAUSES.0;
        }
    }

    /// It is closed; which one it was.
    fn closed(&mut self, id: ListenerId, now: Instant) -> Option<&Multiaddr> {
        let listener = self.of(id)?;
        listener.id = None;
        listener.wait(now);
        Some(&listener.address)
    }

    /// Opens those again whose pause is over.
    fn open_due<E>(&mut self, now: Instant, mut open: impl FnMut(&Multiaddr) -> Result<ListenerId, E>) {
        for listener in self.all.iter_mut().filter(|listener| listener.id.is_none() && listener.due <= now) {
            listener.id = open(&listener.address).ok();
            if listener.id.is_none() {
                listener.wait(now);
            }
        }
    }

    fn of(&mut self, id: ListenerId) -> Option<&mut Listener> {
        self.all.iter_mut().find(|listener| listener.id == Some(id))
    }
}

impl Listener {
    fn wait(&mut self, now: Instant) {
        self.due = now + self.pause;
        self.pause = self.pause.saturating_mul(2).min(PAUSES.1);
    }
}

impl Network {
    /// A listener has an address, or none any more.
    pub(super) fn on_listener(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::NewListenAddr { listener_id, address } => {
                self.discovery.listeners.heard(listener_id);
                info!(%address, "listening for peers");
                self.listen.push(address.with(Protocol::P2p(self.peer_id())));
            }
            SwarmEvent::ListenerClosed { listener_id, addresses, reason } => {
                let cause = reason.err().map(|cause| cause.to_string());
                if let Some(address) = self.discovery.listeners.closed(listener_id, Instant::now()) {
                    warn!(event = "listener_closed", %address, cause, "no peers come in here; it is opened again");
                }
                let own = self.peer_id();
                let gone = |listened: &Multiaddr| {
                    addresses.iter().any(|address| *listened == address.clone().with(Protocol::P2p(own)))
                };
                self.listen.retain(|listened| !gone(listened));
            }
            _ => return,
        }
        self.publish_view();
    }

    /// Dials whom the operator named, and listens again where that ended.
    pub(super) fn redial(&mut self) {
        let swarm = &mut self.swarm;
        self.discovery.listeners.open_due(Instant::now(), |address| {
            let opened = swarm.listen_on(address.clone());
            opened.inspect_err(|cause| debug!(%address, %cause, "cannot listen for peers yet"))
        });
        self.dial_configured();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_listener_is_opened_again_with_growing_pauses_until_it_holds() {
        let (start, mut listeners) = (Instant::now(), Listeners::default());
        let at = |secs| start + Duration::from_secs(secs);
        let ids: Vec<ListenerId> = (0..9).map(|_| ListenerId::next()).collect();
        let [one, other] =
            ["/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/2"].map(|text| text.parse::<Multiaddr>().unwrap());
        listeners.add(ids[0], one.clone(), start);
        listeners.add(ids[1], other, start);
        let opened = |listeners: &mut Listeners, secs, id: Option<ListenerId>| {
            let mut tried = Vec::new();
            listeners.open_due(at(secs), |address| {
                tried.push(address.clone());
                id.ok_or(())
            });
            tried
        };
        assert_eq!(opened(&mut listeners, 0, None), [], "both are open");
        assert_eq!(listeners.closed(ids[0], at(10)), Some(&one));
        assert_eq!(listeners.closed(ids[0], at(10)), None, "it is closed already");
        assert_eq!(opened(&mut listeners, 14, None), []);
        assert_eq!(opened(&mut listeners, 15, None), std::slice::from_ref(&one));
        assert_eq!(opened(&mut listeners, 24, None), []);
        assert_eq!(opened(&mut listeners, 25, Some(ids[2])), std::slice::from_ref(&one));
        listeners.closed(ids[2], at(26));
        assert_eq!(opened(&mut listeners, 45, None), [], "it did not hold: twice as long");
        assert_eq!(opened(&mut listeners, 46, Some(ids[3])), std::slice::from_ref(&one));
        listeners.heard(ids[3]);
        listeners.closed(ids[3], at(50));
        assert_eq!(opened(&mut listeners, 55, None), [one], "it held: as soon as at first");
    }
}
