//! What the chain task does with peers' answers: shares into the chain or into a rival history, and the next request.

use std::sync::Arc;

use libp2p::PeerId;
use sharechain::{
    CheckedShare, Misbehaviour, Origin, ShareId, UnixTime, Verdict,
    chain::FUTURE_TIME_MAX_SECS,
    sync::{SyncState, Taken},
};
use tracing::{debug, info, warn};

use super::running::Running;
use crate::p2p::P2pCommand;

/// Ticks between two requests for shares that others wait for.
const MISSING_TICKS: u64 = 3;
/// Shares asked for at once that way.
const MISSING_IDS_MAX: usize = 64;

impl Running {
    pub(super) async fn on_answer(&mut self, peer: PeerId, shares: Vec<Arc<CheckedShare>>, more: bool, now: UnixTime) {
        let Taken { page, replaced } = self.histories.take(&mut self.task.chain, &peer, &shares, more, now);
        let (height, first) = (self.task.chain.tip().height, self.task.chain.first_height());
        if let Some(strangers) = &replaced {
            info!(%peer, height, first, forgotten = strangers.len(), "the share chain begins anew with a peer's history");
        }
        debug!(%peer, ?page, more, height, "sync answer");
        let ahead = shares.last().map_or(0, |share| u64::from(share.share().header.time).saturating_sub(now));
        if ahead > FUTURE_TIME_MAX_SECS {
            warn!(%peer, ahead_secs = ahead, "shares from the future are held back; is this machine's clock behind?");
        }
        self.drain_effects(None).await;
        // After the new history is stored and marked: a node that is killed meanwhile has the old one.
        if let Some(strangers) = replaced.filter(|strangers| !strangers.is_empty()) {
            self.task.store.remove(strangers).await;
        }
        self.sync.on_page(&peer, page, now);
    }

    pub(super) async fn link(&mut self, share: Arc<CheckedShare>, peer: PeerId, now: UnixTime) {
        let id = share.id();
        self.dirty = true;
        match self.task.chain.handle(share, Origin::Live, now) {
            // While catching up, what is missing comes in order; asking backwards one by one would only cost.
            Verdict::Missing(ids) if !ids.is_empty() && self.sync.state() == SyncState::Synced => {
                self.task.p2p.send(P2pCommand::RequestShares { peer, ids }).await;
            }
            Verdict::Invalid(error) => {
                // What a relay could have checked was checked before; the rest is the miner's fault and nobody else's.
                debug_assert_eq!(error.misbehaviour(), Misbehaviour::Blameless);
                info!(share = %id, %error, %peer, "share refused");
            }
            Verdict::NotYet(reason) => debug!(share = %id, %reason, %peer, "share held back"),
            Verdict::Valid | Verdict::Known | Verdict::Missing(_) | Verdict::OutOfReach => {}
        }
    }

    pub(super) fn on_peer_failed(&mut self, peer: &PeerId, now: UnixTime) {
        self.histories.on_gone(peer);
        self.sync.on_failure(peer, now);
    }

    pub(super) fn on_peer_gone(&mut self, peer: &PeerId) {
        self.histories.on_gone(peer);
        self.sync.on_gone(peer);
    }

    /// Asks the peer with the most work for what we do not have.
    pub(super) async fn request_more(&mut self, now: UnixTime) {
        let request = self.sync.poll(&self.task.chain.tip(), now);
        if self.sync.state() == SyncState::Synced {
            // From now on there is something to defend.
            self.task.chain.guard_deep_forks();
        }
        if let Some(request) = request {
            let locator = self.histories.locator(&self.task.chain, &request);
            self.task.p2p.send(P2pCommand::RequestRange { peer: request.peer, locator }).await;
        }
    }

    /// Asks again for what waiting shares need: an answer may have been lost, or its sender have left.
    pub(super) async fn request_missing(&mut self) {
        if self.sync.state() != SyncState::Synced || !self.ticks.is_multiple_of(MISSING_TICKS) {
            return;
        }
        let ids: Vec<ShareId> = self.task.chain.missing(self.missing_after, MISSING_IDS_MAX);
        if let (Some(last), Some(peer)) = (ids.last().copied(), self.sync.next_peer()) {
            self.missing_after = last;
            self.task.p2p.send(P2pCommand::RequestShares { peer, ids }).await;
        }
    }
}
