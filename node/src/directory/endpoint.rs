//! Where miners connect to: the URL of an endpoint, and the hosts that may stand in one.
//!
//! A host of an ad ends up in terminals, in configuration files of miners and in connections of strangers, so there is
//! exactly one spelling and nothing in it can mean something else to somebody. This module never resolves a name.

use std::{fmt, net::IpAddr, str::FromStr};

use super::limits::{AUTHORITY_KEY_LEN_MAX, HOST_LEN_MAX};
use crate::netgroup::is_routable;

/// What is spoken at an endpoint.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum StratumProtocol {
    /// Stratum V1.
    V1,
    /// Stratum V1 inside TLS.
    V1Tls,
    /// Stratum V2: with the key that miners know the node by, as they write it.
    V2(AuthorityKey),
}

/// A Stratum V2 authority key as text; whether it is the node's is seen when somebody connects.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct AuthorityKey(String);

/// An IP address or a lower-case DNS name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Host(String);

/// Where miners connect to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct StratumUrl {
    /// What is spoken there.
    pub protocol: StratumProtocol,
    /// The host.
    pub host: Host,
    /// The port, never 0.
    pub port: u16,
}

/// The text is no endpoint.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{0:?} is no endpoint like stratum+tcp://pool.example:3333, stratum+ssl://pool.example:3333 or \
     stratum2+tcp://pool.example:3336/KEY"
)]
pub struct InvalidStratumUrl(String);

impl Host {
    /// The host with this spelling, if it is the one spelling of a host.
    pub fn parse(text: &str) -> Option<Self> {
        let is_address = text.parse::<IpAddr>().is_ok_and(|address| address.to_string() == text);
        (text.len() <= HOST_LEN_MAX && (is_address || is_name(text))).then(|| Self(text.to_owned()))
    }

    /// As it is written, without brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address, where it is one.
    pub fn address(&self) -> Option<IpAddr> {
        self.0.parse().ok()
    }

    /// Whether machines elsewhere can mean the same by it: an address or a name of the public internet.
    pub fn is_public(&self) -> bool {
        match self.address() {
            Some(address) => is_routable(address),
            None => {
                let last = self.0.rsplit('.').next().unwrap_or_default();
                self.0.contains('.') && !["local", "localhost", "internal", "lan", "home", "arpa"].contains(&last)
            }
        }
    }
}

/// Letters, digits and hyphens in labels. The last label begins with a letter: `127.1` and `0x7f.1` are addresses to
/// many resolvers.
fn is_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.split('.').all(label) && last.starts_with(|letter: char| letter.is_ascii_lowercase())
}

impl AuthorityKey {
    /// The key with this spelling: letters and digits.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=AUTHORITY_KEY_LEN_MAX).contains(&text.len());
        (fits && text.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| Self(text.to_owned()))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An IPv6 address is the only host with a colon.
        if self.0.contains(':') { write!(f, "[{}]", self.0) } else { f.write_str(&self.0) }
    }
}

impl fmt::Display for StratumUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, host, port } = self;
        match protocol {
            StratumProtocol::V1 => write!(f, "stratum+tcp://{host}:{port}"),
            StratumProtocol::V1Tls => write!(f, "stratum+ssl://{host}:{port}"),
            StratumProtocol::V2(key) => write!(f, "stratum2+tcp://{host}:{port}/{}", key.as_str()),
        }
    }
}

impl FromStr for StratumUrl {
    type Err = InvalidStratumUrl;

    fn from_str(text: &str) -> Result<Self, InvalidStratumUrl> {
        parse(text).ok_or_else(|| InvalidStratumUrl(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<StratumUrl> {
    let (scheme, rest) = text.split_once("://")?;
    let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
    let protocol = match scheme {
        "stratum+tcp" if path.is_empty() => StratumProtocol::V1,
        "stratum+ssl" | "stratum+tcps" | "stratum+tls" if path.is_empty() => StratumProtocol::V1Tls,
        "stratum2+tcp" => StratumProtocol::V2(AuthorityKey::parse(path)?),
        _ => return None,
    };
    let (host, port) = place.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.strip_suffix(']').filter(|host| host.contains(':'))?,
        None => Some(host).filter(|host| !host.contains(':'))?,
    };
    // People write names in any case; only one spelling travels.
    let host = Host::parse(&host.to_ascii_lowercase())?;
    let port = port.parse().ok().filter(|port| *port != 0)?;
    Some(StratumUrl { protocol, host, port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_and_written_in_one_spelling() {
        for (text, written) in [
            ("stratum+tcp://Pool.Example:3333", "stratum+tcp://pool.example:3333"),
            ("stratum+tcps://pool.example:3333/", "stratum+ssl://pool.example:3333"),
            ("stratum+ssl://9.9.9.9:1", "stratum+ssl://9.9.9.9:1"),
            ("stratum+tcp://[2a00::1]:65535", "stratum+tcp://[2a00::1]:65535"),
            ("stratum2+tcp://pool.example:3336/9bXiEd8boQ", "stratum2+tcp://pool.example:3336/9bXiEd8boQ"),
        ] {
            let endpoint: StratumUrl = text.parse().unwrap();
            assert_eq!(endpoint.to_string(), written);
            assert_eq!(written.parse(), Ok(endpoint));
        }
    }

    #[test]
    fn what_could_mean_something_else_is_no_endpoint() {
        for text in [
            "pool.example:3333",
            "http://pool.example:3333",
            "stratum+tcp://pool.example",
            "stratum+tcp://pool.example:0",
            "stratum+tcp://pool.example:65536",
            "stratum+tcp://pool.example:3333/path",
            "stratum+tcp://user@pool.example:3333",
            "stratum+tcp://pool example:3333",
            "stratum+tcp://pool.example\x1b[31m:3333",
            "stratum+tcp://-pool.example:3333",
            "stratum+tcp://pool..example:3333",
            "stratum+tcp://127.1:3333",
            "stratum+tcp://0x7f.1:3333",
            "stratum+tcp://2130706433:3333",
            "stratum+tcp://::1:3333",
            "stratum+tcp://[pool.example]:3333",
            "stratum2+tcp://pool.example:3336",
            "stratum2+tcp://pool.example:3336/a/b",
        ] {
            assert!(text.parse::<StratumUrl>().is_err(), "{text}");
        }
        assert_eq!(Host::parse("2A00::1"), None, "another spelling of an address");
        assert_eq!(Host::parse(&format!("{}.a", "a".repeat(64))), None);
    }

    #[test]
    fn local_networks_are_not_public() {
        for host in ["9.9.9.9", "2a00::1", "pool.example", "a.b.c.xn--p1ai"] {
            assert!(Host::parse(host).unwrap().is_public(), "{host}");
        }
        for host in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "100.64.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "203.0.113.7",
            "::1",
            "fe80::1",
            "fd00::1",
            "2001:db8::1",
            "::ffff:10.0.0.1",
            "localhost",
            "rig",
            "rig.local",
            "a.localhost",
        ] {
            assert!(!Host::parse(host).unwrap().is_public(), "{host}");
        }
    }
}
