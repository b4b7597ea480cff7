//! What the routes read, and how they ask the tasks that own it.

use std::{ops::Deref, sync::Arc, time::Instant};

use sharechain::{PayoutScript, PowAlgorithm};
use stratum::{LaneId, StratumHandle};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};

use super::{
    Access, MetricsState,
    diagnosis::DiagnosisHandle,
    digest::Digest,
    problem::{Failure, stopping},
};
use crate::{
    blocks::BlocksView,
    chain_profile::ChainProfile,
    chain_task::{ChainInput, ChainQuery, ChainView},
    config::Config,
    defaults::QUERY_TIMEOUT,
    directory::DirectoryView,
    events::EventsHandle,
    health::HealthView,
    history::HistoryHandle,
    miners::StratumEndpoint,
    p2p::{P2pHandle, PeersView},
    parent::ParentState,
    payouts::PayoutsHandle,
    region::Region,
    store::StoreHandle,
    switching::{LaneView, Lanes},
    templates::RefusedTemplate,
};

/// What the API reads.
#[derive(Clone, Debug)]
pub struct ApiSources {
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
    /// Who may ask for what.
    pub access: Arc<Access>,
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
    /// What metrics are made of besides.
    pub metrics: MetricsState,
    /// Whom the pool's blocks paid.
    pub paid: PayoutsHandle,
    /// Why the own daemon refuses what miners work on, while it does.
    pub refused: watch::Receiver<Option<RefusedTemplate>>,
    /// What the node was told to do.
    pub config: Arc<Config>,
    /// Which lane this is.
    pub lane: LaneId,
    /// All lanes of the node.
    pub lanes: Lanes,
    /// How well every part of the node is.
    pub health: watch::Receiver<Arc<HealthView>>,
}

/// What every route is given: the sources, and what the API's own tasks made of them.
#[derive(Clone, Debug)]
pub struct ApiState {
    sources: Arc<ApiSources>,
    pub(super) digest: watch::Receiver<Digest>,
    pub(super) diagnosis: DiagnosisHandle,
}

impl ApiSources {
    /// The lane.
    pub(crate) fn lane(&self) -> &LaneView {
        &self.lanes.views()[self.lane.place()]
    }
}

impl Deref for ApiState {
    type Target = ApiSources;

    fn deref(&self) -> &ApiSources {
        &self.sources
    }
}

impl ApiState {
    pub(super) fn new(sources: ApiSources, digest: watch::Receiver<Digest>, diagnosis: DiagnosisHandle) -> Self {
        Self { sources: Arc::new(sources), digest, diagnosis }
    }

    /// The same of the miners on its lane alone.
    pub(super) fn on_lane(&self) -> Self {
        let stratum = self.stratum.on(self.lane);
        let sources = Arc::new(ApiSources { stratum, ..ApiSources::clone(&self.sources) });
        Self { sources, digest: self.digest.clone(), diagnosis: self.diagnosis.clone() }
    }

    /// Proof of work of the parent chain.
    pub(super) fn algorithm(&self) -> PowAlgorithm {
        self.profile.params.parent().pow
    }

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
