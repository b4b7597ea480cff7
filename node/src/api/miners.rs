//! One address: its work, its workers, and what it is paid.

use axum::{Json, extract::State};
use sharechain::{JobContext, PayoutScript, Work};

use super::{
    ApiState, chance,
    digest::NextBlock,
    dto::{MinerDetail, PayoutEntry},
    paid::payout_entry,
    problem::{Failure, Refusals},
    request::{Named, NoParams, Params},
    shares::script_of,
    viewer::Viewer,
    workers::worker_dto,
};
use crate::{chain_task::ChainQuery, parent::Template};

/// Payouts that are shown.
const PAYOUTS_SHOWN: usize = 20;
/// Workers that are shown.
const WORKERS_SHOWN: usize = 1_000;
const SECS_PER_DAY: f64 = 86_400.0;

/// One address: what it is about to be paid, and what it was.
#[utoipa::path(get, path = "/miners/{address}", tag = "miners",
    params(("address" = String, Path, description = "A payout address of the chain")),
    responses((status = 200, body = MinerDetail), Refusals),
)]
pub(super) async fn miner(
    State(api): State<ApiState>,
    Named(address): Named<String>,
    _: Params<NoParams>,
) -> Result<Json<MinerDetail>, Failure> {
    let script = script_of(&api, &address)?;
    let kept = api.ask(|reply| ChainQuery::SharesOf { script, below: None, len_max: 0, reply }).await?;
    let context = api.chain.borrow().context.clone();
    let digest = api.digest.borrow().clone();
    let snapshot = api.stratum.snapshot();
    let workers = snapshot.miners.iter().filter(|miner| miner.script == script).take(WORKERS_SHOWN);
    let prospects = Prospects::of(&api, context.as_deref(), digest.next.as_deref(), &script);
    Ok(Json(MinerDetail {
        address,
        script: script.to_string(),
        window_work_hashes: prospects.work.hashes(),
        window_share_percent: prospects.part * 100.0,
        shares_kept: kept.page.total,
        next_payout: digest.next.as_ref().and_then(|next| next.amount(&script)),
        expected_payout: prospects.expected,
        payout_chance_percent: prospects.chance.map(|chance| chance * 100.0),
        blocks_per_day: prospects.blocks_per_day,
        payout_24h_chance_percent: prospects.day_chance().map(|chance| chance * 100.0),
        // Who asks knows the address, which is all that masking hides.
        workers: workers.map(|miner| worker_dto(&api, Viewer::Operator, miner)).collect(),
        payouts: payouts(&api, &script),
    }))
}

/// What an address can expect.
pub(super) struct Prospects {
    pub(super) work: Work,
    /// Of the window.
    pub(super) part: f64,
    expected: Option<u64>,
    chance: Option<f64>,
    blocks_per_day: Option<f64>,
}

impl Prospects {
    #[expect(clippy::cast_precision_loss, reason = "parts and rates for people")]
    pub(super) fn of(
        api: &ApiState,
        context: Option<&JobContext>,
        next: Option<&NextBlock>,
        script: &PayoutScript,
    ) -> Self {
        let weights = context.map(|context| &context.weights);
        let entry = weights.and_then(|weights| {
            let place = weights.entries().binary_search_by(|(other, _)| other.cmp(script)).ok()?;
            weights.entries().get(place).map(|(_, work)| *work)
        });
        let (work, total) = (entry.unwrap_or_default(), weights.map_or(Work::ZERO, |weights| weights.total()));
        let part = if total > Work::ZERO { work.hashes() as f64 / total.hashes() as f64 } else { 0.0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the reward, which is a u64")]
        let expected = next.map(|next| (next.terms.reward as f64 * part) as u64);
        let chance = next.zip(weights).map(|(next, weights)| chance::of_payout(next.terms, weights, script));
        let rate = api.chain.borrow().recent_work;
        let block = api.parent.borrow().template.as_deref().and_then(Template::block_work);
        let blocks_per_day =
            block.filter(|_| rate.shares > 1).map(|block| rate.rate() * SECS_PER_DAY / block.hashes() as f64);
        Self { work, part, expected, chance, blocks_per_day }
    }

    fn day_chance(&self) -> Option<f64> {
        Some(chance::of_day(self.blocks_per_day?, self.chance?))
    }
}

/// What blocks paid the script, the newest first.
pub(super) fn payouts(api: &ApiState, script: &PayoutScript) -> Vec<PayoutEntry> {
    let (ledger, blocks) = (api.paid.ledger(), api.blocks.borrow().clone());
    let paid = ledger.payouts(Some(*script)).take(PAYOUTS_SHOWN);
    paid.map(|paid| payout_entry(paid, &blocks, api.address(script))).collect()
}
