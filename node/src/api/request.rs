//! What a request may say: query, path and body, each refused in words when it is not understood.
//!
//! A parameter that nobody reads would be an option that does nothing, so unknown ones are refused.

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{StatusCode, request::Parts},
};
use serde::{Deserialize, de::DeserializeOwned};

use super::problem::{Failure, problem};

/// The query of a request. `T` denies unknown fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Params<T>(pub(super) T);

/// A query without parameters.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoParams {}

/// The variable parts of a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named<T>(pub(super) T);

/// A JSON body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let asked = Query::try_from_uri(&parts.uri);
        asked
            .map(|Query(asked)| Self(asked))
            .map_err(|refused| problem(StatusCode::BAD_REQUEST, "bad query", refused.body_text()))
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let named = Path::from_request_parts(parts, state).await;
        named
            .map(|Path(named)| Self(named))
            .map_err(|refused| problem(StatusCode::BAD_REQUEST, "bad path", refused.body_text()))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let body = Json::from_request(request, state).await;
        body.map(|Json(body)| Self(body)).map_err(|refused| problem(refused.status(), "bad body", refused.body_text()))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;
    use crate::api::page::Paged;

    async fn asked<T: DeserializeOwned>(query: &str) -> Result<T, Failure> {
        let request = Request::get(format!("/api/v1/blocks{query}")).body(()).unwrap();
        Params::from_request_parts(&mut request.into_parts().0, &()).await.map(|Params(asked)| asked)
    }

    #[tokio::test]
    async fn what_nobody_reads_is_refused() {
        let detail = |failure: Failure| crate::api::dto::Problem::from(&failure).detail;
        assert!(asked::<NoParams>("").await.is_ok());
        let unknown = detail(asked::<NoParams>("?limit=1").await.unwrap_err());
        assert!(unknown.contains("unknown field `limit`"), "{unknown}");
        let unknown = detail(asked::<Paged>("?limt=1").await.unwrap_err());
        assert!(unknown.contains("expected `limit` or `cursor`"), "{unknown}");
        assert!(asked::<Paged>("?limit=many").await.is_err());
    }
}
