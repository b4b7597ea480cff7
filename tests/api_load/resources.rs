//! What there is to ask for: every readable resource of the API's own description, so that none is forgotten.

use anyhow::Context;
use node::api::openapi_json;
use serde_json::Value;
use testnet::process::NodeProcess;

/// Where the API of this version is.
const BASE: &str = "/api/v1";
/// Elements of the longest page.
const LIMIT_MAX: &str = "limit=1000";

/// Paths with all they need; lists twice, with the usual page and with the longest.
pub(crate) async fn of(node: &NodeProcess) -> anyhow::Result<Vec<String>> {
    let api: Value = serde_json::from_str(&openapi_json()).context("the API is not described")?;
    let paths = api["paths"].as_object().context("no paths")?;
    let share = node.api.status().await?.share_tip;
    let workers: Value = node.api.get("workers?limit=1").await?;
    let address = workers["data"][0]["address"].as_str().context("no worker has an address")?.to_owned();
    let mut resources = Vec::new();
    for (path, methods) in paths {
        // A stream has no end to wait for; a block's audit and proof need a block of the pool, which nobody finds here.
        if methods["get"].is_null() || path.contains("/events") || path.contains("{block}") {
            continue;
        }
        let path = path.replace("{id}", &share).replace("{address}", &address);
        let parameters = methods["get"]["parameters"].as_array();
        let is_list = parameters.is_some_and(|all| all.iter().any(|parameter| parameter["name"] == "limit"));
        if is_list {
            resources.push(format!("{path}?{LIMIT_MAX}"));
        }
        resources.push(path);
    }
    for query in [
        "workers?sort=hashrate&limit=1000",
        "workers?sort=name&search=rig99",
        "shares?own=true&limit=1000",
        "shares/dag?heights=200",
    ] {
        resources.push(format!("{BASE}/{query}"));
    }
    resources.push(format!("{BASE}/shares?address={address}"));
    resources.push(format!("{BASE}/history/hashrate?address={address}"));
    resources.push("/metrics".to_owned());
    Ok(resources)
}
