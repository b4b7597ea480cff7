//! Own shares that the chain does not have are offered to it again, out of their journal: after a start at which some did not
//! link, and after the chain began anew with a peer's history. A miner was told that they are kept, and peers may not have them.
//!
//! They come when the node has caught up, so that their ancestors are here, page by page between other inputs.

use std::sync::Arc;

use sharechain::{Admission, CheckedShare, Origin, UnixTime, Verdict, sync::SyncState};
use tracing::{info, warn};

use super::running::Running;
use crate::{
    p2p::P2pCommand,
    store::{JournalReader, OwnPage},
};

/// Own shares that are gossiped: as many as peers look at of one payout script at once. They fetch the others when somebody builds
/// on them.
const PUBLISHED_MAX: usize = 256;

/// How far it is.
#[derive(Debug, Default)]
pub(super) struct Offering {
    is_due: bool,
    /// Where to go on; `None` at the beginning.
    rest: Option<JournalReader>,
    linked: usize,
    published: usize,
}

impl Offering {
    /// From the beginning, if it is due at all.
    pub(super) fn new(is_due: bool) -> Self {
        Self { is_due, ..Self::default() }
    }
}

impl Running {
    /// Whether the next page is due.
    pub(super) fn may_offer(&self) -> bool {
        self.offering.is_due && self.sync.state() == SyncState::Synced && !self.sync.has_batch()
    }

    /// Offers a page of own shares, when it is due.
    pub(super) async fn offer_own_shares(&mut self, now: UnixTime) {
        if !self.may_offer() {
            return;
        }
        let page = self.task.store.own_shares(self.offering.rest.take()).await.unwrap_or_else(|cause| {
            warn!(cause = cause.chain(), "own shares that the share chain does not have cannot be looked for");
            OwnPage::default()
        });
        let params = self.task.chain.params().clone();
        let own = page.shares.iter().filter_map(|stored| stored.to_share(&params)).map(Arc::new);
        let news = own.filter_map(|share| self.offer(share, now)).collect::<Vec<_>>();
        self.drain_effects(None).await;
        for share in news {
            self.task.p2p.send(P2pCommand::Publish(share.share().encode())).await;
        }
        if page.rest.is_some() {
            self.offering.rest = page.rest;
            return;
        }
        let Offering { linked, published, .. } = std::mem::take(&mut self.offering);
        if linked > 0 {
            info!(event = "own_shares_linked", linked, published, "own shares are part of the share chain again");
        }
    }

    /// Offers a share; gives it back when peers are to hear of it.
    fn offer(&mut self, share: Arc<CheckedShare>, now: UnixTime) -> Option<Arc<CheckedShare>> {
        if !self.may_link(&share) {
            return None;
        }
        // As a peer would judge it, which blames us for what it has to ignore.
        let is_news = self.task.chain.admit(&share, now) == Admission::Relay;
        if self.judge(share.clone(), Origin::OwnStore, now) != Verdict::Valid {
            return None;
        }
        self.offering.linked += 1;
        if !is_news || self.offering.published >= PUBLISHED_MAX {
            return None;
        }
        self.offering.published += 1;
        Some(share)
    }

    /// Whether a share can be linked, or waits for what peers may have: nobody would fetch the ancestors of an old branch.
    fn may_link(&self, share: &CheckedShare) -> bool {
        let (chain, data) = (&self.task.chain, &share.share().data);
        let is_recent = data.height.saturating_add(u64::from(chain.params().raw().merge_depth)) > chain.tip().height;
        data.height > chain.first_height()
            && !chain.is_linked(&share.id())
            && (is_recent || chain.is_linked(&data.parent))
    }
}
