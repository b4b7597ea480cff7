//! What peers are told: where our chain is, what follows theirs, and what is missing here.

use crate::{chain::ShareChain, hash::ShareId, sync::CURSOR_MAX};

/// Newest selected shares that a locator names one by one.
const LOCATOR_DENSE: u64 = 10;

impl ShareChain {
    /// Where a peer's answer should go on: `cursor`, the newest ids it has shown, as far as they are not of our best chain,
    /// then ids of our selected shares from the tip backwards, dense at first and then at doubling distances, the
    /// virtual genesis last.
    pub fn locator(&self, cursor: &[ShareId]) -> Vec<ShareId> {
        let is_ahead = |id: &&ShareId| self.dag.find(id).is_none_or(|index| !self.dag.is_selected(index));
        let tip_height = self.dag.node(self.dag.tip()).height;
        let distances = (0..LOCATOR_DENSE).chain((0..64).map(|power| LOCATOR_DENSE.saturating_add(1_u64 << power)));
        let heights = distances.map_while(|distance| tip_height.checked_sub(distance)).filter(|height| *height > 0);
        let selected = heights.filter_map(|height| self.dag.selected_at(height)).map(|index| self.dag.node(index).id);
        let cursor = cursor.iter().take(CURSOR_MAX).filter(is_ahead).copied();
        cursor.chain(selected).chain(std::iter::once(self.params.genesis_id())).collect()
    }

    /// Height of a linked share.
    pub fn height_of(&self, id: &ShareId) -> Option<u64> {
        self.dag.find(id).map(|index| self.dag.node(index).height)
    }

    /// Ids that waiting shares need and nobody here has, at most `len_max`, beginning after `after` and then from the
    /// start: asking again and again, in turns, gets what a lost answer did not bring.
    pub fn missing(&self, after: ShareId, len_max: usize) -> Vec<ShareId> {
        self.pending.missing(after).take(len_max).collect()
    }

    /// Ids in canonical order after the newest share of `locator` that is on our best chain, at most `len_max` of them.
    ///
    /// Empty when the locator reaches our tip, and when it names nothing of ours. When it is of this network but ends below
    /// what is kept, the answer begins where a new node should.
    pub fn order_after(&self, locator: &[ShareId], len_max: usize) -> Vec<ShareId> {
        let common = locator.iter().find_map(|id| {
            let height = self.dag.node(self.dag.find(id)?).height;
            (self.dag.selected_at(height) == self.dag.find(id)).then_some(height)
        });
        let Some(common) = common else {
            let is_ours = locator.contains(&self.params.genesis_id());
            return if is_ours { self.order_from_start(len_max) } else { Vec::new() };
        };
        let heights = (common.saturating_add(1)..).map_while(|height| self.dag.selected_at(height));
        let members = heights.flat_map(|index| {
            let node = self.dag.node(index);
            node.uncles.iter().map(|uncle| self.dag.node(*uncle).id).chain(std::iter::once(node.id))
        });
        members.take(len_max).collect()
    }
}
