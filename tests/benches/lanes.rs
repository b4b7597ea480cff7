//! A decision with fifty lanes.
//!
//! `cargo bench -p tests --bench lanes`; figures are in `docs/performance.md`.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use node::lanes::{
    Controller, Inputs, Mode, Observation, Params, PriceSeen, Profile, RunState, Settings, prices::Quote,
};
use sharechain::testing;
use stratum::{
    LanePlan, LaneScripts,
    lane::{PlannedLane, Seeker},
};

const LANES: u32 = 50;
const WORKERS: u32 = 10_000;

fn names() -> Vec<String> {
    (0..LANES).map(|lane| format!("lane{lane}")).collect()
}

/// Fifty coins, whose prices move at every tick.
fn inputs(tick: u32) -> Inputs {
    let lane = |(number, lane): (u32, String)| {
        let wave = f64::from(tick.wrapping_mul(2_654_435_761).rotate_left(number) % 1_000) / 10_000.0;
        Observation {
            coin: lane.clone(),
            lane,
            block_value: 312_500_000,
            units_per_coin: 100_000_000,
            block_hashes: 1 << 70,
            orphan_rate: 0.01,
            stale_rate: 0.005,
            own_hashrate: 1e12,
            network_hashrate: Some(1e13),
            pool_hashrate: Some(1e12),
            share_hashes: Some(1 << 40),
            window_secs: Some(86_400),
            price: PriceSeen::Quote(Quote { price: 1.0 + wave, age_secs: 30, spread_percent: 0.1, sources: 3 }),
            ..Observation::default()
        }
    };
    Inputs { lanes: (0..LANES).zip(names()).map(lane).collect(), switch_cost_ms: 500, spread: None }
}

fn controller(mode: Mode) -> Controller {
    let mut settings = Settings {
        mode,
        state: RunState::Live,
        params: Params::of(mode, Profile::Balanced),
        lanes: names(),
        ..Settings::default()
    };
    settings.targets.lanes = names().into_iter().map(|lane| (lane, 1.0)).collect();
    settings.schedule.jitter_secs = 0;
    Controller::new(settings)
}

fn decisions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a decision with 50 lanes");
    for mode in Mode::ALL {
        let mut controller = controller(mode);
        let seen: Vec<Inputs> = (0..64).map(inputs).collect();
        let mut now = 1_800_000_000;
        let mut seen = seen.iter().cycle();
        group.bench_function(mode.as_str(), |bencher| {
            bencher.iter(|| {
                now += 60;
                // The inputs are made anew at every tick of a node too, so that their copy belongs to the time.
                let inputs = seen.next().cloned().unwrap_or_default();
                controller.tick(now, black_box(inputs))
            });
        });
    }
    group.finish();
}

/// What all connections do when the plan changes.
fn assignment(criterion: &mut Criterion) {
    let planned = |weight: u16| PlannedLane { weight, is_usable: true };
    let plan = LanePlan::new((0..LANES).map(|_| planned(200)).collect());
    let scripts: LaneScripts = (0..LANES).map(|_| Some(testing::script(1))).collect();
    let workers: Vec<String> = (0..WORKERS).map(|worker| format!("rig{worker}")).collect();
    let mut group = criterion.benchmark_group("lanes of 10,000 workers");
    group.sample_size(20);
    group.bench_function("50 lanes", |bencher| {
        bencher.iter(|| {
            let seeker = |worker| Seeker { id: 0, scripts: &scripts, worker, pin: None, current: None };
            let placed = workers.iter().filter_map(|worker| plan.lane_of(&seeker(worker), |_| true));
            placed.map(stratum::LaneId::place).sum::<usize>()
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50).measurement_time(Duration::from_secs(3));
    targets = decisions, assignment
}
criterion_main!(benches);
