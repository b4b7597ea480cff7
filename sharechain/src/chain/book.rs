//! Payout windows and coinbase prefixes that were computed before.
//!
//! All shares of one epoch pay one window, and all shares on one template and class have one prefix, so verifying a
//! share is nearly always two look-ups.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use crate::{
    chain::job,
    coinbase::PrefixState,
    dag::{Dag, ShareIndex},
    encode::Writer,
    hash::blake2s256,
    params::Params,
    pplns::{Weights, WindowBounds},
    target::Work,
    validate::{CheckedShare, contextual},
};
use contextual::Position;

/// Windows kept: the current epoch's, its neighbours', and those of a few branches during a deep fork.
const WINDOWS_MAX: usize = 8;
/// Prefixes kept: templates of every node times classes. Bounds what shares with invented templates can make us keep.
const PREFIXES_MAX: usize = 1_024;

#[derive(Debug, Default)]
pub(super) struct PayoutBook {
    windows: Cache<ShareIndex, Arc<Weights>>,
    prefixes: Cache<[u8; 32], Option<PrefixState>>,
}

impl PayoutBook {
    /// The window at `payout_share`.
    pub(super) fn weights(&mut self, dag: &Dag, params: &Params, payout_share: ShareIndex) -> Arc<Weights> {
        self.windows.get_or_insert_with(payout_share, WINDOWS_MAX, || Arc::new(window(dag, params, payout_share)))
    }

    /// The state after the prefix that a share at `position` must have; `None` when no coinbase can have it.
    pub(super) fn prefix_state(
        &mut self,
        dag: &Dag,
        params: &Params,
        position: &Position,
        share: &CheckedShare,
    ) -> Option<PrefixState> {
        let weights = self.weights(dag, params, position.payout_share);
        let (data, prev_block) = (&share.share().data, share.share().header.prev_block);
        let tx_time = position.tx_time(params);
        let mut key = Writer::with_capacity(256);
        key.bytes(dag.node(position.payout_share).id.as_bytes())
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
        self.prefixes.get_or_insert_with(blake2s256(&[&key.into_bytes()]), PREFIXES_MAX, || {
            let payouts = job::payouts(params, data, prev_block, &weights);
            contextual::prefix_state(&job::coinbase_fields(data, tx_time, &payouts))
        })
    }
}

/// Sums the window at `payout_share` from scratch.
fn window(dag: &Dag, params: &Params, payout_share: ShareIndex) -> Weights {
    let window_shares = params.raw().window_shares;
    let base_work = dag.node(payout_share).base_target.work().unwrap_or(Work::MAX);
    let bounds = WindowBounds {
        work: base_work.saturating_mul(window_shares),
        entries_max: u64::from(window_shares).saturating_mul(2),
    };
    Weights::from_newest_first(dag.newest_first(payout_share).map(|node| (node.script, node.work)), bounds)
}

/// A map that forgets its oldest entry when it is full.
#[derive(Debug)]
struct Cache<K, V> {
    entries: BTreeMap<K, V>,
    order: VecDeque<K>,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), order: VecDeque::new() }
    }
}

impl<K: Ord + Clone, V: Clone> Cache<K, V> {
    fn get_or_insert_with(&mut self, key: K, len_max: usize, make: impl FnOnce() -> V) -> V {
        if let Some(value) = self.entries.get(&key) {
            return value.clone();
        }
        if self.order.len() >= len_max
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
        let value = make();
        self.entries.insert(key.clone(), value.clone());
        self.order.push_back(key);
        value
    }
}
