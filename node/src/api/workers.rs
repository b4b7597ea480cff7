//! Miners of this node.

use axum::{Json, extract::State};

use super::{
    ApiState,
    dto::{List, Submits, Worker},
    page::Paged,
    problem::{Failure, Refusals},
    request::Params,
};

/// Workers that are connected to this node.
#[utoipa::path(get, path = "/workers", tag = "miners", params(Paged), responses((status = 200, body = List<Worker>), Refusals))]
pub(super) async fn workers(
    State(api): State<ApiState>,
    Params(asked): Params<Paged>,
) -> Result<Json<List<Worker>>, Failure> {
    let miners = api.stratum.snapshot();
    Ok(Json(asked.page()?.of(&miners.miners, |miner| Worker {
        address: api.address(&miner.script).unwrap_or_default(),
        worker: miner.worker.clone(),
        agent: miner.agent.clone(),
        hashrate: miner.hashrate,
        connected_secs: miner.connected_secs,
        submits: Submits { accepted: miner.accepted, stale: miner.stale, rejected: miner.rejected },
    })))
}
