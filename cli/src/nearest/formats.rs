//! What different miners want to be told of the chosen endpoints. Pure: endpoints in, text out.
//!
//! Only keys that the miner's own documentation or source names; where a miner takes fewer pools, the rest is left out.

use node::directory::{StratumProtocol, StratumUrl};
use serde_json::{Value, json};

/// What is written where a user name belongs and none was given.
pub(crate) const USER_PLACEHOLDER: &str = "ADDRESS.worker";
/// What every pool takes as a password.
const PASSWORD: &str = "x";

/// For whom the answer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// A table for people.
    #[default]
    Table,
    /// One URL a line.
    Url,
    /// `pools` of cgminer's configuration file.
    Cgminer,
    /// Body for PATCH /api/system of a Bitaxe (AxeOS).
    Bitaxe,
    /// A HiveOS flight sheet with a custom miner.
    Hiveos,
    /// `pools` of xmrig's configuration file.
    Xmrig,
    /// Everything that was measured.
    Json,
}

impl Format {
    /// Whether what the answer is for can use such an endpoint.
    pub(crate) fn takes(self, protocol: &StratumProtocol) -> bool {
        match (self, protocol) {
            (Self::Table | Self::Url | Self::Json, _) | (_, StratumProtocol::V1) => true,
            // A Bitaxe checks certificates, and those of pool nodes are mostly signed by themselves; cgminer has no TLS.
            (Self::Cgminer | Self::Bitaxe, StratumProtocol::V1Tls) => false,
            (Self::Hiveos | Self::Xmrig, StratumProtocol::V1Tls) => true,
            (_, StratumProtocol::V2(_)) => false,
        }
    }

    /// Whether the text names the miner's user.
    pub(crate) const fn has_user(self) -> bool {
        matches!(self, Self::Cgminer | Self::Bitaxe | Self::Hiveos | Self::Xmrig)
    }
}

/// `pools` of cgminer: it goes to the next one when one fails.
pub(crate) fn cgminer(chosen: &[&StratumUrl], user: &str) -> Value {
    let pool = |url: &&StratumUrl| json!({"url": url.to_string(), "user": user, "pass": PASSWORD});
    json!({"pools": chosen.iter().map(pool).collect::<Vec<_>>()})
}

/// A Bitaxe has one fall-back.
pub(crate) fn bitaxe(chosen: &[&StratumUrl], user: &str) -> Value {
    let mut body = json!({});
    for (prefix, url) in ["stratum", "fallbackStratum"].into_iter().zip(chosen) {
        body[format!("{prefix}URL")] = url.host.as_str().into();
        body[format!("{prefix}Port")] = url.port.into();
        body[format!("{prefix}User")] = user.into();
        body[format!("{prefix}Password")] = PASSWORD.into();
        body[format!("{prefix}TLS")] = 0.into();
    }
    body
}

/// A flight sheet: `%URL%` is each of the `pool_urls` in turn.
pub(crate) fn hiveos(chosen: &[&StratumUrl], user: &str, chain: &str) -> Value {
    // One switch for all pools, so the first one decides and the others have to be like it.
    let is_tls = |url: &StratumUrl| url.protocol == StratumProtocol::V1Tls;
    let all_tls = chosen.first().is_some_and(|first| is_tls(first));
    let urls = chosen.iter().filter(|url| is_tls(url) == all_tls).map(|url| format!("{}:{}", url.host, url.port));
    let config = json!({"url": "%URL%", "template": user, "pass": PASSWORD});
    let item = json!({
        "coin": chain,
        "pool_ssl": all_tls,
        "pool_urls": urls.collect::<Vec<_>>(),
        "miner": "custom",
        "miner_config": config,
    });
    json!({"name": "poolnode", "items": [item]})
}

/// `pools` of xmrig, which mines algorithms that no pool of this version has: for what understands the same file.
pub(crate) fn xmrig(chosen: &[&StratumUrl], user: &str) -> Value {
    let pool = |url: &&StratumUrl| {
        json!({
            "url": format!("{}:{}", url.host, url.port),
            "user": user,
            "pass": PASSWORD,
            "keepalive": true,
            "tls": url.protocol == StratumProtocol::V1Tls,
        })
    };
    json!({"pools": chosen.iter().map(pool).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    const URLS: [&str; 4] = [
        "stratum+tcp://a.pool.example:3333",
        "stratum+tcp://9.9.9.9:4444",
        "stratum+ssl://b.pool.example:3334",
        "stratum+tcp://[2a00::1]:3333",
    ];

    /// The text for the endpoints that the format takes.
    #[track_caller]
    fn check(format: Format, write: impl Fn(&[&StratumUrl], &str) -> Value, golden: &str) {
        let urls = URLS.map(|url| url.parse::<StratumUrl>().unwrap());
        let taken: Vec<&StratumUrl> = urls.iter().filter(|url| format.takes(&url.protocol)).collect();
        let written = serde_json::to_string_pretty(&write(&taken, "dn1q.rig")).unwrap();
        assert_eq!(written, golden.trim());
    }

    #[test]
    fn cgminer_reads_pools() {
        check(Format::Cgminer, cgminer, include_str!("golden/cgminer.json"));
    }

    #[test]
    fn a_bitaxe_has_one_fall_back_and_no_scheme() {
        check(Format::Bitaxe, bitaxe, include_str!("golden/bitaxe.json"));
    }

    #[test]
    fn a_flight_sheet_has_pools_of_one_kind() {
        check(Format::Hiveos, |urls, user| hiveos(urls, user, "devnet"), include_str!("golden/hiveos.json"));
    }

    #[test]
    fn xmrig_knows_tls_by_pool() {
        check(Format::Xmrig, xmrig, include_str!("golden/xmrig.json"));
    }

    #[test]
    fn only_what_asks_for_any_url_gets_stratum_v2() {
        let url: StratumUrl = "stratum2+tcp://a.pool.example:3336/KEY".parse().unwrap();
        for format in [Format::Cgminer, Format::Bitaxe, Format::Hiveos, Format::Xmrig] {
            assert!(!format.takes(&url.protocol) && format.has_user());
        }
        for format in [Format::Table, Format::Url, Format::Json] {
            assert!(format.takes(&url.protocol) && !format.has_user());
        }
    }
}
