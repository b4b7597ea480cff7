//! The node at a glance, and whether it is well.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use sharechain::{chain, sync::SyncState, upgrade::UpgradeState};
use stratum::server::Intake;

use super::{
    ApiState, band,
    connect::stratum_url,
    dto::{Band, Health, PoolHashrate, RivalBranch, Round, Status, Submits, Upgrade},
    parent::{difficulty, parent_dto},
    problem::Refusals,
    request::{NoParams, Params},
    viewer::Viewer,
    workers::samples,
};
use crate::{
    chain_task::{ChainView, RecentWork},
    parent::Template,
    problems::problems,
};

/// Below so many shares nothing is said of the pool's hash rate.
const SAMPLES_MIN: usize = 2;

/// The node at a glance.
#[utoipa::path(get, path = "/status", tag = "node", responses((status = 200, body = Status), Refusals))]
pub(super) async fn status(State(api): State<ApiState>, viewer: Viewer, _: Params<NoParams>) -> Json<Status> {
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
    let block = parent.template.as_deref().and_then(Template::block_work).map(|work| work.hashes());
    let joint = band::joint_samples(miners.miners.iter().map(|miner| (miner.hashrate, samples(miner))));
    Json(Status {
        network: api.profile.name.clone(),
        share_chain: api.profile.params.id().to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        peer_id: api.peer_id.clone(),
        cookie_file: match viewer {
            Viewer::Operator => api.access.cookie.path().display().to_string(),
            Viewer::Stranger => String::new(),
        },
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
        fee_basis_points: api.stratum.fee().map_or(0, |fee| fee.basis_points),
        fee_address: api.stratum.fee().and_then(|fee| viewer.address(&api, &fee.script)),
        draining: api.stratum.intake() == Intake::Closed,
        banned_addresses: miners.banned,
        miners: miners.miners.len(),
        hashrate: miners.hashrate,
        submits: Submits { accepted: miners.accepted, stale: miners.stale, rejected: miners.rejected },
        parent: parent_dto(&parent),
        blocks_found: api.blocks.borrow().confirmed,
        coin: super::coin::of_chain(&api.profile.name),
        pool_hashrate: pool_hashrate(chain.recent_work),
        hashrate_band: band::factors(joint)
            .map(|(low, high)| Band { low: low * miners.hashrate, high: high * miners.hashrate }),
        round: block.and_then(|expected| round(&api, &chain, expected)),
        network_difficulty: parent.template.as_deref().and_then(|template| difficulty(&api, template)),
        parent_hashes_per_block: block,
    })
}

/// What the shares of the last minutes say.
pub(super) fn pool_hashrate(recent: RecentWork) -> Option<PoolHashrate> {
    let (low, high) = band::factors(recent.samples()).filter(|_| recent.shares >= SAMPLES_MIN)?;
    let rate = recent.rate();
    Some(PoolHashrate { hashes_per_sec: rate, low: low * rate, high: high * rate, samples: recent.shares })
}

/// The time since the newest block of the pool that counts; since the first share where there was none yet and nothing was
/// forgotten.
pub(super) fn round(api: &ApiState, chain: &ChainView, expected: u128) -> Option<Round> {
    let (blocks, facts) = (api.blocks.borrow().clone(), api.digest.borrow().facts.clone());
    let newest = blocks.blocks.iter().find(|block| !block.is_lost());
    let (since, work_before) = match newest {
        Some(block) => facts.get(&block.hash).map(|facts| (Some(facts.time), facts.total_work))?,
        None if chain.first_height == 0 && blocks.confirmed == 0 => (None, 0),
        None => return None,
    };
    let work = chain.tip.total_work.hashes().saturating_sub(work_before);
    #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
    let effort = work as f64 / expected.max(1) as f64;
    Some(Round {
        since,
        work_hashes: work,
        expected_hashes: expected,
        effort_percent: effort * 100.0,
        percentile: band::percentile(effort),
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

/// Whether the node does its work: 200 when miners get work, 206 while syncing or draining, 503 when something is wrong.
#[utoipa::path(get, path = "/health", tag = "node", responses(
    (status = 200, body = Health, description = "Miners get work"),
    (status = 206, body = Health, description = "The share chain is being synced, or no new miners are taken"),
    (status = 503, body = Health, description = "Something is wrong"),
))]
pub(super) async fn health(State(api): State<ApiState>, viewer: Viewer, _: Params<NoParams>) -> Response {
    let chain = api.chain.borrow().clone();
    let parent = api.parent.borrow().clone();
    let mut problems = problems(&chain, &parent);
    problems.extend(api.refused.borrow().as_ref().map(ToString::to_string));
    let (code, status) = match (problems.is_empty(), chain.may_mine, api.stratum.intake()) {
        (false, ..) => (StatusCode::SERVICE_UNAVAILABLE, "unhealthy"),
        (true, false, _) => (StatusCode::PARTIAL_CONTENT, "syncing"),
        (true, true, Intake::Closed) => {
            problems.push("draining: no new miners are taken; hint: `poolnode drain --off` ends it".to_owned());
            (StatusCode::PARTIAL_CONTENT, "draining")
        }
        (true, true, Intake::Open) => (StatusCode::OK, "ready"),
    };
    // Findings name files and daemons.
    let findings = match viewer {
        Viewer::Operator => api.diagnosis.last_bad(),
        Viewer::Stranger => Vec::new(),
    };
    (code, Json(Health { status: status.to_owned(), problems, findings })).into_response()
}
