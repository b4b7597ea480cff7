//! Text for people: tables to stdout, errors to stderr. Scripts use `--json`; the tables are no stable interface.

use std::io::{self, Write};

use anyhow::Context;
use node::{api::dto::Status, run::Endpoints};
use serde::Serialize;

use crate::progress::bar;

/// Prints a line to stdout.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    writeln!(io::stdout().lock(), "{text}").context("cannot write to stdout")
}

/// Prints a text that ends with its own line feed.
pub(crate) fn text(text: &str) -> anyhow::Result<()> {
    write!(io::stdout().lock(), "{text}").context("cannot write to stdout")
}

/// Prints indented JSON.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// Prints JSON on one line.
pub(crate) fn json_line(value: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string(value)?)
}

/// Prints a line for people beside what is for a miner or a script.
pub(crate) fn aside(text: &str) {
    // Nobody is left to tell when stderr is gone.
    let _gone = writeln!(io::stderr().lock(), "{text}");
}

/// Prints an error with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    let mut text = format!("error: {error}");
    for cause in error.chain().skip(1) {
        text.push_str(&format!("\n  caused by: {cause}"));
    }
    // Nobody is left to tell when stderr is gone.
    let _gone = writeln!(io::stderr().lock(), "{text}");
}

/// Says where a node can be reached.
pub(crate) fn endpoints(endpoints: &Endpoints) -> anyhow::Result<()> {
    let mut rows = vec![
        ("miners", format!("{}  user: ADDRESS.worker  password: x", endpoints.stratum)),
        ("dashboard", endpoints.api.clone()),
    ];
    rows.extend(endpoints.stratum_v2.iter().map(|url| ("stratum v2", url.clone())));
    rows.extend(endpoints.p2p.iter().map(|address| ("peers", format!("--peer {address}"))));
    rows.extend(endpoints.devnet_rpc.iter().map(|url| ("devnet rpc", url.clone())));
    line(&format!("poolnode {} is ready\n{}", env!("CARGO_PKG_VERSION"), key_values(&rows)))
}

/// The node at a glance.
pub(crate) fn status(status: &Status) -> String {
    let parent = match (&status.parent.height, &status.parent.problem) {
        (_, Some(problem)) => problem.clone(),
        (Some(height), None) => format!("height {height}"),
        (None, None) => "unknown".to_owned(),
    };
    let submits = &status.submits;
    let rivals = match status.rival_branches.as_slice() {
        [] => "none".to_owned(),
        [rival, ..] => format!(
            "{}: {} has more work since height {}",
            status.rival_branches.len(),
            short(&rival.tip),
            rival.fork_height
        ),
    };
    key_values(&[
        ("network", format!("{}  (share chain {})", status.network, short(&status.share_chain))),
        ("node", format!("{}  {}", status.peer_id, status.region.as_deref().unwrap_or("no region"))),
        ("sync", sync(status)),
        ("share chain", format!("height {}  tip {}", status.share_height, short(&status.share_tip))),
        ("rival branches", rivals),
        ("window", format!("{} shares", status.window_shares)),
        ("peers", status.peers.to_string()),
        ("stratum", status.stratum_url.clone()),
        ("stratum v2", status.stratum_v2_url.clone().unwrap_or_else(|| "off".to_owned())),
        ("operator fee", format!("{}.{:02} %", status.fee_basis_points / 100, status.fee_basis_points % 100)),
        (
            "miners",
            format!(
                "{}  {}  {} addresses banned{}",
                status.miners,
                hashrate(status.hashrate),
                status.banned_addresses,
                if status.draining { "  draining: no new ones are taken" } else { "" }
            ),
        ),
        ("submits", format!("{} accepted  {} stale  {} rejected", submits.accepted, submits.stale, submits.rejected)),
        ("mining", if status.mining { "yes" } else { "no work is given out" }.to_owned()),
        ("parent chain", parent),
        ("blocks found", status.blocks_found.to_string()),
        ("up", duration(status.uptime_secs)),
    ])
}

/// How far the node is behind, how fast it catches up, and how long it will take.
fn sync(status: &Status) -> String {
    let Some(target) = status.sync_target_height else { return status.sync_state.clone() };
    let rate = status.sync_shares_per_sec.map(|rate| format!("  {rate} shares/s")).unwrap_or_default();
    let left = status.sync_secs_left.map(|secs| format!("  {} left", duration(secs))).unwrap_or_default();
    let part = bar(status.share_height as f64 / target.max(1) as f64);
    format!("{part}  {} of {target}{rate}{left}", status.share_height)
}

/// A rate with the prefix people use.
pub(crate) fn hashrate(rate: f64) -> String {
    let prefixes = ["H/s", "kH/s", "MH/s", "GH/s", "TH/s", "PH/s", "EH/s"];
    let (mut rate, mut prefix) = (rate, 0);
    while rate >= 1_000.0 && prefix + 1 < prefixes.len() {
        rate /= 1_000.0;
        prefix += 1;
    }
    format!("{rate:.2} {}", prefixes[prefix])
}

/// Work with the prefix people use.
pub(crate) fn hashes(work: u128) -> String {
    hashrate(work as f64).trim_end_matches("/s").to_owned()
}

/// Base units as coins: every chain so far has eight decimals.
pub(crate) fn coins(units: u64) -> String {
    format!("{}.{:08}", units / 100_000_000, units % 100_000_000)
}

/// A time as people say it: its two greatest units.
pub(crate) fn duration(secs: u64) -> String {
    match (secs / 86_400, secs / 3_600 % 24, secs / 60 % 60, secs % 60) {
        (0, 0, 0, secs) => format!("{secs} s"),
        (0, 0, mins, secs) => format!("{mins}m{secs:02}"),
        (0, hours, mins, _) => format!("{hours}h{mins:02}"),
        (days, hours, ..) => format!("{days}d{hours:02}"),
    }
}

/// The two ends of an identifier.
pub(crate) fn short(id: &str) -> String {
    match (id.get(..8), id.len().checked_sub(4).and_then(|at| id.get(at..))) {
        (Some(head), Some(tail)) if id.len() > 16 => format!("{head}..{tail}"),
        _ => id.to_owned(),
    }
}

/// Names and values below each other.
pub(crate) fn key_values(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(key, _)| key.len()).max().unwrap_or_default();
    let lines: Vec<String> = rows.iter().map(|(key, value)| format!("  {key:width$}  {value}")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_times_and_ids_are_short() {
        assert_eq!(hashrate(0.0), "0.00 H/s");
        assert_eq!(hashrate(1_234_567.0), "1.23 MH/s");
        assert_eq!(hashrate(1e30), "1000000000000.00 EH/s");
        assert_eq!(short("0123456789abcdef0123"), "01234567..0123");
        assert_eq!(short("abc"), "abc");
        assert_eq!([59, 60, 3_599, 11_520, 90_000].map(duration), ["59 s", "1m00", "59m59", "3h12", "1d01"]);
    }
}
