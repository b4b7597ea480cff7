//! The canonical order of a past: order(parent), the uncles by work and id, then the share. A share's place in it is its
//! count and the work up to it is its total work, so a window is found by a search and never by a sum.

use std::ops::Range;

use crate::{
    dag::{Dag, Node, ShareIndex},
    pplns::WindowBounds,
    target::Work,
};

/// Which entries of the canonical order a window has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct WindowSpan {
    /// Their places, counted from 0.
    pub(crate) entries: Range<u64>,
    /// What is not credited of the oldest one's work.
    pub(crate) cut: Work,
}

impl Dag {
    /// Where the window of `newest` begins; `None` when that lies below what is kept.
    pub(crate) fn window_span(&self, newest: ShareIndex, bounds: WindowBounds) -> Option<WindowSpan> {
        let top = self.node(newest);
        let entries_min = top.count.saturating_sub(bounds.entries_max);
        let work_above = |node: &Node| top.total_work.saturating_sub(node.total_work);
        let reaches = |node: &Node| work_above(node) < bounds.work && node.count > entries_min;
        if top.height == 0 {
            return Some(WindowSpan::default());
        }
        let oldest = self.oldest_while(newest, reaches);
        // When nothing below is kept, others may belong to the window that are not kept either.
        self.parent(oldest)?;
        let mut room = bounds.work.saturating_sub(work_above(self.node(oldest)));
        let mut span = WindowSpan { entries: self.node(oldest).count..top.count, cut: Work::ZERO };
        for node in self.group(oldest) {
            if room == Work::ZERO || span.entries.start <= entries_min {
                break;
            }
            span.entries.start = span.entries.start.saturating_sub(1);
            span.cut = node.work.saturating_sub(room);
            room = room.saturating_sub(node.work);
        }
        Some(span)
    }

    /// Entries of the canonical order of `newest`, the newest one first.
    pub(crate) fn entries(&self, newest: ShareIndex, places: Range<u64>) -> impl Iterator<Item = &Node> + '_ {
        let first = (!places.is_empty()).then(|| self.oldest_while(newest, |node| node.count >= places.end));
        std::iter::successors(first, |share| self.parent(*share))
            .filter(|share| self.node(*share).height > 0)
            .flat_map(|share| self.group(share).zip((0..self.node(share).count).rev()))
            .skip_while(move |(_, place)| *place >= places.end)
            .take_while(move |(_, place)| *place >= places.start)
            .map(|(node, _)| node)
    }

    /// A share and what it merged, against the canonical order.
    fn group(&self, share: ShareIndex) -> impl Iterator<Item = &Node> + '_ {
        let node = self.node(share);
        std::iter::once(node).chain(node.uncles.iter().rev().filter_map(|uncle| self.get(*uncle)))
    }
}
