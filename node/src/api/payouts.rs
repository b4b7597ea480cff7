//! What the next block pays.

use axum::{Json, extract::State};
use serde::Deserialize;
use sharechain::{Amount, PayoutScript, Work, payout};

use super::{
    ApiState,
    dto::{NextPayouts, Payout, Weight},
    page::{LIMIT_MAX, Page},
    problem::{Failure, Refusals, stopping},
    request::Params,
    viewer::Viewer,
};

/// Which part of the window.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Most weights.
    #[param(minimum = 1, maximum = 1000, default = 1000, nullable = false)]
    limit: Option<usize>,
    /// Where to go on with the weights: `weights_next` of the page before.
    #[param(nullable = false, pattern = "^[0-9]{1,19}$")]
    cursor: Option<String>,
}

/// What a block found now would pay, and the window that decides it.
#[utoipa::path(get, path = "/payouts", tag = "chain", params(Wanted), responses(
    (status = 200, body = NextPayouts),
    Refusals,
))]
pub(super) async fn payouts(
    State(api): State<ApiState>,
    viewer: Viewer,
    Params(wanted): Params<Wanted>,
) -> Result<Json<NextPayouts>, Failure> {
    let page = Page::new(Some(wanted.limit.unwrap_or(LIMIT_MAX)), wanted.cursor.as_deref())?;
    let chain = api.chain.borrow().clone();
    let context = chain.context.as_deref().ok_or_else(stopping)?;
    let next = api.digest.borrow().next.clone();
    let template = api.parent.borrow().template.clone();
    let coinbase_value = match &next {
        Some(next) => Some(next.coinbase_value),
        None => template.map(|template| template.work.coinbase_value.units()),
    };
    let weights = page.of(context.weights.by_work(), |(script, work): &(PayoutScript, Work)| Weight {
        script: viewer.text(script.to_string()),
        address: viewer.address(&api, script),
        work: work.hashes(),
    });
    Ok(Json(NextPayouts {
        payout_share: context.payout_share.to_string(),
        window_shares: context.weights.shares(),
        window_work: context.weights.total().hashes(),
        weights: weights.data,
        weights_total: weights.meta.total,
        weights_next: weights.meta.next,
        coinbase_value,
        payouts: payout_dtos(&api, viewer, next.as_ref().map_or(&[], |next| next.payouts.as_slice())),
    }))
}

pub(super) fn payout_dtos(api: &ApiState, viewer: Viewer, payouts: &[payout::Payout]) -> Vec<Payout> {
    let dto = |payout: &payout::Payout| Payout {
        script: viewer.text(payout.script.to_string()),
        address: viewer.address(api, &payout.script),
        amount: Amount::units(payout.amount),
    };
    payouts.iter().map(dto).collect()
}
