//! HTTP API under `/api/v1`, on loopback; `openapi.rs` has the table of its routes.
//!
//! It reads what other tasks publish and asks the chain and the store for the rest. Orders about peers need the [`Cookie`];
//! nothing else changes anything.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{DefaultBodyLimit, Request},
    http::{StatusCode, header::HOST},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::error;

use crate::error::NodeError;

mod blocks;
pub mod client;
mod connect;
mod cookie;
pub mod dto;
mod events;
mod history;
mod nodes;
mod openapi;
mod page;
mod parent;
mod patience;
mod payouts;
mod peers;
mod problem;
mod request;
mod shares;
mod state;
mod status;
mod workers;

pub use cookie::Cookie;
pub use history::{HashrateHistory, HashratePoint, RejectCounts};
pub use openapi::openapi_json;
pub use state::ApiState;

use problem::{Failure, problem};

/// Longest order. Stops a client from filling memory.
const BODY_LEN_MAX: usize = 4_096;

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
        let app = openapi::router()
            .fallback(unknown_path)
            .method_not_allowed_fallback(unknown_method)
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
    if local { next.run(request).await } else { unknown_host().into_response() }
}

fn unknown_host() -> Failure {
    problem(StatusCode::FORBIDDEN, "unknown host", "ask under a loopback address or localhost")
}

async fn unknown_path() -> Failure {
    problem(StatusCode::NOT_FOUND, "unknown path", "GET /api/v1/openapi.json says what there is")
}

async fn unknown_method() -> Failure {
    problem(StatusCode::METHOD_NOT_ALLOWED, "unknown method", "GET /api/v1/openapi.json says what there is")
}
