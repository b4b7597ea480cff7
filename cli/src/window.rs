//! `poolnode chain window`: the shares that the next block pays, and whose they are.

use std::process::ExitCode;

use node::api::{
    client::ApiClient,
    dto::{List, NextPayouts, Status},
};

use crate::{
    args::WindowArgs,
    listing::{self, Output},
    lists::{PAYEES, payees},
    render::{self, duration, hashes, key_values},
};

/// Columns of a payee that are about the window; the last one is about the next block.
const COLUMNS: usize = 3;

/// Prints the window, those with the most work first.
pub(crate) async fn run(args: &WindowArgs, api: &ApiClient, json: bool) -> anyhow::Result<ExitCode> {
    let output = args.list.output.or_json(json);
    loop {
        let window: NextPayouts = api.get(&format!("payouts?limit={}", args.limit)).await?;
        let status = api.status().await?;
        args.list.clear()?;
        match output {
            Output::Json => render::json(&window)?,
            Output::Table | Output::Csv => {
                if output == Output::Table {
                    render::line(&summary(&window, &status))?;
                }
                let empty = "nobody has work in the window yet: whoever finds the next block gets all of it";
                listing::print(&List::new(payees(&window)), &PAYEES[..COLUMNS], output, empty)?;
            }
        }
        let Some(secs) = args.list.watch else { return Ok(ExitCode::SUCCESS) };
        listing::pause(secs).await;
    }
}

fn summary(window: &NextPayouts, status: &Status) -> String {
    let shown = window.weights.len();
    let miners = match window.weights_total.saturating_sub(shown) {
        0 => format!("{shown} addresses"),
        _ => format!(
            "{} addresses, those with the most work first; --limit shows more than {shown}",
            window.weights_total
        ),
    };
    // A base share's work is what the pool does in one interval, so this is the pool's time, not that of shares in number.
    let intervals = window.window_work / status.base_work.max(1);
    let secs = intervals.saturating_mul(status.share_interval_ms.into()) / 1_000;
    key_values(&[
        ("window", format!("{} shares of {} in its past", window.window_shares, status.shares)),
        ("decided by share", window.payout_share.clone()),
        (
            "work",
            format!(
                "{}, which takes the pool {}",
                hashes(window.window_work),
                duration(u64::try_from(secs).unwrap_or(u64::MAX))
            ),
        ),
        ("whose", miners),
    ]) + "\n"
}
