//! What became of shares: those on the selected chain, and those it merged. It asks one node, share by share, again and again:
//! a node forgets what is old.

use std::collections::BTreeSet;

use node::api::{client::ApiClient, dto::ShareDetail};

/// The shares that are paid for.
#[derive(Clone, Debug, Default)]
pub(super) struct PaidShares {
    selected: BTreeSet<String>,
    merged: BTreeSet<String>,
    /// Everything up to this height is known.
    height: u64,
}

impl PaidShares {
    /// None so far, and none below this height ever.
    pub(super) fn above(height: u64) -> Self {
        Self { height, ..Self::default() }
    }

    /// Walks down from a tip to what is known, and takes up what lies at least this deep: what is not may still be replaced.
    ///
    /// # Errors
    /// When the node does not answer or does not know a share.
    pub(super) async fn follow(&mut self, api: &ApiClient, tip: String, depth: u64) -> anyhow::Result<()> {
        let (mut walked, mut next) = (Vec::new(), tip);
        loop {
            let ShareDetail { id, parent, uncles, height, .. } = api.share(&next).await?;
            if height <= self.height {
                break;
            }
            walked.push((height, id, uncles));
            if height == self.height + 1 {
                break;
            }
            next = parent;
        }
        let tip_height = walked.first().map_or(self.height, |(height, ..)| *height);
        for (height, id, uncles) in walked {
            if height.saturating_add(depth) <= tip_height {
                self.add(height, id, uncles);
            }
        }
        Ok(())
    }

    fn add(&mut self, height: u64, share: String, uncles: Vec<String>) {
        self.selected.insert(share);
        self.merged.extend(uncles);
        self.height = self.height.max(height);
    }

    /// Whether the share is paid for, as one of the selected chain or as an uncle.
    pub(super) fn has(&self, share: &str) -> bool {
        self.selected.contains(share) || self.merged.contains(share)
    }

    /// Whether it is paid for as an uncle.
    pub(super) fn is_uncle(&self, share: &str) -> bool {
        self.merged.contains(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_selected_or_merged_or_lost() {
        let mut paid = PaidShares::above(5);
        paid.add(7, "tip".to_owned(), vec!["uncle".to_owned(), "aunt".to_owned()]);
        paid.add(6, "parent".to_owned(), Vec::new());
        let of = |share| (paid.has(share), paid.is_uncle(share));
        assert_eq!([of("tip"), of("parent")], [(true, false); 2]);
        assert_eq!([of("uncle"), of("aunt")], [(true, true); 2]);
        assert_eq!((of("stranger"), paid.height), ((false, false), 7));
    }
}
