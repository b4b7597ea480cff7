//! What an operator may ask of the network task while it runs, and its answers.

use std::time::Duration;

use libp2p::{Multiaddr, PeerId};
use tokio::sync::oneshot;

use super::bans::Banned;

/// A question or order of the operator, with where the answer goes.
#[derive(Debug)]
pub enum PeerOrder {
    /// Keep a peer or an address away.
    Ban {
        /// Whom.
        banned: Banned,
        /// For how long, seconds.
        secs: u64,
        /// When it is done.
        reply: oneshot::Sender<()>,
    },
    /// Let it come back.
    Unban {
        /// Whom.
        banned: Banned,
        /// Whether it was banned.
        reply: oneshot::Sender<bool>,
    },
    /// Stay connected to an address, until the node stops.
    Add {
        /// Where.
        address: Multiaddr,
        /// Why it cannot be dialled.
        reply: oneshot::Sender<Result<(), String>>,
    },
    /// Disconnect a peer, and stay disconnected if it was added.
    Drop {
        /// Whom.
        peer: PeerId,
        /// Whether it was connected.
        reply: oneshot::Sender<bool>,
    },
    /// Measure the time to a peer and back, with a question that it has to answer.
    Ping {
        /// Whom.
        peer: PeerId,
        /// `None` when it is not connected, or does not answer.
        reply: oneshot::Sender<Option<Duration>>,
    },
}
