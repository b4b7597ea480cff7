//! The keys that there are, as `sample.toml` documents them, and which of them somebody meant.
//!
//! The sample is the one home of names, documentation and defaults. A test holds it against the types that are read.

use std::sync::LazyLock;

use super::SAMPLE;

/// Names further apart than this are not a typing error.
const SUGGESTION_DISTANCE_MAX: usize = 3;
/// Lists of tables, each of them one value: the daemons after the first, and receivers of notices.
const LISTS: [&str; 2] = ["parent.fallback", "notify"];
/// What the paths of the keys of further daemons begin with.
pub(super) const FALLBACK: &str = "parent.fallback.";
/// Ends the words of a key that has no default.
pub(super) const EXAMPLE: &str = "Example:";

/// A line of the sample.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Line<'a> {
    /// `[name]` or `[[name]]`, under a comment where the whole section is an example.
    Section { name: &'a str, is_comment: bool },
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
}

/// The lines of the sample.
pub(super) fn lines(sample: &str) -> impl Iterator<Item = Line<'_>> {
    let (mut says_example, mut in_example) = (false, false);
    sample.lines().map(move |line| {
        let (written, is_comment) = line.strip_prefix("# ").map_or((line, false), |written| (written, true));
        let parsed = section(written).map(|name| Line::Section { name, is_comment }).or_else(|| {
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

fn section(line: &str) -> Option<&str> {
    let name = line.strip_prefix('[')?.strip_suffix(']')?;
    Some(name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name))
}

/// Every key, in the order of the sample.
pub(super) fn known() -> &'static [Key] {
    static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| read(SAMPLE));
    &KEYS
}

fn read(sample: &'static str) -> Vec<Key> {
    let (mut keys, mut section, mut doc, mut after_key) = (Vec::new(), "", String::new(), false);
    for line in lines(sample) {
        match line {
            Line::Section { name, .. } => section = name,
            Line::Key { name, value, is_example } => {
                keys.push(Key { path: join(section, name), doc: trimmed(&doc), value, is_example });
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

/// Whether it is a list of tables.
pub(super) fn is_list(path: &str) -> bool {
    LISTS.contains(&path)
}

/// The list of tables that a key stands in.
pub(super) fn list_of(path: &str) -> Option<&'static str> {
    LISTS.into_iter().find(|list| path.strip_prefix(list).is_some_and(|rest| rest.starts_with('.')))
}

/// Whether its value is for nobody else: it is neither shown nor logged. A receiver's URL is often all that keeps others from
/// writing to it.
pub(super) fn is_secret(path: &str) -> bool {
    split(path).1.ends_with("password") || matches!(path, "notify.url" | "notify.secret" | "notify.token")
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
        let notify = ["notify.url", "notify.secret", "notify.token"];
        assert_eq!(secret, [&["password", "parent.rpc_password", "stratum.password"][..], &notify].concat());
    }
}
