//! What the routes read, and how they ask the tasks that own it.

use std::{sync::Arc, time::Instant};

use sharechain::PayoutScript;
use stratum::StratumHandle;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};

use super::{
    Cookie,
    problem::{Failure, stopping},
};
use crate::{
    blocks::BlocksView,
    chain_profile::ChainProfile,
    chain_task::{ChainInput, ChainQuery, ChainView},
    defaults::QUERY_TIMEOUT,
    directory::DirectoryView,
    events::EventsHandle,
    history::HistoryHandle,
    miners::StratumEndpoint,
    p2p::{P2pHandle, PeersView},
    parent::ParentState,
    region::Region,
    store::StoreHandle,
};

/// See the module.
#[derive(Clone, Debug)]
pub struct ApiState {
    /// The chain.
    pub profile: Arc<ChainProfile>,
    /// The node's identity.
    pub peer_id: String,
    /// Where the node says it is.
    pub region: Option<Region>,
    /// Where and on what terms miners connect.
    pub endpoint: StratumEndpoint,
    /// When the node started.
    pub started: Instant,
    /// Miners.
    pub stratum: StratumHandle,
    /// The share chain.
    pub chain: watch::Receiver<Arc<ChainView>>,
    /// The parent chain.
    pub parent: watch::Receiver<ParentState>,
    /// Peers.
    pub peers: watch::Receiver<Arc<PeersView>>,
    /// Orders about peers.
    pub p2p: P2pHandle,
    /// What orders have to show.
    pub cookie: Cookie,
    /// The directory of nodes.
    pub nodes: watch::Receiver<Arc<DirectoryView>>,
    /// Blocks.
    pub blocks: watch::Receiver<Arc<BlocksView>>,
    /// Questions about the share chain.
    pub queries: mpsc::Sender<ChainInput>,
    /// Shares.
    pub store: StoreHandle,
    /// What happens.
    pub events: EventsHandle,
    /// How fast was mined.
    pub history: HistoryHandle,
}

impl ApiState {
    /// Asks the chain task.
    pub(super) async fn ask<T>(&self, query: impl FnOnce(oneshot::Sender<T>) -> ChainQuery) -> Result<T, Failure> {
        let (reply, answer) = oneshot::channel();
        let exchange = async {
            self.queries.send(ChainInput::Query(query(reply))).await.ok()?;
            answer.await.ok()
        };
        timeout(QUERY_TIMEOUT, exchange).await.ok().flatten().ok_or_else(stopping)
    }

    /// A script as the chain's addresses are written; `None` for a kind that has none there.
    pub(super) fn address(&self, script: &PayoutScript) -> Option<String> {
        self.profile.addresses.format(script)
    }
}
