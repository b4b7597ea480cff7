//! Moves requests from sockets to the routes, and bounds what anybody can make it hold: connections, heads, bodies, time.
//!
//! ```text
//! socket --place, write time-out--> HTTP/1.1 --access--> routes --headers for browsers--> socket
//! ```

use std::{
    collections::BTreeMap,
    future::Future,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    serve::Listener,
};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::watch, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{Access, lane_routes::LaneRoutes, patience::Patient, problem::problem};

/// Connections at once: room for a thousand that follow events. Further ones wait in the kernel. Stops clients from taking the
/// file descriptors that miners and peers need.
pub(crate) const CONNECTIONS_MAX: usize = 1_280;
/// Connections of one address that is not this machine. Stops one client from taking all places.
const CONNECTIONS_PER_ADDRESS_MAX: usize = 64;
/// Longest head of a request. Stops a client from filling memory with headers.
const HEAD_LEN_MAX: usize = 8 << 10;
/// Most headers of a request. Stops a client from having us look through thousands.
const HEADERS_MAX: usize = 64;
/// Time for a head to be complete, and for an idle connection to say something. Stops clients that send a byte now and then.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Longest body. Stops a client from filling memory.
const BODY_LEN_MAX: usize = 4_096;
/// Time until an answer begins; a diagnosis takes longest.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(70);
/// Time for answers under way when the node stops. Whoever follows events is cut then.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(1);

/// What browsers are told about every answer. Nothing is loaded from elsewhere, nothing is shown inside another page, and no
/// other site may read (no CORS).
const BROWSER_HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::CACHE_CONTROL, "no-store"),
];

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
struct Remote(IpAddr);

/// The routes behind the door.
pub(super) fn guarded(routes: Router, access: Arc<Access>) -> Router {
    routes
        .layer(DefaultBodyLimit::max(BODY_LEN_MAX))
        .layer(middleware::from_fn(in_time))
        .layer(middleware::from_fn_with_state(access, judge))
        .layer(middleware::from_fn(for_browsers))
}

/// Who asks, or why not.
async fn judge(State(access): State<Arc<Access>>, mut request: Request, next: Next) -> Response {
    let remote =
        request.extensions().get::<Remote>().map_or_else(|| IpAddr::from([0, 0, 0, 0]), |Remote(remote)| *remote);
    match access.judge(request.headers(), request.uri().path(), remote) {
        Ok(viewer) => {
            request.extensions_mut().insert(viewer);
            next.run(request).await
        }
        Err(refused) => refused.into_response(),
    }
}

async fn in_time(request: Request, next: Next) -> Response {
    let late = || problem(StatusCode::SERVICE_UNAVAILABLE, "too late", "the answer took too long; try again");
    timeout(ANSWER_TIMEOUT, next.run(request)).await.unwrap_or_else(|_| late().into_response())
}

async fn for_browsers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in BROWSER_HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// Serves until the token is cancelled, and says how many connections are open.
pub(super) async fn serve(
    listener: TcpListener,
    app: LaneRoutes,
    open: watch::Sender<usize>,
    token: CancellationToken,
) {
    let mut listener = Patient(listener);
    let mut connections = Connections::default();
    loop {
        open.send_replace(connections.tasks.len());
        let has_room = connections.tasks.len() < CONNECTIONS_MAX;
        tokio::select! {
            biased;
            () = token.cancelled() => break,
            Some(ended) = connections.tasks.join_next() => connections.on_ended(ended),
            (io, address) = listener.accept(), if has_room => {
                let remote = SocketAddr::ip(&address).to_canonical();
                if connections.admit(remote) {
                    let connection = connection(TokioIo::new(io), app.clone(), remote, token.clone());
                    connections.tasks.spawn(async move {
                        connection.await;
                        remote
                    });
                }
            }
        }
    }
    let all_gone = async { while connections.tasks.join_next().await.is_some() {} };
    // Those who follow events do not end by themselves; their tasks go with the set.
    let _cut = timeout(FAREWELL_TIMEOUT, all_gone).await;
}

/// Who is connected.
#[derive(Default)]
struct Connections {
    tasks: JoinSet<IpAddr>,
    by_address: BTreeMap<IpAddr, usize>,
}

impl Connections {
    /// Whether one more may come from there; counts it.
    fn admit(&mut self, remote: IpAddr) -> bool {
        let count = self.by_address.entry(remote).or_default();
        let has_room = remote.is_loopback() || *count < CONNECTIONS_PER_ADDRESS_MAX;
        *count += usize::from(has_room);
        has_room
    }

    fn on_ended(&mut self, ended: Result<IpAddr, tokio::task::JoinError>) {
        match ended {
            Ok(remote) => {
                if let Some(count) = self.by_address.get_mut(&remote) {
                    *count -= 1;
                }
                self.by_address.retain(|_, count| *count > 0);
            }
            Err(cause) => debug!(%cause, "a connection of the api ended in a bug"),
        }
    }
}

/// One connection, to its end.
fn connection<I>(
    io: TokioIo<I>,
    app: LaneRoutes,
    remote: IpAddr,
    token: CancellationToken,
) -> impl Future<Output = ()> + Send
where
    I: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = Addressed { app, remote };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_LEN_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(io, service)
        .with_upgrades();
    async move {
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = token.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(cause) = ended {
            debug!(%remote, %cause, "a connection of the api broke off");
        }
    }
}

/// Tells the routes where a request comes from.
struct Addressed {
    app: LaneRoutes,
    remote: IpAddr,
}

impl hyper::service::Service<Request<Incoming>> for Addressed {
    type Response = Response<Body>;
    type Error = std::convert::Infallible;
    type Future = <TowerToHyperService<Router> as hyper::service::Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(Remote(self.remote));
        TowerToHyperService::new(self.app.pick(&mut request)).call(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_does_not_take_all_places() {
        let mut connections = Connections::default();
        let (here, there) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([203, 0, 113, 7]));
        for _ in 0..CONNECTIONS_PER_ADDRESS_MAX {
            assert!(connections.admit(there) && connections.admit(here));
        }
        assert!(!connections.admit(there) && connections.admit(here));
        connections.on_ended(Ok(there));
        assert!(connections.admit(there));
        assert!(!connections.admit(there));
    }
}
