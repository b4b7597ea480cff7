//! The commands: each calls one thing and prints what it says.

use std::{convert::Infallible, future::Future, process::ExitCode};

use anyhow::Context;
use node::{
    NodeError,
    api::client::ApiClient,
    config::{self, Config, Sources, block_interval},
    parent::devnet::{Devnet, DevnetConfig},
    reload::Reload,
    run::Endpoints,
    signals::{Hangup, Hangups, StopSignals},
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    args::{Args, Command, DevnetArgs, StatusArgs},
    chain, config_cmd, database, doctor, events, health, init, lanes,
    listing::{self, CLEAR},
    lists,
    log::LogFilter,
    manual, nearest, payouts, peers, quickstart, render, shares, supervisor, top,
};

/// What a process that was interrupted twice returns, as shells expect it.
const INTERRUPTED: u8 = 130;
/// Requests to read the configuration again that wait. Stops a flood of signals from being answered one by one.
const RELOADS_MAX: usize = 1;

/// Runs the command.
pub(crate) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let log = LogFilter::start(&given_filter(&args))?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let code = runtime.block_on(dispatch(args, &log));
    // After a second signal nothing is waited for.
    runtime.shutdown_background();
    code
}

/// What is logged until a configuration says something else.
fn given_filter(args: &Args) -> String {
    let given = args.log.clone().or_else(|| std::env::var("POOLNODE_LOG").ok());
    given.unwrap_or_else(|| config::LOG_FILTER.to_owned())
}

async fn dispatch(args: Args, log: &LogFilter) -> anyhow::Result<ExitCode> {
    let Args { api, json, command, log: filter } = args;
    match command {
        Command::Run(run) => {
            let sources = run.sources(filter.as_deref());
            let config = Config { adopt_branch: run.adopt_branch, ..sources.read()? };
            log.set(&config.log_filter)?;
            log.write_to(&config.log)?;
            Box::pin(run_node(config, (sources, log.clone()), json)).await
        }
        Command::Devnet(devnet) => run_devnet(devnet, json).await,
        Command::Quickstart(_) if json => {
            anyhow::bail!("quickstart speaks to people; for scripts there is `poolnode run --json`")
        }
        Command::Quickstart(args) => Box::pin(quickstart::run(args)).await,
        Command::Openapi => {
            render::text(&node::api::openapi_json())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Status(args) => status(&args, &ApiClient::new(&api)?, json).await,
        Command::Top if json => anyhow::bail!("top draws for people; for scripts there is `poolnode status --json`"),
        Command::Top => Box::pin(top::run(&ApiClient::new(&api)?)).await,
        Command::Workers(args) => lists::workers(&args, &ApiClient::new(&api)?, json).await,
        Command::Shares(args) => shares::shares(&args, &ApiClient::new(&api)?, json).await,
        Command::Lanes(args) => lanes::run(&args, &api, json).await,
        Command::Share { id } => chain::share(&id, &ApiClient::new(&api)?, json).await,
        Command::Blocks(args) => lists::blocks(&args, &ApiClient::new(&api)?, json).await,
        Command::Payouts(args) => payouts::run(&args, &ApiClient::new(&api)?, json).await,
        Command::Verify(args) => payouts::verify(&args, json),
        Command::Chain { command } => chain::run(&command, &ApiClient::new(&api)?, json).await,
        Command::Health(args) => health::components(&args, &ApiClient::new(&api)?, json).await,
        Command::Emergencies(args) => health::emergencies(&args, &ApiClient::new(&api)?, json).await,
        Command::Drain(args) => health::drain(&args, &ApiClient::new(&api)?, json).await,
        Command::Pause => health::switching("pause", &ApiClient::new(&api)?, json).await,
        Command::Resume => health::switching("resume", &ApiClient::new(&api)?, json).await,
        Command::Events(args) => events::run(args, &api, json).await,
        Command::Version => version(&ApiClient::new(&api)?, json).await,
        Command::Completions { shell } => manual::completions(shell).map(|()| ExitCode::SUCCESS),
        Command::Man { dir } => manual::pages(&dir).map(|()| ExitCode::SUCCESS),
        Command::Doctor(args) => Box::pin(doctor::run(args.sources(filter.as_deref()), &api, json)).await,
        Command::Init(_) if json => {
            anyhow::bail!("init speaks to people; for scripts there is `poolnode config generate`")
        }
        Command::Init(args) => init::run(*args).await,
        Command::Config(args) => config_cmd::run(args, filter.as_deref(), json),
        Command::Db(args) => Box::pin(database::run(args, filter.as_deref(), json)).await,
        Command::Nearest(args) => nearest::run(args, &api, json).await,
        Command::Peers(args) => peers::run(args, &ApiClient::new(&api)?, json).await,
    }
}

async fn status(args: &StatusArgs, api: &ApiClient, json: bool) -> anyhow::Result<ExitCode> {
    loop {
        let status = api.status().await?;
        match (json, args.watch) {
            (true, None) => render::json(&status)?,
            (true, Some(_)) => render::json_line(&status)?,
            (false, watch) => {
                let health = health::lines(&api.components().await?);
                let clear = if watch.is_some() { CLEAR } else { "" };
                render::line(&format!("{clear}{}\n\n{health}", render::status(&status)))?;
            }
        }
        let Some(secs) = args.watch else { return Ok(ExitCode::SUCCESS) };
        listing::pause(secs).await;
    }
}

/// Of this program, and of the node where one answers.
async fn version(api: &ApiClient, json: bool) -> anyhow::Result<ExitCode> {
    let own = env!("CARGO_PKG_VERSION");
    let node = api.status().await.ok();
    if json {
        let node = node.map(|node| serde_json::json!({"version": node.version, "network": node.network}));
        render::json(&serde_json::json!({"version": own, "node": node}))?;
    } else {
        render::line(&format!("poolnode {own}"))?;
        if let Some(node) = node {
            render::line(&format!("the node that answers: {}, on {}", node.version, node.network))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn run_node(config: Config, (sources, log): (Sources, LogFilter), json: bool) -> anyhow::Result<ExitCode> {
    let (signals, hangups) = (StopSignals::without_hangup()?, Hangups::register()?);
    let token = CancellationToken::new();
    let ready = move |endpoints: &Endpoints| {
        let printed = if json { render::json_line(endpoints) } else { render::endpoints(endpoints) };
        // A closed stdout is no reason to stop a pool.
        drop(printed);
    };
    let (ask, requests) = mpsc::channel(RELOADS_MAX);
    let reload = Reload { sources, requests, set_log_filter: Box::new(move |filter| log.set(filter).is_ok()) };
    let node = Box::pin(node::run_reloadable(config, Some(reload), supervisor::find(), token.clone(), ready));
    tokio::select! {
        ended = until_signalled(signals, node, token.clone()) => ended,
        never = pass_on(hangups, ask, token.clone()) => match never {},
    }
}

/// Asks for the configuration to be read again at every SIGHUP, and stops when that is the end of the terminal.
async fn pass_on(mut hangups: Hangups, ask: mpsc::Sender<()>, token: CancellationToken) -> Infallible {
    loop {
        match hangups.next().await {
            // A request that waits already reads what is there by then.
            Hangup::Reload => drop(ask.try_send(())),
            Hangup::TerminalGone => token.cancel(),
        }
    }
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
