//! The routes: read, convert, answer.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use sharechain::{Amount, ParentWork, PayoutScript, ShareId, chain, payout, sync::SyncState, upgrade::UpgradeState};
use tokio::{sync::oneshot, time::timeout};

use super::{
    ApiState,
    dto::{
        Block, Daemon, Health, List, NextPayouts, Parent, Payout, Problem, RivalBranch, ShareDetail, Status, Submits,
        Upgrade, Weight, Worker,
    },
};
use crate::{
    blocks::PoolBlockStatus,
    chain_task::{ChainInput, ChainQuery},
    defaults::QUERY_TIMEOUT,
    parent::{ParentHealth, ParentState, choice::Standing},
    problems::{parent_problem, problems},
    work::usual_terms,
};

pub(super) type Failure = (StatusCode, Json<Problem>);

pub(super) fn problem(status: StatusCode, title: &str, detail: &str) -> Failure {
    let problem = Problem { title: title.to_owned(), status: status.as_u16(), detail: detail.to_owned() };
    (status, Json(problem))
}

pub(super) fn unknown_host() -> Failure {
    problem(StatusCode::FORBIDDEN, "unknown host", "ask under a loopback address or localhost")
}

pub(super) async fn status(State(api): State<ApiState>) -> Json<Status> {
    let chain = api.chain.borrow().clone();
    let parent = api.parent.borrow().clone();
    let (miners, peers) = (api.stratum.snapshot(), api.peers.borrow().clone());
    let (sync_state, sync_target_height) = match chain.sync {
        SyncState::Synced => ("synced", None),
        SyncState::Behind { height } => ("behind", Some(height)),
        SyncState::Alone => ("alone", None),
    };
    let context = chain.context.as_deref();
    let base_work = context.and_then(|context| context.base_bits.to_target()).and_then(|target| target.work());
    Json(Status {
        network: api.profile.name.clone(),
        share_chain: api.profile.params.id().to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        peer_id: api.peer_id.clone(),
        cookie_file: api.cookie.path().display().to_string(),
        region: api.region.map(|region| region.to_string()),
        uptime_secs: api.started.elapsed().as_secs(),
        // A node that waits for nobody has nobody to catch up with.
        synced: chain.sync == SyncState::Synced || (chain.sync == SyncState::Alone && chain.may_mine),
        sync_state: sync_state.to_owned(),
        sync_target_height,
        sync_shares_per_sec: chain.progress.map(|progress| progress.shares_per_sec),
        sync_secs_left: chain.progress.and_then(|progress| progress.secs_left),
        mining: chain.may_mine && parent.is_fresh(),
        share_height: chain.tip.height,
        share_tip: chain.tip.id.to_string(),
        total_work: chain.tip.total_work.hashes(),
        window_shares: context.map_or(0, |context| context.weights.shares()),
        shares: chain.shares,
        shares_waiting: chain.waiting,
        shares_held_back: chain.held_back,
        rival_branches: chain.rivals.iter().map(rival_dto).collect(),
        upgrades: chain.upgrades.iter().filter_map(|(bit, state)| upgrade_dto(*bit, *state)).collect(),
        shares_gossiped: chain.gossiped,
        base_work: base_work.map_or(0, |work| work.hashes()),
        share_interval_ms: api.profile.params.raw().share_interval_ms,
        peers: peers.peers.len(),
        p2p_listen: peers.listen.iter().map(ToString::to_string).collect(),
        stratum_url: stratum_url(api.endpoint.address),
        stratum_v2_url: api.endpoint.v2_url.clone(),
        fee_basis_points: api.endpoint.fee.map_or(0, |fee| fee.basis_points),
        fee_address: api.endpoint.fee.and_then(|fee| address(&api, &fee.script)),
        banned_addresses: miners.banned,
        miners: miners.miners.len(),
        hashrate: miners.hashrate,
        submits: Submits { accepted: miners.accepted, stale: miners.stale, rejected: miners.rejected },
        parent: parent_dto(&parent),
        blocks_found: api.blocks.borrow().confirmed,
    })
}

fn rival_dto(rival: &chain::RivalBranch) -> RivalBranch {
    RivalBranch {
        tip: rival.tip.to_string(),
        fork_height: rival.fork_height,
        work: rival.work.hashes(),
        our_work: rival.our_work.hashes(),
        adopted_at_height: rival.adopted_at,
    }
}

fn upgrade_dto(bit: usize, state: UpgradeState) -> Option<Upgrade> {
    let state = match state {
        UpgradeState::Quiet => return None,
        UpgradeState::Signalled { .. } => "signalled",
        UpgradeState::LockedIn { .. } => "locked_in",
        UpgradeState::Active => "active",
    };
    Some(Upgrade { bit, state: state.to_owned() })
}

/// 200 when miners get work, 206 while syncing, 503 when something is wrong.
pub(super) async fn health(State(api): State<ApiState>) -> Response {
    let chain = api.chain.borrow().clone();
    let parent = api.parent.borrow().clone();
    let problems = problems(&chain, &parent);
    let (code, status) = match (problems.is_empty(), chain.may_mine) {
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "unhealthy"),
        (true, false) => (StatusCode::PARTIAL_CONTENT, "syncing"),
        (true, true) => (StatusCode::OK, "ready"),
    };
    (code, Json(Health { status: status.to_owned(), problems })).into_response()
}

pub(super) async fn workers(State(api): State<ApiState>) -> Json<List<Worker>> {
    let miners = api.stratum.snapshot();
    let list = miners.miners.iter().map(|miner| Worker {
        address: address(&api, &miner.script).unwrap_or_default(),
        worker: miner.worker.clone(),
        agent: miner.agent.clone(),
        hashrate: miner.hashrate,
        connected_secs: miner.connected_secs,
        submits: Submits { accepted: miner.accepted, stale: miner.stale, rejected: miner.rejected },
    });
    Json(List::new(list.collect()))
}

pub(super) async fn blocks(State(api): State<ApiState>) -> Json<List<Block>> {
    let blocks = api.blocks.borrow().clone();
    let list = blocks.blocks.iter().map(|block| {
        let (status, confirmations, reason) = match &block.status {
            PoolBlockStatus::Found => ("found", None, None),
            PoolBlockStatus::Submitted => ("submitted", None, None),
            PoolBlockStatus::Refused(reason) => ("refused", None, Some(reason.clone())),
            PoolBlockStatus::Confirmed(confirmations) => ("confirmed", Some(*confirmations), None),
            PoolBlockStatus::Matured(confirmations) => ("matured", Some(*confirmations), None),
            PoolBlockStatus::Orphaned => ("orphaned", None, None),
        };
        Block {
            hash: block.hash.to_string(),
            height: block.height,
            coinbase_value: block.coinbase_value,
            own: block.own,
            found_at: block.found_at,
            status: status.to_owned(),
            confirmations,
            reason,
        }
    });
    Json(List::new(list.collect()))
}

pub(super) async fn payouts(State(api): State<ApiState>) -> Result<Json<NextPayouts>, Failure> {
    let chain = api.chain.borrow().clone();
    let context = chain.context.as_deref().ok_or_else(stopping)?;
    let weights = &context.weights;
    let work = api.parent.borrow().template.as_ref().map(|template| template.work.clone());
    let split = |work: &ParentWork| {
        let data = context.share_data(work, &usual_terms(&api.profile.params, context))?;
        Some(context.payouts(&api.profile.params, &data, work.prev_block))
    };
    let shared = work.as_ref().filter(|_| !weights.is_empty()).and_then(split).unwrap_or_default();
    let list = weights.entries().iter().map(|(script, work)| Weight {
        script: script.to_string(),
        address: address(&api, script),
        work: work.hashes(),
    });
    Ok(Json(NextPayouts {
        payout_share: context.payout_share.to_string(),
        window_shares: weights.shares(),
        window_work: weights.total().hashes(),
        weights: list.collect(),
        coinbase_value: work.map(|work| work.coinbase_value.units()),
        payouts: payout_dtos(&api, &shared),
    }))
}

pub(super) async fn share(State(api): State<ApiState>, Path(id): Path<String>) -> Result<Json<ShareDetail>, Failure> {
    let malformed = |_| problem(StatusCode::BAD_REQUEST, "not a share id", "a share id is 64 hexadecimal digits");
    let id: ShareId = id.parse().map_err(malformed)?;
    let unknown = || problem(StatusCode::NOT_FOUND, "unknown share", "this node has no share with this id");
    let stored = api.store.read(vec![id]).await.map_err(|_| stopping())?;
    let stored = stored.into_iter().next().flatten().ok_or_else(unknown)?;
    let checked = stored.to_share(&api.profile.params).ok_or_else(unknown)?;
    let asked = Box::new(checked.clone());
    let paid = ask(&api, |reply| ChainQuery::Payouts { share: asked, reply }).await?.ok_or_else(unknown)?;
    let (header, data) = (checked.share().header, &checked.share().data);
    Ok(Json(ShareDetail {
        id: id.to_string(),
        parent: data.parent.to_string(),
        uncles: data.uncles.iter().map(ToString::to_string).collect(),
        height: data.height,
        count: data.count,
        total_work: data.total_work.hashes(),
        work: checked.work().hashes(),
        time: header.time,
        payout_script: data.payout_script.to_string(),
        payout_address: address(&api, &data.payout_script),
        prev_block: header.prev_block.to_string(),
        block_height: data.block_height,
        coinbase_value: data.coinbase_value.units(),
        is_block: checked.is_block(),
        linked_at: stored.linked_at,
        payouts: payout_dtos(&api, &paid),
    }))
}

async fn ask<T>(api: &ApiState, query: impl FnOnce(oneshot::Sender<T>) -> ChainQuery) -> Result<T, Failure> {
    let (reply, answer) = oneshot::channel();
    let exchange = async {
        api.queries.send(ChainInput::Query(query(reply))).await.ok()?;
        answer.await.ok()
    };
    timeout(QUERY_TIMEOUT, exchange).await.ok().flatten().ok_or_else(stopping)
}

pub(super) fn stopping() -> Failure {
    problem(StatusCode::SERVICE_UNAVAILABLE, "busy", "the node is stopping or overloaded; try again")
}

fn address(api: &ApiState, script: &PayoutScript) -> Option<String> {
    api.profile.addresses.format(script)
}

fn payout_dtos(api: &ApiState, payouts: &[payout::Payout]) -> Vec<Payout> {
    let dto = |payout: &payout::Payout| Payout {
        script: payout.script.to_string(),
        address: address(api, &payout.script),
        amount: Amount::units(payout.amount),
    };
    payouts.iter().map(dto).collect()
}

fn parent_dto(parent: &ParentState) -> Parent {
    let tip = parent.tip();
    let (ready, problem) = (parent.health == ParentHealth::Ready, parent_problem(&parent.health));
    let daemons = parent.daemons.iter().enumerate().map(|(index, daemon)| {
        let (ready, problem) = (daemon.health == ParentHealth::Ready, parent_problem(&daemon.health));
        Daemon {
            url: daemon.url.to_string(),
            chosen: index == parent.chosen && parent.health == ParentHealth::Ready,
            ready,
            problem,
            height: daemon.tip.map(|(_, height)| height),
            standing: match daemon.standing {
                Standing::Well => "well",
                Standing::Behind(_) => "behind",
                Standing::Disagrees => "disagrees",
            }
            .to_owned(),
        }
    });
    Parent {
        height: tip.map(|(_, height)| height),
        tip: tip.map(|(hash, _)| hash.to_string()),
        ready,
        problem,
        daemons: daemons.collect(),
    }
}

/// What to type into a miner: an address that other machines can reach when the listener takes them.
pub(crate) fn stratum_url(listen: SocketAddr) -> String {
    let reachable = listen.ip().is_unspecified().then(lan_address).flatten();
    let ip = reachable.unwrap_or_else(|| listen.ip());
    format!("stratum+tcp://{}", SocketAddr::new(ip, listen.port()))
}

/// This machine's address on its network, as the routing table knows it; nothing is sent.
fn lan_address() -> Option<std::net::IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}
