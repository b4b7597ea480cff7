//! `nodes`: whom the directory names to somebody who looks for a pool, and so to `poolnode nearest`.

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;

use super::{
    ApiState,
    dto::{List, ListedNode, NearNode},
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
    /// Nodes that say they are there come first: NA SA EU AF AS OC AN, in any case.
    #[param(nullable = false, pattern = "^([nN][aA]|[sS][aA]|[eE][uU]|[aA][fF]|[aA][sS]|[oO][cC]|[aA][nN])$")]
    region: Option<String>,
    /// Most elements.
    #[param(minimum = 1, maximum = 1000, default = 100, nullable = false)]
    limit: Option<usize>,
    /// Where to go on: `meta.next` of the page before.
    #[param(nullable = false, pattern = "^[0-9]{1,19}$")]
    cursor: Option<String>,
}

/// Nodes of the directory, as they say of themselves.
#[utoipa::path(get, path = "/nodes", tag = "network", params(Wanted), responses((status = 200, body = List<ListedNode>), Refusals))]
pub(super) async fn nodes(
    State(api): State<ApiState>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<List<ListedNode>>, Failure> {
    let page = Page::new(wanted.limit, wanted.cursor.as_deref())?;
    let region = region(wanted.region.as_deref())?;
    let view = api.nodes.borrow().clone();
    let listed = view.candidates(region, ANSWER_LEN_MAX);
    Ok(Json(page.of(&listed, |node| node_dto(node))))
}

/// Nodes of the directory, the nearest to this node first: those with a measured round trip, then those of the region.
#[utoipa::path(get, path = "/nearest", tag = "network", params(Wanted), responses(
    (status = 200, body = List<NearNode>),
    Refusals,
))]
pub(super) async fn nearest(
    State(api): State<ApiState>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<List<NearNode>>, Failure> {
    let page = Page::new(wanted.limit, wanted.cursor.as_deref())?;
    let region = region(wanted.region.as_deref())?.or(api.region);
    let (view, peers) = (api.nodes.borrow().clone(), api.peers.borrow().clone());
    let rtt_of = |node: &directory::ListedNode| {
        let peer = peers.peers.iter().find(|peer| peer.peer_id == node.peer_id)?;
        Some(peer.rtt_min?.as_secs_f64() * 1_000.0)
    };
    let listed = view.candidates(region, ANSWER_LEN_MAX);
    let mut ranked: Vec<_> = listed.into_iter().map(|node| (rtt_of(node), node)).collect();
    // Stable, so those that nobody measured stay in the order of their regions.
    ranked.sort_by(|(a, _), (b, _)| a.unwrap_or(f64::INFINITY).total_cmp(&b.unwrap_or(f64::INFINITY)));
    Ok(Json(page.of(&ranked, |(rtt_ms, node)| NearNode { node: node_dto(node), rtt_ms: *rtt_ms })))
}

fn region(name: Option<&str>) -> Result<Option<Region>, Failure> {
    let unknown = |error: UnknownRegion| problem(StatusCode::BAD_REQUEST, "unknown region", error.to_string());
    name.map(|name| name.parse().map_err(unknown)).transpose()
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
