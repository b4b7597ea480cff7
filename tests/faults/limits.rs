//! Less than a node wants: open files, memory. Who is there mines on, and others come in when there is room again.

use std::{ffi::OsString, fs, path::PathBuf, time::Duration};

use anyhow::{Context, ensure};
use testnet::process::NodeProcess;
use tests::{World, wait_for};
use tokio::net::TcpStream;

use crate::{
    Ended,
    ledger::Ledger,
    served::{BLOCK_INTERVAL_SECS, Served, comes_back, connect, mine, serve},
    tally::Tally,
    tools::{first_folder, is_root, missing},
};

/// Files that the node may open: about as many again as it has without miners.
const OPEN_FILES: &str = "--nofile=64:64";
/// Connections that say nothing.
const CROWD: usize = 200;
/// Memory that the node may have.
const MEMORY_BYTES: u64 = 256 << 20;
/// Time for the node to notice that a crowd is gone.
const PATIENCE: Duration = Duration::from_secs(20);

/// More connections than open files.
///
/// # Errors
/// When a miner suffers from it.
pub(crate) async fn open_files(tally: &mut Tally) -> anyhow::Result<Ended> {
    if let Some(reason) = missing(&["prlimit"]) {
        return Ok(Ended::Skipped(reason));
    }
    let world = World::new(BLOCK_INTERVAL_SECS).await?;
    let limited = world.place.started_by(["prlimit", OPEN_FILES].map(OsString::from));
    let mut ledger = Ledger::default();
    let Served { mut node, mut miner, .. } = serve(&world, &limited, "files").await?;
    ledger.note(mine(&mut miner, 1).await?);
    let crowd = crowd(&node).await;
    ledger.note(mine(&mut miner, 2).await.context("a miner that was there first")?);
    drop(crowd);
    let mut next = wait_for("a new miner", PATIENCE, async || connect(&node).await.map(Some)).await?;
    ledger.note(mine(&mut next, 1).await?);
    ensure!(node.is_running(), "the node ended");
    node.kill().await?;
    comes_back(&world, "files", ledger, tally).await
}

/// A limit of memory that is enough, and a crowd.
///
/// # Errors
/// When the node does not get along with it.
pub(crate) async fn memory(tally: &mut Tally) -> anyhow::Result<Ended> {
    if !is_root() {
        return Ok(Ended::Skipped("limits of memory are for root".to_owned()));
    }
    let Some(group) = MemoryGroup::new() else {
        return Ok(Ended::Skipped("control groups of memory cannot be made".to_owned()));
    };
    let world = World::new(BLOCK_INTERVAL_SECS).await?;
    let limited = world.place.started_by(group.starter());
    let mut ledger = Ledger::default();
    let Served { mut node, mut miner, .. } = serve(&world, &limited, "memory").await?;
    let crowd = crowd(&node).await;
    ledger.note(mine(&mut miner, 3).await?);
    ensure!(node.is_running(), "the node ended");
    drop(crowd);
    node.kill().await?;
    comes_back(&world, "memory", ledger, tally).await
}

/// Connections to the node that are kept open, as many as there can be.
async fn crowd(node: &NodeProcess) -> Vec<TcpStream> {
    let address = node.endpoints.stratum.trim_start_matches("stratum+tcp://");
    let mut crowd = Vec::with_capacity(CROWD);
    for _ in 0..CROWD {
        let connected = tokio::time::timeout(Duration::from_millis(100), TcpStream::connect(address)).await;
        crowd.extend(connected.ok().and_then(Result::ok));
    }
    crowd
}

/// A control group with a limit of memory; it goes away with the value, when no process is in it.
struct MemoryGroup {
    folder: PathBuf,
}

impl MemoryGroup {
    fn new() -> Option<Self> {
        let root = first_folder(&["/sys/fs/cgroup/memory", "/sys/fs/cgroup"])?;
        let group = Self { folder: root.join(format!("poolnode-faults-{}", std::process::id())) };
        fs::create_dir(&group.folder).ok()?;
        // Version 1 and version 2.
        let limit = ["memory.limit_in_bytes", "memory.max"].map(|name| group.folder.join(name));
        let limit = limit.iter().find(|file| file.exists())?;
        fs::write(limit, MEMORY_BYTES.to_string()).ok()?;
        Some(group)
    }

    /// A shell that enters the group and becomes the node.
    fn starter(&self) -> [OsString; 4] {
        let processes = self.folder.join("cgroup.procs").into_os_string();
        ["sh".into(), "-c".into(), r#"echo $$ > "$0" && exec "$@""#.into(), processes]
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        let _removed = fs::remove_dir(&self.folder);
    }
}
