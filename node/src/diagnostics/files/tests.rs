use sharechain::ShareId;

use super::*;
use crate::{
    config::RawConfig,
    diagnostics::Severity,
    store::{Marks, Store, schema::SCHEMA},
};

fn config(dir: &Path) -> Config {
    RawConfig { data_dir: Some(dir.to_owned()), ..RawConfig::default() }.resolve().unwrap()
}

fn severities(findings: &[Finding]) -> Vec<(&'static str, Severity)> {
    findings.iter().map(|found| (found.check, found.severity)).collect()
}

#[test]
fn before_the_first_start_nothing_is_wrong_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("node");
    let found = look(&config(&dir), &Folder::look(&dir), None);
    use Severity::{Ok, Skipped};
    assert_eq!(severities(&found), [("data-dir", Ok), ("database", Ok), ("stratum-tls", Ok), ("geo", Skipped)]);
    assert!(!dir.exists());
}

#[test]
fn secrets_that_others_can_read_are_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("node.key");
    assert_eq!(secret(&key), None, "it is made at the first start");
    data_dir::write_durably(&key, b"x").unwrap();
    assert_eq!(secret(&key).unwrap().severity, Severity::Ok);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let found = secret(&key).unwrap();
    assert_eq!(found.severity, Severity::Error);
    assert_eq!(found.finding, "others can read it (mode 644), so the node does not start");
    assert!(found.fix.unwrap().starts_with(&format!("chmod 600 {}", key.display())));
    assert_eq!(cookie(&key).unwrap().severity, Severity::Warning);
}

#[test]
fn a_data_directory_is_for_its_owner_alone() {
    let judged = |folder: &Folder| data_dir(Path::new("/pool"), folder);
    assert_eq!(judged(&Folder::Free { owner: None, mode: 0o700 }).severity, Severity::Ok);
    let loose = judged(&Folder::InUse { owner: None, mode: 0o755 });
    assert_eq!((loose.severity, loose.fix.as_deref()), (Severity::Warning, Some("chmod 700 /pool")));
    assert_eq!(
        judged(&Folder::Free { owner: None, mode: 0o770 }).severity,
        Severity::Error,
        "others could replace its keys"
    );
    assert_eq!(judged(&Folder::Closed(io::ErrorKind::PermissionDenied)).severity, Severity::Error);
    let theirs = judged(&Folder::Free { owner: Some(1_000), mode: 0o700 });
    assert_eq!(theirs.finding, "belongs to another user (uid 1000)");
}

#[test]
fn the_store_is_opened_when_nobody_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, shares) = (folder.path(), folder.path().join("shares"));
    let free = Folder::Free { owner: None, mode: 0o700 };
    assert_eq!(database(&config(dir), &free, None).finding, "not there yet; the first start makes it");
    assert!(!shares.exists());
    let mut store = SledStore::open(&shares).unwrap();
    store.mark(Marks { first: ShareId::ZERO, tip: ShareId::ZERO }).unwrap();
    drop(store);
    let found = database(&config(dir), &free, None);
    assert_eq!((found.severity, found.finding.as_str()), (Severity::Ok, "opens, and holds 0 shares"));
    let node = data_dir::DataDir::open(dir).unwrap();
    assert_eq!(database(&config(dir), &free, None).finding, "in use by the running node");
    drop(node);
    let theirs = Folder::Free { owner: Some(1), mode: 0o700 };
    assert_eq!(database(&config(dir), &theirs, None).severity, Severity::Skipped);
    let running = Folder::InUse { owner: None, mode: 0o700 };
    let found = database(&config(dir), &running, Some(Some(7)));
    assert_eq!(found.finding, "in use by the running node, which holds 7 shares");
}

#[test]
fn a_store_of_a_newer_program_is_told_with_both_versions_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, shares) = (folder.path(), folder.path().join("shares"));
    let mut store = SledStore::open(&shares).unwrap();
    store.set_schema(SCHEMA + 1).unwrap();
    store.sync().unwrap();
    drop(store);
    let found = database(&config(dir), &Folder::Free { owner: None, mode: 0o700 }, None);
    assert_eq!(found.severity, Severity::Error);
    assert_eq!(found.finding, "was written by a newer poolnode, so this one does not start");
    let versions = format!("it is of version {}, and the newest that this program knows is {SCHEMA}", SCHEMA + 1);
    assert_eq!(found.cause, Some(versions));
    let fix = found.fix.unwrap();
    assert!(fix.starts_with("run the newer poolnode, or ") && fix.contains("restore a backup of before"), "{fix}");
    assert_eq!(SledStore::open_as_it_is(&shares).unwrap().schema().unwrap(), SCHEMA + 1);
}

#[test]
fn damage_heals_by_itself_and_other_failures_do_not() {
    let judged = |held| opened(held).severity;
    assert_eq!(judged(Ok(Loaded { shares: 9, damaged: 0 })), Severity::Ok);
    let damaged = opened(Ok(Loaded { shares: 9, damaged: 1 }));
    assert_eq!((damaged.severity, damaged.finding.as_str()), (Severity::Warning, "1 of 10 records are damaged"));
    assert_eq!(judged(Err(StoreError::Stopped)), Severity::Error);
}

#[test]
fn certificate_and_key_have_to_fit() {
    let folder = tempfile::tempdir().unwrap();
    let made = |name: &str| {
        let data_dir = data_dir::DataDir::open(&folder.path().join(name)).unwrap();
        tls::certificate(&TlsConfig::Own, &data_dir).unwrap();
        data_dir::certificate(&folder.path().join(name))
    };
    let ((cert, key), (_, other_key)) = (made("one"), made("other"));
    let free = Folder::Free { owner: None, mode: 0o700 };
    assert_eq!(certificate(&TlsConfig::Own, &folder.path().join("one"), &free).severity, Severity::Ok);
    let closed = Folder::Closed(io::ErrorKind::PermissionDenied);
    assert_eq!(certificate(&TlsConfig::Own, folder.path(), &closed).severity, Severity::Skipped);
    let judged =
        |key: &Path| certificate(&TlsConfig::Files { cert: cert.clone(), key: key.to_owned() }, folder.path(), &closed);
    assert_eq!(judged(&key).severity, Severity::Ok);
    let found = judged(&other_key);
    assert_eq!(found.severity, Severity::Error);
    assert!(found.fix.unwrap().starts_with("give the certificate with its chain"));
    let missing = judged(&folder.path().join("none"));
    assert_eq!((missing.severity, missing.cause.is_some()), (Severity::Error, true));
    assert_eq!(certificate(&TlsConfig::Off, folder.path(), &free).severity, Severity::Skipped);
}

#[test]
fn a_certificate_that_ends_soon_warns() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = data_dir::DataDir::open(folder.path()).unwrap();
    let certificate = tls::certificate(&TlsConfig::Own, &data_dir).unwrap().unwrap();
    let (end, day) = (certificate.expires, 86_400);
    assert!(end > unix_now(), "the node's own holds for long");
    let judged = |left: u64| loaded(&certificate, end - left).severity;
    assert_eq!([judged(15 * day), judged(13 * day)], [Severity::Ok, Severity::Warning]);
    assert_eq!(loaded(&certificate, end + 1).severity, Severity::Error);
}

#[test]
fn old_databases_of_places_warn_and_broken_ones_too() {
    let facts = |built| Ok(DatabaseFacts { kind: "GeoLite2-City".to_owned(), built });
    let day = 86_400;
    let judged = |age: u64| place_database("country_db", facts(1_000 * day), (1_000 + age) * day);
    assert_eq!((judged(90).severity, judged(90).finding.as_str()), (Severity::Ok, "GeoLite2-City, 90 days old"));
    assert_eq!(judged(91).severity, Severity::Warning);
    let broken = place_database("asn_db", Err("no such file".to_owned()), 0);
    assert_eq!(broken.finding, "geo.asn_db cannot be used: places stay what peers claim");
    assert_eq!(broken.cause.as_deref(), Some("no such file"));
}
