//! Splits a reward as every node does, for auditors: `cargo run --release -p sharechain --example payout -- FILE.json`.
//!
//! The file is a case of `vectors:split` in `docs/protocol/payout.md`; the answer on stdout is its `outputs`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to people on its terminal")]

use std::process::ExitCode;

use serde_json::Value;
use sharechain::{
    Amount, BlockHash, PayoutScript, Work,
    payout::{self, PayoutTerms},
    pplns::{Weights, WindowBounds},
};

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("error: which file? usage: payout FILE.json");
        return ExitCode::FAILURE;
    };
    match run(&path) {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {path}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(path: &str) -> Result<Value, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let input: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let weights = weights(&input["weights"])?;
    let finder = match input["finder"].as_str() {
        Some(finder) => script("finder", finder)?,
        // Somebody has weight, so nobody asks who found the block.
        None => weights.entries().first().map(|(script, _)| *script).ok_or("finder: nobody has work, who is paid?")?,
    };
    let outputs_max = usize::try_from(at_least_1(&input, "outputs_max")?).unwrap_or(usize::MAX);
    let prev_block = input["prev_block"].as_str().and_then(|hex| hex::decode(hex).ok()?.try_into().ok());
    let terms = PayoutTerms {
        reward: Amount::from_units(number(&input, "reward")?),
        outputs_max,
        payout_min: Amount::from_units(at_least_1(&input, "payout_min")?),
        prev_block: prev_block.map(BlockHash::from_bytes).ok_or("prev_block: 64 hexadecimal digits expected")?,
    };
    let outputs = payout::split(&terms, &weights, finder);
    Ok(outputs.into_iter().map(|output| (output.script.to_string(), json_number(output.amount.units()))).collect())
}

/// Readers of JSON round what is above 2^53 - 1, so that stands as text.
fn json_number(number: u64) -> Value {
    if number < 1 << 53 { Value::from(number) } else { Value::from(number.to_string()) }
}

fn whole_number(value: &Value) -> Option<u128> {
    value.as_u64().map(u128::from).or_else(|| value.as_str()?.parse().ok())
}

fn number(input: &Value, key: &str) -> Result<u64, String> {
    let number = whole_number(&input[key]).and_then(|number| u64::try_from(number).ok());
    number.ok_or_else(|| format!("{key}: a whole number below 2^64 expected"))
}

fn at_least_1(input: &Value, key: &str) -> Result<u64, String> {
    number(input, key).and_then(|number| if number == 0 { Err(format!("{key}: at least 1")) } else { Ok(number) })
}

fn script(field: &str, text: &str) -> Result<PayoutScript, String> {
    let bytes = hex::decode(text).map_err(|error| format!("{field}: {text}: {error}"))?;
    PayoutScript::from_bytes(&bytes).map_err(|error| format!("{field}: {text}: {error}"))
}

/// The weights of the file as a window that takes all of them.
fn weights(input: &Value) -> Result<Weights, String> {
    let mut entries = Vec::new();
    let mut total = 0_u128;
    for (key, work) in input.as_object().ok_or("weights: an object expected")? {
        let work = whole_number(work).filter(|work| *work > 0);
        let work = work.ok_or_else(|| format!("weights: {key}: a work above 0 expected"))?;
        total = total.checked_add(work).ok_or("weights: the sum is too large")?;
        entries.push((script("weights", key)?, Work::from_hashes(work)));
    }
    let bounds = WindowBounds { work: Work::from_hashes(total), entries_max: u64::MAX };
    Ok(Weights::from_newest_first(entries.into_iter(), bounds))
}
