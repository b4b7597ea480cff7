use super::*;
use crate::parent::rpc::RpcAuth;

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
fn sample(examples: bool) -> RawConfig {
    let (mut comment, mut in_section) = ("", false);
    let mut text = String::new();
    for line in SAMPLE.lines() {
        let written = line.strip_prefix("# ");
        let is_key =
            |line: &str| line.starts_with('[') || line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
        let key = written.filter(|line| is_key(line));
        in_section = key.is_some_and(|key| key.starts_with('[')) || in_section && !line.starts_with('[');
        let is_example = in_section || comment.ends_with("Example:");
        text.push_str(key.filter(|_| is_example == examples).unwrap_or(line));
        text.push('\n');
        if key.is_none() {
            comment = line;
        }
    }
    parse(&text).unwrap()
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

#[test]
fn unknown_keys_are_refused_with_the_nearest_known_one() {
    let error = parse("chain = \"devnet\"\n[stratum]\nlsten = \"127.0.0.1:1\"\n").unwrap_err().to_string();
    assert!(error.contains("line 3"), "{error}");
    assert!(error.contains("lsten"), "{error}");
    assert!(error.ends_with("hint: did you mean `listen`?"), "{error}");
    let error = parse("[strtum]\n").unwrap_err().to_string();
    assert!(error.ends_with("hint: did you mean `stratum`?"), "{error}");
    let error = parse("frobnicate = 1\n").unwrap_err().to_string();
    assert!(!error.contains("hint"), "{error}");
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
