//! What differs between the configuration of a running node and one that was read again: what can be taken over, and what needs
//! a restart.

use std::collections::BTreeSet;

use super::{Config, keys, settings::shown};

/// Keys that a running node takes over. Each has one owner that is told (`reload`).
const RELOADABLE: [&str; 7] = [
    "geo.asn_db",
    "geo.country_db",
    "log.filter",
    "stratum.connections_max",
    "stratum.fee_address",
    "stratum.fee_percent",
    "stratum.shed_load_above",
];

/// A key with another value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The key.
    pub key: String,
    /// Its value before, as TOML, and now. Secrets are hidden.
    pub before: String,
    /// See `before`.
    pub after: String,
}

/// What differs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Changes {
    /// What a running node takes over.
    pub taken: Vec<Change>,
    /// What it does not.
    pub needs_restart: Vec<Change>,
}

impl Config {
    /// What differs in `other`, in the order of names.
    pub fn changes(&self, other: &Self) -> Changes {
        let (before, after) = (self.values(), other.values());
        let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let words = |key: &str, value: Option<&toml::Value>| match value {
            Some(value) if keys::is_secret(key) || keys::is_list(key) => shown(key, value).to_string(),
            Some(value) => value.to_string(),
            None => "not set".to_owned(),
        };
        let mut changes = Changes::default();
        for key in keys.into_iter().filter(|key| before.get(*key) != after.get(*key)) {
            let change =
                Change { key: key.clone(), before: words(key, before.get(key)), after: words(key, after.get(key)) };
            let kind = if RELOADABLE.contains(&key.as_str()) { &mut changes.taken } else { &mut changes.needs_restart };
            kind.push(change);
        }
        changes
    }

    /// Becomes what `other` is in the keys that were taken over.
    pub(crate) fn take(&mut self, other: Self, taken: &[Change]) {
        self.log_filter = other.log_filter;
        self.geo = other.geo;
        self.stratum.fee = other.stratum.fee;
        self.stratum.connections_max = other.stratum.connections_max;
        self.stratum.shed_above = other.stratum.shed_above;
        for Change { key, .. } in taken {
            self.settings.replace(key, other.settings.get(key).cloned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Setting, Sources};

    fn config(settings: &[(&str, toml::Value)]) -> Config {
        let flags = settings.iter().map(|(key, value)| Setting::flag("--x", key, value.clone())).collect();
        Sources { flags, ..Sources::default() }.read().unwrap()
    }

    #[test]
    fn what_can_be_taken_over_is_apart_from_what_needs_a_restart() {
        let before = config(&[("stratum.connections_max", 100.into()), ("stratum.tls", false.into())]);
        let after = config(&[
            ("stratum.connections_max", 200.into()),
            ("log.filter", "debug".into()),
            ("stratum.password", "31337".into()),
        ]);
        let Changes { taken, needs_restart } = before.changes(&after);
        let words = |changes: Vec<Change>| -> Vec<String> {
            changes.into_iter().map(|change| format!("{}: {} -> {}", change.key, change.before, change.after)).collect()
        };
        assert_eq!(words(taken), ["log.filter: \"info\" -> \"debug\"", "stratum.connections_max: 100 -> 200"]);
        assert_eq!(words(needs_restart), ["stratum.password: not set -> \"(hidden)\"", "stratum.tls: false -> true"]);
    }

    #[test]
    fn a_default_that_is_written_down_is_no_change() {
        let written = config(&[("stratum.tls", true.into()), ("log.filter", "info".into())]);
        assert_eq!(config(&[]).changes(&written), Changes::default());
    }

    #[test]
    fn what_needs_a_restart_is_named_until_there_is_one() {
        let mut running = config(&[("stratum.tls", false.into())]);
        let file = config(&[("stratum.tls", true.into()), ("log.filter", "debug".into())]);
        let changes = running.changes(&file);
        running.take(file.clone(), &changes.taken);
        assert_eq!((running.log_filter.as_str(), &running.stratum.tls), ("debug", &crate::config::TlsConfig::Off));
        let again = running.changes(&file);
        assert_eq!((again.taken.len(), again.needs_restart), (0, changes.needs_restart));
    }

    #[test]
    fn every_key_that_can_be_taken_over_is_one() {
        assert!(RELOADABLE.iter().all(|key| keys::find(key).is_some()));
    }
}
