//! The owner of the log: numbers what producers tell, and gives readers first what they missed and then what happens.
//!
//! What happens within a moment goes out together, as one piece of bytes that all readers share: a thousand readers cost a
//! thousand writes a few times a second, however many shares there are. A reader that falls behind by more than the channel
//! holds is cut; it comes back with the number of its last event.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::{Bytes, BytesMut};
use sharechain::{CheckedShare, ShareId};
use stratum::AddressFormat;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot},
    time::{Duration, Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{Event, EventLog, Happening, Kinds};
use crate::clock::{every, unix_now};

/// Readers at once, beside the node's own. Stops whoever opens streams from filling memory and file descriptors.
pub const SUBSCRIBERS_MAX: usize = 2_048;
/// What producers have told and is not yet numbered. What finds no room is counted: a producer has better things to do.
const QUEUE_MAX: usize = 4_096;
/// Readers that wait for a page.
const READS_MAX: usize = 256;
/// Events of a page.
const PAGE_LEN_MAX: usize = 256;
/// Batches that a reader may be behind: at least 12 s. Stops one that does not read from holding them.
const BATCHES_MAX: usize = 64;
/// Events of a batch.
const BATCH_LEN_MAX: usize = 512;
/// Least time between two batches.
const BATCH_INTERVAL: Duration = Duration::from_millis(200);
/// A stream with nothing to say says so this often: proxies close silent ones, and only a write shows that a reader is gone.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A comment of server-sent events.
const HEARTBEAT_SSE: &[u8] = b":\n\n";

/// What producers tell.
#[derive(Clone, Debug)]
pub enum EventInput {
    /// Something happened.
    Happened(Happening),
    /// A share was linked; with its worker when it was found by a miner of this node.
    Linked(Arc<CheckedShare>, Option<String>),
    /// The best share is another one.
    Tip(ShareId, u64),
}

/// Where producers tell it, without ever waiting.
#[derive(Clone, Debug)]
pub struct EventSender {
    queue: mpsc::Sender<EventInput>,
    lost: Arc<AtomicU64>,
}

/// Where readers ask for it.
#[derive(Clone, Debug)]
pub struct EventsHandle {
    reads: mpsc::Sender<Read>,
    places: Arc<Semaphore>,
}

/// Why there is no stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// [`SUBSCRIBERS_MAX`] others read.
    #[error("{SUBSCRIBERS_MAX} clients follow the events already")]
    TooMany,
    /// The node stops.
    #[error("the node stops")]
    Stopping,
}

/// Events that are handed over together.
#[derive(Debug, Default)]
pub struct Batch {
    events: Vec<Arc<Event>>,
    /// All of them as server-sent events.
    sse: Bytes,
}

type Live = broadcast::Receiver<Arc<Batch>>;

#[derive(Debug)]
struct Read {
    /// `None` for what happens from now on.
    after: Option<u64>,
    answer: oneshot::Sender<Answer>,
}

#[derive(Debug)]
struct Answer {
    batch: Arc<Batch>,
    cursor: u64,
    /// What follows, when the batch is up to date.
    live: Option<Live>,
}

/// One reader's place in the stream.
#[derive(Debug)]
pub struct Subscription {
    reads: mpsc::Sender<Read>,
    kinds: Kinds,
    cursor: Option<u64>,
    live: Option<Live>,
    /// A page that was read and not given yet.
    first: Option<Arc<Batch>>,
    _place: Option<OwnedSemaphorePermit>,
}

/// See the module.
#[derive(Debug)]
pub struct EventsTask {
    log: EventLog,
    addresses: AddressFormat,
    queue: mpsc::Receiver<EventInput>,
    reads: mpsc::Receiver<Read>,
    lost: Arc<AtomicU64>,
    live: broadcast::Sender<Arc<Batch>>,
    /// Numbered and not handed over yet.
    pending: Vec<Arc<Event>>,
    /// When the last batch went out.
    flushed: Instant,
}

/// The ends of the events' channels, and the task between them. Call it in a runtime.
pub fn channel(addresses: AddressFormat) -> (EventSender, EventsHandle, EventsTask) {
    let (queue, queued) = mpsc::channel(QUEUE_MAX);
    let (reads, reading) = mpsc::channel(READS_MAX);
    let lost = Arc::<AtomicU64>::default();
    let task = EventsTask {
        log: EventLog::new(unix_now()),
        addresses,
        queue: queued,
        reads: reading,
        lost: lost.clone(),
        live: broadcast::Sender::new(BATCHES_MAX),
        pending: Vec::new(),
        flushed: Instant::now(),
    };
    let handle = EventsHandle { reads, places: Arc::new(Semaphore::new(SUBSCRIBERS_MAX)) };
    (EventSender { queue, lost }, handle, task)
}

impl EventSender {
    /// Tells of something.
    pub fn send(&self, input: EventInput) {
        if matches!(self.queue.try_send(input), Err(mpsc::error::TrySendError::Full(_))) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl EventsHandle {
    /// A stream of these kinds, from after the event with this number, or from now on: nothing after this call is missed.
    ///
    /// # Errors
    /// [`SubscribeError`].
    pub async fn subscribe(&self, after: Option<u64>, kinds: Kinds) -> Result<Subscription, SubscribeError> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| SubscribeError::TooMany)?;
        self.begin(after, kinds, Some(place)).await.ok_or(SubscribeError::Stopping)
    }

    /// The same for the node itself, which always has a place.
    pub(crate) async fn subscribe_node(&self, after: Option<u64>, kinds: Kinds) -> Option<Subscription> {
        self.begin(after, kinds, None).await
    }

    async fn begin(
        &self,
        cursor: Option<u64>,
        kinds: Kinds,
        place: Option<OwnedSemaphorePermit>,
    ) -> Option<Subscription> {
        let reads = self.reads.clone();
        let mut begun = Subscription { reads, kinds, cursor, live: None, first: None, _place: place };
        begun.read().await?;
        Some(begun)
    }

    /// Readers at the moment, without the node's own.
    pub fn subscribers(&self) -> usize {
        SUBSCRIBERS_MAX.saturating_sub(self.places.available_permits())
    }
}

impl Subscription {
    /// What comes next. `None` when this reader was too slow, and when the node stops.
    pub async fn next(&mut self) -> Option<Arc<Batch>> {
        loop {
            if let Some(first) = self.first.take() {
                return Some(first);
            }
            if let Some(live) = &mut self.live {
                // A reader that lags is cut: what it missed it gets when it comes back.
                return live.recv().await.ok();
            }
            self.read().await?;
        }
    }

    /// Asks for the next page, or for what follows the last one.
    async fn read(&mut self) -> Option<()> {
        let (answer, answered) = oneshot::channel();
        self.reads.send(Read { after: self.cursor, answer }).await.ok()?;
        let Answer { batch, cursor, live } = answered.await.ok()?;
        (self.cursor, self.live) = (Some(cursor), live);
        self.first = (!batch.events.is_empty()).then_some(batch);
        Some(())
    }

    /// What this reader wants of a batch, as server-sent events; empty when it is nothing.
    pub fn sse(&self, batch: &Batch) -> Bytes {
        if batch.events.iter().all(|event| self.kinds.has(&event.happening)) {
            return batch.sse.clone();
        }
        joined(self.wanted(batch))
    }

    /// What this reader wants of a batch.
    pub fn wanted<'a>(&self, batch: &'a Batch) -> impl Iterator<Item = &'a Arc<Event>> + use<'a> {
        let kinds = self.kinds;
        batch.events.iter().filter(move |event| kinds.has(&event.happening))
    }
}

impl Batch {
    /// Whether it only says that the node is there.
    pub fn is_heartbeat(&self) -> bool {
        self.events.is_empty()
    }

    fn new(events: Vec<Arc<Event>>) -> Arc<Self> {
        let sse = joined(events.iter());
        Arc::new(Self { events, sse })
    }
}

fn joined<'a>(events: impl Iterator<Item = &'a Arc<Event>>) -> Bytes {
    let mut sse = BytesMut::new();
    for event in events {
        sse.extend_from_slice(event.sse());
    }
    sse.freeze()
}

impl EventsTask {
    /// Runs until the token is cancelled; all streams end with it.
    pub async fn run(mut self, token: CancellationToken) {
        let mut heartbeat = every(HEARTBEAT);
        loop {
            let flush_at = self.flushed + BATCH_INTERVAL;
            // Channels and timers lose nothing when another branch wins.
            tokio::select! {
                biased;
                () = token.cancelled() => return,
                () = sleep_until(flush_at), if !self.pending.is_empty() => self.flush(),
                Some(read) = self.reads.recv() => self.answer(read),
                Some(input) = self.queue.recv() => self.take(input),
                _ = heartbeat.tick() => {
                    if self.flushed.elapsed() >= HEARTBEAT {
                        self.hand_over(Arc::new(Batch { events: Vec::new(), sse: Bytes::from_static(HEARTBEAT_SSE) }));
                    }
                }
                else => return,
            }
        }
    }

    fn take(&mut self, input: EventInput) {
        match self.lost.swap(0, Ordering::Relaxed) {
            0 => {}
            missed => self.push(Happening::Gap { missed }),
        }
        match input {
            EventInput::Happened(happening) => self.push(happening),
            EventInput::Linked(share, worker) => self.push_share(&share, worker),
            EventInput::Tip(id, height) => self.push(Happening::Tip { id: id.to_string(), height }),
        }
        if self.pending.len() >= BATCH_LEN_MAX {
            self.flush();
        }
    }

    fn push_share(&mut self, share: &CheckedShare, worker: Option<String>) {
        let (id, data) = (share.id().to_string(), &share.share().data);
        let uncles: Vec<String> = data.uncles.iter().map(ToString::to_string).collect();
        let merged: Vec<_> = uncles.iter().map(|uncle| (uncle.clone(), id.clone())).collect();
        self.push(Happening::Share {
            id,
            parent: data.parent.to_string(),
            uncles,
            height: data.height,
            work_hashes: share.work().hashes(),
            address: self.addresses.format(&data.payout_script),
            own: worker.is_some(),
            // A block that a stranger's submit turned out to be has no worker.
            worker: worker.filter(|worker| !worker.is_empty()),
        });
        for (id, merged_by) in merged {
            self.push(Happening::Uncle { id, merged_by });
        }
    }

    fn push(&mut self, happening: Happening) {
        let event = self.log.push(happening, unix_now());
        self.pending.push(event);
    }

    fn flush(&mut self) {
        let events = std::mem::take(&mut self.pending);
        if !events.is_empty() && self.live.receiver_count() > 0 {
            self.hand_over(Batch::new(events));
        }
        self.flushed = Instant::now();
    }

    fn hand_over(&mut self, batch: Arc<Batch>) {
        // Nobody reads at the moment.
        let _nobody = self.live.send(batch);
        self.flushed = Instant::now();
    }

    fn answer(&mut self, Read { after, answer }: Read) {
        // What is in the log and was not handed over yet would come twice.
        self.flush();
        let after = after.unwrap_or_else(|| self.log.last_id());
        let page = self.log.after(after, PAGE_LEN_MAX, unix_now());
        let live = page.is_end.then(|| self.live.subscribe());
        // A reader that does not wait for its answer is gone.
        let _gone = answer.send(Answer { batch: Batch::new(page.events), cursor: page.cursor, live });
    }
}

#[cfg(test)]
mod tests;
