use super::*;
use crate::config::RawConfig;

#[test]
fn findings_are_counted_and_errors_make_it_unwell() {
    let findings = vec![Finding::ok("a", "x"), Finding::warning("b", "x"), Finding::skipped("c", "x")];
    let well = Diagnosis::new(findings.clone());
    assert_eq!(well.meta, Counts { count: 3, errors: 0, warnings: 1 });
    assert!(well.is_well());
    let unwell = Diagnosis::new([findings, vec![Finding::error("d", "x")]].concat());
    assert!(!unwell.is_well());
}

#[test]
fn a_refused_configuration_is_a_failed_check() {
    let error = RawConfig { chain: Some("dogecoin".to_owned()), ..RawConfig::default() }.resolve().unwrap_err();
    let diagnosis = Diagnosis::of_refused_config(&error);
    assert_eq!(diagnosis.meta.errors, 1);
    let found = &diagnosis.data[0];
    assert_eq!(found.check, "configuration");
    assert!(found.finding.starts_with("chain: unknown chain \"dogecoin\""), "{}", found.finding);
}

#[test]
fn texts_are_one_bounded_line() {
    let found = Finding::error("x", format!("a\u{1b}[2J\nb{}", "c".repeat(10_000))).because("d\r\n").fix("e\tf");
    assert!(found.finding.starts_with("a [2J bccc") && found.finding.chars().count() == TEXT_LEN_MAX);
    assert_eq!((found.cause.as_deref(), found.fix.as_deref()), (Some("d"), Some("e f")));
    assert_eq!(split_hint("it is wrong;\nhint: do right"), ("it is wrong", Some("do right")));
    assert_eq!(split_hint("it is wrong"), ("it is wrong", None));
}

#[test]
fn severities_have_names_that_scripts_read() {
    let found = Finding::skipped("zmq", "not configured").about("http://127.0.0.1:1");
    let json = serde_json::to_value(Diagnosis::new(vec![found])).unwrap();
    assert_eq!(json["data"][0]["severity"], "skipped");
    assert_eq!(json["data"][0]["subject"], "http://127.0.0.1:1");
    assert_eq!(json["meta"], serde_json::json!({"count": 1, "errors": 0, "warnings": 0}));
}

#[tokio::test]
async fn a_devnet_without_a_node_has_nothing_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("node");
    let text = "[stratum]\nlisten = \"127.0.0.1:0\"\n[api]\nlisten = \"127.0.0.1:0\"\n[devnet]\nlisten = \"127.0.0.1:0\"\n\
                [p2p]\nlisten = [\"/ip4/127.0.0.1/udp/0/quic-v1\"]";
    let raw: RawConfig = toml::from_str(text).unwrap();
    let config = RawConfig { data_dir: Some(dir.clone()), ..raw }.resolve().unwrap();
    let diagnosis = diagnose(&config, "http://127.0.0.1:1").await;
    assert!(diagnosis.is_well(), "{diagnosis:#?}");
    assert!(!dir.exists());
    let checks: Vec<&str> = diagnosis.data.iter().map(|found| found.check).collect();
    for check in
        ["configuration", "node", "rpc", "ports", "file-limit", "disk", "data-dir", "database", "stratum-tls", "geo"]
    {
        assert!(checks.contains(&check), "{check}");
    }
}
