//! Child processes: `poolnode` and `devminer` binaries beside this one, started, asked and stopped.

use std::{
    ffi::OsString,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, bail};
use node::{api::client::ApiClient, run::Endpoints};
use serde::de::DeserializeOwned;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::cheap_chain::Busy;

mod running;

pub use running::{DevnetProcess, MinerProcess, NodeProcess};

/// Time for a process to say that it is ready.
const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// Any free port of this machine.
const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Where the binaries are and where processes write.
#[derive(Clone, Debug)]
pub struct Place {
    binaries: PathBuf,
    dir: PathBuf,
    /// The command that processes are started by; it becomes them.
    starter: Vec<OsString>,
}

/// How to start a node.
#[derive(Clone, Debug, Default)]
pub struct NodeOptions {
    /// Configuration file, which says the chain and its daemons; without it the chain is the devnet.
    pub config: Option<PathBuf>,
    /// JSON-RPC of its daemon, on the devnet.
    pub parent_rpc: String,
    /// Peers to connect to.
    pub peers: Vec<String>,
    /// Where it says it is.
    pub region: Option<String>,
    /// Where it listens for peers; any port of this machine without.
    pub p2p_listen: Option<String>,
    /// Where it listens for miners; any port of this machine without.
    pub stratum_listen: Option<SocketAddr>,
    /// Where its API listens; any port of this machine without.
    pub api_listen: Option<SocketAddr>,
    /// Further flags.
    pub flags: Vec<String>,
}

impl Place {
    /// Finds the binaries that were built with this one; children log into `dir`.
    ///
    /// # Errors
    /// When they were not built.
    pub fn new(dir: &Path) -> anyhow::Result<Self> {
        let current = std::env::current_exe().context("cannot tell where this program is")?;
        // Test binaries are one folder deeper than the programs.
        let folders = current.ancestors().skip(1).take(2);
        let binaries = folders.map(Path::to_owned).find(|folder| folder.join("poolnode").exists());
        let Some(binaries) = binaries else {
            bail!("poolnode is not built beside {}; run: cargo build -p cli -p testnet", current.display());
        };
        std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        Ok(Self { binaries, dir: dir.to_owned(), starter: Vec::new() })
    }

    /// The same place for processes in a network namespace, named by its file.
    #[must_use]
    pub fn inside(&self, namespace: &Path) -> Self {
        self.started_by(["nsenter".into(), format!("--net={}", namespace.display()).into()])
    }

    /// The same place for processes that are started by another command, which has to become them: their process ids are theirs.
    #[must_use]
    pub fn started_by(&self, command: impl IntoIterator<Item = OsString>) -> Self {
        Self { starter: command.into_iter().collect(), ..self.clone() }
    }

    /// A child's folder.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// A command for one of the binaries.
    pub fn command(&self, program: &str) -> Command {
        let program = self.binaries.join(program);
        let mut words = self.starter.iter().cloned().chain([program.into_os_string()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        command.stdin(Stdio::null()).kill_on_drop(true);
        // Ctrl-C reaches the whole process group; children are stopped in order instead.
        command.process_group(0);
        command
    }

    /// Starts a devnet chain.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn devnet(&self, block_interval_secs: u32) -> anyhow::Result<DevnetProcess> {
        self.devnet_at(0, block_interval_secs).await
    }

    /// Starts a devnet chain on a given port.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn devnet_at(&self, port: u16, block_interval_secs: u32) -> anyhow::Result<DevnetProcess> {
        let mut command = self.command("poolnode");
        command.args(["devnet", "--json", "--listen", &format!("{}:{port}", Ipv4Addr::LOCALHOST)]);
        command.args(["--block-interval-secs", &block_interval_secs.to_string()]);
        command.arg("--dir").arg(self.folder("devnet"));
        let (child, ready): (_, serde_json::Value) = self.start(command, "devnet").await?;
        let rpc = ready["rpc"].as_str().context("the devnet did not say where it answers")?.to_owned();
        Ok(DevnetProcess { rpc, child })
    }

    /// Starts a node in the folder of its name; a second start finds what the first one left.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn node(&self, name: &str, options: &NodeOptions) -> anyhow::Result<NodeProcess> {
        let mut command = self.command("poolnode");
        let listen = |address: Option<SocketAddr>| address.unwrap_or(ANY_PORT).to_string();
        command.args(["run", "--json", "--stratum-listen", &listen(options.stratum_listen)]);
        command.args(["--api-listen", &listen(options.api_listen)]);
        match &options.config {
            Some(config) => command.arg("--config").arg(config),
            None => command.args(["--chain", "devnet", "--parent-rpc", &options.parent_rpc]),
        };
        command.args(["--p2p-listen", options.p2p_listen.as_deref().unwrap_or("/ip4/127.0.0.1/tcp/0")]);
        command.arg("--data-dir").arg(self.folder(name));
        for peer in &options.peers {
            command.args(["--peer", peer]);
        }
        if let Some(region) = &options.region {
            command.args(["--region", region]);
        }
        command.args(&options.flags);
        let (child, endpoints): (_, Endpoints) = self.start(command, name).await?;
        let api = ApiClient::new(&endpoints.api)?;
        Ok(NodeProcess { name: name.to_owned(), endpoints, api, child })
    }

    /// Starts a node of the chain in [`crate::cheap_chain`], in the folder of its name, that knows these peers.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn sync_node(&self, name: &str, p2p_listen: &str, peers: &[String]) -> anyhow::Result<NodeProcess> {
        let mut command = self.command("syncnode");
        command.args(["--p2p-listen", p2p_listen]);
        for peer in peers {
            command.args(["--peer", peer]);
        }
        self.cheap_node(name, command).await
    }

    /// Starts a node of the busy chain, in the folder of its name.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn busy_node(&self, name: &str, chain: &Busy) -> anyhow::Result<NodeProcess> {
        let Busy { start, window_shares, generation_shares, parent_rpc } = chain;
        let mut command = self.command("syncnode");
        command.args(["--p2p-listen", "/ip4/127.0.0.1/tcp/0", "--parent-rpc", parent_rpc]);
        command.args(["--start", &start.to_string(), "--window", &window_shares.to_string()]);
        if let Some(shares) = generation_shares {
            command.args(["--generation", &shares.to_string()]);
        }
        self.cheap_node(name, command).await
    }

    async fn cheap_node(&self, name: &str, mut command: Command) -> anyhow::Result<NodeProcess> {
        command.arg("--data-dir").arg(self.folder(name));
        let (child, endpoints): (_, Endpoints) = self.start(command, name).await?;
        let api = ApiClient::new(&endpoints.api)?;
        Ok(NodeProcess { name: name.to_owned(), endpoints, api, child })
    }

    /// Starts a miner that is paid to an address made from its name.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub fn miner(&self, name: &str, stratum: &str, hashrate_max: Option<f64>) -> anyhow::Result<MinerProcess> {
        let rate = hashrate_max.map(|rate| rate.to_string());
        let rate: Vec<&str> = rate.iter().flat_map(|rate| ["--max-hashrate", rate]).collect();
        self.miner_of(name, stratum, &[&["--name", name], rate.as_slice()].concat())
    }

    /// Starts a miner with these flags.
    ///
    /// # Errors
    /// When the binary cannot be started.
    pub fn miner_of(&self, name: &str, stratum: &str, flags: &[&str]) -> anyhow::Result<MinerProcess> {
        let mut command = self.command("devminer");
        command.args(["--url", stratum]).args(flags);
        let log = self.log(&format!("miner-{name}"))?;
        command.stdout(log.try_clone().context("cannot share a log file")?).stderr(log);
        Ok(MinerProcess { child: command.spawn().context("cannot start devminer")? })
    }

    /// Starts a child and parses the first line it prints.
    async fn start<T: DeserializeOwned>(&self, mut command: Command, name: &str) -> anyhow::Result<(Child, T)> {
        command.stdout(Stdio::piped()).stderr(self.log(name)?);
        let mut child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let stdout = child.stdout.take().context("no stdout")?;
        let mut lines = BufReader::new(stdout).lines();
        let line = timeout(READY_TIMEOUT, lines.next_line()).await;
        let line = line.with_context(|| format!("{name} is not ready after {} s", READY_TIMEOUT.as_secs()))?;
        match line.with_context(|| format!("cannot read from {name}"))? {
            Some(line) => {
                let ready = serde_json::from_str(&line).with_context(|| format!("{name} said {line:?}"))?;
                Ok((child, ready))
            }
            None => bail!("{name} did not start; its log ends with:\n{}", self.log_end(name)),
        }
    }

    fn log(&self, name: &str) -> anyhow::Result<std::fs::File> {
        let path = self.dir.join(format!("{name}.log"));
        let mut options = std::fs::OpenOptions::new();
        options.create(true).append(true).open(&path).with_context(|| format!("cannot write {}", path.display()))
    }

    /// All that a child has logged so far.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn log_text(&self, name: &str) -> anyhow::Result<String> {
        let path = self.dir.join(format!("{name}.log"));
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    }

    /// The last lines of a child's log.
    pub fn log_end(&self, name: &str) -> String {
        let text = self.log_text(name).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}
