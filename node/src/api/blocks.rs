//! Blocks of the pool.

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;

use super::{
    ApiState,
    digest::BlockFacts,
    dto::{Block, List},
    page::Page,
    problem::{Failure, Refusals, problem},
    request::Params,
};
use crate::blocks::{PoolBlock, PoolBlockStatus};

/// What may become of a block.
const STATES: [&str; 6] = ["found", "submitted", "refused", "confirmed", "matured", "orphaned"];

/// Which blocks.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only those of this status: `found`, `submitted`, `refused`, `confirmed`, `matured` or `orphaned`.
    #[param(nullable = false, pattern = "^(found|submitted|refused|confirmed|matured|orphaned)$")]
    state: Option<String>,
    /// Most elements.
    #[param(minimum = 1, maximum = 1000, default = 100, nullable = false)]
    limit: Option<usize>,
    /// Where to go on: `meta.next` of the page before.
    #[param(nullable = false, pattern = "^[0-9]{1,19}$")]
    cursor: Option<String>,
}

/// Blocks of the pool, the highest first.
#[utoipa::path(get, path = "/blocks", tag = "chain", params(Wanted), responses(
    (status = 200, body = List<Block>),
    Refusals,
))]
pub(super) async fn blocks(
    State(api): State<ApiState>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<List<Block>>, Failure> {
    let page = Page::new(wanted.limit, wanted.cursor.as_deref())?;
    if wanted.state.as_deref().is_some_and(|state| !STATES.contains(&state)) {
        return Err(problem(StatusCode::BAD_REQUEST, "bad state", format!("a state is one of {}", STATES.join(", "))));
    }
    let (view, facts) = (api.blocks.borrow().clone(), api.digest.borrow().facts.clone());
    let is_wanted = |block: &&PoolBlock| wanted.state.as_deref().is_none_or(|state| block.status.as_str() == state);
    let blocks: Vec<&PoolBlock> = view.blocks.iter().filter(is_wanted).collect();
    Ok(Json(page.of(&blocks, |block| block_dto(block, facts.get(&block.hash)))))
}

fn block_dto(block: &PoolBlock, facts: Option<&BlockFacts>) -> Block {
    let (confirmations, reason) = match &block.status {
        PoolBlockStatus::Confirmed(confirmations) | PoolBlockStatus::Matured(confirmations) => {
            (Some(*confirmations), None)
        }
        PoolBlockStatus::Refused(reason) => (None, Some(reason.clone())),
        PoolBlockStatus::Found | PoolBlockStatus::Submitted | PoolBlockStatus::Orphaned => (None, None),
    };
    Block {
        hash: block.hash.to_string(),
        height: block.height,
        coinbase_value: block.coinbase_value,
        own: block.own,
        found_at: block.found_at,
        status: block.status.as_str().to_owned(),
        confirmations,
        reason,
        effort_percent: facts.and_then(|facts| facts.effort).map(|effort| effort * 100.0),
        payouts_count: facts.and_then(|facts| facts.payouts_count),
    }
}
