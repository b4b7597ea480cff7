//! What all connections count together. Nothing is counted outside the measured span, and nobody waits for another
//! longer than one addition takes.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use super::{fanout::Fanouts, histogram::Histogram, message::Refusal};

/// Different reasons of refusals that are kept.
const REASONS_MAX: usize = 16;

/// Counters of the measured span.
#[derive(Debug)]
pub(super) struct Tally {
    is_open: AtomicBool,
    hashes: AtomicU64,
    submitted: AtomicU64,
    accepted: AtomicU64,
    stale: AtomicU64,
    rejected: AtomicU64,
    latencies: Histogram,
    // Both are held for one change at a time.
    reasons: Mutex<BTreeMap<String, u64>>,
    fanouts: Mutex<Fanouts>,
}

/// The counters at one time.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Counts {
    pub(super) hashes: u64,
    pub(super) submitted: u64,
    pub(super) accepted: u64,
    pub(super) stale: u64,
    /// For another reason.
    pub(super) rejected: u64,
}

impl Tally {
    /// Counts nothing yet.
    pub(super) fn new() -> Self {
        Self {
            is_open: AtomicBool::new(false),
            hashes: AtomicU64::new(0),
            submitted: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            stale: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            latencies: Histogram::new(),
            reasons: Mutex::default(),
            fanouts: Mutex::default(),
        }
    }

    /// The measured span begins, with this many connections.
    pub(super) fn open(&self, connections: u32) {
        *lock(&self.fanouts) = Fanouts::new(connections);
        self.is_open.store(true, Ordering::Release);
    }

    /// The measured span ends.
    pub(super) fn close(&self) {
        self.is_open.store(false, Ordering::Release);
    }

    /// Shares were searched and written.
    pub(super) fn on_submitted(&self, submits: usize, hashes: u64) {
        if self.is_open() {
            self.submitted.fetch_add(u64::try_from(submits).unwrap_or(u64::MAX), Ordering::Relaxed);
            self.hashes.fetch_add(hashes, Ordering::Relaxed);
        }
    }

    /// A submit was answered.
    pub(super) fn on_answered(&self, verdict: Result<(), Refusal>, latency: Duration) {
        if !self.is_open() {
            return;
        }
        self.latencies.record(latency);
        let counter = match &verdict {
            Ok(()) => &self.accepted,
            Err(Refusal { is_stale: true, .. }) => &self.stale,
            Err(_) => &self.rejected,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if let Err(refusal) = verdict {
            let mut reasons = lock(&self.reasons);
            if reasons.len() < REASONS_MAX || reasons.contains_key(&refusal.reason) {
                *reasons.entry(refusal.reason).or_default() += 1;
            }
        }
    }

    /// A connection heard of a new block.
    pub(super) fn on_block(&self, prev_block: &str, now: Instant) {
        if self.is_open() {
            lock(&self.fanouts).on_arrival(prev_block, now);
        }
    }

    /// A connection is gone.
    pub(super) fn on_lost(&self) {
        lock(&self.fanouts).on_lost();
    }

    /// The counters now.
    pub(super) fn counts(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            hashes: read(&self.hashes),
            submitted: read(&self.submitted),
            accepted: read(&self.accepted),
            stale: read(&self.stale),
            rejected: read(&self.rejected),
        }
    }

    /// The latency that this many of 1,000 answers did not exceed.
    pub(super) fn latency(&self, per_mille: u64) -> Option<Duration> {
        self.latencies.quantile(per_mille)
    }

    /// Why submits were refused, and how often.
    pub(super) fn reasons(&self) -> BTreeMap<String, u64> {
        lock(&self.reasons).clone()
    }

    /// Blocks that all connections heard of, and the longest time from the first to the last of them.
    pub(super) fn fanouts(&self) -> (u64, Option<Duration>) {
        let fanouts = lock(&self.fanouts);
        (fanouts.complete(), fanouts.last())
    }

    fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Acquire)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_measured_span_counts() {
        let tally = Tally::new();
        let count = || {
            let refusal = |is_stale, reason: &str| Err(Refusal { is_stale, reason: reason.to_owned() });
            let latency = Duration::from_millis(1);
            tally.on_submitted(4, 100);
            tally.on_answered(Ok(()), latency);
            tally.on_answered(refusal(true, "stale job"), latency);
            tally.on_answered(refusal(false, "duplicate share"), latency);
            tally.on_block("a", Instant::now());
        };
        count();
        assert_eq!((tally.counts().submitted, tally.latency(500)), (0, None));
        tally.open(1);
        count();
        tally.close();
        count();
        let Counts { hashes, submitted, accepted, stale, rejected } = tally.counts();
        assert_eq!((hashes, submitted, accepted, stale, rejected), (100, 4, 1, 1, 1));
        assert_eq!(tally.reasons(), BTreeMap::from([("stale job".to_owned(), 1), ("duplicate share".to_owned(), 1)]));
        assert_eq!(tally.fanouts(), (1, Some(Duration::ZERO)));
    }
}
