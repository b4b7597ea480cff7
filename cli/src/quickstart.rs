//! `quickstart`: devnet, node and CPU miner in one command, and the first payout on screen within a minute.
//!
//! The miner is the separate `devminer` binary beside this one: `poolnode` itself never hashes for anybody.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context;
use node::{
    api::{client::ApiClient, dto::Status},
    config::{RawConfig, RawDevnet, RawListen, RawP2p, RawStratum},
    run::Endpoints,
    signals::StopSignals,
};
use tokio::{
    process::{Child, Command},
    sync::oneshot,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{args::QuickstartArgs, commands::until_signalled, render};

/// Time between two lines.
const REPORT_INTERVAL: Duration = Duration::from_secs(2);
/// What the miner mines at most, hashes per second: enough to see blocks, little enough to go on working.
const HASHRATE_MAX: &str = "2000000";

/// Runs until it is stopped.
pub(crate) async fn run(args: QuickstartArgs) -> anyhow::Result<ExitCode> {
    let signals = StopSignals::register()?;
    let temporary = match &args.dir {
        Some(_) => None,
        None => Some(tempfile::tempdir().context("cannot make a temporary folder")?),
    };
    let data_dir = args.dir.or_else(|| temporary.as_ref().map(|dir| dir.path().to_owned())).unwrap_or_default();
    let any_port = || Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let config = RawConfig {
        data_dir: Some(data_dir),
        stratum: RawStratum { listen: any_port(), ..RawStratum::default() },
        api: RawListen { listen: any_port(), ..RawListen::default() },
        p2p: RawP2p { listen: Some(vec!["/ip4/127.0.0.1/tcp/0".to_owned()]), ..RawP2p::default() },
        devnet: RawDevnet { listen: any_port(), block_interval_secs: None },
        ..RawConfig::default()
    };
    let (token, (ready, endpoints)) = (CancellationToken::new(), oneshot::channel());
    let node = Box::pin(node::run(config.resolve()?, token.clone(), move |endpoints| {
        let _gone = ready.send(endpoints.clone());
    }));
    let seconds = args.seconds.map(Duration::from_secs);
    let watched = token.clone();
    let show = async move {
        if let Ok(endpoints) = endpoints.await {
            let shown = show(&endpoints, seconds).await;
            watched.cancel();
            shown
        } else {
            Ok(())
        }
    };
    let (code, shown) = tokio::join!(until_signalled(signals, node, token.clone()), async {
        tokio::select! {
            shown = show => shown,
            () = token.cancelled() => Ok(()),
        }
    });
    shown?;
    code
}

/// Starts the miner and reports until the time is over.
async fn show(endpoints: &Endpoints, seconds: Option<Duration>) -> anyhow::Result<()> {
    render::endpoints(endpoints)?;
    render::line(&format!("ask it:  poolnode --api {} status", endpoints.api))?;
    let started = Instant::now();
    let miner = start_miner(endpoints)?;
    let api = ApiClient::new(&endpoints.api)?;
    let mut milestones = Milestones { started, shares: false, blocks: 0, paid: false };
    let mut ticks = interval(REPORT_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while seconds.is_none_or(|seconds| started.elapsed() < seconds) {
        ticks.tick().await;
        let status = api.status().await?;
        milestones.report(&api, &status).await?;
    }
    // Kills the miner.
    drop(miner);
    Ok(())
}

fn start_miner(endpoints: &Endpoints) -> anyhow::Result<Option<Child>> {
    let program = sibling("devminer").filter(|program| program.exists());
    let Some(program) = program else {
        render::line(&format!(
            "point a miner at it: cpuminer -a blake2s -o {} -u ADDRESS.rig1 -p x",
            endpoints.stratum
        ))?;
        return Ok(None);
    };
    let mut command = Command::new(&program);
    command.args(["--url", &endpoints.stratum, "--name", "quickstart", "--max-hashrate", HASHRATE_MAX]);
    let miner = command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn();
    let miner = miner.with_context(|| format!("cannot start {}", program.display()))?;
    render::line("a CPU miner was started; stop with Ctrl-C")?;
    Ok(Some(miner))
}

fn sibling(name: &str) -> Option<PathBuf> {
    Some(std::env::current_exe().ok()?.parent()?.join(name))
}

/// What a newcomer waits for, each told once.
struct Milestones {
    started: Instant,
    shares: bool,
    blocks: u64,
    paid: bool,
}

impl Milestones {
    async fn report(&mut self, api: &ApiClient, status: &Status) -> anyhow::Result<()> {
        let seconds = self.started.elapsed().as_secs();
        render::line(&format!(
            "{seconds:4} s  shares {:5}  window {:4}  {:>12}  parent height {}  blocks {}",
            status.share_height,
            status.window_shares,
            render::hashrate(status.hashrate),
            status.parent.height.unwrap_or_default(),
            status.blocks_found,
        ))?;
        if status.share_height > 0 && !self.shares {
            self.shares = true;
            render::line(&format!("{seconds:4} s  first share: {}", render::short(&status.share_tip)))?;
        }
        if status.blocks_found > self.blocks {
            self.blocks = status.blocks_found;
            render::line(&format!("{seconds:4} s  a block was found and pays its miners in its coinbase"))?;
        }
        if status.window_shares > 0 && !self.paid {
            self.paid = true;
            for payout in api.payouts().await?.payouts {
                let address = payout.address.unwrap_or(payout.script);
                render::line(&format!("{seconds:4} s  the next block pays {} units to {address}", payout.amount))?;
            }
        }
        Ok(())
    }
}
