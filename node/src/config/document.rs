//! A complete configuration file: the sample, with some keys set, and with the defaults and examples of the chain.

use std::{collections::BTreeMap, str::FromStr};

use sharechain::PayoutScript;
use toml::Value;

use super::{ConfigError, Place, SAMPLE, Setting, Settings, daemon_place, entries::chain_defaults, keys};
use crate::{chain_profile::ChainProfile, parent::devnet};

/// Keys that a file sets, with their values.
pub type Values = BTreeMap<&'static str, Value>;

/// What a node is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// To try it: a devnet inside the node, for this machine only.
    Dev,
    /// A test network, with a daemon on this machine.
    Testnet,
    /// Money: a daemon on this machine, miners from everywhere.
    Prod,
}

/// Not `dev`, `testnet` or `prod`.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is not dev, testnet or prod")]
pub struct UnknownPurpose(String);

impl FromStr for Purpose {
    type Err = UnknownPurpose;

    fn from_str(text: &str) -> Result<Self, UnknownPurpose> {
        match text {
            "dev" => Ok(Self::Dev),
            "testnet" => Ok(Self::Testnet),
            "prod" => Ok(Self::Prod),
            other => Err(UnknownPurpose(other.to_owned())),
        }
    }
}

impl Purpose {
    /// Its chain when nobody asks for another.
    const fn chain(self) -> &'static str {
        match self {
            Self::Dev => devnet::NAME,
            Self::Testnet => "bitcoin-testnet4",
            Self::Prod => "bitcoin",
        }
    }

    fn values(self, chain: &ChainProfile) -> Values {
        let mut values = Values::new();
        if let Some(place) = daemon_place(&chain.name) {
            values.insert("parent.rpc_url", place.url().into());
            values.extend(place.cookies().into_iter().next().map(|cookie| ("parent.rpc_cookie_file", cookie.into())));
        }
        if self == Self::Prod {
            values.insert("stratum.listen", format!("0.0.0.0:{}", chain.ports.stratum).into());
        }
        values
    }
}

/// The file for a purpose, on its usual chain or on another one that this version knows.
///
/// # Errors
/// [`ConfigError`] when there is no such chain, or one that has to be described.
pub fn generate(purpose: Purpose, chain: Option<&str>) -> Result<String, ConfigError> {
    let chain = ChainProfile::find(chain.unwrap_or_else(|| purpose.chain()), None).map_err(ConfigError::Chain)?;
    let values = purpose.values(&chain);
    check(&chain, &values)?;
    Ok(document(&chain, &values))
}

/// Whether a node would start with these keys set.
///
/// # Errors
/// [`ConfigError`] says why not.
pub fn check(chain: &ChainProfile, values: &Values) -> Result<(), ConfigError> {
    let set = values.iter().map(|(key, value)| (*key, value.clone())).chain([("chain", chain.name.as_str().into())]);
    let settings = set.map(|(key, value)| Setting { key: key.to_owned(), value, place: Place::Flag("") });
    settings.collect::<Settings>().raw()?.resolve().map(drop)
}

/// The sample with these keys set. Keys of sections that are examples as a whole cannot be.
pub fn document(chain: &ChainProfile, values: &Values) -> String {
    let (defaults, examples) = (chain_defaults(chain), chain_examples(chain));
    let mut lines: Vec<String> = Vec::new();
    let (mut section, mut in_example) = ("", false);
    for (line, parsed) in SAMPLE.lines().zip(keys::lines(SAMPLE)) {
        let (name, is_example) = match parsed {
            keys::Line::Section { name, is_comment, .. } => {
                (section, in_example) = (name, is_comment);
                lines.push(line.to_owned());
                continue;
            }
            keys::Line::Key { name, is_example, .. } if !in_example => (name, is_example),
            keys::Line::Key { .. } | keys::Line::Text(_) => {
                lines.push(line.to_owned());
                continue;
            }
        };
        let key = keys::join(section, name);
        let of_chain = defaults.iter().chain(&examples).find(|(known, _)| *known == key).map(|(_, value)| value);
        if key == "chain" {
            lines.push(format!("{name} = {:?}", chain.name));
            continue;
        }
        let written = match (values.get(key.as_str()), of_chain) {
            (Some(value), _) => {
                if is_example {
                    say_no_example(&mut lines);
                }
                format!("{name} = {value}")
            }
            (None, Some(value)) => format!("# {name} = {value}"),
            (None, None) => line.to_owned(),
        };
        lines.push(written);
    }
    lines.join("\n") + "\n"
}

/// The words above a key that is set do not announce an example.
fn say_no_example(lines: &mut [String]) {
    if let Some(words) = lines.last_mut()
        && let Some(rest) = words.strip_suffix(keys::EXAMPLE)
    {
        *words = rest.trim_end().to_owned();
    }
}

/// Examples that would be wrong on another chain.
fn chain_examples(chain: &ChainProfile) -> Vec<(&'static str, Value)> {
    let address = chain.addresses.format(&PayoutScript::p2wpkh(&[7; 20]));
    let addresses = address
        .map(|address| ["stratum.default_address", "stratum.fee_address"].map(|key| (key, address.clone().into())));
    let place = daemon_place(&chain.name);
    let cookie = place.and_then(|place| place.cookies().into_iter().next());
    let daemon = [
        place.map(|place| ("parent.rpc_url", place.url().into())),
        cookie.map(|cookie| ("parent.rpc_cookie_file", cookie.into())),
    ];
    addresses.into_iter().flatten().chain(daemon.into_iter().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain_profile::{custom, known_chains},
        config::{ParentConfig, RawConfig, tests::uncommented},
    };

    fn config(text: &str) -> crate::Config {
        RawConfig::parse(text, "generated".as_ref()).unwrap().resolve().unwrap()
    }

    #[test]
    fn what_is_generated_is_complete_and_taken() {
        for (purpose, chain) in
            [(Purpose::Dev, "devnet"), (Purpose::Testnet, "bitcoin-testnet4"), (Purpose::Prod, "bitcoin")]
        {
            let text = generate(purpose, None).unwrap();
            assert_eq!(config(&text).chain.name, chain);
            for key in keys::known() {
                let name = keys::split(&key.path).1;
                assert!(text.contains(&format!("{name} = ")), "{chain}: {}", key.path);
            }
        }
        let prod = config(&generate(Purpose::Prod, Some("litecoin")).unwrap());
        assert_eq!((prod.chain.name.as_str(), prod.stratum.listen.to_string().as_str()), ("litecoin", "0.0.0.0:3333"));
        let ParentConfig::Daemons(daemons) = &prod.parent else { panic!("a daemon") };
        assert_eq!(daemons[0].url, "http://127.0.0.1:9332");
        let refused = |chain| generate(Purpose::Prod, Some(chain)).unwrap_err().to_string();
        assert!(refused("dogecoin").contains("unknown chain") && refused("custom").contains("custom.name: is missing"));
    }

    #[test]
    fn the_defaults_it_shows_are_those_of_its_chain() {
        for chain in known_chains().into_iter().filter(|chain| *chain != custom::NAME) {
            let text = generate(Purpose::Testnet, Some(chain)).unwrap();
            let shown = uncommented(&text, false);
            assert_ne!(shown, text);
            assert_eq!(format!("{:?}", config(&shown)), format!("{:?}", config(&text)), "{chain}");
        }
    }

    #[test]
    fn a_key_that_is_set_is_announced_as_no_example() {
        let text = generate(Purpose::Testnet, None).unwrap();
        let above = text.lines().zip(text.lines().skip(1)).find(|(_, line)| line.starts_with("rpc_url = ")).unwrap().0;
        assert!(above.starts_with("# JSON-RPC of the coin daemon") && !above.ends_with(keys::EXAMPLE), "{above}");
        assert!(text.contains("\n# default_address = \"tb1q"), "examples pay on the chain");
    }

    #[test]
    fn there_are_three_purposes() {
        assert_eq!("prod".parse(), Ok(Purpose::Prod));
        assert_eq!("live".parse::<Purpose>().unwrap_err().to_string(), "\"live\" is not dev, testnet or prod");
    }
}
