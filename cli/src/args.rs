//! What can be typed.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Parser, Subcommand};
use node::{
    Region, ShareId,
    config::{RawConfig, RawDevnet, RawListen, RawP2p, RawParent, RawStratum},
    directory::StratumUrl,
    parent::devnet,
};

use crate::nearest::Format;

/// A decentralised mining pool node: peers replicate a share chain, and every block pays the miners of the PPLNS window in
/// its coinbase.
#[derive(Debug, Parser)]
#[command(name = "poolnode", version, arg_required_else_help = true)]
pub(crate) struct Args {
    /// API of the node to ask.
    #[arg(long, global = true, env = "POOLNODE_API", default_value = "http://127.0.0.1:23380", value_name = "URL")]
    pub(crate) api: String,
    /// JSON for scripts instead of text for people.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What is logged to stderr: error, warn, info, debug, or a tracing filter.
    #[arg(long, global = true, env = "POOLNODE_LOG", default_value = "info", value_name = "FILTER")]
    pub(crate) log: String,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a node.
    Run(Box<RunArgs>),
    /// Run a devnet chain alone, for several nodes to share.
    Devnet(DevnetArgs),
    /// See a whole pool at work: devnet, node and a CPU miner, without any set-up.
    Quickstart(QuickstartArgs),
    /// The peers of a running node: list them, or give orders about them.
    Peers(PeersArgs),
    /// Show a running node at a glance.
    Status,
    /// Look for what keeps a node from its work, and say what to do about it: takes the flags that the node is run with.
    Doctor(Box<RunArgs>),
    /// Measure which pool nodes lose a miner least: those of the directory of a running node, or those that are given.
    Nearest(NearestArgs),
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
    /// The flags over what the file said.
    pub(crate) fn over(self, file: RawConfig) -> RawConfig {
        let list = |flags: Vec<String>, file| if flags.is_empty() { file } else { Some(flags) };
        RawConfig {
            chain: self.chain.or(file.chain),
            data_dir: self.data_dir.or(file.data_dir),
            password: file.password,
            solo_until_synced: self.solo_until_synced.then_some(true).or(file.solo_until_synced),
            parent: RawParent { rpc_url: self.parent_rpc.or(file.parent.rpc_url), ..file.parent },
            custom: file.custom,
            devnet: RawDevnet { listen: self.devnet_listen.or(file.devnet.listen), ..file.devnet },
            stratum: RawStratum {
                listen: self.stratum_listen.or(file.stratum.listen),
                v2_listen: self.stratum_v2_listen.or(file.stratum.v2_listen),
                ..file.stratum
            },
            p2p: RawP2p {
                listen: list(self.p2p_listen, file.p2p.listen),
                peers: list(self.peer, file.p2p.peers),
                region: self.region.or(file.p2p.region),
                seeds: list(self.seed, file.p2p.seeds),
                outbound_max: self.outbound_max.or(file.p2p.outbound_max),
                selection: self.selection.or(file.p2p.selection),
                discovery: self.no_discovery.then_some(false).or(file.p2p.discovery),
                ..file.p2p
            },
            api: RawListen { listen: self.api_listen.or(file.api.listen) },
            geo: file.geo,
            directory: file.directory,
            metrics: file.metrics,
            log: file.log,
            notify_after_secs: file.notify_after_secs,
            notify: file.notify,
        }
    }
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

    #[test]
    fn flags_overrule_the_file_and_leave_the_rest() {
        let args = Args::parse_from(["poolnode", "run", "--peer", "/ip4/1.2.3.4/tcp/5", "--region", "AS"]);
        let Command::Run(run) = args.command else { panic!("run") };
        let file = RawConfig {
            p2p: RawP2p {
                peers: Some(vec!["x".to_owned()]),
                region: Some("EU".to_owned()),
                listen: Some(vec![]),
                ..RawP2p::default()
            },
            ..RawConfig::default()
        };
        let merged = run.over(file).p2p;
        assert_eq!(merged.peers, Some(vec!["/ip4/1.2.3.4/tcp/5".to_owned()]));
        assert_eq!(merged.region.as_deref(), Some("AS"));
        assert_eq!(merged.listen, Some(vec![]));
    }
}
