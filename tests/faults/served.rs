//! A node that runs and has work for its miner.

use std::time::{Duration, Instant};

use anyhow::Context;
use testnet::{
    miner::devnet_user,
    process::{NodeOptions, NodeProcess, Place},
};
use tests::{SteppedMiner, World};
use tokio::time::sleep;

use crate::{Ended, ledger::Ledger, tally::Tally};

/// Time between two blocks of the parent chain, seconds: one share in five is a block.
pub(crate) const BLOCK_INTERVAL_SECS: u32 = 5;
/// Time for a killed node to leave its folder to the next one.
const FOLDER_PATIENCE: Duration = Duration::from_secs(3);

/// See the module.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) node: NodeProcess,
    pub(crate) miner: SteppedMiner,
    /// From the start until the miner had work.
    pub(crate) took: Duration,
}

/// Starts a node in the folder of its name.
///
/// # Errors
/// When it does not come up or has no work.
pub(crate) async fn serve(world: &World, place: &Place, name: &str) -> anyhow::Result<Served> {
    let options = NodeOptions {
        parent_rpc: world.devnet.rpc.clone(),
        flags: vec!["--no-discovery".to_owned()],
        ..NodeOptions::default()
    };
    serve_with(async || place.node(name, &options).await).await
}

/// Starts a node in this way.
///
/// # Errors
/// When it does not come up or has no work.
pub(crate) async fn serve_with(start: impl AsyncFn() -> anyhow::Result<NodeProcess>) -> anyhow::Result<Served> {
    let first_try = Instant::now();
    loop {
        let began = Instant::now();
        match start().await {
            Ok(node) => {
                let miner = connect(&node).await?;
                return Ok(Served { node, miner, took: began.elapsed() });
            }
            // The system has not buried the one before yet.
            Err(cause) if cause.to_string().contains("is in use") && first_try.elapsed() < FOLDER_PATIENCE => {
                sleep(Duration::from_millis(20)).await;
            }
            Err(cause) => return Err(cause),
        }
    }
}

/// A miner that has work.
///
/// # Errors
/// When there is none.
pub(crate) async fn connect(node: &NodeProcess) -> anyhow::Result<SteppedMiner> {
    let mut miner = SteppedMiner::connect(&node.endpoints.stratum, &devnet_user("stepped")?).await?;
    miner.wait_for_work().await?;
    Ok(miner)
}

/// Mines so many shares, and gives their ids.
///
/// # Errors
/// When the node does not take one.
pub(crate) async fn mine(miner: &mut SteppedMiner, shares: usize) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::with_capacity(shares);
    while ids.len() < shares {
        match miner.mine_one().await {
            Ok(id) => ids.push(id),
            // A block came while it was on its way.
            Err(cause) if cause.to_string().contains("stale job") => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(ids)
}

/// A start without the fault: what was acknowledged is there, and mining goes on.
///
/// # Errors
/// When something is lost, or the node does otherwise.
pub(crate) async fn comes_back(
    world: &World,
    name: &str,
    mut ledger: Ledger,
    tally: &mut Tally,
) -> anyhow::Result<Ended> {
    let Served { node, mut miner, took } = serve(world, &world.place, name).await?;
    tally.restarted(took);
    let outcome = ledger.check(&node).await;
    tally.add(&ledger);
    outcome?;
    mine(&mut miner, 1).await.context("after the fault")?;
    node.stop().await?;
    Ok(Ended::Held)
}
