//! Who asks, and so what is shown: addresses in full, or masked for whoever looks at a public page.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use sharechain::PayoutScript;

use super::{
    ApiState,
    problem::{Failure, problem},
};

/// Characters that are left of each end of a masked text.
const ENDS: usize = 4;

/// Who asks. Whoever is not known to be more is a stranger.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Viewer {
    /// Somebody on the internet, who sees no whole address and nothing of the operator.
    #[default]
    Stranger,
    /// The operator, or somebody on the operator's machine.
    Operator,
}

impl Viewer {
    /// A script as the chain's addresses are written, whole or masked; `None` for a kind that has none there.
    pub(super) fn address(self, api: &ApiState, script: &PayoutScript) -> Option<String> {
        api.address(script).map(|address| self.text(address))
    }

    /// A text that tells as much as an address.
    pub(super) fn text(self, text: String) -> String {
        match self {
            Self::Operator => text,
            Self::Stranger => masked(&text),
        }
    }
}

/// The two ends of a text: enough to know one's own address by, and not enough to look for another's.
fn masked(text: &str) -> String {
    let len = text.chars().count();
    if len <= 2 * ENDS {
        return "…".to_owned();
    }
    text.chars().take(ENDS).chain(['…']).chain(text.chars().skip(len - ENDS)).collect()
}

impl<S: Send + Sync> FromRequestParts<S> for Viewer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or_default())
    }
}

/// Lets the operator pass and nobody else.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operators;

impl<S: Send + Sync> FromRequestParts<S> for Operators {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        match parts.extensions.get::<Viewer>().copied().unwrap_or_default() {
            Viewer::Operator => Ok(Self),
            Viewer::Stranger => Err(not_allowed()),
        }
    }
}

/// The cookie or token is missing or wrong.
pub(super) fn not_allowed() -> Failure {
    let detail = "send the cookie of the data directory, or the token, as `Authorization: Bearer ...`";
    problem(StatusCode::UNAUTHORIZED, "not allowed", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_masked_address_keeps_its_ends() {
        assert_eq!(masked("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"), "bc1q…f3t4");
        assert_eq!(masked("12345678"), "…");
        assert_eq!(masked("ä€12345ß8"), "ä€12…45ß8");
        assert_eq!(Viewer::default(), Viewer::Stranger, "who is not known to be more sees less");
    }
}
