//! Admission: whether a running node helps a gossiped share along. Policy, never validity.
//!
//! Children of old and easy shares are valid for ever and cost nothing to mine, so gossip takes only shares near the
//! tip and of today's difficulty (attack H8). Their ancestors are fetched by id and are exempt; whole branches enter
//! by sync.

use crate::{
    chain::{FUTURE_TIME_MAX_SECS, ShareChain, UnixTime},
    difficulty::UNCLE_WORK_MIN_DIVISOR,
    target::Work,
    validate::{CheckedShare, contextual::Position},
};

/// What to do with a share that arrives by gossip.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Admission {
    /// Relay at once, before the context is checked, and hand it to the chain.
    Relay,
    /// Hand it to the chain, which will ask for an ancestor or wait; do not relay what we cannot place.
    Keep,
    /// Neither relay nor keep; the sender did nothing wrong.
    Ignore(Ignored),
}

/// Why gossip is ignored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Ignored {
    /// It is here already.
    #[error("already known")]
    Known,
    /// It, its parent or an uncle was found invalid.
    #[error("invalid, or with an invalid ancestor")]
    Invalid,
    /// It is more than the merge depth below the tip.
    #[error("beyond the merge depth")]
    TooOld,
    /// Its base difficulty is less than an eighth of today's.
    #[error("base difficulty below an eighth of today's")]
    TooEasy,
}

impl ShareChain {
    /// Judges a share from live gossip.
    pub fn admit(&self, share: &CheckedShare, now: UnixTime) -> Admission {
        let data = &share.share().data;
        if self.dag.find(&share.id()).is_some() || self.pending.contains(&share.id()) {
            return Admission::Ignore(Ignored::Known);
        }
        if [share.id(), data.parent].iter().chain(&data.uncles).any(|id| self.invalid.contains(id)) {
            return Admission::Ignore(Ignored::Invalid);
        }
        if data.height.saturating_add(self.params.merge_depth()) <= self.tip().height {
            return Admission::Ignore(Ignored::TooOld);
        }
        let base_work = share.base_target().work().unwrap_or(Work::MAX);
        if base_work.saturating_mul(UNCLE_WORK_MIN_DIVISOR) < self.next_base_work() {
            return Admission::Ignore(Ignored::TooEasy);
        }
        let from_the_future = u64::from(share.share().header.time) > now.saturating_add(FUTURE_TIME_MAX_SECS);
        let is_held = |id| self.dag.find(id).is_some_and(|index| self.is_held(index));
        let parent = self.dag.find(&data.parent).filter(|_| !data.uncles.iter().chain([&data.parent]).any(is_held));
        let fits = |parent| self.parent_claims.judge(share, self.dag.node(parent).newest_block).is_none();
        if !from_the_future && parent.is_some_and(fits) { Admission::Relay } else { Admission::Keep }
    }

    /// Base work of a share on the best tip.
    pub fn next_base_work(&self) -> Work {
        let next = Position::after(&self.dag, &self.params, self.dag.tip(), Vec::new());
        next.and_then(|position| position.base_bits.to_target()).and_then(|target| target.work()).unwrap_or(Work::ZERO)
    }
}
