//! Lanes beside the first: every way in which one is refused, with its place, and what it shares with the node.

use super::*;
use crate::notify::NoticeKind;

/// Where the node listens for peers.
const LISTEN: &str = "/ip4/127.0.0.1/tcp/23333";
/// A lane in the node's file.
const SECOND: &str = "[[lane]]\nname = \"second\"\nfile = \"second.toml\"\n";
/// A lane's file that goes together with the node's: a private pool of the same chain.
const PRIVATE: &str = "password = \"one\"\n[p2p]\nlisten = [\"/ip4/127.0.0.1/tcp/0\"]\n";
/// What a refusal begins with when lanes are the first that the node's file says.
const PLACE: &str = "node.toml:1:3: ";

/// A node whose file begins like this, beside other files; refusals, with their causes, call them by their names alone.
fn read(node: &str, files: &[(&str, &str)]) -> Result<Config, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let path = folder.path().join("node.toml");
    let own = format!("{node}[p2p]\nlisten = [{LISTEN:?}, \"/ip4/127.0.0.1/tcp/0\"]\n");
    for (name, text) in files.iter().copied().chain([("node.toml", own.as_str())]) {
        std::fs::write(folder.path().join(name), text).map_err(|error| error.to_string())?;
    }
    let here = format!("{}/", folder.path().display());
    let sources = Sources { file: Some(path), ..Sources::default() };
    sources.read().map_err(|error| crate::error::chain(&error).replace(&here, ""))
}

#[track_caller]
fn check(node: &str, files: &[(&str, &str)], refusal: &str) {
    let error = read(node, files).expect_err(refusal);
    assert!(error.starts_with(refusal), "{error}");
}

/// The refusal of a lane whose file says this.
#[track_caller]
fn check_second(text: &str, refusal: &str) {
    check(SECOND, &[("second.toml", text)], &format!("{PLACE}lane second: {refusal}"));
}

#[test]
fn a_lane_needs_a_file_and_a_name_that_miners_can_say() {
    let named = |name: &str| format!("[[lane]]\nname = {name:?}\nfile = \"second.toml\"\n");
    let files = [("second.toml", PRIVATE)];
    let (too_long, longest) = ("x".repeat(25), "x".repeat(24));
    for name in ["", "Second", "se cond", "se_cond", "se.cond", "a/b", "..", "zwölf", "x=1", "x,y", &too_long] {
        check(&named(name), &files, &format!("{PLACE}lane.name: {name:?} is not a name of 1 to 24 "));
    }
    for option in ["c", "d", "fd", "r", "th"] {
        check(&named(option), &files, &format!("{PLACE}lane.name: {option:?} is not a name of 1 to 24 "));
    }
    for name in ["0", "-", "cc", "second-2", &longest] {
        assert_eq!(read(&named(name), &files).unwrap().lanes[0].0, name);
    }
    check("[[lane]]\nfile = \"second.toml\"\n", &files, &format!("{PLACE}lane.name: \"\" is not a name"));
    check("[[lane]]\nname = \"second\"\n", &[], &format!("{PLACE}lane.file: is missing for the lane second"));
    for empty in ["", " "] {
        let nameless = format!("[[lane]]\nname = \"second\"\nfile = {empty:?}\n");
        check(&nameless, &[], &format!("{PLACE}lane.file: is an empty file name for the lane second; name the file"));
    }
    check(SECOND, &[], &format!("{PLACE}lane second: cannot read second.toml: No such file or directory"));
    check("[[lane]]\nnam = \"second\"\n", &[], "node.toml:2:1: unknown key `nam`\nhint: did you mean `name`?");
    check("lane = \"second.toml\"\n", &[], "node.toml:1:1: lane: has a value of the wrong type");
}

#[test]
fn lanes_that_do_not_go_together_are_refused() {
    let third = SECOND.replace("second", "third");
    let both = [SECOND, &third].concat();
    let files = [("second.toml", PRIVATE), ("third.toml", PRIVATE)];
    let twice = "second is the name of two lanes; the first lane is called like its chain";
    check(&[SECOND, SECOND].concat(), &files, &format!("{PLACE}lane.name: {twice}"));
    let like_the_first = SECOND.replacen("second", "devnet", 1);
    check(&like_the_first, &files, &format!("{PLACE}lane.name: devnet is the name of two lanes"));
    check_second(
        "chain = \"bitcoin-regtest\"\n[parent]\nrpc_url = \"http://127.0.0.1:1\"\n",
        "mines sha256d, but the first lane blake2s; all lanes of a node have one proof of work",
    );
    let same = "is the same pool as another lane; give it another chain or another password";
    check_second("", same);
    check_second("password = \"\"\n", same);
    check(&both, &files, &format!("{PLACE}lane third: {same}"));
    let listen = |password: &str, address: &str| format!("password = {password:?}\n[p2p]\nlisten = [{address:?}]\n");
    check_second(&listen("one", LISTEN), &format!("p2p.listen: another lane listens on {LISTEN} too"));
    let port = "/ip4/0.0.0.0/tcp/23333";
    check_second(&listen("one", port), &format!("p2p.listen: {port} is the same port as {LISTEN} of another lane"));
    let folder = |password: &str| format!("password = {password:?}\ndata_dir = \"/there\"\n[p2p]\nlisten = []\n");
    let files = [("second.toml", &*folder("one")), ("third.toml", &*folder("other"))];
    check(&both, &files, &format!("{PLACE}lane third: data_dir: /there is that of another lane"));
    let quic = "/ip4/127.0.0.1/udp/7/quic-v1";
    let (one, other) = (listen("one", quic), listen("other", quic));
    let files = [("second.toml", one.as_str()), ("third.toml", other.as_str())];
    check(&both, &files, &format!("{PLACE}lane third: p2p.listen: another lane listens on {quic} too"));
}

#[test]
fn lanes_that_let_the_system_choose_their_ports_go_together() {
    let any = "[p2p]\nlisten = [\"/ip4/127.0.0.1/tcp/0\", \"/ip4/127.0.0.1/udp/0/quic-v1\"]\n";
    let (one, other) = (format!("password = \"one\"\n{any}"), format!("password = \"other\"\n{any}"));
    let both = [SECOND, &SECOND.replace("second", "third")].concat();
    let config = read(&both, &[("second.toml", &one), ("third.toml", &other)]).unwrap();
    let names: Vec<_> = config.lanes.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((config.lane_name(), names), ("devnet", vec!["second", "third"]));
    assert_eq!(config.switching.settings.lanes, ["devnet", "second", "third"]);
}

#[test]
fn a_node_has_64_lanes_with_the_first() {
    check(&"[[lane]]\n".repeat(64), &[], &format!("{PLACE}lane: a node has at most 64 lanes"));
    check(&"[[lane]]\n".repeat(63), &[], &format!("{PLACE}lane.name: \"\" is not a name"));
}

/// Whether a lane's file may have this key: what is about one chain, and whom its miners are credited to.
fn is_of_a_lane(key: &str) -> bool {
    let (section, name) = keys::split(key);
    match section {
        "" => ["chain", "data_dir", "password", "solo_until_synced"].contains(&name),
        "stratum" => ["default_address", "fee_address", "fee_percent"].contains(&name),
        "custom" | "devnet" | "directory" | "p2p" | "parent" | "parent.fallback" => true,
        _ => false,
    }
}

#[test]
fn what_a_node_has_once_is_refused_in_a_lanes_file() {
    let mut refused = 0;
    for key in keys::known() {
        let (section, name) = keys::split(&key.path);
        let head = match (key.list, section) {
            (Some(list), _) => format!("[[{list}]]\n"),
            (None, "") => String::new(),
            (None, section) => format!("[{section}]\n"),
        };
        let (text, told) = (format!("{head}{name} = {}\n", key.value), key.list.unwrap_or(&key.path));
        if is_of_a_lane(&key.path) {
            let error = read(SECOND, &[("second.toml", &text)]).err().unwrap_or_default();
            assert!(!error.contains("is for all lanes"), "{told}: {error}");
        } else {
            check_second(&text, &format!("{told} is for all lanes, so it belongs into the node's own file"));
            refused += 1;
        }
    }
    assert!(refused > 30, "{refused}");
}

#[test]
fn what_is_wrong_in_a_lanes_file_is_told_with_both_places() {
    for (text, refusal) in [
        ("chian = \"devnet\"\n", "second.toml:1:1: unknown key `chian`\nhint: did you mean `chain`?"),
        ("chain = \"devnet\n", "second.toml:1:"),
        ("chain = 7\n", "second.toml:1:1: chain: invalid type"),
        ("chain = \"moon\"\n", "second.toml:1:1: chain: unknown chain \"moon\"; this version knows: devnet, "),
        ("chain = \"bitcoin\"\n", "second.toml:1:1: parent.rpc_url: is missing; the chain bitcoin needs a daemon"),
        ("data_dir = \" \"\n", "second.toml:1:1: data_dir: is no path; leave the key out when there is none"),
        ("\n[p2p]\noutbound_max = 3\n", "second.toml:3:1: p2p.outbound_max: must be 4 to 12"),
        ("[stratum]\nfee_percent = 1.0\n", "second.toml:2:1: stratum.fee_address: is missing"),
        ("[stratum]\ndefault_address = \"nobody\"\n", "second.toml:2:1: stratum.default_address: "),
        ("password = 31337\n", "second.toml:1:1: password: has a value of the wrong type"),
    ] {
        check_second(text, refusal);
    }
    let secret = read(SECOND, &[("second.toml", "password = 31337\n")]).unwrap_err();
    assert!(!secret.contains("31337"), "{secret}");
}

#[test]
fn a_lane_has_what_is_about_its_chain_and_of_the_node_everything_else() {
    let node = "[stratum]\nlisten = \"127.0.0.1:7\"\n[log]\nfilter = \"debug\"\n\
                [[notify]]\nurl = \"https://ntfy.example/pool\"\nformat = \"ntfy\"\n";
    let credited = "[stratum]\ndefault_address = \"dn1qqurswpc8qurswpc8qurswpc8qurswpc8xqyr0r\"\n";
    let text = [PRIVATE, credited].concat();
    let config = read(&[SECOND, node].concat(), &[("second.toml", &text)]).unwrap();
    let [(_, lane)] = config.lanes.as_slice() else { panic!("one further lane") };
    assert_ne!(lane.chain.params.id(), config.chain.params.id());
    assert_eq!(lane.data_dir, config.data_dir.join("lanes").join("second"));
    assert!(lane.stratum.default_script.is_some() && config.stratum.default_script.is_none());
    assert_eq!((lane.stratum.listen.port(), lane.log_filter.as_str(), lane.p2p.listen.len()), (7, "debug", 1));
    // Only the node knows whether a worker that left a lane is gone.
    let hears = |config: &Config| config.notify.targets[0].kinds.contains(&NoticeKind::WorkerOffline);
    assert!(hears(&config) && !hears(lane) && !lane.notify.targets[0].kinds.is_empty());
}
