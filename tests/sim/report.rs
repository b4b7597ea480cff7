//! The report page: what the figures of the protocol are, made by one command.

use std::{
    fmt::Write,
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread::available_parallelism,
};

use super::{
    Attack, Outcome, World,
    hostile::ATTACKS,
    rival_rules::{self, Rule},
    scenario::Request,
    summary::Summary,
};

/// Nodes of the tables without attacks.
const NODES: usize = 20;
/// Nodes of the attack table: what an attack gains does not depend on how many honest nodes there are.
const ATTACK_NODES: usize = 8;
/// Before an attack windows get full; after it, all that it earned or lost leaves them.
const ATTACK_MINUTES: Range<u64> = 100..220;
const ATTACK_WORLD_MINUTES: u64 = 320;
/// Base shares of a window in these worlds, which then hold it three times.
const ATTACK_WINDOW_SHARES: u32 = 7_200;
/// Parts of the work that attackers have.
const PARTS: [f64; 5] = [0.10, 0.20, 0.32, 0.40, 0.45];
/// The part of the work at which the loss of others is told.
const LOSS_AT: usize = 2;
const INTERVALS_MS: [u32; 5] = [10_000, 5_000, 2_000, 1_000, 500];
const REFRESHES_MS: [u64; 4] = [1_000, 2_000, 5_000, 10_000];
const PARTITIONS_SECS: [u64; 2] = [30, 120];
/// Shares of one world of the other rules.
const RIVAL_SHARES: usize = 40_000;

/// Most that an attack may earn, honest mining being 1, with less work than [`MINORITY`].
const GAIN_MAX: f64 = 1.005;
const MINORITY: f64 = 0.33;
/// A gain is one when it is so many standard errors above what may be.
const ERRORS: f64 = 3.0;

/// The page, and the promises that its figures break. `seeds` worlds for every figure, of so many minutes each.
pub fn page(seeds: u64, minutes: u64) -> (String, Vec<String>) {
    let mut page = String::from(INTRODUCTION);
    let about = format!(
        "\n{NODES} nodes in seven regions, 102 miners, {minutes} minutes and {seeds} seeds for every line; attacks: {ATTACK_NODES} nodes, windows of {ATTACK_WINDOW_SHARES} base shares, {ATTACK_WORLD_MINUTES} minutes, hostile from minute {} to {}.\n",
        ATTACK_MINUTES.start, ATTACK_MINUTES.end
    );
    page.push_str(&about);
    page.push_str(&structure(seeds, minutes));
    page.push_str(&partitions(seeds, minutes));
    page.push_str(&other_rules(seeds));
    let (table, broken) = attacks(seeds);
    page.push_str(&table);
    page.push_str(CONCLUSION);
    (page, broken)
}

const INTRODUCTION: &str = include_str!("report/introduction.md");
const CONCLUSION: &str = include_str!("report/conclusion.md");

/// Runs every request of every line, as many at a time as there are cores; a line's figures are over its requests.
fn run_all(lines: Vec<Vec<Request>>) -> Vec<Summary> {
    let jobs: Vec<(usize, Request)> = lines
        .into_iter()
        .enumerate()
        .flat_map(|(line, requests)| requests.into_iter().map(move |request| (line, request)))
        .collect();
    let count = jobs.iter().map(|(line, _)| line + 1).max().unwrap_or(0);
    let summaries: Mutex<Vec<Summary>> = Mutex::new(vec![Summary::default(); count]);
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((line, request)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let mut world = World::new(request.clone().scenario());
                    world.run();
                    let outcome = Outcome::of(&mut world);
                    summaries.lock().expect("no thread panics while it holds the lock")[*line].add(&outcome);
                }
            });
        }
    });
    summaries.into_inner().expect("no thread panics while it holds the lock")
}

fn structure(seeds: u64, minutes: u64) -> String {
    let cells: Vec<(u32, u64)> =
        INTERVALS_MS.iter().flat_map(|interval| REFRESHES_MS.iter().map(|refresh| (*interval, *refresh))).collect();
    let requests = cells.iter().map(|(interval_ms, refresh_ms)| {
        let of = |seed| Request {
            interval_ms: *interval_ms,
            refresh_ms: *refresh_ms,
            ..Request::honest(seed, NODES, minutes)
        };
        (1..=seeds).map(of).collect()
    });
    let mut text = String::from(
        "\n## Shares, by interval and job refresh\n\nEverybody honest, nothing broken.\n\n\
         | interval | refresh | lost | uncles per share | most in one share | per height | revenue per work, +300 ms | 0.1 % miner |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for ((interval, refresh), line) in cells.iter().zip(run_all(requests.collect())) {
        let _infallible = writeln!(
            text,
            "| {} s | {} s | {:.4} % | {:.2} | {} | {:.1} s | {:.4} | {:.4} |",
            secs(u64::from(*interval)),
            secs(*refresh),
            line.lost_fraction() * 100.0,
            line.uncles_per_share(),
            line.uncles_most(),
            line.generation_secs(),
            line.far_miner_revenue(),
            line.small_miner_revenue(),
        );
    }
    text
}

fn partitions(seeds: u64, minutes: u64) -> String {
    let of = |secs: u64, seed| Request { partition_secs: Some(secs), ..Request::honest(seed, NODES, minutes) };
    let requests = PARTITIONS_SECS.iter().map(|secs| (1..=seeds).map(|seed| of(*secs, seed)).collect());
    let mut text = String::from(
        "\n## A partition of about a fifth of the work\n\n| length | credited work of the smaller side | lost in all | most uncles in one share |\n|---|---|---|---|\n",
    );
    for (secs, line) in PARTITIONS_SECS.iter().zip(run_all(requests.collect())) {
        let _infallible = writeln!(
            text,
            "| {secs} s | {:.4} % | {:.4} % | {} |",
            line.minority.part() * 100.0,
            line.lost_fraction() * 100.0,
            line.uncles_most(),
        );
    }
    text
}

fn other_rules(seeds: u64) -> String {
    let mut text = String::from(
        "\n## Other rules on the same network\n\nA model with the same nodes, latencies and miners; every job latency 100 ms, the far miner's 400 ms.\n\n\
         | interval | refresh | linear: lost | far miner | depth 3, 3 uncles, 90/10: lost | far miner |\n|---|---|---|---|---|---|\n",
    );
    for (interval_ms, refresh_ms) in
        INTERVALS_MS.iter().flat_map(|interval| [1_000, 2_000, 5_000].map(|refresh| (*interval, refresh)))
    {
        let means = [Rule::Linear, Rule::Depth3].map(|rule| {
            let paid = (1..=seeds).map(|seed| {
                let request = Request { interval_ms, refresh_ms, ..Request::honest(seed, NODES, 1) };
                rival_rules::run(&request.scenario(), rule, RIVAL_SHARES)
            });
            let (lost, far) = paid.fold((0.0, 0.0), |sum, paid| (sum.0 + paid.lost, sum.1 + paid.far));
            let count = f64::from(u32::try_from(seeds.max(1)).unwrap_or(u32::MAX));
            (lost / count, far / count)
        });
        let [(linear_lost, linear_far), (depth_lost, depth_far)] = means;
        let _infallible = writeln!(
            text,
            "| {} s | {} s | {:.1} % | {linear_far:.3} | {:.2} % | {depth_far:.3} |",
            secs(u64::from(interval_ms)),
            secs(refresh_ms),
            linear_lost * 100.0,
            depth_lost * 100.0,
        );
    }
    text
}

fn attacks(seeds: u64) -> (String, Vec<String>) {
    let names: Vec<Attack> = std::iter::once(Attack::Honest).chain(ATTACKS.iter().map(|(attack, _)| *attack)).collect();
    let of = |attack, part, seed| Request {
        attacks: vec![attack],
        hostile_part: part,
        attack_span: Some((ATTACK_MINUTES.start * 60_000, ATTACK_MINUTES.end * 60_000)),
        window_shares: ATTACK_WINDOW_SHARES,
        ..Request::honest(seed, ATTACK_NODES, ATTACK_WORLD_MINUTES)
    };
    let cells = names.iter().flat_map(|attack| PARTS.iter().map(move |part| (*attack, *part)));
    let lines = run_all(cells.map(|(attack, part)| (1..=seeds).map(|seed| of(attack, part, seed)).collect()).collect());
    let mut text = String::from(
        "\n## What attacks earn\n\nThe attacker's revenue per work of the attack, 1 being honest mining with the same work and the same seeds: what an attack changes, \
         from its beginning until all it earned or lost has left the windows, by the work it took. In brackets the standard error of the mean. Lost is what \
         honest miners lose of what was acknowledged to them, at 32 %.\n\n\
         | attack | 10 % | 20 % | 32 % | 40 % | 45 % | honest work lost |\n|---|---|---|---|---|---|---|\n",
    );
    let honest: Vec<Vec<f64>> = lines[..PARTS.len()].iter().map(|line| line.gains.clone()).collect();
    let mut broken = Vec::new();
    for (attack, line) in names.iter().zip(lines.chunks(PARTS.len())).skip(1) {
        let _infallible = write!(text, "| {} |", attack.name());
        for ((cell, honest), part) in line.iter().zip(&honest).zip(PARTS) {
            let (gain, error) = cell.gain_over(honest);
            if part < MINORITY && error.mul_add(-ERRORS, gain) > GAIN_MAX {
                broken.push(format!("{} earns {gain:.4} with {part} of the work", attack.name()));
            }
            let _infallible = write!(text, " {gain:.4} ({error:.4}) |");
        }
        let _infallible = writeln!(text, " {:.4} % |", line[LOSS_AT].lost_fraction() * 100.0);
    }
    (text, broken)
}

fn secs(millis: u64) -> String {
    let secs = f64::from(u32::try_from(millis).unwrap_or(u32::MAX)) / 1_000.0;
    format!("{secs}")
}
