//! What the next block pays.

use axum::{Json, extract::State};
use sharechain::{Amount, ParentWork, payout};

use super::{
    ApiState,
    dto::{NextPayouts, Payout, Weight},
    problem::{Failure, Refusals, stopping},
    request::{None, Params},
};
use crate::work::usual_terms;

/// What a block found now would pay.
#[utoipa::path(get, path = "/payouts", tag = "chain", responses((status = 200, body = NextPayouts), Refusals))]
pub(super) async fn payouts(State(api): State<ApiState>, _: Params<None>) -> Result<Json<NextPayouts>, Failure> {
    let chain = api.chain.borrow().clone();
    let context = chain.context.as_deref().ok_or_else(stopping)?;
    let weights = &context.weights;
    let work = api.parent.borrow().template.as_ref().map(|template| template.work.clone());
    let split = |work: &ParentWork| {
        let data = context.share_data(work, &usual_terms(&api.profile.params, context))?;
        Some(context.payouts(&api.profile.params, &data, work.prev_block))
    };
    let shared = work.as_ref().filter(|_| !weights.is_empty()).and_then(split).unwrap_or_default();
    let list = weights.entries().iter().map(|(script, work)| Weight {
        script: script.to_string(),
        address: api.address(script),
        work: work.hashes(),
    });
    Ok(Json(NextPayouts {
        payout_share: context.payout_share.to_string(),
        window_shares: weights.shares(),
        window_work: weights.total().hashes(),
        weights: list.collect(),
        coinbase_value: work.map(|work| work.coinbase_value.units()),
        payouts: payout_dtos(&api, &shared),
    }))
}

pub(super) fn payout_dtos(api: &ApiState, payouts: &[payout::Payout]) -> Vec<Payout> {
    let dto = |payout: &payout::Payout| Payout {
        script: payout.script.to_string(),
        address: api.address(&payout.script),
        amount: Amount::units(payout.amount),
    };
    payouts.iter().map(dto).collect()
}
