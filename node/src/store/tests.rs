//! The store's task, and the way back from a store to the chain. What every engine has to do is in `engines`.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    sync::{Arc, Mutex, atomic::Ordering},
};

use sharechain::{
    Effect, Origin, Params, ShareChain,
    testing::{self, GENESIS_TIME, Miner},
};
use tokio::sync::{mpsc, oneshot};

use self::disk::TestDisk;
use super::{mem::MemStore, *};

mod disk;
mod engines;

fn sample(tag: u64) -> (ShareId, StoredShare) {
    let share = Miner::devnet().orphan(tag);
    (share.id(), StoredShare::new(&share, tag))
}

fn all(store: &dyn Store) -> (Vec<u64>, Loaded) {
    let mut linked = Vec::new();
    let loaded = store.for_each(&mut |share| linked.push(share.linked_at)).unwrap();
    (linked, loaded)
}

#[tokio::test]
async fn the_task_acknowledges_after_the_sync_and_reads_back() {
    let (handle, thread) = spawn(Box::new(MemStore::default()), None).unwrap();
    let (id, share) = sample(1);
    let durable = handle.append_durably(id, share.clone()).await;
    durable.await.unwrap().unwrap();
    let (other, _) = sample(2);
    assert_eq!(handle.read(vec![other, id]).await.unwrap(), vec![None, Some(share)]);
    drop(handle);
    assert!(tokio::task::spawn_blocking(|| thread.join().unwrap()).await.unwrap().is_ok());
}

#[tokio::test]
async fn a_failed_sync_is_never_acknowledged_and_ends_the_store() {
    let (handle, thread) = spawn(Box::new(TestDisk::broken()), None).unwrap();
    let (id, share) = sample(1);
    let durable = handle.append_durably(id, share).await;
    let error = durable.await.unwrap().unwrap_err();
    assert!(error.chain().contains("no space left on device"), "{}", error.chain());
    assert!(tokio::task::spawn_blocking(|| thread.join().unwrap()).await.unwrap().is_err());
    handle.failed().await;
    assert!(matches!(handle.read(vec![id]).await, Err(StoreError::Stopped)));
}

/// Lines of a log, as text.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().map_err(|_| io::Error::other("a test panicked"))?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_store_that_fails_says_why_once_whatever_it_was_doing() {
    let (id, share) = sample(1);
    for durable in [None, Some(oneshot::channel().0)] {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        let _logged = tracing::subscriber::set_default(log);
        let what = if durable.is_some() { "a share that a miner waits for" } else { "what is synced by the clock" };
        let (commands, inbox) = mpsc::channel(1);
        commands.send(Command::Append { id, share: share.clone(), durable }).await.unwrap();
        let disk = task::Disk::new(Box::new(TestDisk::broken()), None);
        assert!(task::run(disk, inbox, &WritePace::new()).await.is_err(), "{what}");
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.matches("no space left on device").count(), 1, "{what}: {text}");
    }
}

#[tokio::test]
async fn an_own_share_is_in_the_journal_even_when_the_store_then_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own-shares.journal");
    let journal = Journal::open(&path).unwrap();
    let (handle, thread) = spawn(Box::new(TestDisk::broken()), Some(journal)).unwrap();
    let (other, from_a_peer) = sample(2);
    handle.append(other, from_a_peer).await;
    let (id, share) = sample(1);
    assert!(handle.append_durably(id, share.clone()).await.await.unwrap().is_err());
    assert!(tokio::task::spawn_blocking(|| thread.join().unwrap()).await.unwrap().is_err());
    assert_eq!(Journal::open(&path).unwrap().shares().unwrap().page(2).unwrap(), vec![share]);
}

#[tokio::test]
async fn nothing_is_removed_before_the_marks_without_it_are_synced() {
    let store = TestDisk::default();
    let calls = store.calls.clone();
    let (commands, inbox) = mpsc::channel(8);
    let (id, share) = sample(1);
    let (tip, _) = sample(2);
    commands.send(Command::Append { id, share, durable: None }).await.unwrap();
    commands.send(Command::Mark(Marks { first: tip, tip })).await.unwrap();
    commands.send(Command::Remove { ids: vec![id] }).await.unwrap();
    let (reply, gone) = oneshot::channel();
    commands.send(Command::Read { ids: vec![id], reply }).await.unwrap();
    let disk = task::Disk::new(Box::new(store), None);
    let pace = WritePace::new();
    let work = task::run(disk, inbox, &pace);
    let asks = async {
        assert_eq!(gone.await.unwrap(), [None], "nobody sees it any more");
        assert_eq!(*calls.lock().unwrap(), ["append", "mark"]);
        drop(commands);
    };
    let (ended, ()) = tokio::join!(work, asks);
    assert!(ended.is_ok());
    assert_eq!(*calls.lock().unwrap(), ["append", "mark", "sync", "remove"]);
}

#[tokio::test]
async fn who_waits_for_the_disk_does_not_wait_for_what_is_removed_then() {
    let store = TestDisk::worn();
    let calls = store.calls.clone();
    let (commands, inbox) = mpsc::channel(8);
    let (id, share) = sample(2);
    let (durable, outcome) = oneshot::channel();
    commands.send(Command::Remove { ids: vec![sample(1).0] }).await.unwrap();
    commands.send(Command::Append { id, share, durable: Some(durable) }).await.unwrap();
    let disk = task::Disk::new(Box::new(store), None);
    let ended = task::run(disk, inbox, &WritePace::new()).await;
    assert!(ended.unwrap_err().chain().contains("read-only file system"));
    assert!(outcome.await.unwrap().is_ok(), "it is on the disk, whatever happened next");
    assert_eq!(*calls.lock().unwrap(), ["append", "sync", "remove"]);
}

#[tokio::test]
async fn a_full_disk_refuses_and_holds_and_goes_on_where_it_was() {
    let store = TestDisk::default();
    let is_full = store.is_full.clone();
    is_full.store(true, Ordering::SeqCst);
    let (handle, thread) = spawn(Box::new(store), None).unwrap();
    let ids = [1, 2, 3].map(|tag| sample(tag).0);
    handle.append(ids[0], sample(1).1).await;
    let refused = handle.append_durably(ids[1], sample(2).1).await;
    assert!(matches!(refused.await.unwrap(), Err(StoreError::NoRoom)));
    assert_eq!(handle.read(ids.to_vec()).await.unwrap(), vec![None, None, None], "questions are answered meanwhile");
    assert!(!handle.has_failed());
    is_full.store(false, Ordering::SeqCst);
    let stored = handle.append_durably(ids[2], sample(3).1).await;
    stored.await.unwrap().unwrap();
    let all = ids.iter().zip(1..).map(|(_, tag)| Some(sample(tag).1)).collect::<Vec<_>>();
    assert_eq!(handle.read(ids.to_vec()).await.unwrap(), all);
    drop(handle);
    assert!(tokio::task::spawn_blocking(|| thread.join().unwrap()).await.unwrap().is_ok());
}

/// Does to the store what the chain says.
fn follow(chain: &mut ShareChain, store: &mut dyn Store) {
    while let Some(effect) = chain.poll_effect() {
        match effect {
            Effect::Linked(share) => store.append(&[(share.id(), StoredShare::new(&share, 0))]).unwrap(),
            Effect::Forgotten(id) => store.remove(&[id]).unwrap(),
            _ => {}
        }
    }
    store.mark(Marks { first: chain.first_share(), tip: chain.tip().id }).unwrap();
}

#[test]
fn a_chain_that_forgot_its_beginning_comes_back_as_it_was() {
    let params = testing::short_params(30);
    let (mut chain, mut store) = (ShareChain::new(params.clone()), MemStore::default());
    let mut miner = Miner::new(params.clone(), 1);
    for second in 1..=300 {
        miner.extend(&mut chain, GENESIS_TIME + second);
        follow(&mut chain, &mut store);
    }
    assert!(chain.first_height() > 100);
    let mut loaded = load(&store, &params).unwrap().chain;
    assert_eq!((loaded.tip(), loaded.first_height(), loaded.len()), (chain.tip(), chain.first_height(), chain.len()));
    assert_eq!(loaded.job_context().unwrap().weights, chain.job_context().unwrap().weights);
}

#[test]
fn what_was_forgotten_but_not_removed_is_found_at_the_next_start() {
    let params = testing::short_params(30);
    let (mut chain, mut store) = (ShareChain::new(params.clone()), MemStore::default());
    let mut miner = Miner::new(params.clone(), 1);
    let mut forgotten = BTreeSet::new();
    for second in 1..=300 {
        miner.extend(&mut chain, GENESIS_TIME + second);
        while let Some(effect) = chain.poll_effect() {
            match effect {
                Effect::Linked(share) => store.append(&[(share.id(), StoredShare::new(&share, 0))]).unwrap(),
                Effect::Forgotten(id) => drop(forgotten.insert(id)),
                _ => {}
            }
        }
        store.mark(Marks { first: chain.first_share(), tip: chain.tip().id }).unwrap();
    }
    forgotten.remove(&params.genesis_id());
    let loaded = load(&store, &params).unwrap();
    assert_eq!((loaded.chain.tip(), loaded.chain.len()), (chain.tip(), chain.len()));
    assert_eq!(loaded.unused.len(), 300 - chain.len());
    assert!(loaded.unused.into_iter().collect::<BTreeSet<_>>() == forgotten);
    // Without the first share that is marked the chain begins with the next one, and nothing is thrown away.
    store.remove(&[chain.first_share()]).unwrap();
    let lost = load(&store, &params).unwrap();
    assert_eq!((lost.chain.tip(), lost.chain.first_height()), (chain.tip(), chain.first_height() + 1));
    assert!(lost.unused.is_empty() && lost.kept > 0);
}

/// A store whose chain has forgotten its beginning, and the shares in it by height.
fn pruned(params: &Arc<Params>) -> (MemStore, Vec<ShareId>) {
    let (mut chain, mut store) = (ShareChain::new(params.clone()), MemStore::default());
    let mut miner = Miner::new(params.clone(), 1);
    let mut ids = Vec::new();
    for second in 1..=300 {
        ids.push(miner.extend(&mut chain, GENESIS_TIME + second).id());
        follow(&mut chain, &mut store);
    }
    assert!(chain.first_height() > 100 && chain.first_height() < 200);
    (store, ids)
}

#[test]
fn what_does_not_link_is_kept_when_the_marks_are_lost() {
    let params = testing::short_params(30);
    let (marked, _) = pruned(&params);
    let mut store = MemStore::default();
    marked.for_each(&mut |stored| store.append(&[(stored.to_share(&params).unwrap().id(), stored)]).unwrap()).unwrap();
    let loaded = load(&store, &params).unwrap();
    assert!(loaded.chain.is_empty() && loaded.unused.is_empty(), "{}", loaded.unused.len());
    assert_eq!(u64::try_from(loaded.kept).unwrap(), all(&store).1.shares);
}

#[test]
fn what_does_not_link_is_kept_when_a_record_is_damaged_or_foreign() {
    let params = testing::short_params(30);
    let foreign = StoredShare { bytes: vec![1, 2, 3], is_block: false, linked_at: 0 };
    // Longer than a record may be: what is written of it cannot be read.
    let damaged = StoredShare { bytes: vec![0; record::RECORD_LEN_MAX + 1], is_block: false, linked_at: 0 };
    for (replaced_by, what) in [(foreign, "foreign"), (damaged, "damaged")] {
        let (mut store, ids) = pruned(&params);
        store.remove(&[ids[250]]).unwrap();
        store.append(&[(ShareId::ZERO, replaced_by)]).unwrap();
        let loaded = load(&store, &params).unwrap();
        assert_eq!((loaded.chain.tip().height, loaded.unused.len(), loaded.kept), (250, 0, 49), "{what}");
    }
}

#[test]
fn what_was_built_on_a_gap_is_kept_though_nobody_says_that_there_is_one() {
    let params = testing::short_params(30);
    let (mut store, ids) = pruned(&params);
    // As a generation that its engine took for an empty one.
    store.remove(&ids[250..260]).unwrap();
    let loaded = load(&store, &params).unwrap();
    assert_eq!((loaded.chain.tip().height, loaded.unused, loaded.kept), (250, Vec::new(), 40));
}

#[test]
fn more_shares_than_may_wait_link_though_they_are_stored_before_their_ancestors() {
    let params = testing::devnet_params();
    let (mut chain, mut store) = (ShareChain::new(params.clone()), MemStore::default());
    let mut miner = Miner::new(params.clone(), 1);
    let shares: Vec<_> = (1..=2_200).map(|second| miner.extend(&mut chain, GENESIS_TIME + second)).collect();
    for share in shares[1..].iter().chain(&shares[..1]) {
        store.append(&[(share.id(), StoredShare::new(share, 0))]).unwrap();
    }
    store.mark(Marks { first: chain.first_share(), tip: chain.tip().id }).unwrap();
    let loaded = load(&store, &params).unwrap();
    assert_eq!((loaded.chain.tip(), loaded.unused, loaded.kept), (chain.tip(), Vec::new(), 0));
}

#[test]
fn a_node_comes_back_on_the_branch_it_was_on() {
    let params = testing::short_params(30);
    let mut store = MemStore::default();
    let (mut chain, mut rival) = (ShareChain::new(params.clone()), ShareChain::new(params.clone()));
    for second in 1..=30 {
        Miner::new(params.clone(), 1).extend(&mut chain, GENESIS_TIME + second);
        follow(&mut chain, &mut store);
    }
    chain.guard_deep_forks();
    let ours = chain.tip();
    // Heavier, but it left too long ago to be adopted.
    for second in 1..=40 {
        let share = Miner::new(params.clone(), 2).extend(&mut rival, GENESIS_TIME + second);
        chain.handle(share, Origin::OwnStore, 0);
        follow(&mut chain, &mut store);
    }
    assert_eq!((chain.tip(), chain.rivals().len()), (ours, 1));
    let mut loaded = load(&store, &params).unwrap().chain;
    assert_eq!(loaded.tip(), ours);
    assert!(loaded.adopt(&rival.tip().id), "it is still there for the operator");
    assert_eq!(loaded.tip(), rival.tip());
}

#[test]
fn a_mark_older_than_the_shares_does_not_keep_a_node_from_the_best_tip() {
    let params = testing::short_params(30);
    let mut store = MemStore::default();
    let mut chain = ShareChain::new(params.clone());
    let first = Miner::new(params.clone(), 1).extend(&mut chain, GENESIS_TIME + 1);
    follow(&mut chain, &mut store);
    // Killed before the tip was noted again.
    let marks = store.marks().unwrap().unwrap();
    let mut twin_chain = ShareChain::new(params.clone());
    let mut twins = (2..).map(|tag| Miner::new(params.clone(), tag).mine(&mut twin_chain, GENESIS_TIME + 1));
    let better = twins.find(|twin| twin.id() < first.id()).unwrap();
    chain.handle(better.clone(), Origin::OwnStore, 0);
    follow(&mut chain, &mut store);
    store.mark(marks).unwrap();
    let mut loaded = load(&store, &params).unwrap().chain;
    assert_eq!(loaded.tip().id, better.id());
    assert_eq!(loaded.job_context().unwrap().uncles, vec![first.id()]);
}

#[tokio::test]
async fn a_share_that_is_forgotten_and_comes_again_stays() {
    let (handle, thread) = spawn(Box::new(MemStore::default()), None).unwrap();
    let (id, share) = sample(1);
    for _ in 0..50 {
        handle.append(id, share.clone()).await;
        handle.remove(vec![id]).await;
    }
    handle.append(id, share.clone()).await;
    assert_eq!(handle.read(vec![id]).await.unwrap(), vec![Some(share)]);
    handle.remove(vec![id]).await;
    assert_eq!(handle.read(vec![id]).await.unwrap(), vec![None]);
    drop(handle);
    assert!(tokio::task::spawn_blocking(|| thread.join().unwrap()).await.unwrap().is_ok());
}
