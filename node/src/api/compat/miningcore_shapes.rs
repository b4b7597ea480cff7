//! The shapes of Miningcore's REST API (`src/Miningcore/Api/Responses` of its repository): camel case, nothing for what is not
//! known, amounts in whole coins, effort as a ratio.

use std::collections::BTreeMap;

use serde::Serialize;

/// `GET /api/pools`
#[derive(Clone, Debug, Serialize)]
pub(super) struct Pools {
    pub(super) pools: Vec<PoolInfo>,
}

/// `GET /api/pools/{id}`
#[derive(Clone, Debug, Serialize)]
pub(super) struct Pool {
    pub(super) pool: PoolInfo,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PoolInfo {
    pub(super) id: String,
    pub(super) coin: CoinInfo,
    pub(super) ports: BTreeMap<String, Port>,
    pub(super) payment_processing: PaymentProcessing,
    pub(super) pool_fee_percent: f64,
    pub(super) pool_stats: PoolStats,
    pub(super) network_stats: NetworkStats,
    pub(super) top_miners: Vec<MinerRate>,
    pub(super) total_paid: f64,
    pub(super) total_blocks: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_pool_block_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pool_effort: Option<f64>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CoinInfo {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) symbol: String,
    pub(super) family: &'static str,
    pub(super) algorithm: String,
    pub(super) canonical_name: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Port {
    pub(super) listen_address: String,
    pub(super) name: &'static str,
    pub(super) difficulty: f64,
    pub(super) var_diff: VarDiff,
    pub(super) tls: bool,
    pub(super) tls_auto: bool,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VarDiff {
    pub(super) min_diff: f64,
    pub(super) target_time: f64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PaymentProcessing {
    pub(super) enabled: bool,
    pub(super) minimum_payment: f64,
    pub(super) payout_scheme: &'static str,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PoolStats {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_pool_block_time: Option<String>,
    pub(super) connected_miners: usize,
    pub(super) pool_hashrate: f64,
    pub(super) shares_per_second: f64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NetworkStats {
    pub(super) network_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) network_difficulty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_network_bits: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) block_height: Option<u32>,
    pub(super) connected_peers: usize,
    pub(super) reward_type: &'static str,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MinerRate {
    pub(super) miner: String,
    pub(super) hashrate: f64,
    pub(super) shares_per_second: f64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BlockInfo {
    pub(super) pool_id: String,
    pub(super) block_height: u32,
    pub(super) status: &'static str,
    pub(super) confirmation_progress: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) effort: Option<f64>,
    pub(super) reward: f64,
    pub(super) hash: String,
    pub(super) created: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payment {
    pub(super) coin: String,
    pub(super) address: String,
    pub(super) amount: f64,
    /// Hash of the block whose coinbase pays.
    pub(super) transaction_confirmation_data: String,
    pub(super) created: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MinerStats {
    /// Work in the window, in shares of base difficulty.
    pub(super) pending_shares: f64,
    /// Nobody holds anything for anybody.
    pub(super) pending_balance: f64,
    pub(super) total_paid: f64,
    pub(super) today_paid: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_payment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) performance: Option<Performance>,
    pub(super) performance_samples: Vec<Performance>,
    /// Not Miningcore's: what the next block would pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) estimated_payout: Option<f64>,
    /// Not Miningcore's: part of the window.
    pub(super) window_share: f64,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Performance {
    pub(super) created: String,
    pub(super) workers: BTreeMap<String, WorkerRate>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WorkerRate {
    pub(super) hashrate: f64,
    pub(super) shares_per_second: f64,
}

/// `GET /api/pools/{id}/performance`
#[derive(Clone, Debug, Serialize)]
pub(super) struct Stats {
    pub(super) stats: Vec<StatsPoint>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatsPoint {
    pub(super) pool_hashrate: f64,
    pub(super) valid_shares_per_second: f64,
    pub(super) created: String,
}

/// A list of `/api/v2`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PagedResult<T> {
    pub(super) page_count: usize,
    pub(super) result: Vec<T>,
    pub(super) success: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// As captured from Miningcore by name and type; what is not known here is left out.
    #[test]
    fn shapes_are_those_that_miningcores_readers_expect() {
        let rate = MinerRate { miner: "dn1q".to_owned(), hashrate: 1e6, shares_per_second: 0.25 };
        let pool = PoolInfo {
            id: "devnet".to_owned(),
            coin: CoinInfo {
                kind: "DEV".to_owned(),
                name: "Devnet coin".to_owned(),
                symbol: "DEV".to_owned(),
                family: "bitcoin",
                algorithm: "blake2s".to_owned(),
                canonical_name: "Devnet coin".to_owned(),
            },
            ports: BTreeMap::from([(
                "3333".to_owned(),
                Port {
                    listen_address: "0.0.0.0".to_owned(),
                    name: "Stratum",
                    difficulty: 0.5,
                    var_diff: VarDiff { min_diff: 0.25, target_time: 4.0 },
                    tls: false,
                    tls_auto: true,
                },
            )]),
            payment_processing: PaymentProcessing { enabled: true, minimum_payment: 0.0001, payout_scheme: "PPLNS" },
            pool_fee_percent: 1.5,
            pool_stats: PoolStats {
                last_pool_block_time: Some("2026-11-22T08:00:00Z".to_owned()),
                connected_miners: 2,
                pool_hashrate: 2e6,
                shares_per_second: 0.5,
            },
            network_stats: NetworkStats {
                network_type: "devnet".to_owned(),
                network_difficulty: Some(7.5),
                next_network_bits: Some("1e0fffff".to_owned()),
                block_height: Some(7),
                connected_peers: 3,
                reward_type: "POW",
            },
            top_miners: vec![rate],
            total_paid: 12.5,
            total_blocks: 1,
            last_pool_block_time: None,
            pool_effort: Some(1.4),
        };
        let expected = json!({"pools": [{
            "id": "devnet",
            "coin": {"type": "DEV", "name": "Devnet coin", "symbol": "DEV", "family": "bitcoin", "algorithm": "blake2s",
                "canonicalName": "Devnet coin"},
            "ports": {"3333": {"listenAddress": "0.0.0.0", "name": "Stratum", "difficulty": 0.5,
                "varDiff": {"minDiff": 0.25, "targetTime": 4.0}, "tls": false, "tlsAuto": true}},
            "paymentProcessing": {"enabled": true, "minimumPayment": 0.0001, "payoutScheme": "PPLNS"},
            "poolFeePercent": 1.5,
            "poolStats": {"lastPoolBlockTime": "2026-11-22T08:00:00Z", "connectedMiners": 2, "poolHashrate": 2e6,
                "sharesPerSecond": 0.5},
            "networkStats": {"networkType": "devnet", "networkDifficulty": 7.5, "nextNetworkBits": "1e0fffff",
                "blockHeight": 7, "connectedPeers": 3, "rewardType": "POW"},
            "topMiners": [{"miner": "dn1q", "hashrate": 1e6, "sharesPerSecond": 0.25}],
            "totalPaid": 12.5,
            "totalBlocks": 1,
            "poolEffort": 1.4,
        }]});
        assert_eq!(serde_json::to_value(Pools { pools: vec![pool] }).unwrap(), expected);
    }

    #[test]
    fn lists_of_the_second_version_say_how_many_pages_there_are() {
        let block = BlockInfo {
            pool_id: "devnet".to_owned(),
            block_height: 9,
            status: "pending",
            confirmation_progress: 0.02,
            effort: None,
            reward: 50.0,
            hash: "00".to_owned(),
            created: "2026-11-22T08:00:00Z".to_owned(),
        };
        let expected = json!({"pageCount": 3, "success": true, "result": [{"poolId": "devnet", "blockHeight": 9, "status": "pending",
            "confirmationProgress": 0.02, "reward": 50.0, "hash": "00", "created": "2026-11-22T08:00:00Z"}]});
        let list = PagedResult { page_count: 3, result: vec![block], success: true };
        assert_eq!(serde_json::to_value(list).unwrap(), expected);
        let miner = MinerStats {
            pending_shares: 1.5,
            pending_balance: 0.0,
            total_paid: 0.5,
            today_paid: 0.0,
            last_payment: None,
            performance: Some(Performance {
                created: "2026-11-22T08:00:00Z".to_owned(),
                workers: BTreeMap::from([("rig".to_owned(), WorkerRate { hashrate: 5.0, shares_per_second: 0.1 })]),
            }),
            performance_samples: Vec::new(),
            estimated_payout: Some(0.25),
            window_share: 0.01,
        };
        let expected = json!({"pendingShares": 1.5, "pendingBalance": 0.0, "totalPaid": 0.5, "todayPaid": 0.0,
            "performance": {"created": "2026-11-22T08:00:00Z", "workers": {"rig": {"hashrate": 5.0, "sharesPerSecond": 0.1}}},
            "performanceSamples": [], "estimatedPayout": 0.25, "windowShare": 0.01});
        assert_eq!(serde_json::to_value(miner).unwrap(), expected);
    }
}
