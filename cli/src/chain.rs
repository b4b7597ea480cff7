//! `poolnode share` and `poolnode chain`: the share chain as a node knows it.

use std::process::ExitCode;

use node::{
    api::{
        client::ApiClient,
        dto::{RivalBranch, ShareDetail, Status},
    },
    clock::iso,
};
use serde::Serialize;

use crate::{
    args::ChainCommand,
    render::{self, hashes, key_values},
    shares, window,
};

/// What `chain info` says: the part of the status that is about the share chain.
#[derive(Debug, Serialize)]
struct ChainInfo {
    network: String,
    share_chain: String,
    sync_state: String,
    height: u64,
    tip: String,
    total_work_hashes: u128,
    base_work_hashes: u128,
    share_interval_ms: u32,
    window_shares: u64,
    shares: usize,
    shares_waiting: usize,
    shares_held_back: usize,
    rival_branches: Vec<RivalBranch>,
}

impl From<Status> for ChainInfo {
    fn from(status: Status) -> Self {
        Self {
            network: status.network,
            share_chain: status.share_chain,
            sync_state: status.sync_state,
            height: status.share_height,
            tip: status.share_tip,
            total_work_hashes: status.total_work,
            base_work_hashes: status.base_work,
            share_interval_ms: status.share_interval_ms,
            window_shares: status.window_shares,
            shares: status.shares,
            shares_waiting: status.shares_waiting,
            shares_held_back: status.shares_held_back,
            rival_branches: status.rival_branches,
        }
    }
}

/// Runs `chain`.
pub(crate) async fn run(command: &ChainCommand, api: &ApiClient, json: bool) -> anyhow::Result<ExitCode> {
    match command {
        ChainCommand::Dag(args) => return shares::dag(args, api, json).await,
        ChainCommand::Window(args) => return window::run(args, api, json).await,
        ChainCommand::Info => {
            let info = ChainInfo::from(api.status().await?);
            if json { render::json(&info)? } else { render::line(&info_text(&info))? }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows one share.
pub(crate) async fn share(id: &str, api: &ApiClient, json: bool) -> anyhow::Result<ExitCode> {
    let share = api.share(id).await?;
    if json {
        render::json(&share)?
    } else {
        render::line(&share_text(&share))?
    }
    Ok(ExitCode::SUCCESS)
}

fn info_text(info: &ChainInfo) -> String {
    let rivals = match info.rival_branches.as_slice() {
        [] => "none".to_owned(),
        rivals => rivals
            .iter()
            .map(|rival| format!("{} since height {}", rival.tip, rival.fork_height))
            .collect::<Vec<_>>()
            .join(", "),
    };
    key_values(&[
        ("network", info.network.clone()),
        ("share chain", info.share_chain.clone()),
        ("sync", info.sync_state.clone()),
        ("height", info.height.to_string()),
        ("tip", info.tip.clone()),
        ("work", hashes(info.total_work_hashes)),
        ("base share", format!("{}, one every {} ms", hashes(info.base_work_hashes), info.share_interval_ms)),
        ("window", format!("{} shares", info.window_shares)),
        (
            "shares",
            format!("{} linked  {} waiting  {} held back", info.shares, info.shares_waiting, info.shares_held_back),
        ),
        ("rival branches", rivals),
    ])
}

fn share_text(share: &ShareDetail) -> String {
    let uncles = if share.uncles.is_empty() { "none".to_owned() } else { share.uncles.join("\n               ") };
    key_values(&[
        ("id", share.id.clone()),
        ("height", format!("{}  ({} shares in its past)", share.height, share.count)),
        ("parent", share.parent.clone()),
        ("uncles", uncles),
        ("time", iso(share.time.into())),
        ("work", format!("{} hashes", share.work)),
        ("credited to", share.payout_address.clone().unwrap_or_else(|| share.payout_script.clone())),
        ("extends block", share.prev_block.clone()),
        ("is a block", if share.is_block { format!("yes, height {}", share.block_height) } else { "no".to_owned() }),
        ("pays", format!("{} outputs", share.payouts.len())),
    ])
}
