//! The contract of the `payout` example, which auditors run on numbers of their own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};

const PAGE: &str = include_str!("../../docs/protocol/payout.md");

/// The example lies beside the folder of the tests: cargo builds both for `cargo test`.
fn example() -> PathBuf {
    let test = std::env::current_exe().expect("a test runs from a file");
    let example = test.parent().and_then(Path::parent).expect("two folders above").join("examples/payout");
    assert!(example.exists(), "missing; run: cargo build -p sharechain --example payout");
    example
}

fn run(name: &str, input: &str) -> Output {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("payout-{name}.json"));
    fs::write(&file, input).expect("a writable folder");
    Command::new(example()).arg(file).output().expect("it starts")
}

/// Fails unless the program refused in one plain line that says `why`.
#[track_caller]
fn refused(output: &Output, why: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.starts_with("error: ") && stderr.contains(why) && stderr.lines().count() == 1, "{stderr}");
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), &[][..]), "{stderr}");
}

fn split_cases() -> Vec<Value> {
    let block = PAGE.split("```json vectors:split\n").nth(1).and_then(|rest| rest.split("```").next());
    serde_json::from_str(block.expect("the page has the block")).expect("JSON")
}

#[test]
fn it_answers_every_case_of_the_protocol_page() {
    for (number, case) in split_cases().into_iter().enumerate() {
        let output = run(&format!("case-{number}"), &case.to_string());
        assert!(output.status.success(), "{case}");
        assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), case["outputs"], "{case}");
    }
}

#[test]
fn it_refuses_what_it_cannot_read_with_a_plain_error() {
    let good = split_cases().remove(1);
    let changed = |field: &str, value: Value| {
        let mut case = good.clone();
        case[field] = value;
        case.to_string()
    };
    for (name, input, why) in [
        ("no-json", "{".to_owned(), "EOF"),
        ("no-object", "[]".to_owned(), "weights: an object expected"),
        ("no-weights", changed("weights", json!({})), "finder: nobody has work"),
        ("no-hex", changed("weights", json!({ "zz": 1 })), "weights: zz"),
        ("no-script", changed("weights", json!({ "6a00": 1 })), "not a P2PKH"),
        ("no-work", changed("weights", json!({ "00140100000000000000000000000000000000000000": 0 })), "above 0"),
        ("half-work", changed("weights", json!({ "00140100000000000000000000000000000000000000": 0.5 })), "above 0"),
        ("bad-finder", changed("finder", json!("51")), "finder: 51: not a P2PKH"),
        ("negative", changed("reward", json!(-1)), "reward: a whole number"),
        ("too-large", changed("reward", json!("18446744073709551616")), "reward: a whole number below 2^64"),
        ("no-slots", changed("outputs_max", json!(0)), "outputs_max: at least 1"),
        ("no-minimum", changed("payout_min", json!(0)), "payout_min: at least 1"),
        ("short-block", changed("prev_block", json!("00")), "prev_block: 64 hexadecimal digits"),
    ] {
        refused(&run(name, &input), why);
    }
    refused(&Command::new(example()).output().unwrap(), "usage");
    refused(&Command::new(example()).arg("/nowhere/at-all.json").output().unwrap(), "No such file");
}
