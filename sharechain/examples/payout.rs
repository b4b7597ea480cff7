//! Splits a reward as every node does, for auditors: `cargo run -p sharechain --example payout -- FILE.json`.
//!
//! The file holds `{"weights": {"<script hex>": work, ..}, "reward": n, "outputs_max": n, "payout_min": n,
//! "prev_block": "<hex, header byte order>"}`; the answer on stdout is `{"<script hex>": units, ..}`.
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
    // Without weights the finder gets everything, whom the file does not name.
    let finder = weights.entries().first().map(|(script, _)| *script).ok_or("weights: nobody has work")?;
    let outputs_max = usize::try_from(number(&input, "outputs_max")?).unwrap_or(usize::MAX);
    if outputs_max == 0 {
        return Err("outputs_max: at least 1".to_owned());
    }
    let prev_block = input["prev_block"].as_str().and_then(|hex| hex::decode(hex).ok()?.try_into().ok());
    let terms = PayoutTerms {
        reward: Amount::from_units(number(&input, "reward")?),
        outputs_max,
        payout_min: Amount::from_units(number(&input, "payout_min")?),
        prev_block: prev_block.map(BlockHash::from_bytes).ok_or("prev_block: 64 hexadecimal digits expected")?,
    };
    let outputs = payout::split(&terms, &weights, finder);
    Ok(outputs.into_iter().map(|output| (output.script.to_string(), Value::from(output.amount.units()))).collect())
}

fn number(input: &Value, key: &str) -> Result<u64, String> {
    input[key].as_u64().ok_or_else(|| format!("{key}: a whole number expected"))
}

/// The weights of the file as a window that takes all of them.
fn weights(input: &Value) -> Result<Weights, String> {
    let mut entries = Vec::new();
    let mut total = 0_u128;
    for (script, work) in input.as_object().ok_or("weights: an object expected")? {
        let bytes = hex::decode(script).map_err(|error| format!("weights: {script}: {error}"))?;
        let script = PayoutScript::from_bytes(&bytes).map_err(|error| format!("weights: {script}: {error}"))?;
        // Numbers above 64 bits come as text, as JSON readers would round them.
        let work = work.as_u64().map(u128::from).or_else(|| work.as_str()?.parse().ok());
        let work =
            work.filter(|work| *work > 0).ok_or_else(|| format!("weights: {script}: a work above 0 expected"))?;
        total = total.checked_add(work).ok_or("weights: the sum is too large")?;
        entries.push((script, Work::from_hashes(work)));
    }
    let bounds = WindowBounds { work: Work::from_hashes(total), entries_max: u64::MAX };
    Ok(Weights::from_newest_first(entries.into_iter(), bounds))
}
