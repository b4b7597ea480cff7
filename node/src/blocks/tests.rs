use std::time::Duration;

use tokio::net::TcpListener;

use super::*;
use crate::parent::{
    ParentState,
    rpc::{RpcAuth, RpcClient},
};

/// Blocks until a coinbase can be spent.
const MATURITY: i64 = 100;

/// The longest that a test waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// A task without a daemon: looks are answered by the test.
fn task(folder: &Path) -> BlocksTask {
    task_of(folder, "http://127.0.0.1:1")
}

fn task_of(folder: &Path, url: &str) -> BlocksTask {
    let client = RpcClient::new(url, RpcAuth::None).unwrap();
    let (_, parent) = watch::channel(ParentState::starting());
    let (view, _) = watch::channel(Arc::default());
    let devnet = ChainProfile::find("devnet", None).unwrap();
    BlocksTask::open(Daemons::new(vec![client], parent), &devnet, folder.to_owned(), view).unwrap()
}

fn hash(tag: u32) -> BlockHash {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&tag.to_le_bytes());
    BlockHash::from_bytes(bytes)
}

fn confirmed(height: u32, confirmations: i64) -> Result<Option<BlockStatus>, RpcError> {
    Ok(Some(BlockStatus { confirmations, height }))
}

#[tokio::test]
async fn a_block_that_was_found_just_before_the_stop_reaches_the_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // It takes every block.
    let daemon = axum::Router::new().fallback(|| async { "{}" });
    tokio::spawn(async move { axum::serve(listener, daemon).await });
    let mut task = task_of(folder.path(), &url);
    task.track(PoolBlock::found(hash(1), 7, 50, true));
    task.submit(hash(1), vec![0xab; 90]);
    let ((sender, inbox), token) = (mpsc::channel(1), CancellationToken::new());
    token.cancel();
    drop(sender);
    timeout(PATIENCE, task.run(inbox, token)).await.unwrap();
    assert_eq!(history::read(folder.path()).blocks[0].status, PoolBlockStatus::Submitted);
}

#[test]
fn the_file_goes_when_the_block_is_matured_even_if_that_happened_while_the_node_was_down() {
    let folder = tempfile::tempdir().unwrap();
    let mut task = task(folder.path());
    let own = hash(1);
    fs::write(task.path(&own), "00").unwrap();
    task.track(PoolBlock::found(own, 7, 50, true));
    task.on_looked(own, confirmed(7, 1));
    task.on_looked(own, confirmed(7, MATURITY - 1));
    assert!(task.path(&own).exists());
    let late = hash(2);
    fs::write(task.path(&late), "00").unwrap();
    task.track(PoolBlock::found(late, 7, 50, true));
    for block in [own, late] {
        task.on_looked(block, confirmed(7, MATURITY));
        assert!(!task.path(&block).exists());
    }
}

#[test]
fn claims_displace_neither_our_blocks_nor_confirmed_ones() {
    let folder = tempfile::tempdir().unwrap();
    let mut task = task(folder.path());
    task.track(PoolBlock::found(hash(1), 5, 50, true));
    task.track(PoolBlock::found(hash(2), 6, 50, false));
    task.on_looked(hash(2), confirmed(6, 1));
    for tag in 0..u32::try_from(BLOCKS_REMEMBERED_MAX).unwrap() {
        task.track(PoolBlock::found(hash(1_000 + tag), u32::MAX - tag, 50, false));
    }
    assert_eq!(task.blocks.len(), BLOCKS_REMEMBERED_MAX);
    assert!(task.blocks.contains_key(&hash(1)) && task.blocks.contains_key(&hash(2)));
}

#[test]
fn a_file_that_is_no_block_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let stray = folder.path().join("stray.block");
    fs::write(&stray, [0xff, 0xfe]).unwrap();
    assert!(task(folder.path()).blocks.is_empty());
    assert!(stray.exists());
}

#[test]
fn files_that_cannot_be_read_do_not_keep_the_node_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let unreadable = folder.path().join(format!("{}.block", hash(1)));
    fs::create_dir(&unreadable).unwrap();
    let endless = fs::File::create(folder.path().join(format!("{}.block", hash(2)))).unwrap();
    endless.set_len(1 << 40).unwrap();
    assert!(task(folder.path()).blocks.is_empty());
    assert!(unreadable.exists());
}
