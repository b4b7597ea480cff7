//! What an order to the API has to show: a secret in a file that only the node's user can read, new at each start.
//!
//! Loopback alone is not enough: other users of the machine, and pages in a browser on it, reach it too.

use std::{fmt, path::PathBuf};

use axum::http::{HeaderMap, header::AUTHORIZATION};
use subtle::ConstantTimeEq;

/// Bytes of the secret.
const COOKIE_LEN: usize = 32;

/// See the module.
#[derive(Clone)]
pub struct Cookie {
    secret: String,
    path: PathBuf,
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookie").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Cookie {
    /// A new secret for this file, which the caller writes.
    pub fn generate(path: PathBuf) -> Self {
        Self { secret: hex::encode(rand::random::<[u8; COOKIE_LEN]>()), path }
    }

    /// What the file holds.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The file.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Whether a request shows it.
    pub fn allows(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        shown.is_some_and(|shown| shown.as_bytes().ct_eq(self.secret.as_bytes()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_shows_the_whole_secret_is_allowed() {
        let cookie = Cookie::generate(PathBuf::new());
        let allows = |value: String| cookie.allows(&HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]));
        assert!(allows(format!("Bearer {}", cookie.secret())));
        assert!(!allows(format!("Bearer {}", &cookie.secret()[1..])));
        assert!(!allows("Bearer ".to_owned()) && !allows(cookie.secret().to_owned()));
        assert!(!cookie.allows(&HeaderMap::new()));
        assert!(!format!("{cookie:?}").contains(cookie.secret()));
    }
}
