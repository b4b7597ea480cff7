//! Routes about peers: the list, the node's place among them, bans, and orders, which need the cookie.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use libp2p::{Multiaddr, PeerId};
use tokio::{sync::oneshot, time::timeout};

use super::{
    ApiState,
    dto::{BanEntry, Count, List, NetworkSummary, Peer, PeerOrderBody, PeerOrderResult, Problem},
    page::Paged,
    problem::{Failure, OrderRefusals, Refusals, problem, stopping},
    request::{Body, Named, NoParams, Params},
    viewer::{Operators, not_allowed},
};
use crate::{
    clock::unix_now,
    defaults::QUERY_TIMEOUT,
    p2p::{BAN_SECS, Banned, Direction, P2pCommand, PeerOrder, PeerView},
};

/// Connected peers, by direction and round trip.
#[utoipa::path(get, path = "/peers", tag = "network", params(Paged), responses((status = 200, body = List<Peer>), Refusals))]
pub(super) async fn list(
    State(api): State<ApiState>,
    Params(asked): Params<Paged>,
) -> Result<Json<List<Peer>>, Failure> {
    let (view, height) = (api.peers.borrow().clone(), api.chain.borrow().tip.height);
    Ok(Json(asked.page()?.of(&view.peers, |peer| peer_dto(peer, height))))
}

fn peer_dto(peer: &PeerView, height: u64) -> Peer {
    let millis = |rtt: Option<Duration>| rtt.map(|rtt| rtt.as_secs_f64() * 1_000.0);
    Peer {
        peer_id: peer.peer_id.to_string(),
        address: peer.address.to_string(),
        direction: match peer.direction {
            Direction::Inbound => "inbound".to_owned(),
            Direction::Outbound => "outbound".to_owned(),
        },
        transport: peer.transport.as_str().to_owned(),
        slot: peer.slot.map(|slot| slot.as_str().to_owned()),
        agent: peer.agent.clone(),
        rtt_ms: millis(peer.rtt),
        rtt_min_ms: millis(peer.rtt_min),
        rtt_jitter_ms: millis(peer.rtt_jitter),
        region: peer.region.map(|(region, _)| region.to_string()),
        region_source: peer.region.map(|(_, source)| source.as_str().to_owned()),
        country: peer.registration.country.and_then(|code| String::from_utf8(code.to_vec()).ok()),
        asn: peer.registration.asn,
        share_height: peer.share_height,
        share_lag: peer.share_height.map(|theirs| height.saturating_sub(theirs)),
        connected_secs: peer.connected.as_secs(),
        shares_first: peer.shares_first,
        shares_late: peer.shares_late,
    }
}

/// The node's place in the network.
#[utoipa::path(get, path = "/network", tag = "network", responses((status = 200, body = NetworkSummary), Refusals))]
pub(super) async fn network(State(api): State<ApiState>, _: Params<NoParams>) -> Json<NetworkSummary> {
    let view = api.peers.borrow().clone();
    let inbound = view.peers.iter().filter(|peer| peer.direction == Direction::Inbound).count();
    let unknown = || "-".to_owned();
    Json(NetworkSummary {
        inbound,
        outbound: view.peers.len() - inbound,
        transports: count(view.peers.iter().map(|peer| peer.transport.as_str().to_owned())),
        regions: count(
            view.peers.iter().map(|peer| peer.region.map_or_else(unknown, |(region, _)| region.to_string())),
        ),
        asns: count(view.peers.iter().map(|peer| peer.registration.asn.map_or_else(unknown, |asn| asn.to_string()))),
        listen: view.listen.iter().map(ToString::to_string).collect(),
        external: view.external.iter().map(ToString::to_string).collect(),
        reachable: view.reachability.is_reachable(),
        dialled_back: view.reachability.reached,
        dial_back_failed: view.reachability.failed,
        share_height: api.chain.borrow().tip.height,
        bans: view.bans.list(unix_now()).count(),
        alarm: view.alarm.clone(),
    })
}

/// The most frequent first.
fn count(names: impl Iterator<Item = String>) -> Vec<Count> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    let mut counts: Vec<Count> = counts.into_iter().map(|(name, count)| Count { name, count }).collect();
    counts.sort_by_key(|entry| std::cmp::Reverse(entry.count));
    counts
}

/// Who may not connect, and why.
#[utoipa::path(get, path = "/peers/bans", tag = "network", params(Paged), responses((status = 200, body = List<BanEntry>), Refusals))]
pub(super) async fn bans(
    State(api): State<ApiState>,
    _: Operators,
    Params(asked): Params<Paged>,
) -> Result<Json<List<BanEntry>>, Failure> {
    let (view, now) = (api.peers.borrow().clone(), unix_now());
    let bans: Vec<_> = view.bans.list(now).collect();
    Ok(Json(asked.page()?.of(&bans, |(banned, ban)| BanEntry {
        subject: banned.to_string(),
        until: ban.until,
        secs_left: ban.until.saturating_sub(now),
        reason: ban.reason.clone(),
    })))
}

/// An order about a peer: ban, unban, add, drop or ping. Needs the cookie.
#[utoipa::path(
    post, path = "/peers/{order}", tag = "network",
    params(("order" = String, Path, description = "ban, unban, add, drop or ping", pattern = "^(ban|unban|add|drop|ping)$")),
    request_body = PeerOrderBody,
    responses(
        (status = 200, body = PeerOrderResult),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "It cannot be done"),
        OrderRefusals,
    ),
    security(("bearer" = [])),
)]
pub(super) async fn order(
    State(api): State<ApiState>,
    Named(order): Named<String>,
    _: Params<NoParams>,
    headers: HeaderMap,
    Body(body): Body<PeerOrderBody>,
) -> Result<Json<PeerOrderResult>, Failure> {
    if !api.access.cookie.allows(&headers) {
        return Err(not_allowed());
    }
    let done = |done| PeerOrderResult { done, rtt_ms: None };
    let result = match order.as_str() {
        "ban" => {
            let (banned, secs) = (banned(&body)?, body.secs.unwrap_or(BAN_SECS));
            ask(&api, |reply| PeerOrder::Ban { banned, secs, reply }).await.map(|()| done(true))
        }
        "unban" => {
            let banned = banned(&body)?;
            ask(&api, |reply| PeerOrder::Unban { banned, reply }).await.map(done)
        }
        "add" => {
            let address = body.subject.parse().ok().filter(|address: &Multiaddr| !address.is_empty());
            let address = address.ok_or_else(|| malformed("give a multiaddress like /ip4/203.0.113.7/tcp/23333"))?;
            let dialled = ask(&api, |reply| PeerOrder::Add { address, reply }).await?;
            dialled.map(|()| done(true)).map_err(|cause| problem(StatusCode::CONFLICT, "cannot dial", cause))
        }
        "drop" => {
            let peer = peer(&body)?;
            ask(&api, |reply| PeerOrder::Drop { peer, reply }).await.map(done)
        }
        "ping" => {
            let peer = peer(&body)?;
            let rtt = ask(&api, |reply| PeerOrder::Ping { peer, reply }).await?;
            let rtt_ms = rtt.map(|rtt| rtt.as_secs_f64() * 1_000.0);
            Ok(PeerOrderResult { done: rtt_ms.is_some(), rtt_ms })
        }
        _ => Err(problem(StatusCode::NOT_FOUND, "unknown order", "there are ban, unban, add, drop and ping")),
    };
    result.map(Json)
}

fn malformed(detail: &str) -> Failure {
    problem(StatusCode::BAD_REQUEST, "malformed subject", detail)
}

fn banned(body: &PeerOrderBody) -> Result<Banned, Failure> {
    body.subject.parse().map_err(|_| malformed("give a peer id (12D3Koo...) or an IP address"))
}

fn peer(body: &PeerOrderBody) -> Result<PeerId, Failure> {
    body.subject.parse().map_err(|_| malformed("give a peer id (12D3Koo...)"))
}

async fn ask<T>(api: &ApiState, order: impl FnOnce(oneshot::Sender<T>) -> PeerOrder) -> Result<T, Failure> {
    let (reply, answer) = oneshot::channel();
    api.p2p.send(P2pCommand::Order(order(reply))).await;
    timeout(QUERY_TIMEOUT, answer).await.ok().and_then(Result::ok).ok_or_else(stopping)
}
