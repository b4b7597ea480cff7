//! The effective configuration as a list: every key with its value and where that comes from. Secrets are hidden.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::{Value, de::ValueDeserializer};

use super::{Config, Origin, Place, keys, settings::shown};
use crate::chain_profile::ChainProfile;

/// One key.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ConfigEntry {
    /// Section and name: `stratum.fee_percent`.
    pub key: String,
    /// Its effective value; null where there is none, [`HIDDEN`](super::HIDDEN) where it is a secret.
    pub value: serde_json::Value,
    /// Where it comes from.
    pub origin: Origin,
    /// Exactly where: `node.toml:12:1`, the name of a variable or of a flag.
    pub place: Option<String>,
}

impl Config {
    /// Every key in the order of the sample; keys of sections that are examples only where they are set. Of a configuration
    /// that was not read by [`Sources`](super::Sources) all keys show their defaults.
    pub fn entries(&self) -> Vec<ConfigEntry> {
        let values = self.values();
        let entry = |key: &str| {
            let place = self.settings.get(key).map(|(_, place)| place);
            let value = values.get(key).map(|value| shown(key, value));
            if place.is_none() && is_optional(key) {
                return None;
            }
            Some(ConfigEntry {
                key: key.to_owned(),
                value: value.unwrap_or_default(),
                origin: place.map_or(Origin::Default, Place::origin),
                place: place.map(Place::to_string),
            })
        };
        known_paths().filter_map(entry).collect()
    }

    /// Every key that has a value, with its secrets.
    pub(super) fn values(&self) -> BTreeMap<String, Value> {
        let defaults = chain_defaults(&self.chain);
        let value = |key: &str| match self.settings.get(key) {
            Some((value, _)) => Some(value.clone()),
            None if is_optional(key) => None,
            None => {
                let of_chain = defaults.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone());
                of_chain.or_else(|| keys::find(key)?.default())
            }
        };
        known_paths().filter_map(|key| Some((key.to_owned(), value(key)?))).collect()
    }
}

/// The keys of the sample; a list of tables is one of them.
fn known_paths() -> impl Iterator<Item = &'static str> {
    let path = |key: &'static keys::Key| keys::list_of(&key.path).unwrap_or(&key.path);
    let mut paths: Vec<&str> = keys::known().iter().map(path).collect();
    // The keys of a list stand together.
    paths.dedup();
    paths.into_iter()
}

/// Keys that mean nothing unless their section is used.
fn is_optional(key: &str) -> bool {
    key.starts_with("custom.") || keys::is_list(key)
}

impl ConfigEntry {
    /// The line of a file that would set it; under a comment where nobody sets it to anything.
    pub fn line(&self) -> String {
        match Value::try_from(&self.value) {
            Ok(value) => format!("{} = {value}", self.key),
            Err(_) => format!("# {} is not set", self.key),
        }
    }
}

impl keys::Key {
    /// What it is when nobody sets it.
    fn default(&self) -> Option<Value> {
        if self.is_example { None } else { ValueDeserializer::parse(self.value).and_then(Value::deserialize).ok() }
    }
}

/// Keys whose default depends on the chain; the sample shows those of the devnet.
pub(super) const CHAIN_DEFAULTS: [&str; 6] =
    ["data_dir", "devnet.listen", "stratum.listen", "p2p.listen", "p2p.local_addresses", "api.listen"];

/// Their defaults.
pub(super) fn chain_defaults(chain: &ChainProfile) -> [(&'static str, Value); 6] {
    let ports = chain.ports;
    let loopback = |port: u16| Value::from(format!("127.0.0.1:{port}"));
    let any = |transport: &str| format!("/ip4/0.0.0.0/{transport}").replace("PORT", &ports.p2p.to_string());
    let [data_dir, devnet, stratum, p2p, local_addresses, api] = CHAIN_DEFAULTS;
    [
        (data_dir, format!("~/.poolnode/{}", chain.name).into()),
        (devnet, loopback(ports.devnet_rpc)),
        (stratum, loopback(ports.stratum)),
        (p2p, vec![any("tcp/PORT"), any("udp/PORT/quic-v1")].into()),
        (local_addresses, chain.is_local.into()),
        (api, loopback(ports.api)),
    ]
}
