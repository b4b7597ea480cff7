//! The gate of the swarm: turns away who is banned and who comes too often, before anybody pays for a handshake.
//!
//! Denying a connection here costs a system call; a Noise handshake costs a quarter of a millisecond. It never blames: what a
//! peer did is judged elsewhere ([`super::conduct`]).

use std::{
    convert::Infallible,
    net::IpAddr,
    task::{Context, Poll},
    time::Instant,
};

use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    swarm::{
        ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent, THandlerOutEvent,
        ToSwarm, dummy,
    },
};
use stratum::{
    bucket::{Allowance, Buckets, TokenBucket},
    guard::Source,
};

use super::bans::{Banned, Bans};
use crate::{clock::unix_now, netgroup::ip_of};

/// New connections from one address: a node that restarts comes back a few times. Stops connection churn (attack P9).
const CONNECTS: Allowance = Allowance { per_second: 0.2, burst: 8.0 };
/// New connections from everywhere: handshakes then cost at most a fortieth of a core.
const CONNECTS_OF_ALL: Allowance = Allowance { per_second: 50.0, burst: 200.0 };
/// Addresses whose connections are counted. Whoever has more is held by the bucket of all of them.
const SOURCES_MAX: usize = 8_192;

/// Why a connection is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Turned {
    #[error("banned")]
    Banned,
    #[error("connects too often")]
    TooOften,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) bans: Bans,
    all: TokenBucket,
    sources: Buckets<Source>,
}

impl Gate {
    pub(super) fn new(bans: Bans) -> Self {
        let all = TokenBucket::full(CONNECTS_OF_ALL, Instant::now());
        Self { bans, all, sources: Buckets::new(CONNECTS, SOURCES_MAX) }
    }

    /// Whether a connected peer is banned, by its identity or by its address.
    pub(super) fn is_banned(&self, peer: &PeerId, address: &Multiaddr) -> bool {
        let now = unix_now();
        self.bans.is_banned(&Banned::Peer(*peer), now)
            || ip_of(address).is_some_and(|ip| self.bans.is_address_banned(ip, now))
    }

    /// Whether a connection from this address may begin.
    fn admit(&mut self, address: IpAddr, now: Instant) -> Result<(), Turned> {
        if self.bans.is_address_banned(address, unix_now()) {
            return Err(Turned::Banned);
        }
        let source = Source::from(address);
        // Everything on this machine shares its loopback address.
        if !source.is_loopback() && !self.sources.take(source, now) {
            return Err(Turned::TooOften);
        }
        if self.all.take(CONNECTS_OF_ALL, now) { Ok(()) } else { Err(Turned::TooOften) }
    }

    fn refuse_banned(&self, peer: &PeerId, address: &Multiaddr) -> Result<(), ConnectionDenied> {
        if self.is_banned(peer, address) { Err(ConnectionDenied::new(Turned::Banned)) } else { Ok(()) }
    }
}

impl NetworkBehaviour for Gate {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        match ip_of(remote) {
            Some(ip) => self.admit(ip, Instant::now()).map_err(ConnectionDenied::new),
            None => Ok(()),
        }
    }

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.refuse_banned(&peer, remote)?;
        Ok(dummy::ConnectionHandler)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: Option<PeerId>,
        _: &[Multiaddr],
        _: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        if let Some(peer) = peer {
            self.refuse_banned(&peer, &Multiaddr::empty())?;
        }
        Ok(Vec::new())
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.refuse_banned(&peer, address)?;
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, time::Duration};

    use super::*;

    fn address(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(0xcb00_7100 + number).into()
    }

    #[test]
    fn attack_p9_who_connects_too_often_waits_and_others_do_not() {
        let (mut gate, now) = (Gate::new(Bans::default()), Instant::now());
        let admitted =
            |gate: &mut Gate, number, now| (0..20).filter(|_| gate.admit(address(number), now).is_ok()).count();
        assert_eq!([admitted(&mut gate, 1, now), admitted(&mut gate, 2, now)], [8, 8]);
        assert_eq!(admitted(&mut gate, 1, now + Duration::from_secs(11)), 2);
        let many = (0..1_000).filter(|number| gate.admit(address(100 + number), now).is_ok()).count();
        assert!((150..200).contains(&many), "all together are bounded too: {many}");
        let own = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let later = now + Duration::from_secs(60);
        assert_eq!((0..100).filter(|_| gate.admit(own, later).is_ok()).count(), 100);
    }

    #[test]
    fn who_is_banned_stays_outside() {
        let mut gate = Gate::new(Bans::default());
        let peer = PeerId::random();
        let from: Multiaddr = "/ip4/203.0.113.7/tcp/1".parse().unwrap();
        assert!(gate.refuse_banned(&peer, &from).is_ok());
        gate.bans.ban(Banned::Peer(peer), "x", unix_now());
        assert!(gate.refuse_banned(&peer, &from).is_err());
        let other = PeerId::random();
        gate.bans.ban(Banned::Address("203.0.113.7".parse().unwrap()), "x", unix_now());
        assert!(gate.refuse_banned(&other, &from).is_err());
        assert_eq!(gate.admit("203.0.113.7".parse().unwrap(), Instant::now()), Err(Turned::Banned));
        assert!(gate.refuse_banned(&other, &"/ip4/203.0.113.8/tcp/1".parse().unwrap()).is_ok());
    }
}
