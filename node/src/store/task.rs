//! The store's thread: joins appends into one transaction and one sync, answers reads.

use std::{collections::BTreeSet, mem, sync::Arc, thread::JoinHandle};

use sharechain::ShareId;
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
    time::{Instant, timeout_at},
};
use tracing::error;

use super::{
    Journal, JournalReader, Marks, Page, STORE_PAGE_MAX, Store, StoreError, StoredShare, WritePace, held::Held,
};
use crate::defaults::{STORE_BATCH_MAX, STORE_QUEUE_MAX, STORE_ROOM_INTERVAL, STORE_SYNC_INTERVAL};

/// What the store's thread is told, in order.
#[derive(Debug)]
pub(crate) enum Command {
    Append { id: ShareId, share: StoredShare, durable: Option<oneshot::Sender<Result<(), StoreError>>> },
    Remove { ids: Vec<ShareId> },
    Mark(Marks),
    Read { ids: Vec<ShareId>, reply: oneshot::Sender<Vec<Option<StoredShare>>> },
    Page { after: Option<u64>, reply: PageReply },
    OwnShares { from: Option<JournalReader>, reply: OwnPageReply },
}

/// Where a part of the journal goes.
type OwnPageReply = oneshot::Sender<Result<OwnPage, StoreError>>;

/// A part of the own shares in the journal.
#[derive(Debug, Default)]
pub struct OwnPage {
    /// The oldest first; none at the end.
    pub shares: Vec<StoredShare>,
    /// Where it goes on; `None` at the end.
    pub rest: Option<JournalReader>,
}

/// Where a part of the store goes, with the marks as they are then.
type PageReply = oneshot::Sender<(Page, Option<Marks>)>;

/// Sends to the store's thread; when all handles are dropped it syncs and ends.
#[derive(Clone, Debug)]
pub struct StoreHandle {
    commands: mpsc::Sender<Command>,
    pace: Arc<WritePace>,
}

impl StoreHandle {
    /// A handle and where its commands arrive.
    pub(crate) fn channel() -> (Self, mpsc::Receiver<Command>) {
        let (commands, inbox) = mpsc::channel(STORE_QUEUE_MAX);
        (Self { commands, pace: Arc::new(WritePace::new()) }, inbox)
    }

    /// Resolves when the store has failed; a node without a store has to end.
    pub async fn failed(&self) {
        self.commands.closed().await;
    }

    /// Whether the store has failed.
    pub fn has_failed(&self) -> bool {
        self.commands.is_closed()
    }

    /// How long its writes take.
    pub fn pace(&self) -> &WritePace {
        &self.pace
    }

    /// Appends a share that somebody else has too; it is durable within a second.
    pub async fn append(&self, id: ShareId, share: StoredShare) {
        // A failed store ends the node; its own error says why.
        let _stopped = self.commands.send(Command::Append { id, share, durable: None }).await;
    }

    /// Appends a share and tells when it survives a power cut.
    pub async fn append_durably(&self, id: ShareId, share: StoredShare) -> oneshot::Receiver<Result<(), StoreError>> {
        let (durable, outcome) = oneshot::channel();
        let _stopped = self.commands.send(Command::Append { id, share, durable: Some(durable) }).await;
        outcome
    }

    /// Removes shares that nothing needs any more.
    pub async fn remove(&self, ids: Vec<ShareId>) {
        let _stopped = self.commands.send(Command::Remove { ids }).await;
    }

    /// Remembers where the chain begins and ends; within a second it survives a power cut.
    pub async fn mark(&self, marks: Marks) {
        let _stopped = self.commands.send(Command::Mark(marks)).await;
    }

    /// Reads shares, in the order of `ids`.
    ///
    /// # Errors
    /// [`StoreError::Stopped`].
    pub async fn read(&self, ids: Vec<ShareId>) -> Result<Vec<Option<StoredShare>>, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Read { ids, reply }).await.map_err(|_| StoreError::Stopped)?;
        answer.await.map_err(|_| StoreError::Stopped)
    }

    /// Reads a part of the store in order of appending, after a place; and the marks as they are then.
    ///
    /// # Errors
    /// [`StoreError::Stopped`].
    pub async fn page(&self, after: Option<u64>) -> Result<(Page, Option<Marks>), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::Page { after, reply }).await.map_err(|_| StoreError::Stopped)?;
        answer.await.map_err(|_| StoreError::Stopped)
    }

    /// Reads own shares out of the journal, from its beginning or where a page ended.
    ///
    /// # Errors
    /// [`StoreError::Stopped`], or when the journal cannot be read.
    pub async fn own_shares(&self, from: Option<JournalReader>) -> Result<OwnPage, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(Command::OwnShares { from, reply }).await.map_err(|_| StoreError::Stopped)?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }
}

/// Starts the thread. It ends with an error when the disk fails: nothing is acknowledged after that.
///
/// # Errors
/// When the system has no thread left.
pub fn spawn(
    store: Box<dyn Store>,
    journal: Option<Journal>,
) -> std::io::Result<(StoreHandle, JoinHandle<Result<(), StoreError>>)> {
    let (handle, inbox) = StoreHandle::channel();
    let (runtime, pace) = (Handle::current(), handle.pace.clone());
    let thread = std::thread::Builder::new()
        .name("store".to_owned())
        .spawn(move || runtime.block_on(run(Disk::new(store, journal), inbox, &pace)))?;
    Ok((handle, thread))
}

/// Works until all handles are gone or the disk fails. This is the one place that tells why: the node joins the thread when its
/// other tasks have ended.
pub(super) async fn run(disk: Disk, inbox: mpsc::Receiver<Command>, pace: &WritePace) -> Result<(), StoreError> {
    let ended = work(disk, inbox, pace).await;
    if let Err(cause) = &ended {
        error!(event = "store_failed", cause = cause.chain(), "the share store failed");
    }
    ended
}

/// Where shares are written.
pub(super) struct Disk {
    store: Box<dyn Store>,
    /// Where own shares go first.
    journal: Option<Journal>,
    /// What nobody needs since the marks that are not synced yet. With the old ones it would be missing after a power cut.
    removals: BTreeSet<ShareId>,
}

impl Disk {
    pub(super) const fn new(store: Box<dyn Store>, journal: Option<Journal>) -> Self {
        Self { store, journal, removals: BTreeSet::new() }
    }

    /// Makes what was written survive a power cut, and removes what is not needed after that.
    fn sync(&mut self) -> Result<(), StoreError> {
        self.store.sync()?;
        self.remove_unneeded()
    }

    /// Right after a sync, which nobody who waits for it should wait longer for.
    fn remove_unneeded(&mut self) -> Result<(), StoreError> {
        if self.removals.is_empty() || !self.store.has_room() {
            return Ok(());
        }
        let removals: Vec<ShareId> = mem::take(&mut self.removals).into_iter().collect();
        self.store.remove(&removals)
    }
}

async fn work(mut disk: Disk, mut inbox: mpsc::Receiver<Command>, pace: &WritePace) -> Result<(), StoreError> {
    // When what is appended but not synced has to be, or room has to be looked for.
    let mut wake_at: Option<Instant> = None;
    let mut held = Held::default();
    let mut commands = Vec::with_capacity(STORE_BATCH_MAX);
    loop {
        let received = match wake_at {
            Some(at) if at <= Instant::now() => Err(()),
            Some(at) => timeout_at(at, inbox.recv_many(&mut commands, STORE_BATCH_MAX)).await.map_err(|_| ()),
            None => Ok(inbox.recv_many(&mut commands, STORE_BATCH_MAX).await),
        };
        match received {
            Err(()) if !held.is_empty() => {}
            Err(()) => {
                pace.time(|| disk.sync())?;
                wake_at = None;
                continue;
            }
            Ok(0) => return disk.sync(),
            Ok(_) => {}
        }
        if held.waits_for_room((disk.store.as_ref(), pace), &mut commands)? {
            answer(&disk, Batch::of(commands.drain(..)).questions)?;
            wake_at = Some(Instant::now() + STORE_ROOM_INTERVAL);
            continue;
        }
        let unsynced = handle(&mut disk, &mut commands, wake_at.is_some(), pace)?;
        wake_at = unsynced.then(|| wake_at.unwrap_or_else(|| Instant::now() + STORE_SYNC_INTERVAL));
    }
}

/// A question and where its answer goes.
type Read = (Vec<ShareId>, oneshot::Sender<Vec<Option<StoredShare>>>);

/// What the commands of one batch want.
#[derive(Default)]
struct Batch {
    appends: Vec<(ShareId, StoredShare)>,
    /// Those of them that nobody else has yet.
    own: Vec<StoredShare>,
    removals: Vec<ShareId>,
    /// The newest one counts.
    marks: Option<Marks>,
    waiting: Vec<oneshot::Sender<Result<(), StoreError>>>,
    questions: Questions,
}

/// What only reads.
#[derive(Default)]
struct Questions {
    reads: Vec<Read>,
    pages: Vec<(Option<u64>, PageReply)>,
    own: Vec<(Option<JournalReader>, OwnPageReply)>,
}

impl Batch {
    fn of(commands: impl Iterator<Item = Command>) -> Self {
        let mut batch = Self::default();
        for command in commands {
            match command {
                Command::Append { id, share, durable } => {
                    // It was forgotten and came again.
                    batch.removals.retain(|removed| *removed != id);
                    if let Some(durable) = durable {
                        batch.own.push(share.clone());
                        batch.waiting.push(durable);
                    }
                    batch.appends.push((id, share));
                }
                Command::Remove { ids } => batch.removals.extend(ids),
                Command::Mark(marks) => batch.marks = Some(marks),
                Command::Read { ids, reply } => batch.questions.reads.push((ids, reply)),
                Command::Page { after, reply } => batch.questions.pages.push((after, reply)),
                Command::OwnShares { from, reply } => batch.questions.own.push((from, reply)),
            }
        }
        batch
    }

    fn is_write(&self) -> bool {
        !self.appends.is_empty() || !self.removals.is_empty() || self.marks.is_some()
    }

    fn write(&self, disk: &mut Disk) -> Result<(), StoreError> {
        if let Some(journal) = disk.journal.as_mut().filter(|_| !self.own.is_empty()) {
            journal.append(&self.own).map_err(StoreError::engine("write the journal of own shares"))?;
        }
        if !self.appends.is_empty() {
            // What was forgotten came again.
            for (id, _) in &self.appends {
                disk.removals.remove(id);
            }
            disk.store.append(&self.appends)?;
        }
        if let Some(marks) = self.marks {
            disk.store.mark(marks)?;
        }
        disk.removals.extend(&self.removals);
        if self.waiting.is_empty() { Ok(()) } else { disk.store.sync() }
    }
}

/// Handles a batch; says whether something is not synced yet.
fn handle(disk: &mut Disk, commands: &mut Vec<Command>, unsynced: bool, pace: &WritePace) -> Result<bool, StoreError> {
    let batch = Batch::of(commands.drain(..));
    let durable = if batch.is_write() { pace.time(|| batch.write(disk)) } else { Ok(()) };
    let is_synced = !batch.waiting.is_empty();
    let unsynced = (unsynced || batch.is_write()) && !is_synced;
    let Batch { waiting, questions, .. } = batch;
    if let Err(cause) = durable {
        for waiter in waiting {
            let _gone = waiter.send(Err(StoreError::engine("store the share")(cause.chain())));
        }
        return Err(cause);
    }
    for waiter in waiting {
        let _gone = waiter.send(Ok(()));
    }
    if is_synced {
        disk.remove_unneeded()?;
    }
    answer(disk, questions)?;
    Ok(unsynced)
}

fn answer(disk: &Disk, Questions { reads, pages, own }: Questions) -> Result<(), StoreError> {
    let Disk { store, journal, removals } = disk;
    for (ids, reply) in reads {
        let get = |id| if removals.contains(id) { Ok(None) } else { store.get(id) };
        let shares = ids.iter().map(get).collect::<Result<Vec<_>, _>>()?;
        let _gone = reply.send(shares);
    }
    for (after, reply) in pages {
        let _gone = reply.send((store.page(after, STORE_PAGE_MAX)?, store.marks()?));
    }
    for (from, reply) in own {
        let page = own_page(journal.as_ref(), from).map_err(StoreError::engine("read the journal of own shares"));
        let _gone = reply.send(page);
    }
    Ok(())
}

fn own_page(journal: Option<&Journal>, from: Option<JournalReader>) -> std::io::Result<OwnPage> {
    let Some(journal) = journal else { return Ok(OwnPage::default()) };
    let mut reader = from.map_or_else(|| journal.shares(), Ok)?;
    let shares = reader.page(STORE_PAGE_MAX)?;
    let rest = Some(reader).filter(|_| !shares.is_empty());
    Ok(OwnPage { shares, rest })
}
