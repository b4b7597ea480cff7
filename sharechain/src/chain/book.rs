//! Payout windows and coinbase prefixes that were computed before.
//!
//! All shares of one epoch pay one window, and all shares on one template and class have one prefix, so verifying a
//! share is nearly always two look-ups.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    chain::{job, window::Windows},
    coinbase::PrefixState,
    dag::{Dag, ShareIndex},
    encode::Writer,
    hash::blake2s256,
    params::Params,
    pplns::Weights,
    validate::{CheckedShare, contextual},
};
use contextual::{LinkError, Position};

/// Windows kept: the current epoch's, its neighbours', and those of a few branches during a deep fork.
const WINDOWS_MAX: usize = 16;
/// Prefixes kept: templates of every node times classes. Bounds what shares with invented templates can make us keep.
const PREFIXES_MAX: usize = 1_024;

#[derive(Debug, Default)]
pub(super) struct PayoutBook {
    windows: Windows,
    weights: Cache<ShareIndex, Arc<Weights>>,
    prefixes: Cache<[u8; 32], Option<PrefixState>>,
}

impl PayoutBook {
    /// The window at `payout_share`; `None` when it reaches below what is kept.
    pub(super) fn weights(&mut self, dag: &Dag, params: &Params, payout_share: ShareIndex) -> Option<Arc<Weights>> {
        if let Some(weights) = self.weights.get(&payout_share) {
            return Some(weights);
        }
        let weights = Arc::new(self.windows.weights(dag, params, payout_share)?);
        self.weights.insert(payout_share, weights.clone(), WINDOWS_MAX);
        Some(weights)
    }

    /// Whether the share's prefix is the one it must have at `position`.
    pub(super) fn check_prefix(
        &mut self,
        dag: &Dag,
        params: &Params,
        position: &Position,
        share: &CheckedShare,
    ) -> Result<(), LinkError> {
        let payout_share = position.payout_share.ok_or(LinkError::OutOfReach)?;
        let weights = self.weights(dag, params, payout_share).ok_or(LinkError::OutOfReach)?;
        let (data, prev_block) = (&share.share().data, share.share().header.prev_block);
        let tx_time = position.tx_time(params);
        let mut key = Writer::with_capacity(256);
        key.bytes(dag.node(payout_share).id.as_bytes())
            .u8(data.payout_class)
            .u64(data.coinbase_value.units())
            .u32(data.block_height)
            .bytes(prev_block.as_bytes())
            .u32(tx_time.unwrap_or_default())
            .bytes_u8(&data.coinbase_flags)
            .count_u8(data.extra_outputs.len());
        for output in &data.extra_outputs {
            key.u64(output.value.units()).bytes_u8(&output.script);
        }
        match &data.witness_commitment {
            None => key.u8(0),
            Some(commitment) => key.u8(1).bytes(commitment),
        };
        if weights.is_empty() {
            // Nobody is owed anything yet: each finder's prefix pays itself.
            key.bytes_u8(data.payout_script.as_bytes());
        }
        let key = blake2s256(&[&key.into_bytes()]);
        let expected = self.prefixes.get(&key).unwrap_or_else(|| {
            let payouts = job::payouts(params, data, prev_block, &weights);
            let state = contextual::prefix_state(&job::coinbase_fields(data, tx_time, &payouts));
            self.prefixes.insert(key, state, PREFIXES_MAX);
            state
        });
        Ok(contextual::check_prefix(share, expected)?)
    }
}

/// A map that forgets what was not used for longest when it is full.
#[derive(Debug)]
struct Cache<K, V> {
    entries: BTreeMap<K, (V, u64)>,
    by_use: BTreeMap<u64, K>,
    uses: u64,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), by_use: BTreeMap::new(), uses: 0 }
    }
}

impl<K: Ord + Clone, V: Clone> Cache<K, V> {
    fn get(&mut self, key: &K) -> Option<V> {
        let (value, used) = self.entries.get_mut(key)?;
        self.uses = self.uses.saturating_add(1);
        self.by_use.remove(used);
        self.by_use.insert(self.uses, key.clone());
        *used = self.uses;
        Some(value.clone())
    }

    fn insert(&mut self, key: K, value: V, len_max: usize) {
        while self.entries.len() >= len_max
            && let Some((_, unused)) = self.by_use.pop_first()
        {
            self.entries.remove(&unused);
        }
        self.uses = self.uses.saturating_add(1);
        self.by_use.insert(self.uses, key.clone());
        self.entries.insert(key, (value, self.uses));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_forgets_what_was_not_used_for_longest() {
        let mut cache = Cache::default();
        for key in 0..3 {
            cache.insert(key, key, 3);
        }
        assert_eq!(cache.get(&0), Some(0));
        cache.insert(3, 3, 3);
        assert_eq!([0, 1, 2, 3].map(|key| cache.get(&key)), [Some(0), None, Some(2), Some(3)]);
        assert_eq!((cache.entries.len(), cache.by_use.len()), (3, 3));
    }
}
