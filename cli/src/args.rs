//! What can be typed.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use node::{Region, directory::StratumUrl, parent::devnet};

mod ask;
mod database;
mod lanes;
mod payouts;
mod run;
mod setup;

pub(crate) use ask::{ChainCommand, DagArgs, DrainArgs, EventsArgs, ListArgs, SharesArgs, StatusArgs, WindowArgs};
pub(crate) use database::{DatabaseArgs, DatabaseCommand};
pub(crate) use lanes::{LanesArgs, LanesCommand, ReplayArgs};
pub(crate) use payouts::{AuditArgs, HistoryArgs, PayoutsArgs, PayoutsCommand, ProveArgs, VerifyArgs};
pub(crate) use run::RunArgs;
pub(crate) use setup::{ConfigArgs, ConfigCommand, InitArgs};

use crate::nearest::Format;

/// A decentralised mining pool node: peers replicate a share chain, and every block pays the miners of the PPLNS window in
/// its coinbase.
#[derive(Debug, Parser)]
#[command(name = "poolnode", version, arg_required_else_help = true)]
pub(crate) struct Args {
    /// API of the node to ask.
    #[arg(
        long,
        global = true,
        env = "POOLNODE_API",
        hide_env_values = true,
        default_value = "http://127.0.0.1:23380",
        value_name = "URL"
    )]
    pub(crate) api: String,
    /// JSON for scripts instead of text for people.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What is logged to stderr: error, warn, info, debug, or a tracing filter [env: POOLNODE_LOG] [default: info].
    #[arg(long, global = true, value_name = "FILTER")]
    pub(crate) log: Option<String>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a node.
    Run(Box<RunArgs>),
    /// Ask what a node needs to know, and write its configuration.
    Init(Box<InitArgs>),
    /// Run a devnet chain alone, for several nodes to share.
    Devnet(DevnetArgs),
    /// See a whole pool at work: devnet, node and a CPU miner, without any set-up.
    Quickstart(QuickstartArgs),
    /// The peers of a running node: list them, or give orders about them.
    Peers(PeersArgs),
    /// Show a running node at a glance.
    Status(StatusArgs),
    /// A running node on one screen, anew every second.
    Top,
    /// The miners of a running node, those with the most hash rate first.
    Workers(ListArgs),
    /// The newest shares that a running node knows.
    Shares(SharesArgs),
    /// One share: what it builds on, whom it is credited to, whether it is a block.
    Share {
        /// Its id, 64 hexadecimal digits.
        id: String,
    },
    /// The pool's blocks, the newest first, and what became of them.
    Blocks(ListArgs),
    /// Whom the next block pays, and how much; whom blocks paid, and the proof of it.
    Payouts(PayoutsArgs),
    /// Check a proof of payouts, without a node.
    Verify(VerifyArgs),
    /// The share chain.
    Chain {
        #[command(subcommand)]
        command: ChainCommand,
    },
    /// Lanes: parent chains that miners of this node work on.
    Lanes(LanesArgs),
    /// How well every part of a running node is, since when, and what it does about it; exit code 1 when one has failed.
    Health(ListArgs),
    /// What failed at a running node, from when to when, why, and what was done; the newest first.
    Emergencies(ListArgs),
    /// Take no new miners; who is connected mines on, and willing miners are pointed to another node of the operator.
    Drain(DrainArgs),
    /// Decisions about lanes take no effect until `resume`; lanes that fail are left all the same.
    Pause,
    /// Decisions about lanes take effect again as before `pause`.
    Resume,
    /// What happens at a running node, one line an event.
    Events(EventsArgs),
    /// Look for what keeps a node from its work, and say what to do about it: takes the flags that the node is run with.
    Doctor(Box<RunArgs>),
    /// Print the description of the HTTP API (OpenAPI 3.1).
    Openapi,
    /// Check, show or write a configuration.
    Config(ConfigArgs),
    /// The share store of a node: look at it, copy it, put it back.
    Db(DatabaseArgs),
    /// Measure which pool nodes lose a miner least: those of the directory of a running node, or those that are given.
    Nearest(NearestArgs),
    /// Print the version of this program, and of the node that answers.
    Version,
    /// Print what a shell reads to complete commands.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write man pages, one for every command.
    Man {
        /// Folder for them.
        dir: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct PeersArgs {
    /// Show the list again and again, every so many seconds.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) watch: Option<u64>,
    #[command(subcommand)]
    pub(crate) command: Option<PeersCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PeersCommand {
    /// Who may not connect, for how long and why.
    Bans,
    /// Keep a peer or an address away.
    Ban {
        /// A peer id, an IPv4 address, or an IPv6 address, which stands for its /64.
        subject: String,
        /// For how long: 90s, 10m, 2h, 7d.
        #[arg(long = "for", value_name = "TIME", default_value = "1d")]
        lasts: String,
    },
    /// Let it come back.
    Unban {
        /// As `peers bans` shows it.
        subject: String,
    },
    /// Connect to an address and stay connected until the node stops; `--peer` is for ever.
    Add {
        /// Its multiaddress.
        address: String,
    },
    /// Disconnect a peer.
    Drop {
        /// Its id, whole or as the list shows it.
        peer: String,
    },
    /// Measure the time until a peer answers a question.
    Ping {
        /// Its id, whole or as the list shows it.
        peer: String,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct DevnetArgs {
    /// Where its JSON-RPC answers.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:23332")]
    pub(crate) listen: SocketAddr,
    /// Folder for its blocks (default: they are kept in memory only).
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Wanted seconds between blocks.
    #[arg(long, default_value_t = devnet::BLOCK_INTERVAL_SECS, value_name = "SECONDS")]
    pub(crate) block_interval_secs: u32,
}

#[derive(Debug, clap::Args)]
pub(crate) struct QuickstartArgs {
    /// Folder to keep the pool in (default: a temporary one).
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Stop after this long (default: at Ctrl-C).
    #[arg(long, value_name = "SECONDS")]
    pub(crate) seconds: Option<u64>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct NearestArgs {
    /// Endpoints to measure instead of the directory: stratum+tcp://HOST:PORT, stratum+ssl://.., stratum2+tcp://../KEY.
    #[arg(value_name = "URL")]
    pub(crate) endpoints: Vec<StratumUrl>,
    /// User name for mining.authorize, to measure how soon jobs come: ADDRESS.worker. Without it nobody is authorized.
    #[arg(long)]
    pub(crate) user: Option<String>,
    /// What to print: the table, or what a miner's configuration takes.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: Format,
    /// The endpoint that is used today: also say whether to switch.
    #[arg(long, value_name = "URL")]
    pub(crate) current: Option<StratumUrl>,
    /// Measure nodes of this region first (default: that of the node that is asked): NA SA EU AF AS OC AN.
    #[arg(long)]
    pub(crate) region: Option<Region>,
    /// Wanted time between shares of the pool (default: that of the node that is asked, or 10).
    #[arg(long, value_name = "SECONDS", value_parser = share_interval)]
    pub(crate) share_interval: Option<f64>,
}

/// A time that a share chain could have.
fn share_interval(text: &str) -> Result<f64, String> {
    let secs = text.parse().ok().filter(|secs| (0.1..=3_600.0).contains(secs));
    secs.ok_or_else(|| "expected seconds, 0.1 to 3600".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_list_is_shown_again_every_second_at_most() {
        let watch = |arguments: &[&str]| {
            let args = Args::try_parse_from([&["poolnode", "peers"], arguments].concat())?;
            let Command::Peers(peers) = args.command else { panic!("peers") };
            Ok::<_, clap::Error>(peers.watch)
        };
        assert_eq!(watch(&[]).unwrap(), None);
        assert_eq!(watch(&["--watch"]).unwrap(), Some(2));
        assert_eq!(watch(&["--watch", "1"]).unwrap(), Some(1));
        let error = watch(&["--watch", "0"]).unwrap_err().to_string();
        assert!(error.contains("'0' for '--watch [<SECONDS>]'") && error.contains("1.."), "{error}");
    }
}
