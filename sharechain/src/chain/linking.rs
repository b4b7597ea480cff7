//! How a share becomes part of the chain: checked in context, linked, then announced or held back.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use crate::{
    chain::{Effect, Origin, ShareChain, UnixTime, Verdict, following::judge},
    dag::Standing,
    error::ShareError,
    hash::ShareId,
    validate::{
        CheckedShare,
        contextual::{self, LinkError, Place},
    },
};

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

    fn check_context(&mut self, share: &CheckedShare) -> Result<Place, LinkError> {
        let data = &share.share().data;
        let mut ancestors = std::iter::once(&data.parent).chain(&data.uncles);
        if let Some(ancestor) = ancestors.find(|id| self.invalid.contains(id)) {
            return Err(ShareError::InvalidAncestor(*ancestor).into());
        }
        if self.is_context(share) {
            return self.context_place(share);
        }
        let position = contextual::position(&self.dag, &self.params, share)?;
        match self.book.check_prefix(&self.dag, &self.params, &position, share) {
            Err(LinkError::OutOfReach) if self.is_at_start() => Ok(position.into()),
            checked => checked.map(|()| position.into()),
        }
    }

    fn insert(&mut self, share: Arc<CheckedShare>, place: Place, origin: Origin, now: UnixTime) -> Verdict {
        let below = place.parent.iter().chain(&place.uncles);
        let newest_below = below.map(|ancestor| self.dag.node(*ancestor).newest_block).max().unwrap_or_default();
        let own_block = self.parent_claims.height(&share.share().header.prev_block);
        let node = contextual::node(&self.params, &share, place);
        let index = self.dag.insert(node.on_block(own_block, newest_below));
        self.pending.resolve(share.id());
        let judged = (origin == Origin::Live).then(|| judge(&self.dag, &self.parent_claims, index, &share, now));
        let own = judged.flatten();
        if own.is_some() || self.dag.ancestors_of(index).any(|node| node.standing != Standing::Open) {
            return self.hold_back(index, share, own).map_or(Verdict::Valid, Verdict::NotYet);
        }
        self.effects.push_back(Effect::Linked(share));
        self.consider(index);
        Verdict::Valid
    }
}
