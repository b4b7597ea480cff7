use axum::{
    Json, Router,
    http::{HeaderMap, StatusCode, header::AUTHORIZATION},
    routing::get,
};
use sharechain::{
    ShareChain,
    testing::{GENESIS_TIME, Miner},
};
use tokio::net::TcpListener;

use super::*;
use crate::{
    api::client::ApiError,
    data_dir::RESTORING,
    database::tests::{SILENT, config, node},
    store::{self, Journal},
};

/// A configuration with a second lane where lanes are.
fn with_second_lane(dir: &Path, lane: impl Fn(&Path) -> Config) -> Config {
    let mut first = lane(dir);
    first.lanes = vec![("second".to_owned(), lane(&dir.join(LANES).join("second")))];
    first
}

#[tokio::test]
async fn a_restore_that_is_cut_off_in_any_lane_leaves_no_node() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, copy, other) = (folder.path().join("node"), folder.path().join("backup"), folder.path().join("other"));
    let before = with_second_lane(&dir, |dir| node(dir, 3));
    assert_eq!(backup(&before, &copy, SILENT).await.unwrap().len(), 2);
    let after = with_second_lane(&other, config);
    for lanes_done in 0..=2 {
        let plan = plan(&after, &copy);
        let held = hold(&plan).unwrap();
        let _cut_off = Unfinished::begin(plan.iter().map(|lane| lane.folder.clone()).collect()).unwrap();
        for lane in plan.iter().take(lanes_done) {
            restore_lane(lane).unwrap();
        }
        drop(held);
        for Plan { folder, .. } in &plan {
            let refused = DataDir::open(folder).unwrap_err();
            assert!(matches!(refused, NodeError::HalfRestored(_)), "after {lanes_done} lanes: {refused}");
        }
        fs::remove_dir_all(&other).unwrap();
    }
    let done = restore(&after, &copy).unwrap();
    assert_eq!(done.iter().map(|lane| lane.shares).collect::<Vec<_>>(), [3, 3]);
    for (_, lane) in lanes(&after) {
        DataDir::open(&lane.data_dir).unwrap();
    }
}

#[tokio::test]
async fn a_restore_that_fails_in_one_lane_leaves_none_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, copy, other) = (folder.path().join("node"), folder.path().join("backup"), folder.path().join("other"));
    let before = with_second_lane(&dir, |dir| node(dir, 3));
    backup(&before, &copy, SILENT).await.unwrap();
    // A store of a newer program.
    let mut store = opened(&copy.join(LANES).join("second")).unwrap();
    store.set_schema(crate::database::SCHEMA + 1).unwrap();
    store.sync().unwrap();
    drop(store);
    let after = with_second_lane(&other, config);
    let refused = restore(&after, &copy).unwrap_err();
    assert!(matches!(refused, DatabaseError::Store { .. }), "{refused}");
    assert!(!other.join("node.key").exists() && !other.join(LANES).exists() && !other.join(RESTORING).exists());
}

#[tokio::test]
async fn a_folder_that_a_node_takes_before_the_restore_does_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, copy, other) = (folder.path().join("node"), folder.path().join("backup"), folder.path().join("other"));
    let before = with_second_lane(&dir, |dir| node(dir, 3));
    backup(&before, &copy, SILENT).await.unwrap();
    let elsewhere = folder.path().join("elsewhere");
    let mut after = config(&other);
    after.lanes = vec![("second".to_owned(), config(&elsewhere))];
    for taken in [&other, &elsewhere] {
        // It has nothing but its lock yet, so the folder looks free.
        let running = DataDir::open(taken).unwrap();
        let planned = plan(&after, &copy);
        let refused = restore(&after, &copy).unwrap_err();
        assert!(matches!(refused, DatabaseError::Node(NodeError::DataDirInUse(_))), "{refused}");
        running.identity().unwrap();
        let refused = hold(&planned).unwrap_err();
        assert!(matches!(refused, DatabaseError::Node(NodeError::DataDirInUse(_))), "{refused}");
        assert!(taken.join("lock").exists() && taken.join("node.key").exists());
        drop(running);
        let refused = hold(&planned).unwrap_err();
        assert!(matches!(refused, DatabaseError::NotEmpty(_)), "it came and went: {refused}");
        fs::remove_file(taken.join("node.key")).unwrap();
    }
    // What is left are locks that nobody holds.
    assert_eq!(restore(&after, &copy).unwrap().len(), 2);
}

/// What a crash would leave of a folder now.
fn snapshot(folder: &Path, place: &Path) -> PathBuf {
    let taken = place.join(fs::read_dir(place).unwrap().count().to_string());
    files::copy(folder, &taken, &|_| false).unwrap();
    taken
}

#[tokio::test]
async fn a_backup_that_is_cut_off_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, copy, crashes) =
        (folder.path().join("node"), folder.path().join("backup"), folder.path().join("crashes"));
    fs::create_dir(&crashes).unwrap();
    let before = with_second_lane(&dir, |dir| node(dir, 3));
    let seen = std::sync::Mutex::new(Vec::new());
    backup(&before, &copy, &|_, _| seen.lock().unwrap().push(snapshot(&copy, &crashes))).await.unwrap();
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.len(), 2, "once in each lane");
    for crash in &seen {
        assert!(crash.join("node.key").exists() && has_store(crash), "it looks like a backup");
        for after in [with_second_lane(&folder.path().join("other"), config), config(&folder.path().join("other"))] {
            let refused = restore(&after, crash).unwrap_err();
            assert!(matches!(refused, DatabaseError::HalfBackup(_)), "{refused}");
            assert!(!after.data_dir.exists());
        }
        assert!(matches!(DataDir::open(crash), Err(NodeError::HalfRestored(_))), "nor a node");
    }
    // A lane of it on its own.
    let second = seen.last().unwrap().join(LANES).join("second");
    assert!(matches!(restore(&config(&folder.path().join("other")), &second), Err(DatabaseError::HalfBackup(_))));
    assert_eq!(restore(&config(&folder.path().join("other")), &copy.join(LANES).join("second")).unwrap().len(), 1);
    assert!(!copy.join(RESTORING).exists() && !copy.join(LANES).join("second").join(RESTORING).exists());
}

#[tokio::test]
async fn a_backup_that_fails_leaves_an_empty_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, copy) = (folder.path().join("node"), folder.path().join("backup"));
    let before = with_second_lane(&dir, |dir| node(dir, 3));
    fs::remove_dir_all(dir.join(LANES).join("second").join("shares")).unwrap();
    let refused = backup(&before, &copy, SILENT).await.unwrap_err();
    assert!(matches!(refused, DatabaseError::NoStore(_)), "{refused}");
    assert_eq!(fs::read_dir(&copy).unwrap().count(), 0);
}

/// A node that runs, as far as a backup sees of it: it has the lock, and gives its store to who shows this cookie.
async fn running(dir: &Path, cookie: &'static str) -> DataDir {
    let held = DataDir::open(dir).unwrap();
    let store = opened(dir).unwrap();
    let page = store.page(None, STORE_PAGE_MAX).unwrap();
    let marks = store.marks().unwrap();
    let page = StorePage {
        shares: page.shares.len(),
        records: page.shares.iter().map(|share| hex::encode(share.encode())).collect(),
        damaged: page.damaged,
        next: None,
        marks: marks.map(|marks| StoreMarks { first: marks.first.to_string(), tip: marks.tip.to_string() }),
    };
    let answer = move |headers: HeaderMap| async move {
        let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        if shown == Some(format!("Bearer {cookie}").as_str()) { Ok(Json(page)) } else { Err(StatusCode::UNAUTHORIZED) }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new().route("/api/v1/store", get(answer));
    tokio::spawn(async move { axum::serve(listener, app).await });
    fs::write(dir.join("endpoints.json"), serde_json::json!({ "api": api, "stratum": "", "p2p": [] }).to_string())
        .unwrap();
    held
}

#[tokio::test]
async fn a_running_node_is_shown_the_cookie_of_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, copy) = (folder.path().join("node"), folder.path().join("backup"));
    let config = node(&dir, 7);
    let _running = running(&dir, "the cookie").await;
    let cookie = dir.join("api.cookie");
    fs::write(&cookie, "of another start").unwrap();
    let refused = backup(&config, &copy, SILENT).await.unwrap_err();
    assert!(matches!(refused, DatabaseError::Api(ApiError::Malformed { .. })), "{refused}");
    fs::remove_file(&cookie).unwrap();
    let refused = backup(&config, &copy, SILENT).await.unwrap_err();
    assert!(matches!(&refused, DatabaseError::Node(NodeError::File { path, .. }) if *path == cookie), "{refused}");
    fs::write(&cookie, "the cookie\n").unwrap();
    let done = backup(&config, &copy, SILENT).await.unwrap();
    assert_eq!((done[0].shares, done[0].online), (7, true));
}

/// What a start with this configuration knows.
fn started(config: &Config) -> store::LoadedChain {
    let held = DataDir::open(&config.data_dir).unwrap();
    let chain = &config.chain;
    store::open(&held.shares(), &held.own_shares(), &chain.params, chain.generation_shares).unwrap().2
}

#[tokio::test]
async fn own_shares_that_only_the_journal_has_are_in_a_backup() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, copy, other) = (folder.path().join("node"), folder.path().join("backup"), folder.path().join("other"));
    let (before, after) = (node(&dir, 3), config(&other));
    // The same shares, and two more that the store has lost, one in each file.
    let params = before.chain.params.clone();
    let (mut chain, mut miner) = (ShareChain::new(params.clone()), Miner::new(params, 1));
    let shares: Vec<_> = (1..=5).map(|second| miner.extend(&mut chain, GENESIS_TIME + second)).collect();
    for (share, name) in shares[3..].iter().zip(["own-shares.older.journal", "own-shares.journal"]) {
        let mut journal = Journal::open(&dir.join(name)).unwrap();
        journal.append(&[StoredShare::new(share, 9)]).unwrap();
    }
    // And one that is just written.
    let mut torn = fs::read(dir.join("own-shares.journal")).unwrap();
    torn.extend_from_within(..torn.len() / 2);
    fs::write(dir.join("own-shares.journal"), torn).unwrap();
    for is_running in [false, true] {
        let _running = if is_running { Some(running(&dir, "secret").await) } else { None };
        let done = backup(&before, &copy, SILENT).await.unwrap();
        assert_eq!((done[0].shares, done[0].online), (3, is_running));
        restore(&after, &copy).unwrap();
        assert_eq!(started(&after).chain.tip().height, 5);
        fs::remove_dir_all(&copy).unwrap();
        fs::remove_dir_all(&other).unwrap();
    }
}

#[tokio::test]
async fn what_is_left_out_of_a_backup_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, copy) = (folder.path().join("node"), folder.path().join("backup"));
    let before = node(&dir, 5);
    let mut store = opened(&dir).unwrap();
    for tag in 0..2 {
        let foreign = StoredShare { bytes: vec![tag; 300], is_block: false, linked_at: 1 };
        store.append(&[(ShareId::from_bytes([tag; 32]), foreign)]).unwrap();
    }
    store.sync().unwrap();
    drop(store);
    let raw = ::sled::open(shares_of(&dir).join("0000000000")).unwrap();
    raw.open_tree("shares").unwrap().insert(4_u64.to_be_bytes(), b"flipped bits").unwrap();
    drop(raw);
    for is_running in [false, true] {
        let _running = if is_running { Some(running(&dir, "secret").await) } else { None };
        let done = backup(&before, &copy, SILENT).await.unwrap();
        assert_eq!((done[0].shares, done[0].damaged, done[0].foreign, done[0].online), (4, 1, 2, is_running));
        fs::remove_dir_all(&copy).unwrap();
    }
}
