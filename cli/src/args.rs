//! What can be typed.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use node::{
    Region, ShareId,
    config::{Purpose, Setting, Sources},
    directory::StratumUrl,
    parent::devnet,
};

use crate::{
    init::Question,
    listing::{CLEAR, Output},
    nearest::Format,
    render,
};

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
    /// Whom the next block pays, and how much.
    Payouts(ListArgs),
    /// The share chain.
    Chain {
        #[command(subcommand)]
        command: ChainCommand,
    },
    /// Lanes: parent chains that miners of this node work on.
    Lanes {
        #[command(subcommand)]
        command: LanesCommand,
    },
    /// What happens at a running node, one line an event.
    Events(EventsArgs),
    /// Look for what keeps a node from its work, and say what to do about it: takes the flags that the node is run with.
    Doctor(Box<RunArgs>),
    /// Check, show or write a configuration.
    Config(ConfigArgs),
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
pub(crate) struct StatusArgs {
    /// Show it again and again, every so many seconds.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) watch: Option<u64>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// How it is printed; --json stands for json.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: Output,
    /// Show it again and again, every so many seconds.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) watch: Option<u64>,
}

impl ListArgs {
    /// Makes room for the next look of a table.
    pub(crate) fn clear(&self) -> anyhow::Result<()> {
        if self.watch.is_some() && self.output == Output::Table { render::text(CLEAR) } else { Ok(()) }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct SharesArgs {
    /// Only those that are credited to this address.
    #[arg(long)]
    pub(crate) address: Option<String>,
    /// Only those of this node's miners.
    #[arg(long)]
    pub(crate) own: bool,
    /// At most so many.
    #[arg(long, default_value_t = 20, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub(crate) limit: u16,
    #[command(flatten)]
    pub(crate) list: ListArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ChainCommand {
    /// Its identity, tip, work and window.
    Info,
    /// How the newest shares build on each other.
    Dag(DagArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct DagArgs {
    /// How many heights.
    #[arg(long, default_value_t = 20, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(crate) heights: u16,
    /// Up to this height (default: the tip).
    #[arg(long, value_name = "HEIGHT")]
    pub(crate) to: Option<u64>,
    /// As a graph for Graphviz: poolnode chain dag --dot | dot -Tsvg.
    #[arg(long, conflicts_with_all = ["output", "json"])]
    pub(crate) dot: bool,
    /// How it is printed; --json stands for json.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: Output,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LanesCommand {
    /// List them.
    Ls(ListArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct EventsArgs {
    /// Go on for ever: a lost connection is taken up again where it was.
    #[arg(long)]
    pub(crate) follow: bool,
    /// Only these kinds, with commas: share, uncle, tip, block_found, payout, worker_on, warning, ...
    #[arg(long, value_name = "KINDS")]
    pub(crate) kinds: Option<String>,
    /// Begin after the event with this number, as far as the node remembers.
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<u64>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// Configuration file; flags overrule it.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Chain to pool on: devnet (default), bitcoin, litecoin, their test networks, or custom; see the sample configuration.
    #[arg(long)]
    chain: Option<String>,
    /// Folder for key, shares and blocks (default: ~/.poolnode/CHAIN).
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// JSON-RPC of the coin daemon; without it a devnet node runs a devnet chain of its own.
    #[arg(long, value_name = "URL")]
    parent_rpc: Option<String>,
    /// Where miners connect to (default: 127.0.0.1:23336; 0.0.0.0:23336 takes miners from other machines).
    #[arg(long, value_name = "ADDR")]
    stratum_listen: Option<SocketAddr>,
    /// Where miners connect to that speak Stratum V2 (default: nowhere).
    #[arg(long, value_name = "ADDR")]
    stratum_v2_listen: Option<SocketAddr>,
    /// Multiaddress to listen on for peers; may be repeated (default: TCP and QUIC on port 23333).
    #[arg(long, value_name = "MULTIADDR")]
    p2p_listen: Vec<String>,
    /// Multiaddress of a peer to stay connected to; may be repeated.
    #[arg(long, value_name = "MULTIADDR")]
    peer: Vec<String>,
    /// Multiaddress of a peer to ask for others; may be repeated.
    #[arg(long, value_name = "MULTIADDR")]
    seed: Vec<String>,
    /// Connect to no other peers than those of `--peer`.
    #[arg(long)]
    no_discovery: bool,
    /// Most peers to look for and connect to (default: 12).
    #[arg(long, value_name = "NUMBER")]
    outbound_max: Option<usize>,
    /// How they are chosen: latency or random (default: latency).
    #[arg(long)]
    selection: Option<String>,
    /// Where this node is: NA SA EU AF AS OC AN.
    #[arg(long)]
    region: Option<String>,
    /// Where the API answers; loopback only (default: 127.0.0.1:23380).
    #[arg(long, value_name = "ADDR")]
    api_listen: Option<SocketAddr>,
    /// JSON-RPC of the embedded devnet chain (default: 127.0.0.1:23332).
    #[arg(long, value_name = "ADDR")]
    devnet_listen: Option<SocketAddr>,
    /// Mine before the share chain is synced.
    #[arg(long)]
    solo_until_synced: bool,
    /// Go over to the branch of the share chain that this share is on, whatever its work, as soon as it is known.
    #[arg(long, value_name = "SHARE_ID")]
    pub(crate) adopt_branch: Option<ShareId>,
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
pub(crate) struct InitArgs {
    /// Take the default of every question that no flag answers, and ask nothing.
    #[arg(long)]
    pub(crate) yes: bool,
    /// File to write, for its owner only (default: poolnode.toml in the data folder).
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Replace the file if it is there.
    #[arg(long)]
    pub(crate) force: bool,
    /// Chain to pool on: devnet, bitcoin, litecoin, or one of their test networks.
    #[arg(long)]
    chain: Option<String>,
    /// JSON-RPC of the coin daemon.
    #[arg(long, value_name = "URL")]
    daemon: Option<String>,
    /// How the daemon knows us. Other users of the machine see arguments: a cookie file is better than a password.
    #[arg(long, value_name = "COOKIE|USER:PASSWORD")]
    auth: Option<String>,
    /// Folder for key, shares and blocks.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Payout address of miners that give none as their user name; none refuses them.
    #[arg(long)]
    address: Option<String>,
    /// Where this node is: NA SA EU AF AS OC AN, or none.
    #[arg(long)]
    region: Option<String>,
    /// Who may mine here: local (this machine), private (other machines, with a password), public.
    #[arg(long, value_name = "local|private|public")]
    miners: Option<String>,
    /// What miners give as password.
    #[arg(long)]
    password: Option<String>,
    /// Hash rate that will mine here, like 500GH/s: only to tell what to expect of it.
    #[arg(long)]
    hashrate: Option<String>,
}

impl InitArgs {
    /// What a flag answers.
    pub(crate) fn answer(&self, question: Question) -> Option<&str> {
        let answer = match question {
            Question::Chain => &self.chain,
            Question::Daemon => &self.daemon,
            Question::Auth => &self.auth,
            Question::DataDir => &self.data_dir,
            Question::Address => &self.address,
            Question::Region => &self.region,
            Question::Miners => &self.miners,
            Question::Password => &self.password,
            Question::Hashrate => &self.hashrate,
        };
        answer.as_deref()
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say whether a node would start with this file, the environment and these flags of `run`; exit code 5 when not.
    Check {
        /// The file.
        #[arg(conflicts_with = "config")]
        file: Option<PathBuf>,
        #[command(flatten)]
        run: Box<RunArgs>,
    },
    /// Print the effective configuration: file, environment and these flags of `run` together. Secrets are hidden.
    Show {
        #[command(flatten)]
        run: Box<RunArgs>,
        /// Also say where each value comes from: file with line, variable, flag, or default.
        #[arg(long)]
        origin: bool,
    },
    /// Print a complete configuration with every key documented.
    Generate {
        /// What the node is for: dev (a devnet inside the node), testnet or prod (a daemon on this machine).
        #[arg(long = "env", value_name = "dev|testnet|prod")]
        purpose: Purpose,
        /// Another chain than devnet, bitcoin-testnet4 or bitcoin.
        #[arg(long)]
        chain: Option<String>,
    },
    /// Print the JSON schema of the file, for editors.
    Schema,
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

impl RunArgs {
    /// The file, the environment and the flags, of which `--log` stands before the command.
    pub(crate) fn sources(&self, log: Option<&str>) -> Sources {
        let log = log.map(|filter| Setting::flag("--log", "log.filter", filter));
        let flags = self.flags().into_iter().chain(log).collect();
        Sources { file: self.config.clone(), variables: std::env::vars_os().collect(), flags }
    }

    /// The flags that stand for a key.
    fn flags(&self) -> Vec<Setting> {
        let text = |flag, key, value: Option<String>| value.map(|value| Setting::flag(flag, key, value));
        let address = |flag, key, value: Option<SocketAddr>| text(flag, key, value.map(|address| address.to_string()));
        let list =
            |flag, key, values: &[String]| (!values.is_empty()).then(|| Setting::flag(flag, key, values.to_vec()));
        let switch = |flag, key, is_given: bool, value: bool| is_given.then(|| Setting::flag(flag, key, value));
        let folder = self.data_dir.as_ref().map(|folder| folder.to_string_lossy().into_owned());
        // More peers than an i64 holds are refused for their number, whichever it is.
        let outbound_max = self.outbound_max.map(|number| i64::try_from(number).unwrap_or(i64::MAX));
        let flags = [
            text("--chain", "chain", self.chain.clone()),
            text("--data-dir", "data_dir", folder),
            text("--parent-rpc", "parent.rpc_url", self.parent_rpc.clone()),
            address("--stratum-listen", "stratum.listen", self.stratum_listen),
            address("--stratum-v2-listen", "stratum.v2_listen", self.stratum_v2_listen),
            list("--p2p-listen", "p2p.listen", &self.p2p_listen),
            list("--peer", "p2p.peers", &self.peer),
            list("--seed", "p2p.seeds", &self.seed),
            switch("--no-discovery", "p2p.discovery", self.no_discovery, false),
            outbound_max.map(|number| Setting::flag("--outbound-max", "p2p.outbound_max", number)),
            text("--selection", "p2p.selection", self.selection.clone()),
            text("--region", "p2p.region", self.region.clone()),
            address("--api-listen", "api.listen", self.api_listen),
            address("--devnet-listen", "devnet.listen", self.devnet_listen),
            switch("--solo-until-synced", "solo_until_synced", self.solo_until_synced, true),
        ];
        flags.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use node::config::Origin;

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

    #[test]
    fn every_flag_stands_for_its_key() {
        let flags = [
            "--chain=devnet",
            "--data-dir=/tmp/x",
            "--parent-rpc=http://127.0.0.1:1",
            "--stratum-listen=127.0.0.1:2",
            "--stratum-v2-listen=127.0.0.1:3",
            "--p2p-listen=/ip4/127.0.0.1/tcp/4",
            "--peer=/ip4/1.2.3.4/tcp/5",
            "--peer=/ip4/1.2.3.5/tcp/5",
            "--seed=/ip4/1.2.3.6/tcp/5",
            "--no-discovery",
            "--outbound-max=5",
            "--selection=random",
            "--region=AS",
            "--api-listen=127.0.0.1:6",
            "--devnet-listen=127.0.0.1:7",
            "--solo-until-synced",
        ];
        let args = Args::parse_from(["poolnode", "run"].into_iter().chain(flags));
        let Command::Run(run) = args.command else { panic!("run") };
        let sources = Sources { variables: Vec::new(), ..run.sources(Some("debug")) };
        let config = sources.read().unwrap();
        let entries = config.entries();
        let given = entries.iter().filter(|entry| entry.origin == Origin::Flag);
        let places: Vec<&str> = given.filter_map(|entry| entry.place.as_deref()).collect();
        let names = flags.iter().map(|flag| flag.split('=').next().unwrap());
        let names: std::collections::BTreeSet<&str> = names.chain(["--log"]).collect();
        assert_eq!(places.into_iter().collect::<std::collections::BTreeSet<_>>(), names);
        assert_eq!((config.p2p.peers.len(), config.p2p.discovery, config.solo_until_synced), (2, false, true));
        assert_eq!(config.log_filter, "debug");
    }

    #[test]
    fn what_is_not_given_is_no_setting() {
        let Command::Run(run) = Args::parse_from(["poolnode", "run"]).command else { panic!("run") };
        assert_eq!(run.flags(), []);
    }
}
