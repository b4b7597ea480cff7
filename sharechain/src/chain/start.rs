//! Beginning in the middle: nobody keeps a share chain's whole past, so a new node begins some windows below the tip.
//!
//! The lowest heights are context: their proof of work and what they merge is checked, their base difficulty, time and
//! payouts are believed. They are there so that everything above them can be checked in full. A share whose past is not
//! shown to the end is never on the best chain, so no sum is ever believed. Which of several such histories is the real one
//! is decided by [`ShareChain::fresh_work`], not by what they claim.

use std::sync::Arc;

use crate::{
    chain::{Effect, ShareChain},
    dag::Dag,
    hash::ShareId,
    params::Params,
    validate::{
        CheckedShare,
        contextual::{self, LinkError, Place},
    },
};

/// Windows below the tip where a new node begins, in shares: no window has more.
const WINDOWS_FETCHED: u64 = 2;
/// Context, in merge depths...
const CONTEXT_MERGE_DEPTHS: u64 = 2;
/// ...and payout epochs.
const CONTEXT_EPOCHS: u64 = 2;

/// Where a chain begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Start {
    /// Height of the first share.
    height: u64,
    /// Up to here an uncle may have ancestors that nobody has shown: they lie below the first share.
    edge: u64,
    /// Up to here claims are believed.
    context: u64,
}

impl ShareChain {
    /// A chain that begins with this share, whose past is not known.
    pub fn starting_with(params: Arc<Params>, first: Arc<CheckedShare>) -> Self {
        let height = first.share().data.height;
        let start = Start {
            height,
            edge: height.saturating_add(params.merge_depth()),
            context: height.saturating_add(context_heights(&params)),
        };
        let place = Place { parent: None, uncles: Vec::new() };
        let dag = Dag::from_root(contextual::node(&params, &first, place));
        let mut chain = Self::with_dag(params, dag, Some(start));
        chain.effects.push_back(Effect::Linked(first));
        chain
    }

    /// Another history of the same network that begins with this share; the own daemon's blocks are known to it too.
    pub fn history_from(&self, first: Arc<CheckedShare>) -> Self {
        Self { parent_claims: self.parent_claims.clone(), ..Self::starting_with(self.params.clone(), first) }
    }

    /// Ids of all linked shares, in no order that means anything.
    pub fn linked_ids(&self) -> impl Iterator<Item = ShareId> + '_ {
        self.dag.ids()
    }

    /// Where a new node should begin to download this chain: ids in canonical order, at most `len_max`. The first one is a
    /// share of the best chain; empty when there is nothing but the virtual genesis.
    pub fn order_from_start(&self, len_max: usize) -> Vec<ShareId> {
        let tip = self.tip();
        let shares = u64::from(self.params.raw().window_shares).saturating_mul(WINDOWS_FETCHED);
        let Some(window) = self.dag.selected_from_count(tip.count.saturating_sub(shares)) else { return Vec::new() };
        let height = self.dag.node(window).height.saturating_sub(context_heights(&self.params));
        let first = self.dag.selected_at(height).unwrap_or_else(|| self.dag.root());
        let first = if self.dag.node(first).height == 0 { None } else { Some(self.dag.node(first)) };
        let after = first.map_or_else(|| self.params.genesis_id(), |first| first.id);
        let rest = self.order_after(&[after], len_max.saturating_sub(usize::from(first.is_some())));
        first.map(|first| first.id).into_iter().chain(rest).collect()
    }

    /// Most shares that a new node is shown: two windows, and a context of full merge sets.
    pub(crate) fn shown_max(&self) -> usize {
        let raw = self.params.raw();
        let per_height = u64::from(raw.uncles_max).saturating_add(1);
        let windows = u64::from(raw.window_shares).saturating_mul(WINDOWS_FETCHED);
        let context = context_heights(&self.params).saturating_mul(per_height);
        usize::try_from(windows.saturating_add(context).saturating_add(per_height)).unwrap_or(usize::MAX)
    }

    /// Height of the first share that is kept; 0 while that is the virtual genesis.
    pub fn first_height(&self) -> u64 {
        self.dag.node(self.dag.root()).height
    }

    /// Id of the first share that is kept, for [`ShareChain::starting_with`] after a restart.
    pub fn first_share(&self) -> ShareId {
        self.dag.node(self.dag.root()).id
    }

    /// Whether the next share's window is kept whole, so that this node can say whom to pay.
    pub fn has_window(&mut self) -> bool {
        self.job_context().is_some()
    }

    /// Whether windows may still reach below what this chain began with.
    pub(super) fn is_at_start(&self) -> bool {
        self.start.is_some_and(|start| start.height == self.first_height())
    }

    /// Whether the share's claims are believed.
    pub(super) fn is_context(&self, share: &CheckedShare) -> bool {
        self.is_at_start() && self.start.is_some_and(|start| share.share().data.height <= start.context)
    }

    /// Where a share of the context hangs. When its ancestors are known they have to be what it may merge, and its sums have
    /// to add up; on the best chain they always are.
    pub(super) fn context_place(&self, share: &CheckedShare) -> Result<Place, LinkError> {
        let data = &share.share().data;
        let context = self.start.map_or(0, |start| start.context);
        if self.tip().height > context.saturating_add(self.params.merge_depth()) {
            // The context is complete: what is still shown of it can be neither merged nor checked.
            return Err(LinkError::OutOfReach);
        }
        let joins_ours = |parent| self.dag.fork_point(parent).is_some();
        match contextual::resolve(&self.dag, share) {
            Ok((parent, uncles)) => {
                contextual::check_uncles(&self.dag, &self.params, parent, &uncles, share, true)?;
                Ok(contextual::sums(&self.dag, &self.params, share, parent, uncles)?.into())
            }
            Err(_)
                if self.start.is_some_and(|start| data.height <= start.edge)
                    && !self.dag.find(&data.parent).is_some_and(joins_ours) =>
            {
                let mut uncles: Vec<_> = data.uncles.iter().filter_map(|uncle| self.dag.find(uncle)).collect();
                uncles.sort_by_key(|uncle| self.dag.node(*uncle).merge_order());
                Ok(Place { parent: self.dag.find(&data.parent), uncles })
            }
            Err(missing) => Err(missing),
        }
    }
}

/// Heights of the context.
fn context_heights(params: &Params) -> u64 {
    let depths = params.merge_depth().saturating_mul(CONTEXT_MERGE_DEPTHS);
    depths.saturating_add(params.payout_epoch().saturating_mul(CONTEXT_EPOCHS))
}
