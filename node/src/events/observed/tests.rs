use sharechain::testing;
use stratum::server::MinerSnapshot;

use super::*;
use crate::{chain_profile::ChainProfile, testing::peer};

const NOW: UnixTime = 1_795_000_000;

fn miner(id: (u64, usize), tag: u64, worker: &str) -> MinerSnapshot {
    MinerSnapshot {
        id,
        script: testing::script(tag),
        worker: worker.to_owned(),
        agent: "bitaxe".to_owned(),
        ..crate::testing::miner()
    }
}

#[test]
fn a_worker_is_on_with_its_first_connection_and_off_with_its_last() {
    let addresses = ChainProfile::find("devnet", None).unwrap().addresses;
    let address = addresses.format(&testing::script(1)).unwrap();
    let mut workers = Workers::default();
    let mut look = |miners| workers.look(&StratumSnapshot { miners, ..StratumSnapshot::default() }, &addresses);
    let on = |worker: &str| Happening::WorkerOn {
        address: address.clone(),
        worker: worker.to_owned(),
        agent: "bitaxe".to_owned(),
    };
    let off = |worker: &str| Happening::WorkerOff { address: address.clone(), worker: worker.to_owned() };
    assert_eq!(look(vec![]), []);
    assert_eq!(look(vec![miner((1, 0), 1, "a"), miner((2, 0), 1, "a")]), [on("a")]);
    assert_eq!(look(vec![miner((2, 0), 1, "a"), miner((2, 1), 1, "b")]), [on("b")]);
    assert_eq!(look(vec![miner((3, 0), 1, "b")]), [off("a")], "b came back on another connection between two looks");
    assert_eq!(look(vec![miner((3, 0), 1, "b")]), []);
    assert_eq!(look(vec![]), [off("b")]);
}

#[test]
fn peers_come_and_go() {
    let view = peer();
    let peer_id = view.peer_id;
    let seen = |peers| PeersView { peers, ..PeersView::default() };
    let (mut peers, peer) = (Peers::default(), peer_id.to_string());
    let on = Happening::PeerOn { peer_id: peer.clone(), region: None, direction: "outbound" };
    assert_eq!(peers.look(&seen(vec![view.clone()])), [on]);
    assert_eq!(peers.look(&seen(vec![view])), []);
    assert_eq!(peers.look(&seen(vec![])), [Happening::PeerOff { peer_id: peer }]);
}

fn block(tag: u8, own: bool, age: u64, status: PoolBlockStatus) -> PoolBlock {
    PoolBlock { height: tag.into(), own, found_at: NOW - age, status, ..crate::testing::block(tag) }
}

fn kinds(look: &(Vec<Happening>, Vec<BlockHash>)) -> Vec<&'static str> {
    look.0.iter().map(Happening::kind).collect()
}

#[test]
fn every_step_of_a_block_is_told_once_and_in_order() {
    let view = |blocks| BlocksView { blocks, ..BlocksView::default() };
    let mut blocks = Blocks::new(&view(vec![block(1, true, 9_999, PoolBlockStatus::Submitted)]));
    let mut look = |seen| blocks.look(&view(seen), NOW);
    let confirmed = |count| block(1, true, 9_999, PoolBlockStatus::Confirmed(count));
    let seen = look(vec![confirmed(1)]);
    assert_eq!(kinds(&seen), ["block_confirmed"], "a block of an earlier run that was not settled");
    assert_eq!(seen.1, [BlockHash::from_bytes([1; 32])]);
    assert_eq!(kinds(&look(vec![confirmed(2)])), [""; 0]);
    // Between two looks it was found and confirmed.
    let quick = |status| vec![block(2, false, 5, status), confirmed(3)];
    let seen = look(quick(PoolBlockStatus::Confirmed(1)));
    assert_eq!((kinds(&seen), seen.1.len()), (vec!["block_found", "block_confirmed"], 1));
    assert_eq!(kinds(&look(quick(PoolBlockStatus::Found))), ["block_orphaned"], "no daemon knows it any more");
    assert_eq!(kinds(&look(quick(PoolBlockStatus::Orphaned))), ["block_orphaned"]);
    assert_eq!(kinds(&look(quick(PoolBlockStatus::Matured(100)))), ["block_confirmed"]);
}

#[test]
fn blocks_that_a_sync_brings_are_history() {
    let view = |status| BlocksView { blocks: vec![block(1, false, 3_601, status)], ..BlocksView::default() };
    let mut blocks = Blocks::new(&BlocksView::default());
    assert_eq!(kinds(&blocks.look(&view(PoolBlockStatus::Found), NOW)), [""; 0]);
    assert_eq!(kinds(&blocks.look(&view(PoolBlockStatus::Confirmed(7)), NOW)), [""; 0]);
}

#[test]
fn a_problem_is_told_when_it_appears_and_again_when_it_comes_back() {
    let mut problems = Problems::default();
    let mut look = |texts: &[&str]| problems.look(texts.iter().map(ToString::to_string).collect()).len();
    assert_eq!([look(&[]), look(&["a"]), look(&["a", "b"]), look(&["b"]), look(&["a", "b"])], [0, 1, 1, 0, 1]);
}
