//! Blocks of the pool.

use axum::{Json, extract::State};

use super::{
    ApiState,
    dto::{Block, List},
    page::Paged,
    problem::{Failure, Refusals},
    request::Params,
};
use crate::blocks::{PoolBlock, PoolBlockStatus};

/// Blocks of the pool, the highest first.
#[utoipa::path(get, path = "/blocks", tag = "chain", params(Paged), responses((status = 200, body = List<Block>), Refusals))]
pub(super) async fn blocks(
    State(api): State<ApiState>,
    Params(asked): Params<Paged>,
) -> Result<Json<List<Block>>, Failure> {
    let blocks = api.blocks.borrow().clone();
    Ok(Json(asked.page()?.of(&blocks.blocks, block_dto)))
}

fn block_dto(block: &PoolBlock) -> Block {
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
}
