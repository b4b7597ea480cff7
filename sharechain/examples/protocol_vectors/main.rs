//! Prints the vectors that are too long for a page of `docs/protocol`: whole shares, mined at an easy target.
//!
//! `cargo run -p sharechain --features testing --example protocol_vectors -- share > tests/vectors/share.json`, and the same with
//! `validation`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its output is the vectors")]

use std::process::ExitCode;

use serde_json::{Value, json};
use sharechain::{Params, Share, params::ExtraOutputsRule};

mod invalid;
mod share;
mod story;
mod validation;

fn main() -> ExitCode {
    let Some(vectors) = std::env::args().nth(1).and_then(|page| vectors(&page)) else {
        eprintln!("error: which page? usage: protocol_vectors share|validation");
        return ExitCode::FAILURE;
    };
    print!("{}", text(&vectors));
    ExitCode::SUCCESS
}

fn vectors(page: &str) -> Option<Value> {
    match page {
        "share" => Some(share::vectors()),
        "validation" => Some(validation::vectors()),
        _ => None,
    }
}

fn text(vectors: &Value) -> String {
    let mut text = serde_json::to_string_pretty(vectors).expect("keys are strings");
    text.push('\n');
    text
}

/// A number as JSON: text above 2^53 - 1, which readers would round.
fn number(number: u128) -> Value {
    u64::try_from(number).ok().filter(|number| *number < 1 << 53).map_or_else(|| json!(number.to_string()), Value::from)
}

fn encoded(share: &Share) -> Value {
    json!(hex::encode(share.encode()))
}

/// The parameters of a share chain with its identity.
fn params(params: &Params) -> Value {
    let raw = params.raw();
    let extra_outputs = match &raw.parent.extra_outputs {
        ExtraOutputsRule::Forbidden => json!({ "rule": "forbidden" }),
        ExtraOutputsRule::SignatureKey => json!({ "rule": "signature_key" }),
        ExtraOutputsRule::Treasury { scripts, permille_max } => json!({
            "rule": "treasury",
            "permille_max": permille_max,
            "scripts": scripts.iter().map(hex::encode).collect::<Vec<_>>(),
        }),
    };
    json!({
        "name": raw.name,
        "password": raw.password,
        "parent_genesis": hex::encode(raw.parent.genesis.as_bytes()),
        "pow": raw.parent.pow.name(),
        "block_hash": raw.parent.block_hash.name(),
        "version_mask": raw.parent.version_mask,
        "version_value": raw.parent.version_value,
        "tx_time": raw.parent.tx_time,
        "extra_outputs": extra_outputs,
        "share_interval_ms": raw.share_interval_ms,
        "merge_depth": raw.merge_depth,
        "uncles_max": raw.uncles_max,
        "asert_halflife_secs": raw.asert_halflife_secs,
        "window_shares": raw.window_shares,
        "payout_epoch": raw.payout_epoch,
        "payout_min": raw.payout_min.units(),
        "payout_classes": raw.payout_classes,
        "base_target_max": raw.base_target_max.to_string(),
        "genesis_time": raw.genesis_time,
        "encoded": hex::encode(raw.encode()),
        "params_id": params.id().to_string(),
        "genesis_id": hex::encode(params.genesis_id().as_bytes()),
    })
}

#[cfg(test)]
mod tests {
    #[track_caller]
    fn check(page: &str, committed: &str) {
        let committed: serde_json::Value = serde_json::from_str(committed).unwrap();
        let same = super::vectors(page).unwrap() == committed;
        assert!(same, "tests/vectors/{page}.json is not what this program prints; its first lines say how to print it");
    }

    #[test]
    fn the_committed_shares_are_what_this_prints() {
        check("share", include_str!("../../../tests/vectors/share.json"));
    }

    #[test]
    fn the_committed_histories_are_what_this_prints() {
        check("validation", include_str!("../../../tests/vectors/validation.json"));
    }
}
