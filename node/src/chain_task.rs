//! The task that owns the share chain: everything that changes it comes through here, one input after the other.
//!
//! ```text
//! stratum --FoundShare--> [own share]  --> store, fsync --> gossip, and `true` to the miner
//! check   --Gossip------> [admission]  --> relay at once --> context --> store
//! p2p     --Ids---------> [sync]       --> which shares to ask for
//! check   --Fetched-----> [sync]       --> context --> store --> next request
//! store   --own shares--> [offering]   --> context --> store --> gossip
//! others  --Query-------> [answer]
//!                         ChainView through a watch, whenever the inbox is empty
//! ```

use std::{collections::BTreeSet, sync::Arc};

use futures::StreamExt;
use libp2p::PeerId;
use sharechain::{
    CheckedShare, PayoutScript, ShareChain, ShareId, TemplateKey,
    chain::{PaidWindow, ParentBlock, ShareView},
    payout::Payout,
    sync::TipClaim,
};
use stratum::FoundShare;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Duration, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    blocks::BlockInput,
    clock::every,
    defaults::UNSTORED_OWN_SHARES_MAX,
    events::EventSender,
    metrics::Meters,
    p2p::{GossipTicket, P2pHandle, Purpose},
    store::StoreHandle,
    templates::TemplateInput,
};

/// Time between two looks at time-outs and sync when nothing comes in.
const TICK: Duration = Duration::from_secs(1);

mod answers;
mod catching_up;
mod flood;
mod offering;
mod own_shares;
mod recent_work;
mod running;
mod undecided;
mod view;

pub use answers::ShownShares;
pub use recent_work::RecentWork;
pub use view::ChainView;

use running::Running;

#[cfg(test)]
mod tests;

/// What changes the chain or asks about it.
#[derive(Debug)]
pub enum ChainInput {
    /// A gossiped share that passed its stateless check; the ticket answers the gossip layer.
    Gossip {
        /// The share.
        share: Arc<CheckedShare>,
        /// Where the verdict goes.
        ticket: GossipTicket,
    },
    /// Ids that follow our locator.
    Ids {
        /// Who answered.
        peer: PeerId,
        /// In canonical order, as it says.
        ids: Vec<ShareId>,
        /// Whether the peer has more.
        more: bool,
    },
    /// Shares that were asked for by id.
    Fetched {
        /// Who answered.
        peer: PeerId,
        /// What for.
        purpose: Purpose,
        /// What was asked for.
        asked: BTreeSet<ShareId>,
        /// Stateless checked, nothing else than what was asked for.
        shares: Vec<Arc<CheckedShare>>,
    },
    /// The question for ids failed.
    IdsFailed(PeerId),
    /// The peer sent an invalid share.
    PeerFailed(PeerId),
    /// A request for shares failed, while catching up.
    SharesFailed {
        /// Who was asked.
        peer: PeerId,
        /// What for.
        asked: BTreeSet<ShareId>,
    },
    /// A peer told its tip.
    Tip(PeerId, TipClaim),
    /// A peer left.
    Gone(PeerId),
    /// The own daemon has this block.
    ParentBlock(ParentBlock),
    /// The own daemon refuses blocks that are made of this template.
    RefusedTemplate(TemplateKey),
    /// A question.
    Query(ChainQuery),
}

/// Questions about the chain.
#[derive(Debug)]
pub enum ChainQuery {
    /// Ids in canonical order after a locator.
    OrderAfter {
        /// A peer's locator.
        locator: Vec<ShareId>,
        /// Most ids.
        len_max: usize,
        /// The ids.
        reply: oneshot::Sender<Vec<ShareId>>,
    },
    /// Whom the coinbase of a linked share pays, by this node's own window.
    Payouts {
        /// The share.
        share: Box<CheckedShare>,
        /// `None` when it is not linked.
        reply: oneshot::Sender<Option<Vec<Payout>>>,
    },
    /// The window that a linked share pays.
    PaidWindow {
        /// The share.
        share: Box<CheckedShare>,
        /// `None` when it is not linked, or its past is not kept.
        reply: oneshot::Sender<Option<PaidWindow>>,
    },
    /// Shares in canonical order, the newest first, below a place.
    NewestShares {
        /// Where to go on.
        below: Option<u64>,
        /// Most shares.
        len_max: usize,
        /// The page.
        reply: oneshot::Sender<ShownShares>,
    },
    /// Shares that miners of this node found since the start, the newest first.
    OwnShares {
        /// Where to go on.
        below: Option<u64>,
        /// Most shares.
        len_max: usize,
        /// The page.
        reply: oneshot::Sender<ShownShares>,
    },
    /// Shares that are credited to a script, those linked last first.
    SharesOf {
        /// Whose.
        script: PayoutScript,
        /// Where to go on.
        below: Option<u64>,
        /// Most shares.
        len_max: usize,
        /// The page.
        reply: oneshot::Sender<ShownShares>,
    },
    /// A part of the DAG: the best chain's shares of some heights, what they merged, and what nothing has merged yet.
    Slice {
        /// The highest; that of the tip when it is not given.
        to: Option<u64>,
        /// How many.
        heights: u64,
        /// Ascending by height.
        reply: oneshot::Sender<Vec<ShareView>>,
    },
    /// The coinbase of a linked share's block, without its witness.
    Coinbase {
        /// The share.
        share: Box<CheckedShare>,
        /// `None` when it is not linked.
        reply: oneshot::Sender<Option<Vec<u8>>>,
    },
}

/// How a node may mine without peers.
#[derive(Clone, Copy, Debug)]
pub struct AlonePolicy {
    /// Peers are configured, so they are waited for.
    pub expects_peers: bool,
    /// The operator wants jobs before the sync.
    pub solo_until_synced: bool,
}

/// The task's channels.
#[derive(Debug)]
pub struct ChainTask {
    /// The chain, with what the store had.
    pub chain: ShareChain,
    /// The store may have own shares that the chain does not have.
    pub offers_own: bool,
    /// When miners may get work.
    pub alone: AlonePolicy,
    /// A branch that the operator wants to be on, as soon as this share of it is here.
    pub adopt: Option<ShareId>,
    /// The store.
    pub store: StoreHandle,
    /// The network.
    pub p2p: P2pHandle,
    /// Found blocks.
    pub blocks: mpsc::Sender<BlockInput>,
    /// What blocks of others are made of.
    pub templates: mpsc::Sender<TemplateInput>,
    /// Where shares and tips are told as events.
    pub events: EventSender,
    /// What only metrics want to know.
    pub meters: Arc<Meters>,
    /// What others see.
    pub view: watch::Sender<Arc<ChainView>>,
}

impl ChainTask {
    /// Runs until the token is cancelled or an input ends.
    pub async fn run(
        self,
        mut inbox: mpsc::Receiver<ChainInput>,
        mut found: mpsc::Receiver<FoundShare>,
        token: CancellationToken,
    ) {
        let mut running = Running::new(self);
        running.adopt_by_command();
        running.drain_effects(None).await;
        let mut ticks = every(TICK);
        loop {
            if running.dirty && inbox.is_empty() {
                running.publish();
            }
            let sync_due = running.sync_due();
            let room = running.unstored.len() < UNSTORED_OWN_SHARES_MAX;
            // Channels, futures and the interval lose nothing when another branch wins.
            tokio::select! {
                biased;
                () = token.cancelled() => return running.hand_over_blocks(found).await,
                Some(stored) = running.unstored.next() => running.on_stored(stored).await,
                own = found.recv(), if room => match own {
                    Some(own) => running.on_found(own).await,
                    None => return,
                },
                input = inbox.recv() => match input {
                    Some(input) => running.on_input(input).await,
                    None => return,
                },
                () = sleep_until(sync_due) => running.go_on_syncing().await,
                _ = ticks.tick() => running.on_tick().await,
            }
        }
    }
}
