//! What the chain task does with peers' answers: shares into the chain or into a rival history, and the next requests. Whom to
//! ask is decided by [`sharechain::sync::Sync`] and nowhere else.

use std::{collections::BTreeSet, sync::Arc};

use libp2p::PeerId;
use sharechain::{
    CheckedShare, Misbehaviour, Origin, ShareId, UnixTime, Verdict,
    chain::FUTURE_TIME_MAX_SECS,
    sync::{Batch, Millis, SyncRequest, SyncState, Taken},
};
use tokio::time::{Duration, Instant};
use tracing::{debug, info, warn};

use super::{offering::Offering, running::Running};
use crate::{
    clock::unix_now,
    p2p::{P2pCommand, Purpose},
};

/// Ticks between two requests for shares that others wait for.
const MISSING_TICKS: u64 = 3;
/// Shares asked for at once that way.
const MISSING_IDS_MAX: usize = 64;
/// Time between two lines of progress.
const PROGRESS_INTERVAL_MS: Millis = 10_000;
/// Time until the next look at the sync when nothing is due: the tick comes before it.
const NOTHING_DUE: Duration = Duration::from_secs(60);

/// What the operator was last told of the sync.
#[derive(Debug, Default)]
pub(super) struct SyncTold {
    /// When, on the steady clock; never while there was nothing to tell.
    at: Option<Millis>,
    is_done: bool,
}

impl Running {
    /// The clock of the sync, which nobody sets.
    pub(super) fn steady_now(&self) -> Millis {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// When [`Running::go_on_syncing`] is due without an input: at once while there are shares for the chain, own ones too.
    pub(super) fn sync_due(&self) -> Instant {
        if self.sync.has_batch() || self.may_offer() {
            return self.started;
        }
        let due = self.sync.poll_timeout(self.steady_now());
        due.map_or_else(|| Instant::now() + NOTHING_DUE, |due| self.started + Duration::from_millis(due))
    }

    pub(super) fn on_ids(&mut self, peer: &PeerId, ids: &[ShareId], more: bool) {
        debug!(%peer, ids = ids.len(), more, "ids to sync");
        let (chain, histories) = (&self.task.chain, &self.histories);
        self.sync.on_ids(peer, ids, more, |id| histories.height_of(chain, peer, id));
    }

    pub(super) fn on_synced(&mut self, peer: &PeerId, asked: &BTreeSet<ShareId>, shares: Vec<Arc<CheckedShare>>) {
        let shares = shares.into_iter().map(|share| (share.id(), share)).collect();
        self.sync.on_shares(peer, asked, shares, self.steady_now());
    }

    pub(super) fn on_shares_failed(&mut self, peer: &PeerId, asked: &BTreeSet<ShareId>) {
        self.sync.on_shares_failed(peer, asked, self.steady_now());
    }

    async fn on_batch(&mut self, batch: Batch<PeerId, Arc<CheckedShare>>, now: UnixTime) {
        let peer = batch.shown_by;
        let Taken { fed, replaced } = self.histories.take(&mut self.task.chain, &batch, now);
        let (height, first) = (self.task.chain.tip().height, self.task.chain.first_height());
        if let Some(strangers) = &replaced {
            info!(%peer, height, first, forgotten = strangers.len(), "the share chain begins anew with a peer's history");
            // What waited in the old one for its ancestors may find them in the new one.
            self.offering = Offering::new(true);
        }
        debug!(%peer, ?fed, height, "synced shares");
        let newest = batch.shares.last();
        let ahead = newest.map_or(0, |share| u64::from(share.share().header.time).saturating_sub(now));
        if ahead > FUTURE_TIME_MAX_SECS {
            warn!(%peer, ahead_secs = ahead, "shares from the future are held back; is this machine's clock behind?");
        }
        self.drain_effects(None).await;
        // After the new history is stored and marked: a node that is killed meanwhile has the old one.
        if let Some(strangers) = replaced.filter(|strangers| !strangers.is_empty()) {
            self.task.store.remove(strangers).await;
        }
        self.sync.on_batch(fed, self.steady_now());
    }

    pub(super) async fn link(&mut self, share: Arc<CheckedShare>, peer: PeerId, now: UnixTime) {
        let id = share.id();
        self.dirty = true;
        match self.judge(share, Origin::Live, now) {
            // While catching up, what is missing comes in order; asking backwards one by one would only cost.
            Verdict::Missing(ids) if !ids.is_empty() && self.sync.state() == SyncState::Synced => {
                self.task.p2p.send(P2pCommand::RequestShares { peer, ids, purpose: Purpose::Ancestors }).await;
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

    pub(super) fn on_ids_failed(&mut self, peer: &PeerId) {
        self.histories.on_gone(peer);
        self.sync.on_ids_failed(peer, self.steady_now());
    }

    pub(super) fn on_peer_failed(&mut self, peer: &PeerId) {
        self.histories.on_gone(peer);
        self.sync.on_failure(peer, self.steady_now());
    }

    pub(super) fn on_peer_gone(&mut self, peer: &PeerId) {
        self.histories.on_gone(peer);
        self.sync.on_gone(peer);
    }

    /// Hands the chain one batch of what is here, and asks for what is not.
    pub(super) async fn go_on_syncing(&mut self) {
        if let Some(batch) = self.sync.next_batch() {
            self.dirty = true;
            self.on_batch(batch, unix_now()).await;
        }
        while let Some(request) = self.sync.poll(&self.task.chain.tip(), self.steady_now()) {
            let command = match request {
                SyncRequest::Ids { peer, cursor } => {
                    let locator = self.histories.locator(&self.task.chain, &peer, &cursor);
                    P2pCommand::RequestRange { peer, locator }
                }
                SyncRequest::Shares { peer, ids } => P2pCommand::RequestShares { peer, ids, purpose: Purpose::Sync },
            };
            self.task.p2p.send(command).await;
        }
        if self.sync.state() == SyncState::Synced {
            // From now on there is something to defend.
            self.task.chain.guard_deep_forks();
        }
        self.offer_own_shares(unix_now()).await;
        self.tell_progress();
    }

    /// Tells the operator how the sync goes, every ten seconds, and when it is done.
    fn tell_progress(&mut self) {
        let now = self.steady_now();
        let SyncTold { at, is_done } = &mut self.sync_told;
        if *is_done {
            return;
        }
        let progress = self.sync.progress(&self.task.chain.tip(), now);
        match self.sync.state() {
            SyncState::Alone => {}
            SyncState::Behind { .. } => {
                let since = *at.get_or_insert(now);
                if now >= since.saturating_add(PROGRESS_INTERVAL_MS) {
                    *at = Some(now);
                    info!(
                        height = progress.height,
                        of = progress.target_height,
                        shares = progress.shares,
                        rate = progress.shares_per_sec,
                        left_secs = progress.secs_left,
                        "syncing"
                    );
                }
            }
            SyncState::Synced => {
                *is_done = true;
                info!(height = progress.height, shares = progress.shares, took_ms = progress.elapsed_ms, "synced");
            }
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
            self.task.p2p.send(P2pCommand::RequestShares { peer, ids, purpose: Purpose::Ancestors }).await;
        }
    }
}
