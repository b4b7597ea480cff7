//! The hashing threads: they take the newest work, vary it, and tell of every nonce that meets its target. What the work is made
//! of, and how a nonce is submitted, is the protocol's.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    Counters, MinerConfig,
    connection::Event,
    hasher::Hasher,
    work::{Roll, Work},
};

/// Most hashes between two looks at the job and the clock.
const BATCH: u32 = 4_096;
/// Longest time between them for a miner that is held back.
const BATCH_TIME: Duration = Duration::from_millis(50);

/// What hashing threads share. `J` is how the pool names a job.
pub(super) struct Search<J> {
    pub(super) config: MinerConfig,
    pub(super) counters: Arc<Counters>,
    stop: AtomicBool,
    // Held for one assignment or clone at a time.
    work: Mutex<Option<Arc<Work<J>>>>,
    generation: AtomicU64,
}

/// A nonce that meets the target.
pub(super) struct Solution<J> {
    pub(super) work: Arc<Work<J>>,
    pub(super) roll: Roll,
    pub(super) nonce: u32,
}

impl<J> Search<J> {
    pub(super) fn new(config: &MinerConfig, counters: &Arc<Counters>) -> Self {
        Self {
            config: config.clone(),
            counters: counters.clone(),
            stop: AtomicBool::new(false),
            work: Mutex::new(None),
            generation: AtomicU64::new(0),
        }
    }

    /// Replaces the work of all threads.
    pub(super) fn assign(&self, work: Work<J>) {
        let generation = work.generation;
        *self.work.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(work));
        self.generation.store(generation, Ordering::Release);
    }

    /// Ends all threads after their batch.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn newest(&self) -> Option<Arc<Work<J>>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One hashing thread.
    pub(super) fn run<M>(&self, thread: u32, events: &mpsc::SyncSender<Event<J, M>>) {
        let mut pace = Pace::new(&self.config);
        let (mut generation, mut rolls) = (0, 0_u64);
        while !self.is_stopped() {
            let Some(work) = self.newest() else {
                thread::sleep(Duration::from_millis(20));
                continue;
            };
            if work.generation != generation {
                (generation, rolls) = (work.generation, 0);
            }
            let roll = work.roll(thread, rolls);
            rolls += 1;
            let hasher = Hasher::new(self.config.algorithm, &work.rolled_header(&roll));
            let (mut start, end) = work.nonces(thread, self.config.threads);
            while let Some(next) = start.checked_add(pace.batch).filter(|next| *next <= end) {
                let found = hasher.scan(start, pace.batch, work.target);
                start = next;
                self.counters.hashes.fetch_add(u64::from(pace.batch), Ordering::Relaxed);
                for nonce in found {
                    let solution = Solution { work: work.clone(), roll: roll.clone(), nonce };
                    if events.send(Event::Solution(solution)).is_err() {
                        return;
                    }
                }
                pace.wait();
                let is_outdated = self.generation.load(Ordering::Acquire) != generation;
                if is_outdated || self.is_stopped() {
                    break;
                }
            }
        }
    }
}

/// Keeps a thread at its rate, in batches short enough to look at the job and the clock between them.
struct Pace {
    batch: u32,
    /// Time for one batch; none when the thread may run.
    time: Option<Duration>,
    due: Instant,
}

impl Pace {
    fn new(config: &MinerConfig) -> Self {
        let rate = config.hashrate_max.map(|rate| (rate / f64::from(config.threads)).max(1.0));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a batch size; the cast saturates")]
        let batch = rate.map_or(BATCH, |rate| (rate * BATCH_TIME.as_secs_f64()) as u32).clamp(1, BATCH);
        let time = rate.map(|rate| Duration::from_secs_f64(f64::from(batch) / rate));
        Self { batch, time, due: Instant::now() }
    }

    fn wait(&mut self) {
        let Some(time) = self.time else { return };
        let now = Instant::now();
        // What was missed while the thread had no work is not made up for.
        self.due = (self.due + time).max(now.checked_sub(BATCH_TIME).unwrap_or(now));
        thread::sleep(self.due.saturating_duration_since(now));
    }
}
