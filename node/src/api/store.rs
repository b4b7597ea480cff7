//! The share store as it is, page by page, for a backup of a running node.

use axum::{Json, extract::State};
use serde::Deserialize;
use tokio::time::timeout;

use super::{
    ApiState,
    dto::{StoreMarks, StorePage},
    problem::{Failure, Refusals, stopping},
    request::{Exact, Params, Within},
    viewer::Operators,
};
use crate::defaults::QUERY_TIMEOUT;

/// Which part.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Where to go on: `next` of the page before.
    #[param(inline, nullable = false)]
    after: Option<Exact>,
}

/// The share store, 500 records at a time in order of appending: what `poolnode db backup` reads.
#[utoipa::path(get, path = "/store", tag = "node", params(Asked), responses((status = 200, body = StorePage), Refusals))]
pub(super) async fn page(
    State(api): State<ApiState>,
    _: Operators,
    Params(asked): Params<Asked>,
) -> Result<Json<StorePage>, Failure> {
    let read = api.store.page(asked.after.map(|Within(after)| after));
    let (page, marks) = timeout(QUERY_TIMEOUT, read).await.ok().and_then(Result::ok).ok_or_else(stopping)?;
    Ok(Json(StorePage {
        shares: api.chain.borrow().shares,
        records: page.shares.iter().map(|share| hex::encode(share.encode())).collect(),
        damaged: page.damaged,
        next: page.next,
        marks: marks.map(|marks| StoreMarks { first: marks.first.to_string(), tip: marks.tip.to_string() }),
    }))
}
