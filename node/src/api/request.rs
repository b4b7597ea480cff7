//! What a request may say: query, path and body, each refused in words when it is not understood.
//!
//! A parameter that nobody reads would be an option that does nothing, so unknown ones are refused.

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{StatusCode, request::Parts},
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use utoipa::{
    PartialSchema,
    openapi::{
        KnownFormat, RefOr, SchemaFormat,
        schema::{ObjectBuilder, Schema, Type},
    },
};

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

/// A whole number in this range. What is beyond it is refused, and not quietly taken for the nearest that is not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Within<const MIN: u64, const MAX: u64>(pub(super) u64);

/// A whole number that every JSON reader takes as it is.
pub(super) type Exact = Within<0, { (1 << 53) - 1 }>;
/// Unix seconds up to the last one of the year 9999.
pub(super) type Time = Within<0, 253_402_300_799>;

impl<'de, const MIN: u64, const MAX: u64> Deserialize<'de> for Within<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = || D::Error::custom(format!("expected a whole number, {MIN} to {MAX}"));
        let number = u64::deserialize(deserializer).map_err(|_| expected())?;
        if (MIN..=MAX).contains(&number) { Ok(Self(number)) } else { Err(expected()) }
    }
}

/// For the description of the API: `#[param(inline, nullable = false)]` on a parameter says its range.
impl<const MIN: u64, const MAX: u64> PartialSchema for Within<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        let number = ObjectBuilder::new().schema_type(Type::Integer);
        let number = number.format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)));
        number.minimum(Some(MIN)).maximum(Some(MAX)).into()
    }
}

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

    #[derive(Debug, Deserialize)]
    struct Numbers {
        points: Option<Within<1, 2_208>>,
    }

    #[tokio::test]
    async fn numbers_have_a_range_that_the_refusal_names() {
        for (query, points) in [("", None), ("?points=1", Some(1)), ("?points=2208", Some(2_208))] {
            assert_eq!(asked::<Numbers>(query).await.unwrap().points.map(|Within(points)| points), points, "{query}");
        }
        for wrong in ["0", "2209", "-1", "1.5", "1e3", "18446744073709551616", "", "many", "%ff", "0x10"] {
            let refused = asked::<Numbers>(&format!("?points={wrong}")).await.unwrap_err();
            let detail = crate::api::dto::Problem::from(&refused).detail;
            assert!(detail.contains("points: expected a whole number, 1 to 2208"), "{wrong}: {detail}");
        }
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
