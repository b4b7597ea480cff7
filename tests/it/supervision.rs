//! A node under a supervisor, as systemd starts it: what it is told, how fast the node ends, and what it leaves to whom.

use std::{
    os::unix::{fs::PermissionsExt, net::UnixDatagram},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use testnet::miner::devnet_user;
use tests::{SteppedMiner, World, ensure_eq, wait_for};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);
/// What a node has to end in, five seconds, and what it takes to notice.
const STOP_MAX: Duration = Duration::from_millis(5_500);

/// The next word, without holding up the runtime.
async fn next_word(listener: &UnixDatagram) -> anyhow::Result<String> {
    wait_for("a word to the supervisor", PATIENCE, async || {
        let mut heard = [0; 64];
        match listener.recv(&mut heard) {
            Ok(len) => Ok(Some(String::from_utf8(heard[..len].to_vec())?)),
            Err(cause) if cause.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
            Err(cause) => Err(cause.into()),
        }
    })
    .await
}

#[tokio::test]
async fn a_supervisor_hears_that_a_node_is_ready_alive_and_stopping() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let path = world.place.folder("notify");
    let listener = UnixDatagram::bind(&path)?;
    listener.set_nonblocking(true)?;
    let mut command = world.place.command("poolnode");
    command.args(["run", "--json", "--chain", "devnet", "--parent-rpc", &world.devnet.rpc, "--no-discovery"]);
    command.args(["--stratum-listen", "127.0.0.1:0", "--api-listen", "127.0.0.1:0"]);
    command.args(["--p2p-listen", "/ip4/127.0.0.1/tcp/0", "--data-dir"]).arg(world.place.folder("node"));
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "20000000").stdout(Stdio::null());
    let mut child = command.spawn().context("cannot start a node")?;
    ensure_eq(&next_word(&listener).await?.as_str(), &"READY=1", "ready comes first")?;
    for _ in 0..2 {
        ensure_eq(&next_word(&listener).await?.as_str(), &"WATCHDOG=1", "all tasks turn")?;
    }
    let id = child.id().context("the node is gone")?;
    kill(Pid::from_raw(i32::try_from(id)?), Signal::SIGTERM)?;
    // One more sign of life may come between.
    let word = next_word(&listener).await?;
    let last = if word == "WATCHDOG=1" { next_word(&listener).await? } else { word };
    ensure_eq(&last.as_str(), &"STOPPING=1", "what it was told to do")?;
    let status = timeout(STOP_MAX, child.wait()).await.context("the node does not end")??;
    ensure!(status.success(), "{status}");
    Ok(())
}

/// Files and folders below this one that others than their owner may use.
fn loose(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let metadata = std::fs::symlink_metadata(&path)?;
        if metadata.permissions().mode() & 0o077 != 0 {
            found.push(path.clone());
        }
        if metadata.is_dir() {
            found.extend(loose(&path)?);
        }
    }
    Ok(found)
}

#[tokio::test]
async fn a_node_with_miners_ends_in_five_seconds_and_leaves_files_for_its_owner_alone() -> anyhow::Result<()> {
    let world = World::new(2).await?;
    let node = world.node("node", &[]).await?;
    let mut miner = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("rig")?).await?;
    for _ in 0..3 {
        miner.mine_one().await?;
    }
    let asked = Instant::now();
    node.stop().await?;
    ensure!(asked.elapsed() < STOP_MAX, "it took {:?}", asked.elapsed());
    let folder = world.place.folder("node");
    ensure!(folder.join("shares").is_dir() && folder.join("node.key").is_file());
    ensure_eq(&loose(&folder)?, &Vec::new(), "nothing is there for others")?;
    Ok(())
}

#[tokio::test]
async fn a_data_directory_that_others_can_write_to_is_refused_in_words() -> anyhow::Result<()> {
    let world = World::new(30).await?;
    let folder = world.place.folder("shared");
    std::fs::create_dir(&folder)?;
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o777))?;
    let mut command = world.place.command("poolnode");
    command.args(["run", "--parent-rpc", &world.devnet.rpc, "--data-dir"]).arg(&folder);
    let output = timeout(PATIENCE, command.output()).await.context("it runs")??;
    let said = String::from_utf8(output.stderr)?;
    ensure!(!output.status.success() && said.contains("others can write to the data directory"), "{said}");
    ensure!(said.contains("chmod 700"), "{said}");
    Ok(())
}
