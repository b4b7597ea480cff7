//! What happens, live: `GET /api/v1/events` as server-sent events, `GET /api/v1/events/ws` over a WebSocket.
//!
//! Bytes of an event are made once and shared by all that listen. A client that does not read is cut by
//! [`super::patience`] or because it lags; it comes back with `Last-Event-ID` and hears what it missed.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::Body,
    extract::{
        State,
        ws::{
            CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code,
            rejection::WebSocketUpgradeRejection,
        },
    },
    http::{
        HeaderMap, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use futures::stream;
use serde::Deserialize;
use tokio::time::timeout;

use super::{
    ApiState,
    problem::{Failure, Refusals, problem},
    request::{Exact, Params, Within},
    viewer::Operators,
};
use crate::events::{Batch, Kinds, SubscribeError, Subscription};

/// Where a browser says which event it had last.
const LAST_EVENT_ID: &str = "last-event-id";
/// Time for a WebSocket client to take a batch. Stops one that does not read from keeping its place.
const WS_WRITE_TIMEOUT: Duration = Duration::from_secs(20);
/// Longest message of a WebSocket client, which has nothing to say. Stops it from filling memory.
const WS_MESSAGE_LEN_MAX: usize = 1_024;
/// Bytes that a WebSocket collects before it writes them; its default is 128 KiB for each client.
const WS_BUFFER_LEN: usize = 8 << 10;
/// Bytes that may wait for a WebSocket client: a batch at its longest.
const WS_UNSENT_MAX: usize = 4 << 20;

/// What a client asks for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// The event it had last.
    #[param(inline, nullable = false)]
    after: Option<Exact>,
    /// The kinds it wants, separated by commas.
    #[param(nullable = false, pattern = "^[a-z_]+(,[a-z_]+)*$")]
    kinds: Option<String>,
}

/// What happens, live, as server-sent events; `Last-Event-ID` or `after` resumes.
#[utoipa::path(get, path = "/events", tag = "node", params(Asked), responses(
    (status = 200, body = String, content_type = "text/event-stream"),
    Refusals,
))]
pub(super) async fn sse(
    State(api): State<ApiState>,
    // Events name addresses and workers.
    _: Operators,
    Params(asked): Params<Asked>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let subscription = subscribe(&api, &asked, &headers).await?;
    let stream = stream::unfold(subscription, |mut subscription| async {
        loop {
            let batch = subscription.next().await?;
            let bytes = subscription.sse(&batch);
            if !bytes.is_empty() {
                return Some((Ok::<_, Infallible>(bytes), subscription));
            }
        }
    });
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
        // nginx would keep events back until its buffer is full.
        (axum::http::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(stream)).into_response())
}

/// The same over a WebSocket.
#[utoipa::path(get, path = "/events/ws", tag = "node", params(Asked), responses(
    (status = 101, description = "The connection is a WebSocket now"),
    (status = 426, description = "The request does not ask for a WebSocket"),
    Refusals,
))]
pub(super) async fn ws(
    State(api): State<ApiState>,
    // Events name addresses and workers.
    _: Operators,
    Params(asked): Params<Asked>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Failure> {
    let refused = |refused: WebSocketUpgradeRejection| problem(refused.status(), "no websocket", refused.body_text());
    let upgrade = upgrade.map_err(refused)?;
    let subscription = subscribe(&api, &asked, &headers).await?;
    let upgrade = upgrade
        .max_message_size(WS_MESSAGE_LEN_MAX)
        .max_frame_size(WS_MESSAGE_LEN_MAX)
        .read_buffer_size(WS_MESSAGE_LEN_MAX)
        .write_buffer_size(WS_BUFFER_LEN)
        .max_write_buffer_size(WS_UNSENT_MAX);
    Ok(upgrade.on_upgrade(|socket| talk(socket, subscription)))
}

/// The kinds that a list names: one at least, for else there would be nothing to wait for.
fn kinds(list: &str) -> Result<Kinds, Failure> {
    let known = || format!("kinds are {}", Kinds::names().join(", "));
    let unknown = |name: String| {
        problem(StatusCode::BAD_REQUEST, "unknown kind", format!("{name:?} is no kind of event; {}", known()))
    };
    if list.trim_matches([',', ' ']).is_empty() {
        Err(unknown(list.to_owned()))
    } else {
        Kinds::parse(list).map_err(unknown)
    }
}

async fn subscribe(api: &ApiState, asked: &Asked, headers: &HeaderMap) -> Result<Subscription, Failure> {
    let kinds = asked.kinds.as_deref().map_or(Ok(Kinds::ALL), kinds)?;
    // What a browser resumes with overrules the address that it opened at first.
    let resumed = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()?.trim().parse().ok());
    api.events.subscribe(resumed.or_else(|| asked.after.map(|Within(after)| after)), kinds).await.map_err(|refused| {
        let title = match refused {
            SubscribeError::TooMany => "too many readers",
            SubscribeError::Stopping => "stopping",
        };
        problem(StatusCode::SERVICE_UNAVAILABLE, title, refused.to_string())
    })
}

/// Sends events until either side is done.
async fn talk(mut socket: WebSocket, mut subscription: Subscription) {
    loop {
        tokio::select! {
            batch = subscription.next() => {
                let Some(batch) = batch else {
                    let reason = CloseFrame { code: close_code::AGAIN, reason: Utf8Bytes::from_static("come back") };
                    let _gone = timeout(WS_WRITE_TIMEOUT, socket.send(Message::Close(Some(reason)))).await;
                    return;
                };
                match timeout(WS_WRITE_TIMEOUT, send(&mut socket, &subscription, &batch)).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) | Err(_) => return,
                }
            }
            // Pings are answered by reading; anything else a client says is passed over.
            said = socket.recv() => if !matches!(said, Some(Ok(_))) { return },
        }
    }
}

async fn send(socket: &mut WebSocket, subscription: &Subscription, batch: &Batch) -> Result<(), axum::Error> {
    if batch.is_heartbeat() {
        return socket.send(Message::Ping(bytes::Bytes::new())).await;
    }
    for event in subscription.wanted(batch) {
        let Ok(text) = Utf8Bytes::try_from(event.json().clone()) else { continue };
        socket.send(Message::Text(text)).await?;
    }
    Ok(())
}
