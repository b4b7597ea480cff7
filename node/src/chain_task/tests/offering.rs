//! Own shares that miners were told are kept, when the store is lost and peers show a chain that begins later.

use std::{collections::BTreeMap, path::Path};

use sharechain::sync::SETTLE_MS;

use super::*;
use crate::{
    defaults::STORE_GENERATION_SHARES,
    store::{self, Journal, StoredShare},
};

/// Shares of long ago: by no clock they are from the future.
const BEGIN: u32 = 1_600_000_000;

fn past_params() -> Arc<Params> {
    testing::params(ConsensusParams { genesis_time: BEGIN, ..testing::short_params(30).raw().clone() })
}

/// A peer with a chain whose beginning it has forgotten.
struct Peer {
    id: PeerId,
    chain: ShareChain,
    shares: BTreeMap<ShareId, Arc<CheckedShare>>,
}

/// A peer with 300 shares, and three shares on its tip, whose finder nobody has heard; the tip with them.
fn unheard(params: &Arc<Params>) -> (Peer, Vec<Arc<CheckedShare>>, ShareId) {
    let mut peer = Peer { id: PeerId::random(), chain: ShareChain::new(params.clone()), shares: BTreeMap::new() };
    let mut ours = ShareChain::new(params.clone());
    let mut miner = Miner::new(params.clone(), 1);
    for second in 1..=300 {
        let share = miner.extend(&mut peer.chain, BEGIN + second);
        ours.handle(share.clone(), Origin::OwnStore, 0);
        peer.shares.insert(share.id(), share);
    }
    assert!(peer.chain.first_height() > 100);
    let mut own = Miner::new(params.clone(), 2);
    let found = (301..=303).map(|second| own.extend(&mut ours, BEGIN + second)).collect();
    (peer, found, ours.tip().id)
}

/// Answers what the task asks the peer, until it asks no more; gives what was gossiped meanwhile.
async fn sync_with(peer: &Peer, running: &mut Running, asked: &mut mpsc::Receiver<P2pCommand>) -> Vec<Vec<u8>> {
    let (tip, mut published) = (peer.chain.tip(), Vec::new());
    let claim = TipClaim { id: tip.id, height: tip.height, total_work: tip.total_work };
    running.on_input(ChainInput::Tip(peer.id, claim)).await;
    // The time in which others might tell their tips is over.
    running.started -= Duration::from_millis(SETTLE_MS + 1);
    for _ in 0..20 {
        while let Ok(command) = asked.try_recv() {
            let input = match command {
                P2pCommand::RequestRange { peer: id, locator } => {
                    ChainInput::Ids { peer: id, ids: peer.chain.order_after(&locator, 1_000), more: false }
                }
                P2pCommand::RequestShares { peer: id, ids, purpose } => {
                    let shares = ids.iter().filter_map(|id| peer.shares.get(id)).cloned().collect();
                    ChainInput::Fetched { peer: id, purpose, asked: ids.into_iter().collect(), shares }
                }
                P2pCommand::Publish(bytes) => {
                    published.push(bytes);
                    continue;
                }
                _ => continue,
            };
            running.on_input(input).await;
        }
        running.go_on_syncing().await;
    }
    published
}

/// A node on what is in the folder, until it has synced; its tip, and what it gossiped.
async fn start_and_sync(folder: &Path, params: &Arc<Params>, peer: &Peer) -> (ShareId, Vec<Vec<u8>>) {
    let (shares, journal) = (folder.join("shares"), folder.join("own.journal"));
    let (sled, journal, loaded) = store::open(&shares, &journal, params, STORE_GENERATION_SHARES).unwrap();
    assert!(loaded.unused.is_empty(), "nothing is removed");
    let (handle, thread) = store::spawn(Box::new(sled), Some(journal)).unwrap();
    let Alone { mut task, store: _, view: _view, _others: (mut asked, _blocks, _events) } = alone(loaded.chain, None);
    (task.offers_own, task.store) = (loaded.kept > 0, handle);
    let mut running = Running::new(task);
    let published = sync_with(peer, &mut running, &mut asked).await;
    let tip = running.task.chain.tip().id;
    drop(running);
    tokio::task::spawn_blocking(|| thread.join().unwrap()).await.unwrap().unwrap();
    (tip, published)
}

#[tokio::test]
async fn acknowledged_shares_outlive_a_lost_store_and_a_chain_that_begins_later() {
    let params = past_params();
    let folder = tempfile::tempdir().unwrap();
    let (peer, found, tip) = unheard(&params);
    let stored: Vec<_> = found.iter().map(|share| StoredShare::new(share, 0)).collect();
    Journal::open(&folder.path().join("own.journal")).unwrap().append(&stored).unwrap();
    let (synced, published) = start_and_sync(folder.path(), &params, &peer).await;
    assert_eq!(synced, tip, "they are linked on the peer's chain");
    assert_eq!(published, found.iter().map(|share| share.share().encode()).collect::<Vec<_>>());
    // Without the journal, as when it has made way for a newer one.
    std::fs::remove_file(folder.path().join("own.journal")).unwrap();
    let (restarted, published) = start_and_sync(folder.path(), &params, &peer).await;
    assert_eq!((restarted, published), (tip, Vec::new()), "the store has them");
}

#[tokio::test]
async fn a_node_that_missed_nothing_offers_nothing() {
    let params = past_params();
    let folder = tempfile::tempdir().unwrap();
    let (mut peer, found, tip) = unheard(&params);
    for share in &found {
        peer.chain.handle(share.clone(), Origin::OwnStore, 0);
        peer.shares.insert(share.id(), share.clone());
    }
    let stored: Vec<_> = found.iter().map(|share| StoredShare::new(share, 0)).collect();
    Journal::open(&folder.path().join("own.journal")).unwrap().append(&stored).unwrap();
    assert_eq!(start_and_sync(folder.path(), &params, &peer).await, (tip, Vec::new()));
}
