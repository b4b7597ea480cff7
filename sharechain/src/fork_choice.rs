//! Fork choice: the most work in the past, then the smaller id. Never arrival, so every node agrees.

use std::cmp::Reverse;

use crate::{hash::ShareId, target::Work};

/// Rank of a share as a tip; the greatest one is the best.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ForkRank {
    total_work: Work,
    id: Reverse<ShareId>,
}

impl ForkRank {
    /// Ranks a share by the work in its past including its own.
    pub const fn new(total_work: Work, id: ShareId) -> Self {
        Self { total_work, id: Reverse(id) }
    }
}

/// Place of a share among the uncles of one merge set, and among candidates: by work, then id. It is topological,
/// since a descendant has more work in its past.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct MergeOrder {
    total_work: Work,
    id: ShareId,
}

impl MergeOrder {
    /// The place of a share.
    pub const fn new(total_work: Work, id: ShareId) -> Self {
        Self { total_work, id }
    }

    /// Before every share with more than `total_work` in its past.
    pub const fn after_work(total_work: Work) -> Self {
        Self { total_work, id: ShareId::from_bytes([u8::MAX; 32]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::json;

    const PAGE: &str = include_str!("../../docs/protocol/validation.md");

    #[test]
    fn the_best_share_is_that_of_the_protocol_page() {
        let ranks: Vec<ForkRank> = json::cases(PAGE, "fork-choice")
            .iter()
            .map(|share| ForkRank::new(json::work(&share["total_work"]), json::id(&share["id"])))
            .collect();
        assert!(ranks.windows(2).all(|pair| pair[0] > pair[1]), "{ranks:?}");
    }

    #[test]
    fn uncles_are_in_the_order_of_the_protocol_page() {
        let orders: Vec<MergeOrder> = json::cases(PAGE, "merge-order")
            .iter()
            .map(|share| MergeOrder::new(json::work(&share["total_work"]), json::id(&share["id"])))
            .collect();
        assert!(orders.windows(2).all(|pair| pair[0] < pair[1]), "{orders:?}");
    }
}
