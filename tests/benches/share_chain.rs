//! What a share costs: the stateless check, the check in context at the window of a main network, and both for every share
//! of a stored chain.
//!
//! `cargo bench -p tests --bench share_chain`; figures are in `docs/performance.md`.

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sharechain::{
    Amount, CheckedShare, Params, PowAlgorithm, Share, ShareChain, Verdict,
    chain::Origin,
    testing::{self, GENESIS_TIME, Miner},
};

/// Shares of the window that the benchmark measures in.
const WINDOW: u32 = 86_400;
/// Miners with weight in the window, more than the class has outputs.
const MINERS: u64 = 300;

fn stateless(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("stateless check");
    for algorithm in PowAlgorithm::ALL {
        let mut raw = testing::main_params().raw().clone();
        (raw.parent.pow, raw.parent.block_hash) = (algorithm, algorithm);
        let share = deep_share(testing::params(raw.clone()));
        let params = testing::params(raw);
        group.bench_function(format!("{algorithm}, 12 branch hashes"), |bencher| {
            bencher.iter(|| CheckedShare::check(black_box(share.clone()), &params));
        });
    }
    group.finish();
}

/// A share whose coinbase is below a tree of 4,096 transactions.
fn deep_share(params: Arc<Params>) -> Share {
    let mut miner = Miner::new(params.clone(), 1);
    miner.merkle_branch = vec![[3; 32]; 12];
    let mut chain = ShareChain::new(params);
    miner.mine(&mut chain, GENESIS_TIME).share().clone()
}

/// Two chains with the same full window: one to mine on, one to measure.
struct World {
    miners: Vec<Miner>,
    mined_on: ShareChain,
    measured: ShareChain,
    time: u32,
    /// Whether every share has a template of its own, so that nobody has seen its coinbase prefix.
    has_new_templates: bool,
    /// What was mined, as it is stored.
    stored: Vec<Vec<u8>>,
}

impl World {
    fn new() -> Self {
        let params = testing::main_params();
        let miners = (1..=MINERS).map(|tag| Miner::new(params.clone(), tag)).collect();
        let (mined_on, measured) = (ShareChain::new(params.clone()), ShareChain::new(params));
        let mut world =
            Self { miners, mined_on, measured, time: GENESIS_TIME, has_new_templates: false, stored: Vec::new() };
        let shares = if is_measured() { u64::from(WINDOW) + 2_000 } else { 3_000 };
        while world.measured.tip().count < shares {
            world.step();
        }
        world
    }

    /// One height with one uncle; gives the time the measured chain took for both shares.
    fn step(&mut self) -> Duration {
        let index = usize::try_from(self.time).unwrap_or_default() % (self.miners.len() - 1);
        // Two shares of one second on one parent: the lighter id becomes the next one's uncle.
        self.time += 2;
        let pair = [index, index + 1].map(|miner| {
            let miner = &mut self.miners[miner];
            if self.has_new_templates {
                let fees = u64::from(self.time - GENESIS_TIME);
                miner.work.coinbase_value = Amount::from_units(5_000_000_000 + fees);
            }
            miner.mine(&mut self.mined_on, self.time)
        });
        pair.into_iter().map(|share| self.handle(share)).sum()
    }

    fn handle(&mut self, share: Arc<CheckedShare>) -> Duration {
        assert_eq!(self.mined_on.handle(share.clone(), Origin::OwnStore, 0), Verdict::Valid);
        while self.mined_on.poll_effect().is_some() {}
        self.stored.push(share.share().encode());
        let started = Instant::now();
        let verdict = self.measured.handle(black_box(share), Origin::OwnStore, 0);
        let elapsed = started.elapsed();
        assert_eq!(verdict, Verdict::Valid);
        while self.measured.poll_effect().is_some() {}
        elapsed
    }
}

/// Per share, with everything that falls due once per payout epoch of 64 heights.
fn contextual(criterion: &mut Criterion) {
    let mut world = World::new();
    let mut group = criterion.benchmark_group("contextual validation, 86,400-share window, 300 miners");
    group.bench_function("per share, all included", |bencher| {
        // One iteration is a pair of shares; half of its time is one share's.
        bencher.iter_custom(|iterations| (0..iterations).map(|_| world.step()).sum::<Duration>() / 2);
    });
    group.bench_function("median share", |bencher| {
        bencher.iter_custom(|iterations| {
            let mut times: Vec<Duration> = (0..iterations.max(64)).map(|_| world.step()).collect();
            times.sort_unstable();
            times[times.len() / 2] * u32::try_from(iterations).unwrap_or(u32::MAX) / 2
        });
    });
    world.has_new_templates = true;
    group.bench_function("per share, 300 payouts nobody has seen before", |bencher| {
        bencher.iter_custom(|iterations| (0..iterations).map(|_| world.step()).sum::<Duration>() / 2);
    });
    group.finish();
}

/// From the stored bytes to the chain: decoding, proof of work, context, window.
fn replay(criterion: &mut Criterion) {
    let world = World::new();
    let params = world.measured.params().clone();
    let mut group = criterion.benchmark_group("replay of a stored chain");
    group.sample_size(10).throughput(Throughput::Elements(world.stored.len().try_into().unwrap_or(u64::MAX)));
    group.bench_function("300 miners, one uncle per height", |bencher| {
        bencher.iter(|| {
            let mut chain = ShareChain::new(params.clone());
            for bytes in &world.stored {
                let share = Share::decode(bytes).expect("it was encoded");
                let checked = CheckedShare::check(share, &params).expect("it was checked");
                assert_eq!(chain.handle(Arc::new(checked), Origin::OwnStore, 0), Verdict::Valid);
                while chain.poll_effect().is_some() {}
            }
            chain.tip()
        });
    });
    group.finish();
}

/// A test run only shows that it runs.
fn is_measured() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(5));
    targets = stateless, contextual, replay
}
criterion_main!(benches);
