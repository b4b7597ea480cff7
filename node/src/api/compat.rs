//! Answers in the shapes of other pool software, so that its dashboards and scripts work with this node: Miningcore's REST API and
//! the local API of Monero's P2Pool. Read-only, and nothing here is more than a view of what `/api/v1` tells.
//!
//! Their traps are not copied: the number of pages is rounded up, numbers are numbers, errors are JSON. Nobody holds miners' money
//! here, so pending balances are always zero; what the next block would pay is told beside them.

use std::future::ready;

use axum::{Router, http::StatusCode, routing::get};
use serde::Deserialize;

use super::{
    ApiState,
    problem::{Failure, problem},
};
use crate::blocks::{PoolBlock, PoolBlockStatus};

mod miningcore;
mod miningcore_shapes;
mod p2pool;

/// Elements of a page when nothing is asked for, as in Miningcore.
const PAGE_SIZE_DEFAULT: usize = 15;
/// Most elements of a page. Stops one question from costing much.
const PAGE_SIZE_MAX: usize = 100;

/// Every route; other software asks with parameters that mean nothing here, so unknown ones are passed over.
pub(super) fn router() -> Router<ApiState> {
    Router::new()
        .route("/api/pools", get(miningcore::pools))
        .route("/api/pools/{id}", get(miningcore::pool))
        .route("/api/pools/{id}/performance", get(miningcore::performance))
        .route("/api/pools/{id}/miners", get(miningcore::miners))
        .route("/api/pools/{id}/blocks", get(miningcore::blocks))
        .route("/api/pools/{id}/miners/{address}", get(miningcore::miner))
        .route("/api/pools/{id}/miners/{address}/payments", get(miningcore::payments))
        .route("/api/v2/pools/{id}/miners", get(miningcore::miners_v2))
        .route("/api/v2/pools/{id}/blocks", get(miningcore::blocks_v2))
        .route("/api/v2/pools/{id}/miners/{address}/payments", get(miningcore::payments_v2))
        .route("/api/blocks", get(miningcore::cluster_blocks))
        .route("/api/health-check", get(|| ready("👍")))
        .route("/network/stats", get(p2pool::network_stats))
        .route("/pool/stats", get(p2pool::pool_stats))
        .route("/pool/blocks", get(p2pool::pool_blocks))
        .route("/local/stratum", get(p2pool::local_stratum))
        .route("/local/p2p", get(p2pool::local_p2p))
}

/// Which part of a list; the first page is 0.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Part {
    page: Option<usize>,
    page_size: Option<usize>,
    /// For blocks: `pending`, `confirmed` or `orphaned`.
    state: Option<String>,
}

impl Part {
    fn size(&self) -> usize {
        self.page_size.unwrap_or(PAGE_SIZE_DEFAULT).clamp(1, PAGE_SIZE_MAX)
    }

    /// The elements of the page, and how many pages there are.
    fn of<'a, T>(&self, items: &'a [T]) -> (&'a [T], usize) {
        let from = self.page.unwrap_or_default().saturating_mul(self.size()).min(items.len());
        let end = from.saturating_add(self.size()).min(items.len());
        (items.get(from..end).unwrap_or_default(), items.len().div_ceil(self.size()))
    }
}

/// There is one pool, named like its chain.
fn check_pool(api: &ApiState, id: &str) -> Result<(), Failure> {
    let unknown = || problem(StatusCode::NOT_FOUND, "unknown pool", format!("the pool here is {}", api.profile.name));
    if id == api.profile.name { Ok(()) } else { Err(unknown()) }
}

/// What became of a block in the three words of other software.
const fn state_of(block: &PoolBlock) -> &'static str {
    match &block.status {
        PoolBlockStatus::Found | PoolBlockStatus::Submitted | PoolBlockStatus::Confirmed(_) => "pending",
        PoolBlockStatus::Matured(_) => "confirmed",
        PoolBlockStatus::Refused(_) | PoolBlockStatus::Orphaned => "orphaned",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_is_counted() {
        let items: Vec<u32> = (0..31).collect();
        let of = |page, page_size| Part { page, page_size, state: None }.of(&items).1;
        assert_eq!((of(None, None), of(None, Some(31)), of(None, Some(30)), of(None, Some(0))), (3, 1, 2, 31));
        let last = Part { page: Some(2), ..Part::default() };
        assert_eq!(last.of(&items).0, [30]);
        assert!(Part { page: Some(usize::MAX), ..Part::default() }.of(&items).0.is_empty());
        assert_eq!(Part::default().of::<u32>(&[]).1, 0);
    }
}
