//! How a share becomes part of the chain: checked in context, linked, then announced or held back.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use crate::{
    chain::{Effect, FUTURE_TIME_MAX_SECS, NotYet, Origin, ShareChain, UnixTime, Verdict, not_yet::Told},
    dag::{NewNode, ShareIndex},
    difficulty::SHARE_WORK_MAX_IN_BASE,
    error::ShareError,
    hash::ShareId,
    validate::{
        CheckedShare,
        contextual::{self, LinkError, Place},
    },
};

/// A branch that is held back is followed when it has so many base shares more work than our best: then our clock or our
/// daemon is the one at fault. One share carries 64 at most but may merge others, so several have to agree
/// (docs/decisions/0004).
const HELD_LEAD_IN_BASE: u32 = 4 * SHARE_WORK_MAX_IN_BASE;
/// Remembered invalid shares. Each cost its sender a proof of work; forgetting one costs a second check.
const INVALID_MAX: usize = 4_096;

/// The newest invalid shares: what is built on them is refused without another look.
#[derive(Debug, Default)]
pub(super) struct InvalidShares {
    errors: BTreeMap<ShareId, ShareError>,
    order: VecDeque<ShareId>,
}

impl InvalidShares {
    pub(super) fn get(&self, id: &ShareId) -> Option<&ShareError> {
        self.errors.get(id)
    }

    pub(super) fn contains(&self, id: &ShareId) -> bool {
        self.errors.contains_key(id)
    }

    fn remember(&mut self, id: ShareId, error: ShareError) {
        if self.order.len() >= INVALID_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.errors.remove(&oldest);
        }
        self.errors.insert(id, error);
        self.order.push_back(id);
    }
}

impl ShareChain {
    pub(super) fn link(&mut self, share: Arc<CheckedShare>, origin: Origin, now: UnixTime) -> Verdict {
        match self.check_context(&share) {
            Ok(place) if origin == Origin::Live && !self.has_room(&place) => Verdict::OutOfReach,
            Ok(place) => self.insert(share, place, origin, now),
            Err(LinkError::Missing(ids)) => {
                let unasked: Vec<ShareId> = ids.iter().filter(|id| !self.pending.contains(id)).copied().collect();
                self.pending.wait(share, origin, ids);
                Verdict::Missing(unasked)
            }
            Err(LinkError::Invalid(error)) => {
                self.pending.resolve(share.id());
                self.invalid.remember(share.id(), error.clone());
                Verdict::Invalid(error)
            }
            Err(LinkError::OutOfReach) => Verdict::OutOfReach,
        }
    }

    /// Links, or refuses, what waited for shares whose fate is now known. A loop, not a recursion: a branch may wait
    /// as a whole.
    pub(super) fn settle_waiting(&mut self, now: UnixTime) {
        while let Some((share, origin)) = self.pending.take_ready() {
            let id = share.id();
            if let Verdict::Invalid(error) = self.link(share, origin, now) {
                self.effects.push_back(Effect::Refused { id, error });
            }
        }
    }

    /// Accepts every share whose reason for being held back is gone.
    pub(super) fn release(&mut self, told: Told, now: UnixTime) {
        let mut not_yet = std::mem::take(&mut self.not_yet);
        let released = not_yet.release(&self.dag, told, |index, share| self.judge(index, share, now));
        self.not_yet = not_yet;
        let mut shares = Vec::with_capacity(released.len());
        for (index, unannounced) in released {
            self.effects.extend(unannounced.map(Effect::Linked));
            shares.push(index);
        }
        // The heaviest first: on the way to it others may become so old that they are forgotten.
        for share in shares.into_iter().rev() {
            self.consider(share);
        }
    }

    fn check_context(&mut self, share: &CheckedShare) -> Result<Place, LinkError> {
        let data = &share.share().data;
        let mut ancestors = std::iter::once(&data.parent).chain(&data.uncles);
        if let Some(ancestor) = ancestors.find(|id| self.invalid.contains(id)) {
            return Err(ShareError::InvalidAncestor(*ancestor).into());
        }
        if self.is_context(share) {
            return self.context_place(share);
        }
        let parent = self.dag.find(&data.parent);
        if !self.is_at_start() && parent.is_some_and(|parent| !self.dag.has_context(parent)) {
            return Err(LinkError::OutOfReach);
        }
        let position = contextual::position(&self.dag, &self.params, share)?;
        match self.book.check_prefix(&self.dag, &self.params, &position, share) {
            Err(LinkError::OutOfReach) if self.is_at_start() => Ok(position.into()),
            checked => checked.map(|()| position.into()),
        }
    }

    fn insert(&mut self, share: Arc<CheckedShare>, place: Place, origin: Origin, now: UnixTime) -> Verdict {
        let own_block = self.parent_claims.height(&share.share().header.prev_block);
        let node = contextual::node(&self.params, &share, place);
        let index = self.dag.insert(NewNode { own_block, ..node });
        self.pending.resolve(share.id());
        let own = || if origin == Origin::Live { self.judge(index, &share, now) } else { None };
        let inherited = || self.not_yet.has_ancestor(&self.dag, index).then_some(NotYet::Ancestor);
        match own().or_else(inherited) {
            Some(reason) => self.hold_back(index, share, origin, reason),
            None => {
                self.accept(index, share);
                Verdict::Valid
            }
        }
    }

    /// What speaks against helping a share along by itself.
    fn judge(&self, index: ShareIndex, share: &CheckedShare, now: UnixTime) -> Option<NotYet> {
        let time = u64::from(share.share().header.time);
        if time > now.saturating_add(FUTURE_TIME_MAX_SECS) {
            return Some(NotYet::FutureTime { until: time.saturating_sub(FUTURE_TIME_MAX_SECS) });
        }
        self.parent_claims.judge(share, self.dag.newest_below(self.dag.node(index)))
    }

    fn accept(&mut self, index: ShareIndex, share: Arc<CheckedShare>) {
        self.effects.push_back(Effect::Linked(share));
        self.consider(index);
    }

    fn hold_back(&mut self, index: ShareIndex, share: Arc<CheckedShare>, origin: Origin, reason: NotYet) -> Verdict {
        self.not_yet.hold(&self.dag, index, share, origin, reason);
        for lightest in self.not_yet.surplus(&self.dag) {
            self.forget(lightest);
        }
        let Some(total_work) = self.dag.get(index).map(|node| node.total_work) else { return Verdict::NotYet(reason) };
        let followed_before = self.follows_held();
        let lead = self.next_base_work().saturating_mul(HELD_LEAD_IN_BASE);
        if followed_before || total_work >= self.tip().total_work.saturating_add(lead) {
            self.consider(index);
        }
        let follows_held = self.follows_held();
        if follows_held && !followed_before {
            let (tip, first_reason) = (self.tip().id, self.not_yet.first_reason(&self.dag, self.dag.tip()));
            self.effects.push_back(Effect::Overruled { tip, reason: first_reason.unwrap_or(reason) });
        }
        // What our own miners find on a branch that was followed until now is told all the same: others may have nothing
        // against that branch.
        if follows_held || origin == Origin::OwnStore {
            self.announce(index);
            Verdict::Valid
        } else {
            Verdict::NotYet(reason)
        }
    }

    /// Tells of a held share and of what it builds on.
    fn announce(&mut self, held: ShareIndex) {
        let announced = self.not_yet.announce(&self.dag, held);
        self.effects.extend(announced.into_iter().map(Effect::Linked));
    }
}
