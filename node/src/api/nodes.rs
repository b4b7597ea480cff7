//! `nodes`: whom the directory names to somebody who looks for a pool, and so to `poolnode nearest`.

use axum::{
    Json,
    extract::{Query, State},
    http::StatusCode,
};
use serde::Deserialize;

use super::{
    ApiState,
    dto::{List, ListedNode},
    routes::{Failure, problem},
};
use crate::{
    directory::{self, NodeAd, limits::ANSWER_LEN_MAX},
    region::{Region, UnknownRegion},
};

/// What may be asked for.
#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    /// Nodes that say they are there come first.
    region: Option<String>,
}

pub(super) async fn nodes(
    State(api): State<ApiState>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<List<ListedNode>>, Failure> {
    let unknown = |error: UnknownRegion| problem(StatusCode::BAD_REQUEST, "unknown region", &error.to_string());
    let region: Option<Region> = wanted.region.map(|region| region.parse().map_err(unknown)).transpose()?;
    let view = api.nodes.borrow().clone();
    let listed = view.candidates(region, ANSWER_LEN_MAX);
    Ok(Json(List::new(listed.into_iter().map(node_dto).collect())))
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
