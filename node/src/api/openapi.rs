//! The table of routes, and its description: one and the same, so that no route is without one.

use std::sync::LazyLock;

use axum::{Json, Router};
use utoipa::{
    Modify, OpenApi,
    openapi::security::{Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState, blocks, configuration, connect, diagnosis,
    dto::Problem,
    events, health, history,
    lane_routes::BASE,
    miners, nodes, paid, parent, payouts, peers,
    problem::Refusals,
    request::{NoParams, Params},
    shares, status, store, switching, workers,
};

/// What is said of the whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "poolnode",
        description = "A peer-to-peer mining pool node. Amounts are integers in base units of the coin, times are Unix seconds, \
                       work is expected hashes. Lists are paged: ask for `limit` elements and go on with `meta.next` as `cursor`."
    ),
    components(schemas(Problem)),
    modifiers(&Bearer),
    tags(
        (name = "node", description = "This node"),
        (name = "miners", description = "Who mines here, and what they are paid"),
        (name = "chain", description = "The share chain, the parent chain, and blocks"),
        (name = "network", description = "Peers and other nodes"),
    ),
)]
struct Description;

/// What orders have to show.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        openapi.components.get_or_insert_default().add_security_scheme("bearer", bearer);
    }
}

/// Every route with its description.
fn described() -> (Router<ApiState>, utoipa::openapi::OpenApi) {
    let routes = OpenApiRouter::new()
        .routes(routes!(status::status))
        .routes(routes!(status::health))
        .routes(routes!(health::components))
        .routes(routes!(health::emergencies))
        .routes(routes!(health::drain))
        .routes(routes!(diagnosis::diagnostics))
        .routes(routes!(configuration::config))
        .routes(routes!(connect::connect))
        .routes(routes!(workers::workers))
        .routes(routes!(miners::miner))
        .routes(routes!(shares::list))
        .routes(routes!(shares::dag))
        .routes(routes!(shares::share))
        .routes(routes!(blocks::blocks))
        .routes(routes!(payouts::payouts))
        .routes(routes!(paid::history))
        .routes(routes!(paid::proof))
        .routes(routes!(paid::audit))
        .routes(routes!(parent::parent))
        .routes(routes!(parent::lanes))
        .routes(routes!(switching::switching))
        .routes(routes!(switching::decisions))
        .routes(routes!(switching::order))
        .routes(routes!(peers::network))
        .routes(routes!(peers::list))
        .routes(routes!(peers::bans))
        .routes(routes!(peers::order))
        .routes(routes!(nodes::nodes))
        .routes(routes!(store::page))
        .routes(routes!(events::sse))
        .routes(routes!(events::ws))
        .routes(routes!(history::hashrate))
        .routes(routes!(nodes::nearest))
        .routes(routes!(openapi));
    OpenApiRouter::with_openapi(Description::openapi()).nest(BASE, routes).split_for_parts()
}

/// Every route of the API.
pub(super) fn router() -> Router<ApiState> {
    described().0
}

/// The description of the API (OpenAPI 3.1), as pretty JSON that ends with a line feed.
pub fn openapi_json() -> String {
    let mut json = described().1.to_pretty_json().unwrap_or_default();
    json.push('\n');
    json
}

/// The description of this API.
#[utoipa::path(get, path = "/openapi.json", tag = "node", responses((status = 200, body = serde_json::Value), Refusals))]
async fn openapi(_: Params<NoParams>) -> Json<&'static utoipa::openapi::OpenApi> {
    // Putting it together takes milliseconds.
    static DESCRIBED: LazyLock<utoipa::openapi::OpenApi> = LazyLock::new(|| described().1);
    Json(&DESCRIBED)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn the_committed_description_is_what_the_code_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api/openapi.json");
        let committed = fs::read_to_string(&path).unwrap_or_default();
        let hint = "docs/api/openapi.json is out of date; run: cargo run -p cli -- openapi > docs/api/openapi.json";
        assert!(committed == openapi_json(), "{hint}");
    }

    #[test]
    fn every_route_says_what_it_answers_and_refuses() {
        let (_, openapi) = described();
        let json = serde_json::to_value(&openapi).unwrap();
        assert_eq!(json["openapi"], "3.1.0");
        for (path, methods) in json["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let responses = operation["responses"].as_object().unwrap();
                assert!(path.starts_with(BASE) && operation["summary"].is_string(), "{method} {path}");
                assert!(
                    (responses.contains_key("200") || responses.contains_key("101")) && responses.contains_key("503"),
                    "{method} {path}"
                );
            }
        }
    }
}
