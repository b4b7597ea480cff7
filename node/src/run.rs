//! Starts a node: opens what it needs, joins the tasks by channels, and waits for their end.
//!
//! This is the only place that starts long-lived tasks. Everything that can fail for a reason the operator can mend
//! (ports, files, locks) fails here, before the first task runs.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Instant};

use serde::{Deserialize, Serialize};
use stratum::{LaneId, LanePlan, Stratum};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant as Moment, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use crate::{
    api::{Access, Api},
    config::Config,
    data_dir::{DataDir, file_error, keep_files_private, write_durably},
    defaults::{SHUTDOWN_TIMEOUT, STORES_TIMEOUT},
    error::NodeError,
    geo::{self, Geo, GeoFiles},
    health::EmergencyFile,
    lanes::{
        Decision,
        prices::{Fetcher, PriceLimits, PriceTask, Prices},
    },
    miners,
    reload::{self, Owners, Reload},
    store,
    supervisor::{Supervisor, Word},
    switching::{DecisionRecord, Lanes, SwitchingTask},
};

mod health;
mod lane;
mod parent_tasks;
mod tasks;
mod telemetry;
mod watchdog;

use health::Health;
use lane::{Ground, Lane, Node};
use tasks::Tasks;

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
    /// Where further lanes can be reached, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lanes: BTreeMap<String, LaneEndpoints>,
}

/// Where a further lane can be reached.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LaneEndpoints {
    /// Peers.
    pub p2p: Vec<String>,
    /// JSON-RPC of its embedded devnet.
    pub devnet_rpc: Option<String>,
}

/// Runs a node until the token is cancelled. `ready` is told where it can be reached.
///
/// # Errors
/// [`NodeError`] when it cannot start, or when a task ended that it cannot live without.
pub async fn run(config: Config, token: CancellationToken, ready: impl FnOnce(&Endpoints)) -> Result<(), NodeError> {
    Box::pin(run_reloadable(config, None, None, token, ready)).await
}

/// The same, with a way to read the configuration again, and somebody who is told how the node is.
///
/// # Errors
/// As [`run()`].
pub async fn run_reloadable(
    config: Config,
    reload: Option<Reload>,
    supervisor: Option<Supervisor>,
    token: CancellationToken,
    ready: impl FnOnce(&Endpoints),
) -> Result<(), NodeError> {
    keep_files_private();
    let data_dir = DataDir::open(&config.data_dir)?;
    let supervisor = supervisor.map(Arc::new);
    let tell = |word| supervisor.iter().for_each(|supervisor| supervisor.tell(word));
    let (ended, mut first_ended) = mpsc::channel(1);
    let tasks = Tasks { lane: None, tracker: TaskTracker::new(), token: token.clone(), ended };
    let started = match Box::pin(start(config, (reload, supervisor.clone()), data_dir, &tasks)).await {
        Ok((endpoints, started)) => {
            ready(&endpoints);
            tell(Word::Ready);
            started
        }
        Err(cause) => {
            token.cancel();
            return Err(cause);
        }
    };
    token.cancelled().await;
    info!(event = "stopping", "stopping");
    tell(Word::Stopping);
    let data_dirs = stop(tasks, started).await?;
    drop(data_dirs);
    match first_ended.try_recv() {
        Ok(cause) => Err(cause),
        Err(_) => Ok(()),
    }
}

/// Waits for the tasks, and then for the stores: [`SHUTDOWN_TIMEOUT`] for all of it.
async fn stop(tasks: Tasks, started: Started) -> Result<Vec<DataDir>, NodeError> {
    let end = Moment::now() + SHUTDOWN_TIMEOUT;
    tasks.tracker.close();
    if timeout_at(end - STORES_TIMEOUT, tasks.tracker.wait()).await.is_err() {
        warn!("some tasks did not end in {} s", (SHUTDOWN_TIMEOUT - STORES_TIMEOUT).as_secs());
    }
    drop(tasks);
    // All handles are gone, so the stores write what they have and end.
    let Started { stores, data_dirs } = started;
    let joined = tokio::task::spawn_blocking(move || stores.into_iter().map(StoreThread::join).collect::<Vec<_>>());
    match timeout_at(end, joined).await {
        Ok(Ok(joined)) => {
            for written in joined {
                written.map_err(|_| NodeError::TaskEnded("store"))??;
            }
        }
        Ok(Err(_)) => return Err(NodeError::TaskEnded("store")),
        Err(_) => warn!("a store did not end in {} s", SHUTDOWN_TIMEOUT.as_secs()),
    }
    Ok(data_dirs)
}

type StoreThread = std::thread::JoinHandle<Result<(), store::StoreError>>;

/// What is left to wait for, and to hold on to, when a node runs.
struct Started {
    stores: Vec<StoreThread>,
    /// Their locks keep other nodes away.
    data_dirs: Vec<DataDir>,
}

/// Everything that is opened and bound, before any task runs.
struct Opened {
    config: Config,
    api: Api,
    stratum: Stratum,
    node: Node,
    lanes: Vec<Lane>,
    plan: watch::Sender<Arc<LanePlan>>,
    /// What was decided about lanes before.
    record: (DecisionRecord, Vec<Decision>),
    /// Where it is kept what the lanes paid.
    lanes_history: PathBuf,
    health: Health,
    price_task: (PriceTask, watch::Receiver<Prices>),
    geo: (watch::Sender<Arc<Geo>>, watch::Sender<GeoFiles>, watch::Receiver<GeoFiles>),
    stores: Vec<StoreThread>,
}

/// Opens and binds everything, then starts all tasks.
async fn start(
    config: Config,
    (reload, supervisor): (Option<Reload>, Option<Arc<Supervisor>>),
    data_dir: DataDir,
    tasks: &Tasks,
) -> Result<(Endpoints, Started), NodeError> {
    let path = data_dir.endpoints();
    let opened = Box::pin(open(config, data_dir)).await?;
    let endpoints = opened.endpoints();
    let text = serde_json::json!(endpoints).to_string();
    write_durably(&path, text.as_bytes()).map_err(file_error("write", &path))?;
    if let Some(reload) = reload {
        let owners = Owners { geo: opened.geo.1.clone(), stratum: opened.stratum.handle() };
        tasks.spawn("reload", reload::run(reload, opened.config.clone(), owners, tasks.token.clone()));
    }
    Ok((endpoints, spawn_all(opened, supervisor, tasks)))
}

async fn open(config: Config, data_dir: DataDir) -> Result<Opened, NodeError> {
    // Ports first: the likeliest mistake, and the cheapest to find.
    let api = Api::bind(config.api_listen).await?;
    let access = Arc::new(Access::open(&config.api_access, &data_dir, api.address())?);
    let mut grounds = vec![Ground::open((LaneId::FIRST, config.lane_name()), config.clone(), data_dir).await?];
    for (place, (name, lane)) in (1..).zip(&config.lanes) {
        let id = LaneId::new(place).expect("a configuration has no more lanes than ids");
        grounds.push(Ground::open((id, name), lane.clone(), DataDir::open(&lane.data_dir)?).await?);
    }
    let plan = watch::Sender::new(Arc::new(LanePlan::first_of(grounds.len())));
    let ends = grounds.iter().map(Ground::ends).collect();
    let (first, data_dir) = (&grounds[0], grounds[0].data_dir());
    let terms = miners::stratum_config(&config, data_dir, ends, (plan.subscribe(), first.refuge()))?;
    let (stratum, endpoint) = miners::bind(&config.stratum, terms, data_dir)?;
    let (record, lanes_history) = (DecisionRecord::open(data_dir.decisions()), data_dir.lanes_history());
    let emergencies = EmergencyFile::open(data_dir.emergencies());
    let sources = config.switching.prices.clone();
    let fetcher = Fetcher::new(sources.values().flatten())?;
    let price_task = PriceTask::new(sources, PriceLimits::default(), fetcher);
    let geo = watch::Sender::new(Arc::new(Geo::open(&config.geo)));
    let (geo_files, new_geo_files) = watch::channel(config.geo.clone());
    let health = Health {
        emergencies,
        view: watch::Sender::default(),
        geo_files: new_geo_files.clone(),
        api_connections: api.connections(),
    };
    let node = Node {
        agent: format!("poolnode/{}", env!("CARGO_PKG_VERSION")),
        geo: geo.subscribe(),
        stratum: stratum.handle(),
        endpoint,
        access,
        started: Instant::now(),
        health: health.view.subscribe(),
    };
    let (mut lanes, mut stores) = (Vec::with_capacity(grounds.len()), Vec::with_capacity(grounds.len()));
    for ground in grounds {
        let (lane, store) = Box::pin(Lane::open(ground, &node)).await?;
        lanes.push(lane);
        stores.push(store);
    }
    Ok(Opened {
        config,
        api,
        stratum,
        node,
        lanes,
        plan,
        record,
        lanes_history,
        health,
        price_task,
        geo: (geo, geo_files, new_geo_files),
        stores,
    })
}

impl Opened {
    fn endpoints(&self) -> Endpoints {
        let lane = |lane: &Lane| (lane.name().to_owned(), lane.endpoints());
        let LaneEndpoints { p2p, devnet_rpc } = self.lanes[0].endpoints();
        Endpoints {
            api: self.api.url(),
            stratum: format!("stratum+tcp://{}", self.stratum.address()),
            stratum_v2: self.node.endpoint.v2_url.clone(),
            p2p,
            devnet_rpc,
            lanes: self.lanes.iter().skip(1).map(lane).collect(),
        }
    }
}

/// Starts every task; nothing fails any more.
fn spawn_all(opened: Opened, supervisor: Option<Arc<Supervisor>>, tasks: &Tasks) -> Started {
    let Opened { config, api, stratum, node, lanes, plan, record, health, price_task, geo, stores, .. } = opened;
    let (geo, _, geo_files) = geo;
    let token = &tasks.token;
    let (_, serving_miners) = stratum.run(&tasks.tracker, token);
    tasks.spawn("stratum", serving_miners);
    tasks.spawn("geo", geo::run(geo_files, geo, token.clone()));
    let views = lanes.iter().map(|lane| lane.view(&config.switching.coins)).collect();
    let (views, ends) = Lanes::new(views, plan);
    let (price_task, prices) = price_task;
    tasks.spawn("prices", price_task.run(token.clone()));
    let mut settings = config.switching.settings.clone();
    settings.schedule.seed = rand::random();
    // A configuration that no file gave knows of no lane yet.
    settings.lanes = views.views().iter().map(|view| view.name.clone()).collect();
    let settings = (settings, config.switching.switch_cost_ms);
    let switching = SwitchingTask::new(
        views.clone(),
        ends,
        (node.stratum.clone(), prices),
        settings,
        (record, opened.lanes_history),
    );
    tasks.spawn("lanes", switching.run(token.clone()));
    let has_one = lanes.len() == 1;
    let spawned = lanes.into_iter().map(|lane| {
        let tasks = if has_one { tasks.clone() } else { tasks.of_lane(lane.name()) };
        lane.spawn(&node, &views, &tasks)
    });
    let (sources, data_dirs): (Vec<_>, _) = spawned.unzip();
    if let Some(supervisor) = supervisor {
        watchdog::spawn(supervisor, &sources, &node, tasks);
    }
    health.spawn(&sources, (&node, views), tasks);
    let sources = sources.into_iter().map(|(sources, _)| sources).collect();
    tasks.spawn("api", api.run(sources, token.clone()));
    Started { stores, data_dirs }
}
