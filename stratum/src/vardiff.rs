//! Difficulty per connection: how much work one submit should carry so that submits come at a steady pace.
//!
//! A bias-corrected average of accepted work gives the miner's speed. A change is made when the difficulty that speed
//! asks for lies outside a band that is wide while few submits are known and narrows as more come in, so that noise
//! does not move the difficulty but a real change does. Where the speed jumped, up or down, the average is started
//! anew, because it remembers another miner. The caller freezes the difficulty into each job, so a change
//! never turns a submit that is under way into a reject.

use std::time::{Duration, Instant};

use crate::hashrate::HashrateMeter;

/// How difficulties are chosen, in hashes per submit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VardiffConfig {
    /// Where a new connection starts.
    pub start_hashes: f64,
    /// The least a submit may carry.
    pub min_hashes: f64,
    /// Wanted time between submits.
    pub submit_interval: Duration,
}

/// Averaging time, in submit intervals.
const TAU_INTERVALS: f64 = 60.0;
/// No change before this many submits since the last one, except by the fast tier.
const SUBMITS_MIN: u32 = 8;
/// Submits after which the fast tier may act.
const FAST_SUBMITS: u32 = 4;
/// The fast tier acts when submits come this many times too fast.
const FAST_FACTOR: f64 = 8.0;
/// The band around the present difficulty is this wide when the speed is known exactly...
const BAND: f64 = 0.15;
/// ...and this much wider per standard deviation of the count since the last change.
const BAND_DEVIATIONS: f64 = 2.0;
/// Silence of this many intervals halves the difficulty: at the right one it happens once in 3,000 intervals.
const SILENT_INTERVALS: f64 = 8.0;
/// After a first halving without an answer, this many: the miner is known to be slower.
const STILL_SILENT_INTERVALS: f64 = 3.0;

/// No submit is harder than this, 2^100 hashes. Stops suggestions and bursts from overflowing into the easiest target.
const HASHES_MAX: f64 = 1.3e30;

/// The controller of one connection.
#[derive(Clone, Debug)]
pub struct Vardiff {
    config: VardiffConfig,
    hashes: f64,
    /// The miner wants this difficulty and no other.
    is_fixed: bool,
    /// The speed jumped, so that the present job would be a flood.
    is_urgent: bool,
    meter: HashrateMeter,
    submits: u32,
    changed: Instant,
    last_submit: Instant,
    /// Lowered for silence, and silent since.
    lowered: bool,
}

impl Vardiff {
    /// Starts at the configured difficulty.
    pub fn new(config: VardiffConfig, now: Instant) -> Self {
        Self {
            hashes: config.start_hashes.max(config.min_hashes),
            meter: HashrateMeter::new(config.submit_interval.mul_f64(TAU_INTERVALS), now),
            config,
            is_fixed: false,
            is_urgent: false,
            submits: 0,
            changed: now,
            last_submit: now,
            lowered: false,
        }
    }

    /// Hashes that the next job's submits should carry.
    pub const fn hashes(&self) -> f64 {
        self.hashes
    }

    /// Whether the next job should not wait: the difficulty of the present one is several times too low.
    pub const fn take_urgent(&mut self) -> bool {
        std::mem::replace(&mut self.is_urgent, false)
    }

    /// The miner asked for a difficulty.
    pub fn suggest(&mut self, hashes: f64, now: Instant) {
        if hashes.is_finite() && hashes > 0.0 && !self.is_fixed {
            self.restart(hashes, now);
        }
    }

    /// No submit carries less than this from now on.
    pub fn set_floor(&mut self, hashes: f64, now: Instant) {
        if hashes.is_finite() && hashes > 0.0 && !self.is_fixed {
            self.config.min_hashes = hashes.min(HASHES_MAX);
            if self.hashes < self.config.min_hashes {
                self.restart(hashes, now);
            }
        }
    }

    /// Every submit carries this from now on.
    pub fn fix(&mut self, hashes: f64, now: Instant) {
        if hashes.is_finite() && hashes > 0.0 {
            self.config.min_hashes = 0.0;
            self.restart(hashes, now);
            self.is_fixed = true;
        }
    }

    /// When [`Vardiff::on_tick`] has something to do, if nothing is submitted until then.
    pub fn wake(&self) -> Option<Instant> {
        let may_fall = !self.is_fixed && self.hashes > self.config.min_hashes;
        may_fall.then(|| self.last_submit.max(self.changed) + self.patience())
    }

    /// A submit that carries `hashes` was accepted; a job's own work counts, whatever the difficulty is now.
    pub fn on_submit(&mut self, hashes: f64, now: Instant) {
        if self.is_fixed {
            return;
        }
        self.meter.add(hashes, now);
        self.submits = self.submits.saturating_add(1);
        self.last_submit = now;
        self.lowered = false;
        let interval = self.config.submit_interval.as_secs_f64();
        let elapsed = now.saturating_duration_since(self.changed).as_secs_f64();
        let pace = f64::from(self.submits) * interval / elapsed.max(1e-3);
        if self.submits >= FAST_SUBMITS && pace > FAST_FACTOR {
            // Faster than any noise.
            self.restart(self.hashes * pace, now);
            self.is_urgent = true;
            return;
        }
        if self.submits < SUBMITS_MIN {
            return;
        }
        let wanted = self.meter.rate(now) * interval;
        let band = 1.0 + BAND + BAND_DEVIATIONS / f64::from(self.submits).sqrt();
        if wanted > self.hashes * band || wanted < self.hashes / band {
            self.change(wanted, now);
        }
    }

    /// Lowers the difficulty of a miner that found nothing for long. Call it at [`Vardiff::wake`].
    pub fn on_tick(&mut self, now: Instant) {
        if self.wake().is_some_and(|wake| now >= wake) {
            self.lowered = true;
            self.restart(self.hashes / 2.0, now);
        }
    }

    /// Silence after which the difficulty falls.
    fn patience(&self) -> Duration {
        self.config.submit_interval.mul_f64(if self.lowered { STILL_SILENT_INTERVALS } else { SILENT_INTERVALS })
    }

    /// Changes the difficulty and forgets the speed measured so far.
    fn restart(&mut self, hashes: f64, now: Instant) {
        self.meter = HashrateMeter::new(self.config.submit_interval.mul_f64(TAU_INTERVALS), now);
        self.change(hashes, now);
    }

    fn change(&mut self, hashes: f64, now: Instant) {
        // Not a clamp: that would leave what is not a number as it is, and the easiest target takes every hash.
        self.hashes = hashes.min(HASHES_MAX).max(self.config.min_hashes);
        self.submits = 0;
        self.changed = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: VardiffConfig =
        VardiffConfig { start_hashes: 1e7, min_hashes: 256.0, submit_interval: Duration::from_secs(4) };

    /// A uniform number above 0 and at most 1.
    fn uniform(state: &mut u64) -> f64 {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        #[expect(clippy::cast_precision_loss, reason = "a random number")]
        let number = ((*state >> 33) as f64 + 1.0) / 2_f64.powi(31);
        number
    }

    /// Mines at `rate(t)` hashes per second for `seconds`; returns submits of the last `tail` seconds and the number of
    /// difficulty changes in it.
    fn mine(rate: impl Fn(f64) -> f64, seconds: f64, tail: f64, seed: u64) -> (u32, u32) {
        let start = Instant::now();
        let mut vardiff = Vardiff::new(CONFIG, start);
        let (mut state, mut time, mut submits, mut changes) = (seed, 0.0, 0, 0);
        let mut next_tick = 1.0;
        while time < seconds {
            let wait = -uniform(&mut state).ln() * vardiff.hashes() / rate(time);
            let before = vardiff.hashes();
            if time + wait > next_tick {
                // Memoryless: drawing anew after a tick changes nothing.
                time = next_tick;
                next_tick += 1.0;
                vardiff.on_tick(start + Duration::from_secs_f64(time));
            } else {
                time += wait;
                vardiff.on_submit(vardiff.hashes(), start + Duration::from_secs_f64(time));
                submits += u32::from(time > seconds - tail);
            }
            changes += u32::from(time > seconds - tail && vardiff.hashes() != before);
        }
        (submits, changes)
    }

    #[test]
    fn miners_from_a_kilohash_to_a_petahash_reach_the_pace_within_five_minutes() {
        for power in 3..=15 {
            let rate = 10_f64.powi(power);
            let submits: u32 = (0..20).map(|seed| mine(|_| rate, 900.0, 600.0, seed + 1).0).sum();
            let pace = f64::from(submits) / (20.0 * 600.0 / 4.0);
            assert!((0.8..1.2).contains(&pace), "10^{power} H/s: {pace} of the wanted pace");
        }
    }

    #[test]
    fn a_steady_miner_keeps_its_difficulty() {
        let changes: u32 = (0..20).map(|seed| mine(|_| 1e9, 7_200.0, 3_600.0, seed + 1).1).sum();
        assert!(changes <= 20 * 6, "{changes} changes in 20 hours");
    }

    #[test]
    fn a_miner_that_changes_its_speed_is_followed_up_and_down() {
        for (before, after) in [(1e6, 1e9), (1e9, 1e6)] {
            let rate = |time: f64| if time < 600.0 { before } else { after };
            let submits: u32 = (0..20).map(|seed| mine(rate, 1_800.0, 600.0, seed + 1).0).sum();
            let pace = f64::from(submits) / (20.0 * 600.0 / 4.0);
            assert!((0.75..1.25).contains(&pace), "{before} to {after}: {pace}");
        }
    }

    #[test]
    fn a_miner_may_ask_for_a_floor_or_for_one_difficulty() {
        let start = Instant::now();
        let later = |secs| start + Duration::from_secs(secs);
        let mut vardiff = Vardiff::new(CONFIG, start);
        vardiff.set_floor(2e7, start);
        assert_eq!(vardiff.hashes(), 2e7);
        vardiff.suggest(3.0, start);
        assert_eq!((vardiff.hashes(), vardiff.wake()), (2e7, None), "it is at the floor");
        (0..20).for_each(|_| vardiff.on_submit(2e7, later(1)));
        assert!(vardiff.hashes() > 2e8 && vardiff.take_urgent() && !vardiff.take_urgent());
        vardiff.fix(5.0, later(2));
        (0..100).for_each(|_| vardiff.on_submit(5.0, later(3)));
        vardiff.set_floor(100.0, later(3));
        vardiff.suggest(100.0, later(3));
        vardiff.on_tick(later(3_600));
        assert_eq!((vardiff.hashes(), vardiff.wake(), vardiff.take_urgent()), (5.0, None, false));
    }

    #[test]
    fn silence_is_noticed_when_it_was_said_to_be() {
        let start = Instant::now();
        let mut vardiff = Vardiff::new(CONFIG, start);
        let wake = vardiff.wake().unwrap();
        vardiff.on_tick(wake - Duration::from_millis(1));
        assert_eq!(vardiff.hashes(), CONFIG.start_hashes);
        vardiff.on_tick(wake);
        assert_eq!(vardiff.hashes(), CONFIG.start_hashes / 2.0);
        assert!(vardiff.wake().unwrap() - wake < wake - start, "the next time it takes less");
    }

    #[test]
    fn a_silent_miner_falls_to_the_floor_and_not_below() {
        let start = Instant::now();
        let mut vardiff = Vardiff::new(CONFIG, start);
        for second in 0..3_600 {
            vardiff.on_tick(start + Duration::from_secs(second));
        }
        assert!((vardiff.hashes() - CONFIG.min_hashes).abs() < f64::EPSILON);
        // Four submits in no time after a suggestion near the largest float: the product overflows.
        vardiff.suggest(4.3e307, start);
        (0..4).for_each(|_| vardiff.on_submit(65_536.0, start));
        assert!((vardiff.hashes() - HASHES_MAX).abs() < f64::EPSILON);
        vardiff.suggest(1.0, start);
        vardiff.suggest(f64::NAN, start);
        vardiff.suggest(-1.0, start);
        assert!((vardiff.hashes() - CONFIG.min_hashes).abs() < f64::EPSILON);
    }
}
