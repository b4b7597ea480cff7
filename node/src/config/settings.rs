//! Values that somebody set, each with the place where: the file, then the environment, then flags, the later over the earlier.

use std::{collections::BTreeMap, fmt, path::Path, sync::Arc};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use super::{ConfigError, RawConfig, keys};

/// What is shown instead of a secret.
pub const HIDDEN: &str = "(hidden)";

/// Which kind of place a value comes from, the weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The configuration file.
    File,
    /// A variable of the environment.
    Env,
    /// The command line.
    Flag,
}

/// Where exactly a value was set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// A line of the file, and the column its key begins at, both from 1.
    File {
        /// The file.
        path: Arc<Path>,
        /// The line.
        line: usize,
        /// The column, characters.
        column: usize,
    },
    /// A variable of the environment.
    Variable(String),
    /// A flag.
    Flag(&'static str),
}

impl Place {
    /// Its kind.
    pub const fn origin(&self) -> Origin {
        match self {
            Self::File { .. } => Origin::File,
            Self::Variable(_) => Origin::Env,
            Self::Flag(_) => Origin::Flag,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// One value.
#[derive(Clone, PartialEq, Debug)]
pub struct Setting {
    /// Section and name of the key: `stratum.fee_percent`.
    pub key: String,
    /// Its value.
    pub value: Value,
    /// Where it was set.
    pub place: Place,
}

impl Setting {
    /// What a flag says.
    pub fn flag(flag: &'static str, key: &str, value: impl Into<Value>) -> Self {
        Self { key: key.to_owned(), value: value.into(), place: Place::Flag(flag) }
    }
}

/// All values that are set.
#[derive(Clone, Default, PartialEq)]
pub struct Settings {
    by_key: BTreeMap<String, (Value, Place)>,
}

impl FromIterator<Setting> for Settings {
    fn from_iter<I: IntoIterator<Item = Setting>>(settings: I) -> Self {
        let by_key = settings.into_iter().map(|setting| (setting.key, (setting.value, setting.place))).collect();
        Self { by_key }
    }
}

impl Settings {
    /// The value of a key and its place.
    pub(super) fn get(&self, key: &str) -> Option<&(Value, Place)> {
        self.by_key.get(key)
    }

    /// Sets a key anew, or takes it out.
    pub(super) fn replace(&mut self, key: &str, setting: Option<(Value, Place)>) {
        match setting {
            Some(setting) => _ = self.by_key.insert(key.to_owned(), setting),
            None => _ = self.by_key.remove(key),
        }
    }

    /// The first key whose path is none: of nothing, or with a byte that no path has.
    pub(super) fn broken_path(&self) -> Option<&str> {
        let is_broken =
            |value: &Value| value.as_str().is_some_and(|path| path.trim().is_empty() || path.contains('\0'));
        self.iter().find(|(key, value, _)| keys::is_path(key) && is_broken(value)).map(|(key, ..)| key)
    }

    /// Every key that is set.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Value, &Place)> {
        self.by_key.iter().map(|(key, (value, place))| (key.as_str(), value, place))
    }

    /// The places of these keys, and of the keys of these sections.
    pub(super) fn places(&self, keys: &[String]) -> Vec<&Place> {
        let is_meant = |set: &str| {
            keys.iter()
                .any(|key| set == key || set.strip_prefix(key.as_str()).is_some_and(|rest| rest.starts_with('.')))
        };
        self.iter().filter(|(key, ..)| is_meant(key)).map(|(.., place)| place).collect()
    }

    /// The same, as one table.
    fn table(&self) -> Table {
        let mut table = Table::new();
        for (key, value, _) in self.iter() {
            insert(&mut table, key, value.clone());
        }
        table
    }

    /// The same, read.
    ///
    /// # Errors
    /// [`ConfigError::Value`]: every source is read by itself before, so that it can say where.
    pub(super) fn raw(&self) -> Result<RawConfig, ConfigError> {
        self.table().try_into().map_err(|error: toml::de::Error| ConfigError::Value {
            place: "configuration".to_owned(),
            message: error.message().to_owned(),
        })
    }
}

/// Puts a value below its section, which is made.
pub(super) fn insert(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((section, rest)) => {
            let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(section) = section {
                insert(section, rest, value);
            }
        }
    }
}

/// The value as JSON, without its secrets.
pub(super) fn shown(key: &str, value: &Value) -> serde_json::Value {
    match value {
        _ if keys::is_secret(key) => HIDDEN.into(),
        Value::Array(values) => values.iter().map(|value| shown(key, value)).collect(),
        Value::Table(table) => {
            let entries = table.iter().map(|(name, value)| (name.clone(), shown(&keys::join(key, name), value)));
            serde_json::Value::Object(entries.collect())
        }
        Value::String(text) => text.as_str().into(),
        Value::Integer(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::Boolean(is) => (*is).into(),
        Value::Datetime(time) => time.to_string().into(),
    }
}

/// Values may be secrets.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(key, _, place)| (key, place))).finish()
    }
}
