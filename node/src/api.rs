//! HTTP API under `/api/v1`, and the dashboard; `openapi.rs` has the table of the routes, `access.rs` says who may ask.
//!
//! It reads what other tasks publish and asks the chain and the store for the rest. Orders about peers need the [`Cookie`];
//! nothing else changes anything.

use std::{
    future::ready,
    net::{Ipv4Addr, SocketAddr},
};

use axum::{extract::Request, http::StatusCode};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;

use crate::error::NodeError;

mod access;
mod assets;
mod band;
mod blocks;
mod chance;
pub mod client;
mod coin;
mod compat;
mod configuration;
mod connect;
mod cookie;
mod diagnosis;
mod digest;
pub mod dto;
mod events;
mod history;
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
use problem::{Failure, problem};

/// A bound API that does not answer yet.
#[derive(Debug)]
pub struct Api {
    listener: TcpListener,
    address: SocketAddr,
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
        Ok(Self { listener, address })
    }

    /// Where it answers.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where programs of this machine ask it.
    pub fn url(&self) -> String {
        let ip = if self.address.ip().is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { self.address.ip() };
        format!("http://{}", SocketAddr::new(ip, self.address.port()))
    }

    /// Answers until the token is cancelled.
    pub async fn run(self, sources: ApiSources, token: CancellationToken) {
        let (published, digest) = watch::channel(Digest::default());
        let (handle, diagnosis) = DiagnosisHandle::new();
        let state = ApiState::new(sources, digest, handle);
        let url = self.url();
        let following = digest::follow(state.clone(), published, token.clone());
        let diagnosing = diagnosis.run(state.config.clone(), url, token.clone());
        tokio::join!(self.serve(state, token), following, diagnosing);
    }

    async fn serve(self, state: ApiState, token: CancellationToken) {
        let (access, assets) = (state.access.clone(), Assets::embedded());
        let routes = openapi::router()
            .merge(compat::router())
            .merge(metrics::router())
            .fallback(move |request: Request| ready(assets.answer(&request)))
            .method_not_allowed_fallback(unknown_method)
            .with_state(state);
        server::serve(self.listener, server::guarded(routes, access), token).await;
    }
}

async fn unknown_method() -> Failure {
    problem(StatusCode::METHOD_NOT_ALLOWED, "unknown method", "GET /api/v1/openapi.json says what there is")
}
