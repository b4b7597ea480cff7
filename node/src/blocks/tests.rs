use std::time::Duration;

use tokio::{net::TcpListener, sync::oneshot, time::timeout};

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

/// Gives the task an own block; who waits for it hears this.
fn take(task: &mut BlocksTask, hash: BlockHash) -> oneshot::Receiver<Result<(), String>> {
    let (kept, outcome) = oneshot::channel();
    task.take(PoolBlock::found(hash, 7, 50, true), Arc::from([0xab; 90]), kept);
    outcome
}

/// What a daemon says of a submitted block.
fn judged(hash: BlockHash, word: Option<&str>) -> Answer {
    Answer::Submitted { hash, url: "http://127.0.0.1:1".into(), verdict: Some(Ok(word.map(str::to_owned))) }
}

impl BlocksTask {
    /// Goes on until this write has ended.
    async fn until_written(&mut self, hash: BlockHash) {
        while self.blocks[&hash].is_being_written {
            let answer = timeout(PATIENCE, self.calls.next()).await.unwrap().unwrap();
            self.on_answer(answer);
        }
    }
}

/// Keeps a block's file from being written, also for root; undone by removing the folder.
fn obstruct(path: &Path) -> PathBuf {
    fs::create_dir_all(path.join("in the way")).unwrap();
    path.to_owned()
}

#[tokio::test]
async fn a_block_that_cannot_be_written_is_written_when_the_disk_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut task = task(folder.path());
    let own = hash(1);
    let obstacle = obstruct(&task.path(&own));
    let mut outcome = take(&mut task, own);
    task.until_written(own).await;
    assert!(outcome.try_recv().is_err(), "a daemon may take it yet");
    assert!(task.blocks[&own].unwritten.is_some());
    task.write_again();
    task.until_written(own).await;
    fs::remove_dir_all(&obstacle).unwrap();
    task.write_again();
    task.until_written(own).await;
    assert_eq!(outcome.await.unwrap(), Ok(()));
    assert_eq!(fs::read_to_string(task.path(&own)).unwrap(), "ab".repeat(90));
    assert!(task.blocks[&own].unwritten.is_none() && task.blocks[&own].trouble.is_none());
}

#[tokio::test]
async fn a_miner_hears_that_its_block_is_kept_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let mut task = task(folder.path());
    let (taken, refused, overdue) = (hash(1), hash(2), hash(3));
    for block in [taken, refused, overdue] {
        obstruct(&task.path(&block));
    }
    let [of_taken, of_refused, of_overdue] = [taken, refused, overdue].map(|block| take(&mut task, block));
    for block in [taken, refused, overdue] {
        task.until_written(block).await;
    }
    task.on_answer(judged(taken, None));
    assert_eq!(of_taken.await.unwrap(), Ok(()), "the daemon has it");
    task.on_answer(judged(refused, Some("bad-cb-amount")));
    assert!(of_refused.await.unwrap().unwrap_err().contains("no daemon has taken it"));
    task.on_answer(Answer::Overdue { hash: overdue });
    assert!(of_overdue.await.unwrap().is_err(), "no daemon answers");
    task.on_looked(overdue, Ok(None));
    assert!(task.blocks[&overdue].unwritten.is_some(), "it is not given up");
    task.on_looked(overdue, confirmed(7, MATURITY));
    assert!(task.blocks[&overdue].unwritten.is_none(), "it is buried");
}

#[cfg(unix)]
#[tokio::test]
async fn a_submission_does_not_wait_for_the_disk() {
    use nix::{sys::stat::Mode, unistd::mkfifo};
    let folder = tempfile::tempdir().unwrap();
    let daemon = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut task = task_of(folder.path(), &format!("http://{}", daemon.local_addr().unwrap()));
    let own = hash(1);
    let temporary = task.path(&own).with_extension("tmp");
    // Whoever writes to it waits until somebody reads.
    mkfifo(&temporary, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    let mut outcome = take(&mut task, own);
    let submitted = async {
        tokio::select! {
            connected = daemon.accept() => drop(connected.unwrap()),
            _ = task.calls.next() => panic!("neither the daemon nor the disk has answered"),
        }
    };
    let (submitted, answer) = (timeout(PATIENCE, submitted).await, outcome.try_recv());
    let is_saved = folder.path().join("history.json").exists();
    // Lets the write end, and so the test.
    drop(fs::File::open(&temporary).unwrap());
    assert!(submitted.is_ok(), "the submission waits for the disk");
    assert!(answer.is_err() && !is_saved, "nobody waits for the history");
}

#[tokio::test]
async fn a_block_that_was_found_just_before_the_stop_reaches_the_daemon_and_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // It takes every block.
    let daemon = axum::Router::new().fallback(|| async { "{}" });
    tokio::spawn(async move { axum::serve(listener, daemon).await });
    let mut task = task_of(folder.path(), &url);
    let own = hash(1);
    let (path, outcome) = (task.path(&own), take(&mut task, own));
    let (sender, inbox) = mpsc::channel(1);
    let (token, ended) = (CancellationToken::new(), timeout(PATIENCE, outcome));
    token.cancel();
    drop(sender);
    task.run(inbox, token).await;
    assert_eq!(ended.await.unwrap().unwrap(), Ok(()));
    assert!(path.exists());
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
