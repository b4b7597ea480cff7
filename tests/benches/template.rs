//! From a daemon's JSON to a job: a template of 4,000 transactions parsed, its branch, its job and its announcement.
//!
//! `cargo bench -p tests --bench template`; figures are in `docs/performance.md`.

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use node::{
    ChainProfile,
    parent::{Template, template::CoinbaseRoom},
    templates::held::HeldTemplate,
};
use serde_json::json;
use sharechain::{
    JobContext, ShareChain,
    hash::sha256d,
    testing::{self, Miner},
};
use stratum::{HeaderFields, JobTemplate};

/// Transactions of a full block, of the usual size.
const TRANSACTIONS: u32 = 4_000;
const TRANSACTION_LEN: usize = 400;

/// What Bitcoin Core answers.
fn answer() -> String {
    let transactions: Vec<_> = (0..TRANSACTIONS)
        .map(|tag| {
            let mut data = vec![0x5a; TRANSACTION_LEN];
            data[..4].copy_from_slice(&tag.to_le_bytes());
            let (txid, hash) = (hex::encode(sha256d(&data[..200])), hex::encode(sha256d(&data)));
            json!({
                "data": hex::encode(&data), "txid": txid, "hash": hash, "depends": [], "fee": 1_000, "sigops": 4, "weight": 900,
            })
        })
        .collect();
    json!({
        "capabilities": ["proposal"], "version": 0x2000_0000, "rules": ["csv", "!segwit", "taproot"], "vbavailable": {},
        "vbrequired": 0, "previousblockhash": "11".repeat(32), "transactions": transactions, "coinbaseaux": {},
        "coinbasevalue": 316_500_000, "longpollid": format!("{}7", "11".repeat(32)), "mintime": 1_795_228_374,
        "mutable": ["time", "transactions", "prevblock"], "noncerange": "00000000ffffffff", "sigoplimit": 80_000,
        "sizelimit": 4_000_000, "weightlimit": 4_000_000, "curtime": 1_795_228_374, "bits": "1702bb12", "height": 900_000,
        "default_witness_commitment": format!("6a24aa21a9ed{}", "22".repeat(32)),
    })
    .to_string()
}

/// The work of a node between an answer and the job that it sends.
fn job_of(template: &Template, context: &JobContext, miner: &Miner) -> Arc<JobTemplate> {
    let header = HeaderFields {
        version: template.version,
        bits: template.bits,
        time: template.time_min,
        time_min: template.time_min,
        merkle_branch: template.merkle_branch.clone(),
    };
    let parts = (template.work.clone(), header, template.body.clone());
    Arc::new(JobTemplate::new(miner.params.clone(), context.clone(), parts, 1))
}

fn bench(criterion: &mut Criterion) {
    let bitcoin = ChainProfile::find("bitcoin", None).expect("a known chain");
    let room = CoinbaseRoom::of(&bitcoin.params);
    let json = answer();
    let miner = Miner::new(testing::devnet_params(), 1);
    let context = ShareChain::new(miner.params.clone()).job_context().expect("an empty chain has a context");
    let parse = || Template::parse(&json, &bitcoin.daemon, &room).expect("a template");
    assert_eq!(parse().body.transactions.len(), TRANSACTIONS as usize);
    criterion.bench_function("template of 4,000 transactions to job", |bencher| {
        bencher.iter_with_large_drop(|| {
            let template = parse();
            (job_of(black_box(&template), &context, &miner), template)
        });
    });
    criterion.bench_function("its announcement", |bencher| {
        let template = parse();
        bencher.iter_batched(|| (), |()| HeldTemplate::of(black_box(&template)), BatchSize::LargeInput);
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(5));
    targets = bench
}
criterion_main!(benches);
