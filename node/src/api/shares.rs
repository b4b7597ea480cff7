//! Shares of the share chain.

use axum::{Json, extract::State, http::StatusCode};
use sharechain::ShareId;

use super::{
    ApiState,
    dto::ShareDetail,
    payouts::payout_dtos,
    problem::{Failure, Refusals, problem, stopping},
    request::{Named, None, Params},
};
use crate::chain_task::ChainQuery;

/// One share, and whom its coinbase has to pay.
#[utoipa::path(get, path = "/shares/{id}", tag = "chain", params(("id" = String, Path, description = "A share id: 64 hexadecimal digits")), responses((status = 200, body = ShareDetail), Refusals))]
pub(super) async fn share(
    State(api): State<ApiState>,
    Named(id): Named<String>,
    _: Params<None>,
) -> Result<Json<ShareDetail>, Failure> {
    let malformed = |_| problem(StatusCode::BAD_REQUEST, "not a share id", "a share id is 64 hexadecimal digits");
    let id: ShareId = id.parse().map_err(malformed)?;
    let unknown = || problem(StatusCode::NOT_FOUND, "unknown share", "this node has no share with this id");
    let stored = api.store.read(vec![id]).await.map_err(|_| stopping())?;
    let stored = stored.into_iter().next().flatten().ok_or_else(unknown)?;
    let checked = stored.to_share(&api.profile.params).ok_or_else(unknown)?;
    let asked = Box::new(checked.clone());
    let paid = api.ask(|reply| ChainQuery::Payouts { share: asked, reply }).await?.ok_or_else(unknown)?;
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
        payout_address: api.address(&data.payout_script),
        prev_block: header.prev_block.to_string(),
        block_height: data.block_height,
        coinbase_value: data.coinbase_value.units(),
        is_block: checked.is_block(),
        linked_at: stored.linked_at,
        payouts: payout_dtos(&api, &paid),
    }))
}
