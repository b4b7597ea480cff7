//! A new node catches up over long lines: nodes that have a day of shares serve one that has none, each in its namespace, all the
//! same round trip apart. The shares are those of [`crate::cheap_chain`]; what happens with them is what a main network would see.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use node::api::dto::Status;
use serde::Serialize;
use tokio::time::sleep;

use super::{
    arrivals::{Micros, logged_at},
    delay_line::Loss,
    geography::Geography,
    network::Network,
};
use crate::{
    cheap_chain::{CheapChain, Shares},
    folder::Folder,
    process::{NodeProcess, Place},
};

/// Time between two looks at the node that catches up.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// Looks between two lines for people.
const LOOKS_PER_LINE: usize = 10;
/// A node that takes longer does not catch up.
const CATCH_UP_MAX: Duration = Duration::from_secs(1_200);
/// The node is looked at for so long after it, because memory that is freed late counts as well.
const AFTER: Duration = Duration::from_secs(5);
/// What a node writes when the first peer is there, and when no peer has more.
const BEGINS: &str = " peer connected ";
const ENDS: &str = " synced ";
/// Name of the node that catches up.
const NEW: &str = "new";

/// What to measure.
#[derive(Clone, Debug)]
pub struct CatchUpPlan {
    /// Shares that the others have.
    pub shares: usize,
    /// How many others.
    pub peers: usize,
    /// Between any two nodes.
    pub round_trip: Duration,
    /// Folder for everything; `None` for a temporary one.
    pub dir: Option<PathBuf>,
}

/// Figures of one run.
#[derive(Clone, Debug, Serialize)]
pub struct CaughtUp {
    /// Shares that the new node linked.
    pub shares: usize,
    /// Bytes of all of them.
    pub share_bytes: usize,
    /// Nodes that served them.
    pub peers: usize,
    /// Round trip between any two nodes.
    pub rtt_ms: u128,
    /// From the first connection of the new node until it knew that no peer has more.
    pub seconds: f64,
    /// Mean rate in that time.
    pub shares_per_s: f64,
    /// CPU time of the new node until then, its start included.
    pub cpu_s: f64,
    /// Bytes that went through the switch in both directions, headers included.
    pub bytes: u64,
    /// Memory of the new node before it had any share.
    pub rss_start_bytes: u64,
    /// When it had half of them.
    pub rss_half_bytes: u64,
    /// At most.
    pub rss_max_bytes: u64,
    /// A few seconds after the end.
    pub rss_end_bytes: u64,
    /// At the same time that of a node that had the shares from the start and served them.
    pub rss_server_bytes: u64,
    /// Frames that the switch or a device had no room for.
    pub frames_full: u64,
    /// How late the switch was with 99 of 100 frames at most, milliseconds: above 1 the machine was too busy to measure.
    pub p99_switch_late_ms: f64,
}

/// Memory of the new node by the shares it had.
#[derive(Debug, Default)]
struct Memory {
    looks: Vec<(usize, u64)>,
}

impl Memory {
    /// When it had at least this many shares.
    fn with(&self, shares: usize) -> u64 {
        self.looks.iter().find(|(linked, _)| *linked >= shares).map_or(0, |(_, bytes)| *bytes)
    }

    fn max(&self) -> u64 {
        self.looks.iter().map(|(_, bytes)| *bytes).max().unwrap_or_default()
    }
}

/// Measures it; lines for people go to `say`.
///
/// # Errors
/// Without the rights, and when a node does not come up or does not catch up.
pub async fn catch_up(plan: &CatchUpPlan, say: impl Fn(&str)) -> anyhow::Result<CaughtUp> {
    let geography = Geography::even(plan.peers + 1, plan.round_trip);
    let mut network = Network::new(&geography, Loss::new(0, 0))?;
    let folder = Folder::new(plan.dir.as_deref())?;
    let place = Place::new(folder.path())?;
    say(&format!("mining {} shares", plan.shares));
    let (mine, round) = (plan.shares, Instant::now());
    let shares = tokio::task::spawn_blocking(move || Shares::mine(&CheapChain::silent()?, mine))
        .await
        .context("mining panicked")??;
    let mut servers = Vec::new();
    for server in 1..=plan.peers {
        let name = format!("server{server}");
        shares.store(&place.folder(&name))?;
        let process = network.place(server, &place).sync_node(&name, &geography.multiaddress(server), &[]).await?;
        servers.push(network.reach(server, process)?);
    }
    let (count, share_bytes) = (shares.len(), shares.bytes());
    // A hundred megabytes that the nodes may need.
    drop(shares);
    say(&format!("{} nodes have them after {} s", plan.peers, round.elapsed().as_secs()));

    let bytes_before = network.traffic().bytes();
    network.traffic().forget_lateness();
    let peers: Vec<String> = servers.iter().filter_map(|server| server.endpoints.p2p.first().cloned()).collect();
    let process = network.place(0, &place).sync_node(NEW, &geography.multiaddress(0), &peers).await?;
    let new = network.reach(0, process)?;
    let first = servers.first().context("nobody serves")?;
    let (memory, cpu_s) = watch(&new, &first.api.status().await?.share_tip, &say).await?;
    let bytes = network.traffic().bytes() - bytes_before;
    sleep(AFTER).await;
    let seconds = took(&place.log_text(NEW)?)?;
    let traffic = network.traffic();
    let caught_up = CaughtUp {
        shares: count,
        share_bytes,
        peers: plan.peers,
        rtt_ms: plan.round_trip.as_millis(),
        seconds,
        shares_per_s: (count as f64 / seconds).round(),
        cpu_s,
        bytes,
        rss_start_bytes: memory.with(0),
        rss_half_bytes: memory.with(count / 2),
        rss_max_bytes: memory.max().max(new.resident_bytes()?),
        rss_end_bytes: new.resident_bytes()?,
        rss_server_bytes: first.resident_bytes()?,
        frames_full: traffic.lost().1,
        p99_switch_late_ms: traffic.lateness(990).as_secs_f64() * 1e3,
    };
    for node in servers.into_iter().chain([new]) {
        node.stop().await?;
    }
    Ok(caught_up)
}

/// Looks at the node until it has this tip and knows that nobody has more; its memory, and its CPU time.
async fn watch(node: &NodeProcess, tip: &str, say: &impl Fn(&str)) -> anyhow::Result<(Memory, f64)> {
    let (mut memory, began) = (Memory::default(), Instant::now());
    loop {
        let Status { synced, shares: linked, share_tip, .. } = node.api.status().await?;
        memory.looks.push((linked, node.resident_bytes()?));
        if memory.looks.len() % LOOKS_PER_LINE == 1 {
            say(&format!("{:5.1} s  {linked} shares", began.elapsed().as_secs_f64()));
        }
        if synced && share_tip == tip {
            return Ok((memory, node.stat()?.cpu_secs()?));
        }
        ensure!(began.elapsed() < CATCH_UP_MAX, "{linked} shares after {:?}", began.elapsed());
        sleep(LOOK_INTERVAL).await;
    }
}

/// Seconds between the two lines in its log.
fn took(log: &str) -> anyhow::Result<f64> {
    let at = |event: &str| logged_at(log, event).with_context(|| format!("the new node's log says nothing of{event}"));
    let (begins, ends): (Micros, Micros) = (at(BEGINS)?, at(ENDS)?);
    Ok(Duration::from_micros(ends.saturating_sub(begins)).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_from_the_first_connection_to_the_end() {
        let log = "2026-11-22T00:00:01.000000Z  INFO node::run: share store opened\n\
                   2026-11-22T00:00:02.500000Z  INFO node::p2p::event_loop: peer connected peer=a\n\
                   2026-11-22T00:00:02.600000Z  INFO node::p2p::event_loop: peer connected peer=b\n\
                   2026-11-22T00:00:12.000000Z  INFO node::chain_task: synced height=5 shares=10 took_ms=9400\n";
        assert_eq!(took(log).unwrap(), 9.5);
        assert!(took("").is_err());
    }

    #[test]
    fn memory_is_that_of_the_first_look_with_so_many_shares() {
        let memory = Memory { looks: vec![(0, 10), (0, 11), (40, 30), (60, 20)] };
        assert_eq!((memory.with(0), memory.with(50), memory.with(70), memory.max()), (10, 20, 0, 30));
    }
}
