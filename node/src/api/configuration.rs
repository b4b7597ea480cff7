//! What the node was told to do, by file, environment and flags, as it was at the start. Secrets are hidden.

use axum::{Json, extract::State};

use super::{
    ApiState,
    dto::{ConfigItem, List},
    page::Paged,
    problem::{Failure, Refusals},
    request::Params,
    viewer::Operators,
};
use crate::config::{ConfigEntry, Origin};

/// The configuration in effect, key by key, with where each value comes from.
#[utoipa::path(get, path = "/config", tag = "node", params(Paged), responses(
    (status = 200, body = List<ConfigItem>),
    Refusals,
))]
pub(super) async fn config(
    State(api): State<ApiState>,
    _: Operators,
    Params(asked): Params<Paged>,
) -> Result<Json<List<ConfigItem>>, Failure> {
    let page = asked.page()?;
    Ok(Json(page.of(&api.config.entries(), |entry: &ConfigEntry| {
        ConfigItem {
            key: entry.key.clone(),
            value: entry.value.clone(),
            origin: match entry.origin {
                Origin::Default => "default",
                Origin::File => "file",
                Origin::Env => "env",
                Origin::Flag => "flag",
            }
            .to_owned(),
            place: entry.place.clone(),
        }
    })))
}
