//! What runs: asked, signalled and stopped.

use std::{process::ExitStatus, time::Duration};

use anyhow::{Context, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use node::{api::client::ApiClient, run::Endpoints};
use tokio::{process::Child, time::timeout};

use crate::process_stat::Process;

/// Time for a process to stop by itself.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// A devnet chain.
#[derive(Debug)]
pub struct DevnetProcess {
    /// Its JSON-RPC.
    pub rpc: String,
    pub(super) child: Child,
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
    pub(super) child: Child,
}

/// A miner.
#[derive(Debug)]
pub struct MinerProcess {
    pub(super) child: Child,
}

impl NodeProcess {
    /// Kills it as a power cut would: no goodbye, no flush.
    ///
    /// # Errors
    /// When the system cannot.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.crash().await
    }

    /// The same, of a node whose place is kept for the next process.
    pub(crate) async fn crash(&mut self) -> anyhow::Result<()> {
        self.child.kill().await.with_context(|| format!("cannot kill {}", self.name))
    }

    /// Stops it as an operator would.
    ///
    /// # Errors
    /// When it does not stop in time, or not cleanly.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.halt().await
    }

    /// The same, of a node whose place is kept for the next process.
    pub(crate) async fn halt(&mut self) -> anyhow::Result<()> {
        stop(&mut self.child, &self.name).await
    }

    /// Another process is this node now, at the same addresses.
    pub(crate) fn goes_on_as(&mut self, process: Self) {
        self.child = process.child;
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
    /// Stops it, so that it says in its log what it did. How it ended is in its log, too.
    pub async fn stop(mut self) {
        let _in_the_log = stop(&mut self.child, "a miner").await;
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
