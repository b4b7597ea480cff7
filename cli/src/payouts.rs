//! `poolnode payouts` and `poolnode verify`: what is expected, what was paid, and how anybody can check it.

use std::{fmt::Write as _, fs, process::ExitCode};

use anyhow::{Context, bail};
use node::{
    ChainProfile,
    api::{
        client::{ApiClient, encoded},
        dto::{BlockAudit, List, MinerDetail, PayoutEntry},
    },
    clock::iso,
    config::Sources,
    payouts::{PayoutProof, Proven, read_proof},
};

use crate::{
    args::{AuditArgs, HistoryArgs, PayoutsArgs, PayoutsCommand, ProveArgs, VerifyArgs},
    listing::{self, Column, Output},
    lists,
    progress::Progress,
    render::{self, coins},
};

/// Elements of one question.
const PAGE: usize = 1_000;

const HISTORY: [Column<PayoutEntry>; 6] = [
    Column::text("TIME", "time", |payout| iso(payout.time)),
    Column::count("HEIGHT", "height", |payout| payout.height.to_string()),
    Column::text("ADDRESS", "address", |payout| payout.address.clone().unwrap_or_default()),
    Column::number("AMOUNT", "amount_units", |payout| coins(payout.amount), |payout| payout.amount.to_string()),
    Column::text("BLOCK IS", "status", |payout| payout.status.clone()),
    Column::id("BLOCK", "block", |payout| payout.block.clone()),
];

/// Runs `poolnode payouts`.
pub(crate) async fn run(args: &PayoutsArgs, api: &ApiClient, json: bool) -> anyhow::Result<ExitCode> {
    match &args.command {
        None => lists::payouts(&args.list, api, json).await,
        Some(PayoutsCommand::Estimate { address }) => estimate(address, api, json).await,
        Some(PayoutsCommand::History(args)) => history(args, args.output.or_json(json), api).await,
        Some(PayoutsCommand::Export(args)) => history(args, Output::Csv.or_json(json), api).await,
        Some(PayoutsCommand::Audit(args)) => audit(args, api, json).await,
        Some(PayoutsCommand::Prove(args)) => prove(args, api).await,
    }
}

async fn estimate(address: &str, api: &ApiClient, json: bool) -> anyhow::Result<ExitCode> {
    let miner: MinerDetail = api.get(&format!("miners/{}", encoded(address))).await?;
    if json {
        render::json(&miner)?;
        return Ok(ExitCode::SUCCESS);
    }
    let percent =
        |value: Option<f64>| value.map_or_else(|| "not known yet".to_owned(), |value| format!("{value:.2} %"));
    let amount = |value: Option<u64>| value.map_or_else(|| "nothing".to_owned(), coins);
    render::line(&format!(
        "part of the window     {:.4} %\nnext block pays        {}\nin the mean            {}\nchance of an output    {}\n\
         chance within a day    {}",
        miner.window_share_percent,
        amount(miner.next_payout),
        amount(miner.expected_payout),
        percent(miner.payout_chance_percent),
        percent(miner.payout_24h_chance_percent),
    ))?;
    Ok(ExitCode::SUCCESS)
}

async fn history(args: &HistoryArgs, output: Output, api: &ApiClient) -> anyhow::Result<ExitCode> {
    let payouts = paid(args, api, &Progress::new("payouts", output == Output::Json)).await?;
    listing::print(&List::new(payouts), &HISTORY, output, "no block of the pool has paid anybody yet")?;
    Ok(ExitCode::SUCCESS)
}

/// All pages.
async fn paid(args: &HistoryArgs, api: &ApiClient, progress: &Progress) -> anyhow::Result<Vec<PayoutEntry>> {
    let mut question = format!("payouts/history?limit={PAGE}");
    for (key, value) in [("from", args.from), ("to", args.to)] {
        if let Some(value) = value {
            write!(question, "&{key}={value}")?;
        }
    }
    if let Some(address) = &args.address {
        write!(question, "&address={}", encoded(address))?;
    }
    let (mut payouts, mut cursor) = (Vec::new(), String::new());
    loop {
        let page: List<PayoutEntry> = api.get(&format!("{question}{cursor}")).await?;
        payouts.extend(page.data);
        progress.at(payouts.len(), page.meta.total);
        let Some(next) = page.meta.next else { return Ok(payouts) };
        cursor = format!("&cursor={next}");
    }
}

async fn audit(args: &AuditArgs, api: &ApiClient, json: bool) -> anyhow::Result<ExitCode> {
    let progress = Progress::new("the node reads the window again and asks its daemon for the block", json);
    progress.begun();
    let audit: BlockAudit = api.get(&format!("payouts/audit/{}", encoded(&args.block))).await?;
    drop(progress);
    if json {
        render::json(&audit)?;
    } else {
        let mut text = format!("block {} at height {}\n", audit.block, audit.height);
        for (number, step) in audit.steps.iter().enumerate() {
            writeln!(text, "{}. {step}", number + 1)?;
        }
        for output in &audit.outputs {
            let who = output.address.as_ref().unwrap_or(&output.script);
            let mark = if output.agrees { "ok   " } else { "WRONG" };
            writeln!(text, "  {mark}  {:>20}  expected {:>20}  {who}", coins(output.found), coins(output.expected))?;
        }
        write!(text, "verdict: {}", audit.verdict)?;
        render::line(&text)?;
    }
    Ok(if audit.verdict == "agrees" { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn prove(args: &ProveArgs, api: &ApiClient) -> anyhow::Result<ExitCode> {
    let block = match &args.block {
        Some(block) => block.clone(),
        None => {
            let question = format!("payouts/history?limit=1&address={}", encoded(&args.address));
            let newest: List<PayoutEntry> = api.get(&question).await?;
            newest.data.into_iter().next().context("no block of the pool has paid this address yet")?.block
        }
    };
    let proof: PayoutProof = api.get(&format!("payouts/proof/{}", encoded(&block))).await?;
    let text = serde_json::to_string(&proof)?;
    match &args.out {
        Some(path) => {
            fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
            let path = path.display();
            render::line(&format!("wrote {path}; check it with: poolnode verify {path} --address {}", args.address))?;
        }
        None => render::line(&text)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs `poolnode verify`: no node is asked.
pub(crate) fn verify(args: &VerifyArgs, json: bool) -> anyhow::Result<ExitCode> {
    let proof = read_proof(&args.file).with_context(|| format!("cannot read a proof in {}", args.file.display()))?;
    let profile = match &args.config {
        Some(file) => Sources { file: Some(file.clone()), ..Sources::default() }.read()?.chain,
        None => ChainProfile::find(&proof.network, None)
            .context("hint: a chain that is described in a configuration is named with --config")?,
    };
    let proven = proof.verify(&profile).context("the proof shows nothing")?;
    let wanted = args.address.as_ref().map(|address| profile.addresses.parse(address)).transpose()?;
    let shown: Vec<(String, u64)> = proven
        .payouts
        .iter()
        .filter(|payout| wanted.is_none_or(|script| payout.script == script))
        .map(|payout| {
            let who = profile.addresses.format(&payout.script).unwrap_or_else(|| payout.script.to_string());
            (who, payout.amount.units())
        })
        .collect();
    if json {
        render::json(&as_json(&proven, &shown))?;
    } else {
        render::line(&in_words(&proven, &profile, &shown)?)?;
    }
    if shown.is_empty() {
        bail!("the block does not pay this address");
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(proven: &Proven, shown: &[(String, u64)]) -> serde_json::Value {
    let payouts: Vec<_> =
        shown.iter().map(|(address, amount)| serde_json::json!({"address": address, "amount": amount})).collect();
    serde_json::json!({
        "block": proven.share.id().to_string(),
        "height": proven.share.share().data.block_height,
        "coinbase": proven.coinbase_txid.to_string(),
        "payout_share": proven.payout_share.to_string(),
        "window_shares": proven.weights.shares(),
        "payouts": payouts,
    })
}

fn in_words(proven: &Proven, profile: &ChainProfile, shown: &[(String, u64)]) -> anyhow::Result<String> {
    let (id, data) = (proven.share.id(), &proven.share.share().data);
    let mut text = format!(
        "block {id} of {}, height {}: its header's hash meets the target that it names\n\
         coinbase {}: the header commits to it, and it is made of the payouts below\n\
         window of share {}: {} shares, {} scripts, split by the pool's rule\n",
        profile.name,
        data.block_height,
        proven.coinbase_txid,
        proven.payout_share,
        proven.weights.shares(),
        proven.weights.entries().len(),
    );
    for (who, amount) in shown {
        writeln!(text, "  {:>20}  {who}", coins(*amount))?;
    }
    write!(
        text,
        "Not shown by this file: that the block is on the main chain (look {id} up in any explorer), and that the window is the \
         share chain's (poolnode payouts audit {id}, at any node)."
    )?;
    Ok(text)
}
