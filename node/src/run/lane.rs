//! One lane of a node: its daemons, share chain, store, network, blocks and payouts, from opening to running tasks.
//!
//! ```text
//! Ground: folder, daemons, store, chain, channels --the endpoint for miners is bound on all of them--> Lane --spawn--> tasks
//! ```

use std::{collections::BTreeMap, sync::Arc, time::Instant};

use sharechain::ShareChain;
use stratum::{
    FoundShare, JobTemplate, LaneId, Refuge, StratumHandle,
    server::{FOUND_QUEUE_MAX, LaneEnds},
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{LaneEndpoints, StoreThread, parent_tasks::ParentTasks, tasks::Tasks, telemetry::Telemetry};
use crate::{
    ChainProfile, announcement,
    api::{Access, ApiSources, MetricsState, coin},
    blocks::{self, BlockInput, BlocksTask, BlocksView},
    chain_task::{AlonePolicy, ChainInput, ChainTask, ChainView},
    config::Config,
    data_dir::{DataDir, file_error},
    defaults::{BLOCKS_QUEUE_MAX, CHAIN_QUEUE_MAX, CHECK_QUEUE_MAX},
    directory::DirectoryView,
    error::NodeError,
    geo::Geo,
    health::HealthView,
    metrics::Meters,
    miners::StratumEndpoint,
    p2p::{self, CheckInput, Network, NetworkConfig, P2pCommand, P2pHandle, PeersView, Remembered},
    parent::known_blocks,
    payouts::{PayoutSources, PayoutsTask},
    store::{self, Journal, LoadedChain, StoreError, StoreHandle, sled::SledStore},
    switching::{LaneView, Lanes},
    templates::{RefusedTemplate, TEMPLATES_QUEUE_MAX, TemplateChannels, TemplateInput, TemplatesTask},
    work::{JobSender, WorkTask},
};

/// The ends of all channels between the tasks of a lane.
struct Channels {
    chain: (mpsc::Sender<ChainInput>, mpsc::Receiver<ChainInput>),
    check: (mpsc::Sender<CheckInput>, mpsc::Receiver<CheckInput>),
    found: (mpsc::Sender<FoundShare>, mpsc::Receiver<FoundShare>),
    blocks: (mpsc::Sender<BlockInput>, mpsc::Receiver<BlockInput>),
    p2p: (P2pHandle, mpsc::Receiver<P2pCommand>),
    jobs: (JobSender, watch::Receiver<Option<Arc<JobTemplate>>>),
    chain_view: (watch::Sender<Arc<ChainView>>, watch::Receiver<Arc<ChainView>>),
    peers_view: (watch::Sender<Arc<PeersView>>, watch::Receiver<Arc<PeersView>>),
    blocks_view: (watch::Sender<Arc<BlocksView>>, watch::Receiver<Arc<BlocksView>>),
    nodes_view: (watch::Sender<Arc<DirectoryView>>, watch::Receiver<Arc<DirectoryView>>),
    refuge: (watch::Sender<Option<Refuge>>, watch::Receiver<Option<Refuge>>),
    templates: (mpsc::Sender<TemplateInput>, mpsc::Receiver<TemplateInput>),
    refused: (watch::Sender<Option<RefusedTemplate>>, watch::Receiver<Option<RefusedTemplate>>),
}

impl Channels {
    fn new(chain: &mut ShareChain) -> Self {
        Self {
            chain: mpsc::channel(CHAIN_QUEUE_MAX),
            check: mpsc::channel(CHECK_QUEUE_MAX),
            found: mpsc::channel(FOUND_QUEUE_MAX),
            blocks: mpsc::channel(BLOCKS_QUEUE_MAX),
            p2p: P2pHandle::channel(),
            jobs: watch::channel(None),
            chain_view: watch::channel(Arc::new(ChainView::of(chain))),
            peers_view: watch::channel(Arc::default()),
            blocks_view: watch::channel(Arc::default()),
            nodes_view: watch::channel(Arc::default()),
            refuge: watch::channel(None),
            templates: mpsc::channel(TEMPLATES_QUEUE_MAX),
            refused: watch::channel(None),
        }
    }
}

/// What is there before miners and peers can come: folder, daemons, store, chain, channels.
pub(super) struct Ground {
    id: LaneId,
    name: String,
    config: Config,
    data_dir: DataDir,
    parent: ParentTasks,
    disk: (SledStore, Journal),
    loaded: LoadedChain,
    channels: Channels,
}

/// What all lanes of a node have together.
pub(super) struct Node {
    pub(super) agent: String,
    pub(super) geo: watch::Receiver<Arc<Geo>>,
    pub(super) stratum: StratumHandle,
    pub(super) endpoint: StratumEndpoint,
    pub(super) access: Arc<Access>,
    pub(super) started: Instant,
    pub(super) health: watch::Receiver<Arc<HealthView>>,
}

/// A lane that is opened and bound, before any of its tasks runs.
pub(super) struct Lane {
    id: LaneId,
    name: String,
    config: Config,
    channels: Channels,
    loaded: LoadedChain,
    store: StoreHandle,
    parent: ParentTasks,
    network: Network,
    blocks: BlocksTask,
    payouts: PayoutsTask,
    templates: TemplatesTask,
    telemetry: Telemetry,
    /// Its miners.
    stratum: StratumHandle,
    /// Held as long as the lane is.
    data_dir: DataDir,
}

impl Ground {
    /// Opens what a lane is built on.
    pub(super) async fn open((id, name): (LaneId, &str), config: Config, data_dir: DataDir) -> Result<Self, NodeError> {
        let parent = ParentTasks::open(&config).await?;
        let ChainProfile { params, generation_shares, .. } = &config.chain;
        let (sled, journal, mut loaded) =
            store::open(&data_dir.shares(), &data_dir.own_shares(), params, *generation_shares).map_err(|source| {
                match source {
                    StoreError::OtherChain { .. } => {
                        NodeError::OtherChain { folder: data_dir.path().to_owned(), source }
                    }
                    source => source.into(),
                }
            })?;
        let channels = Channels::new(&mut loaded.chain);
        let disk = (sled, journal);
        Ok(Self { id, name: name.to_owned(), config, data_dir, parent, disk, loaded, channels })
    }

    pub(super) const fn data_dir(&self) -> &DataDir {
        &self.data_dir
    }

    /// Where miners get its jobs and bring its shares.
    pub(super) fn ends(&self) -> LaneEnds {
        LaneEnds { templates: self.channels.jobs.1.clone(), found: self.channels.found.0.clone() }
    }

    /// Another node of the operator for the lane's miners.
    pub(super) fn refuge(&self) -> watch::Receiver<Option<Refuge>> {
        self.channels.refuge.1.clone()
    }
}

impl Lane {
    /// Opens and binds the rest.
    pub(super) async fn open(ground: Ground, node: &Node) -> Result<(Self, StoreThread), NodeError> {
        let Ground { id, name, config, data_dir, parent, disk: (sled, journal), mut loaded, channels } = ground;
        let (store, store_thread) = store::spawn(Box::new(sled), Some(journal))
            .map_err(file_error("start a thread for", &data_dir.shares()))?;
        if !loaded.unused.is_empty() {
            store.remove(std::mem::take(&mut loaded.unused)).await;
        }
        let meters = Arc::<Meters>::default();
        let network = open_network(&config, &data_dir, (&channels, &store), &meters, node).await?;
        let templates = open_templates(&config, &data_dir, &parent, &channels);
        let blocks =
            BlocksTask::open(parent.daemons.clone(), &config.chain, data_dir.blocks(), channels.blocks_view.0.clone())
                .map_err(file_error("use", &data_dir.blocks()))?;
        let sources = PayoutSources {
            profile: Arc::new(config.chain.clone()),
            store: store.clone(),
            queries: channels.chain.0.clone(),
            blocks: channels.blocks_view.1.clone(),
        };
        let payouts = PayoutsTask::open(data_dir.payouts(), sources).map_err(file_error("use", &data_dir.payouts()))?;
        let metrics = MetricsState {
            meters,
            daemons: parent.daemons.clone(),
            shares: data_dir.shares().into(),
            per_worker: config.per_worker_metrics,
        };
        // The first lane shows all miners of the node, wherever they are.
        let stratum = if id == LaneId::FIRST { node.stratum.clone() } else { node.stratum.on(id) };
        let telemetry = Telemetry::open(&config, &data_dir, (stratum.clone(), metrics))?;
        let lane = Self {
            id,
            name,
            config,
            channels,
            loaded,
            store,
            parent,
            network,
            blocks,
            payouts,
            templates,
            telemetry,
            stratum,
            data_dir,
        };
        Ok((lane, store_thread))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Where it can be reached.
    pub(super) fn endpoints(&self) -> LaneEndpoints {
        LaneEndpoints {
            p2p: self.network.addresses().iter().map(ToString::to_string).collect(),
            devnet_rpc: self.parent.devnet_url(),
        }
    }

    /// What the lanes of a node are chosen by.
    pub(super) fn view(&self, coins: &BTreeMap<String, String>) -> LaneView {
        LaneView {
            id: self.id,
            name: self.name.clone(),
            coin: coins.get(&self.name).cloned().unwrap_or_else(|| coin::of_chain(&self.config.chain.name).symbol),
            profile: Arc::new(self.config.chain.clone()),
            chain: self.channels.chain_view.1.clone(),
            parent: self.parent.state.clone(),
            jobs: self.channels.jobs.1.clone(),
            blocks: self.channels.blocks_view.1.clone(),
            refused: self.channels.refused.1.clone(),
            peers: self.channels.peers_view.1.clone(),
            nodes: self.channels.nodes_view.1.clone(),
            paid: self.payouts.handle().subscribe(),
        }
    }

    /// Starts every task; nothing fails any more. What the API reads, whether there should be peers, and the folder to hold on to.
    pub(super) fn spawn(self, node: &Node, lanes: &Lanes, tasks: &Tasks) -> ((ApiSources, bool), DataDir) {
        let Self { id, config, channels, loaded, store, parent, network, stratum, data_dir, .. } = self;
        let LoadedChain { chain, blocks: claimed_blocks, kept, .. } = loaded;
        let (blocks, payouts, templates, telemetry) = (self.blocks, self.payouts, self.templates, self.telemetry);
        let config = Arc::new(config);
        let profile = Arc::new(config.chain.clone());
        let (params, token) = (profile.params.clone(), &tasks.token);
        let (peer_id, expects_peers) = (network.peer_id().to_string(), network.expects_peers());
        let (p2p, p2p_commands) = channels.p2p;
        let chain_task = ChainTask {
            chain,
            offers_own: kept > 0,
            adopt: config.adopt_branch,
            alone: AlonePolicy { expects_peers, solo_until_synced: config.solo_until_synced },
            store: store.clone(),
            p2p: p2p.clone(),
            blocks: channels.blocks.0.clone(),
            templates: channels.templates.0,
            events: telemetry.events.clone(),
            meters: telemetry.metrics.meters.clone(),
            view: channels.chain_view.0,
        };
        let jobs = (channels.jobs.0, stratum.timings().clone());
        let work = WorkTask::new(id, params.clone(), (channels.chain_view.1.clone(), parent.state.clone()), jobs);
        let watched = (parent.state.clone(), channels.chain_view.1.clone(), channels.chain.0.clone());
        tasks.spawn("templates", templates.run(channels.templates.1, token.clone()));
        tasks.spawn("known blocks", known_blocks::run(parent.daemons.clone(), watched, token.clone()));
        let check = p2p::run_check(params, channels.check.1, channels.chain.0.clone(), p2p.clone(), token.clone());
        let paid = payouts.handle();
        tasks.spawn("payouts", payouts.run(token.clone()));
        let sources = ApiSources {
            profile,
            peer_id,
            region: config.p2p.region,
            endpoint: node.endpoint.clone(),
            started: node.started,
            stratum,
            chain: channels.chain_view.1,
            parent: parent.state.clone(),
            peers: channels.peers_view.1,
            p2p: p2p.clone(),
            access: node.access.clone(),
            nodes: channels.nodes_view.1,
            blocks: channels.blocks_view.1,
            queries: channels.chain.0,
            store: store.clone(),
            events: telemetry.handle.clone(),
            history: telemetry.history.clone(),
            refused: channels.refused.1,
            config,
            metrics: telemetry.metrics.clone(),
            paid,
            lane: id,
            lanes: lanes.clone(),
            health: node.health.clone(),
        };
        telemetry.spawn(tasks, &sources);
        parent.spawn(tasks);
        tasks.spawn("chain", chain_task.run(channels.chain.1, channels.found.1, token.clone()));
        tasks.spawn("check", check);
        tasks.spawn("p2p", network.run(p2p_commands, token.clone()));
        tasks.spawn("blocks", blocks.run(channels.blocks.1, token.clone()));
        tasks.spawn("work", work.run(token.clone()));
        tasks.spawn("store", watch_store(store, token.clone()));
        tasks.spawn("recount", blocks::recount(claimed_blocks, channels.blocks.0, token.clone()));
        ((sources, expects_peers), data_dir)
    }
}

/// Joins the network, and says there what this node is where it is to be said.
async fn open_network(
    config: &Config,
    data_dir: &DataDir,
    (channels, store): (&Channels, &StoreHandle),
    meters: &Arc<Meters>,
    node: &Node,
) -> Result<Network, NodeError> {
    let key = data_dir.identity()?;
    let told = (channels.nodes_view.0.clone(), channels.refuge.0.clone());
    let nodes = announcement::nodes(config, &key, &node.agent, node.stratum.clone(), told)?;
    let network_config = NetworkConfig {
        params: config.chain.params.clone(),
        agent: node.agent.clone(),
        p2p: config.p2p.clone(),
        geo: node.geo.clone(),
        chain: channels.chain.0.clone(),
        check: channels.check.0.clone(),
        store: store.clone(),
        chain_view: channels.chain_view.1.clone(),
        view: channels.peers_view.0.clone(),
        nodes,
        templates: channels.templates.0.clone(),
        meters: meters.clone(),
        key,
    };
    let remembered = Remembered { bans: data_dir.bans(), book: data_dir.address_book(config.p2p.address_policy) };
    Network::bind(network_config, remembered).await
}

fn open_templates(config: &Config, data_dir: &DataDir, parent: &ParentTasks, channels: &Channels) -> TemplatesTask {
    let told = TemplateChannels {
        parent: parent.state.clone(),
        chain_view: channels.chain_view.1.clone(),
        chain: channels.chain.0.clone(),
        blocks: channels.blocks.0.clone(),
        p2p: channels.p2p.0.clone(),
        refused: channels.refused.0.clone(),
    };
    TemplatesTask::new(&config.chain, parent.daemons.clone(), told, data_dir.evidence())
}

/// Ends with the store, and the node with it: shares that cannot be kept must not be mined.
async fn watch_store(store: StoreHandle, token: CancellationToken) {
    tokio::select! {
        () = token.cancelled() => {}
        () = store.failed() => {}
    }
}
