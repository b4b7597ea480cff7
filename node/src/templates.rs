//! Templates between nodes: tells peers what this node's miners work on, keeps what peers told, and puts the blocks of others
//! together, so that a found block reaches the network though its own node or daemon is gone.
//!
//! ```text
//! own daemon --template--> [held] --announcement--> some peers
//! peer --announcement--> [held, missing transactions fetched] --now and then--> proposal to the own daemon
//!                                                                  refused --> chain task, evidence
//! chain task --linked share that is a block--> template here? --> block --> blocks task --> own daemons
//! ```
//! It never stands between a miner and its block, and blames nobody for a template: daemons differ in what they know.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use libp2p::PeerId;
use rand::RngExt;
use sharechain::{BlockHash, CheckedShare, Params, TemplateKey, coinbase};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use crate::{
    blocks::BlockInput,
    chain_profile::{ChainProfile, DaemonProfile},
    chain_task::{ChainInput, ChainQuery, ChainView},
    clock::unix_now,
    p2p::{Fault, P2pCommand, P2pHandle},
    parent::{Daemons, ParentState, Template, block, rpc::RpcError},
};

mod channels;
pub mod evidence;
pub mod held;
pub mod proposal;
pub mod wire;

pub use channels::{RefusedTemplate, TemplateChannels};

use held::{HeldTemplate, Step, Templates};
use proposal::Opinion;
use wire::{TemplateQuestion, TemplateRequest, TemplateResponse};

/// Inputs waiting; further ones of peers are dropped, and told again with the next template.
pub const TEMPLATES_QUEUE_MAX: usize = 64;
/// Own templates with new transactions only are told at most this often; those on a new block at once.
const TOLD_INTERVAL: Duration = Duration::from_secs(30);
/// Own templates with new transactions only are proposed at most this often.
const PROPOSED_INTERVAL: Duration = Duration::from_secs(60);
/// Time between two proposals of peers' templates: a full block takes a daemon up to half a second.
const PEERS_PROPOSED_INTERVAL: Duration = Duration::from_secs(2);
/// Of a peer's templates after its first, one in so many is proposed.
const SAMPLED: u32 = 16;
/// Peers whose first template was looked at; beyond it all are looked at again.
const SEEN_PEERS_MAX: usize = 4_096;
/// A block that is older than this was handed over or lost: a sync brings many of them.
const BLOCK_AGE_SECS_MAX: u64 = 600;
/// Blocks of others that wait for their template at once.
const WAITING_BLOCKS_MAX: usize = 16;

/// What the task is told.
#[derive(Debug)]
pub enum TemplateInput {
    /// A peer asks, or tells.
    Request {
        /// Who.
        peer: PeerId,
        /// What.
        request: TemplateRequest,
        /// The answer; dropped when there is none.
        reply: oneshot::Sender<TemplateResponse>,
    },
    /// A peer answered.
    Response {
        /// Who.
        peer: PeerId,
        /// What it was asked.
        asked: TemplateQuestion,
        /// What it says.
        response: TemplateResponse,
    },
    /// A peer is connected.
    Joined(PeerId),
    /// A peer left.
    Gone(PeerId),
    /// A linked share is a block.
    Block(Arc<CheckedShare>),
}

/// What is done beside everything else.
#[derive(Debug)]
enum Done {
    Proposed { template: Arc<HeldTemplate>, peer: Option<PeerId>, block: Vec<u8>, opinion: Result<Opinion, RpcError> },
    Rebuilt { share: Arc<CheckedShare>, coinbase: Option<Vec<u8>>, template: Arc<HeldTemplate> },
}

/// See the module.
#[derive(Debug)]
pub struct TemplatesTask {
    params: Arc<Params>,
    profile: Arc<DaemonProfile>,
    daemons: Daemons,
    parent: watch::Receiver<ParentState>,
    chain_view: watch::Receiver<Arc<ChainView>>,
    chain: mpsc::Sender<ChainInput>,
    blocks: mpsc::Sender<BlockInput>,
    p2p: P2pHandle,
    refused: watch::Sender<Option<RefusedTemplate>>,
    evidence: PathBuf,
    templates: Templates,
    own: Option<Arc<Template>>,
    told: Option<(BlockHash, Instant)>,
    proposed: Option<(BlockHash, Instant)>,
    peers_proposed: Option<Instant>,
    seen_peers: BTreeSet<PeerId>,
    /// Others' blocks whose template is being asked for.
    waiting: Vec<Arc<CheckedShare>>,
    calls: FuturesUnordered<BoxFuture<'static, Done>>,
}

impl TemplatesTask {
    /// A task that knows no template yet; evidence against peers goes to that folder.
    pub fn new(profile: &ChainProfile, daemons: Daemons, channels: TemplateChannels, evidence: PathBuf) -> Self {
        let TemplateChannels { parent, chain_view, chain, blocks, p2p, refused } = channels;
        Self {
            params: profile.params.clone(),
            profile: profile.daemon.clone(),
            daemons,
            parent,
            chain_view,
            chain,
            blocks,
            p2p,
            refused,
            evidence,
            templates: Templates::default(),
            own: None,
            told: None,
            proposed: None,
            peers_proposed: None,
            seen_peers: BTreeSet::new(),
            waiting: Vec::new(),
            calls: FuturesUnordered::new(),
        }
    }

    /// Runs until the token is cancelled or an input ends.
    pub async fn run(mut self, mut inbox: mpsc::Receiver<TemplateInput>, token: CancellationToken) {
        loop {
            tokio::select! {
                biased;
                () = token.cancelled() => return,
                Some(done) = self.calls.next() => self.on_done(done).await,
                changed = self.parent.changed() => match changed {
                    Ok(()) => self.on_parent().await,
                    Err(_) => return,
                },
                input = inbox.recv() => match input {
                    Some(input) => self.on_input(input).await,
                    None => return,
                },
            }
        }
    }

    async fn on_input(&mut self, input: TemplateInput) {
        match input {
            TemplateInput::Request { peer, request, reply } => {
                if let Some(response) = self.on_request(peer, request).await {
                    // The asker may be gone.
                    let _gone = reply.send(response);
                }
            }
            TemplateInput::Response { peer, asked, response } => self.on_response(peer, asked, response).await,
            TemplateInput::Joined(peer) => self.on_joined(peer).await,
            TemplateInput::Gone(peer) => self.templates.on_gone(&peer),
            TemplateInput::Block(share) => self.on_block(share).await,
        }
    }

    /// The own daemon may have a new template.
    async fn on_parent(&mut self) {
        let template = self.parent.borrow_and_update().template.clone();
        let Some(template) = template else { return };
        if self.own.as_ref().is_some_and(|own| Arc::ptr_eq(own, &template)) {
            return;
        }
        let prev_block = template.work.prev_block;
        if self.own.as_ref().is_some_and(|own| own.work.prev_block != prev_block) {
            let before = self.own.as_ref().map_or(prev_block, |own| own.work.prev_block);
            self.templates.keep_only(&[prev_block, before]);
        }
        self.own = Some(template.clone());
        let Some(held) = HeldTemplate::of(&template).map(Arc::new) else { return };
        self.templates.on_own(held.clone());
        if is_due(&mut self.told, prev_block, TOLD_INTERVAL) {
            self.p2p.send(P2pCommand::AnnounceTemplate(Box::new(held.announcement.clone()))).await;
        }
        if is_due(&mut self.proposed, prev_block, PROPOSED_INTERVAL) {
            self.propose(held, None);
        }
    }

    /// Who comes is told what miners work on now, and need not wait for the next template.
    async fn on_joined(&mut self, peer: PeerId) {
        if let Some(held) = self.templates.newest_own() {
            let request = TemplateRequest::Announce(Box::new(held.announcement.clone()));
            self.p2p.send(P2pCommand::AskTemplate { peer: Some(peer), request }).await;
        }
    }

    async fn on_request(&mut self, peer: PeerId, request: TemplateRequest) -> Option<TemplateResponse> {
        Some(match request {
            TemplateRequest::Announce(announcement) => {
                let step = self.templates.on_announced(peer, *announcement, Instant::now().into_std());
                self.follow(peer, step).await;
                TemplateResponse::Heard
            }
            TemplateRequest::Get(key) => {
                let template = self.templates.find(&key);
                TemplateResponse::Template(template.map(|template| Box::new(template.announcement.clone())))
            }
            TemplateRequest::Transactions { key, places, tail } => {
                let template = self.templates.find(&key)?;
                let tail = tail.then(|| template.body.tail.clone());
                TemplateResponse::Transactions { transactions: template.sent(&places), tail }
            }
        })
    }

    async fn on_response(&mut self, peer: PeerId, asked: TemplateQuestion, response: TemplateResponse) {
        match (asked, response) {
            (TemplateQuestion::Announce, TemplateResponse::Heard)
            | (TemplateQuestion::Get(_), TemplateResponse::Template(None)) => {}
            (TemplateQuestion::Get(key), TemplateResponse::Template(Some(announcement)))
                if announcement.key() == key =>
            {
                let step = self.templates.begin(peer, *announcement);
                self.follow(peer, step).await;
            }
            (TemplateQuestion::Transactions(key), TemplateResponse::Transactions { transactions, tail }) => {
                match self.templates.on_transactions(peer, &key, transactions, tail) {
                    Ok(step) => self.follow(peer, step).await,
                    Err(_) => self.p2p.send(P2pCommand::Fault { peer, fault: Fault::WrongAnswer }).await,
                }
            }
            _ => self.p2p.send(P2pCommand::Fault { peer, fault: Fault::WrongAnswer }).await,
        }
    }

    async fn follow(&mut self, peer: PeerId, step: Step) {
        match step {
            Step::Nothing => {}
            Step::Fetch { key, places, tail } => {
                let request = TemplateRequest::Transactions { key, places, tail };
                self.p2p.send(P2pCommand::AskTemplate { peer: Some(peer), request }).await;
            }
            Step::Complete(template) => {
                debug!(template = %template.key(), %peer, "a peer's template is complete");
                self.rebuild_waiting(&template);
                if self.is_sampled(peer) {
                    self.propose(template, Some(peer));
                }
            }
        }
    }

    /// Each peer's first, and now and then another; as long as the own daemon is on the same block.
    fn is_sampled(&mut self, peer: PeerId) -> bool {
        let is_rested = self.peers_proposed.is_none_or(|at| at.elapsed() >= PEERS_PROPOSED_INTERVAL);
        let is_first = !self.seen_peers.contains(&peer);
        let is_chosen = is_rested && (is_first || rand::rng().random_range(0..SAMPLED) == 0);
        if is_chosen {
            if self.seen_peers.len() >= SEEN_PEERS_MAX {
                self.seen_peers.clear();
            }
            self.seen_peers.insert(peer);
            self.peers_proposed = Some(Instant::now());
        }
        is_chosen
    }

    fn propose(&mut self, template: Arc<HeldTemplate>, peer: Option<PeerId>) {
        let view = self.chain_view.borrow().clone();
        let now = u32::try_from(unix_now()).unwrap_or(u32::MAX);
        let block = view.context.as_deref().and_then(|it| proposal::block_of(&template, it, &self.params, now));
        let (Some(block), Some(client)) = (block, self.daemons.best().cloned()) else { return };
        let profile = self.profile.clone();
        self.calls.push(Box::pin(async move {
            let opinion = proposal::propose(&client, &profile, &block, template.prev_block()).await;
            Done::Proposed { template, peer, block, opinion }
        }));
    }

    /// A block of another node: ours too, if we know what it is made of.
    async fn on_block(&mut self, share: Arc<CheckedShare>) {
        if unix_now().saturating_sub(u64::from(share.share().header.time)) > BLOCK_AGE_SECS_MAX {
            return;
        }
        let key = TemplateKey::of_share(share.share());
        match self.templates.find(&key).cloned() {
            Some(template) => self.rebuild(share, template),
            None => {
                if self.waiting.len() >= WAITING_BLOCKS_MAX {
                    self.waiting.remove(0);
                }
                self.waiting.push(share);
                self.p2p.send(P2pCommand::AskTemplate { peer: None, request: TemplateRequest::Get(key) }).await;
            }
        }
    }

    fn rebuild_waiting(&mut self, template: &Arc<HeldTemplate>) {
        let key = template.key();
        let is_of = |share: &mut Arc<CheckedShare>| TemplateKey::of_share(share.share()) == key;
        let ready: Vec<Arc<CheckedShare>> = self.waiting.extract_if(.., is_of).collect();
        for share in ready {
            self.rebuild(share, template.clone());
        }
    }

    fn rebuild(&mut self, share: Arc<CheckedShare>, template: Arc<HeldTemplate>) {
        let chain = self.chain.clone();
        self.calls.push(Box::pin(async move {
            let (reply, coinbase) = oneshot::channel();
            let query = ChainQuery::Coinbase { share: Box::new(CheckedShare::clone(&share)), reply };
            // The chain task ends only with the node.
            let _stopping = chain.send(ChainInput::Query(query)).await;
            let coinbase = coinbase.await.ok().flatten();
            Done::Rebuilt { share, coinbase, template }
        }));
    }

    async fn on_done(&mut self, done: Done) {
        match done {
            Done::Rebuilt { share, coinbase: Some(plain), template } => {
                let share = share.share();
                let has_witness = share.data.witness_commitment.is_some();
                let coinbase = if has_witness { coinbase::with_witness(&plain) } else { plain };
                let bytes = block::encode(&share.header, &coinbase, &template.body);
                let hash = crate::blocks::header_hash(&self.params, &share.header);
                let _stopping = self.blocks.send(BlockInput::Rebuilt { hash, bytes }).await;
            }
            Done::Rebuilt { coinbase: None, .. } => debug!("the coinbase of a block is not known here any more"),
            Done::Proposed { template, peer, block, opinion } => {
                self.on_opinion(&template, peer, &block, opinion).await
            }
        }
    }

    async fn on_opinion(
        &mut self,
        template: &HeldTemplate,
        peer: Option<PeerId>,
        block: &[u8],
        opinion: Result<Opinion, RpcError>,
    ) {
        let reason = match opinion {
            Ok(Opinion::Good) if peer.is_none() => {
                self.refused.send_if_modified(|refused| refused.take().is_some());
                return;
            }
            Ok(Opinion::Good | Opinion::Unknown) => return,
            Err(cause) => return debug!(%cause, "the daemon judges no proposal"),
            Ok(Opinion::Refused(reason)) => reason,
        };
        let key = template.key();
        let Some(peer) = peer else {
            error!(template = %key, reason, "the daemon refuses the blocks that miners work on");
            self.refused.send_replace(Some(RefusedTemplate { reason }));
            return;
        };
        match evidence::keep(&self.evidence, &key, peer, &reason, block) {
            Ok(path) => {
                warn!(%peer, reason, path = %path.display(), "a peer's template is invalid; not building on it")
            }
            Err(cause) => warn!(%peer, reason, %cause, "a peer's template is invalid, and the evidence cannot be kept"),
        }
        let _stopping = self.chain.send(ChainInput::RefusedTemplate(key)).await;
    }
}

/// Whether it is time again: at once for another block, else after the interval.
fn is_due(last: &mut Option<(BlockHash, Instant)>, block: BlockHash, interval: Duration) -> bool {
    let is_due = last.is_none_or(|(before, at)| before != block || at.elapsed() >= interval);
    if is_due {
        *last = Some((block, Instant::now()));
    }
    is_due
}

#[cfg(test)]
mod vectors;
