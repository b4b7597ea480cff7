//! The promises of this crate as properties, each named by its number in the threat model: `invariant_i2_..` to
//! `invariant_i13_..`. A file per theme; the pure arithmetic of the split is in `payout/tests.rs` as well.

mod encoding;
mod order;
mod payouts;
mod schedule;
mod window;

use std::sync::Arc;

use proptest::prelude::*;

use crate::{
    chain::{Origin, ShareChain, Verdict},
    params::Params,
    testing::{DagMiner, PLAN_LEN, Plan, Rng, shallow_params},
    validate::CheckedShare,
};

/// Plans of `len` shares, of which most are valid.
fn plans(len: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Plan>> {
    let plan = any::<[u8; PLAN_LEN]>().prop_map(|bytes| Plan::from_bytes(&bytes)).prop_map(|plan| Plan {
        // One share in eight is before the median; the others advance by seconds that keep the base moving both ways.
        time: if plan.time < -112 { -1 } else { plan.time.rem_euclid(8) },
        ..plan
    });
    prop::collection::vec(plan, len)
}

/// Half the merge depth of [`shallow_params`]: no chain ever leaves more than the merge depth.
const REACH: u64 = 2;

fn grow(plans: &[Plan]) -> DagMiner {
    let mut miner = DagMiner::new(shallow_params(), REACH);
    for plan in plans {
        miner.mine(plan);
    }
    miner
}

fn shuffled(shares: &[Arc<CheckedShare>], seed: u64) -> Vec<Arc<CheckedShare>> {
    let mut shares = shares.to_vec();
    Rng::new(seed).shuffle(&mut shares);
    shares
}

fn replay<'a>(params: &Arc<Params>, shares: impl IntoIterator<Item = &'a Arc<CheckedShare>>) -> ShareChain {
    let mut chain = ShareChain::new(params.clone());
    for share in shares {
        let _verdict: Verdict = chain.handle(share.clone(), Origin::OwnStore, 0);
    }
    chain
}
