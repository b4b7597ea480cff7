use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn the_key_stays_the_same_and_is_the_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let dir = DataDir::open(folder.path()).unwrap();
    let key = dir.identity().unwrap();
    assert_eq!(dir.identity().unwrap().public(), key.public());
    let path = folder.path().join("node.key");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(dir.identity(), Err(NodeError::LooseMode { mode: 0o644, .. })));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, b"junk").unwrap();
    assert!(matches!(dir.identity(), Err(NodeError::Key(_))));
    let key = dir.authority_keys().unwrap();
    assert_eq!(dir.authority_keys().unwrap().public(), key.public());
    fs::write(folder.path().join("stratum-v2.key"), "0".repeat(64)).unwrap();
    assert!(matches!(dir.authority_keys(), Err(NodeError::Key(_))));
}

#[test]
fn an_operators_key_is_read_and_never_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("operator.key");
    assert!(matches!(operator_key(&path), Err(NodeError::File { .. })));
    write_durably(&path, format!("{}\n", "07".repeat(32)).as_bytes()).unwrap();
    assert_eq!(operator_key(&path).unwrap().secret().as_ref(), [7; 32]);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(operator_key(&path), Err(NodeError::LooseMode { mode: 0o640, .. })));
    write_durably(&path, b"07").unwrap();
    assert!(matches!(operator_key(&path), Err(NodeError::OperatorKey(_))));
}

#[test]
fn files_of_peers_that_cannot_be_read_cost_what_is_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let dir = DataDir::open(folder.path()).unwrap();
    let is_empty = || {
        let ((bans, _), (book, _)) = (dir.bans(), dir.address_book(AddressPolicy::PublicOnly));
        bans.list(unix_now()).count() == 0 && book.entries().count() == 0
    };
    assert!(is_empty(), "there are none");
    for name in ["bans.json", "peers.book"] {
        fs::write(folder.path().join(name), [0xff; 100]).unwrap();
    }
    assert!(is_empty());
    let path = folder.path().join("kept");
    let kept = || read_kept(&path, 3, |bytes| Ok(bytes.to_vec()));
    assert_eq!(kept().unwrap(), None);
    fs::write(&path, "abc").unwrap();
    assert_eq!(kept().unwrap().as_deref(), Some(b"abc".as_slice()));
    fs::write(&path, "abcd").unwrap();
    assert_eq!(kept().unwrap_err().kind(), io::ErrorKind::FileTooLarge);
}

#[test]
fn a_folder_that_others_can_write_to_is_refused_and_a_new_one_is_the_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    drop(DataDir::open(&path).unwrap());
    let set = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    for mode in [0o777, 0o770, 0o702] {
        set(mode);
        assert!(matches!(DataDir::open(&path), Err(NodeError::LooseFolder { mode: refused, .. }) if refused == mode));
    }
    set(0o755);
    assert!(DataDir::open(&path).is_ok(), "others may see names");
}

#[test]
fn a_second_node_is_refused_until_the_first_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let first = DataDir::open(folder.path()).unwrap();
    assert!(matches!(DataDir::open(folder.path()), Err(NodeError::DataDirInUse(_))));
    drop(first);
    assert!(DataDir::open(folder.path()).is_ok());
}
