//! The share chain: the one mutable owner of consensus state, driven by inputs and asked by getters.
//!
//! ```text
//! handle(CheckedShare, Origin, now) ---> Verdict          admit(&CheckedShare, now) ---> Admission (live gossip only)
//! handle_timeout(now)                                     job_context(), payouts(), order_after() ---> what others need
//!        |
//!        +--> poll_effect(): Linked, TipChanged, Refused           poll_timeout(): when a held share is due
//! ```
//!
//! `now` is Unix time from the caller. It decides only whether a share from the future is held back. What is linked in the
//! end depends on the shares alone, whatever their order of arrival, as long as no more of them wait than are kept.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use crate::{
    dag::{Dag, ShareIndex},
    error::ShareError,
    hash::ShareId,
    params::Params,
    payout::Payout,
    sync::CURSOR_MAX,
    target::Work,
    validate::{CheckedShare, contextual},
};

mod admission;
mod book;
mod job;
mod pending;

pub use admission::{Admission, Ignored};
pub use job::{JobContext, ParentWork, ShareTerms};

use book::PayoutBook;
use contextual::{LinkError, Position};
use pending::Pending;

/// Seconds since 1970, from the caller's clock.
pub type UnixTime = u64;

/// How far a header's time may be ahead of ours before the share is held back, seconds.
pub const FUTURE_TIME_MAX_SECS: u64 = 120;
/// Remembered invalid shares. Each cost its sender a proof of work; forgetting one costs a second check.
const INVALID_MAX: usize = 4_096;
/// Newest selected shares that a locator names one by one.
const LOCATOR_DENSE: u64 = 10;

/// Where a share comes from, which decides only whether its time is compared with the clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// Just mined, or from a peer, in whatever way it came: a time in the future holds it back. Shares that were asked
    /// for are no exception, or a minority could have the median time pushed ahead by shares it never gossips.
    Live,
    /// From the node's own store: its time was judged when it was new.
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
    /// Kept until its time has come.
    NotYet {
        /// When it will be looked at again.
        until: UnixTime,
    },
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
    pending: Pending,
    invalid: BTreeMap<ShareId, ShareError>,
    invalid_order: VecDeque<ShareId>,
    effects: VecDeque<Effect>,
}

impl ShareChain {
    /// An empty chain: only the virtual genesis.
    pub fn new(params: Arc<Params>) -> Self {
        Self {
            dag: Dag::new(&params),
            params,
            book: PayoutBook::default(),
            pending: Pending::default(),
            invalid: BTreeMap::new(),
            invalid_order: VecDeque::new(),
            effects: VecDeque::new(),
        }
    }

    /// Takes a share; whatever waited for it follows. Drain [`ShareChain::poll_effect`] afterwards.
    pub fn handle(&mut self, share: Arc<CheckedShare>, origin: Origin, now: UnixTime) -> Verdict {
        let verdict = self.handle_one(share, origin, now);
        if matches!(verdict, Verdict::Valid | Verdict::Invalid(_)) {
            self.settle_waiting();
        }
        verdict
    }

    /// Looks again at shares whose time has come.
    pub fn handle_timeout(&mut self, now: UnixTime) {
        while let Some(share) = self.pending.take_due(now) {
            let id = share.id();
            if let Verdict::Invalid(error) = self.handle(share, Origin::OwnStore, now) {
                self.effects.push_back(Effect::Refused { id, error });
            }
        }
    }

    /// When [`ShareChain::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<UnixTime> {
        self.pending.next_due()
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

    /// Whether the share is linked. The virtual genesis always is.
    pub fn contains(&self, id: &ShareId) -> bool {
        self.dag.find(id).is_some()
    }

    /// Linked shares, merged or not.
    pub fn len(&self) -> usize {
        self.dag.len()
    }

    /// Whether no share is linked.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Shares that wait for an ancestor or for their time.
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// Whom the coinbase of a linked share has to pay, computed from its past.
    pub fn payouts(&mut self, share: &CheckedShare) -> Option<Vec<Payout>> {
        let index = self.dag.find(&share.id())?;
        let node = self.dag.node(index);
        let payout_share = self.dag.payout_share(&self.params, node.parent, node.height);
        let weights = self.book.weights(&self.dag, &self.params, payout_share);
        Some(job::payouts(&self.params, &share.share().data, share.share().header.prev_block, &weights))
    }

    /// Where a peer's answer should go on: `cursor`, the newest shares it has shown of a branch that is not our best one,
    /// then ids of our selected shares from the tip backwards, dense at first and then at doubling distances, the
    /// virtual genesis last.
    pub fn locator(&self, cursor: &[ShareId]) -> Vec<ShareId> {
        let on_branch = |id: &&ShareId| self.dag.find(id).is_some_and(|index| !self.dag.is_selected(index));
        let tip_height = self.dag.node(self.dag.tip()).height;
        let distances = (0..LOCATOR_DENSE).chain((0..64).map(|power| LOCATOR_DENSE.saturating_add(1_u64 << power)));
        let heights = distances.map_while(|distance| tip_height.checked_sub(distance)).filter(|height| *height > 0);
        let selected = heights.filter_map(|height| self.dag.selected_at(height)).map(|index| self.dag.node(index).id);
        let cursor = cursor.iter().take(CURSOR_MAX).filter(on_branch).copied();
        cursor.chain(selected).chain(std::iter::once(self.params.genesis_id())).collect()
    }

    /// Ids that waiting shares need and nobody here has, at most `len_max`, beginning after `after` and then from the
    /// start: asking again and again, in turns, gets what a lost answer did not bring.
    pub fn missing(&self, after: ShareId, len_max: usize) -> Vec<ShareId> {
        self.pending.missing(after).take(len_max).collect()
    }

    /// Ids in canonical order after the newest share of `locator` that is on our best chain, at most `len_max` of them.
    ///
    /// Empty when the locator reaches our tip, and when it names nothing of ours, not even the virtual genesis.
    pub fn order_after(&self, locator: &[ShareId], len_max: usize) -> Vec<ShareId> {
        let common = locator.iter().find_map(|id| {
            let height = self.dag.node(self.dag.find(id)?).height;
            (self.dag.selected_at(height) == self.dag.find(id)).then_some(height)
        });
        let Some(common) = common else { return Vec::new() };
        let heights = (common.saturating_add(1)..).map_while(|height| self.dag.selected_at(height));
        let members = heights.flat_map(|index| {
            let node = self.dag.node(index);
            node.uncles.iter().map(|uncle| self.dag.node(*uncle).id).chain(std::iter::once(node.id))
        });
        members.take(len_max).collect()
    }

    fn handle_one(&mut self, share: Arc<CheckedShare>, origin: Origin, now: UnixTime) -> Verdict {
        let id = share.id();
        if let Some(error) = self.invalid.get(&id) {
            return Verdict::Invalid(error.clone());
        }
        if self.contains(&id) || self.pending.contains(&id) {
            return Verdict::Known;
        }
        let time = u64::from(share.share().header.time);
        if origin == Origin::Live && time > now.saturating_add(FUTURE_TIME_MAX_SECS) {
            let until = time.saturating_sub(FUTURE_TIME_MAX_SECS);
            self.pending.hold(share, until);
            return Verdict::NotYet { until };
        }
        self.link(share)
    }

    fn link(&mut self, share: Arc<CheckedShare>) -> Verdict {
        match self.check_context(&share) {
            Ok(position) => {
                self.insert(share, position);
                Verdict::Valid
            }
            Err(LinkError::Missing(ids)) => {
                let unasked: Vec<ShareId> = ids.iter().filter(|id| !self.pending.contains(id)).copied().collect();
                self.pending.wait(share, ids);
                Verdict::Missing(unasked)
            }
            Err(LinkError::Invalid(error)) => {
                self.remember_invalid(share.id(), error.clone());
                Verdict::Invalid(error)
            }
        }
    }

    fn check_context(&mut self, share: &CheckedShare) -> Result<Position, LinkError> {
        let data = &share.share().data;
        if let Some(ancestor) =
            std::iter::once(&data.parent).chain(&data.uncles).find(|id| self.invalid.contains_key(id))
        {
            return Err(ShareError::InvalidAncestor(*ancestor).into());
        }
        let position = contextual::position(&self.dag, &self.params, share)?;
        let expected = self.book.prefix_state(&self.dag, &self.params, &position, share);
        contextual::check_prefix(share, expected)?;
        Ok(position)
    }

    fn insert(&mut self, share: Arc<CheckedShare>, position: Position) {
        let begins_epoch = self.params.is_epoch(position.height);
        let node = contextual::node(&self.dag, &share, position);
        let moved = self.dag.insert(node, begins_epoch);
        self.pending.resolve(share.id());
        self.effects.push_back(Effect::Linked(share));
        if let Some(moved) = moved {
            let tip = self.tip();
            self.effects.push_back(Effect::TipChanged { tip, reorg_depth: moved.left });
        }
    }

    /// Links, or refuses, what waited for shares whose fate is now known. A loop, not a recursion: a branch may wait
    /// as a whole.
    fn settle_waiting(&mut self) {
        while let Some(share) = self.pending.take_ready() {
            let id = share.id();
            if let Verdict::Invalid(error) = self.link(share) {
                self.effects.push_back(Effect::Refused { id, error });
            }
        }
    }

    fn remember_invalid(&mut self, id: ShareId, error: ShareError) {
        if self.invalid_order.len() >= INVALID_MAX
            && let Some(oldest) = self.invalid_order.pop_front()
        {
            self.invalid.remove(&oldest);
        }
        self.invalid.insert(id, error);
        self.invalid_order.push_back(id);
        self.pending.resolve(id);
    }

    fn node_of_tip(&self) -> ShareIndex {
        self.dag.tip()
    }
}

#[cfg(test)]
mod tests;
