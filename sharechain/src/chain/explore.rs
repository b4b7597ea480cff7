//! What people are shown of the chain: shares in canonical order, those of one miner, a slice of the DAG, recent work.
//!
//! Nothing here changes the chain or decides anything, and every answer costs what it holds, never a walk of the past.

use std::ops::RangeInclusive;

use crate::{
    chain::ShareChain,
    dag::{Node, ShareIndex},
    hash::ShareId,
    script::PayoutScript,
    target::Work,
};

/// A linked share, as people are shown it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShareView {
    /// Its id.
    pub id: ShareId,
    /// Its selected parent; `None` when that was forgotten.
    pub parent: Option<ShareId>,
    /// What it merges, in canonical order, as far as it is kept.
    pub uncles: Vec<ShareId>,
    /// Its height.
    pub height: u64,
    /// Its header's time, Unix seconds.
    pub time: u32,
    /// Its own work.
    pub work: Work,
    /// Whom its work is credited to.
    pub script: PayoutScript,
    /// Whether it is on the best chain.
    pub is_selected: bool,
    /// The best chain's share that names it as an uncle.
    pub merged_by: Option<ShareId>,
}

/// A page of shares, the newest first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SharePage {
    /// The shares.
    pub shares: Vec<ShareView>,
    /// How many there are in the whole list.
    pub total: u64,
    /// What to ask for to get those that follow; `None` on the last page.
    pub next: Option<u64>,
}

impl ShareChain {
    /// Shares in canonical order, the newest first: at most `len_max` of them, beginning below the place `below`, or with the
    /// tip. What the best chain has not merged is not among them.
    pub fn newest_shares(&self, below: Option<u64>, len_max: usize) -> SharePage {
        let tip = self.dag.tip();
        let end = below.unwrap_or(u64::MAX).min(self.dag.node(tip).count);
        let first = self.dag.node(self.dag.root()).count.saturating_sub(1);
        let start = end.saturating_sub(u64::try_from(len_max).unwrap_or(u64::MAX)).max(first);
        let shares = if start < end {
            self.dag.entries(tip, start..end).filter_map(|node| Some(self.view(self.dag.find(&node.id)?))).collect()
        } else {
            Vec::new()
        };
        let total = self.dag.node(tip).count.saturating_sub(first);
        SharePage { shares, total, next: (start > first && start < end).then_some(start) }
    }

    /// Linked shares that are credited to `script`, merged or not, those linked last first: at most `len_max`, beginning below
    /// `below`.
    pub fn shares_of(&self, script: &PayoutScript, below: Option<u64>, len_max: usize) -> SharePage {
        let (total, page) = self.dag.of_script(script, below, len_max);
        let shares = page.iter().map(|index| self.view(*index)).collect();
        let next = page.last().map(|last| last.number()).filter(|_| page.len() == len_max);
        SharePage { shares, total: u64::try_from(total).unwrap_or(u64::MAX), next }
    }

    /// One linked share.
    pub fn share(&self, id: &ShareId) -> Option<ShareView> {
        let index = self.dag.find(id)?;
        (self.dag.node(index).height > 0).then(|| self.view(index))
    }

    /// The best chain's shares at these heights, each after what it merges, and at most `len_max` shares of these heights that
    /// nothing has merged yet; ascending by height.
    pub fn slice(&self, heights: RangeInclusive<u64>, len_max: usize) -> Vec<ShareView> {
        let (low, high) = (*heights.start(), *heights.end());
        let selected = heights.filter(|height| *height > 0).map_while(|height| self.dag.selected_at(height));
        let mut shares: Vec<ShareView> = selected
            .flat_map(|index| {
                let node = self.dag.node(index);
                node.uncles.iter().copied().filter(|uncle| self.dag.get(*uncle).is_some()).chain(std::iter::once(index))
            })
            .map(|index| self.view(index))
            .collect();
        let below = low.checked_sub(1).and_then(|height| self.dag.selected_at(height));
        let work = below.map_or(Work::ZERO, |index| self.dag.node(index).total_work);
        let unmerged = self.dag.unmerged_above(work).filter(|index| {
            let height = self.dag.node(*index).height;
            (low..=high).contains(&height) && height > 0
        });
        shares.extend(unmerged.take(len_max).map(|index| self.view(index)));
        shares.sort_by_key(|share| share.height);
        shares
    }

    /// Time and work of the newest shares in canonical order, at most `len_max`, back to the first whose median time is before
    /// `since`.
    pub fn recent_work(&self, since: u32, len_max: usize) -> Vec<(u32, Work)> {
        let tip = self.dag.tip();
        let newest = self.dag.entries(tip, 0..self.dag.node(tip).count);
        newest.take_while(|node| node.median_time >= since).take(len_max).map(|node| (node.time, node.work)).collect()
    }

    fn view(&self, index: ShareIndex) -> ShareView {
        let node = self.dag.node(index);
        let id_of = |index: ShareIndex| self.dag.get(index).map(|node: &Node| node.id);
        ShareView {
            id: node.id,
            parent: id_of(node.parent).filter(|parent| *parent != node.id),
            uncles: node.uncles.iter().filter_map(|uncle| id_of(*uncle)).collect(),
            height: node.height,
            time: node.time,
            work: node.work,
            script: node.script,
            is_selected: self.dag.is_selected(index),
            merged_by: self.dag.merger(index).and_then(id_of),
        }
    }
}
