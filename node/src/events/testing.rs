//! What tests of events and metrics look at.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId};

use crate::{
    geo::Registration,
    p2p::{Direction, PeerView, Transport},
};

/// A peer of which nothing is known yet.
pub(crate) fn peer() -> PeerView {
    PeerView {
        peer_id: PeerId::random(),
        address: Multiaddr::empty(),
        direction: Direction::Outbound,
        transport: Transport::Tcp,
        agent: String::new(),
        rtt: None,
        rtt_min: None,
        rtt_jitter: None,
        region: None,
        registration: Registration::default(),
        share_height: None,
        connected: Duration::ZERO,
        shares_first: 0,
        shares_late: 0,
        slot: None,
    }
}
