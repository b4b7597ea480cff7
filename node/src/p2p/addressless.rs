//! The gossip layer without the addresses of peers.
//!
//! To score peers that share an address it remembers with each address who came from there, and never forgets an address. Such
//! peers are the gate's business, the weight of that score is zero, and whoever has a network of IPv6 addresses would fill the
//! memory of a node that runs for months (attack P7). So it is told of connections, and never where they come from. It has no say
//! in connections that are not yet there, so nothing of those is handed on.

use std::{
    ops::{Deref, DerefMut},
    task::{Context, Poll},
};

use libp2p::{
    Multiaddr, PeerId,
    core::{ConnectedPoint, Endpoint, transport::PortUse},
    swarm::{
        ConnectionClosed, ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
        THandlerOutEvent, ToSwarm, behaviour::ConnectionEstablished,
    },
};

/// See the module.
pub(super) struct Addressless<B> {
    behaviour: B,
    nowhere: ConnectedPoint,
}

impl<B> Addressless<B> {
    pub(super) fn new(behaviour: B) -> Self {
        let nowhere = ConnectedPoint::Listener { local_addr: Multiaddr::empty(), send_back_addr: Multiaddr::empty() };
        Self { behaviour, nowhere }
    }
}

impl<B> Deref for Addressless<B> {
    type Target = B;

    fn deref(&self) -> &B {
        &self.behaviour
    }
}

impl<B> DerefMut for Addressless<B> {
    fn deref_mut(&mut self) -> &mut B {
        &mut self.behaviour
    }
}

impl<B: NetworkBehaviour> NetworkBehaviour for Addressless<B> {
    type ConnectionHandler = B::ConnectionHandler;
    type ToSwarm = B::ToSwarm;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        let (local, remote) = (Multiaddr::empty(), Multiaddr::empty());
        self.behaviour.handle_established_inbound_connection(connection, peer, &local, &remote)
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        role: Endpoint,
        port_use: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.behaviour.handle_established_outbound_connection(connection, peer, &Multiaddr::empty(), role, port_use)
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        let endpoint = &self.nowhere;
        self.behaviour.on_swarm_event(match event {
            FromSwarm::AddressChange(_)
            | FromSwarm::DialFailure(_)
            | FromSwarm::ListenFailure(_)
            | FromSwarm::NewExternalAddrOfPeer(_) => return,
            FromSwarm::ConnectionEstablished(event) => {
                FromSwarm::ConnectionEstablished(ConnectionEstablished { endpoint, failed_addresses: &[], ..event })
            }
            FromSwarm::ConnectionClosed(event) => FromSwarm::ConnectionClosed(ConnectionClosed { endpoint, ..event }),
            other => other,
        });
    }

    fn on_connection_handler_event(&mut self, peer: PeerId, connection: ConnectionId, event: THandlerOutEvent<Self>) {
        self.behaviour.on_connection_handler_event(peer, connection, event);
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        self.behaviour.poll(context)
    }
}

#[cfg(test)]
mod tests {
    use libp2p::swarm::{NewExternalAddrOfPeer, behaviour::AddressChange, dummy};

    use super::*;

    /// What a layer is told of addresses.
    #[derive(Default)]
    struct Listening {
        connections: usize,
        told: Vec<Multiaddr>,
    }

    impl NetworkBehaviour for Listening {
        type ConnectionHandler = dummy::ConnectionHandler;
        type ToSwarm = std::convert::Infallible;

        fn handle_established_inbound_connection(
            &mut self,
            _: ConnectionId,
            _: PeerId,
            local: &Multiaddr,
            remote: &Multiaddr,
        ) -> Result<THandler<Self>, ConnectionDenied> {
            self.told.extend([local.clone(), remote.clone()]);
            Ok(dummy::ConnectionHandler)
        }

        fn handle_established_outbound_connection(
            &mut self,
            _: ConnectionId,
            _: PeerId,
            address: &Multiaddr,
            _: Endpoint,
            _: PortUse,
        ) -> Result<THandler<Self>, ConnectionDenied> {
            self.told.push(address.clone());
            Ok(dummy::ConnectionHandler)
        }

        fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
            match event {
                FromSwarm::ConnectionEstablished(event) => {
                    self.connections += 1;
                    self.told.extend(event.failed_addresses.iter().cloned());
                    self.told.push(event.endpoint.get_remote_address().clone());
                }
                FromSwarm::ConnectionClosed(event) => {
                    self.connections -= 1;
                    self.told.push(event.endpoint.get_remote_address().clone());
                }
                FromSwarm::AddressChange(event) => self.told.push(event.new.get_remote_address().clone()),
                FromSwarm::NewExternalAddrOfPeer(event) => self.told.push(event.addr.clone()),
                _ => {}
            }
        }

        fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
            match event {}
        }

        fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
            Poll::Pending
        }
    }

    #[test]
    fn attack_p7_the_gossip_layer_has_no_addresses_to_remember() {
        let mut gossip = Addressless::new(Listening::default());
        let (peer_id, connection_id) = (PeerId::random(), ConnectionId::new_unchecked(1));
        let place = |port: u16| -> Multiaddr { format!("/ip6/2001:db8::1/tcp/{port}").parse().unwrap() };
        let at = |port| ConnectedPoint::Listener { local_addr: place(1), send_back_addr: place(port) };
        let (first, second) = (at(2), at(3));
        gossip.handle_established_inbound_connection(connection_id, peer_id, &place(1), &place(2)).unwrap();
        let dialled = (Endpoint::Dialer, PortUse::New);
        gossip.handle_established_outbound_connection(connection_id, peer_id, &place(2), dialled.0, dialled.1).unwrap();
        gossip.on_swarm_event(FromSwarm::ConnectionEstablished(ConnectionEstablished {
            peer_id,
            connection_id,
            endpoint: &first,
            failed_addresses: &[place(4)],
            other_established: 0,
        }));
        assert_eq!(gossip.connections, 1);
        gossip.on_swarm_event(FromSwarm::AddressChange(AddressChange {
            peer_id,
            connection_id,
            old: &first,
            new: &second,
        }));
        gossip.on_swarm_event(FromSwarm::NewExternalAddrOfPeer(NewExternalAddrOfPeer { peer_id, addr: &place(5) }));
        let (cause, remaining_established) = (None, 0);
        let closed = ConnectionClosed { peer_id, connection_id, endpoint: &second, cause, remaining_established };
        gossip.on_swarm_event(FromSwarm::ConnectionClosed(closed));
        assert_eq!(gossip.connections, 0);
        assert!(gossip.told.iter().all(Multiaddr::is_empty), "{:?}", gossip.told);
    }
}
