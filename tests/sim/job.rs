//! Jobs: what a node gives its miners, made by the node's own refresh policy.

use std::collections::BTreeMap;

use node::work::refresh::{Change, RefreshPolicy};
use sharechain::{JobContext, Params, ParentWork, PayoutScript, ShareTerms, coinbase::PrefixState};

use super::Millis;

/// Jobs stay good for this long; older ones are refused as stale.
pub const JOB_LIFE_MS: Millis = 120_000;

/// What miners work on.
#[derive(Clone, Debug)]
pub struct Job {
    /// When the node made it.
    pub made_at: Millis,
    /// What the share chain says.
    pub context: JobContext,
    /// What the daemon says.
    pub work: ParentWork,
    /// Number of the parent block it is on.
    pub on_block: usize,
    /// Coinbase prefixes by payout class, once somebody has weight; before that each finder has its own.
    prefixes: BTreeMap<u8, PrefixState>,
}

impl Job {
    /// A job with prefixes for these classes.
    pub fn new(
        made_at: Millis,
        context: JobContext,
        work: ParentWork,
        on_block: usize,
        params: &Params,
        classes: &[u8],
    ) -> Self {
        let mut job = Self { made_at, context, work, on_block, prefixes: BTreeMap::new() };
        if !job.context.weights.is_empty() {
            let prefixes =
                classes.iter().map(|class| (*class, job.make_prefix(params, *class, PayoutScript::p2wpkh(&[0; 20]))));
            job.prefixes = prefixes.collect();
        }
        job
    }

    /// The coinbase prefix of a share of this class by this finder.
    pub fn prefix(&self, params: &Params, class: u8, finder: PayoutScript) -> PrefixState {
        self.prefixes.get(&class).copied().unwrap_or_else(|| self.make_prefix(params, class, finder))
    }

    fn make_prefix(&self, params: &Params, class: u8, finder: PayoutScript) -> PrefixState {
        let terms = ShareTerms {
            payout_script: finder,
            payout_class: class,
            share_bits: self.context.base_bits,
            node_nonce: 0,
            signal: 0,
        };
        let data = self.context.share_data(&self.work, &terms).expect("work fits");
        let prefix = self.context.coinbase_prefix(params, &data, self.work.prev_block);
        PrefixState::after(&prefix).expect("a whole number of blocks")
    }
}

/// When the node's next job is due, milliseconds after its last one.
pub fn wait(policy: &RefreshPolicy, change: Change) -> Millis {
    u64::try_from(policy.wait(change).as_millis()).unwrap_or(Millis::MAX)
}
