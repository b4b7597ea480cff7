//! `nodes`: whom the directory names to somebody who looks for a pool, and so to `poolnode nearest`.

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;

use super::{
    ApiState,
    dto::{List, ListedNode},
    page::Page,
    problem::{Failure, Refusals, problem},
    request::Params,
};
use crate::{
    directory::{self, NodeAd, limits::ANSWER_LEN_MAX},
    region::{Region, UnknownRegion},
};

/// What may be asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Nodes that say they are there come first: NA SA EU AF AS OC AN.
    #[param(nullable = false)]
    region: Option<String>,
    /// Most elements.
    #[param(minimum = 1, maximum = 1000, default = 100, nullable = false)]
    limit: Option<usize>,
    /// Where to go on: `meta.next` of the page before.
    #[param(nullable = false)]
    cursor: Option<String>,
}

/// Nodes of the directory, as they say of themselves.
#[utoipa::path(get, path = "/nodes", tag = "network", params(Wanted), responses((status = 200, body = List<ListedNode>), Refusals))]
pub(super) async fn nodes(
    State(api): State<ApiState>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<List<ListedNode>>, Failure> {
    let unknown = |error: UnknownRegion| problem(StatusCode::BAD_REQUEST, "unknown region", error.to_string());
    let page = Page::new(wanted.limit, wanted.cursor.as_deref())?;
    let region: Option<Region> = wanted.region.map(|region| region.parse().map_err(unknown)).transpose()?;
    let view = api.nodes.borrow().clone();
    let listed = view.candidates(region, ANSWER_LEN_MAX);
    Ok(Json(page.of(&listed, |node| node_dto(node))))
}

fn node_dto(node: &directory::ListedNode) -> ListedNode {
    let ad: &NodeAd = &node.signed.ad;
    ListedNode {
        peer_id: node.peer_id.to_string(),
        own: node.is_own,
        p2p: ad.addresses.iter().map(ToString::to_string).collect(),
        stratum: ad.endpoints.iter().map(ToString::to_string).collect(),
        region: ad.region.map(|region| region.to_string()),
        country: ad.country.map(|country| country.as_str().to_owned()),
        asn: node.asn,
        fee_basis_points: ad.fee_basis_points,
        capacity: ad.capacity,
        load: ad.load,
        agent: ad.agent.clone(),
        operator: ad.operator.map(|operator| hex::encode(operator.key.0)),
        first_seen: node.first_seen,
        issued: ad.issued,
        expires: ad.expires(),
    }
}
