//! When most of the work contradicts our clock or our daemon.
//!
//! Then they, and not the network, are at fault: the branch is followed. A branch that is held back may merge everybody and so
//! have more work than any branch without it, so totals say nothing (attack F7). What counts is the work that was done on it
//! against the work that was done beside it. A follower can have been wrong, because it had not heard of the others yet; so
//! what it follows keeps its reason, and it goes back when the work beside catches up (docs/decisions/0004).

use std::sync::Arc;

use crate::{
    chain::{Effect, FUTURE_TIME_MAX_SECS, NotYet, ShareChain, UnixTime, parent_claims::ParentClaims},
    dag::{Dag, ShareIndex, Standing},
    difficulty::SHARE_WORK_MAX_IN_BASE,
    validate::CheckedShare,
};

/// Base shares by which the work on a branch has to exceed the work beside it to be followed. One share carries 64 at most,
/// and who has a third of the work finds a few of those in a row sooner or later.
const FOLLOW_LEAD_IN_BASE: u32 = 8 * SHARE_WORK_MAX_IN_BASE;
/// A followed branch is left when its lead falls below so many.
const RETURN_LEAD_IN_BASE: u32 = SHARE_WORK_MAX_IN_BASE;

impl ShareChain {
    /// Judges every waiting share again.
    pub(super) fn release(&mut self, now: UnixTime) {
        let claims = &self.parent_claims;
        let released = self.not_yet.judge_again(&mut self.dag, |dag, waiting| {
            dag.learn_block(waiting.index, claims.height(&waiting.share.share().header.prev_block));
            judge(dag, claims, waiting.index, &waiting.share, now)
        });
        self.let_pass(released);
        self.stop_following_when_open();
    }

    /// Takes in a share that waits. Whether it is helped along all the same.
    pub(super) fn hold_back(
        &mut self,
        index: ShareIndex,
        share: Arc<CheckedShare>,
        own: Option<NotYet>,
    ) -> Option<NotYet> {
        self.not_yet.take(&mut self.dag, index, share, own);
        for lightest in self.not_yet.overflow(&mut self.dag) {
            self.forget(lightest);
        }
        if self.dag.get(index).is_none() {
            return own.or(Some(NotYet::Ancestor));
        }
        let enough = || self.next_base_work().saturating_mul(FOLLOW_LEAD_IN_BASE);
        if !self.dag.is_held_back(index) {
            self.effects.extend(self.not_yet.announce(&self.dag, index).map(Effect::Linked));
            self.consider(index);
        } else if self.not_yet.leads_by(&self.dag, index, enough(), self.tip().total_work) {
            self.consider(index);
        }
        if self.dag.is_held_back(index) { own.or(Some(NotYet::Ancestor)) } else { None }
    }

    /// The best tip was `before` and is another one now. Whether a branch is followed that was not followed before.
    pub(super) fn follow_or_return(&mut self, before: ShareIndex) -> bool {
        let tip = self.dag.tip();
        let is_new = self.dag.is_held_back(tip);
        if is_new {
            self.open_tip = self.open_tip.or(Some(before));
            let (reason, unannounced) = self.not_yet.follow(&mut self.dag, tip);
            self.effects.extend(unannounced.into_iter().map(Effect::Linked));
            let reason = reason.unwrap_or(NotYet::Ancestor);
            self.effects.push_back(Effect::Overruled { tip: self.dag.node(tip).id, reason });
        }
        self.stop_following_when_open();
        is_new
    }

    /// Helps along what waited only for shares that are followed now.
    pub(super) fn let_followers_pass(&mut self) {
        let released = self.not_yet.judge_again(&mut self.dag, |_, waiting| waiting.own_reason());
        self.let_pass(released);
    }

    /// Work beside what is followed: when there is enough of it, the node goes back.
    pub(super) fn weigh_return(&mut self, share: ShareIndex) {
        let Some(mut best) = self.open_tip else { return };
        if self.dag.get(share).is_none_or(|node| node.standing != Standing::Open) {
            return;
        }
        if self.improves(share, best) {
            best = share;
            self.open_tip = Some(best);
        }
        let Some(total) = self.dag.get(best).map(|node| node.total_work) else { return };
        let enough = self.next_base_work().saturating_mul(RETURN_LEAD_IN_BASE);
        if self.not_yet.lead_of_followed(&self.dag, total) < enough {
            self.not_yet.unfollow(&mut self.dag);
            self.open_tip = None;
            self.move_to(best);
        }
    }

    /// Lets pass what was followed for a merge depth: the network has decided, and nobody could merge it otherwise.
    pub(super) fn forgive_the_buried(&mut self) {
        if self.open_tip.is_none() {
            return;
        }
        let buried = self.dag.node(self.dag.tip()).height.saturating_sub(self.params.merge_depth());
        let released = self.not_yet.judge_again(&mut self.dag, |_, waiting| {
            let is_buried = waiting.followed_at.is_some_and(|height| height < buried);
            waiting.own_reason().filter(|_| !is_buried)
        });
        self.let_pass(released);
        let open = self.dag.descend(self.dag.tip(), |node| node.standing == Standing::Open);
        if let Some(open) = open
            && self.open_tip.is_some_and(|best| self.improves(open, best))
        {
            self.open_tip = Some(open);
        }
        self.stop_following_when_open();
    }

    /// Whether `share` is the better place to go back to than `best`, without leaving it further down than anybody merges.
    fn improves(&self, share: ShareIndex, best: ShareIndex) -> bool {
        let Some(old) = self.dag.get(best) else { return true };
        let is_near = |fork| self.dag.node(fork).height.saturating_add(self.params.merge_depth()) >= old.height;
        self.dag.node(share).rank() > old.rank() && self.dag.meeting(share, best).is_some_and(is_near)
    }

    fn stop_following_when_open(&mut self) {
        if self.open_tip.is_some() && self.dag.node(self.dag.tip()).standing == Standing::Open {
            self.open_tip = None;
            self.not_yet.unfollow(&mut self.dag);
        }
    }

    /// Announces shares, ancestors first, and then looks for the best tip, the heaviest first: on the way to it others may
    /// become so old that they are forgotten.
    fn let_pass(&mut self, released: Vec<(ShareIndex, Option<Arc<CheckedShare>>)>) {
        let mut shares = Vec::with_capacity(released.len());
        for (index, unannounced) in released {
            self.effects.extend(unannounced.map(Effect::Linked));
            shares.push(index);
        }
        for share in shares.into_iter().rev() {
            self.consider(share);
        }
    }
}

/// What speaks against helping a share along by itself.
pub(super) fn judge(
    dag: &Dag,
    claims: &ParentClaims,
    index: ShareIndex,
    share: &CheckedShare,
    now: UnixTime,
) -> Option<NotYet> {
    let time = u64::from(share.share().header.time);
    if time > now.saturating_add(FUTURE_TIME_MAX_SECS) {
        return Some(NotYet::FutureTime { until: time.saturating_sub(FUTURE_TIME_MAX_SECS) });
    }
    claims.judge(share, dag.newest_block_below(index))
}
