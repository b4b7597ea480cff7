//! The flags of `poolnode run`, and what keys they stand for.

use std::{net::SocketAddr, path::PathBuf};

use node::{
    ShareId,
    config::{Setting, Sources},
};

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
    use clap::Parser;
    use node::config::Origin;

    use super::*;
    use crate::args::{Args, Command};

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
