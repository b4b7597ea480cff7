//! Variables of the environment: `POOLNODE__STRATUM__LISTEN` is `listen` of `[stratum]`.
//!
//! Two underscores between the parts, because names of keys have single ones, and because what others set for a program of
//! this name (Kubernetes: `POOLNODE_PORT`) has none. Every variable with this beginning is a key or refused.

use std::ffi::OsString;

use serde::Deserialize;
use toml::{Table, Value, de::ValueDeserializer};

use super::{
    ConfigError, RawConfig,
    file::UnknownKey,
    keys,
    settings::{Place, Setting, insert},
};

/// What the variables begin with.
pub(super) const PREFIX: &str = "POOLNODE__";
const SEPARATOR: &str = "__";
/// The variable that was there before the others, and the key it stands for.
const LOG: (&str, &str) = ("POOLNODE_LOG", "log.filter");

/// The keys among these variables.
///
/// # Errors
/// [`ConfigError::UnknownKeys`] and [`ConfigError::Value`].
pub(super) fn read(variables: &[(OsString, OsString)]) -> Result<Vec<Setting>, ConfigError> {
    let (mut settings, mut unknown) = (Vec::new(), Vec::new());
    for (name, value) in variables {
        let Some(name) = name.to_str() else { continue };
        let key = match name.strip_prefix(PREFIX) {
            Some(rest) => rest.to_ascii_lowercase().replace(SEPARATOR, "."),
            None if name == LOG.0 => LOG.1.to_owned(),
            None => continue,
        };
        let place = Place::Variable(name.to_owned());
        if !is_settable(&key) || variable(&key) != name && name != LOG.0 {
            let meant = if is_settable(&key) { Some(key.as_str()) } else { keys::nearest_path(&key) };
            unknown.push(UnknownKey { place, name: name.to_owned(), meant: meant.map(variable) });
            continue;
        }
        let text = value.to_str().ok_or_else(|| wrong(&place, "is not UTF-8"))?;
        let value = typed(&key, text).map_err(|message| wrong(&place, &message))?;
        settings.push(Setting { key, value, place });
    }
    // The older name is the weaker one.
    settings.sort_by_key(|setting| setting.place != Place::Variable(LOG.0.to_owned()));
    if unknown.is_empty() { Ok(settings) } else { Err(ConfigError::UnknownKeys(unknown)) }
}

fn wrong(place: &Place, message: &str) -> ConfigError {
    ConfigError::Value { place: place.to_string(), message: message.to_owned() }
}

/// The variable of a key.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase().replace('.', SEPARATOR))
}

/// Lists of sections are values as a whole; what is in them has no variable of its own.
fn is_settable(key: &str) -> bool {
    keys::is_list(key) || keys::find(key).is_some() && !keys::is_list(keys::split(key).0)
}

/// The text as a value of the type that the key has: as TOML, as it stands, or as a list with commas, whichever fits first.
fn typed(key: &str, text: &str) -> Result<Value, String> {
    let as_toml = ValueDeserializer::parse(text).and_then(Value::deserialize).ok();
    let as_it_stands = Value::String(text.to_owned());
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let as_list = Value::Array(parts.map(|part| Value::String(part.to_owned())).collect());
    let mut refusal = None;
    for value in as_toml.into_iter().chain([as_it_stands, as_list]) {
        let mut table = Table::new();
        insert(&mut table, key, value.clone());
        match table.try_into::<RawConfig>() {
            Ok(_) => return Ok(value),
            Err(error) => _ = refusal.get_or_insert(error),
        }
    }
    let words = refusal
        .filter(|_| !keys::is_secret(key) && !keys::is_list(key))
        .map(|error| error.message().trim_end().replace('\n', "; "));
    Err(words.unwrap_or_else(|| "has a value of the wrong type".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(variables: &[(&str, &str)]) -> Result<Vec<(String, Value)>, String> {
        let variables: Vec<_> = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let settings = read(&variables).map_err(|error| error.to_string())?;
        Ok(settings.into_iter().map(|setting| (setting.key, setting.value)).collect())
    }

    #[test]
    fn a_variable_has_the_type_of_its_key() {
        let list = |parts: &[&str]| Value::from(parts.iter().map(ToString::to_string).collect::<Vec<_>>());
        for (name, text, key, value) in [
            ("POOLNODE__CHAIN", "bitcoin", "chain", "bitcoin".into()),
            ("POOLNODE__PASSWORD", "12345", "password", "12345".into()),
            ("POOLNODE__PASSWORD", "", "password", "".into()),
            ("POOLNODE__STRATUM__FEE_PERCENT", "0.5", "stratum.fee_percent", 0.5.into()),
            ("POOLNODE__STRATUM__TLS", "false", "stratum.tls", false.into()),
            ("POOLNODE__STRATUM__LISTEN", "0.0.0.0:3333", "stratum.listen", "0.0.0.0:3333".into()),
            (
                "POOLNODE__P2P__PEERS",
                "/ip4/1.2.3.4/tcp/5, /ip4/1.2.3.5/tcp/5",
                "p2p.peers",
                list(&["/ip4/1.2.3.4/tcp/5", "/ip4/1.2.3.5/tcp/5"]),
            ),
            ("POOLNODE__P2P__PEERS", "[\"a\"]", "p2p.peers", list(&["a"])),
            ("POOLNODE__P2P__PEERS", "", "p2p.peers", list(&[])),
            ("POOLNODE__CUSTOM__NAME", "coin", "custom.name", "coin".into()),
        ] {
            assert_eq!(values(&[(name, text)]), Ok(vec![(key.to_owned(), value)]), "{name}={text}");
        }
        let fallback = values(&[("POOLNODE__PARENT__FALLBACK", "[{ rpc_url = \"http://a\" }]")]).unwrap();
        assert_eq!(fallback[0].1.as_array().unwrap().len(), 1);
    }

    #[test]
    fn an_unknown_variable_is_refused_with_the_nearest_one() {
        let refused = |name: &str| values(&[(name, "1")]).unwrap_err();
        let meant = |name: &str| format!("hint: did you mean `{name}`?");
        assert!(refused("POOLNODE__STRATUM__LSTEN").ends_with(&meant("POOLNODE__STRATUM__LISTEN")));
        assert!(refused("POOLNODE__STRATUM_LISTEN").ends_with(&meant("POOLNODE__STRATUM__LISTEN")));
        assert!(refused("POOLNODE__stratum__tls").ends_with(&meant("POOLNODE__STRATUM__TLS")));
        assert_eq!(refused("POOLNODE__FROBNICATE"), "POOLNODE__FROBNICATE: unknown variable");
        assert!(refused("POOLNODE__STRATUM").starts_with("POOLNODE__STRATUM: unknown variable"));
        assert!(
            refused("POOLNODE__PARENT__FALLBACK__RPC_URL").starts_with("POOLNODE__PARENT__FALLBACK__RPC_URL: unknown")
        );
    }

    #[test]
    fn a_wrong_value_names_its_variable_and_no_secret() {
        let error = values(&[("POOLNODE__STRATUM__CONNECTIONS_MAX", "many")]).unwrap_err();
        assert!(error.starts_with("POOLNODE__STRATUM__CONNECTIONS_MAX: invalid type: string \"many\""), "{error}");
    }

    #[test]
    fn other_programs_variables_are_none_of_ours() {
        assert_eq!(values(&[("POOLNODE_PORT", "tcp://10.0.0.1"), ("PATH", "/bin"), ("POOLNODE_API", "x")]), Ok(vec![]));
    }

    #[test]
    fn the_older_name_of_the_log_filter_is_the_weaker_one() {
        let both = values(&[("POOLNODE__LOG__FILTER", "debug"), ("POOLNODE_LOG", "warn")]).unwrap();
        assert_eq!(both.last().unwrap().1, Value::from("debug"));
    }
}
