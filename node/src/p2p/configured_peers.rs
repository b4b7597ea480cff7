//! The peers an operator named: their addresses, and who answered there.

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};

/// Addresses to stay connected to.
#[derive(Debug)]
pub(super) struct ConfiguredPeers {
    peers: Vec<ConfiguredPeer>,
}

#[derive(Debug)]
struct ConfiguredPeer {
    address: Multiaddr,
    identity: Identity,
}

#[derive(Debug, PartialEq, Eq)]
enum Identity {
    /// The address names it.
    Named(PeerId),
    /// The last one that answered there; a node that lost its key comes back as another.
    Learned(PeerId),
    Unknown,
}

impl Identity {
    const fn peer(&self) -> Option<&PeerId> {
        match self {
            Self::Named(peer) | Self::Learned(peer) => Some(peer),
            Self::Unknown => None,
        }
    }
}

impl ConfiguredPeers {
    /// Peers at these addresses.
    pub(super) fn new(addresses: &[Multiaddr]) -> Self {
        let mut configured = Self { peers: Vec::new() };
        for address in addresses {
            configured.add(address.clone());
        }
        configured
    }

    /// Addresses where nobody of the `connected` answered yet.
    pub(super) fn missing(&self, connected: impl Fn(&PeerId) -> bool) -> Vec<Multiaddr> {
        let is_missing = |configured: &&ConfiguredPeer| !configured.identity.peer().is_some_and(&connected);
        let missing = self.peers.iter().filter(is_missing);
        missing.map(|configured| configured.address.clone()).collect()
    }

    /// One more; false when it is there already.
    pub(super) fn add(&mut self, address: Multiaddr) -> bool {
        let is_new = self.peers.iter().all(|configured| configured.address != address);
        if is_new {
            let identity = peer_in(&address).map_or(Identity::Unknown, Identity::Named);
            self.peers.push(ConfiguredPeer { address, identity });
        }
        is_new
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.peers.len()
    }

    /// Those of this peer are not dialled any more.
    pub(super) fn remove(&mut self, peer: &PeerId) {
        self.peers.retain(|configured| configured.identity.peer() != Some(peer));
    }

    /// Whether it is one of them.
    pub(super) fn contains(&self, peer: &PeerId) -> bool {
        self.peers.iter().any(|configured| configured.identity.peer() == Some(peer))
    }

    /// Remembers who answers at an address that names nobody; who answered there before and is none of these any more.
    pub(super) fn learn(&mut self, peer: PeerId, address: &Multiaddr) -> Option<PeerId> {
        let plain: Multiaddr = address.iter().filter(|part| !matches!(part, Protocol::P2p(_))).collect();
        let is_learned = |configured: &&mut ConfiguredPeer| {
            !matches!(configured.identity, Identity::Named(_)) && configured.address == plain
        };
        // No address is there twice.
        let configured = self.peers.iter_mut().find(is_learned)?;
        let former = configured.identity.peer().copied();
        configured.identity = Identity::Learned(peer);
        former.filter(|former| *former != peer && !self.contains(former))
    }
}

/// The identity that an address names.
pub(super) fn peer_in(address: &Multiaddr) -> Option<PeerId> {
    address.iter().find_map(|part| match part {
        Protocol::P2p(peer) => Some(peer),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_answers_is_learned_and_a_new_key_replaces_the_old_one() {
        let address: Multiaddr = "/ip4/192.0.2.1/tcp/23333".parse().unwrap();
        let mut configured = ConfiguredPeers::new(std::slice::from_ref(&address));
        let (old, new) = (PeerId::random(), PeerId::random());
        assert_eq!(configured.missing(|_| true).first(), Some(&address), "nobody answered yet");
        assert_eq!(configured.learn(old, &address.clone().with(Protocol::P2p(old))), None);
        assert_eq!(configured.learn(old, &address), None, "still the same");
        assert!(configured.missing(|peer| *peer == old).is_empty());
        assert_eq!(configured.learn(new, &address), Some(old));
        assert!(configured.missing(|peer| *peer == new).is_empty());
    }

    #[test]
    fn a_named_peer_is_nobody_else() {
        let (named, other) = (PeerId::random(), PeerId::random());
        let plain: Multiaddr = "/ip4/192.0.2.1/tcp/23333".parse().unwrap();
        let mut configured = ConfiguredPeers::new(&[plain.clone().with(Protocol::P2p(named))]);
        assert_eq!(configured.learn(other, &plain), None);
        assert_eq!(configured.missing(|peer| *peer == other).len(), 1);
        assert!(configured.missing(|peer| *peer == named).is_empty());
        assert!(configured.contains(&named) && !configured.add(plain.with(Protocol::P2p(named))));
        configured.remove(&named);
        assert!(configured.missing(|_| false).is_empty());
    }
}
