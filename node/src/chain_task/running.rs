//! The chain task at work: what each input does to the chain, the store, the network and the view.

use std::sync::Arc;

use futures::{future::BoxFuture, stream::FuturesUnordered};
use libp2p::PeerId;
use sharechain::{
    Admission, CheckedShare, Effect, Origin, ShareId, UnixTime, Verdict,
    chain::{Ignored, RivalBranch},
    sync::{RivalHistory, Sync},
};
use stratum::{FoundShare, submit::Found};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Duration, Instant},
};
use tracing::{debug, info, warn};

use super::{
    ChainInput, ChainTask, RecentWork, catching_up::SyncTold, flood::FloodGuard, offering::Offering,
    own_shares::OwnShares, undecided::Undecided,
};
use crate::{
    blocks::{BlockInput, Kept},
    clock::{unix_millis, unix_now},
    events::EventInput,
    p2p::{Acceptance, Fault, GossipTicket, P2pCommand, Purpose},
    store::{Marks, StoreError, StoredShare},
    templates::TemplateInput,
};

/// Log target of two lines per share at most, by which the way of a share through a pool can be timed: `linked` on every node,
/// `acknowledged` where it was found, when it is on the disk, which its miner hears.
const ARRIVALS: &str = "node::arrivals";
/// A share that is older than this, seconds, is no news: it comes with a sync or out of the store.
const NEW_SHARE_AGE_MAX: u64 = 600;
/// Time between two reminders that miners get no work.
const COMPLAIN_INTERVAL: Duration = Duration::from_secs(30);

/// The task with what it remembers while it runs.
pub(super) struct Running {
    pub(super) task: ChainTask,
    pub(super) sync: Sync<PeerId>,
    /// Another history of the same network, while a peer shows one.
    pub(super) histories: RivalHistory<PeerId>,
    pub(super) started: Instant,
    /// What the operator was last told of the sync, and when.
    pub(super) sync_told: SyncTold,
    /// When the operator was last told that miners get no work.
    complained: Instant,
    pub(super) had_shares: bool,
    /// Shares taken from gossip.
    pub(super) gossiped: u64,
    /// How much gossip is looked at.
    flood: FloodGuard,
    /// Gossip whose place is not known yet.
    undecided: Undecided,
    pub(super) ticks: u64,
    /// The last share that was asked for again.
    pub(super) missing_after: ShareId,
    /// Own shares on their way to the disk.
    pub(super) unstored: FuturesUnordered<BoxFuture<'static, StoredOwn>>,
    /// What others see is older than the chain.
    pub(super) dirty: bool,
    /// The share that a miner of this node has just found, and its worker.
    found_here: Option<(ShareId, String)>,
    /// Work of the last minutes.
    pub(super) recent_work: RecentWork,
    /// What miners of this node found.
    pub(super) own_shares: OwnShares,
    /// Own shares that the chain may not have.
    pub(super) offering: Offering,
}

/// An own find whose fsyncs are done.
pub(super) struct StoredOwn {
    /// The share to publish, if it is new.
    share: Option<Arc<CheckedShare>>,
    /// Told when its block is kept, if it is one.
    block: Option<KeptBlock>,
    reply: Kept,
    outcome: Result<(), String>,
}

/// What the blocks task says of a block: that it is kept, or why not.
type KeptBlock = oneshot::Receiver<Result<(), String>>;

impl Running {
    pub(super) fn new(task: ChainTask) -> Self {
        Self {
            had_shares: !task.chain.is_empty(),
            offering: Offering::new(task.offers_own),
            task,
            sync: Sync::default(),
            histories: RivalHistory::default(),
            sync_told: SyncTold::default(),
            started: Instant::now(),
            complained: Instant::now(),
            gossiped: 0,
            flood: FloodGuard::default(),
            undecided: Undecided::default(),
            ticks: 0,
            missing_after: ShareId::ZERO,
            unstored: FuturesUnordered::new(),
            dirty: true,
            found_here: None,
            recent_work: RecentWork::default(),
            own_shares: OwnShares::default(),
        }
    }

    pub(super) async fn on_found(&mut self, own: FoundShare) {
        let FoundShare { found, worker, stored: reply } = own;
        let share = found.share.clone();
        // The block before anything else: it is worth more than any share.
        let block = if found.is_block { Some(self.hand_over_block(found).await) } else { None };
        let Some(share) = share else {
            return self.answer_when_kept(None, block, None, reply);
        };
        // By our clock and on our daemon's template, whatever the chain was told of it so far.
        let verdict = self.judge(share.clone(), Origin::OwnStore, unix_now());
        self.dirty = true;
        if verdict == Verdict::Valid {
            self.own_shares.push(share.id(), &worker);
        }
        self.found_here = Some((share.id(), worker));
        match verdict {
            // What is known may be on its way to the disk only, and waits for it like any other; peers have heard of it.
            Verdict::Valid | Verdict::Known => {
                let record = StoredShare::new(&share, unix_now());
                let durable = self.task.store.append_durably(share.id(), record).await;
                self.answer_when_kept(Some(share).filter(|_| verdict == Verdict::Valid), block, Some(durable), reply);
            }
            refused => {
                warn!(share = %share.id(), ?refused, "our own share is refused");
                let _gone = reply.send(Err(format!("the share chain refuses it: {refused:?}")));
            }
        }
        self.drain_effects(Some(unix_now())).await;
        self.found_here = None;
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
    async fn hand_over_block(&mut self, found: Box<Found>) -> KeptBlock {
        let (kept, outcome) = oneshot::channel();
        let _stopping = self.task.blocks.send(BlockInput::Own { found, kept }).await;
        outcome
    }

    /// The miner hears `true` when everything about its share survives a power cut. Peers hear the share when the share does:
    /// they can hand a block to their daemons that is not kept here.
    pub(super) fn answer_when_kept(
        &self,
        share: Option<Arc<CheckedShare>>,
        block: Option<KeptBlock>,
        durable: Option<oneshot::Receiver<Result<(), StoreError>>>,
        reply: Kept,
    ) {
        self.unstored.push(Box::pin(async move {
            let outcome = match durable {
                Some(durable) => durable.await.unwrap_or(Err(StoreError::Stopped)),
                None => Ok(()),
            };
            StoredOwn { share, block, reply, outcome: outcome.map_err(|cause| cause.chain()) }
        }));
    }

    pub(super) async fn on_stored(&mut self, stored: StoredOwn) {
        let StoredOwn { share, block, reply, outcome } = stored;
        let is_stored = outcome.is_ok();
        match block {
            Some(block) if is_stored => self.unstored.push(Box::pin(async move {
                // Without an answer there is nobody left to keep it.
                let outcome = block.await.unwrap_or_else(|_| Err(StoreError::Stopped.chain()));
                StoredOwn { share: None, block: None, reply, outcome }
            })),
            Some(_) | None => drop(reply.send(outcome)),
        }
        if let Some(share) = share.filter(|_| is_stored) {
            debug!(target: ARRIVALS, share = %share.id(), height = share.share().data.height, "acknowledged");
            self.task.p2p.send(P2pCommand::Publish(share.share().encode())).await;
        }
    }

    pub(super) async fn on_input(&mut self, input: ChainInput) {
        let now = unix_now();
        match input {
            ChainInput::Gossip { share, ticket } => self.on_gossip(share, ticket, now).await,
            ChainInput::Ids { peer, ids, more } => self.on_ids(&peer, &ids, more),
            ChainInput::Fetched { peer, purpose, asked, shares } => match purpose {
                Purpose::Sync => self.on_synced(&peer, &asked, shares),
                Purpose::Ancestors => {
                    for share in shares {
                        self.link(share, peer, now).await;
                    }
                }
            },
            ChainInput::IdsFailed(peer) => self.on_ids_failed(&peer),
            ChainInput::PeerFailed(peer) => self.on_peer_failed(&peer),
            ChainInput::SharesFailed { peer, asked } => self.on_shares_failed(&peer, &asked),
            ChainInput::Tip(peer, claim) => {
                self.dirty = true;
                let steady = self.steady_now();
                self.sync.on_tip(peer, claim, steady);
            }
            ChainInput::Gone(peer) => self.on_peer_gone(&peer),
            ChainInput::ParentBlock(block) => {
                self.dirty = true;
                self.histories.on_parent_block(block, now);
                self.task.chain.on_parent_block(block, now);
            }
            ChainInput::RefusedTemplate(template) => self.task.chain.on_refused_template(template),
            ChainInput::Query(query) => self.answer(query),
        }
        self.drain_effects(Some(now)).await;
        self.decide(now).await;
        self.go_on_syncing().await;
    }

    async fn on_gossip(&mut self, share: Arc<CheckedShare>, ticket: GossipTicket, now: UnixTime) {
        let source = ticket.source;
        if !self.flood.admits(source, &share.share().data.payout_script, std::time::Instant::now()) {
            debug!(share = %share.id(), peer = %source, "gossip ignored: too much of it");
            return self.report(ticket, Acceptance::Ignore).await;
        }
        match self.task.chain.admit(&share, now) {
            Admission::Relay => self.report(ticket, Acceptance::Accept).await,
            Admission::Keep => self.undecided.push(share.id(), ticket, now),
            Admission::Ignore(reason) => {
                debug!(share = %share.id(), %reason, "gossip ignored");
                // Whoever relays has judged it like us, unless it is far behind.
                if matches!(reason, Ignored::TooOld | Ignored::TooEasy) {
                    self.task.p2p.send(P2pCommand::Fault { peer: source, fault: Fault::UselessShares }).await;
                }
                return self.report(ticket, Acceptance::Ignore).await;
            }
        }
        self.gossiped += 1;
        self.task.meters.share_ages.observe(share.share().header.time, unix_millis());
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

    /// Stores what was linked and reports what happened; `linked_at` is now for everything but a sync.
    pub(super) async fn drain_effects(&mut self, linked_at: Option<UnixTime>) {
        let (mut moved, mut forgotten) = (false, Vec::new());
        while let Some(effect) = self.task.chain.poll_effect() {
            self.dirty = true;
            match effect {
                Effect::Linked(share) => self.on_linked(&share, linked_at).await,
                Effect::TipChanged { tip, reorg_depth } => {
                    moved = true;
                    if reorg_depth > 0 {
                        self.task.meters.reorgs.add(1);
                        debug!(tip = %tip.id, height = tip.height, reorg_depth, "tip changed to another branch");
                    }
                }
                Effect::Refused { id, error } => info!(share = %id, %error, "waiting share refused"),
                Effect::RivalBranch(rival) => self.on_rival(&rival),
                Effect::Overruled { tip, reason } => warn!(
                    %tip, %reason,
                    "shares that this machine's clock or daemon speaks against have clearly more work than ours and are followed; \
                     hint: check the clock and whether the daemon follows its network"
                ),
                Effect::UpgradeDecided { bit } => warn!(
                    bit,
                    "the network has agreed on rules that this version does not know; hint: update poolnode before they apply"
                ),
                Effect::Forgotten(id) => forgotten.push(id),
            }
        }
        if moved {
            let (tip, first) = (self.task.chain.tip(), self.task.chain.first_share());
            self.task.events.send(EventInput::Tip(tip.id, tip.height));
            let tip = tip.id;
            self.task.store.mark(Marks { tip, first }).await;
        }
        // Not before the mark: without the first share that it names, nothing of the store can be loaded.
        if !forgotten.is_empty() {
            self.task.store.remove(forgotten).await;
        }
    }

    async fn on_linked(&mut self, share: &Arc<CheckedShare>, linked_at: Option<UnixTime>) {
        // Before anything waits: the time of this line is when the share got here.
        debug!(target: ARRIVALS, share = %share.id(), "linked");
        self.tell_of(share);
        self.task.meters.shares_linked.add(1);
        self.task.meters.uncles.add(share.share().data.uncles.len());
        let linked_at = linked_at.unwrap_or_else(|| u64::from(share.share().header.time));
        self.task.store.append(share.id(), StoredShare::new(share, linked_at)).await;
        if share.is_block() {
            let _stopping = self.task.blocks.send(BlockInput::Seen(share.clone())).await;
            // Its node may be gone, or its daemon; a busy task means that there are more blocks than anybody finds.
            let _busy = self.task.templates.try_send(TemplateInput::Block(share.clone()));
        }
        if self.task.adopt == Some(share.id()) {
            self.adopt_by_command();
        }
    }

    /// Hands a share to the chain, and times it.
    pub(super) fn judge(&mut self, share: Arc<CheckedShare>, origin: Origin, now: UnixTime) -> Verdict {
        let since = Instant::now();
        let verdict = self.task.chain.handle(share, origin, now);
        self.task.meters.share_validate.observe(since.elapsed());
        verdict
    }

    /// Tells of a linked share, unless it is history that is caught up with.
    fn tell_of(&self, share: &Arc<CheckedShare>) {
        if unix_now().saturating_sub(share.share().header.time.into()) <= NEW_SHARE_AGE_MAX {
            let found = self.found_here.as_ref().filter(|(id, _)| *id == share.id());
            let worker = found.map(|(_, worker)| worker.clone());
            self.task.events.send(EventInput::Linked(share.clone(), worker));
        }
    }

    /// Moves to the branch that the operator chose, once: at the start, or when a share of it is linked.
    pub(super) fn adopt_by_command(&mut self) {
        let Some(id) = self.task.adopt.take_if(|id| self.task.chain.contains(id)) else { return };
        let adopted = self.task.chain.adopt(&id);
        info!(share = %id, adopted, tip = %self.task.chain.tip().id, "branch adopted by command");
        self.dirty = true;
    }

    /// Tells of a deep branch when it is first seen; after that the status does.
    fn on_rival(&mut self, rival: &RivalBranch) {
        if self.task.view.borrow().rivals.iter().all(|known| known.fork_height != rival.fork_height) {
            warn!(
                tip = %rival.tip, fork_height = rival.fork_height, work = %rival.work, our_work = %rival.our_work,
                adopted_at = rival.adopted_at,
                "a branch with more work left our share chain too long ago to be adopted at once; hint: if it is the network's, \
                 restart with --adopt-branch and its tip"
            );
        }
    }

    pub(super) async fn on_tick(&mut self) {
        let now = unix_now();
        self.ticks = self.ticks.wrapping_add(1);
        self.task.chain.handle_timeout(now);
        self.drain_effects(Some(now)).await;
        self.decide(now).await;
        self.go_on_syncing().await;
        self.request_missing().await;
        self.recent_work = RecentWork::of(&self.task.chain, now);
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
}
