//! SIGKILL of a node with as many shares as a window has, all of them its own, so that they are in its journal too: it is back with
//! all of them, and with work for miners, in seconds.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use testnet::cheap_chain::{Busy, CheapChain, Shares};
use tests::{World, ensure_eq};

use crate::{
    Ended,
    served::{BLOCK_INTERVAL_SECS, connect},
    tally::Tally,
};

/// The longest it may take until a miner has work again.
const RESTART_MAX: Duration = Duration::from_secs(5);
/// Kills, each with a start after it.
const ROUNDS: u32 = 3;
/// Name of the node, and so of its folder.
const NODE: &str = "window";

/// See the module.
///
/// # Errors
/// When it takes longer, or a share is missing.
pub(crate) async fn run(shares: u32, tally: &mut Tally) -> anyhow::Result<Ended> {
    let world = World::new(BLOCK_INTERVAL_SECS).await?;
    let count = usize::try_from(shares)?;
    // There is a share a second, so the last one is of now: the node has to see nothing strange in its window.
    let busy = Busy::begun(shares, shares, &world.devnet.rpc)?;
    let (chain, folder) = (CheapChain::busy(busy.clone())?, world.place.folder(NODE));
    let mined = tokio::task::spawn_blocking(move || Shares::mine(&chain, count)?.store_as_own(&folder));
    mined.await.context("mining panicked")??;
    // The first start is not measured: what it finds was never in use, and no kill has left it.
    let mut node = world.place.busy_node(NODE, &busy).await?;
    drop(connect(&node).await?);
    for _ in 0..ROUNDS {
        node.kill().await?;
        let began = Instant::now();
        node = world.place.busy_node(NODE, &busy).await?;
        let miner = connect(&node).await?;
        let took = began.elapsed();
        drop(miner);
        tally.full_window_restarted(shares, took);
        ensure_eq(&node.api.status().await?.shares, &count, "shares after a kill")?;
        ensure!(took <= RESTART_MAX, "it took {} ms to be back with {shares} shares", took.as_millis());
    }
    node.stop().await?;
    Ok(Ended::Held)
}
