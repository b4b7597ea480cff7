//! A made-up history of three lanes: mean-reverting logarithms of revenue with jumps, seen through noise.
//!
//! It is no market data and says nothing about any market: it has the three things that make a policy lose, drift, jumps and
//! noise, in known sizes. Integers only and a generator of its own, so that every machine writes the same bytes.

use std::fmt::Write as _;

/// Millionths: the unit of logarithms.
const MILLION: i64 = 1_000_000;
/// What a lane pays in the mean.
const REVENUE: i64 = 1_000;

/// What one set is like.
#[derive(Clone, Copy, Debug)]
pub struct Set {
    /// Its name, and that of its file.
    pub name: &'static str,
    /// Standard deviation of the logarithm of a lane's revenue, millionths.
    pub deviation: i64,
    /// Standard deviation of what an observation is off by, millionths.
    pub noise: i64,
    /// Seconds in which a deviation falls to 37 %.
    pub reversion_secs: i64,
}

/// The three sets: deviations and noise of `docs/lanes.md`.
pub const SETS: [Set; 3] = [
    Set { name: "calm", deviation: 20_000, noise: 10_000, reversion_secs: 8 * 3_600 },
    Set { name: "mid", deviation: 50_000, noise: 30_000, reversion_secs: 6 * 3_600 },
    Set { name: "wild", deviation: 100_000, noise: 50_000, reversion_secs: 4 * 3_600 },
];

/// Splitmix64.
#[derive(Clone, Copy, Debug)]
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    /// About normal: twelve uniform numbers of 16 bits have a standard deviation of one whole, 65,536.
    fn normal(&mut self, deviation: i64) -> i64 {
        let sum: i64 = (0..12).map(|_| i64::try_from(self.next() >> 48).expect("16 bits")).sum();
        (sum - 6 * 65_536) * deviation / 65_536
    }

    /// One in so many times.
    fn once_in(&mut self, times: i64) -> bool {
        self.next().is_multiple_of(u64::try_from(times).expect("positive"))
    }
}

/// The largest integer whose square is not above.
fn root(value: i64) -> i64 {
    let mut root = 0;
    for bit in (0..31).rev() {
        let next = root | (1 << bit);
        if next * next <= value {
            root = next;
        }
    }
    root
}

/// Revenue of a logarithm in millionths, by the first four terms of the series.
fn revenue(log: i64) -> i64 {
    let square = log * log / MILLION;
    let factor = MILLION + log + square / 2 + square * log / (6 * MILLION);
    (REVENUE * factor + MILLION / 2) / MILLION
}

impl Set {
    /// The history as CSV: what is seen and what is paid.
    pub fn csv(&self, seed: u64, days: i64, step_secs: i64) -> String {
        let mut chance = Chance(seed);
        let mut logs = [0; 3].map(|_: i64| chance.normal(self.deviation));
        // The deviation of a step that keeps the deviation of the whole.
        let shock = self.deviation * root(2 * step_secs * MILLION / self.reversion_secs) / 1_000;
        let mut text = "secs,a,b,c,a.paid,b.paid,c.paid\n".to_owned();
        for step in 0..days * 86_400 / step_secs {
            write!(text, "{}", step * step_secs).expect("a string takes everything");
            for log in logs {
                write!(text, ",{}", revenue(log + chance.normal(self.noise))).expect("a string takes everything");
            }
            for log in &mut logs {
                write!(text, ",{}", revenue(*log)).expect("a string takes everything");
                *log += chance.normal(shock) - *log * step_secs / self.reversion_secs;
                // A jump a day, as far as a lane deviates at all.
                if chance.once_in(86_400 / step_secs) {
                    *log += chance.normal(self.deviation);
                }
            }
            text.push('\n');
        }
        text
    }
}
