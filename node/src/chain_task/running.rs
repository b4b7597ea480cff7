//! The chain task at work: what each input does to the chain, the store, the network and the view.

use std::sync::Arc;

use futures::{future::BoxFuture, stream::FuturesUnordered};
use libp2p::PeerId;
use sharechain::{
    Admission, CheckedShare, Effect, JobContext, Misbehaviour, Origin, ShareId, UnixTime, Verdict,
    chain::FUTURE_TIME_MAX_SECS,
    sync::{Page, Sync, SyncRequest, SyncState},
};
use stratum::{FoundShare, submit::Found};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Duration, Instant},
};
use tracing::{debug, info, warn};

use super::{ChainInput, ChainQuery, ChainTask, ChainView, may_mine, undecided::Undecided};
use crate::{
    blocks::BlockInput,
    clock::unix_now,
    p2p::{Acceptance, GossipTicket, P2pCommand},
    store::{StoreError, StoredShare},
};

/// Ticks between two requests for shares that others wait for.
const MISSING_TICKS: u64 = 3;
/// Shares asked for at once that way.
const MISSING_IDS_MAX: usize = 64;
/// Time between two reminders that miners get no work.
const COMPLAIN_INTERVAL: Duration = Duration::from_secs(30);

/// The task with what it remembers while it runs.
pub(super) struct Running {
    task: ChainTask,
    sync: Sync<PeerId>,
    started: Instant,
    /// When the operator was last told that miners get no work.
    complained: Instant,
    had_shares: bool,
    /// Shares taken from gossip.
    gossiped: u64,
    /// Gossip whose place is not known yet.
    undecided: Undecided,
    ticks: u64,
    /// The last share that was asked for again.
    missing_after: ShareId,
    /// Own shares on their way to the disk.
    pub(super) unstored: FuturesUnordered<BoxFuture<'static, StoredOwn>>,
    /// What others see is older than the chain.
    pub(super) dirty: bool,
}

/// An own find whose fsyncs are done.
pub(super) struct StoredOwn {
    /// The share to publish, if it is new.
    share: Option<Arc<CheckedShare>>,
    reply: oneshot::Sender<Result<(), String>>,
    outcome: Result<(), StoreError>,
}

impl Running {
    pub(super) fn new(task: ChainTask) -> Self {
        Self {
            had_shares: !task.chain.is_empty(),
            task,
            sync: Sync::default(),
            started: Instant::now(),
            complained: Instant::now(),
            gossiped: 0,
            undecided: Undecided::default(),
            ticks: 0,
            missing_after: ShareId::ZERO,
            unstored: FuturesUnordered::new(),
            dirty: true,
        }
    }

    pub(super) async fn on_found(&mut self, own: FoundShare) {
        let FoundShare { found, stored: reply } = own;
        let share = found.share.clone();
        // The block before anything else: it is worth more than any share.
        let block = if found.is_block { Some(self.hand_over_block(found).await) } else { None };
        let Some(share) = share else {
            return self.answer_when_kept(None, block, None, reply);
        };
        let verdict = self.task.chain.handle(share.clone(), Origin::Live, unix_now());
        self.dirty = true;
        match verdict {
            Verdict::Valid => {
                let record = StoredShare::new(&share, unix_now());
                let durable = self.task.store.append_durably(share.id(), record).await;
                self.answer_when_kept(Some(share), block, Some(durable), reply);
            }
            Verdict::Known => self.answer_when_kept(None, block, None, reply),
            refused => {
                warn!(share = %share.id(), ?refused, "our own share is refused");
                let _gone = reply.send(Err(format!("the share chain refuses it: {refused:?}")));
            }
        }
        self.drain_effects(Some(unix_now())).await;
    }

    /// At the stop: what miners found and nobody has looked at yet is not acknowledged, but a block is a block.
    pub(super) async fn hand_over_blocks(&mut self, mut found: mpsc::Receiver<FoundShare>) {
        while let Ok(FoundShare { found, .. }) = found.try_recv() {
            if found.is_block {
                drop(self.hand_over_block(found).await);
            }
        }
    }

    /// Gives a block to the blocks task, which tells when it is on the disk.
    async fn hand_over_block(&mut self, found: Box<Found>) -> oneshot::Receiver<()> {
        let (written, outcome) = oneshot::channel();
        let _stopping = self.task.blocks.send(BlockInput::Own { found, written }).await;
        outcome
    }

    /// The miner hears `true`, and peers hear the share, when everything about it survives a power cut.
    fn answer_when_kept(
        &self,
        share: Option<Arc<CheckedShare>>,
        block: Option<oneshot::Receiver<()>>,
        durable: Option<oneshot::Receiver<Result<(), StoreError>>>,
        reply: oneshot::Sender<Result<(), String>>,
    ) {
        self.unstored.push(Box::pin(async move {
            // A block that could not be written is submitted all the same and says so in the log; without an answer there is
            // nobody left to do either.
            let kept = match block {
                Some(block) => block.await.is_ok(),
                None => true,
            };
            let outcome = match durable {
                _ if !kept => Err(StoreError::Stopped),
                Some(durable) => durable.await.unwrap_or(Err(StoreError::Stopped)),
                None => Ok(()),
            };
            StoredOwn { share, reply, outcome }
        }));
    }

    pub(super) async fn on_stored(&mut self, stored: StoredOwn) {
        let StoredOwn { share, reply, outcome } = stored;
        if let Err(cause) = outcome {
            let _gone = reply.send(Err(cause.chain()));
            return;
        }
        let _gone = reply.send(Ok(()));
        if let Some(share) = share {
            debug!(share = %share.id(), height = share.share().data.height, "own share");
            self.task.p2p.send(P2pCommand::Publish(share.share().encode())).await;
        }
    }

    pub(super) async fn on_input(&mut self, input: ChainInput) {
        let now = unix_now();
        match input {
            ChainInput::Gossip { share, ticket } => self.on_gossip(share, ticket, now).await,
            ChainInput::Answer { peer, shares, more } => self.on_answer(peer, shares, more, now).await,
            ChainInput::Fetched { peer, shares } => {
                for share in shares {
                    self.link(share, peer, now).await;
                }
            }
            ChainInput::RequestFailed(peer) => self.sync.on_failure(&peer, now),
            ChainInput::Tip(peer, claim) => {
                self.dirty = true;
                self.sync.on_tip(peer, claim, now);
            }
            ChainInput::Gone(peer) => self.sync.on_gone(&peer),
            ChainInput::Query(query) => self.answer(query),
        }
        self.drain_effects(Some(now)).await;
        self.decide(now).await;
        self.request_more(now).await;
    }

    async fn on_gossip(&mut self, share: Arc<CheckedShare>, ticket: GossipTicket, now: UnixTime) {
        let source = ticket.source;
        match self.task.chain.admit(&share, now) {
            Admission::Relay => self.report(ticket, Acceptance::Accept).await,
            Admission::Keep => self.undecided.push(share.id(), ticket, now),
            Admission::Ignore(reason) => {
                debug!(share = %share.id(), %reason, "gossip ignored");
                return self.report(ticket, Acceptance::Ignore).await;
            }
        }
        self.gossiped += 1;
        self.link(share, source, now).await;
    }

    async fn report(&mut self, ticket: GossipTicket, acceptance: Acceptance) {
        self.task.p2p.send(P2pCommand::Verdict { ticket, acceptance }).await;
    }

    /// Answers the gossip layer for shares whose place is known by now, or will not be known in time.
    async fn decide(&mut self, now: UnixTime) {
        while let Some((ticket, acceptance)) = self.undecided.pop_decided(now, |id| self.task.chain.contains(id)) {
            self.report(ticket, acceptance).await;
        }
    }

    async fn on_answer(&mut self, peer: PeerId, shares: Vec<Arc<CheckedShare>>, more: bool, now: UnixTime) {
        let before = self.task.chain.len();
        for share in &shares {
            self.link(share.clone(), peer, now).await;
            self.drain_effects(None).await;
        }
        let linked = self.task.chain.len().saturating_sub(before);
        debug!(%peer, linked, more, height = self.task.chain.tip().height, "sync answer");
        let ahead = shares.last().map_or(0, |share| u64::from(share.share().header.time).saturating_sub(now));
        if ahead > FUTURE_TIME_MAX_SECS {
            warn!(%peer, ahead_secs = ahead, "shares from the future are held back; is this machine's clock behind?");
        }
        let page = Page::new(&shares, linked, more, |id| self.task.chain.contains(id));
        self.sync.on_page(&peer, page, now);
    }

    async fn link(&mut self, share: Arc<CheckedShare>, peer: PeerId, now: UnixTime) {
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
            Verdict::Valid | Verdict::Known | Verdict::Missing(_) | Verdict::NotYet { .. } => {}
        }
    }

    /// Stores what was linked and reports what happened; `linked_at` is now for everything but a sync.
    async fn drain_effects(&mut self, linked_at: Option<UnixTime>) {
        while let Some(effect) = self.task.chain.poll_effect() {
            self.dirty = true;
            match effect {
                Effect::Linked(share) => {
                    let linked_at = linked_at.unwrap_or_else(|| u64::from(share.share().header.time));
                    self.task.store.append(share.id(), StoredShare::new(&share, linked_at)).await;
                    if share.is_block() {
                        let _stopping = self.task.blocks.send(BlockInput::Seen(share)).await;
                    }
                }
                Effect::TipChanged { tip, reorg_depth } if reorg_depth > 0 => {
                    debug!(tip = %tip.id, height = tip.height, reorg_depth, "tip changed to another branch");
                }
                Effect::TipChanged { .. } => {}
                Effect::Refused { id, error } => info!(share = %id, %error, "waiting share refused"),
            }
        }
    }

    pub(super) async fn on_tick(&mut self) {
        let now = unix_now();
        self.ticks = self.ticks.wrapping_add(1);
        self.task.chain.handle_timeout(now);
        self.drain_effects(Some(now)).await;
        self.decide(now).await;
        self.request_more(now).await;
        self.request_missing().await;
        self.dirty = true;
        let waits = !self.task.view.borrow().may_mine;
        if waits && self.complained.elapsed() >= COMPLAIN_INTERVAL {
            self.complained = Instant::now();
            warn!(
                "miners get no work until this node has synced with a peer; hint: start the first node of a network without \
                 --peer, or mine meanwhile with --solo-until-synced"
            );
        }
    }

    /// Asks the peer with the most work for what we do not have.
    async fn request_more(&mut self, now: UnixTime) {
        let ours = self.task.chain.tip().total_work;
        if let Some(SyncRequest { peer, cursor }) = self.sync.poll(ours, now) {
            let locator = self.task.chain.locator(&cursor);
            self.task.p2p.send(P2pCommand::RequestRange { peer, locator }).await;
        }
    }

    /// Asks again for what waiting shares need: an answer may have been lost, or its sender have left.
    async fn request_missing(&mut self) {
        if self.sync.state() != SyncState::Synced || !self.ticks.is_multiple_of(MISSING_TICKS) {
            return;
        }
        let ids = self.task.chain.missing(self.missing_after, MISSING_IDS_MAX);
        if let (Some(last), Some(peer)) = (ids.last().copied(), self.sync.next_peer()) {
            self.missing_after = last;
            self.task.p2p.send(P2pCommand::RequestShares { peer, ids }).await;
        }
    }

    fn answer(&mut self, query: ChainQuery) {
        // Nobody waits any more when a reply cannot be sent.
        match query {
            ChainQuery::OrderAfter { locator, len_max, reply } => {
                drop(reply.send(self.task.chain.order_after(&locator, len_max)));
            }
            ChainQuery::Payouts { share, reply } => drop(reply.send(self.task.chain.payouts(&share))),
        }
    }

    pub(super) fn publish(&mut self) {
        self.dirty = false;
        let tip = self.task.chain.tip();
        let sync = self.sync.state();
        let before = self.task.view.borrow().clone();
        let may_mine = may_mine(sync, self.task.alone, self.had_shares, self.started.elapsed());
        if may_mine && !before.may_mine {
            info!(height = tip.height, shares = self.task.chain.len(), ?sync, "share chain is ready");
        }
        // An unchanged context keeps its allocation, so that the work task sees that nothing changed.
        let context = self.task.chain.job_context().map(Arc::new);
        let unchanged = |old: &Arc<JobContext>, new: &Arc<JobContext>| {
            (old.parent, &old.uncles, old.mergeable) == (new.parent, &new.uncles, new.mergeable)
        };
        let context = match (&before.context, context) {
            (Some(old), Some(new)) if unchanged(old, &new) => Some(old.clone()),
            (_, context) => context,
        };
        let view = ChainView {
            tip,
            shares: self.task.chain.len(),
            waiting: self.task.chain.waiting(),
            gossiped: self.gossiped,
            sync,
            may_mine,
            context,
        };
        self.task.view.send_replace(Arc::new(view));
    }
}
