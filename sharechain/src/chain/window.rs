//! Windows that roll: from one payout share to the next only what enters and what leaves is looked at.
//!
//! A payout share moves once per epoch and mostly forward, so a share costs its window a handful of additions, on the best
//! chain as on a branch. [`Weights::from_newest_first`] is the definition that tests hold this against.

use std::ops::Range;

use crate::{
    dag::{Dag, Node, ShareIndex, WindowSpan},
    params::Params,
    pplns::{Tally, Weights, WindowBounds},
    target::Work,
};

/// Windows that roll at the same time: the best chain's, and one for a rival branch that is checked beside it.
const ROLLING_MAX: usize = 2;

/// The rolling windows, the one used last at the end.
#[derive(Debug, Default)]
pub(super) struct Windows {
    rolling: Vec<RollingWindow>,
}

#[derive(Clone, Debug)]
struct RollingWindow {
    newest: ShareIndex,
    span: WindowSpan,
    tally: Tally,
}

/// Where a rolling window would have to go.
struct Route {
    /// Shares of the canonical order that both windows' newest shares have in their past.
    common: u64,
    /// Entries to pass.
    distance: u64,
    /// Whether it only goes forward.
    is_forward: bool,
}

impl Windows {
    /// The window of `newest`; `None` when it reaches below what is kept.
    pub(super) fn weights(&mut self, dag: &Dag, params: &Params, newest: ShareIndex) -> Option<Weights> {
        let span = dag.window_span(newest, bounds(dag, params, newest))?;
        let mut window = self.take_nearest(dag, newest);
        if window.roll(dag, newest, &span).is_none() {
            window = RollingWindow::empty(dag);
            window.roll(dag, newest, &span)?;
        }
        let shares = span.entries.end.saturating_sub(span.entries.start);
        let weights = window.tally.weights(shares);
        self.rolling.push(window);
        Some(weights)
    }

    /// The window with the shortest way to `newest`. One that would have to leave its branch stays, while there is room
    /// for another: two branches that grow side by side would otherwise pull it to and fro.
    fn take_nearest(&mut self, dag: &Dag, newest: ShareIndex) -> RollingWindow {
        self.rolling.retain(|window| dag.get(window.newest).is_some());
        let routes = self.rolling.iter().enumerate().filter_map(|(at, window)| Some((window.route(dag, newest)?, at)));
        let Some((route, at)) = routes.min_by_key(|(route, _)| route.distance) else {
            return RollingWindow::empty(dag);
        };
        let window = self.rolling.remove(at);
        if !route.is_forward && self.rolling.len() < ROLLING_MAX.saturating_sub(1) {
            self.rolling.push(window.clone());
        }
        window
    }
}

impl RollingWindow {
    fn empty(dag: &Dag) -> Self {
        let newest = dag.root();
        let count = dag.node(newest).count;
        Self { newest, span: WindowSpan { entries: count..count, cut: Work::ZERO }, tally: Tally::default() }
    }

    fn route(&self, dag: &Dag, newest: ShareIndex) -> Option<Route> {
        let meeting = dag.meeting(self.newest, newest)?;
        let common = dag.node(meeting).count;
        let beyond = |share: ShareIndex| dag.node(share).count.saturating_sub(common);
        let distance = beyond(self.newest).saturating_add(beyond(newest));
        Some(Route { common, distance, is_forward: meeting == self.newest })
    }

    /// Moves to another newest share. `None`, and the window is worth nothing any more, when entries it needs are gone.
    fn roll(&mut self, dag: &Dag, newest: ShareIndex, span: &WindowSpan) -> Option<()> {
        let common = self.route(dag, newest)?.common;
        let old = self.span.entries.clone();
        let Range { start, end } = span.entries.clone();
        // The oldest entry counts in full while the window moves.
        self.credit_cut(dag, self.newest)?;
        self.change(dag, self.newest, common.max(old.start)..old.end, Tally::remove)?;
        if old.start < common {
            self.change(dag, newest, common.max(start)..end, Tally::add)?;
            self.change(dag, newest, start..old.start, Tally::add)?;
            self.change(dag, newest, old.start..start.min(common), Tally::remove)?;
        } else {
            self.change(dag, newest, start..end, Tally::add)?;
        }
        (self.newest, self.span) = (newest, span.clone());
        self.debit_cut(dag)
    }

    /// Adds or removes every entry of `places` on the branch of `branch`; `None` when some are not kept.
    fn change(
        &mut self,
        dag: &Dag,
        branch: ShareIndex,
        places: Range<u64>,
        change: impl Fn(&mut Tally, crate::PayoutScript, u16, Work),
    ) -> Option<()> {
        let mut left = places.end.saturating_sub(places.start);
        for Node { script, signal, work, .. } in dag.entries(branch, places) {
            change(&mut self.tally, *script, *signal, *work);
            left = left.saturating_sub(1);
        }
        (left == 0).then_some(())
    }

    fn credit_cut(&mut self, dag: &Dag, branch: ShareIndex) -> Option<()> {
        if self.span.cut > Work::ZERO {
            let oldest = dag.entries(branch, self.oldest_place()).next()?;
            self.tally.add(oldest.script, oldest.signal, self.span.cut);
        }
        Some(())
    }

    fn debit_cut(&mut self, dag: &Dag) -> Option<()> {
        if self.span.cut > Work::ZERO {
            let oldest = dag.entries(self.newest, self.oldest_place()).next()?;
            self.tally.remove(oldest.script, oldest.signal, self.span.cut);
        }
        Some(())
    }

    fn oldest_place(&self) -> Range<u64> {
        let start = self.span.entries.start;
        start..start.saturating_add(1)
    }
}

/// How far the window of a payout share reaches: its base decides what a window's shares weigh.
fn bounds(dag: &Dag, params: &Params, payout_share: ShareIndex) -> WindowBounds {
    let window_shares = params.raw().window_shares;
    let base_work = dag.node(payout_share).base_target.work().unwrap_or(Work::MAX);
    WindowBounds {
        work: base_work.saturating_mul(window_shares),
        entries_max: u64::from(window_shares).saturating_mul(2),
    }
}

/// Sums the window at `payout_share` from scratch: what [`Windows`] must agree with.
#[cfg(test)]
pub(super) fn from_scratch(dag: &Dag, params: &Params, payout_share: ShareIndex) -> Weights {
    let all = 0..dag.node(payout_share).count;
    let entries = dag.entries(payout_share, all).map(|node| (node.script, node.work));
    Weights::from_newest_first(entries, bounds(dag, params, payout_share))
}
