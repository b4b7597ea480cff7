//! Routes about the choice among lanes: where it stands, what was decided, and orders, which need the cookie.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use stratum::StratumHandle;

use super::{
    ApiState,
    dto::{DecisionEntry, LaneChoice, List, Problem, Switching, SwitchingOrderBody},
    page::Paged,
    problem::{Failure, OrderRefusals, Refusals, problem, stopping},
    request::{Body, Named, NoParams, Params},
    viewer::{Operators, not_allowed},
};
use crate::{
    lanes::{Decision, Health, Observation, RunState},
    switching::{Board, CostSource, LaneView, Obeyed, Wish},
};

/// Which lanes miners are on, why, and what comes next.
#[utoipa::path(get, path = "/switching", tag = "chain", responses((status = 200, body = Switching), Refusals))]
pub(super) async fn switching(State(api): State<ApiState>, _: Params<NoParams>) -> Json<Switching> {
    Json(switching_dto(&api))
}

/// What was decided about lanes, the newest first: with inputs, estimates, reason and what else would have been earned.
#[utoipa::path(
    get, path = "/switching/decisions", tag = "chain", params(Paged),
    responses((status = 200, body = List<DecisionEntry>), Refusals)
)]
pub(super) async fn decisions(
    State(api): State<ApiState>,
    _: Operators,
    Params(asked): Params<Paged>,
) -> Result<Json<List<DecisionEntry>>, Failure> {
    let board = api.lanes.board();
    let newest: Vec<_> = board.decisions.iter().rev().collect();
    Ok(Json(asked.page()?.of(&newest, |decision| DecisionEntry::from(&***decision))))
}

/// An order about lanes: switch, release, state, pause or resume. Needs the cookie.
#[utoipa::path(
    post, path = "/switching/{order}", tag = "chain",
    params(("order" = String, Path, description = "switch, release, state, pause or resume")),
    request_body = SwitchingOrderBody,
    responses(
        (status = 200, body = Switching),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "It cannot be done"),
        OrderRefusals,
    ),
    security(("bearer" = [])),
)]
pub(super) async fn order(
    State(api): State<ApiState>,
    Named(order): Named<String>,
    _: Params<NoParams>,
    headers: HeaderMap,
    Body(body): Body<SwitchingOrderBody>,
) -> Result<Json<Switching>, Failure> {
    if !api.access.cookie.allows(&headers) {
        return Err(not_allowed());
    }
    let missing = |what| problem(StatusCode::BAD_REQUEST, "bad order", format!("{what} is missing"));
    let wish = match order.as_str() {
        "switch" => Wish::Switch {
            lane: body.lane.ok_or_else(|| missing("lane"))?,
            reason: body.reason.filter(|reason| !reason.trim().is_empty()).ok_or_else(|| missing("reason"))?,
        },
        "release" => Wish::Release,
        "pause" => Wish::State(RunState::Paused),
        "resume" => Wish::Resume,
        "state" => {
            let state = body.state.ok_or_else(|| missing("state"))?;
            Wish::State(state.parse().map_err(|error| {
                let error: crate::lanes::decision::UnknownRunState = error;
                problem(StatusCode::BAD_REQUEST, "bad state", error.to_string())
            })?)
        }
        _ => {
            return Err(problem(
                StatusCode::NOT_FOUND,
                "unknown order",
                "an order is switch, release, state, pause or resume",
            ));
        }
    };
    let done = api.lanes.order(wish).await.ok_or_else(stopping)?;
    let warning = match done.map_err(|reason| problem(StatusCode::CONFLICT, "not done", reason))? {
        Obeyed::Recorded => None,
        Obeyed::NotOnDisk => Some("it is in effect, but the disk has not taken it: a crash would undo it".to_owned()),
    };
    Ok(Json(Switching { warning, ..switching_dto(&api) }))
}

fn switching_dto(api: &ApiState) -> Switching {
    let (board, settings) = (api.lanes.board(), &api.config.switching.settings);
    let last = board.decisions.last();
    let (switch_cost_ms, source) = board.switch_cost;
    let (source, moves) = match source {
        CostSource::Assumed => ("assumed", None),
        CostSource::Configured => ("configured", None),
        CostSource::Measured { moves } => ("measured", Some(moves)),
    };
    let lane = |view: &LaneView| choice(view, &board, last.map(|last| &**last), &api.stratum);
    Switching {
        mode: settings.mode.to_string(),
        profile: settings.profile.to_string(),
        state: board.state.to_string(),
        manual_lane: board.manual.as_ref().map(|(lane, _)| lane.clone()),
        manual_reason: board.manual.as_ref().map(|(_, reason)| reason.clone()),
        why: last.map(|last| last.why.clone()),
        next_tick: board.next_tick,
        next_move: board.next_move,
        switch_cost_ms,
        switch_cost_source: source.to_owned(),
        switch_cost_moves: moves,
        lanes: api.lanes.views().iter().map(lane).collect(),
        advice: last.map(|last| last.advice.iter().map(|advice| advice.text.clone()).collect()).unwrap_or_default(),
        warning: None,
    }
}

fn choice(view: &LaneView, board: &Board, last: Option<&Decision>, stratum: &StratumHandle) -> LaneChoice {
    let percent = |weight: Option<u16>| weight.map_or(0.0, |weight| f64::from(weight) / 100.0);
    let observation: Option<&Observation> = last.and_then(|last| last.inputs.lane(&view.name));
    let estimate = last.and_then(|last| last.estimates.iter().find(|estimate| estimate.lane == view.name));
    let (health, problem) = match board.health.get(view.id.place()) {
        None | Some(Health::Healthy) => ("healthy", None),
        Some(Health::Degraded { reason }) => ("degraded", Some(reason.clone())),
        Some(Health::Failed { reason }) => ("failed", Some(reason.clone())),
    };
    let mined = stratum.lane(view.id);
    let earned = board.earned.get(view.id.place()).copied().unwrap_or_default();
    LaneChoice {
        name: view.name.clone(),
        coin: view.coin.clone(),
        weight_percent: percent(last.map(|last| last.in_effect.of(&view.name))),
        wanted_percent: percent(last.map(|last| last.chosen.of(&view.name))),
        health: health.to_owned(),
        problem,
        is_out: board.out.contains(&view.name),
        coins_per_hash: observation.and_then(|observation| observation.coins_per_hash().ok()),
        revenue_per_hash: estimate.and_then(|estimate| estimate.revenue_per_hash),
        standard_error_percent: estimate.and_then(|estimate| estimate.standard_error_percent),
        workers: mined.workers,
        hashrate: mined.hashrate,
        estimated_units: earned.estimated,
        paid_units: earned.paid,
    }
}

impl From<&Decision> for DecisionEntry {
    fn from(decision: &Decision) -> Self {
        Self {
            number: decision.number,
            time: decision.time,
            mode: decision.mode.to_string(),
            profile: decision.profile.to_string(),
            state: decision.state.to_string(),
            is_move: decision.reason.is_move(),
            why: decision.why.clone(),
            decision: serde_json::to_value(decision).unwrap_or_default(),
        }
    }
}
