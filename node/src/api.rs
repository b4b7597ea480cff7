//! HTTP API under `/api/v1`, and the dashboard; `openapi.rs` has the table of the routes, `access.rs` says who may ask.
//!
//! It reads what other tasks publish and asks the chain and the store for the rest. Orders about peers need the [`Cookie`];
//! nothing else changes anything.

use std::{
    future::ready,
    net::{Ipv4Addr, SocketAddr},
};

use axum::{Router, extract::Request, http::StatusCode};
use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::error::NodeError;

mod access;
mod assets;
mod band;
mod blocks;
mod chance;
pub mod client;
pub(crate) mod coin;
mod compat;
mod configuration;
mod connect;
mod cookie;
mod diagnosis;
mod digest;
pub mod dto;
mod events;
mod health;
mod history;
mod lane_routes;
mod metrics;
mod miners;
mod nodes;
mod openapi;
mod page;
mod paid;
mod parent;
mod patience;
mod payouts;
mod peers;
mod problem;
mod request;
mod server;
mod shares;
mod state;
mod status;
mod store;
mod switching;
mod viewer;
mod workers;

pub use access::Access;
pub use cookie::Cookie;
pub use history::{HashrateHistory, HashratePoint};
pub use metrics::MetricsState;
pub use openapi::openapi_json;
pub(crate) use server::CONNECTIONS_MAX;
pub use state::{ApiSources, ApiState};

use assets::Assets;
use diagnosis::DiagnosisHandle;
use digest::Digest;
use lane_routes::LaneRoutes;
use problem::{Failure, problem};

/// A bound API that does not answer yet.
#[derive(Debug)]
pub struct Api {
    listener: TcpListener,
    address: SocketAddr,
    open: watch::Sender<usize>,
}

impl Api {
    /// Binds an address.
    ///
    /// # Errors
    /// [`NodeError::Listen`] when it is taken.
    pub async fn bind(address: SocketAddr) -> Result<Self, NodeError> {
        let failed =
            |source| NodeError::Listen { what: "the api", address: address.to_string(), flag: "--api-listen", source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, open: watch::Sender::new(0) })
    }

    /// Where it answers.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections are open.
    pub fn connections(&self) -> watch::Receiver<usize> {
        self.open.subscribe()
    }

    /// Where programs of this machine ask it.
    pub fn url(&self) -> String {
        let ip = if self.address.ip().is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { self.address.ip() };
        format!("http://{}", SocketAddr::new(ip, self.address.port()))
    }

    /// Answers until the token is cancelled.
    pub async fn run(self, lanes: Vec<ApiSources>, token: CancellationToken) {
        let url = self.url();
        let (mut node, mut routes, mut helpers) = (None, Vec::with_capacity(lanes.len()), JoinSet::new());
        for sources in lanes {
            let (published, digest) = watch::channel(Digest::default());
            let (handle, diagnosis) = DiagnosisHandle::new();
            let (name, state) = (sources.lane().name.clone(), ApiState::new(sources, digest, handle));
            helpers.spawn(digest::follow(state.clone(), published, token.clone()));
            helpers.spawn(diagnosis.run(state.config.clone(), url.clone(), token.clone()));
            node.get_or_insert_with(|| lane_routes(state.clone()));
            routes.push((name, lane_routes(state.on_lane())));
        }
        server::serve(self.listener, LaneRoutes::new(node.unwrap_or_default(), routes), self.open, token).await;
        helpers.shutdown().await;
    }
}

/// All that is answered of one lane.
fn lane_routes(state: ApiState) -> Router {
    let (access, assets) = (state.access.clone(), Assets::embedded());
    let routes = openapi::router()
        .merge(compat::router())
        .merge(metrics::router())
        .fallback(move |request: Request| ready(assets.answer(&request)))
        .method_not_allowed_fallback(unknown_method)
        .with_state(state);
    server::guarded(routes, access)
}

async fn unknown_method() -> Failure {
    problem(StatusCode::METHOD_NOT_ALLOWED, "unknown method", "GET /api/v1/openapi.json says what there is")
}
