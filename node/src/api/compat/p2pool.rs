//! The local API of Monero's P2Pool (`src/p2pool.cpp`, `src/stratum_server.cpp` and `src/p2p_server.cpp` of its repository): snake
//! and camel case as there, efforts in percent, times in Unix seconds.

use axum::{Json, extract::State};
use serde::Serialize;

use crate::{
    api::{ApiState, parent::difficulty, status::round, viewer::Viewer},
    p2p::{Direction, PeerView},
    parent::Template,
};

/// Blocks that are listed.
const BLOCKS_SHOWN: usize = 51;
/// Workers that are listed: readers take the whole list each time.
const WORKERS_SHOWN: usize = 1_000;

#[derive(Clone, Debug, Serialize)]
pub(super) struct NetworkStats {
    difficulty: f64,
    hash: String,
    height: u32,
    reward: u64,
    timestamp: u32,
}

pub(super) async fn network_stats(State(api): State<ApiState>) -> Json<NetworkStats> {
    let parent = api.parent.borrow().clone();
    let template = parent.template.as_deref();
    Json(NetworkStats {
        difficulty: template.and_then(|template| difficulty(&api, template)).unwrap_or_default(),
        hash: parent.tip().map(|(hash, _)| hash.to_string()).unwrap_or_default(),
        height: parent.tip().map_or(0, |(_, height)| height),
        reward: template.map_or(0, |template| template.work.coinbase_value.units()),
        timestamp: template.map_or(0, |template| template.time_min),
    })
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct PoolStats {
    pool_list: [&'static str; 1],
    pool_statistics: PoolStatistics,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PoolStatistics {
    hash_rate: f64,
    miners: usize,
    total_hashes: u128,
    last_block_found_time: u64,
    last_block_found: u32,
    total_blocks_found: u64,
    pplns_weight: u128,
    pplns_window_size: u64,
    sidechain_difficulty: u128,
    sidechain_height: u64,
}

pub(super) async fn pool_stats(State(api): State<ApiState>) -> Json<PoolStats> {
    let (chain, blocks) = (api.chain.borrow().clone(), api.blocks.borrow().clone());
    let (context, last) = (chain.context.as_deref(), blocks.blocks.first());
    let base = context.and_then(|context| context.base_bits.to_target()?.work());
    Json(PoolStats {
        pool_list: ["pplns"],
        pool_statistics: PoolStatistics {
            hash_rate: chain.recent_work.rate(),
            miners: context.map_or(0, |context| context.weights.entries().len()),
            total_hashes: chain.tip.total_work.hashes(),
            last_block_found_time: last.map_or(0, |block| block.found_at),
            last_block_found: last.map_or(0, |block| block.height),
            total_blocks_found: blocks.confirmed,
            pplns_weight: context.map_or(0, |context| context.weights.total().hashes()),
            pplns_window_size: context.map_or(0, |context| context.weights.shares()),
            sidechain_difficulty: base.map_or(0, |work| work.hashes()),
            sidechain_height: chain.tip.height,
        },
    })
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PoolBlock {
    height: u32,
    hash: String,
    /// Hashes that the block took in the mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    difficulty: Option<u128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total_hashes: Option<u128>,
    ts: u64,
}

pub(super) async fn pool_blocks(State(api): State<ApiState>) -> Json<Vec<PoolBlock>> {
    let (blocks, facts) = (api.blocks.borrow().clone(), api.digest.borrow().facts.clone());
    let shown = blocks.blocks.iter().take(BLOCKS_SHOWN).map(|block| {
        let facts = facts.get(&block.hash);
        PoolBlock {
            height: block.height,
            hash: block.hash.to_string(),
            difficulty: facts.map(|facts| facts.expected),
            total_hashes: facts.map(|facts| facts.total_work),
            ts: block.found_at,
        }
    });
    Json(shown.collect())
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct LocalStratum {
    hashrate_15m: f64,
    total_stratum_shares: u64,
    shares_failed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    current_effort: Option<f64>,
    connections: usize,
    incoming_connections: usize,
    workers: Vec<String>,
}

/// A node has no wallet of its own and its miners are paid separately, so `wallet` and `block_reward_share_percent` are left out,
/// and so are averages that it does not keep.
pub(super) async fn local_stratum(State(api): State<ApiState>, viewer: Viewer) -> Json<LocalStratum> {
    let (snapshot, chain) = (api.stratum.snapshot(), api.chain.borrow().clone());
    let block = api.parent.borrow().template.as_deref().and_then(Template::block_work);
    let workers = snapshot.miners.iter().take(WORKERS_SHOWN).map(|miner| {
        let address = viewer.address(&api, &miner.script).unwrap_or_default();
        worker_line(&address, miner.connected_secs, (miner.hashes_last, miner.hashrate), &miner.worker)
    });
    Json(LocalStratum {
        hashrate_15m: snapshot.hashrate,
        total_stratum_shares: snapshot.accepted,
        shares_failed: snapshot.stale.saturating_add(snapshot.rejected),
        current_effort: block.and_then(|work| round(&api, &chain, work.hashes())).map(|round| round.effort_percent),
        connections: snapshot.connections,
        incoming_connections: snapshot.connections,
        workers: workers.collect(),
    })
}

/// `address,uptime,difficulty,hashrate,name`; commas in a name would be columns.
fn worker_line(address: &str, uptime_secs: u64, (hashes, hashrate): (f64, f64), name: &str) -> String {
    format!("{address},{uptime_secs},{hashes:.0},{hashrate:.0},{}", name.replace(',', "_"))
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct LocalP2p {
    connections: usize,
    incoming_connections: usize,
    peer_list_size: usize,
    peers: Vec<String>,
    uptime: u64,
}

pub(super) async fn local_p2p(State(api): State<ApiState>) -> Json<LocalP2p> {
    let view = api.peers.borrow().clone();
    Json(LocalP2p {
        connections: view.peers.len(),
        incoming_connections: view.peers.iter().filter(|peer| peer.direction == Direction::Inbound).count(),
        peer_list_size: view.peers.len(),
        peers: view.peers.iter().map(peer_line).collect(),
        uptime: api.started.elapsed().as_secs(),
    })
}

/// `I|O,uptime,ping_ms,software,height,address`
fn peer_line(peer: &PeerView) -> String {
    let direction = if peer.direction == Direction::Inbound { "I" } else { "O" };
    let ping = peer.rtt_min.map_or(0, |rtt| rtt.as_millis());
    let (uptime, height) = (peer.connected.as_secs(), peer.share_height.unwrap_or_default());
    format!("{direction},{uptime},{ping},{},{height},{}", peer.agent.replace(',', "_"), peer.address)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shapes_are_those_that_p2pools_readers_expect() {
        let statistics = PoolStatistics {
            hash_rate: 1.5,
            miners: 2,
            total_hashes: 3,
            last_block_found_time: 4,
            last_block_found: 5,
            total_blocks_found: 6,
            pplns_weight: 7,
            pplns_window_size: 8,
            sidechain_difficulty: 9,
            sidechain_height: 10,
        };
        let pool = PoolStats { pool_list: ["pplns"], pool_statistics: statistics };
        let expected = json!({"pool_list": ["pplns"], "pool_statistics": {"hashRate": 1.5, "miners": 2, "totalHashes": 3,
            "lastBlockFoundTime": 4, "lastBlockFound": 5, "totalBlocksFound": 6, "pplnsWeight": 7, "pplnsWindowSize": 8,
            "sidechainDifficulty": 9, "sidechainHeight": 10}});
        assert_eq!(serde_json::to_value(pool).unwrap(), expected);
        let block = PoolBlock { height: 7, hash: "ab".to_owned(), difficulty: Some(3), total_hashes: Some(9), ts: 11 };
        let expected = json!({"height": 7, "hash": "ab", "difficulty": 3, "totalHashes": 9, "ts": 11});
        assert_eq!(serde_json::to_value(block).unwrap(), expected);
        let network = NetworkStats { difficulty: 1.5, hash: "cd".to_owned(), height: 8, reward: 50, timestamp: 9 };
        let expected = json!({"difficulty": 1.5, "hash": "cd", "height": 8, "reward": 50, "timestamp": 9});
        assert_eq!(serde_json::to_value(network).unwrap(), expected);
        let stratum = LocalStratum {
            hashrate_15m: 1.0,
            total_stratum_shares: 2,
            shares_failed: 3,
            current_effort: Some(140.0),
            connections: 1,
            incoming_connections: 1,
            workers: vec![worker_line("dn1q", 60, (65_536.4, 1e6), "rig,1")],
        };
        let expected = json!({"hashrate_15m": 1.0, "total_stratum_shares": 2, "shares_failed": 3, "current_effort": 140.0,
            "connections": 1, "incoming_connections": 1, "workers": ["dn1q,60,65536,1000000,rig_1"]});
        assert_eq!(serde_json::to_value(stratum).unwrap(), expected);
    }
}
