//! Who may ask for what: by the name the node is asked under, by the page that asks, by where the question comes from, and by what
//! it shows. [`Access::judge`] is pure; the server gives it requests.
//!
//! | request | answer |
//! |---|---|
//! | under a name that is not this node's | refused: a page elsewhere may have its name point here (DNS rebinding) |
//! | from a page of another site | refused |
//! | with cookie or token | the operator |
//! | from this machine, not through a proxy, `api.public` off | the operator |
//! | any other, `api.public` on | a stranger: reads, with addresses masked |
//! | any other | the page itself, and nothing of what the node knows |

use std::net::{IpAddr, SocketAddr};

use axum::http::{
    HeaderMap, HeaderName, StatusCode,
    header::{FORWARDED, HOST, ORIGIN},
};

use super::{
    Cookie,
    problem::{Failure, problem},
    viewer::{Viewer, not_allowed},
};

use crate::{
    config::ApiAccess,
    data_dir::{DataDir, file_error, refuse_loose_mode},
    error::NodeError,
};

/// What a proxy on this machine may add; with it a question is not believed to come from here.
const FORWARDED_BY: [HeaderName; 2] =
    [HeaderName::from_static("x-forwarded-for"), HeaderName::from_static("x-real-ip")];
/// Below these, answers say what the node knows; everything else is the page.
const KNOWLEDGE: [&str; 5] = ["/api", "/local", "/metrics", "/pool", "/network"];

/// The terms of access.
#[derive(Clone, Debug)]
pub struct Access {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Whether anybody may read.
    pub is_public: bool,
    /// Names that the node is asked under, besides addresses and `localhost`: lower case, without a port.
    pub hosts: Vec<String>,
    /// What the operator shows.
    pub cookie: Cookie,
}

impl Access {
    /// The operator's terms for an API that listens there.
    ///
    /// # Errors
    /// When the cookie cannot be written, or the token's file cannot be read, can be read by others, or holds no token.
    pub fn open(terms: &ApiAccess, data_dir: &DataDir, listen: SocketAddr) -> Result<Self, NodeError> {
        let mut cookie = data_dir.new_cookie()?;
        if let Some(path) = &terms.token_file {
            refuse_loose_mode(path)?;
            let token = std::fs::read_to_string(path).map_err(file_error("read", path))?;
            cookie = cookie.with_token(&token).ok_or_else(|| NodeError::ApiToken(path.clone()))?;
        }
        Ok(Self { listen, is_public: terms.public, hosts: terms.hosts.clone(), cookie })
    }

    /// Who asks.
    ///
    /// # Errors
    /// When the request is refused whatever it asks for.
    pub(super) fn judge(&self, headers: &HeaderMap, path: &str, remote: IpAddr) -> Result<Viewer, Failure> {
        let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let host = text(HOST).unwrap_or_default();
        if !self.is_own_host(host) {
            return Err(unknown_host());
        }
        if text(ORIGIN).is_some_and(|origin| !is_same_site(origin, host)) {
            let detail = "pages of other sites may not ask this node";
            return Err(problem(StatusCode::FORBIDDEN, "other origin", detail));
        }
        if self.cookie.allows(headers) {
            return Ok(Viewer::Operator);
        }
        let is_forwarded =
            headers.contains_key(FORWARDED) || FORWARDED_BY.iter().any(|name| headers.contains_key(name));
        let is_here = remote.to_canonical().is_loopback() && !is_forwarded && is_this_machine(name_of(host));
        let is_below =
            |base: &str| path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let is_knowledge = KNOWLEDGE.into_iter().any(is_below);
        match (self.is_public, is_here) {
            (false, true) => Ok(Viewer::Operator),
            (true, _) => Ok(Viewer::Stranger),
            (false, false) if is_knowledge => Err(not_allowed()),
            (false, false) => Ok(Viewer::Stranger),
        }
    }

    fn is_own_host(&self, host: &str) -> bool {
        let name = name_of(host);
        // No name can be made to point at a page that was loaded from an address.
        let is_address = !self.listen.ip().is_loopback() && name.parse::<IpAddr>().is_ok();
        is_this_machine(name) || is_address || self.hosts.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

/// A host without its port and brackets.
fn name_of(host: &str) -> &str {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !name.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name)
}

/// Whether only this machine is reached by the name.
fn is_this_machine(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Whether a page of this origin was served under this host.
fn is_same_site(origin: &str, host: &str) -> bool {
    let rest = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    rest.is_some_and(|rest| rest.eq_ignore_ascii_case(host))
}

fn unknown_host() -> Failure {
    let detail = "ask under a loopback address or localhost, or name this host in api.hosts";
    problem(StatusCode::FORBIDDEN, "unknown host", detail)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use axum::http::header::AUTHORIZATION;

    use super::*;

    const HERE: &str = "127.0.0.1";
    const ELSEWHERE: &str = "203.0.113.7";

    fn access(listen: &str, is_public: bool) -> Access {
        let listen = format!("{listen}:23380").parse().unwrap();
        Access { listen, is_public, hosts: vec!["pool.example".to_owned()], cookie: Cookie::generate(PathBuf::new()) }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn judged(access: &Access, remote: &str, headers: &[(HeaderName, &str)]) -> Result<Viewer, u16> {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        let judged = access.judge(&headers, "/api/v1/status", ip(remote));
        judged.map_err(|failure| crate::api::dto::Problem::from(&failure).status)
    }

    #[test]
    fn only_own_names_are_answered() {
        let by = |listen, host| judged(&access(listen, false), HERE, &[(HOST, host)]).is_ok();
        for own in ["localhost", "LocalHost:23380", "127.9.9.9:1", "[::1]:23380"] {
            assert!(by(HERE, own), "{own}");
        }
        for other in
            ["evil.example", "", "192.168.1.5:23380", "localhost.evil.example", "127.0.0.1.evil.example", ":80"]
        {
            assert!(!by(HERE, other), "{other}");
        }
        let remote = |host| judged(&access("0.0.0.0", true), ELSEWHERE, &[(HOST, host)]);
        for own in ["192.168.1.5:23380", "[2001:db8::1]:80", "pool.example", "Pool.Example:443"] {
            assert_eq!(remote(own), Ok(Viewer::Stranger), "{own}");
        }
        assert_eq!(remote("evil.example"), Err(403));
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let by = |origin| judged(&access(HERE, false), HERE, &[(HOST, "localhost:23380"), (ORIGIN, origin)]);
        assert_eq!(by("http://localhost:23380"), Ok(Viewer::Operator));
        for other in ["http://localhost", "http://evil.example", "null", "localhost:23380", "ftp://localhost:23380"] {
            assert_eq!(by(other), Err(403), "{other}");
        }
    }

    #[test]
    fn from_elsewhere_the_token_decides_unless_the_page_is_public() {
        let (closed, public) = (access("0.0.0.0", false), access("0.0.0.0", true));
        let address = [(HOST, "192.168.1.5:23380")];
        assert_eq!(judged(&closed, ELSEWHERE, &address), Err(401));
        assert_eq!(judged(&public, ELSEWHERE, &address), Ok(Viewer::Stranger));
        assert_eq!(judged(&public, HERE, &[(HOST, "localhost")]), Ok(Viewer::Stranger));
        for access in [&closed, &public] {
            let bearer = format!("Bearer {}", access.cookie.secret());
            let shown = [(HOST, "192.168.1.5:23380"), (AUTHORIZATION, bearer.as_str())];
            assert_eq!(judged(access, ELSEWHERE, &shown), Ok(Viewer::Operator));
            let wrong = [(HOST, "192.168.1.5:23380"), (AUTHORIZATION, "Bearer 00")];
            assert_ne!(judged(access, ELSEWHERE, &wrong), Ok(Viewer::Operator));
        }
        let headers = HeaderMap::from_iter([(HOST, "192.168.1.5".parse().unwrap())]);
        let page = closed.judge(&headers, "/assets/app.js", ELSEWHERE.parse().unwrap());
        assert_eq!(page, Ok(Viewer::Stranger), "the page itself is no secret");
    }

    #[test]
    fn what_a_proxy_passes_on_does_not_come_from_here() {
        let closed = access(HERE, false);
        assert_eq!(judged(&closed, HERE, &[(HOST, "localhost")]), Ok(Viewer::Operator));
        assert_eq!(judged(&closed, "::ffff:127.0.0.1", &[(HOST, "localhost")]), Ok(Viewer::Operator));
        assert_eq!(judged(&closed, HERE, &[(HOST, "pool.example")]), Err(401));
        for name in FORWARDED_BY.into_iter().chain([FORWARDED]) {
            assert_eq!(judged(&closed, HERE, &[(HOST, "localhost"), (name, "for=203.0.113.7")]), Err(401));
        }
    }
}
