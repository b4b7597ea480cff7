//! When miners get a new job: at once on a new parent block, otherwise not more often than anybody needs.

use std::time::Duration;

use crate::defaults::{JOB_REFRESH, JOB_REFRESH_FAST, JOB_REFRESH_MAX, UNCLES_FAST};

/// What is different from what the last job was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The parent chain has a new tip: old work may be worth nothing.
    ParentBlock,
    /// The share chain has moved; so many shares wait to be merged.
    Shares {
        /// Mergeable shares.
        mergeable: usize,
    },
    /// The template has other transactions.
    Template,
    /// Nothing.
    Nothing,
}

/// Least times between two jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshPolicy {
    /// Without a new parent block.
    pub refresh: Duration,
    /// When half a merge set waits.
    pub fast: Duration,
    /// When nothing has changed.
    pub idle: Duration,
}

impl Default for RefreshPolicy {
    fn default() -> Self {
        Self { refresh: JOB_REFRESH, fast: JOB_REFRESH_FAST, idle: JOB_REFRESH_MAX }
    }
}

impl RefreshPolicy {
    /// How long after the last job the next one is made.
    pub fn wait(&self, change: Change) -> Duration {
        match change {
            Change::ParentBlock => Duration::ZERO,
            Change::Shares { mergeable } if mergeable >= UNCLES_FAST => self.fast.min(self.refresh),
            Change::Shares { .. } | Change::Template => self.refresh,
            Change::Nothing => self.idle.max(self.refresh),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_parent_block_is_at_once_and_the_rest_waits_its_turn() {
        let wait = |change| RefreshPolicy::default().wait(change).as_millis();
        assert_eq!(wait(Change::ParentBlock), 0);
        assert_eq!(wait(Change::Template), 2_000);
        assert_eq!(wait(Change::Shares { mergeable: 31 }), 2_000);
        assert_eq!(wait(Change::Shares { mergeable: 32 }), 250);
        assert_eq!(wait(Change::Nothing), 25_000);
    }
}
