//! What the compiler and clippy do not check: the layout, the size and the words of this repository.
//!
//! Each test names the files that break its rule, so that the message is the to-do list.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use sharechain::hash::blake2s256;

/// Longest source file, tests excluded.
const LINES_MAX: usize = 400;
/// Names that say nothing about their subject.
const EMPTY_NAMES: [&str; 9] =
    ["util", "utils", "helper", "helpers", "common", "misc", "manager", "handler", "processor"];
/// What the pages of the protocol describe: the files change only together with their page.
const PAGES: [(&str, &[&str]); 7] = [
    (
        "share",
        &[
            "sharechain/src/coinbase.rs",
            "sharechain/src/encode.rs",
            "sharechain/src/header.rs",
            "sharechain/src/params.rs",
            "sharechain/src/script.rs",
            "sharechain/src/share.rs",
        ],
    ),
    (
        "validation",
        &[
            "sharechain/src/error.rs",
            "sharechain/src/fork_choice.rs",
            "sharechain/src/validate/contextual.rs",
            "sharechain/src/validate/stateless.rs",
        ],
    ),
    ("difficulty", &["sharechain/src/difficulty.rs", "sharechain/src/target.rs"]),
    ("payout", &["sharechain/src/payout.rs", "sharechain/src/pplns.rs"]),
    ("directory", &["node/src/directory/ad.rs", "node/src/directory/endpoint.rs", "node/src/directory/places.rs"]),
    ("sync", &["node/src/p2p/wire.rs", "sharechain/src/sync.rs"]),
    ("templates", &["node/src/templates/wire.rs", "sharechain/src/template_key.rs"]),
];
/// What each crate may depend on inside the workspace.
const DIRECTION: [(&str, &[&str]); 6] = [
    ("sharechain", &[]),
    ("stratum", &["sharechain"]),
    ("node", &["sharechain", "stratum"]),
    ("cli", &["node"]),
    ("testnet", &["node", "sharechain", "stratum"]),
    ("tests", &["node", "sharechain", "stratum", "testnet"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests is inside the workspace").to_owned()
}

/// Every file below the crates with this ending, by its path from the root.
fn files(ending: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders: Vec<PathBuf> = DIRECTION.iter().map(|(name, _)| root().join(name)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a readable folder") {
            let entry = entry.expect("a readable entry");
            let path = entry.path();
            if path.is_dir() && entry.file_name() != "target" && entry.file_name() != "node_modules" {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                let name = path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
                found.insert(name, fs::read_to_string(&path).expect("UTF-8"));
            }
        }
    }
    found
}

/// Fails with the list of what breaks a rule.
#[track_caller]
fn none(rule: &str, breaking: Vec<String>) {
    assert!(breaking.is_empty(), "{rule}:\n  {}", breaking.join("\n  "));
}

fn is_test(name: &str) -> bool {
    name.ends_with("tests.rs") || name.starts_with("tests/")
}

#[test]
fn every_module_says_what_it_is() {
    let silent =
        files(".rs").into_iter().filter(|(name, text)| !text.starts_with("//!") && !name.ends_with("/tests.rs"));
    none("a module begins with //!", silent.map(|(name, _)| name).collect());
}

#[test]
fn files_are_short_enough_to_read() {
    let long = files(".rs").into_iter().filter(|(name, text)| !is_test(name) && text.lines().count() > LINES_MAX);
    none(&format!("a file has at most {LINES_MAX} lines"), long.map(|(name, _)| name).collect());
}

#[test]
fn files_are_named_by_their_subject() {
    let empty = files(".rs").into_keys().filter(|name| {
        let stem = Path::new(name).file_stem().unwrap().to_string_lossy().into_owned();
        stem == "mod" || EMPTY_NAMES.iter().any(|word| stem.split('_').any(|part| part == *word))
    });
    none("a file is named by its subject", empty.collect());
}

#[test]
fn crates_depend_in_one_direction_and_share_the_lints() {
    let manifests = files("Cargo.toml");
    let mut breaking = Vec::new();
    for (name, allowed) in DIRECTION {
        let manifest = &manifests[&format!("{name}/Cargo.toml")];
        if !manifest.contains("[lints]\nworkspace = true") {
            breaking.push(format!("{name} does not take the workspace's lints"));
        }
        let dependencies = manifest.split("[dev-dependencies]").next().unwrap_or_default();
        for (other, _) in DIRECTION {
            let depends = dependencies
                .lines()
                .any(|line| line.starts_with(&format!("{other}.")) || line.starts_with(&format!("{other} ")));
            if depends && !allowed.contains(&other) {
                breaking.push(format!("{name} depends on {other}"));
            }
        }
    }
    none("dependencies point one way", breaking);
}

#[test]
fn the_consensus_crate_stays_pure() {
    let manifest = fs::read_to_string(root().join("sharechain/Cargo.toml")).unwrap();
    let dependencies = manifest.split("[dev-dependencies]").next().unwrap().split("[dependencies]").nth(1).unwrap();
    let names = dependencies.lines().filter_map(|line| line.split(['.', ' ']).next()).filter(|name| !name.is_empty());
    let strangers = names.filter(|name| !["blake2", "hex", "scrypt", "sha2", "thiserror", "uint"].contains(name));
    none("sharechain depends on hashes and integers only", strangers.map(ToOwned::to_owned).collect());
}

/// A manifest's table in the root, as far as it goes.
fn table(name: &str) -> String {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a readable manifest");
    let text = manifest.split(&format!("\n[{name}]\n")).nth(1).expect("a table");
    text.split("\n[").next().unwrap_or_default().to_owned()
}

#[test]
fn nothing_is_unsafe_and_overflow_is_an_error_in_releases_too() {
    // That every crate takes the workspace's lints is looked at above.
    assert!(table("workspace.lints.rust").contains("unsafe_code = \"forbid\""));
    assert!(table("profile.release").contains("overflow-checks = true"));
}

/// Rows of the threat table and attacks that no test stands for prove nothing.
#[test]
fn every_test_of_the_threat_table_is_there() {
    let page = fs::read_to_string(root().join("docs/SECURITY.md")).expect("a readable page");
    let sources = files(".rs");
    let threats = page.split("\n## ").find(|part| part.starts_with("Threats\n")).expect("the threats");
    let (mut rows, mut missing) = (0, Vec::new());
    for row in threats.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| attack ")) {
        rows += 1;
        let cell = row.trim_end_matches(" |").rsplit(" | ").next().unwrap_or_default();
        let names: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        if names.is_empty() {
            missing.push(format!("no test: {row}"));
        }
        for name in names {
            let (module, test) = name.rsplit_once("::").unwrap_or_default();
            let (crate_name, path) = module.split_once("::").unwrap_or((module, ""));
            let path = path.replace("::", "/");
            let places = [format!("{crate_name}/src/{path}.rs"), format!("{crate_name}/{path}.rs")];
            let is_there = |text: &String| text.contains(&format!("fn {test}(")) && text.contains("test]");
            if !places.iter().filter_map(|place| sources.get(place)).any(is_there) {
                missing.push(name.to_owned());
            }
        }
    }
    assert!(rows >= 40, "{rows} rows");
    none("a row of docs/SECURITY.md names tests that exist", missing);
}

/// What `.ci/removals` removes, when it is run by hand or by night.
#[test]
fn every_defence_that_is_removed_is_still_there() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap_or_default();
    let list: toml::Table = read("tests/removals.toml").parse().expect("a list");
    let removals = list["removal"].as_array().expect("removals");
    let page = read("docs/SECURITY.md");
    let mut breaking = Vec::new();
    for removal in removals {
        let text = |key: &str| removal[key].as_str().expect("a text");
        if !page.contains(&format!("| {} |", text("row"))) {
            breaking.push(format!("no row of docs/SECURITY.md: {}", text("row")));
        }
        for edit in removal["edit"].as_array().expect("edits") {
            let part = |key: &str| edit[key].as_str().expect("a text");
            if read(part("file")).matches(part("old")).count() != 1 || part("old") == part("new") {
                breaking.push(format!("{}: {}", part("file"), text("what")));
            }
        }
    }
    assert!(removals.len() >= 10, "{} removals", removals.len());
    none("a line changed; make tests/removals.toml remove its defence as it is now", breaking);
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(format!("docs/protocol/{name}.md"))).expect("a readable page")
}

#[test]
fn protocol_pages_and_what_they_describe_change_together() {
    let mut breaking = Vec::new();
    for (name, files) in PAGES {
        let parts: Vec<String> = files.iter().map(|file| fs::read_to_string(root().join(file)).unwrap()).collect();
        let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
        let hash = &hex::encode(blake2s256(&parts))[..16];
        if !page(name).contains(&format!("Code hash: `{hash}`")) {
            breaking.push(format!("{name}.md: {hash}"));
        }
    }
    none("a file changed; make its page in docs/protocol say what is true now, and carry the new hash", breaking);
}

#[test]
fn every_vector_of_the_protocol_is_read_by_a_test() {
    let sources = files(".rs");
    let mut unread = Vec::new();
    for entry in fs::read_dir(root().join("docs/protocol")).unwrap() {
        let path = entry.unwrap().path();
        for block in fs::read_to_string(&path).unwrap().split("\n```json vectors:").skip(1) {
            let name = block.lines().next().unwrap();
            if !sources.values().any(|text| text.contains(&format!(", \"{name}\")"))) {
                unread.push(format!("{}: {name}", path.display()));
            }
        }
    }
    none("a vector that no test reads proves nothing", unread);
}

/// Attack codes in comments and test names mean something only as long as their page has them.
#[test]
fn every_attack_code_is_explained() {
    let page = fs::read_to_string(root().join("docs/protocol/attacks.md")).unwrap();
    let mut unknown = Vec::new();
    for (name, text) in files(".rs") {
        for part in text.split("attack ").skip(1).chain(text.split("fn attack_").skip(1)) {
            let code: String = part.chars().take_while(char::is_ascii_alphanumeric).collect();
            let is_code = code.len() >= 2 && code.len() <= 3 && code[1..].bytes().all(|byte| byte.is_ascii_digit());
            if is_code && !page.contains(&format!("| {} |", code.to_uppercase())) {
                unknown.push(format!("{name}: {code}"));
            }
        }
    }
    none("an attack's code is explained in docs/protocol/attacks.md", unknown);
}

#[test]
fn comments_are_about_the_code_and_not_about_its_making() {
    let mut breaking = Vec::new();
    for (name, text) in files(".rs") {
        for (number, line) in text.lines().enumerate() {
            let comment = line.split_once("//").map(|(_, comment)| comment.to_ascii_lowercase()).unwrap_or_default();
            if ["todo", "fixme", "xxx:", "hack:"].iter().any(|word| comment.contains(word))
                && !name.ends_with("tidy.rs")
            {
                breaking.push(format!("{name}:{}", number + 1));
            }
        }
    }
    none("what is to be done stands in docs/, not in comments", breaking);
}

#[test]
fn nothing_large_is_kept() {
    let vectors = fs::read_dir(root().join("tests/vectors")).unwrap().map(Result::unwrap);
    let large = vectors.filter(|entry| entry.metadata().unwrap().len() > 100_000);
    none("a vector is below 100 kB", large.map(|entry| entry.path().display().to_string()).collect());
}
