//! `syncnode`: a node whose share chain costs few hashes a share. For `testnet --sync-shares` nobody can mine with it; for
//! `api_load` and `faults` it mines on a devnet's daemon.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to people on its terminal")]

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use node::{run::Endpoints, signals::StopSignals};
use testnet::cheap_chain::{Busy, CheapChain};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Runs a node of the chains that `testnet --sync-shares`, `api_load` and `faults` measure with; prints where it can be reached as one
/// JSON line.
#[derive(Debug, Parser)]
#[command(name = "syncnode", version)]
struct Args {
    /// Folder for key and shares.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Multiaddress to listen on for peers.
    #[arg(long, value_name = "MULTIADDR")]
    p2p_listen: String,
    /// Multiaddress of a peer to stay connected to; may be repeated.
    #[arg(long, value_name = "MULTIADDR")]
    peer: Vec<String>,
    /// JSON-RPC of a devnet to mine on.
    #[arg(long, value_name = "URL", requires_all = ["start", "window"])]
    parent_rpc: Option<String>,
    /// With a devnet: when the share chain began, Unix time.
    #[arg(long, value_name = "SECONDS", requires = "parent_rpc")]
    start: Option<u32>,
    /// With a devnet: shares of the window.
    #[arg(long, value_name = "SHARES", requires = "parent_rpc")]
    window: Option<u32>,
    /// With a devnet: shares of a generation of the store, of a chain with short depths.
    #[arg(long, value_name = "SHARES", requires = "parent_rpc", value_parser = clap::value_parser!(u64).range(1..))]
    generation: Option<u64>,
    /// What is logged to stderr.
    #[arg(long, value_name = "FILTER", default_value = "warn,node=info")]
    log: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&args.log)?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    let chain = match (args.parent_rpc, args.start, args.window) {
        (Some(parent_rpc), Some(start), Some(window_shares)) => {
            CheapChain::busy(Busy { start, window_shares, generation_shares: args.generation, parent_rpc })?
        }
        _ => CheapChain::silent()?,
    };
    let config = chain.config(&args.data_dir, args.p2p_listen, args.peer)?;
    let mut signals = StopSignals::register()?;
    let token = CancellationToken::new();
    let ready = |endpoints: &Endpoints| println!("{}", serde_json::json!(endpoints));
    tokio::select! {
        ended = Box::pin(node::run(config, token.clone(), ready)) => Ok(ended?),
        () = signals.cancel(&token) => anyhow::bail!("stopped at once"),
    }
}
