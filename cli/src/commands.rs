//! The commands: each calls one thing and prints what it says.

use std::{future::Future, process::ExitCode};

use anyhow::Context;
use node::{
    NodeError,
    api::client::ApiClient,
    config::{Config, RawConfig, block_interval},
    parent::devnet::{Devnet, DevnetConfig},
    run::Endpoints,
    signals::StopSignals,
};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{
    args::{Args, Command, DevnetArgs, RunArgs},
    doctor, log, nearest, peers, quickstart, render,
};

/// What a process that was interrupted twice returns, as shells expect it.
const INTERRUPTED: u8 = 130;

/// Runs the command.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    log::start(&args.log, log::config(&args.command)?)?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let code = runtime.block_on(dispatch(args));
    // After a second signal nothing is waited for.
    runtime.shutdown_background();
    code
}

async fn dispatch(args: Args) -> anyhow::Result<ExitCode> {
    let Args { api, json, command, .. } = args;
    match command {
        Command::Run(run) => Box::pin(run_node(*run, json)).await,
        Command::Devnet(devnet) => run_devnet(devnet, json).await,
        Command::Quickstart(_) if json => {
            anyhow::bail!("quickstart speaks to people; for scripts there is `poolnode run --json`")
        }
        Command::Quickstart(args) => Box::pin(quickstart::run(args)).await,
        Command::Status => show(&ApiClient::new(&api)?.status().await?, json, render::status),
        Command::Doctor(args) => Box::pin(doctor::run(*args, &api, json)).await,
        Command::Nearest(args) => nearest::run(args, &api, json).await,
        Command::Peers(args) => peers::run(args, &ApiClient::new(&api)?, json).await,
    }
}

/// Prints an answer for scripts or for people.
fn show<T: Serialize>(answer: &T, json: bool, text: fn(&T) -> anyhow::Result<()>) -> anyhow::Result<ExitCode> {
    if json {
        render::json(answer)?
    } else {
        text(answer)?
    }
    Ok(ExitCode::SUCCESS)
}

async fn run_node(mut args: RunArgs, json: bool) -> anyhow::Result<ExitCode> {
    let file = match args.config.take() {
        Some(path) => RawConfig::read(&path)?,
        None => RawConfig::default(),
    };
    let adopt_branch = args.adopt_branch;
    let config = Config { adopt_branch, ..args.over(file).resolve()? };
    let signals = StopSignals::register()?;
    let token = CancellationToken::new();
    let ready = move |endpoints: &Endpoints| {
        let printed = if json { render::json_line(endpoints) } else { render::endpoints(endpoints) };
        // A closed stdout is no reason to stop a pool.
        drop(printed);
    };
    until_signalled(signals, Box::pin(node::run(config, token.clone(), ready)), token).await
}

async fn run_devnet(args: DevnetArgs, json: bool) -> anyhow::Result<ExitCode> {
    let signals = StopSignals::register()?;
    let devnet = Devnet::bind(DevnetConfig {
        listen: args.listen,
        listen_flag: "--listen",
        block_interval: block_interval(args.block_interval_secs)?,
        file: args.dir.map(|dir| dir.join("devnet-blocks")),
    })
    .await?;
    let url = format!("http://{}", devnet.address());
    if json {
        render::json_line(&serde_json::json!({"rpc": url}))?;
    } else {
        render::line(&format!("devnet is ready: poolnode run --parent-rpc {url}"))?;
    }
    let token = CancellationToken::new();
    until_signalled(signals, devnet.run(token.clone()), token).await
}

/// Waits for the work, which ends cleanly after the first signal and is left alone after the second.
pub(crate) async fn until_signalled(
    mut signals: StopSignals,
    work: impl Future<Output = Result<(), NodeError>>,
    token: CancellationToken,
) -> anyhow::Result<ExitCode> {
    tokio::select! {
        ended = work => {
            ended?;
            Ok(ExitCode::SUCCESS)
        }
        () = signals.cancel(&token) => Ok(ExitCode::from(INTERRUPTED)),
    }
}
