use std::fmt::Write as _;

use super::*;

fn settings(mode: Mode) -> ReplaySettings {
    ReplaySettings {
        mode,
        profile: Profile::Balanced,
        params: None,
        switch_cost_ms: Some(10_000),
        schedule: Schedule::default(),
    }
}

fn run(text: &str) -> Result<Report, ReplayError> {
    replay(&mut Rows::new(text.as_bytes()), &settings(Mode::OptimizeProfit))
}

/// A day of minutes: b pays 10 % more in the second half, and a is the best of the day by a hair.
fn day() -> String {
    let mut text = "secs,a,b\n".to_owned();
    for minute in 0..1_441 {
        let b = if minute < 720 { 0.89 } else { 1.1 };
        writeln!(text, "{},1.0,{b}", minute * 60).unwrap();
    }
    text
}

#[test]
fn gains_are_over_the_best_single_lane_and_an_even_split() {
    let report = run(&day()).unwrap();
    assert_eq!((report.rows, report.lanes, report.best_static.as_str()), (1_441, 2, "a"));
    let close = |got: f64, wanted: f64| assert!((got - wanted).abs() < 1e-6, "{got} {wanted}");
    close(report.days, 1.0);
    close(report.oracle_gain_percent, 5.0);
    close(report.best_static_percent, (1.0 / ((1.0 + 0.995) / 2.0) - 1.0) * 100.0);
    close(report.argmax_gain_percent, (0.5 + 0.5 * 1.1 - 11.0 / 86_400.0 - 1.0) * 100.0);
    close(report.switches_per_day, 1.0);
    assert!(report.gain_percent > 4.8 && report.gain_percent < 5.0, "{report:?}");
    close(report.kept_percent.unwrap(), report.gain_percent / 5.0 * 100.0);
}

#[test]
fn every_policy_can_be_replayed() {
    for mode in Mode::ALL {
        let report = replay(&mut Rows::new(day().as_bytes()), &settings(mode)).unwrap();
        let gain = match mode {
            Mode::OptimizeProfit | Mode::AdaptiveLearning => report.gain_percent > 4.0,
            // Half and half, of 1.0 and 0.995.
            Mode::BalanceLoad => (report.gain_percent + 0.25).abs() < 0.02,
            Mode::MaximizeStability | Mode::GeographicDistribution => report.gain_percent == 0.0,
        };
        assert!(gain, "{report:?}");
    }
}

#[test]
fn what_was_paid_counts_and_what_was_seen_decides() {
    let text = day().replace("secs,a,b", "secs,a,b,a.paid,b.paid");
    let mut lines = text.lines();
    let head = lines.next().unwrap().to_owned();
    let text = lines.fold(head, |text, line| text + "\n" + line + ",2,1");
    let report = run(&text).unwrap();
    assert_eq!((report.best_static.as_str(), report.oracle_gain_percent), ("a", 0.0));
    assert!(report.gain_percent < -20.0 && report.kept_percent.is_none(), "{report:?}");
}

#[test]
fn decisions_of_a_node_are_a_history() {
    let mut text = String::new();
    let mut controller = Controller::new(Settings {
        lanes: vec!["a".to_owned(), "b".to_owned()],
        schedule: Schedule { jitter_secs: 0, ..Schedule::default() },
        ..Settings::default()
    });
    let day = day();
    let mut rows = Rows::new(day.as_bytes());
    while let Some(row) = rows.next_row().unwrap() {
        let decision = controller.tick(row.time, row.inputs);
        writeln!(text, "{}", serde_json::to_string(&*decision).unwrap()).unwrap();
    }
    let again = run(&text).unwrap();
    let first = run(&day).unwrap();
    assert!((again.gain_percent - first.gain_percent).abs() < 1e-6);
    let plain = r#"{"time":0,"lanes":[{"lane":"a","coin":"x","block_value":1,"units_per_coin":1,"block_hashes":1}]}
{"time":60,"lanes":[{"lane":"a","coin":"x","block_value":1,"units_per_coin":1,"block_hashes":1}]}"#;
    assert_eq!(run(plain).unwrap().gain_percent, 0.0);
}

#[test]
fn unknown_revenue_and_long_holes_are_not_counted() {
    let report = run("secs,a,b\n0,1,1\n60,1,1\n120,1,\n180,1,1\n10980,1,1\n").unwrap();
    assert_eq!((report.unknown_secs, report.refusals), (60 + 7_200, 1));
    assert!((report.days * 86_400.0 - 3_720.0).abs() < 1e-6);
}

#[test]
fn a_fault_names_its_line() {
    let long = format!("secs,{}\n", "a".repeat(300_000));
    let wide = format!("secs,{}\n", (0..65).map(|lane| lane.to_string()).collect::<Vec<_>>().join(","));
    for (text, error) in [
        ("", "line 1: the history ends before any time has passed on a lane that pays"),
        ("secs,a\n5,1\n", "line 3: the history ends before"),
        (
            "time,a\n",
            "line 1: a history begins with a JSON object, or with the head secs,LANE,LANE..: the first cell is not",
        ),
        ("secs\n", "line 1: a history begins with a JSON object, or with the head secs,LANE,LANE..: it names no lane"),
        ("secs,a,a\n", "a lane is there twice"),
        ("secs,a,\n", "a lane has no name"),
        ("secs,a,b,a.paid\n", "not those of all lanes"),
        ("secs,a.paid,a\n", "not those of all lanes"),
        ("secs,a,b,b.paid,a.paid\n", "not those of all lanes"),
        ("# x\nsecs,a\n\n0,1,2\n", "line 4: 3 cells; the head has 2"),
        ("secs,a\nx,1\n", "line 2: the time \"x\" is not a whole number of seconds"),
        ("secs,a\n1.5,1\n", "the time \"1.5\" is not"),
        ("secs,a\n5,1\n5,1\n", "line 3: its time 5 is not after 5"),
        ("secs,a\n0,NaN\n", "line 2: \"NaN\" is not a number between 1e-12 and 1e12"),
        ("secs,a\n0,-1\n", "\"-1\" is not a number"),
        ("secs,a\n0,inf\n", "\"inf\" is not a number"),
        ("secs,a\n0,1e300\n", "\"1e300\" is not a number"),
        ("secs,a\n0,0\n", "\"0\" is not a number"),
        ("secs,a,a.paid\n0,1,\n", "\"\" is not a number"),
        ("{\n", "line 1: it is no row of JSON"),
        ("{\"time\":1}\n", "line 1: there is no lane"),
        (
            "{\"time\":1,\"lanes\":[{\"lane\":\"a\",\"coin\":\"x\"},{\"lane\":\"a\",\"coin\":\"x\"}]}\n",
            "lane a is there twice",
        ),
        (
            "{\"time\":1,\"lanes\":[{\"lane\":\"a\",\"coin\":\"x\"}]}\n{\"time\":2,\"lanes\":[{\"lane\":\"b\",\"coin\":\"x\"}]}\n",
            "line 2: its lanes are not those of the first row",
        ),
        (long.as_str(), "line 1: it is longer than 262144 bytes"),
        (wide.as_str(), "names no lane, or more than 64"),
    ] {
        let fault = run(text).unwrap_err();
        let words = format!("line {}: {}", fault.line, fault.error);
        assert!(words.contains(error), "{text:.60}: {words}");
    }
    let bytes: &[u8] = b"secs,a\n0,\xff\n";
    let fault = replay(&mut Rows::new(bytes), &settings(Mode::OptimizeProfit)).unwrap_err();
    assert_eq!((fault.line, fault.error.to_string().as_str()), (2, "it is not UTF-8"));
}
