//! Every key with every kind of wrong value: refused where it stands, or taken because it means something.

use super::*;

/// Values of every kind, as TOML.
const VALUES: [&str; 16] = [
    "true",
    "0",
    "-1",
    "9223372036854775807",
    "9223372036854775808",
    "0.5",
    "-0.5",
    "1e300",
    "nan",
    "\"\"",
    "\" \"",
    "\"\\u0000\"",
    "\"no such thing\"",
    "[]",
    "[\"\"]",
    "{}",
];
const TEXTS: [&str; 4] = ["\"\"", "\" \"", "\"\\u0000\"", "\"no such thing\""];
const NAME: &[&str] = &["\"no such thing\""];
const YES: &[&str] = &["true"];
const NONE: &[&str] = &["[]"];

/// Those of them that a key takes. A file that is not there is the start's matter, and any text is a password.
fn taken(key: &str) -> &'static [&'static str] {
    match key {
        "password" | "stratum.password" => &TEXTS,
        _ if keys::is_path(key) && !key.starts_with("parent.") && !key.starts_with("stratum.") => NAME,
        "log.filter" => &["\"\"", "\"no such thing\""],
        "log.files_older" | "stratum.fee_percent" => &["0"],
        "notify_after_secs" => &["0", "9223372036854775807"],
        "api.hosts" | "directory.public_stratum" | "stratum.allow" | "stratum.proxies" => NONE,
        "p2p.external" | "p2p.listen" | "p2p.peers" | "p2p.relays" | "p2p.seeds" => NONE,
        "api.public" | "metrics.per_worker" | "solo_until_synced" | "stratum.tls" => YES,
        "p2p.autonat" | "p2p.discovery" | "p2p.local_addresses" | "p2p.mdns" | "p2p.relay_server" | "p2p.upnp" => YES,
        _ => &[],
    }
}

#[test]
fn every_key_refuses_what_it_cannot_be_and_says_where_it_stands() {
    let mut refused = 0;
    for key in keys::known().iter().filter(|key| key.list.is_none() && !key.is_optional) {
        let (section, name) = key.path.rsplit_once('.').unwrap_or(("", &key.path));
        let head = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
        for value in VALUES {
            let (file, sources) = sources(&format!("{head}{name} = {value}\n"), &[], &[]);
            let read = sources.read();
            assert_eq!(read.is_ok(), taken(&key.path).contains(&value), "{} = {value}: {:?}", key.path, read.err());
            let Err(error) = read else { continue };
            let (text, line) = (error.to_string(), head.lines().count() + 1);
            assert!(text.starts_with(&format!("{}:{line}:", file.path().display())), "{} = {value}: {text}", key.path);
            // A number that no number can be is seen before its key is; a key that needs another one may name that.
            let is_named = text.contains(name) || text.contains(&format!("{section}.")) || text.contains("too large");
            assert!(is_named, "{} = {value}: {text}", key.path);
            refused += 1;
        }
    }
    assert!(refused > 400, "{refused}");
}
