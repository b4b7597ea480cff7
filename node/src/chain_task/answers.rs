//! What the chain task answers. No question walks the past: each costs what its answer holds.

use std::sync::Arc;

use sharechain::{ShareChain, chain::SharePage};

use super::{ChainQuery, own_shares::OwnShares, running::Running};

/// Shares of a slice that nothing has merged yet. Stops a flood of side branches from making slices long.
const UNMERGED_SHOWN_MAX: usize = 1_000;

/// A page of shares with what only this node knows of them.
#[derive(Clone, Debug, Default)]
pub struct ShownShares {
    /// The shares.
    pub page: SharePage,
    /// The worker that found each, where it is one of this node.
    pub workers: Vec<Option<Arc<str>>>,
}

impl Running {
    pub(super) fn answer(&mut self, query: ChainQuery) {
        let (chain, own) = (&mut self.task.chain, &self.own_shares);
        // Nobody waits any more when a reply cannot be sent.
        match query {
            ChainQuery::OrderAfter { locator, len_max, reply } => {
                drop(reply.send(chain.order_after(&locator, len_max)))
            }
            ChainQuery::Payouts { share, reply } => drop(reply.send(chain.payouts(&share))),
            ChainQuery::PaidWindow { share, reply } => drop(reply.send(chain.paid_window(&share))),
            ChainQuery::Coinbase { share, reply } => drop(reply.send(chain.coinbase(&share))),
            ChainQuery::NewestShares { below, len_max, reply } => {
                drop(reply.send(shown(chain.newest_shares(below, len_max), own)));
            }
            ChainQuery::SharesOf { script, below, len_max, reply } => {
                drop(reply.send(shown(chain.shares_of(&script, below, len_max), own)));
            }
            ChainQuery::OwnShares { below, len_max, reply } => {
                drop(reply.send(shown(own_page(chain, own, below, len_max), own)));
            }
            ChainQuery::Slice { to, heights, reply } => {
                let high = to.unwrap_or(u64::MAX).min(chain.tip().height);
                let low = high.saturating_sub(heights.saturating_sub(1));
                drop(reply.send(chain.slice(low..=high, UNMERGED_SHOWN_MAX)));
            }
        }
    }
}

fn shown(page: SharePage, own: &OwnShares) -> ShownShares {
    ShownShares { workers: page.shares.iter().map(|share| own.worker(&share.id)).collect(), page }
}

/// Those that the chain has forgotten are passed over.
fn own_page(chain: &ShareChain, own: &OwnShares, below: Option<u64>, len_max: usize) -> SharePage {
    let page = own.page(below, len_max);
    let next = page.last().map(|(number, _)| *number).filter(|_| page.len() == len_max);
    SharePage {
        shares: page.iter().filter_map(|(_, id)| chain.share(id)).collect(),
        total: u64::try_from(own.len()).unwrap_or(u64::MAX),
        next,
    }
}
