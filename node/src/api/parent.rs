//! The parent chain, as the daemons of this node have it, and the lanes: one for each parent chain.

use axum::{Json, extract::State};
use stratum::Difficulty;

use super::{
    ApiState,
    dto::{Daemon, Lane, List, Parent, ParentDetail, TemplateSummary},
    page::Paged,
    problem::{Failure, Refusals},
    request::{NoParams, Params},
};
use crate::{
    parent::{ParentHealth, ParentState, Template, choice::Standing},
    problems::parent_problem,
    switching::LaneView,
};

/// The parent chain: its tip, its daemons, and the template that miners work on.
#[utoipa::path(get, path = "/parent", tag = "chain", responses((status = 200, body = ParentDetail), Refusals))]
pub(super) async fn parent(State(api): State<ApiState>, _: Params<NoParams>) -> Json<ParentDetail> {
    let state = api.parent.borrow().clone();
    let since = api.digest.borrow().template_since;
    let template = state.template.as_deref().map(|template| TemplateSummary {
        height: template.work.block_height,
        age_secs: since.map(|since| since.elapsed().as_secs()),
        transactions: template.txids.len(),
        coinbase_value: template.work.coinbase_value.units(),
        fees: template.fees,
        bits: template.bits.to_string(),
    });
    Json(ParentDetail {
        parent: parent_dto(&state),
        template,
        difficulty: state.template.as_deref().and_then(|template| difficulty(&api, template)),
    })
}

/// Parent chains with their share chains. What there is of one lane is below `/lanes/{name}/`, by the same paths as here of the
/// first.
#[utoipa::path(get, path = "/lanes", tag = "chain", params(Paged), responses((status = 200, body = List<Lane>), Refusals))]
pub(super) async fn lanes(
    State(api): State<ApiState>,
    Params(asked): Params<Paged>,
) -> Result<Json<List<Lane>>, Failure> {
    let plan = api.lanes.plan();
    let lane = |view: &LaneView| {
        let (chain, mined) = (view.chain.borrow().clone(), api.stratum.lane(view.id));
        let planned = plan.lanes().get(view.id.place());
        Lane {
            name: view.name.clone(),
            chain: view.profile.name.clone(),
            algorithm: view.profile.params.parent().pow.to_string(),
            active: chain.may_mine && view.parent.borrow().is_fresh(),
            weight_percent: planned.map_or(0.0, |planned| f64::from(planned.weight) / 100.0),
            share_height: chain.tip.height,
            workers: mined.workers,
            hashrate: mined.hashrate,
        }
    };
    let lanes: Vec<Lane> = api.lanes.views().iter().map(lane).collect();
    Ok(Json(asked.page()?.of(&lanes, Clone::clone)))
}

/// Difficulty of a block, as miners of its algorithm count it.
pub(super) fn difficulty(api: &ApiState, template: &Template) -> Option<f64> {
    Some(Difficulty::from_work(template.block_work()?, api.algorithm()).get())
}

pub(super) fn parent_dto(parent: &ParentState) -> Parent {
    let tip = parent.tip();
    let (ready, problem) = (parent.health == ParentHealth::Ready, parent_problem(&parent.health));
    let daemons = parent.daemons.iter().enumerate().map(|(index, daemon)| {
        let (ready, problem) = (daemon.health == ParentHealth::Ready, parent_problem(&daemon.health));
        Daemon {
            url: daemon.url.to_string(),
            chosen: index == parent.chosen && parent.health == ParentHealth::Ready,
            ready,
            problem,
            height: daemon.tip.map(|(_, height)| height),
            standing: match daemon.standing {
                Standing::Well => "well",
                Standing::Behind(_) => "behind",
                Standing::Disagrees => "disagrees",
            }
            .to_owned(),
        }
    });
    Parent {
        height: tip.map(|(_, height)| height),
        tip: tip.map(|(hash, _)| hash.to_string()),
        ready,
        problem,
        daemons: daemons.collect(),
    }
}
