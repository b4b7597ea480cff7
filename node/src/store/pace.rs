//! How long writes take, for those who watch: the store's thread says when one begins and ends, nobody waits for anybody.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// See the module.
#[derive(Debug)]
pub struct WritePace {
    origin: Instant,
    /// When the write under way began, microseconds after the origin; 0 for none.
    began: AtomicU64,
    /// The slowest since somebody last asked, microseconds.
    slowest: AtomicU64,
    /// Whether they wait for room on the disk.
    waits_for_room: AtomicBool,
}

impl WritePace {
    /// Nothing was written yet.
    pub(super) fn new() -> Self {
        Self {
            origin: Instant::now(),
            began: AtomicU64::new(0),
            slowest: AtomicU64::new(0),
            waits_for_room: AtomicBool::new(false),
        }
    }

    /// Does a write.
    pub(super) fn time<T>(&self, write: impl FnOnce() -> T) -> T {
        let began = self.micros().max(1);
        self.began.store(began, Ordering::Relaxed);
        let outcome = write();
        self.slowest.fetch_max(self.micros().saturating_sub(began), Ordering::Relaxed);
        self.began.store(0, Ordering::Relaxed);
        outcome
    }

    /// How long the write has taken that is under way.
    pub fn under_way(&self) -> Option<Duration> {
        let began = self.began.load(Ordering::Relaxed);
        (began > 0).then(|| Duration::from_micros(self.micros().saturating_sub(began)))
    }

    /// The slowest write since the last time this was asked.
    pub fn take_slowest(&self) -> Duration {
        Duration::from_micros(self.slowest.swap(0, Ordering::Relaxed))
    }

    /// Writes wait for room on the disk from now on.
    pub(super) fn wait_for_room(&self) {
        self.waits_for_room.store(true, Ordering::Relaxed);
    }

    /// There is room again; says whether that is news.
    pub(super) fn go_on(&self) -> bool {
        self.waits_for_room.swap(false, Ordering::Relaxed)
    }

    /// Whether writes wait for room on the disk.
    pub fn waits_for_room(&self) -> bool {
        self.waits_for_room.load(Ordering::Relaxed)
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_under_way_while_it_is_and_its_time_is_told_once() {
        let pace = WritePace::new();
        assert_eq!((pace.under_way(), pace.take_slowest()), (None, Duration::ZERO));
        let during = pace.time(|| {
            while pace.micros() < 2_000 {
                std::hint::spin_loop();
            }
            pace.under_way()
        });
        assert!(during.is_some());
        assert_eq!(pace.under_way(), None);
        assert!(pace.take_slowest() > Duration::ZERO);
        assert_eq!(pace.take_slowest(), Duration::ZERO);
    }
}
