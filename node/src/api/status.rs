//! The node at a glance, and whether it is well.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use sharechain::{chain, sync::SyncState, upgrade::UpgradeState};

use super::{
    ApiState,
    connect::stratum_url,
    dto::{Health, RivalBranch, Status, Submits, Upgrade},
    parent::parent_dto,
    problem::Refusals,
    request::{None, Params},
};
use crate::chain_task::ChainView;

/// The node at a glance.
#[utoipa::path(get, path = "/status", tag = "node", responses((status = 200, body = Status), Refusals))]
pub(super) async fn status(State(api): State<ApiState>, _: Params<None>) -> Json<Status> {
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
        fee_address: api.endpoint.fee.and_then(|fee| api.address(&fee.script)),
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

/// What the operator has to know of the share chain, one sentence each.
fn chain_problems(chain: &ChainView) -> Vec<String> {
    let follows_held = chain.follows_held.then(|| {
        "shares that this machine's clock or daemon speaks against have clearly more work than ours; hint: check the clock and \
         whether the daemon follows its network"
            .to_owned()
    });
    let rivals = chain.rivals.iter().map(|rival| {
        format!(
            "a branch with more work left the share chain at height {}, too long ago to be adopted at once; hint: if it is the \
             network's, restart with --adopt-branch {}",
            rival.fork_height, rival.tip
        )
    });
    let decided = chain.upgrades.iter().filter(|(_, state)| state.is_decided());
    let upgrades = decided.map(|(bit, _)| {
        format!("the network has agreed on rules that this version does not know (bit {bit}); hint: update poolnode")
    });
    follows_held.into_iter().chain(rivals).chain(upgrades).collect()
}

/// 200 when miners get work, 206 while syncing, 503 when something is wrong.
#[utoipa::path(get, path = "/health", tag = "node", responses(
    (status = 200, body = Health, description = "Miners get work"),
    (status = 206, body = Health, description = "The share chain is being synced"),
    (status = 503, body = Health, description = "Something is wrong"),
))]
pub(super) async fn health(State(api): State<ApiState>, _: Params<None>) -> Response {
    let chain = api.chain.borrow().clone();
    let parent = api.parent.borrow().clone();
    let mut problems = Vec::new();
    if !parent.is_fresh() {
        let problem = parent_dto(&parent).problem;
        problems.push(problem.unwrap_or_else(|| "the parent daemon gives no templates".to_owned()));
    }
    problems.extend(chain_problems(&chain));
    let (code, status) = match (problems.is_empty(), chain.may_mine) {
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "unhealthy"),
        (true, false) => (StatusCode::PARTIAL_CONTENT, "syncing"),
        (true, true) => (StatusCode::OK, "ready"),
    };
    (code, Json(Health { status: status.to_owned(), problems })).into_response()
}
