//! What others see of the chain, and when they see it.

use std::sync::Arc;

use sharechain::{
    BlockHash, JobContext, ShareChain, Tip,
    chain::RivalBranch,
    sync::{Progress, SyncState},
    upgrade::UpgradeState,
};
use tokio::time::Duration;
use tracing::info;

use super::{AlonePolicy, RecentWork, running::Running};
use crate::defaults::ALONE_GRACE;

/// What others see of the chain.
#[derive(Clone, Debug)]
pub struct ChainView {
    /// The best share.
    pub tip: Tip,
    /// Linked shares.
    pub shares: usize,
    /// Shares waiting for ancestors.
    pub waiting: usize,
    /// Valid shares that clock or daemon speak against.
    pub held_back: usize,
    /// Whether such shares have clearly more work, so that it is they that are followed.
    pub follows_held: bool,
    /// Parent blocks that such shares mine on and the own daemon has not told of.
    pub unknown_blocks: Vec<BlockHash>,
    /// Heavier branches that left too long ago to be adopted at once.
    pub rivals: Vec<RivalBranch>,
    /// Upgrade bits that the network sets.
    pub upgrades: Vec<(usize, UpgradeState)>,
    /// Height of the first share that is kept; 0 while that is the virtual genesis.
    pub first_height: u64,
    /// Work of the last minutes, as of the last second.
    pub recent_work: RecentWork,
    /// Shares taken from gossip since the start.
    pub gossiped: u64,
    /// How far the sync is.
    pub sync: SyncState,
    /// The same in numbers, while a peer has more.
    pub progress: Option<Progress>,
    /// Whether miners may get work.
    pub may_mine: bool,
    /// What the next share says.
    pub context: Option<Arc<JobContext>>,
}

impl ChainView {
    /// What others see of a chain that nothing has happened to yet.
    pub fn of(chain: &mut ShareChain) -> Self {
        Self {
            tip: chain.tip(),
            shares: chain.len(),
            waiting: chain.waiting(),
            held_back: chain.held_back(),
            follows_held: chain.follows_held(),
            unknown_blocks: chain.unknown_blocks(),
            rivals: chain.rivals(),
            upgrades: chain.upgrades(),
            first_height: chain.first_height(),
            recent_work: RecentWork::default(),
            gossiped: 0,
            sync: SyncState::Alone,
            progress: None,
            may_mine: false,
            context: chain.job_context().map(Arc::new),
        }
    }
}

impl Running {
    pub(super) fn publish(&mut self) {
        self.dirty = false;
        let sync = self.sync.state();
        let before = self.task.view.borrow().clone();
        let mut view = ChainView::of(&mut self.task.chain);
        // An unchanged context keeps its allocation, so that the work task sees that nothing changed.
        view.context = match (&before.context, view.context) {
            (Some(old), Some(new)) if is_same(old, &new) => Some(old.clone()),
            (_, context) => context,
        };
        let may_mine =
            may_mine(sync, self.task.alone, self.had_shares, self.started.elapsed()) && view.context.is_some();
        if may_mine && !before.may_mine {
            info!(event = "chain_ready", height = view.tip.height, shares = view.shares, ?sync, "share chain is ready");
        }
        if before.follows_held && !view.follows_held {
            info!(height = view.tip.height, "this machine's clock and daemon agree with the share chain again");
        }
        let is_behind = matches!(sync, SyncState::Behind { .. });
        let progress = is_behind.then(|| self.sync.progress(&view.tip, self.steady_now()));
        let (gossiped, recent_work) = (self.gossiped, self.recent_work);
        let view = ChainView { gossiped, recent_work, sync, progress, may_mine, ..view };
        self.task.view.send_replace(Arc::new(view));
    }
}

fn is_same(old: &JobContext, new: &JobContext) -> bool {
    (old.parent, &old.uncles, old.mergeable) == (new.parent, &new.uncles, new.mergeable)
}

/// Whether miners may get work: a share mined before the sync could end up on a branch of its own.
fn may_mine(sync: SyncState, alone: AlonePolicy, had_shares: bool, up: Duration) -> bool {
    match sync {
        SyncState::Synced => true,
        SyncState::Behind { .. } => alone.solo_until_synced,
        // With shares of its own a node goes on when its peers are gone; an empty one would start a chain of its own.
        SyncState::Alone => !alone.expects_peers || alone.solo_until_synced || (had_shares && up >= ALONE_GRACE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_mines_on_a_chain_of_its_own_by_accident() {
        let expects = AlonePolicy { expects_peers: true, solo_until_synced: false };
        let (soon, late) = (Duration::from_secs(1), Duration::from_secs(60));
        assert!(may_mine(SyncState::Synced, expects, false, soon));
        assert!(!may_mine(SyncState::Behind { height: 7 }, expects, true, late));
        assert!(!may_mine(SyncState::Alone, expects, false, late), "an empty node waits for its peers");
        assert!(!may_mine(SyncState::Alone, expects, true, soon));
        assert!(may_mine(SyncState::Alone, expects, true, late), "a node with history goes on without them");
        let first = AlonePolicy { expects_peers: false, solo_until_synced: false };
        assert!(may_mine(SyncState::Alone, first, false, soon), "the first node of a network begins");
        let solo = AlonePolicy { expects_peers: true, solo_until_synced: true };
        assert!(may_mine(SyncState::Behind { height: 7 }, solo, false, soon));
    }
}
