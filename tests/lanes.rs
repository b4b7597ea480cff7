//! What the policies are worth on made-up histories, and that the committed ones are those of the generator.
//!
//! `cargo test -p tests --test lanes -- --ignored write_histories` writes the committed ones anew, and `-- --ignored
//! --nocapture measure` prints the tables of `docs/lanes.md`.

use std::path::PathBuf;

use node::lanes::{
    Mode, Profile,
    jitter::Schedule,
    replay::{ReplaySettings, Report, Rows, replay},
};

#[path = "lanes/synthetic.rs"]
pub mod synthetic;

use synthetic::{SETS, Set};

/// Of the committed histories: chosen before anything was measured on them. The rules were tuned on seeds 1 to 20.
const SEED: u64 = 2_026;
/// As much as a file of a hundred kilobytes holds.
const DAYS: i64 = 20;
const STEP_SECS: i64 = 600;
/// What a policy has to keep of the free oracle's gain, and may never fall below, percent.
const KEPT_MIN_PERCENT: f64 = 65.0;
const GAIN_MIN_PERCENT: f64 = -0.5;

fn path(set: &Set) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors").join(format!("lanes-{}.csv", set.name))
}

fn run(csv: &str, mode: Mode, profile: Profile, switch_cost_ms: u64) -> Report {
    let schedule = Schedule::seeded(SEED);
    let settings = ReplaySettings { mode, profile, params: None, switch_cost_ms: Some(switch_cost_ms), schedule };
    replay(&mut Rows::new(csv.as_bytes()), &settings).expect("a history")
}

/// The rule of the default policy at a cost of ten seconds.
fn check(set: &Set, csv: &str) {
    let report = run(csv, Mode::default(), Profile::default(), 10_000);
    let kept = report.kept_percent.expect("an oracle gains");
    assert!(kept >= KEPT_MIN_PERCENT, "{}: {kept:.1} % of the oracle's gain: {report:?}", set.name);
    assert!(report.gain_percent >= GAIN_MIN_PERCENT, "{}: {report:?}", set.name);
    assert!(report.gain_percent < report.oracle_gain_percent, "nobody beats the oracle: {report:?}");
}

#[test]
fn the_default_policy_keeps_its_part_of_the_oracle_on_the_committed_histories() {
    for set in SETS {
        check(&set, &std::fs::read_to_string(path(&set)).expect("a committed history"));
    }
}

#[test]
fn and_on_a_month_of_minutes_that_nothing_was_tuned_on() {
    for set in SETS {
        check(&set, &set.csv(SEED + 1, 30, 60));
    }
}

#[test]
fn no_profile_falls_far_below_the_best_single_lane_at_costs_up_to_a_minute() {
    for set in SETS {
        let csv = std::fs::read_to_string(path(&set)).expect("a committed history");
        for profile in Profile::ALL {
            for cost_ms in [0, 1_000, 60_000] {
                let report = run(&csv, Mode::OptimizeProfit, profile, cost_ms);
                assert!(report.gain_percent >= GAIN_MIN_PERCENT, "{} {profile} {cost_ms} ms: {report:?}", set.name);
            }
        }
    }
}

#[test]
fn the_committed_histories_are_those_of_the_generator() {
    for set in SETS {
        let committed = std::fs::read_to_string(path(&set)).expect("a committed history");
        assert!(committed == set.csv(SEED, DAYS, STEP_SECS), "{} was changed, or the generator was", set.name);
    }
}

#[test]
fn the_generator_makes_what_it_says() {
    for set in SETS {
        let csv = set.csv(7, 300, 600);
        let rows: Vec<Vec<f64>> =
            csv.lines().skip(1).map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect()).collect();
        let logs = |column: usize| rows.iter().map(move |row| (row[column] / 1_000.0).ln());
        let deviation =
            |values: Vec<f64>| (values.iter().map(|value| value * value).sum::<f64>() / values.len() as f64).sqrt();
        let (wanted, noise) = (set.deviation as f64 / 1e6, set.noise as f64 / 1e6);
        for lane in 0..3 {
            let paid = deviation(logs(4 + lane).collect());
            assert!((paid / wanted - 1.0).abs() < 0.25, "{}: {paid} {wanted}", set.name);
            let off = deviation(logs(1 + lane).zip(logs(4 + lane)).map(|(seen, paid)| seen - paid).collect());
            assert!((off / noise - 1.0).abs() < 0.1, "{}: {off} {noise}", set.name);
        }
    }
}

#[test]
#[ignore = "writes the committed histories anew"]
fn write_histories() {
    for set in SETS {
        std::fs::write(path(&set), set.csv(SEED, DAYS, STEP_SECS)).expect("a writable file");
    }
}

/// The mean of some seeds.
#[expect(clippy::print_stdout, reason = "it makes the tables of the documentation")]
fn print(set: &Set, csvs: &[String], profile: Profile, cost_ms: u64) {
    let reports: Vec<Report> = csvs.iter().map(|csv| run(csv, Mode::OptimizeProfit, profile, cost_ms)).collect();
    let mean = |value: fn(&Report) -> f64| reports.iter().map(value).sum::<f64>() / reports.len() as f64;
    let worst = reports.iter().filter_map(|report| report.kept_percent).fold(f64::MAX, f64::min);
    println!(
        "| {} | {profile} | {} s | {:+.2} | {:+.2} | {:.0} | {worst:.0} | {:.1} | {:+.2} | {:.0} |",
        set.name,
        cost_ms / 1_000,
        mean(|report| report.oracle_gain_percent),
        mean(|report| report.gain_percent),
        mean(|report| report.kept_percent.unwrap_or(0.0)),
        mean(|report| report.switches_per_day),
        mean(|report| report.argmax_gain_percent),
        mean(|report| report.argmax_switches_per_day),
    );
}

#[test]
#[ignore = "prints the tables of docs/lanes.md"]
fn measure() {
    for set in SETS {
        let committed = [std::fs::read_to_string(path(&set)).expect("a committed history")];
        print(&set, &committed, Profile::Balanced, 10_000);
    }
    for set in SETS {
        let months: Vec<String> = (SEED + 1..SEED + 7).map(|seed| set.csv(seed, 30, 60)).collect();
        for cost_ms in [1_000, 10_000, 60_000] {
            print(&set, &months, Profile::Balanced, cost_ms);
        }
        for profile in [Profile::Conservative, Profile::Aggressive] {
            print(&set, &months, profile, 10_000);
        }
    }
}
