//! How well every part of the node is, the log of emergencies, and the order to take no new miners.

use axum::{Json, extract::State, http::HeaderMap};
use stratum::server::Intake;
use tracing::info;

use super::{
    ApiState,
    dto::{ComponentEntry, Drain, DrainOrderBody, EmergencyEntry, List},
    page::Paged,
    problem::{Failure, OrderRefusals, Refusals},
    request::{Body, NoParams, Params},
    viewer::{Operators, not_allowed},
};
use crate::health::{Component, Emergency};

/// Every part of the node, and of each lane: how it is, since when, why, and what the node does about it.
#[utoipa::path(
    get, path = "/components", tag = "node", params(Paged),
    responses((status = 200, body = List<ComponentEntry>), Refusals)
)]
pub(super) async fn components(
    State(api): State<ApiState>,
    Params(asked): Params<Paged>,
) -> Result<Json<List<ComponentEntry>>, Failure> {
    let view = api.health.borrow().clone();
    Ok(Json(asked.page()?.of(&view.components, component_dto)))
}

/// What failed, from when to when, why, and what was done; the newest first, over restarts.
#[utoipa::path(
    get, path = "/emergencies", tag = "node", params(Paged),
    responses((status = 200, body = List<EmergencyEntry>), Refusals)
)]
pub(super) async fn emergencies(
    State(api): State<ApiState>,
    _: Operators,
    Params(asked): Params<Paged>,
) -> Result<Json<List<EmergencyEntry>>, Failure> {
    let view = api.health.borrow().clone();
    Ok(Json(asked.page()?.of(&view.emergencies, |emergency| emergency_dto(emergency))))
}

/// Takes no new miners, or takes them again. Who is connected mines on; the order is forgotten at a restart. Needs the cookie.
#[utoipa::path(
    post, path = "/drain", tag = "node",
    request_body = DrainOrderBody,
    responses(
        (status = 200, body = Drain),
        OrderRefusals,
    ),
    security(("bearer" = [])),
)]
pub(super) async fn drain(
    State(api): State<ApiState>,
    _: Params<NoParams>,
    headers: HeaderMap,
    Body(body): Body<DrainOrderBody>,
) -> Result<Json<Drain>, Failure> {
    if !api.access.cookie.allows(&headers) {
        return Err(not_allowed());
    }
    let intake = if body.on { Intake::Closed } else { Intake::Open };
    let connections = api.stratum.snapshot().connections;
    if api.stratum.intake() != intake {
        api.stratum.set_intake(intake);
        match intake {
            Intake::Closed => info!(event = "drain_begins", connections, "no new miners are taken"),
            Intake::Open => info!(event = "drain_ends", connections, "new miners are taken again"),
        }
    }
    Ok(Json(Drain { on: body.on, connections }))
}

fn component_dto(component: &Component) -> ComponentEntry {
    let Component { name, condition, reason, action, since } = component;
    ComponentEntry {
        component: name.part.as_str().to_owned(),
        lane: name.lane.clone(),
        subject: name.subject.clone(),
        health: condition.as_str().to_owned(),
        since: *since,
        reason: reason.clone(),
        action: (!action.is_empty()).then(|| action.to_string()),
    }
}

fn emergency_dto(emergency: &Emergency) -> EmergencyEntry {
    let Emergency { number, began, ended, kind, name, reason, action } = emergency;
    EmergencyEntry {
        number: *number,
        kind: kind.as_str().to_owned(),
        component: name.part.as_str().to_owned(),
        lane: name.lane.clone(),
        subject: name.subject.clone(),
        began: *began,
        ended: *ended,
        reason: reason.clone(),
        action: action.clone(),
    }
}
