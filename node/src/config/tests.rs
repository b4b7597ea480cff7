use super::*;

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn parse(text: &str) -> Result<RawConfig, ConfigError> {
    RawConfig::read(file(text).path())
}

/// The sample with the keys under comments that `keep` takes turned on.
fn sample(keep: impl Fn(&str) -> bool) -> RawConfig {
    let mut comment = "";
    let mut text = String::new();
    for line in SAMPLE.lines() {
        let key =
            line.strip_prefix("# ").filter(|line| line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')));
        text.push_str(key.filter(|_| keep(comment)).unwrap_or(line));
        text.push('\n');
        if key.is_none() {
            comment = line;
        }
    }
    parse(&text).unwrap()
}

#[test]
fn the_sample_shows_the_defaults_and_examples_that_parse() {
    let is_example = |comment: &str| comment.ends_with("Example:");
    let nothing_set = format!("{:?}", RawConfig::default().resolve().unwrap());
    let defaults = sample(|comment| !is_example(comment)).resolve().unwrap();
    assert_eq!(format!("{defaults:?}"), nothing_set);
    let mut examples = sample(is_example);
    let user = RawParent { rpc_cookie_file: None, ..examples.parent.clone() };
    let with_user = RawConfig { parent: user, ..RawConfig::default() }.resolve().unwrap();
    assert!(matches!(with_user.parent, ParentConfig::Rpc { auth: RpcAuth::User { .. }, .. }));
    (examples.parent.rpc_user, examples.parent.rpc_password) = (None, None);
    assert!(examples.password.is_some() && examples.geo.country_db.is_some() && examples.p2p.region.is_some());
    let examples = examples.resolve().unwrap();
    assert!(
        matches!(&examples.parent, ParentConfig::Rpc { auth: RpcAuth::CookieFile(path), .. } if !path.starts_with("~"))
    );
    assert_eq!(examples.p2p.region, "EU".parse().ok());
    assert!(examples.p2p.reach.hole_punching && !examples.p2p.seeds.is_empty());
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
    assert!(resolve("[p2p]\npeers = [\"10.0.0.1:5\"]").starts_with("p2p.peers: \"10.0.0.1:5\""));
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
    assert_eq!(resolve("chain = \"x\""), "chain: unknown chain \"x\"; this version knows: devnet");
}
