//! HTTP API under `/api/v1`, on loopback: status, health, peers, nodes, workers, blocks, payouts, shares.
//!
//! It reads what other tasks publish and asks the chain and the store for the rest. Orders about peers need the [`Cookie`];
//! nothing else changes anything.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::header::HOST,
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use stratum::StratumHandle;
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::{
    blocks::BlocksView,
    chain_profile::ChainProfile,
    chain_task::{ChainInput, ChainView},
    directory::DirectoryView,
    error::NodeError,
    events::EventsHandle,
    history::HistoryHandle,
    miners::StratumEndpoint,
    p2p::{P2pHandle, PeersView},
    parent::ParentState,
    region::Region,
    store::StoreHandle,
};

pub mod client;
mod cookie;
pub mod dto;
mod events;
mod history;
mod metrics;
mod nodes;
mod patience;
mod peers;
mod routes;

pub use cookie::Cookie;
pub use history::{HashrateHistory, HashratePoint, RejectCounts};
pub use metrics::MetricsState;

/// Longest order. Stops a client from filling memory.
const BODY_LEN_MAX: usize = 4_096;

/// What the API reads.
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
    /// What metrics are made of besides.
    pub metrics: MetricsState,
}

/// A bound API that does not answer yet.
#[derive(Debug)]
pub struct Api {
    listener: TcpListener,
    address: SocketAddr,
}

impl Api {
    /// Binds a loopback address.
    ///
    /// # Errors
    /// [`NodeError::ApiNotLoopback`] for any other address, [`NodeError::Listen`] when it is taken.
    pub async fn bind(address: SocketAddr) -> Result<Self, NodeError> {
        if !address.ip().is_loopback() {
            return Err(NodeError::ApiNotLoopback(address));
        }
        let failed =
            |source| NodeError::Listen { what: "the api", address: address.to_string(), flag: "--api-listen", source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address })
    }

    /// Where it answers.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until the token is cancelled.
    pub async fn run(self, state: ApiState, token: CancellationToken) {
        let app = Router::new()
            .route("/api/v1/status", get(routes::status))
            .route("/api/v1/health", get(routes::health))
            .route("/api/v1/network", get(peers::network))
            .route("/api/v1/peers", get(peers::list))
            .route("/api/v1/peers/bans", get(peers::bans))
            .route("/api/v1/peers/{order}", post(peers::order))
            .route("/api/v1/nodes", get(nodes::nodes))
            .route("/api/v1/workers", get(routes::workers))
            .route("/api/v1/blocks", get(routes::blocks))
            .route("/api/v1/payouts", get(routes::payouts))
            .route("/api/v1/shares/{id}", get(routes::share))
            .route("/api/v1/events", get(events::sse))
            .route("/api/v1/events/ws", get(events::ws))
            .route("/api/v1/history/hashrate", get(history::hashrate))
            .route("/metrics", get(metrics::node))
            .route("/metrics/workers", get(metrics::of_workers))
            .layer(DefaultBodyLimit::max(BODY_LEN_MAX))
            .layer(middleware::from_fn(only_local_hosts))
            .with_state(state);
        let served = axum::serve(patience::Patient(self.listener), app)
            .with_graceful_shutdown(async move { token.cancelled().await });
        if let Err(cause) = served.await {
            error!(%cause, "the api failed");
        }
    }
}

/// Refuses requests that a browser was tricked into sending here under another name (DNS rebinding).
async fn only_local_hosts(request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host
        .rsplit_once(':')
        .map_or(host, |(name, port)| if port.bytes().all(|byte| byte.is_ascii_digit()) { name } else { host });
    let is_loopback = |address: &str| address.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    let local = name.eq_ignore_ascii_case("localhost") || is_loopback(name.trim_matches(['[', ']']));
    if local { next.run(request).await } else { routes::unknown_host().into_response() }
}
