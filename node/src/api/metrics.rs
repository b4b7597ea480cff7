//! `GET /metrics` and `/metrics/workers`, for Prometheus.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use sharechain::PayoutScript;
use stratum::server::StratumSnapshot;

use super::{
    ApiState, coin,
    problem::{Failure, problem},
    status,
    viewer::Operators,
};
use crate::{
    chain_task::ChainView,
    clock::unix_now,
    metrics::{CONTENT_TYPE as OPEN_METRICS, Meters, Process, Seen, encode, families, workers},
    parent::Daemons,
};

/// What metrics read besides what the API reads.
#[derive(Clone, Debug)]
pub struct MetricsState {
    /// What only metrics want to know.
    pub meters: Arc<Meters>,
    /// Whose calls are timed.
    pub daemons: Daemons,
    /// The folder of the share store.
    pub shares: Arc<Path>,
    /// Whether single workers have series.
    pub per_worker: bool,
}

/// Where Prometheus looks for them: beside the API, and for the operator alone.
pub(super) fn router() -> Router<ApiState> {
    Router::new().route("/metrics", get(node)).route("/metrics/workers", get(of_workers))
}

async fn node(State(api): State<ApiState>, _: Operators) -> Response {
    let MetricsState { meters, daemons, shares, .. } = &api.metrics;
    let (chain, parent) = (api.chain.borrow().clone(), api.parent.borrow().clone());
    let (miners, peers, blocks) = (api.stratum.snapshot(), api.peers.borrow().clone(), api.blocks.borrow().clone());
    let (shares, health) = (shares.clone(), api.health.borrow().clone());
    // Files are looked at where waiting for them keeps nobody.
    let db_bytes = tokio::task::spawn_blocking(move || folder_bytes(&shares)).await.ok().flatten();
    let started_at = unix_now().saturating_sub(api.started.elapsed().as_secs());
    let seen = Seen {
        lane: &api.lane().name,
        network: &api.profile.name,
        algorithm: api.profile.params.parent().pow,
        payout_estimate_coins: payout_estimate(&api, &miners),
        round_work: round_work(&api, &chain),
        chain: &chain,
        parent: &parent,
        miners: &miners,
        timings: api.stratum.timings(),
        peers: &peers,
        blocks: &blocks,
        meters,
        rpc: daemons.calls(),
        subscribers: api.events.subscribers(),
        db_bytes,
        components: &health.components,
        process: Process::now(started_at),
    };
    page(encode(families(&seen)))
}

async fn of_workers(State(api): State<ApiState>, _: Operators) -> Result<Response, Failure> {
    if !api.metrics.per_worker {
        let detail = "metrics of single workers are off; set per_worker = true in [metrics]";
        return Err(problem(StatusCode::NOT_FOUND, "not collected", detail));
    }
    let algorithm = api.profile.params.parent().pow;
    Ok(page(encode(workers(&api.stratum.snapshot(), &api.profile.addresses, algorithm))))
}

fn page(text: String) -> Response {
    ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response()
}

/// What the pool has worked since its newest block, where that is known.
fn round_work(api: &ApiState, chain: &ChainView) -> Option<u128> {
    // The work that is expected decides the effort alone.
    status::round(api, chain, 1).map(|round| round.work_hashes)
}

/// What a block found now would pay to those who mine here, in coins.
fn payout_estimate(api: &ApiState, miners: &StratumSnapshot) -> Option<f64> {
    let next = api.digest.borrow().next.clone()?;
    let own: BTreeSet<PayoutScript> = miners.miners.iter().map(|miner| miner.script).collect();
    let units = own.iter().filter_map(|script| next.amount(script));
    Some(coin::coins(units.fold(0, u64::saturating_add)))
}

/// What the files of a folder take, the folders in it included; `None` when it cannot be read.
fn folder_bytes(folder: &Path) -> Option<u64> {
    let mut sum = 0_u64;
    for entry in std::fs::read_dir(folder).ok()? {
        let entry = entry.ok()?;
        let metadata = entry.metadata().ok()?;
        let bytes = if metadata.is_dir() { folder_bytes(&entry.path()).unwrap_or_default() } else { metadata.len() };
        sum = sum.saturating_add(bytes);
    }
    Some(sum)
}
