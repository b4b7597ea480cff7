//! What a share chain keeps in memory: with one full window, and with everything that is kept for good.
//!
//! `cargo bench -p tests --bench memory` prints one JSON line for each; figures are in `docs/performance.md`.

use std::{io::Write, sync::Arc};

use serde_json::json;
use sharechain::{
    CheckedShare, ConsensusParams, Params, Share, ShareChain,
    chain::Origin,
    testing::{self, GENESIS_TIME, Miner},
};

/// Most that a window of 100,000 shares may take.
const BYTES_MAX: u64 = 100_000_000;

fn main() {
    // A test run only shows that it runs.
    let is_measured = std::env::args().any(|argument| argument == "--bench");
    let (window, miners) = if is_measured { (100_000, 10_000) } else { (1_000, 100) };
    let raw = testing::main_params().raw().clone();
    let params = testing::params(ConsensusParams { window_shares: window, ..raw });
    let window = usize::try_from(window).expect("a window fits memory");
    let stored = mine(&params, window * 5, miners);
    for (what, shares) in [("one window", window + window / 50), ("four windows and what lies between", window * 5)] {
        let bytes = kept(&params, &stored[..shares]);
        let line = json!({ "kept": what, "shares": shares, "miners": miners, "window": window, "bytes": bytes });
        writeln!(std::io::stdout(), "{line}").expect("standard output is open");
        assert!(what != "one window" || bytes < BYTES_MAX, "{line}");
    }
}

/// Bytes that a chain of these shares has allocated and not given back.
fn kept(params: &Arc<Params>, stored: &[Vec<u8>]) -> u64 {
    let mut kept = None;
    let allocated = allocation_counter::measure(|| {
        let mut chain = ShareChain::new(params.clone());
        for bytes in stored {
            let share = Share::decode(bytes).expect("it was encoded");
            let checked = CheckedShare::check(share, params).expect("it was mined by the rules");
            let _valid = chain.handle(Arc::new(checked), Origin::OwnStore, 0);
            while chain.poll_effect().is_some() {}
        }
        chain.job_context().expect("the next share has a window to pay");
        kept = Some(chain);
    });
    let linked = kept.map(|chain| chain.tip().count);
    // Of the last two shares, which are siblings, the one is the tip.
    assert_eq!(linked.map(|count| count + 1), u64::try_from(stored.len()).ok());
    u64::try_from(allocated.bytes_current).expect("it holds more than it was given")
}

/// Two shares per height, by one miner after the other.
fn mine(params: &Arc<Params>, shares: usize, miners: u64) -> Vec<Vec<u8>> {
    let mut miners: Vec<Miner> = (1..=miners).map(|tag| Miner::new(params.clone(), tag)).collect();
    let mut chain = ShareChain::new(params.clone());
    let (mut stored, mut time) = (Vec::new(), GENESIS_TIME);
    while stored.len() < shares {
        time += 2;
        let first = stored.len() % miners.len();
        for share in [first, (first + 1) % miners.len()].map(|miner| miners[miner].mine(&mut chain, time)) {
            stored.push(share.share().encode());
            let _valid = chain.handle(share, Origin::OwnStore, 0);
            while chain.poll_effect().is_some() {}
        }
    }
    stored
}
