//! What `poolnode init` and `poolnode config` take.

use std::path::PathBuf;

use clap::Subcommand;
use node::config::Purpose;

use super::RunArgs;
use crate::init::Question;

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
