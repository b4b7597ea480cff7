//! `poolnode workers`, `blocks` and `payouts`: what a node knows, as lists.

use std::process::ExitCode;

use node::{
    api::{
        client::ApiClient,
        dto::{Block, Lane, List, NextPayouts, Worker},
    },
    clock::iso,
};
use serde::Serialize;

use crate::{
    args::ListArgs,
    listing::{self, Column, Output},
    render::{self, coins, duration, hashes, hashrate},
};

const WORKERS: [Column<Worker>; 8] = [
    Column::text("ADDRESS", "address", |worker| worker.address.clone()),
    Column::text("WORKER", "worker", |worker| worker.worker.clone()),
    Column::number(
        "HASH RATE",
        "hashes_per_sec",
        |worker| hashrate(worker.hashrate),
        |worker| worker.hashrate.to_string(),
    ),
    Column::count("ACCEPTED", "accepted", |worker| worker.submits.accepted.to_string()),
    Column::count("STALE", "stale", |worker| worker.submits.stale.to_string()),
    Column::count("REJECTED", "rejected", |worker| worker.submits.rejected.to_string()),
    Column::number(
        "UP",
        "connected_secs",
        |worker| duration(worker.connected_secs),
        |worker| worker.connected_secs.to_string(),
    ),
    Column::text("CLIENT", "agent", |worker| worker.agent.clone()),
];

const BLOCKS: [Column<Block>; 7] = [
    Column::text("FOUND", "found_at", |block| iso(block.found_at)),
    Column::count("HEIGHT", "height", |block| block.height.to_string()),
    Column::text("STATUS", "status", |block| block.status.clone()),
    Column::count("CONFIRMATIONS", "confirmations", |block| {
        block.confirmations.map(|count| count.to_string()).unwrap_or_default()
    }),
    Column::number(
        "VALUE",
        "coinbase_value_units",
        |block| coins(block.coinbase_value),
        |block| block.coinbase_value.to_string(),
    ),
    Column::text("OWN", "own", |block| if block.own { "yes" } else { "no" }.to_owned()),
    Column::id("HASH", "hash", |block| block.hash.clone()),
];

const LANES: [Column<Lane>; 8] = [
    Column::text("LANE", "name", |lane| lane.name.clone()),
    Column::text("CHAIN", "chain", |lane| lane.chain.clone()),
    Column::text("ALGORITHM", "algorithm", |lane| lane.algorithm.clone()),
    Column::text("ACTIVE", "active", |lane| if lane.active { "yes" } else { "no" }.to_owned()),
    Column::number(
        "WEIGHT",
        "weight_percent",
        |lane| format!("{:.1} %", lane.weight_percent),
        |lane| lane.weight_percent.to_string(),
    ),
    Column::count("HEIGHT", "share_height", |lane| lane.share_height.to_string()),
    Column::count("WORKERS", "workers", |lane| lane.workers.to_string()),
    Column::number("HASH RATE", "hashes_per_sec", |lane| hashrate(lane.hashrate), |lane| lane.hashrate.to_string()),
];

/// Somebody in the window.
#[derive(Debug, Serialize)]
pub(crate) struct Payee {
    address: String,
    work: u128,
    percent: f64,
    amount: Option<u64>,
}

pub(crate) const PAYEES: [Column<Payee>; 4] = [
    Column::text("ADDRESS", "address", |payee| payee.address.clone()),
    Column::number("WORK", "work_hashes", |payee| hashes(payee.work), |payee| payee.work.to_string()),
    Column::number(
        "OF WINDOW",
        "window_percent",
        |payee| format!("{:.2} %", payee.percent),
        |payee| payee.percent.to_string(),
    ),
    Column::number(
        "NEXT BLOCK PAYS",
        "amount_units",
        |payee| payee.amount.map_or_else(|| "-".to_owned(), coins),
        |payee| payee.amount.map(|amount| amount.to_string()).unwrap_or_default(),
    ),
];

/// The miners of the node.
pub(crate) async fn workers(args: &ListArgs, api: &ApiClient, json: bool) -> anyhow::Result<ExitCode> {
    loop {
        let mut workers = api.workers().await?;
        workers.data.sort_by(|one, other| other.hashrate.total_cmp(&one.hashrate));
        args.clear()?;
        let empty = "no workers\nhint: `poolnode status` says where miners connect to; the user name is ADDRESS.worker";
        listing::print(&workers, &WORKERS, args.output.or_json(json), empty)?;
        let Some(secs) = args.watch else { return Ok(ExitCode::SUCCESS) };
        listing::pause(secs).await;
    }
}

/// The pool's blocks.
pub(crate) async fn blocks(args: &ListArgs, api: &ApiClient, json: bool) -> anyhow::Result<ExitCode> {
    loop {
        let mut blocks: List<Block> = api.get("blocks?limit=1000").await?;
        blocks.data.sort_by_key(|block| std::cmp::Reverse(block.found_at));
        args.clear()?;
        let empty = "no blocks yet: neither this node nor another one of the pool found one that is remembered";
        listing::print(&blocks, &BLOCKS, args.output.or_json(json), empty)?;
        let Some(secs) = args.watch else { return Ok(ExitCode::SUCCESS) };
        listing::pause(secs).await;
    }
}

/// The lanes.
pub(crate) async fn lanes(args: &ListArgs, api: &ApiClient, json: bool) -> anyhow::Result<ExitCode> {
    loop {
        let lanes: List<Lane> = api.get("lanes").await?;
        args.clear()?;
        listing::print(&lanes, &LANES, args.output.or_json(json), "no lanes")?;
        let Some(secs) = args.watch else { return Ok(ExitCode::SUCCESS) };
        listing::pause(secs).await;
    }
}

/// Whom the next block pays, and how much.
pub(crate) async fn payouts(args: &ListArgs, api: &ApiClient, json: bool) -> anyhow::Result<ExitCode> {
    loop {
        let next: NextPayouts = api.get("payouts?limit=1000").await?;
        args.clear()?;
        let output = args.output.or_json(json);
        if output == Output::Json {
            render::json(&next)?;
        } else {
            let empty = "nobody has work in the window yet: whoever finds the next block gets all of it";
            listing::print(&List::new(payees(&next)), &PAYEES, output, empty)?;
        }
        if output == Output::Table {
            let value = next.coinbase_value.map_or_else(|| "no template, so amounts are not known".to_owned(), coins);
            render::line(&format!("\nwindow: {} shares | next block: {value}", next.window_shares))?;
        }
        let Some(secs) = args.watch else { return Ok(ExitCode::SUCCESS) };
        listing::pause(secs).await;
    }
}

/// The window, the most work first, with what the next block pays for it.
pub(crate) fn payees(next: &NextPayouts) -> Vec<Payee> {
    let amounts: std::collections::BTreeMap<&str, u64> =
        next.payouts.iter().map(|payout| (payout.script.as_str(), payout.amount)).collect();
    let payee = |weight: &node::api::dto::Weight| Payee {
        address: weight.address.clone().unwrap_or_else(|| weight.script.clone()),
        work: weight.work,
        percent: weight.work as f64 * 100.0 / (next.window_work.max(1) as f64),
        amount: amounts.get(weight.script.as_str()).copied(),
    };
    let mut payees: Vec<Payee> = next.weights.iter().map(payee).collect();
    payees.sort_by_key(|payee| std::cmp::Reverse(payee.work));
    payees
}

#[cfg(test)]
mod tests {
    use node::api::dto::{Payout, Weight};

    use super::*;

    #[test]
    fn coins_and_work_are_readable() {
        assert_eq!([coins(0), coins(1), coins(5_000_000_000)], ["0.00000000", "0.00000001", "50.00000000"]);
        assert_eq!(hashes(1_500_000), "1.50 MH");
    }

    #[test]
    fn payees_are_those_of_the_window_with_their_amounts() {
        let weight =
            |script: &str, work| Weight { script: script.to_owned(), address: Some(format!("dn1{script}")), work };
        let next = NextPayouts {
            weights_total: 2,
            weights_next: None,
            payout_share: String::new(),
            window_shares: 2,
            window_work: 400,
            weights: vec![weight("aa", 100), weight("bb", 300)],
            coinbase_value: Some(1_000),
            payouts: vec![Payout { script: "bb".to_owned(), address: None, amount: 1_000 }],
        };
        let payees = payees(&next);
        let rows: Vec<_> = payees.iter().map(|payee| (payee.address.as_str(), payee.percent, payee.amount)).collect();
        // A payout below the least one is drawn for: this block does not pay it.
        assert_eq!(rows, [("dn1bb", 75.0, Some(1_000)), ("dn1aa", 25.0, None)]);
    }
}
