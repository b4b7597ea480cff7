//! The keys that there are, as `sample.toml` documents them, and which of them somebody meant.
//!
//! The sample is the one home of names, documentation and defaults. A test holds it against the types that are read.

use std::sync::LazyLock;

use super::SAMPLE;

/// Names further apart than this are not a typing error.
const SUGGESTION_DISTANCE_MAX: usize = 3;
/// What the paths of the keys of further daemons begin with.
const FALLBACK: &str = "parent.fallback.";
/// Names of keys that are secrets, besides those that end with `password`.
const SECRETS: [&str; 2] = ["secret", "token"];
/// Whole paths of others: the URL of a notice may hold a bot's token, and a source of prices may want a key.
const SECRET_PATHS: [&str; 3] = ["notify.url", "price.command", "price.url"];
/// Names of keys that are paths, besides those that end with `_file` or `_db`.
const PATHS: [&str; 2] = ["data_dir", "log.file"];
/// Ends the words of a key that has no default.
pub(super) const EXAMPLE: &str = "Example:";

/// A line of the sample.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Line<'a> {
    /// `[name]`, or `[[name]]` of a list, under a comment where the whole section is an example.
    Section { name: &'a str, is_list: bool, is_comment: bool },
    /// `name = value` of the section before.
    Key { name: &'a str, value: &'a str, is_example: bool },
    /// Words, or nothing.
    Text(&'a str),
}

/// A key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Key {
    /// Its section and name: `stratum.fee_percent`.
    pub(super) path: String,
    /// What it is.
    pub(super) doc: String,
    /// Its default, or an example, as TOML.
    pub(super) value: &'static str,
    /// Whether there is no default.
    pub(super) is_example: bool,
    /// Whether its section is an example as a whole: without it the key means nothing.
    pub(super) is_optional: bool,
    /// The list of sections that it is in: they are one value together.
    pub(super) list: Option<&'static str>,
}

/// The lines of the sample.
pub(super) fn lines(sample: &str) -> impl Iterator<Item = Line<'_>> {
    let (mut says_example, mut in_example) = (false, false);
    sample.lines().map(move |line| {
        let (written, is_comment) = line.strip_prefix("# ").map_or((line, false), |written| (written, true));
        let section = section(written).map(|(name, is_list)| Line::Section { name, is_list, is_comment });
        let parsed = section.or_else(|| {
            let (name, value) = written.split_once(" = ").filter(|(name, _)| !name.contains(' '))?;
            Some(Line::Key { name, value, is_example: says_example || in_example })
        });
        match parsed {
            Some(Line::Section { is_comment, .. }) => in_example = is_comment,
            Some(_) => {}
            None => says_example = line.ends_with(EXAMPLE),
        }
        parsed.unwrap_or(Line::Text(line))
    })
}

/// Its name, and whether it is one of a list.
fn section(line: &str) -> Option<(&str, bool)> {
    let name = line.strip_prefix('[')?.strip_suffix(']')?;
    let listed = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    Some(listed.map_or((name, false), |name| (name, true)))
}

/// Every key, in the order of the sample.
pub(super) fn known() -> &'static [Key] {
    static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| read(SAMPLE));
    &KEYS
}

fn read(sample: &'static str) -> Vec<Key> {
    let (mut keys, mut doc, mut after_key) = (Vec::new(), String::new(), false);
    let (mut section, mut list, mut is_optional) = ("", None, false);
    for line in lines(sample) {
        match line {
            Line::Section { name, is_list, is_comment } => {
                (section, list, is_optional) = (name, is_list.then_some(name), is_comment);
            }
            Line::Key { name, value, is_example } => {
                let (path, doc) = (join(section, name), trimmed(&doc));
                keys.push(Key { path, doc, value, is_example, is_optional, list });
            }
            Line::Text(text) => {
                // Keys without words of their own share those of the key above.
                if after_key || text.is_empty() {
                    doc.clear();
                }
                doc.push_str(text.trim_start_matches('#'));
            }
        }
        after_key = !matches!(line, Line::Text(_));
    }
    keys
}

fn trimmed(doc: &str) -> String {
    doc.trim().trim_end_matches(EXAMPLE).trim_end().to_owned()
}

/// Whether the value is the path of a file or folder.
pub(super) fn is_path(key: &str) -> bool {
    PATHS.contains(&key) || key.ends_with("_file") || key.ends_with("_db")
}

/// The path of a key.
pub(super) fn join(section: &str, name: &str) -> String {
    if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") }
}

/// The section and the name of a path.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('.').unwrap_or(("", path))
}

/// The key with this path. Fallback daemons have the keys of the first, of which the sample shows one.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    let path = path.strip_prefix(FALLBACK).map_or_else(|| path.to_owned(), |name| join("parent", name));
    known().iter().find(|key| key.path == path)
}

/// Whether it is a section, which holds keys and has no value itself.
pub(super) fn is_section(path: &str) -> bool {
    known().iter().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// Whether it is a list of sections, which is one value.
pub(super) fn is_list(path: &str) -> bool {
    known().iter().any(|key| key.list == Some(path))
}

/// Whether its value is for nobody else: it is neither shown nor logged.
pub(super) fn is_secret(path: &str) -> bool {
    let name = split(path).1;
    name.ends_with("password") || SECRETS.contains(&name) || SECRET_PATHS.contains(&path)
}

/// The known key or section that was meant: one of the same section, else the same name elsewhere, else the nearest path.
pub(super) fn suggestion(path: &str) -> Option<String> {
    if let Some(name) = path.strip_prefix(FALLBACK) {
        return suggestion(&join("parent", name));
    }
    let (section, name) = split(path);
    let siblings = paths().into_iter().filter(|known| split(known).0 == section).map(|known| split(known).1);
    let elsewhere = || known().iter().find(|key| split(&key.path).1 == name).map(|key| key.path.as_str());
    nearest(name, siblings).or_else(elsewhere).or_else(|| nearest(path, paths())).map(ToOwned::to_owned)
}

/// The known path nearest to this one.
pub(super) fn nearest_path(path: &str) -> Option<&'static str> {
    nearest(path, paths())
}

/// Keys and sections.
fn paths() -> Vec<&'static str> {
    let keys = known().iter().map(|key| key.path.as_str());
    let mut paths: Vec<&str> = keys.flat_map(|path| [path, split(path).0]).filter(|path| !path.is_empty()).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// The candidate that the fewest typing errors make of what was written.
fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // More errors than right letters are another word.
    let most = SUGGESTION_DISTANCE_MAX.min(written.chars().count() / 2);
    let distances = candidates.into_iter().map(|known| (strsim::damerau_levenshtein(written, known), known));
    distances.min().filter(|(distance, _)| (1..=most).contains(distance)).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_sample_is_known_with_its_words() {
        let key = |path: &str| find(path).unwrap_or_else(|| panic!("{path}"));
        assert_eq!(key("stratum.listen").doc.split('.').next(), Some("Where miners connect to"));
        assert!(
            key("parent.rpc_password").doc.starts_with("User and password") && key("parent.rpc_password").is_example
        );
        assert_eq!((key("stratum.tls").value, key("stratum.tls").is_example), ("true", false));
        assert_eq!(key("custom.tx_time").value, "false");
        assert!(find("parent.fallback.rpc_user").is_some() && is_section("parent.fallback") && !is_section("chain"));
        assert!(
            is_list("parent.fallback") && !is_list("parent") && !is_list("custom") && key("custom.name").is_optional
        );
        assert!(known().iter().all(|key| !key.doc.is_empty()), "a key without words");
        assert!(known().len() > 60);
    }

    #[test]
    fn what_was_meant_is_the_nearest_of_the_same_section_first() {
        let meant = |path: &str| suggestion(path);
        for (written, known) in [
            ("chian", "chain"),
            ("stratum.lsten", "listen"),
            ("strtum", "stratum"),
            ("p2p.peer", "peers"),
            ("parent.fallbacks", "fallback"),
            // The right name in a wrong section.
            ("fee_percent", "stratum.fee_percent"),
            ("stratum.rpc_url", "parent.rpc_url"),
            // A section that was written like a key's beginning.
            ("stratum_listen", "stratum.listen"),
        ] {
            assert_eq!(meant(written).as_deref(), Some(known), "{written}");
        }
        for nonsense in ["frobnicate", "x", "stratum.zzzzzz", ""] {
            assert_eq!(meant(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn passwords_are_secret() {
        let secret: Vec<&str> = known().iter().map(|key| key.path.as_str()).filter(|path| is_secret(path)).collect();
        let notify = ["notify.url", "notify.secret", "notify.token", "price.command", "price.url"];
        assert_eq!(secret, [&["password", "parent.rpc_password", "stratum.password"][..], &notify].concat());
    }
}
