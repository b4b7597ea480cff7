//! Prints the test vector of `docs/protocol/share.md`: one share with an uncle, and everything on the way to its id.
//!
//! `cargo run -p sharechain --features testing --example share_vector > tests/vectors/share.json`

use serde_json::json;
use sharechain::{
    Share, ShareChain,
    coinbase::PrefixState,
    merkle,
    testing::{GENESIS_TIME, Miner},
};

#[expect(clippy::print_stdout, reason = "its output is the vector")]
fn main() {
    let (miner, mut chain, share) = sample();
    let params = &miner.params;
    let context = chain.job_context().expect("a chain of 40 shares goes on");
    let prefix = context.coinbase_prefix(params, &share.data, share.header.prev_block);
    let payouts = context.payouts(params, &share.data, share.header.prev_block);
    let tail = share.data.coinbase_tail(params.id(), &share.extranonce);
    let txid = PrefixState::after(&prefix).expect("whole blocks").txid(&tail);
    let data = &share.data;
    let vector = json!({
        "about": "one share of the devnet parameters at an easy target; every value can be recomputed from the page",
        "params_id": params.id().to_string(),
        "genesis_id": hex::encode(params.genesis_id().as_bytes()),
        "share": hex::encode(share.encode()),
        "header": hex::encode(share.header.encode()),
        "data": hex::encode(data.encode()),
        "fields": {
            "version": data.version,
            "parent": hex::encode(data.parent.as_bytes()),
            "uncles": data.uncles.iter().map(|uncle| hex::encode(uncle.as_bytes())).collect::<Vec<_>>(),
            "height": data.height,
            "count": data.count,
            "total_work": data.total_work.hashes(),
            "base_bits": data.base_bits.to_string(),
            "share_bits": data.share_bits.to_string(),
            "payout_script": data.payout_script.to_string(),
            "payout_class": data.payout_class,
            "coinbase_value": data.coinbase_value.units(),
            "block_height": data.block_height,
            "coinbase_flags": hex::encode(&data.coinbase_flags),
            "witness_commitment": data.witness_commitment.map(hex::encode),
            "extra_outputs": data.extra_outputs.len(),
            "node_nonce": data.node_nonce,
            "signal": data.signal,
        },
        "commitment": hex::encode(data.commitment(params.id())),
        "extranonce": hex::encode(share.extranonce),
        "payouts": payouts.iter().map(|payout| json!([payout.script.to_string(), payout.amount.units()])).collect::<Vec<_>>(),
        "coinbase_prefix": hex::encode(&prefix),
        "coinbase_tail": hex::encode(tail),
        "coinbase_txid": hex::encode(txid.as_bytes()),
        "merkle_branch": share.merkle_branch.iter().map(hex::encode).collect::<Vec<_>>(),
        "merkle_root": hex::encode(merkle::root_of_left_path(txid, &share.merkle_branch).as_bytes()),
        "id": hex::encode(params.parent().block_hash.hash(&share.header.encode()).as_bytes()),
    });
    println!("{}", serde_json::to_string_pretty(&vector).expect("JSON"));
}

/// Two miners in the window, and a share that merges one uncle.
fn sample() -> (Miner, ShareChain, Share) {
    let mut miner = Miner::devnet();
    let mut other = Miner::new(miner.params.clone(), 2);
    let mut chain = ShareChain::new(miner.params.clone());
    for second in 1..=40 {
        let finder = if second % 4 == 0 { &mut other } else { &mut miner };
        finder.extend(&mut chain, GENESIS_TIME + second);
    }
    let siblings = [miner.mine(&mut chain, GENESIS_TIME + 41), other.mine(&mut chain, GENESIS_TIME + 41)];
    for sibling in siblings {
        let _linked = chain.handle(sibling, sharechain::chain::Origin::OwnStore, 0);
    }
    let share = miner.mine(&mut chain, GENESIS_TIME + 42).share().clone();
    (miner, chain, share)
}
