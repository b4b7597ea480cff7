//! Shares of the share chain: lists, a slice of the DAG, one share.

use std::{collections::BTreeSet, sync::Arc};

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use sharechain::{PayoutScript, ShareId, chain::ShareView};

use super::{
    ApiState,
    dto::{DagShare, List, ShareDetail, ShareEntry},
    page::Page,
    payouts::payout_dtos,
    problem::{Failure, Refusals, problem, stopping},
    request::{Exact, Named, NoParams, Params, Within},
    viewer::Viewer,
};
use crate::chain_task::{ChainQuery, ShownShares};

/// Heights of a slice when nothing is asked for.
const HEIGHTS_DEFAULT: u64 = 60;
/// Most heights of a slice. Stops one question from costing the chain task more than a millisecond.
const HEIGHTS_MAX: u64 = 200;

/// Which shares.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only those that are credited to this address, whether they are merged yet or not.
    #[param(nullable = false)]
    address: Option<String>,
    /// Only those that miners of this node found since it was started.
    #[param(nullable = false)]
    own: Option<bool>,
    /// Most elements.
    #[param(minimum = 1, maximum = 1000, default = 100, nullable = false)]
    limit: Option<usize>,
    /// Where to go on: `meta.next` of the page before.
    #[param(nullable = false, pattern = "^[0-9]{1,19}$")]
    cursor: Option<String>,
}

/// Shares, the newest first: those that the best chain has merged, in its order, or all of one address.
#[utoipa::path(get, path = "/shares", tag = "chain", params(Wanted), responses(
    (status = 200, body = List<ShareEntry>),
    Refusals,
))]
pub(super) async fn list(
    State(api): State<ApiState>,
    viewer: Viewer,
    Params(wanted): Params<Wanted>,
) -> Result<Json<List<ShareEntry>>, Failure> {
    let Page { limit: len_max, from: below } = Page::new(wanted.limit, wanted.cursor.as_deref())?;
    let script = wanted.address.map(|address| script_of(&api, &address)).transpose()?;
    let ShownShares { page, workers } = match (script, wanted.own.unwrap_or_default()) {
        (Some(_), true) => {
            let detail = "ask for the shares of an address, or for those of this node";
            return Err(problem(StatusCode::BAD_REQUEST, "bad query", detail));
        }
        (Some(script), false) => api.ask(|reply| ChainQuery::SharesOf { script, below, len_max, reply }).await?,
        (None, true) => api.ask(|reply| ChainQuery::OwnShares { below, len_max, reply }).await?,
        (None, false) => api.ask(|reply| ChainQuery::NewestShares { below, len_max, reply }).await?,
    };
    let blocks = block_ids(&api);
    let entry = |(share, worker): (&ShareView, Option<Arc<str>>)| ShareEntry {
        id: share.id.to_string(),
        height: share.height,
        time: share.time,
        work_hashes: share.work.hashes(),
        address: viewer.address(&api, &share.script),
        worker: worker.filter(|_| viewer == Viewer::Operator).map(|worker| worker.to_string()),
        is_uncle: !share.is_selected,
        merged_by: share.merged_by.map(|id| id.to_string()),
        is_block: blocks.contains(&share.id),
    };
    let total = usize::try_from(page.total).unwrap_or(usize::MAX);
    Ok(Json(List::page(
        page.shares.iter().zip(workers).map(entry).collect(),
        total,
        page.next.map(|next| next.to_string()),
    )))
}

/// Which part of the DAG.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Slice {
    /// How many heights.
    #[param(minimum = 1, maximum = 200, default = 60, nullable = false)]
    heights: Option<u64>,
    /// The highest; the tip's when it is not given.
    #[param(inline, nullable = false)]
    to: Option<Exact>,
}

/// A part of the share chain with everything that was merged there, and what nothing has merged yet; the oldest first.
#[utoipa::path(get, path = "/shares/dag", tag = "chain", params(Slice), responses(
    (status = 200, body = List<DagShare>),
    Refusals,
))]
pub(super) async fn dag(
    State(api): State<ApiState>,
    viewer: Viewer,
    Params(Slice { heights, to }): Params<Slice>,
) -> Result<Json<List<DagShare>>, Failure> {
    let heights = heights.unwrap_or(HEIGHTS_DEFAULT);
    if !(1..=HEIGHTS_MAX).contains(&heights) {
        let detail = format!("heights must be 1 to {HEIGHTS_MAX}");
        return Err(problem(StatusCode::BAD_REQUEST, "bad heights", detail));
    }
    let to = to.map(|Within(to)| to);
    let shares = api.ask(|reply| ChainQuery::Slice { to, heights, reply }).await?;
    let blocks = block_ids(&api);
    let dto = |share: &ShareView| DagShare {
        id: share.id.to_string(),
        parent: share.parent.map(|id| id.to_string()),
        uncles: share.uncles.iter().map(ToString::to_string).collect(),
        height: share.height,
        time: share.time,
        work_hashes: share.work.hashes(),
        address: viewer.address(&api, &share.script),
        selected: share.is_selected,
        is_block: blocks.contains(&share.id),
    };
    Ok(Json(List::new(shares.iter().map(dto).collect())))
}

/// One share, and whom its coinbase has to pay.
#[utoipa::path(get, path = "/shares/{id}", tag = "chain",
    params(("id" = String, Path, description = "A share id: 64 hexadecimal digits", pattern = "^[0-9a-f]{64}$")),
    responses((status = 200, body = ShareDetail), Refusals),
)]
pub(super) async fn share(
    State(api): State<ApiState>,
    viewer: Viewer,
    Named(id): Named<String>,
    _: Params<NoParams>,
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
        payout_script: viewer.text(data.payout_script.to_string()),
        payout_address: viewer.address(&api, &data.payout_script),
        prev_block: header.prev_block.to_string(),
        block_height: data.block_height,
        coinbase_value: data.coinbase_value.units(),
        is_block: checked.is_block(),
        linked_at: stored.linked_at,
        payouts: payout_dtos(&api, viewer, &paid),
    }))
}

/// The script of an address of this chain.
pub(super) fn script_of(api: &ApiState, address: &str) -> Result<PayoutScript, Failure> {
    let refused = |cause: stratum::address::AddressError| {
        let detail = format!("{cause}; give a payout address of {}", api.profile.name);
        problem(StatusCode::BAD_REQUEST, "bad address", detail)
    };
    api.profile.addresses.parse(address).map_err(refused)
}

/// Shares that are blocks the node remembers.
fn block_ids(api: &ApiState) -> BTreeSet<ShareId> {
    api.blocks.borrow().blocks.iter().map(|block| block.hash.into()).collect()
}
