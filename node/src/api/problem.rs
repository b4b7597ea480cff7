//! Refusals: problem details of RFC 9457, in words that say what to do.

use std::collections::BTreeMap;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use utoipa::{
    IntoResponses,
    openapi::{Content, Ref, RefOr, ResponseBuilder},
};

use super::dto::Problem;

/// Media type of a refusal.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";
/// Kinds of problems are named below it.
const KINDS: &str = "https://poolnode.dev/problems/";

/// A refused request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    status: StatusCode,
    title: &'static str,
    detail: String,
}

/// A refusal; its kind is named by its title.
pub(crate) fn problem(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Failure {
    Failure { status, title, detail: detail.into() }
}

/// The task that was asked does not answer.
pub(crate) fn stopping() -> Failure {
    problem(StatusCode::SERVICE_UNAVAILABLE, "busy", "the node is stopping or overloaded; try again")
}

impl From<&Failure> for Problem {
    fn from(failure: &Failure) -> Self {
        Self {
            kind: format!("{KINDS}{}", failure.title.replace(' ', "-")),
            title: failure.title.to_owned(),
            status: failure.status.as_u16(),
            detail: failure.detail.clone(),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(Problem::from(&self))).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        response
    }
}

/// The refusals of every route, for its description.
#[derive(Debug)]
pub(crate) struct Refusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let refusals = [
            (StatusCode::BAD_REQUEST, "The request is not understood"),
            (StatusCode::UNAUTHORIZED, "The cookie or token is missing or wrong"),
            (StatusCode::FORBIDDEN, "The request came under an unknown host or from another site"),
            (StatusCode::NOT_FOUND, "There is no such thing"),
            (StatusCode::SERVICE_UNAVAILABLE, "The node is overloaded or stopping"),
        ];
        // These are answered before anybody looks at what is asked for, without a body.
        let unread = [
            (StatusCode::URI_TOO_LONG, "The path and query are too long"),
            (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "The request's head is longer than 8 KiB, or has too many fields",
            ),
        ];
        let plain = |(status, what): (StatusCode, &str)| {
            (status.as_str().to_owned(), RefOr::T(ResponseBuilder::new().description(what).build()))
        };
        refusals.map(described).into_iter().chain(unread.map(plain)).collect()
    }
}

/// The refusals of every route, and those of one that takes an order, for its description.
#[derive(Debug)]
pub(crate) struct OrderRefusals;

impl IntoResponses for OrderRefusals {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let refusals = [
            (StatusCode::PAYLOAD_TOO_LARGE, "The body is too long"),
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is not JSON"),
            (StatusCode::UNPROCESSABLE_ENTITY, "The body says something else"),
        ];
        Refusals::responses().into_iter().chain(refusals.map(described)).collect()
    }
}

/// A refusal with problem details.
fn described((status, what): (StatusCode, &str)) -> (String, RefOr<utoipa::openapi::Response>) {
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    let response = ResponseBuilder::new().description(what).content(PROBLEM_JSON, content).build();
    (status.as_str().to_owned(), RefOr::T(response))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_its_kind_and_media_type() {
        let failure = problem(StatusCode::NOT_FOUND, "unknown share", "this node has no such share");
        let told = Problem::from(&failure);
        assert_eq!(told.kind, "https://poolnode.dev/problems/unknown-share");
        assert_eq!((told.title.as_str(), told.status), ("unknown share", 404));
        let response = failure.into_response();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.headers()[CONTENT_TYPE], PROBLEM_JSON);
    }
}
