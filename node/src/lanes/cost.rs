//! What a move costs, measured: the mining that is missing in the half minute after it.
//!
//! ```text
//! submits and their hashes, every second:  ......calm, at this rate......|moved|..half a minute..|
//!                                                                          what the rate says minus what came
//! ```
//! One move says little, because submits come by chance: moves are averaged by how much each can tell, and nothing is said
//! before the error is small. Moves while another is being measured, or while miners come and go, are left out.

use std::time::{Duration, Instant};

/// Time after a move in which mining can be missing: job changes, and connections that begin anew.
const AFTER: Duration = Duration::from_secs(30);
/// Shortest calm time that gives a rate.
const CALM_MIN: Duration = Duration::from_secs(120);
/// Calm time that is looked at is at most twice as long: miners change.
const CALM_STEP: Duration = Duration::from_secs(600);
/// A smaller part of the miners that moved says nothing.
const PART_MIN: f64 = 0.05;
/// Part of the workers that may come or go meanwhile.
const CHANGE_MAX: f64 = 0.02;
/// Standard error below which it is believed, seconds.
const ERROR_SECS_MAX: f64 = 0.5;
/// Every move makes those before it count so much less: networks and miners change.
const MEMORY: f64 = 0.97;

/// What was mined since the start, at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Mined {
    /// When.
    pub at: Instant,
    /// Expected hashes of all accepted submits.
    pub hashes: f64,
    /// Accepted submits.
    pub submits: u64,
    /// Workers that mine.
    pub workers: usize,
}

/// What a move was measured to cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SwitchCost {
    /// Seconds of mining; below 0 where chance was kind.
    pub secs: f64,
    /// Its standard error, seconds.
    pub error_secs: f64,
    /// Moves that it comes from.
    pub moves: u32,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct CostMeter {
    /// Where the calm time begins, and a later moment that will take its place.
    calm: Option<(Mined, Mined)>,
    measured: Option<Move>,
    /// Sums of weights and of weighted costs.
    weight: f64,
    sum: f64,
    moves: u32,
}

#[derive(Clone, Copy, Debug)]
struct Move {
    from: Mined,
    /// Hashes a second before it.
    rate: f64,
    /// Submits that the rate comes from.
    submits: u64,
    part: f64,
}

impl CostMeter {
    /// Takes in what was mined until now.
    pub fn see(&mut self, mined: Mined) {
        if let Some(measured) = self.measured {
            if mined.at.saturating_duration_since(measured.from.at) < AFTER {
                return;
            }
            self.measured = None;
            self.calm = None;
            self.take(&measured, &mined);
        }
        let (since, next) = self.calm.get_or_insert((mined, mined));
        if mined.at.saturating_duration_since(since.at) >= 2 * CALM_STEP || is_changed(since, &mined) {
            (*since, *next) = if is_changed(next, &mined) { (mined, mined) } else { (*next, mined) };
        } else if next.at == since.at && mined.at.saturating_duration_since(since.at) >= CALM_STEP {
            *next = mined;
        }
    }

    /// This part of the miners moves now.
    pub fn moved(&mut self, part: f64, mined: Mined) {
        let is_disturbed = self.measured.take().is_some();
        let Some((since, _)) = self.calm.take().filter(|_| !is_disturbed) else { return };
        let secs = mined.at.saturating_duration_since(since.at).as_secs_f64();
        let submits = mined.submits.saturating_sub(since.submits);
        let is_calm = secs >= CALM_MIN.as_secs_f64() && submits > 0 && !is_changed(&since, &mined);
        if is_calm && part >= PART_MIN {
            self.measured = Some(Move { from: mined, rate: (mined.hashes - since.hashes) / secs, submits, part });
        }
    }

    fn take(&mut self, Move { from, rate, submits, part }: &Move, mined: &Mined) {
        let secs = mined.at.saturating_duration_since(from.at).as_secs_f64();
        let after = mined.submits.saturating_sub(from.submits);
        if *rate <= 0.0 || after == 0 || is_changed(from, mined) {
            return;
        }
        let cost = (secs - (mined.hashes - from.hashes) / rate) / part;
        // Submits come by chance: so many are off by their root, before and after.
        let variance = secs * secs * (1.0 / after as f64 + 1.0 / *submits as f64) / (part * part);
        self.weight = self.weight * MEMORY + 1.0 / variance;
        self.sum = self.sum * MEMORY + cost / variance;
        self.moves = self.moves.saturating_add(1);
    }

    /// What a move costs, once that is known well enough.
    pub fn cost(&self) -> Option<SwitchCost> {
        let error_secs = self.weight.sqrt().recip();
        let is_known = self.weight > 0.0 && error_secs <= ERROR_SECS_MAX;
        is_known.then(|| SwitchCost { secs: self.sum / self.weight, error_secs, moves: self.moves })
    }
}

impl SwitchCost {
    /// Milliseconds to reckon with: what was measured and its error, so that chance never makes a move look free.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is not below zero")]
    pub fn millis(&self) -> u64 {
        ((self.secs.max(0.0) + self.error_secs) * 1_000.0) as u64
    }
}

fn is_changed(before: &Mined, after: &Mined) -> bool {
    before.workers.abs_diff(after.workers) as f64 > before.workers as f64 * CHANGE_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A farm of a thousand workers with a submit of 100 hashes a third of a second each.
    struct Farm {
        meter: CostMeter,
        mined: Mined,
    }

    impl Farm {
        const RATE: u64 = 333;

        fn new() -> Self {
            let mined = Mined { at: Instant::now(), hashes: 0.0, submits: 0, workers: 1_000 };
            Self { meter: CostMeter::default(), mined }
        }

        /// Mines for so many seconds, but not in the first milliseconds.
        fn mine(&mut self, secs: u64, lost_ms: u64) {
            let mut lost = lost_ms * Self::RATE / 1_000;
            for _ in 0..secs {
                let submits = Self::RATE.saturating_sub(lost);
                lost -= Self::RATE - submits;
                self.mined.at += Duration::from_secs(1);
                self.mined.submits += submits;
                self.mined.hashes += submits as f64 * 100.0;
                self.meter.see(self.mined);
            }
        }

        fn moves(&mut self, count: u32, part: f64, lost_ms: u64) -> Option<SwitchCost> {
            for _ in 0..count {
                self.mine(600, 0);
                self.meter.moved(part, self.mined);
                self.mine(30, lost_ms);
            }
            self.meter.cost()
        }
    }

    #[test]
    fn what_is_missing_after_moves_is_what_they_cost() {
        let mut farm = Farm::new();
        let cost = farm.moves(1, 1.0, 2_000).expect("a thousand workers say enough at once");
        assert!((cost.secs - 2.0).abs() < 0.01 && cost.error_secs < 0.4 && cost.moves == 1, "{cost:?}");
        assert!((2_000..2_500).contains(&cost.millis()));
        assert!(Farm::new().moves(10, 0.5, 1_000).is_some_and(|cost| (cost.secs - 2.0).abs() < 0.01), "half moved");
        assert_eq!(Farm::new().moves(1, 0.2, 2_000), None, "a fifth says little at once");
        assert!(Farm::new().moves(10, 1.0, 0).is_some_and(|cost| cost.millis() < 200));
    }

    #[test]
    fn what_is_disturbed_is_not_counted() {
        let mut farm = Farm::new();
        farm.mine(600, 0);
        farm.meter.moved(1.0, farm.mined);
        farm.mine(10, 2_000);
        farm.meter.moved(1.0, farm.mined);
        farm.mine(60, 2_000);
        assert_eq!(farm.meter.moves, 0, "a move during another");
        farm.meter.moved(1.0, farm.mined);
        farm.mine(30, 2_000);
        assert_eq!(farm.meter.moves, 0, "too soon after another");
        farm.mine(600, 0);
        farm.meter.moved(1.0, farm.mined);
        farm.mined.workers = 900;
        farm.mine(30, 2_000);
        assert_eq!(farm.meter.moves, 0, "workers left");
        farm.mine(60, 0);
        farm.meter.moved(1.0, farm.mined);
        farm.mine(30, 2_000);
        assert_eq!(farm.meter.moves, 0, "they left a minute ago");
        farm.moves(1, 0.01, 2_000);
        assert_eq!(farm.meter.moves, 0, "hardly anybody moved");
        farm.moves(1, 1.0, 2_000);
        assert_eq!(farm.meter.moves, 1);
    }

    #[test]
    fn the_rate_is_that_of_the_last_minutes() {
        let mut farm = Farm::new();
        farm.mine(86_400, 0);
        let (since, _) = farm.meter.calm.unwrap();
        assert!(farm.mined.at - since.at <= 2 * CALM_STEP);
        // Half the rate, with as many workers: an hour later it is what is expected.
        for _ in 0..3_600 {
            farm.mined.at += Duration::from_secs(1);
            farm.mined.submits += 166;
            farm.mined.hashes += 16_600.0;
            farm.meter.see(farm.mined);
        }
        farm.meter.moved(1.0, farm.mined);
        assert!(farm.meter.measured.is_some_and(|measured| (measured.rate - 16_600.0).abs() < 1.0));
    }
}
