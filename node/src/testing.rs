//! What tests of several modules look at: a peer, a worker, a template and a block of which nothing is known yet. A test says
//! what matters to it, and takes the rest from here: `MinerSnapshot { hashrate: 7.0, ..miner() }`.

use std::{sync::Arc, time::Duration};

use libp2p::{Multiaddr, PeerId};
use sharechain::{
    CompactTarget,
    hash::BlockHash,
    testing::{Miner, script},
};
use stratum::{
    LaneId,
    server::{MinerSnapshot, Rejects},
};

use crate::{
    blocks::{PoolBlock, PoolBlockStatus},
    geo::Registration,
    p2p::{Direction, PeerView, Transport},
    parent::Template,
};

/// A peer.
pub(crate) fn peer() -> PeerView {
    PeerView {
        peer_id: PeerId::random(),
        address: Multiaddr::empty(),
        direction: Direction::Outbound,
        transport: Transport::Tcp,
        agent: String::new(),
        rtt: None,
        rtt_min: None,
        rtt_jitter: None,
        region: None,
        registration: Registration::default(),
        share_height: None,
        connected: Duration::ZERO,
        shares_first: 0,
        shares_late: 0,
        slot: None,
    }
}

/// A worker on the first lane, which is the only one that it can be paid on.
pub(crate) fn miner() -> MinerSnapshot {
    MinerSnapshot {
        id: (0, 0),
        script: script(1),
        lane: LaneId::FIRST,
        scripts: [Some(script(1))].into_iter().collect(),
        pin: None,
        worker: "rig".to_owned(),
        agent: String::new(),
        hashrate: 0.0,
        connected_secs: 0,
        accepted: 0,
        hashes: 0.0,
        hashes_last: 0.0,
        accepted_ago_secs: None,
        stale: 0,
        rejected: 0,
        rejects: Rejects::default(),
    }
}

/// A template without transactions, on the parent block of this tag.
pub(crate) fn template(block: u8) -> Template {
    let mut work = Miner::devnet().work;
    work.prev_block = BlockHash::from_bytes([block; 32]);
    Template {
        work,
        version: 0x2000_0000,
        version_required: 0,
        bits: CompactTarget::from_bits(0x1e01_0000),
        time_min: 0,
        merkle_branch: Arc::default(),
        body: Arc::default(),
        txids: Arc::default(),
        wtxids: Arc::default(),
        fees: None,
        longpollid: None,
    }
}

/// Another node's block, whose hash has this tag.
pub(crate) fn block(tag: u8) -> PoolBlock {
    PoolBlock {
        hash: BlockHash::from_bytes([tag; 32]),
        height: 7,
        coinbase_value: 50,
        own: false,
        found_at: 9,
        status: PoolBlockStatus::Found,
    }
}
