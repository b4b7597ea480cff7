//! The file: its values with their lines, and refusals that say line and column.
//!
//! A refusal never shows a line of the file: it could hold a password.

use std::{ops::Range, path::Path, sync::Arc};

use toml::{
    Table, Value,
    de::{DeTable, DeValue},
};

use super::{
    ConfigError, RawConfig, keys,
    settings::{Place, Setting},
};

/// A name in a place where no key has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownKey {
    /// Where it stands.
    pub place: Place,
    /// What it is called there.
    pub name: String,
    /// What was probably meant.
    pub meant: Option<String>,
}

/// A key of the file.
struct Leaf {
    key: String,
    /// Where the key stands, and where its value does; bytes.
    name_at: usize,
    value_at: Range<usize>,
    /// Whether it is part of a list, which is one value.
    is_listed: bool,
}

/// The values of a file, in no order; `path` is for messages.
///
/// # Errors
/// [`ConfigError::UnknownKeys`], and [`ConfigError::Value`] for what is not TOML or of a wrong type.
pub(super) fn read(text: &str, path: &Path) -> Result<Vec<Setting>, ConfigError> {
    let path: Arc<Path> = path.into();
    let place = |at: usize| {
        let (line, column) = position(text, at);
        Place::File { path: path.clone(), line, column }
    };
    let start = |span: Option<Range<usize>>| span.map_or(0, |span| span.start);
    let refused = |error: toml::de::Error, key: Option<&Leaf>| ConfigError::Value {
        place: place(key.map_or_else(|| start(error.span()), |key| key.name_at)).to_string(),
        message: message(&error, key.map(|key| key.key.as_str())),
    };
    let document = DeTable::parse(text).map_err(|error| refused(error, None))?;
    let (mut leaves, mut unknown) = (Vec::new(), Vec::new());
    walk("", document.get_ref(), &mut leaves, &mut unknown);
    if !unknown.is_empty() {
        let unknown_key = |(key, at): (String, usize)| UnknownKey {
            place: place(at),
            name: keys::split(&key).1.to_owned(),
            meant: keys::suggestion(&key),
        };
        return Err(ConfigError::UnknownKeys(unknown.into_iter().map(unknown_key).collect()));
    }
    toml::from_str::<RawConfig>(text).map_err(|error| {
        let at = start(error.span());
        let key = leaves.iter().find(|leaf| leaf.value_at.contains(&at));
        refused(error, key)
    })?;
    let table: Table = toml::from_str(text).map_err(|error| refused(error, None))?;
    let setting = |leaf: &Leaf| {
        let value = lookup(&table, &leaf.key)?.clone();
        Some(Setting { key: leaf.key.clone(), value, place: place(leaf.name_at) })
    };
    Ok(leaves.iter().filter(|leaf| !leaf.is_listed).filter_map(setting).collect())
}

/// Collects the keys below a section, and the names that are none.
fn walk(section: &str, table: &DeTable<'_>, leaves: &mut Vec<Leaf>, unknown: &mut Vec<(String, usize)>) {
    for (name, value) in table {
        let key = keys::join(section, name.get_ref());
        let (name_at, value_at) = (name.span().start, value.span());
        match value.get_ref() {
            DeValue::Table(below) if keys::is_section(&key) => walk(&key, below, leaves, unknown),
            DeValue::Array(list) if keys::is_section(&key) => {
                // A list of sections is one value; what is in it is looked at all the same.
                for below in list.iter().filter_map(|below| below.get_ref().as_table()) {
                    let mut listed = Vec::new();
                    walk(&key, below, &mut listed, unknown);
                    leaves.extend(listed.into_iter().map(|leaf| Leaf { is_listed: true, ..leaf }));
                }
                leaves.push(Leaf { key, name_at, value_at, is_listed: false });
            }
            _ if keys::find(&key).is_some() || keys::is_section(&key) => {
                leaves.push(Leaf { key, name_at, value_at, is_listed: false });
            }
            _ => unknown.push((key, name_at)),
        }
    }
}

fn lookup<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    match key.split_once('.') {
        None => table.get(key),
        Some((section, rest)) => lookup(table.get(section)?.as_table()?, rest),
    }
}

/// What is wrong with a value. The words of an error may quote it, so those about secrets are our own.
fn message(error: &toml::de::Error, key: Option<&str>) -> String {
    let words = error.message().trim_end().replace('\n', "; ");
    match key {
        Some(key) if keys::is_secret(key) || keys::is_list(key) => format!("{key}: has a value of the wrong type"),
        Some(key) => format!("{key}: {words}"),
        None => words,
    }
}

/// Line and column of a byte, both from 1.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).map_or(0, |line| line.chars().count());
    (before.matches('\n').count() + 1, column + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        read(text, "node.toml".as_ref()).unwrap_err().to_string()
    }

    #[test]
    fn every_value_knows_its_line() {
        let text = "chain = \"devnet\"\n\n[stratum]\n  tls = false\np2p.x = 1\n".replace("p2p.x = 1\n", "")
            + "[[parent.fallback]]\nrpc_url = \"http://a\"\n[[parent.fallback]]\nrpc_url = \"http://b\"\n";
        let mut settings = read(&text, "node.toml".as_ref()).unwrap();
        settings.sort_by(|one, other| one.key.cmp(&other.key));
        let places: Vec<(&str, String)> =
            settings.iter().map(|setting| (setting.key.as_str(), setting.place.to_string())).collect();
        assert_eq!(
            places,
            [
                ("chain", "node.toml:1:1".to_owned()),
                ("parent.fallback", "node.toml:5:10".to_owned()),
                ("stratum.tls", "node.toml:4:3".to_owned())
            ]
        );
        assert_eq!(settings[1].value.as_array().unwrap().len(), 2);
    }

    #[test]
    fn every_unknown_name_is_refused_with_place_and_suggestion() {
        assert_eq!(refused("chian = 1"), "node.toml:1:1: unknown key `chian`\nhint: did you mean `chain`?");
        assert_eq!(refused("[p2p]\nfrobnicate = 1"), "node.toml:2:1: unknown key `frobnicate`");
        assert_eq!(
            refused("fee_percent = 1\n[strtum]\n[[parent.fallback]]\nrpc_usr = 1"),
            "node.toml:1:1: unknown key `fee_percent` (did you mean `stratum.fee_percent`?)\n\
             node.toml:4:1: unknown key `rpc_usr` (did you mean `rpc_user`?)\n\
             node.toml:2:2: unknown key `strtum` (did you mean `stratum`?)"
        );
    }

    #[test]
    fn what_is_no_toml_or_of_a_wrong_type_is_refused_where_it_stands() {
        assert!(refused("chain = \"x\n").starts_with("node.toml:1:"), "{}", refused("chain = \"x\n"));
        let error = refused("[stratum]\nconnections_max = \"many\"");
        assert!(error.starts_with("node.toml:2:1: stratum.connections_max: invalid type: string \"many\""), "{error}");
        assert!(refused("stratum = 5").starts_with("node.toml:1:1: stratum: invalid type"));
        assert!(refused("[chain]\nx = 1").starts_with("node.toml:1:2: "));
        assert!(refused("chain = 1\nchain = 2").starts_with("node.toml:2:1: "));
    }

    #[test]
    fn a_refusal_holds_no_secret() {
        for text in ["password = 31337", "[parent]\nrpc_password = 31337", "[[parent.fallback]]\nrpc_password = 31337"]
        {
            let error = refused(text);
            assert!(!error.contains("31337") && error.contains("wrong type"), "{error}");
        }
    }
}
