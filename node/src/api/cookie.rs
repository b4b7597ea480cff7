//! What the operator shows to the API: a secret in a file that only the node's user can read, new at each start, or the
//! operator's own token, which stays.
//!
//! Loopback alone is not enough for orders: other users of the machine, and pages in a browser on it, reach it too.

use std::{fmt, path::PathBuf};

use axum::http::{HeaderMap, header::AUTHORIZATION};
use subtle::ConstantTimeEq;

/// Bytes of the secret.
const COOKIE_LEN: usize = 32;
/// Characters of a token: no fewer than nobody guesses, no more than a header holds.
const TOKEN_LEN: std::ops::RangeInclusive<usize> = 16..=512;

/// See the module.
#[derive(Clone)]
pub struct Cookie {
    secret: String,
    /// The operator's own, where there is one.
    token: Option<String>,
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
        Self { secret: hex::encode(rand::random::<[u8; COOKIE_LEN]>()), token: None, path }
    }

    /// The same, and a token that stays; `None` when that is no secret: it must be printable and long enough not to be guessed.
    pub fn with_token(self, token: &str) -> Option<Self> {
        let token = token.trim();
        let is_secret = TOKEN_LEN.contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic());
        is_secret.then(|| Self { token: Some(token.to_owned()), ..self })
    }

    /// What the file holds.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The file.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Whether a request shows it, or the token.
    pub fn allows(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let is_shown = |secret: &str| shown.is_some_and(|shown| shown.as_bytes().ct_eq(secret.as_bytes()).into());
        is_shown(&self.secret) | self.token.as_deref().is_some_and(is_shown)
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
        let both = cookie.clone().with_token(" 0123456789abcdef\n").unwrap();
        let allows = |value: &str| both.allows(&HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]));
        assert!(allows("Bearer 0123456789abcdef") && allows(&format!("Bearer {}", cookie.secret())));
        assert!(!allows("Bearer 0123456789abcde") && !allows("Bearer"));
        for weak in ["", "short", "0123456789 abcdef", &"x".repeat(513)] {
            assert!(cookie.clone().with_token(weak).is_none(), "{weak}");
        }
        assert!(!format!("{both:?}").contains("0123"));
        assert!(!format!("{cookie:?}").contains(cookie.secret()));
    }
}
