//! What a connection counts between two reports to the registry. Pure.

use crate::{error::RejectReason, lane::LaneId};

/// What one connection did since its last report.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Tally {
    /// The lane that the accepted submits were for.
    pub(crate) lane: LaneId,
    /// By number of the worker.
    pub(crate) workers: Vec<WorkerTally>,
}

/// Refused submits by reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rejects([u64; RejectReason::ALL.len()]);

impl From<[u64; RejectReason::ALL.len()]> for Rejects {
    /// In the order of [`RejectReason::ALL`].
    fn from(counts: [u64; RejectReason::ALL.len()]) -> Self {
        Self(counts)
    }
}

impl Rejects {
    /// How many for this reason.
    pub fn of(&self, reason: RejectReason) -> u64 {
        self.0[reason as usize]
    }

    /// How many because their job was stale or not known any more, which is bad luck more than a fault.
    pub fn stale(&self) -> u64 {
        self.of(RejectReason::Stale).saturating_add(self.of(RejectReason::UnknownJob))
    }

    /// How many for all other reasons.
    pub fn faulty(&self) -> u64 {
        self.total().saturating_sub(self.stale())
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    pub(super) fn add(&mut self, others: &Self) {
        for (count, more) in self.0.iter_mut().zip(&others.0) {
            *count = count.saturating_add(*more);
        }
    }
}

/// What one worker did since the last report of its connection.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(crate) struct WorkerTally {
    pub(crate) accepted: u64,
    /// Hashes of all accepted submits.
    pub(crate) hashes: f64,
    /// Those of them that are credited to the operator.
    pub(crate) fee_hashes: f64,
    /// Hashes of the newest accepted submit.
    pub(crate) hashes_last: f64,
    pub(crate) rejects: Rejects,
}

impl Tally {
    /// Counts an accepted submit.
    pub(crate) fn accept(&mut self, worker: usize, hashes: f64, is_fee: bool) {
        if let Some(tally) = self.worker(worker) {
            tally.accepted = tally.accepted.saturating_add(1);
            tally.hashes += hashes;
            tally.hashes_last = hashes;
            tally.fee_hashes += if is_fee { hashes } else { 0.0 };
        }
    }

    /// Counts a refused submit.
    pub(crate) fn refuse(&mut self, worker: usize, reason: RejectReason) {
        if let Some(tally) = self.worker(worker) {
            let count = &mut tally.rejects.0[reason as usize];
            *count = count.saturating_add(1);
        }
    }

    fn worker(&mut self, worker: usize) -> Option<&mut WorkerTally> {
        if self.workers.len() <= worker {
            self.workers.resize(worker.saturating_add(1), WorkerTally::default());
        }
        self.workers.get_mut(worker)
    }

    /// Accepted submits of all workers.
    pub(crate) fn accepted(&self) -> u64 {
        self.workers.iter().fold(0, |sum, worker| sum.saturating_add(worker.accepted))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.workers.is_empty()
    }
}
