//! Child processes: `poolnode` and `devminer` binaries beside this one, started, asked and stopped.

use std::{
    ffi::OsString,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use node::{api::client::ApiClient, run::Endpoints};
use serde::de::DeserializeOwned;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::process_stat::Process;

/// Time for a process to say that it is ready.
const READY_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for a process to stop by itself.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Any free port of this machine.
const ANY_PORT: &str = "127.0.0.1:0";

/// Where the binaries are and where processes write.
#[derive(Clone, Debug)]
pub struct Place {
    binaries: PathBuf,
    dir: PathBuf,
    /// The command that processes are started by; it becomes them.
    starter: Vec<OsString>,
}

/// A devnet chain.
#[derive(Debug)]
pub struct DevnetProcess {
    /// Its JSON-RPC.
    pub rpc: String,
    child: Child,
}

/// A node.
#[derive(Debug)]
pub struct NodeProcess {
    /// Its name, which is also its folder.
    pub name: String,
    /// Where it can be reached.
    pub endpoints: Endpoints,
    /// Its API.
    pub api: ApiClient,
    child: Child,
}

/// A miner.
#[derive(Debug)]
pub struct MinerProcess {
    child: Child,
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
        command.args(["run", "--json", "--stratum-listen", ANY_PORT, "--api-listen", ANY_PORT]);
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

    /// Starts a node of the busy chain that began then and has this window, in the folder of its name, on a devnet.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn busy_node(&self, name: &str, start: u32, window: u32, rpc: &str) -> anyhow::Result<NodeProcess> {
        let mut command = self.command("syncnode");
        command.args(["--p2p-listen", "/ip4/127.0.0.1/tcp/0", "--parent-rpc", rpc]);
        command.args(["--start", &start.to_string(), "--window", &window.to_string()]);
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

impl NodeProcess {
    /// Kills it as a power cut would: no goodbye, no flush.
    ///
    /// # Errors
    /// When the system cannot.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.with_context(|| format!("cannot kill {}", self.name))
    }

    /// Stops it as an operator would.
    ///
    /// # Errors
    /// When it does not stop in time, or not cleanly.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        stop(&mut self.child, &self.name).await
    }

    /// Tells it to read its configuration again, as an operator would.
    ///
    /// # Errors
    /// When it does not run.
    pub fn hang_up(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGHUP)
    }

    /// Stops it where it is, until [`Self::thaw`].
    ///
    /// # Errors
    /// When it does not run.
    pub fn freeze(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// When it does not run.
    pub fn thaw(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGCONT)
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let id = self.child.id().with_context(|| format!("{} does not run", self.name))?;
        kill(Pid::from_raw(i32::try_from(id)?), signal).with_context(|| format!("cannot signal {}", self.name))
    }

    /// Waits until it ends by itself, and says how.
    ///
    /// # Errors
    /// When it does not end in time.
    pub async fn ended(mut self, patience: Duration) -> anyhow::Result<ExitStatus> {
        let status = timeout(patience, self.child.wait()).await;
        let status = status.with_context(|| format!("{} still runs after {} s", self.name, patience.as_secs()))?;
        status.with_context(|| format!("cannot wait for {}", self.name))
    }

    /// Its process, for others to look at.
    pub fn process_id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Bytes of memory that it has now.
    ///
    /// # Errors
    /// When it does not run, or the system does not say.
    pub fn resident_bytes(&self) -> anyhow::Result<u64> {
        self.stat()?.rss_bytes()
    }

    /// What the system says of it.
    pub(crate) fn stat(&self) -> anyhow::Result<Process> {
        Process::find(self.child.id().with_context(|| format!("{} does not run", self.name))?)
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl MinerProcess {
    /// Stops it.
    ///
    /// # Errors
    /// When the system cannot.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("cannot stop a miner")
    }
}

impl DevnetProcess {
    /// Stops it.
    ///
    /// # Errors
    /// When it does not stop in time, or not cleanly.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        stop(&mut self.child, "devnet").await
    }
}

/// SIGTERM, and SIGKILL for what does not listen.
async fn stop(child: &mut Child, name: &str) -> anyhow::Result<()> {
    let Some(id) = child.id() else { return Ok(()) };
    let id = Pid::from_raw(i32::try_from(id).context("a process id that is none")?);
    kill(id, Signal::SIGTERM).with_context(|| format!("cannot stop {name}"))?;
    match timeout(STOP_TIMEOUT, child.wait()).await {
        Ok(status) => {
            let status = status.with_context(|| format!("cannot wait for {name}"))?;
            if status.success() { Ok(()) } else { bail!("{name} ended with {status}") }
        }
        Err(_) => {
            child.kill().await.with_context(|| format!("cannot kill {name}"))?;
            bail!("{name} did not stop in {} s", STOP_TIMEOUT.as_secs())
        }
    }
}
