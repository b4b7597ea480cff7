//! What can be said of a share by its past, and only by it.
//!
//! The same [`Position`] is computed for a share that is checked and for one that is about to be mined, so a node never
//! mines what it would refuse.

use crate::{
    coinbase::{CoinbaseFields, PrefixState},
    dag::{Dag, NewNode, ShareIndex},
    difficulty::UNCLE_WORK_MIN_DIVISOR,
    error::ShareError,
    hash::ShareId,
    params::Params,
    target::{CompactTarget, Work},
    validate::CheckedShare,
};

/// Why a share cannot be linked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LinkError {
    /// These ancestors are not known.
    Missing(Vec<ShareId>),
    /// A rule is broken.
    Invalid(ShareError),
    /// What it has to pay lies below what is kept: nobody here can say.
    OutOfReach,
}

impl From<ShareError> for LinkError {
    fn from(error: ShareError) -> Self {
        Self::Invalid(error)
    }
}

/// Everything about a share that follows from its parent and uncles.
#[derive(Clone, Debug)]
pub(crate) struct Position {
    pub(crate) parent: ShareIndex,
    /// In canonical order.
    pub(crate) uncles: Vec<ShareIndex>,
    pub(crate) height: u64,
    /// Shares in the past, including the share itself.
    pub(crate) count: u64,
    /// Work in the past, without the share's own.
    pub(crate) work_before: Work,
    pub(crate) base_bits: CompactTarget,
    /// Median time past of the parent: the earliest header time, and the coinbase time on chains that have one.
    pub(crate) median_time: u32,
    /// Whose window is paid; `None` when it is below what is kept.
    pub(crate) payout_share: Option<ShareIndex>,
}

/// Where a share hangs in the DAG.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// `None` only for the first shares of a chain that begins in the middle.
    pub(crate) parent: Option<ShareIndex>,
    /// In canonical order.
    pub(crate) uncles: Vec<ShareIndex>,
}

impl From<Position> for Place {
    fn from(position: Position) -> Self {
        Self { parent: Some(position.parent), uncles: position.uncles }
    }
}

impl Position {
    /// The position on top of `parent` with `uncles` merged; `None` when a sum overflows.
    pub(crate) fn after(dag: &Dag, params: &Params, parent: ShareIndex, mut uncles: Vec<ShareIndex>) -> Option<Self> {
        uncles.sort_by_key(|uncle| dag.node(*uncle).merge_order());
        let node = dag.node(parent);
        let height = node.height.checked_add(1)?;
        let count = node.count.checked_add(u64::try_from(uncles.len()).ok()?)?.checked_add(1)?;
        let work_before =
            uncles.iter().try_fold(node.total_work, |sum, uncle| sum.checked_add(dag.node(*uncle).work))?;
        // The edge of what is kept is its own anchor, as the virtual genesis is: nobody builds so far below the tip.
        let anchor = dag.get(node.epoch).unwrap_or(node);
        let before = dag.get(anchor.parent).unwrap_or(anchor);
        let base_bits = params.controller().base_bits(anchor.base_target, before.progress(), node.progress());
        let payout_share = dag.payout_share(params, parent, height);
        Some(Self {
            parent,
            uncles,
            height,
            count,
            work_before,
            base_bits,
            median_time: node.median_time,
            payout_share,
        })
    }

    /// The coinbase time of chains that have one.
    pub(crate) fn tx_time(&self, params: &Params) -> Option<u32> {
        params.parent().tx_time.then_some(self.median_time)
    }
}

/// Checks every rule of a share's context except the coinbase prefix, and gives its position.
pub(crate) fn position(dag: &Dag, params: &Params, share: &CheckedShare) -> Result<Position, LinkError> {
    let (parent, uncles) = resolve(dag, share)?;
    check_uncles(dag, params, parent, &uncles, share, false)?;
    let position = sums(dag, params, share, parent, uncles)?;
    if share.share().data.base_bits != position.base_bits {
        return Err(ShareError::Position { field: "base_bits" }.into());
    }
    let (time, median) = (share.share().header.time, position.median_time);
    if time < median {
        return Err(ShareError::TimeTooOld { time, median }.into());
    }
    Ok(position)
}

/// Checks the numbers that sum up the past.
pub(crate) fn sums(
    dag: &Dag,
    params: &Params,
    share: &CheckedShare,
    parent: ShareIndex,
    uncles: Vec<ShareIndex>,
) -> Result<Position, ShareError> {
    let data = &share.share().data;
    let position = Position::after(dag, params, parent, uncles).ok_or(ShareError::Position { field: "total_work" })?;
    let total_work = position.work_before.checked_add(share.work());
    let wrong = [
        (data.height != position.height, "height"),
        (data.count != position.count, "count"),
        (Some(data.total_work) != total_work, "total_work"),
    ];
    match wrong.into_iter().find(|(wrong, _)| *wrong) {
        Some((_, field)) => Err(ShareError::Position { field }),
        None => Ok(position),
    }
}

/// Checks that the coinbase before the commitment is the one the rules give, given the state `expected` of that one.
pub(crate) fn check_prefix(share: &CheckedShare, expected: Option<PrefixState>) -> Result<(), ShareError> {
    if Some(share.share().prefix) == expected { Ok(()) } else { Err(ShareError::Prefix) }
}

/// The state after the coinbase prefix of `fields`.
pub(crate) fn prefix_state(fields: &CoinbaseFields<'_>) -> Option<PrefixState> {
    PrefixState::after(&fields.prefix())
}

/// The node to insert for a share at a place where what it says of its past was checked, or is believed.
pub(crate) fn node(params: &Params, share: &CheckedShare, place: Place) -> NewNode {
    let data = &share.share().data;
    NewNode {
        id: share.id(),
        parent: place.parent,
        uncles: place.uncles,
        height: data.height,
        count: data.count,
        total_work: data.total_work,
        work: share.work(),
        base_target: share.base_target(),
        time: share.share().header.time,
        script: data.payout_script,
        signal: data.signal,
        prev_block: share.share().header.prev_block,
        own_block: 0,
        begins_epoch: params.is_epoch(data.height),
    }
}

/// The parent and the uncles of a share.
pub(crate) fn resolve(dag: &Dag, share: &CheckedShare) -> Result<(ShareIndex, Vec<ShareIndex>), LinkError> {
    let data = &share.share().data;
    let missing: Vec<ShareId> =
        std::iter::once(&data.parent).chain(&data.uncles).filter(|id| dag.find(id).is_none()).copied().collect();
    match dag.find(&data.parent) {
        Some(parent) if missing.is_empty() => {
            Ok((parent, data.uncles.iter().filter_map(|uncle| dag.find(uncle)).collect()))
        }
        _ => Err(LinkError::Missing(missing)),
    }
}

/// Checks what a share merges. In the context of a chain that begins in the middle, a branch whose past is not shown to where
/// it left the selected chain may have left it in time, and what has less work behind it than the first share may be in that
/// one's past: a store still has shares that the first one merged.
pub(crate) fn check_uncles(
    dag: &Dag,
    params: &Params,
    parent: ShareIndex,
    uncles: &[ShareIndex],
    share: &CheckedShare,
    in_context: bool,
) -> Result<(), ShareError> {
    if uncles.is_empty() {
        return Ok(());
    }
    let parent_rank = dag.node(parent).rank();
    let height = dag.node(parent).height.saturating_add(1);
    let past = dag.past(parent);
    let may_be_below = |index: &ShareIndex| in_context && dag.may_be_below(*index);
    let in_set = |index: &ShareIndex| uncles.contains(index) || dag.is_in(&past, *index) || may_be_below(index);
    for uncle in uncles {
        let node = dag.node(*uncle);
        // An includer bonus by an old parent (attack C1): whoever skips the best parent is only an uncle.
        if node.rank() >= parent_rank {
            return Err(ShareError::ParentNotBest(node.id));
        }
        let is_at_edge = || in_context && [parent, *uncle].iter().any(|branch| dag.fork_point(*branch).is_none());
        if !merges_in_time(dag, params, parent, *uncle, height) && !is_at_edge() {
            return Err(ShareError::UncleTooDeep(node.id));
        }
        if dag.is_in(&past, *uncle) {
            return Err(ShareError::UncleMerged(node.id));
        }
        if !in_set(&node.parent) || !node.uncles.iter().all(in_set) {
            return Err(ShareError::UncleNotClosed(node.id));
        }
        if !weighs_enough(node.work, share.share().data.base_bits) {
            return Err(ShareError::UncleTooLight(node.id));
        }
    }
    Ok(())
}

/// Whether the branch of `uncle` left the selected chain of `parent` within the merge depth. The fork counts, not the
/// uncle's own height: a branch that never rejoins would otherwise be paid on both sides (attack F1).
pub(crate) fn merges_in_time(dag: &Dag, params: &Params, parent: ShareIndex, uncle: ShareIndex, height: u64) -> bool {
    let height_min = height.max(dag.node(uncle).height).saturating_sub(params.merge_depth());
    dag.meeting(parent, uncle).is_some_and(|fork| dag.node(fork).height >= height_min)
}

/// Whether an uncle's work is at least an eighth of the merging share's base work.
pub(crate) fn weighs_enough(work: Work, base_bits: CompactTarget) -> bool {
    let base_work = base_bits.to_target().and_then(|target| target.work());
    base_work.is_some_and(|base_work| work.saturating_mul(UNCLE_WORK_MIN_DIVISOR) >= base_work)
}
