//! Miningcore's REST API: what is known, in its shapes ([`super::miningcore_shapes`]).

use std::{cmp::Reverse, collections::BTreeMap};

use axum::{Json, extract::State};
use sharechain::PayoutScript;
use stratum::{
    Difficulty,
    server::{MinerSnapshot, StratumSnapshot},
};

use super::{
    Part, check_pool,
    miningcore_shapes::{
        BlockInfo, CoinInfo, MinerRate, MinerStats, NetworkStats, PagedResult, Payment, PaymentProcessing, Performance,
        Pool, PoolInfo, PoolStats, Pools, Port, Stats, StatsPoint, VarDiff, WorkerRate,
    },
    state_of,
};
use crate::{
    api::{
        ApiState,
        coin::{self, coins},
        digest::BlockFacts,
        miners,
        parent::difficulty,
        problem::Failure,
        request::{Named, Params},
        shares::script_of,
        status::round,
        viewer::Viewer,
    },
    blocks::{PoolBlock, PoolBlockStatus},
    clock::{iso, unix_now},
    history::{Step, Subject},
    parent::Template,
};

/// The largest miners that a pool is shown with.
const TOP_MINERS: usize = 15;
/// Points of the pool's history: a day of hours.
const STATS_POINTS: usize = 24;
const SECS_PER_DAY: u64 = 86_400;

pub(super) async fn pools(State(api): State<ApiState>, viewer: Viewer) -> Json<Pools> {
    Json(Pools { pools: vec![pool_info(&api, viewer)] })
}

pub(super) async fn pool(
    State(api): State<ApiState>,
    viewer: Viewer,
    Named(id): Named<String>,
) -> Result<Json<Pool>, Failure> {
    check_pool(&api, &id)?;
    Ok(Json(Pool { pool: pool_info(&api, viewer) }))
}

fn pool_info(api: &ApiState, viewer: Viewer) -> PoolInfo {
    let coin = coin::of_chain(&api.profile.name);
    let (chain, parent, miners) = (api.chain.borrow().clone(), api.parent.borrow().clone(), api.stratum.snapshot());
    let template = parent.template.as_deref();
    let blocks = api.blocks.borrow().clone();
    let last = blocks.blocks.first().map(|block| iso(block.found_at));
    let block_work = template.and_then(Template::block_work);
    let mined = blocks.blocks.iter().filter(|block| block.is_confirmed());
    let paid = mined.fold(0_u64, |sum, block| sum.saturating_add(block.coinbase_value));
    PoolInfo {
        id: api.profile.name.clone(),
        coin: CoinInfo {
            kind: coin.symbol.clone(),
            name: coin.name.clone(),
            symbol: coin.symbol,
            family: "bitcoin",
            algorithm: api.algorithm().to_string(),
            canonical_name: coin.name,
        },
        ports: ports(api),
        payment_processing: PaymentProcessing {
            enabled: true,
            minimum_payment: coins(api.profile.params.raw().payout_min.units()),
            payout_scheme: "PPLNS",
        },
        pool_fee_percent: api.stratum.fee().map_or(0.0, |fee| f64::from(fee.basis_points) / 100.0),
        pool_stats: PoolStats {
            last_pool_block_time: last.clone(),
            connected_miners: miners.miners.len(),
            pool_hashrate: chain.recent_work.rate(),
            shares_per_second: shares_per_second(&chain.recent_work),
        },
        network_stats: NetworkStats {
            network_type: api.profile.name.clone(),
            network_difficulty: template.and_then(|template| difficulty(api, template)),
            next_network_bits: template.map(|template| template.bits.to_string()),
            block_height: parent.tip().map(|(_, height)| height),
            connected_peers: api.peers.borrow().peers.len(),
            reward_type: "POW",
        },
        top_miners: rates(api, viewer, &miners).into_iter().take(TOP_MINERS).collect(),
        total_paid: coins(paid),
        total_blocks: blocks.confirmed,
        last_pool_block_time: last,
        pool_effort: block_work
            .and_then(|work| round(api, &chain, work.hashes()))
            .map(|round| round.effort_percent / 100.0),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn shares_per_second(recent: &crate::chain_task::RecentWork) -> f64 {
    if recent.secs > 0.0 { recent.shares as f64 / recent.secs } else { 0.0 }
}

fn ports(api: &ApiState) -> BTreeMap<String, Port> {
    let (listen, vardiff) = (api.endpoint.address, api.profile.vardiff);
    let difficulty = |hashes| Difficulty::from_hashes(hashes, api.algorithm()).get();
    let port = Port {
        listen_address: listen.ip().to_string(),
        name: "Stratum",
        difficulty: difficulty(vardiff.start_hashes),
        var_diff: VarDiff {
            min_diff: difficulty(vardiff.min_hashes),
            target_time: vardiff.submit_interval.as_secs_f64(),
        },
        tls: false,
        tls_auto: api.endpoint.tls,
    };
    BTreeMap::from([(listen.port().to_string(), port)])
}

/// Hash rates of this node's miners by address, the fastest first.
fn rates(api: &ApiState, viewer: Viewer, snapshot: &StratumSnapshot) -> Vec<MinerRate> {
    let mut by_script: BTreeMap<PayoutScript, WorkerRate> = BTreeMap::new();
    for miner in &snapshot.miners {
        let rate = worker_rate(miner);
        let sum = by_script.entry(miner.script).or_default();
        sum.hashrate += rate.hashrate;
        sum.shares_per_second += rate.shares_per_second;
    }
    let mut rates: Vec<_> = by_script.into_iter().collect();
    rates.sort_by(|(_, a), (_, b)| b.hashrate.total_cmp(&a.hashrate));
    let dto = |(script, rate): (PayoutScript, WorkerRate)| MinerRate {
        miner: viewer.address(api, &script).unwrap_or_default(),
        hashrate: rate.hashrate,
        shares_per_second: rate.shares_per_second,
    };
    rates.into_iter().map(dto).collect()
}

/// Its submits follow from its hash rate and what one of them carries.
fn worker_rate(miner: &MinerSnapshot) -> WorkerRate {
    let shares_per_second = if miner.hashes_last > 0.0 { miner.hashrate / miner.hashes_last } else { 0.0 };
    WorkerRate { hashrate: miner.hashrate, shares_per_second }
}

pub(super) async fn miners(
    State(api): State<ApiState>,
    viewer: Viewer,
    Named(id): Named<String>,
    Params(part): Params<Part>,
) -> Result<Json<Vec<MinerRate>>, Failure> {
    check_pool(&api, &id)?;
    Ok(Json(part.of(&rates(&api, viewer, &api.stratum.snapshot())).0.to_vec()))
}

pub(super) async fn miners_v2(
    State(api): State<ApiState>,
    viewer: Viewer,
    Named(id): Named<String>,
    Params(part): Params<Part>,
) -> Result<Json<PagedResult<MinerRate>>, Failure> {
    check_pool(&api, &id)?;
    let rates = rates(&api, viewer, &api.stratum.snapshot());
    let (result, page_count) = part.of(&rates);
    Ok(Json(PagedResult { page_count, result: result.to_vec(), success: true }))
}

/// Blocks of the pool in the wanted state, the highest first.
fn block_list(api: &ApiState, part: &Part) -> (Vec<BlockInfo>, usize) {
    let (view, facts) = (api.blocks.borrow().clone(), api.digest.borrow().facts.clone());
    let is_wanted = |block: &&PoolBlock| part.state.as_deref().is_none_or(|state| state_of(block) == state);
    let mut blocks: Vec<&PoolBlock> = view.blocks.iter().filter(is_wanted).collect();
    blocks.sort_by_key(|block| Reverse(block.height));
    let (page, page_count) = part.of(&blocks);
    (page.iter().map(|block| block_info(api, block, facts.get(&block.hash))).collect(), page_count)
}

fn block_info(api: &ApiState, block: &PoolBlock, facts: Option<&BlockFacts>) -> BlockInfo {
    #[expect(clippy::cast_precision_loss, reason = "a part for people")]
    let confirmed = |confirmations: i64| confirmations as f64 / f64::from(api.profile.daemon.maturity.max(1));
    BlockInfo {
        pool_id: api.profile.name.clone(),
        block_height: block.height,
        status: state_of(block),
        confirmation_progress: match block.status {
            PoolBlockStatus::Confirmed(confirmations) => confirmed(confirmations).clamp(0.0, 1.0),
            PoolBlockStatus::Matured(_) => 1.0,
            PoolBlockStatus::Found
            | PoolBlockStatus::Submitted
            | PoolBlockStatus::Refused(_)
            | PoolBlockStatus::Orphaned => 0.0,
        },
        effort: facts.and_then(|facts| facts.effort),
        reward: coins(block.coinbase_value),
        hash: block.hash.to_string(),
        created: iso(block.found_at),
    }
}

pub(super) async fn blocks(
    State(api): State<ApiState>,
    Named(id): Named<String>,
    Params(part): Params<Part>,
) -> Result<Json<Vec<BlockInfo>>, Failure> {
    check_pool(&api, &id)?;
    Ok(Json(block_list(&api, &part).0))
}

pub(super) async fn cluster_blocks(State(api): State<ApiState>, Params(part): Params<Part>) -> Json<Vec<BlockInfo>> {
    Json(block_list(&api, &part).0)
}

pub(super) async fn blocks_v2(
    State(api): State<ApiState>,
    Named(id): Named<String>,
    Params(part): Params<Part>,
) -> Result<Json<PagedResult<BlockInfo>>, Failure> {
    check_pool(&api, &id)?;
    let (result, page_count) = block_list(&api, &part);
    Ok(Json(PagedResult { page_count, result, success: true }))
}

/// What blocks paid an address, as far as it is known.
fn payment_list(api: &ApiState, address: &str) -> Result<Vec<Payment>, Failure> {
    let script = script_of(api, address)?;
    let coin = coin::of_chain(&api.profile.name);
    let payment = |paid: crate::api::dto::PayoutEntry| Payment {
        coin: coin.symbol.clone(),
        address: address.to_owned(),
        amount: coins(paid.amount),
        transaction_confirmation_data: paid.block,
        created: iso(paid.time),
    };
    let paid = miners::payouts(api, &script).into_iter();
    Ok(paid.filter(|paid| matches!(paid.status.as_str(), "confirmed" | "matured")).map(payment).collect())
}

pub(super) async fn payments(
    State(api): State<ApiState>,
    Named((id, address)): Named<(String, String)>,
    Params(part): Params<Part>,
) -> Result<Json<Vec<Payment>>, Failure> {
    check_pool(&api, &id)?;
    Ok(Json(part.of(&payment_list(&api, &address)?).0.to_vec()))
}

pub(super) async fn payments_v2(
    State(api): State<ApiState>,
    Named((id, address)): Named<(String, String)>,
    Params(part): Params<Part>,
) -> Result<Json<PagedResult<Payment>>, Failure> {
    check_pool(&api, &id)?;
    let payments = payment_list(&api, &address)?;
    let (result, page_count) = part.of(&payments);
    Ok(Json(PagedResult { page_count, result: result.to_vec(), success: true }))
}

pub(super) async fn miner(
    State(api): State<ApiState>,
    Named((id, address)): Named<(String, String)>,
) -> Result<Json<MinerStats>, Failure> {
    check_pool(&api, &id)?;
    let script = script_of(&api, &address)?;
    let payments = payment_list(&api, &address)?;
    let today = iso(unix_now() / SECS_PER_DAY * SECS_PER_DAY);
    let sum =
        |from: &str| payments.iter().filter(|paid| paid.created.as_str() >= from).map(|paid| paid.amount).sum::<f64>();
    let (context, next) = (api.chain.borrow().context.clone(), api.digest.borrow().next.clone());
    let prospects = miners::Prospects::of(&api, context.as_deref(), next.as_deref(), &script);
    let snapshot = api.stratum.snapshot();
    let own = snapshot.miners.iter().filter(|miner| miner.script == script);
    let workers: BTreeMap<String, WorkerRate> = own.map(|miner| (miner.worker.clone(), worker_rate(miner))).collect();
    let base = context.as_deref().and_then(|context| context.base_bits.to_target()?.work());
    #[expect(clippy::cast_precision_loss, reason = "a count for people")]
    let pending_shares = base.map_or(0.0, |base| prospects.work.hashes() as f64 / base.hashes() as f64);
    Ok(Json(MinerStats {
        pending_shares,
        pending_balance: 0.0,
        total_paid: sum(""),
        today_paid: sum(&today),
        last_payment: payments.first().map(|paid| paid.created.clone()),
        performance: (!workers.is_empty()).then(|| Performance { created: iso(unix_now()), workers }),
        performance_samples: Vec::new(),
        estimated_payout: next.and_then(|next| next.amount(&script)).map(coins),
        window_share: prospects.part,
    }))
}

pub(super) async fn performance(State(api): State<ApiState>, Named(id): Named<String>) -> Result<Json<Stats>, Failure> {
    check_pool(&api, &id)?;
    let points = api.history.points(Subject::Node, Step::Hour, STATS_POINTS).await.unwrap_or_default();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let secs = Step::Hour.secs() as f64;
    let stats = points.into_iter().map(|point| StatsPoint {
        pool_hashrate: point.hashrate,
        valid_shares_per_second: f64::from(point.accepted) / secs,
        created: iso(point.time),
    });
    Ok(Json(Stats { stats: stats.collect() }))
}
