//! The network: a task that owns the libp2p swarm, and the handle others use.
//!
//! Gossip is validated by hand: a share is relayed when its proof of work and its place are known, before its context
//! is checked. Share sync and ancestors go by request and response. Protocol and topic names carry the share chain's
//! identity, so nodes of different chains do not understand each other.
//!
//! The task never waits for the chain task: what does not fit its inbox is dropped and asked for again. That is what
//! keeps the two from waiting for each other.

use libp2p::{PeerId, gossipsub::MessageId};
use sharechain::{ParamsId, ShareId};
use tokio::sync::mpsc;

use crate::templates::wire::{Announcement, TemplateRequest};

mod addressless;
mod bans;
mod behaviour;
mod check;
mod conduct;
mod configured_peers;
mod event_loop;
mod gate;
mod gossip;
mod nodes;
mod operator;
mod peer_table;
mod serve;
mod wire;

pub use bans::{BAN_SECS, Ban, Banned, Bans, FILE_LEN_MAX as BANS_FILE_LEN_MAX, UnknownSubject};
pub use behaviour::Reach;
pub use check::{CheckInput, run as run_check};
pub use conduct::Fault;
pub use event_loop::{Network, NetworkConfig, Remembered};
pub use gossip::{nodes_topic_name, topic_name};
pub use nodes::Nodes;
pub use operator::PeerOrder;
pub use peer_table::{Direction, PeerView, PeersView, Reachability, Transport};
pub use wire::{Codec, Hello, NoRequest, Request, Response};

/// What others want of the network.
#[derive(Debug)]
pub enum P2pCommand {
    /// Gossip an own share.
    Publish(Vec<u8>),
    /// The verdict on a gossiped share.
    Verdict {
        /// Which one.
        ticket: GossipTicket,
        /// What to do with it.
        acceptance: Acceptance,
    },
    /// Ask for the ids that follow the locator.
    RequestRange {
        /// Whom.
        peer: PeerId,
        /// Our locator.
        locator: Vec<ShareId>,
    },
    /// Ask for shares by id.
    RequestShares {
        /// Whom.
        peer: PeerId,
        /// Which ones.
        ids: Vec<ShareId>,
        /// What for.
        purpose: Purpose,
    },
    /// Tell some peers what our miners work on.
    AnnounceTemplate(Box<Announcement>),
    /// Ask a peer about a template, or some of them when it does not matter whom.
    AskTemplate {
        /// Whom.
        peer: Option<PeerId>,
        /// What.
        request: TemplateRequest,
    },
    /// A peer did something wrong.
    Fault {
        /// Who.
        peer: PeerId,
        /// What.
        fault: Fault,
    },
    /// The operator wants something.
    Order(PeerOrder),
}

/// What single shares are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Others wait for them.
    Ancestors,
    /// Catching up.
    Sync,
}

/// A gossiped message that waits for its verdict.
#[derive(Clone, Debug)]
pub struct GossipTicket {
    /// The gossip layer's name of it.
    pub message: MessageId,
    /// Who sent it to us.
    pub source: PeerId,
}

/// What the gossip layer does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// Relay it.
    Accept,
    /// Do not relay it; nobody is to blame.
    Ignore,
    /// Do not relay it; the sender is to blame.
    Reject,
}

/// Sends commands to the network task.
#[derive(Clone, Debug)]
pub struct P2pHandle {
    commands: mpsc::Sender<P2pCommand>,
}

impl P2pHandle {
    /// A handle and where its commands arrive.
    pub fn channel() -> (Self, mpsc::Receiver<P2pCommand>) {
        let (commands, inbox) = mpsc::channel(crate::defaults::P2P_QUEUE_MAX);
        (Self { commands }, inbox)
    }

    /// Sends a command; waits while the task is busy.
    pub async fn send(&self, command: P2pCommand) {
        // The task ends only with the node.
        let _stopping = self.commands.send(command).await;
    }
}

/// The part of a protocol name that keeps chains apart.
pub(crate) fn chain_tag(params: ParamsId) -> String {
    params.to_string()[..16].to_owned()
}
