//! Whose shares they are: linked shares by payout script. Only what people are shown comes from here; no rule asks for it.

use crate::{
    dag::{Dag, ShareIndex},
    script::PayoutScript,
};

impl Dag {
    /// How many linked shares are credited to the script, and at most `len_max` of them with a number below `below`, those
    /// linked last first.
    pub(crate) fn of_script(
        &self,
        script: &PayoutScript,
        below: Option<u64>,
        len_max: usize,
    ) -> (usize, Vec<ShareIndex>) {
        let Some(shares) = self.by_script.get(script) else { return (0, Vec::new()) };
        let end = below.map_or(shares.len(), |below| shares.partition_point(|share| share.number() < below));
        (shares.len(), shares.range(..end).rev().take(len_max).copied().collect())
    }

    /// A share is forgotten: nearly always the script's oldest.
    pub(super) fn forget_of_script(&mut self, script: &PayoutScript, share: ShareIndex) {
        let Some(shares) = self.by_script.get_mut(script) else { return };
        if let Ok(place) = shares.binary_search(&share) {
            shares.remove(place);
        }
        if shares.is_empty() {
            self.by_script.remove(script);
        }
    }
}
