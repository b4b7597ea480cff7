//! Starts a node: opens what it needs, joins the tasks by channels, and waits for their end.
//!
//! This is the only place that starts long-lived tasks. Everything that can fail for a reason the operator can mend
//! (ports, files, locks) fails here, before the first task runs.

use std::{sync::Arc, time::Instant};

use serde::{Deserialize, Serialize};
use sharechain::{CheckedShare, ShareChain};
use stratum::{FoundShare, JobTemplate, Refuge, Stratum, server::FOUND_QUEUE_MAX};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use crate::{
    announcement,
    api::{Access, Api, ApiSources, MetricsState},
    blocks::{self, BlockInput, BlocksTask, BlocksView},
    chain_task::{AlonePolicy, ChainInput, ChainTask, ChainView},
    config::Config,
    data_dir::{DataDir, file_error, write_durably},
    defaults::{BLOCKS_QUEUE_MAX, CHAIN_QUEUE_MAX, CHECK_QUEUE_MAX, SHUTDOWN_TIMEOUT},
    directory::DirectoryView,
    error::NodeError,
    geo::{self, Geo, GeoFiles},
    metrics::Meters,
    miners::{self, StratumEndpoint},
    p2p::{self, CheckInput, Network, NetworkConfig, P2pCommand, P2pHandle, PeersView, Remembered},
    parent::known_blocks,
    payouts::{PayoutSources, PayoutsTask},
    reload::{self, Owners, Reload},
    store::{self, LoadedChain, StoreHandle, sled::SledStore},
    templates::{RefusedTemplate, TEMPLATES_QUEUE_MAX, TemplateChannels, TemplateInput, TemplatesTask},
    work::{JobSender, WorkTask},
};

mod parent_tasks;
mod tasks;
mod telemetry;

use parent_tasks::ParentTasks;
use tasks::Tasks;
use telemetry::Telemetry;

/// Where a running node can be reached; also written to `endpoints.json` in its data directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Endpoints {
    /// HTTP API.
    pub api: String,
    /// Miners.
    pub stratum: String,
    /// Miners that speak Stratum V2: with the key they know this node by.
    pub stratum_v2: Option<String>,
    /// Peers: multiaddresses with this node's identity.
    pub p2p: Vec<String>,
    /// JSON-RPC of the embedded devnet.
    pub devnet_rpc: Option<String>,
}

/// Runs a node until the token is cancelled. `ready` is told where it can be reached.
///
/// # Errors
/// [`NodeError`] when it cannot start, or when a task ended that it cannot live without.
pub async fn run(config: Config, token: CancellationToken, ready: impl FnOnce(&Endpoints)) -> Result<(), NodeError> {
    Box::pin(run_reloadable(config, None, token, ready)).await
}

/// The same, with a way to read the configuration again.
///
/// # Errors
/// As [`run()`].
pub async fn run_reloadable(
    config: Config,
    reload: Option<Reload>,
    token: CancellationToken,
    ready: impl FnOnce(&Endpoints),
) -> Result<(), NodeError> {
    let data_dir = DataDir::open(&config.data_dir)?;
    let (ended, mut first_ended) = mpsc::channel(1);
    let tasks = Tasks { tracker: TaskTracker::new(), token: token.clone(), ended };
    let store_thread = match Box::pin(start(config, reload, &data_dir, &tasks)).await {
        Ok((endpoints, thread)) => {
            ready(&endpoints);
            thread
        }
        Err(cause) => {
            token.cancel();
            return Err(cause);
        }
    };
    token.cancelled().await;
    info!(event = "stopping", "stopping");
    tasks.tracker.close();
    if timeout(SHUTDOWN_TIMEOUT, tasks.tracker.wait()).await.is_err() {
        warn!("some tasks did not end in {} s", SHUTDOWN_TIMEOUT.as_secs());
    }
    drop(tasks);
    // All handles are gone, so the store writes what it has and ends.
    let joined = tokio::task::spawn_blocking(move || store_thread.join());
    match timeout(SHUTDOWN_TIMEOUT, joined).await {
        Ok(Ok(Ok(written))) => written?,
        Ok(_) => return Err(NodeError::TaskEnded("store")),
        Err(_) => warn!("the store did not end in {} s", SHUTDOWN_TIMEOUT.as_secs()),
    }
    match first_ended.try_recv() {
        Ok(cause) => Err(cause),
        Err(_) => Ok(()),
    }
}

type StoreThread = std::thread::JoinHandle<Result<(), store::StoreError>>;

/// The ends of all channels between tasks.
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
    geo: (watch::Sender<Arc<Geo>>, watch::Receiver<Arc<Geo>>),
    geo_files: (watch::Sender<GeoFiles>, watch::Receiver<GeoFiles>),
    nodes_view: (watch::Sender<Arc<DirectoryView>>, watch::Receiver<Arc<DirectoryView>>),
    refuge: (watch::Sender<Option<Refuge>>, watch::Receiver<Option<Refuge>>),
    templates: (mpsc::Sender<TemplateInput>, mpsc::Receiver<TemplateInput>),
    refused: (watch::Sender<Option<RefusedTemplate>>, watch::Receiver<Option<RefusedTemplate>>),
}

impl Channels {
    fn new(chain: &mut ShareChain, files: &GeoFiles) -> Self {
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
            geo: watch::channel(Arc::new(Geo::open(files))),
            geo_files: watch::channel(files.clone()),
            nodes_view: watch::channel(Arc::default()),
            refuge: watch::channel(None),
            templates: mpsc::channel(TEMPLATES_QUEUE_MAX),
            refused: watch::channel(None),
        }
    }
}

/// Everything that is opened and bound, before any task runs.
struct Opened {
    config: Config,
    channels: Channels,
    chain: ShareChain,
    /// Shares of the store that claim to be blocks.
    claimed_blocks: Vec<Arc<CheckedShare>>,
    store: StoreHandle,
    parent: ParentTasks,
    api: Api,
    access: Arc<Access>,
    stratum: Stratum,
    endpoint: StratumEndpoint,
    network: Network,
    blocks: BlocksTask,
    payouts: PayoutsTask,
    templates: TemplatesTask,
    telemetry: Telemetry,
}

/// Opens and binds everything, then starts all tasks.
async fn start(
    config: Config,
    reload: Option<Reload>,
    data_dir: &DataDir,
    tasks: &Tasks,
) -> Result<(Endpoints, StoreThread), NodeError> {
    let (opened, store_thread) = Box::pin(open(config, data_dir)).await?;
    let endpoints = Endpoints {
        api: opened.api.url(),
        stratum: format!("stratum+tcp://{}", opened.stratum.address()),
        stratum_v2: opened.endpoint.v2_url.clone(),
        p2p: opened.network.addresses().iter().map(ToString::to_string).collect(),
        devnet_rpc: opened.parent.devnet_url(),
    };
    let text = serde_json::json!(endpoints).to_string();
    write_durably(&data_dir.endpoints(), text.as_bytes()).map_err(file_error("write", &data_dir.endpoints()))?;
    if let Some(reload) = reload {
        let owners = Owners { geo: opened.channels.geo_files.0.clone(), stratum: opened.stratum.handle() };
        tasks.spawn("reload", reload::run(reload, opened.config.clone(), owners, tasks.token.clone()));
    }
    spawn_all(opened, tasks);
    Ok((endpoints, store_thread))
}

#[expect(clippy::too_many_lines, reason = "a list: what is opened in which order")]
async fn open(config: Config, data_dir: &DataDir) -> Result<(Opened, StoreThread), NodeError> {
    let key = data_dir.identity()?;
    let params = config.chain.params.clone();
    // Ports first: the likeliest mistake, and the cheapest to find.
    let api = Api::bind(config.api_listen).await?;
    let access = Arc::new(Access::open(&config.api_access, data_dir, api.address())?);
    let parent = ParentTasks::open(&config).await?;
    let sled = SledStore::open(&data_dir.shares())?;
    let LoadedChain { mut chain, blocks: claimed_blocks, unused } = store::load(&sled, &params)?;
    let channels = Channels::new(&mut chain, &config.geo);
    let watched = (channels.jobs.1.clone(), channels.refuge.1.clone());
    let terms = miners::stratum_config(&config.chain, &config.stratum, data_dir, watched, channels.found.0.clone())?;
    let (stratum, endpoint) = miners::bind(&config.stratum, terms, data_dir)?;
    let (store, store_thread) =
        store::spawn(Box::new(sled)).map_err(file_error("start a thread for", &data_dir.shares()))?;
    if !unused.is_empty() {
        store.remove(unused).await;
    }
    let agent = format!("poolnode/{}", env!("CARGO_PKG_VERSION"));
    let told = (channels.nodes_view.0.clone(), channels.refuge.0.clone());
    let nodes = announcement::nodes(&config, &key, &agent, stratum.handle(), told)?;
    let meters = Arc::<Meters>::default();
    let network_config = NetworkConfig {
        params: params.clone(),
        agent,
        p2p: config.p2p.clone(),
        geo: channels.geo.1.clone(),
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
    let network = Network::bind(network_config, remembered).await?;
    let templates = open_templates(&config, data_dir, &parent, &channels);
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
    let telemetry = Telemetry::open(&config, data_dir, (stratum.handle(), metrics))?;
    let opened = Opened {
        config,
        channels,
        chain,
        claimed_blocks,
        store,
        parent,
        api,
        access,
        stratum,
        endpoint,
        network,
        blocks,
        payouts,
        templates,
        telemetry,
    };
    Ok((opened, store_thread))
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

/// Starts every task; nothing fails any more.
#[expect(clippy::too_many_lines, reason = "a list: one line for each task and each end of a channel")]
fn spawn_all(opened: Opened, tasks: &Tasks) {
    let Opened {
        config,
        channels,
        chain,
        claimed_blocks,
        store,
        parent,
        api,
        access,
        stratum,
        endpoint,
        network,
        blocks,
        payouts,
        templates,
        telemetry,
    } = opened;
    let config = Arc::new(config);
    let profile = Arc::new(config.chain.clone());
    let (params, token) = (profile.params.clone(), &tasks.token);
    let (peer_id, expects_peers) = (network.peer_id().to_string(), network.expects_peers());
    let (stratum, serving_miners) = stratum.run(&tasks.tracker, token);
    tasks.spawn("stratum", serving_miners);
    let (p2p, p2p_commands) = channels.p2p;
    let chain_task = ChainTask {
        chain,
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
    let work = WorkTask::new(params.clone(), channels.chain_view.1.clone(), parent.state.clone(), jobs);
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
        endpoint,
        started: Instant::now(),
        stratum,
        chain: channels.chain_view.1,
        parent: parent.state.clone(),
        peers: channels.peers_view.1,
        p2p: p2p.clone(),
        access,
        nodes: channels.nodes_view.1,
        blocks: channels.blocks_view.1,
        queries: channels.chain.0,
        store: store.clone(),
        events: telemetry.handle.clone(),
        history: telemetry.history.clone(),
        refused: channels.refused.1,
        config: config.clone(),
        metrics: telemetry.metrics.clone(),
        paid,
    };
    telemetry.spawn(tasks, &sources);
    parent.spawn(tasks);
    tasks.spawn("geo", geo::run(channels.geo_files.1, channels.geo.0, token.clone()));
    tasks.spawn("chain", chain_task.run(channels.chain.1, channels.found.1, token.clone()));
    tasks.spawn("check", check);
    tasks.spawn("p2p", network.run(p2p_commands, token.clone()));
    tasks.spawn("blocks", blocks.run(channels.blocks.1, token.clone()));
    tasks.spawn("work", work.run(token.clone()));
    tasks.spawn("api", api.run(sources, token.clone()));
    tasks.spawn("store", watch_store(store, token.clone()));
    tasks.spawn("recount", blocks::recount(claimed_blocks, channels.blocks.0, token.clone()));
}

/// Ends with the store, and the node with it: shares that cannot be kept must not be mined.
async fn watch_store(store: StoreHandle, token: CancellationToken) {
    tokio::select! {
        () = token.cancelled() => {}
        () = store.failed() => {}
    }
}
