//! What became of shares: those on the selected chain, and those it merged. It asks one node, share by share.

use std::collections::BTreeSet;

use node::api::{client::ApiClient, dto::ShareDetail};

/// The shares that are paid for.
#[derive(Clone, Debug, Default)]
pub(super) struct PaidShares {
    selected: BTreeSet<String>,
    merged: BTreeSet<String>,
}

impl PaidShares {
    /// Walks down from a tip to this height.
    ///
    /// # Errors
    /// When the node does not answer or does not know a share.
    pub(super) async fn walk(api: &ApiClient, tip: String, height_min: u64) -> anyhow::Result<Self> {
        let mut paid = Self::default();
        let mut next = tip;
        loop {
            let ShareDetail { id, parent, uncles, height, .. } = api.share(&next).await?;
            paid.add(id, uncles);
            if height <= height_min {
                return Ok(paid);
            }
            next = parent;
        }
    }

    fn add(&mut self, share: String, uncles: Vec<String>) {
        self.selected.insert(share);
        self.merged.extend(uncles);
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
        let mut paid = PaidShares::default();
        paid.add("tip".to_owned(), vec!["uncle".to_owned(), "aunt".to_owned()]);
        paid.add("parent".to_owned(), Vec::new());
        let of = |share| (paid.has(share), paid.is_uncle(share));
        assert_eq!([of("tip"), of("parent")], [(true, false); 2]);
        assert_eq!([of("uncle"), of("aunt")], [(true, true); 2]);
        assert_eq!(of("stranger"), (false, false));
    }
}
