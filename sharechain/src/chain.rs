//! The share chain: the one mutable owner of consensus state, driven by inputs and asked by getters.
//!
//! ```text
//! handle(CheckedShare, Origin, now) ---> Verdict          admit(&CheckedShare, now) ---> Admission (live gossip only)
//! handle_timeout(now)                                     job_context(), payouts(), order_after() ---> what others need
//! on_parent_block(block, now)
//!        |
//!        +--> poll_effect(): Linked, TipChanged, ..           poll_timeout(): when a held share is due
//! ```
//!
//! `now` is Unix time from the caller. Whether a share is valid depends on the share and its past alone; clock and daemon
//! decide only what is held back, see [`NotYet`]. While nothing is held back and no branch leaves the best chain deeper than
//! the merge depth, the same shares give the same tip whatever their order of arrival.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    dag::Dag,
    error::ShareError,
    hash::{BlockHash, ShareId},
    params::Params,
    payout::Payout,
    target::Work,
    template_key::TemplateKey,
    validate::CheckedShare,
};

mod admission;
mod book;
mod choice;
mod explore;
mod job;
mod linking;
mod not_yet;
mod parent_claims;
mod pending;
mod retention;
mod serve;
mod start;
mod upgrades;
mod window;

pub use admission::{Admission, Ignored};
pub use choice::RivalBranch;
pub use explore::{SharePage, ShareView};
pub use job::{JobContext, PaidWindow, ParentWork, ShareTerms};
pub use not_yet::NotYet;
pub use parent_claims::{FRESH_BLOCKS, ParentBlock};

use book::PayoutBook;
use choice::ForkGuard;
use linking::InvalidShares;
use not_yet::{NotYetSet, Told};
use parent_claims::ParentClaims;
use pending::Pending;
use start::Start;
use upgrades::Upgrades;

/// Seconds since 1970, from the caller's clock.
pub type UnixTime = u64;

/// How far a header's time may be ahead of ours before the share is held back, seconds.
pub const FUTURE_TIME_MAX_SECS: u64 = 120;

/// Where a share comes from, which decides only whether clock and daemon judge it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// From a peer, in whatever way it came: a time in the future or a wrong claim about the parent chain
    /// holds it back. Shares that were asked for are no exception, or a minority could have the median time pushed ahead
    /// by shares it never gossips.
    Live,
    /// From the node's own store, where it was judged when it was new, or from its own miners, who have their time and their
    /// parent block from this node.
    OwnStore,
}

/// What became of a share.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Valid and linked.
    Valid,
    /// Already linked, or waiting already.
    Known,
    /// Invalid for ever.
    Invalid(ShareError),
    /// Kept until these ancestors are known; ask the sender for them.
    Missing(Vec<ShareId>),
    /// Valid, but not helped along yet.
    NotYet(NotYet),
    /// Its window reaches below what is kept here, or deep branches have no room for it: not judged, and not kept.
    OutOfReach,
}

/// What the chain wants the world to know.
#[derive(Clone, Debug)]
pub enum Effect {
    /// A share became part of the chain; effects come in topological order.
    Linked(Arc<CheckedShare>),
    /// The best tip is another one.
    TipChanged {
        /// The new tip.
        tip: Tip,
        /// Heights of the old best chain that were left; 0 when the chain only grew.
        reorg_depth: u64,
    },
    /// A waiting share turned out invalid.
    Refused {
        /// The share.
        id: ShareId,
        /// The rule it breaks.
        error: ShareError,
    },
    /// A heavier branch that left too long ago to be adopted at once; see [`ShareChain::rivals`].
    RivalBranch(RivalBranch),
    /// A branch that was held back has so much more work that it is followed: the own clock or daemon is at fault.
    Overruled {
        /// Its best share.
        tip: ShareId,
        /// Why its first share was held back.
        reason: NotYet,
    },
    /// The network has agreed on rules that this version does not know.
    UpgradeDecided {
        /// The upgrade bit.
        bit: usize,
    },
    /// A linked share is not needed any more and need not be stored.
    Forgotten(ShareId),
}

/// The best share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tip {
    /// Its id; the virtual genesis while there is no share.
    pub id: ShareId,
    /// Its height.
    pub height: u64,
    /// Shares in its past, itself included.
    pub count: u64,
    /// Work in its past, itself included.
    pub total_work: Work,
}

/// See the module.
#[derive(Debug)]
pub struct ShareChain {
    params: Arc<Params>,
    dag: Dag,
    book: PayoutBook,
    guard: ForkGuard,
    not_yet: NotYetSet,
    parent_claims: ParentClaims,
    upgrades: Upgrades,
    /// Where the chain begins when that is not the virtual genesis.
    start: Option<Start>,
    pending: Pending,
    invalid: InvalidShares,
    effects: VecDeque<Effect>,
}

impl ShareChain {
    /// An empty chain: only the virtual genesis.
    pub fn new(params: Arc<Params>) -> Self {
        let dag = Dag::new(&params);
        Self::with_dag(params, dag, None)
    }

    fn with_dag(params: Arc<Params>, dag: Dag, start: Option<Start>) -> Self {
        Self {
            params,
            dag,
            book: PayoutBook::default(),
            guard: ForkGuard::default(),
            not_yet: NotYetSet::default(),
            parent_claims: ParentClaims::default(),
            upgrades: Upgrades::default(),
            start,
            pending: Pending::default(),
            invalid: InvalidShares::default(),
            effects: VecDeque::new(),
        }
    }

    /// Takes a share; whatever waited for it follows. Drain [`ShareChain::poll_effect`] afterwards.
    pub fn handle(&mut self, share: Arc<CheckedShare>, origin: Origin, now: UnixTime) -> Verdict {
        let id = share.id();
        if let Some(error) = self.invalid.get(&id) {
            return Verdict::Invalid(error.clone());
        }
        if self.dag.find(&id).is_some() || self.pending.contains(&id) {
            return Verdict::Known;
        }
        let verdict = self.link(share, origin, now);
        self.settle_waiting(now);
        verdict
    }

    /// Looks again at shares whose time has come.
    pub fn handle_timeout(&mut self, now: UnixTime) {
        if self.poll_timeout().is_some_and(|due| due <= now) {
            self.release(Told::Time(now), now);
        }
    }

    /// The own daemon has this block: tell the [`FRESH_BLOCKS`] newest at start, each new one, and those of
    /// [`ShareChain::unknown_blocks`] that it turns out to have.
    pub fn on_parent_block(&mut self, block: ParentBlock, now: UnixTime) {
        if self.parent_claims.learn(block) {
            self.dag.place_block(&block.hash, block.height);
            self.release(Told::Block(block.hash), now);
        }
    }

    /// The own daemon refuses blocks that are made of this template: shares on it are held back from now on.
    pub fn on_refused_template(&mut self, template: TemplateKey) {
        self.parent_claims.refuse(template);
    }

    /// Parent blocks that held shares mine on and the own daemon has not told of.
    pub fn unknown_blocks(&self) -> Vec<BlockHash> {
        self.not_yet.unknown_blocks().into_iter().collect()
    }

    /// When [`ShareChain::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<UnixTime> {
        self.not_yet.next_due()
    }

    /// The next effect, in order.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// The chain's parameters.
    pub const fn params(&self) -> &Arc<Params> {
        &self.params
    }

    /// The best share.
    pub fn tip(&self) -> Tip {
        let node = self.dag.node(self.dag.tip());
        Tip { id: node.id, height: node.height, count: node.count, total_work: node.total_work }
    }

    /// Whether the share is linked and not held back, or was told of all the same: on a held branch that was followed. The
    /// virtual genesis is.
    pub fn contains(&self, id: &ShareId) -> bool {
        let announced = |index| !self.is_held(index) || self.not_yet.is_announced(&self.dag, index);
        self.dag.find(id).is_some_and(announced)
    }

    /// Whether the tip is a share that clock or daemon speak against, because its branch has clearly more work.
    pub fn follows_held(&self) -> bool {
        self.is_held(self.dag.tip())
    }

    /// Whether the share is linked, held back or not.
    pub fn is_linked(&self, id: &ShareId) -> bool {
        self.dag.find(id).is_some()
    }

    /// Linked shares, merged or not, held back or not.
    pub fn len(&self) -> usize {
        let genesis = usize::from(self.dag.find(&self.params.genesis_id()).is_some());
        self.dag.len().saturating_sub(genesis)
    }

    /// Whether no share is linked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shares that wait for an ancestor.
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Shares that are valid but held back.
    pub fn held_back(&self) -> usize {
        self.not_yet.len()
    }

    /// The window that a linked share has to pay; `None` when that is not kept.
    pub fn paid_window(&mut self, share: &CheckedShare) -> Option<PaidWindow> {
        let index = self.dag.find(&share.id())?;
        let (parent, height) = (self.dag.parent(index)?, self.dag.node(index).height);
        let payout_share = self.dag.payout_share(&self.params, parent, height)?;
        let weights = self.book.weights(&self.dag, &self.params, payout_share)?;
        let tx_time = self.params.parent().tx_time.then(|| self.dag.node(parent).median_time);
        Some(PaidWindow { payout_share: self.dag.node(payout_share).id, weights, tx_time })
    }

    /// Whom the coinbase of a linked share has to pay, computed from its past; `None` when that is not kept.
    pub fn payouts(&mut self, share: &CheckedShare) -> Option<Vec<Payout>> {
        let window = self.paid_window(share)?;
        Some(window.payouts(&self.params, &share.share().data, share.share().header.prev_block))
    }

    /// The coinbase of a linked share's block without its witness; `None` when its past is not kept.
    pub fn coinbase(&mut self, share: &CheckedShare) -> Option<Vec<u8>> {
        let (window, share) = (self.paid_window(share)?, share.share());
        let mut coinbase = window.coinbase_prefix(&self.params, &share.data, share.header.prev_block);
        coinbase.extend(share.data.coinbase_tail(self.params.id(), &share.extranonce));
        Some(coinbase)
    }

    /// Verified work of the best chain that cannot have been mined long in advance: of shares on one of the newest blocks
    /// of the own daemon. Rival histories are compared by it and not by what they claim. `None` while the daemon told of no
    /// block.
    pub fn fresh_work(&self) -> Option<Work> {
        let fresh_from = self.parent_claims.fresh_from()?;
        let tip = self.dag.tip();
        let oldest = self.dag.oldest_while(tip, |node| node.newest_block >= fresh_from);
        let before = self.dag.parent(oldest).map_or(0, |parent| self.dag.node(parent).count);
        let shares = self.dag.entries(tip, before..self.tip().count);
        let fresh = shares.filter(|node| node.own_block >= fresh_from).map(|node| node.work);
        Some(fresh.fold(Work::ZERO, Work::saturating_add))
    }
}

#[cfg(test)]
mod tests;
