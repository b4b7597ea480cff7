use super::*;
use crate::parent::rpc::RpcAuth;

mod every_key;
mod lanes;

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn parse(text: &str) -> Result<RawConfig, ConfigError> {
    RawConfig::read(file(text).path())
}

/// The sample with the keys under comments turned on: those that show a default, or the examples. A section under a comment is
/// an example as a whole.
pub(super) fn uncommented(sample: &str, examples: bool) -> String {
    let (mut text, mut in_example) = (String::new(), false);
    for (line, parsed) in sample.lines().zip(keys::lines(sample)) {
        let is_wanted = match parsed {
            keys::Line::Section { is_comment, .. } => {
                in_example = is_comment;
                !is_comment || examples
            }
            keys::Line::Key { is_example, .. } => (is_example || in_example) == examples,
            keys::Line::Text(_) => false,
        };
        text.push_str(line.strip_prefix("# ").filter(|_| is_wanted).unwrap_or(line));
        text.push('\n');
    }
    text
}

fn sample(examples: bool) -> RawConfig {
    parse(&uncommented(SAMPLE, examples)).unwrap()
}

#[test]
fn the_sample_shows_the_defaults_and_examples_that_parse() {
    let nothing_set = format!("{:?}", RawConfig::default().resolve().unwrap());
    let defaults = sample(false).resolve().unwrap();
    assert_eq!(format!("{defaults:?}"), nothing_set);
    let mut examples = sample(true);
    let user = RawParent { rpc_cookie_file: None, ..examples.parent.clone() };
    let with_user = RawConfig { parent: user, ..RawConfig::default() }.resolve().unwrap();
    assert!(matches!(&daemons(&with_user)[0].auth, RpcAuth::User { .. }));
    (examples.parent.rpc_user, examples.parent.rpc_password) = (None, None);
    assert!(examples.password.is_some() && examples.geo.country_db.is_some() && examples.p2p.region.is_some());
    // A price has one place, and the sample shows all three.
    let price = examples.price.remove(0);
    assert!(price.file.is_some() && price.command.is_some() && price.url.is_some());
    let custom = RawConfig { chain: Some("custom".to_owned()), custom: examples.custom.take(), ..examples.clone() };
    let key = custom.custom.as_ref().unwrap().signature_key.clone();
    let refused = custom.clone().resolve().unwrap_err().to_string();
    assert!(refused.contains(&key.unwrap()), "one or the other: {refused}");
    let coin = custom.custom.map(|coin| RawCustom { signature_key: None, ..coin });
    // The address that the sample pays belongs to the devnet.
    let stratum = RawStratum { default_address: None, fee_percent: None, fee_address: None, ..custom.stratum };
    let custom = RawConfig { custom: coin, stratum, ..custom }.resolve().unwrap();
    assert_eq!(custom.chain.name, "globaltoken-regtest");
    let examples = examples.resolve().unwrap();
    let [first, fallback] = daemons(&examples) else { panic!("two daemons") };
    assert!(matches!(&first.auth, RpcAuth::CookieFile(path) if !path.starts_with("~")));
    assert_eq!(first.zmq_hashblock.as_deref(), Some("127.0.0.1:28332"));
    assert!(fallback.url != first.url);
    assert_eq!(examples.p2p.region, "EU".parse().ok());
    assert!(examples.p2p.reach.hole_punching && !examples.p2p.seeds.is_empty());
}

fn daemons(config: &Config) -> &[DaemonConfig] {
    match &config.parent {
        ParentConfig::Daemons(daemons) => daemons,
        ParentConfig::Embedded(_) => panic!("daemons of their own"),
    }
}

#[test]
fn an_empty_password_is_none() {
    let chain = |password: Option<&str>| {
        let raw = RawConfig { password: password.map(ToOwned::to_owned), ..RawConfig::default() };
        raw.resolve().unwrap().chain.params.id()
    };
    assert_eq!(chain(Some("")), chain(None));
    assert_ne!(chain(Some("x")), chain(None));
}

fn sources(text: &str, variables: &[(&str, &str)], flags: &[Setting]) -> (tempfile::NamedTempFile, Sources) {
    let file = file(text);
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
    let sources = Sources { file: Some(file.path().to_owned()), variables, flags: flags.to_vec() };
    (file, sources)
}

#[test]
fn flags_are_over_the_environment_and_that_over_the_file() {
    let text = "[p2p]\nregion = \"EU\"\npeers = [\"/ip4/10.0.0.1/tcp/5\"]\n[stratum]\ntls = false\n";
    let variables = [("POOLNODE__P2P__REGION", "AS"), ("POOLNODE__API__LISTEN", "127.0.0.1:1"), ("HOME", "/root")];
    let flags = [Setting::flag("--region", "p2p.region", "NA")];
    let (file, sources) = sources(text, &variables, &flags);
    let config = sources.read().unwrap();
    assert_eq!(config.p2p.region, "NA".parse().ok());
    assert_eq!((config.p2p.peers.len(), config.api_listen.port(), &config.stratum.tls), (1, 1, &TlsConfig::Off));

    let entries = config.entries();
    let entry = |key: &str| entries.iter().find(|entry| entry.key == key).unwrap_or_else(|| panic!("{key}"));
    let place = |key: &str| entry(key).place.clone().unwrap_or_default();
    let file = file.path().display();
    for (key, origin, found) in [
        ("p2p.region", Origin::Flag, "--region".to_owned()),
        ("api.listen", Origin::Env, "POOLNODE__API__LISTEN".to_owned()),
        ("p2p.peers", Origin::File, format!("{file}:3:1")),
        ("stratum.tls", Origin::File, format!("{file}:5:1")),
        ("stratum.connections_max", Origin::Default, String::new()),
    ] {
        assert_eq!((entry(key).origin, place(key)), (origin, found), "{key}");
    }
    assert_eq!(entry("stratum.connections_max").value, 16_384);
    assert_eq!(entry("stratum.fee_percent").value, serde_json::Value::Null);
}

#[test]
fn what_cannot_be_says_where_it_was_set() {
    let (file, sources) = sources("\n[stratum]\nfee_percent = 101\n", &[], &[]);
    let error = sources.read().unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("{}:3:1: stratum.fee_percent: must be 0 to 100", file.path().display())),
        "{error}"
    );
    let sources = Sources {
        variables: vec![("POOLNODE__PARENT__RPC_USER".into(), "x".into())],
        flags: vec![Setting::flag("--parent-rpc", "parent.rpc_url", "http://127.0.0.1:1")],
        file: None,
    };
    let error = sources.read().unwrap_err().to_string();
    assert!(error.starts_with("POOLNODE__PARENT__RPC_USER: parent.rpc_user and rpc_password go together"), "{error}");
    let sources = Sources { flags: vec![Setting::flag("--chain", "chain", "bitcoin")], ..Sources::default() };
    assert!(sources.read().unwrap_err().to_string().starts_with("--chain: parent.rpc_url: is missing"));
    let sources = Sources { flags: vec![Setting::flag("--log", "log.filter", "==")], ..Sources::default() };
    assert!(sources.read().unwrap_err().to_string().starts_with("--log: log.filter: \"==\" is not a filter"));
}

#[test]
fn entries_are_what_the_node_does_and_hold_no_secret() {
    let as_file = |entries: &[ConfigEntry]| {
        let mut table = toml::Table::new();
        for entry in entries.iter().filter(|entry| !entry.value.is_null()) {
            settings::insert(&mut table, &entry.key, toml::Value::try_from(&entry.value).unwrap());
        }
        table.to_string()
    };
    for chain in crate::chain_profile::known_chains() {
        let more = "\n[parent]\nrpc_url = \"http://127.0.0.1:1\"\n";
        let text = match chain {
            crate::chain_profile::custom::NAME => uncommented(SAMPLE, true).replace("\"devnet\"", "\"custom\""),
            _ => format!("chain = {chain:?}{more}"),
        };
        // The examples of the sample exclude each other, and pay on the devnet.
        let alone = ["signature_key", "rpc_user", "rpc_password", "default_address", "fee_percent", "fee_address"];
        // A notice goes nowhere without its URL, which is not shown.
        let notify = ["[[notify]]", "url", "format", "kinds", "secret", "token", "chat_id"];
        // A lane has a file of its own, and a price one place.
        let lane = ["[[lane]]", "name = \"second\"", "file = \"second.toml\"", "targets", "group_targets", "coins"];
        let price = ["[[price]]", "coin = ", "name = \"my file\"", "file = \"/var/lib", "command", "pointer"];
        let left_out = [alone.as_slice(), &notify, &lane, &price].concat();
        let is_kept = |line: &&str| !left_out.iter().any(|key| line.starts_with(key));
        let text: Vec<&str> = text.lines().filter(is_kept).collect();
        let (_file, first) = sources(&text.join("\n"), &[], &[]);
        let config = first.read().unwrap();
        let (_file, second) = sources(&as_file(&config.entries()).replace(HIDDEN, "correct horse"), &[], &[]);
        let shown = second.read().unwrap();
        let unset = |config: Config| {
            let stratum = MinersConfig { password: None, ..config.stratum.clone() };
            format!("{:?}", Config { settings: Settings::default(), stratum, ..config })
        };
        assert_eq!(unset(shown), unset(config), "{chain}");
    }
    let secrets = "password = \"31337\"\n[parent]\nrpc_url = \"http://127.0.0.1:1\"\nrpc_user = \"u\"\nrpc_password = \"31337\"\n\
                   [[parent.fallback]]\nrpc_url = \"http://127.0.0.1:2\"\nrpc_user = \"u\"\nrpc_password = \"31337\"\n";
    let (_file, sources) = sources(secrets, &[("POOLNODE__STRATUM__PASSWORD", "31337")], &[]);
    let config = sources.read().unwrap();
    let shown = serde_json::to_string(&config.entries()).unwrap();
    assert!(!shown.contains("31337") && shown.matches(HIDDEN).count() == 4, "{shown}");
    assert!(!format!("{:?}", config.settings).contains("31337"));
}

#[test]
fn wrong_values_name_their_key() {
    let resolve = |text: &str| parse(text).unwrap().resolve().unwrap_err().to_string();
    for key in ["listen", "external", "peers", "seeds", "relays"] {
        let error = resolve(&format!("[p2p]\n{key} = [\"/ip4/10.0.0.1/tcp/5\", \"10.0.0.1:5\"]"));
        assert_eq!(error, format!("p2p.{key}: \"10.0.0.1:5\" is not a multiaddress like /ip4/127.0.0.1/tcp/23333"));
    }
    let unnamed = resolve("[p2p]\nrelays = [\"/ip4/10.0.0.1/tcp/5\"]");
    assert!(
        unnamed.starts_with("p2p.relays: /ip4/10.0.0.1/tcp/5 does not name the relay; add its peer id"),
        "{unnamed}"
    );
    let twice = resolve("[p2p]\nlisten = [\"/ip6/::1/tcp/5\", \"/ip4/0.0.0.0/tcp/5\", \"/ip4/127.0.0.1/tcp/5\"]");
    let told =
        "p2p.listen: /ip4/0.0.0.0/tcp/5 and /ip4/127.0.0.1/tcp/5 are one port, for 0.0.0.0 and :: are every address";
    assert!(twice.starts_with(told), "{twice}");
    let ports = "[p2p]\nlisten = [\"/ip4/0.0.0.0/tcp/5\", \"/ip4/0.0.0.0/udp/5/quic-v1\", \"/ip6/::/tcp/5\"]";
    assert_eq!(parse(ports).unwrap().resolve().unwrap().p2p.listen.len(), 3);
    assert_eq!(resolve("[p2p]\noutbound_max = 3"), "p2p.outbound_max: must be 4 to 12");
    assert!(resolve("[p2p]\nselection = \"x\"").starts_with("p2p.selection: unknown selection \"x\""));
    assert!(resolve("[parent]\nrpc_url = \"127.0.0.1:8332\"").starts_with("parent.rpc_url"));
    assert!(resolve("[parent]\nrpc_user = \"x\"").starts_with("parent.rpc_url: is missing"));
    let rpc = |more: &str| resolve(&format!("[parent]\nrpc_url = \"http://127.0.0.1:1\"\n{more}"));
    assert!(rpc("rpc_user = \"x\"").starts_with("parent.rpc_user and rpc_password"));
    assert!(resolve("[parent]\nrpc_url = \"http://u:secret@127.0.0.1:1\"").starts_with("parent.rpc_url: must hold no"));
    assert!(resolve("[devnet]\nblock_interval_secs = 0").starts_with("devnet.block_interval_secs"));
    assert!(
        resolve("[stratum]\nshed_load_above = 9").starts_with("stratum.shed_load_above: needs directory.operator_key")
    );
    assert!(resolve("chain = \"x\"").starts_with("chain: unknown chain \"x\"; this version knows: devnet, bitcoin,"));
    assert_eq!(
        resolve("chain = \"bitcoin\""),
        "parent.rpc_url: is missing; the chain bitcoin needs a daemon, see docs/OPERATING.md"
    );
    assert!(resolve("chain = \"custom\"\n[custom]\nname = \"x\"").starts_with("chain: custom.genesis: is missing"));
    assert!(rpc("[[parent.fallback]]\nrpc_user = \"x\"").starts_with("parent.fallback.rpc_url: is missing"));
    assert!(rpc("zmq_hashblock = \"ipc://x\"").starts_with("parent.zmq_hashblock: \"ipc://x\" is not"));
}
