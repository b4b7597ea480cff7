//! Sums by time: the newest slots of a minute, an hour and a day each, oldest forgotten first. Pure.

use std::collections::VecDeque;

use bincode::{Decode, Encode};
use sharechain::UnixTime;

use super::slot_time;

/// Reasons of refused submits, as [`stratum::error::RejectReason::ALL`] orders them.
pub(super) const REASONS: usize = 6;
/// A slot that is not over is shown when it has lasted this long, seconds: before that its rate is mostly chance.
const OPEN_SLOT_SECS_MIN: u64 = 60;

/// How long a slot is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// `1m`
    Minute,
    /// `1h`
    Hour,
    /// `1d`, of UTC
    Day,
}

impl Step {
    /// All of them, finest first.
    pub const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    /// Its length.
    pub const fn secs(self) -> u64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }

    /// Its name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "1m",
            Self::Hour => "1h",
            Self::Day => "1d",
        }
    }

    /// The step of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.as_str() == name)
    }

    fn slot(self, time: UnixTime) -> u32 {
        u32::try_from(time / self.secs()).unwrap_or(u32::MAX)
    }
}

/// What was done in some time.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Done {
    pub(super) hashes: f64,
    pub(super) accepted: u64,
    pub(super) rejects: [u64; REASONS],
}

impl Done {
    pub(super) fn is_nothing(&self) -> bool {
        self.accepted == 0 && self.rejects.iter().all(|count| *count == 0)
    }

    /// What was done since an earlier count of the same.
    pub(super) fn since(&self, before: &Self) -> Self {
        let mut rejects = self.rejects;
        for (count, before) in rejects.iter_mut().zip(before.rejects) {
            *count = count.saturating_sub(before);
        }
        Self {
            hashes: (self.hashes - before.hashes).max(0.0),
            accepted: self.accepted.saturating_sub(before.accepted),
            rejects,
        }
    }
}

/// A slot as it is kept.
#[derive(Clone, Copy, PartialEq, Debug, Default, Encode, Decode)]
struct Slot {
    number: u32,
    hashes: f64,
    accepted: u32,
    /// Saturate: so many are a fault whatever their number.
    rejects: [u16; REASONS],
}

/// A slot as it is shown.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Point {
    /// Its begin, Unix seconds.
    pub time: UnixTime,
    /// Hashes per second.
    pub hashrate: f64,
    /// Accepted submits.
    pub accepted: u32,
    /// Refused submits, by reason in the order of [`stratum::error::RejectReason::ALL`].
    pub rejects: [u16; REASONS],
}

impl Slot {
    fn add(&mut self, done: &Done) {
        self.hashes += done.hashes;
        self.accepted = self.accepted.saturating_add(u32::try_from(done.accepted).unwrap_or(u32::MAX));
        for (count, more) in self.rejects.iter_mut().zip(done.rejects) {
            *count = count.saturating_add(u16::try_from(more).unwrap_or(u16::MAX));
        }
    }
}

/// Slots of one length in which something was done, oldest first.
#[derive(Clone, PartialEq, Debug, Default, Encode, Decode)]
struct Ring(VecDeque<Slot>);

impl Ring {
    fn add(&mut self, number: u32, done: &Done, len_max: usize) {
        // A clock that was set back adds to the newest slot instead of making the order wrong.
        if self.0.back().is_none_or(|newest| newest.number < number) {
            self.0.push_back(Slot { number, ..Slot::default() });
        }
        if let Some(newest) = self.0.back_mut() {
            newest.add(done);
        }
        while self.0.len() > len_max {
            self.0.pop_front();
        }
    }
}

/// Sums of one subject at every step.
#[derive(Clone, PartialEq, Debug, Default, Encode, Decode)]
pub(super) struct Series {
    rings: [Ring; 3],
}

impl Series {
    pub(super) fn add(&mut self, done: &Done, now: UnixTime, len_max: fn(Step) -> usize) {
        for (ring, step) in self.rings.iter_mut().zip(Step::ALL) {
            ring.add(step.slot(now), done, len_max(step));
        }
    }

    /// The last points, oldest first, zeros included; they begin with the first slot that is known.
    pub(super) fn points(&self, step: Step, len_max: usize, now: UnixTime) -> Vec<Point> {
        let [minutes, hours, days] = &self.rings;
        let ring = match step {
            Step::Minute => minutes,
            Step::Hour => hours,
            Step::Day => days,
        };
        let open = step.slot(now);
        let open_secs = now.saturating_sub(slot_time(open, step));
        let end = if open_secs >= OPEN_SLOT_SECS_MIN { open.saturating_add(1) } else { open };
        let Some(oldest) = ring.0.front() else { return Vec::new() };
        let begin = oldest.number.max(end.saturating_sub(u32::try_from(len_max).unwrap_or(u32::MAX)));
        let mut slots = ring.0.iter().skip_while(|slot| slot.number < begin).peekable();
        let point = |number| {
            let slot = slots.next_if(|slot| slot.number == number).copied().unwrap_or_default();
            let secs = if number == open { open_secs } else { step.secs() };
            #[expect(clippy::cast_precision_loss, reason = "a day at most")]
            let hashrate = slot.hashes / secs as f64;
            Point { time: slot_time(number, step), hashrate, accepted: slot.accepted, rejects: slot.rejects }
        };
        (begin..end).map(point).collect()
    }

    /// Hashes of all days that are kept.
    pub(super) fn hashes(&self) -> f64 {
        self.rings[2].0.iter().map(|slot| slot.hashes).sum()
    }

    /// The last day that something was done in.
    pub(super) fn last_day(&self) -> u32 {
        self.rings[2].0.back().map_or(0, |slot| slot.number)
    }

    /// Whether it is what [`Series::add`] can have made: a file may say anything.
    pub(super) fn is_sound(&self, now: UnixTime, len_max: fn(Step) -> usize) -> bool {
        self.rings.iter().zip(Step::ALL).all(|(ring, step)| {
            let is_ordered = ring.0.iter().zip(ring.0.iter().skip(1)).all(|(one, next)| one.number < next.number);
            // A clock that was far ahead would keep everything in one slot for ever.
            let is_past = ring.0.back().is_none_or(|newest| newest.number <= step.slot(now).saturating_add(1));
            let is_finite = ring.0.iter().all(|slot| slot.hashes.is_finite() && slot.hashes >= 0.0);
            is_ordered && is_past && is_finite && ring.0.len() <= len_max(step)
        })
    }
}
