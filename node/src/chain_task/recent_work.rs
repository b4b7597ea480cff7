//! Work of the last minutes: what the pool's hash rate is estimated from. Pure but for the chain it looks at.

use sharechain::{ShareChain, UnixTime, Work};

/// How far back it looks, seconds.
const WINDOW_SECS: u32 = 600;
/// Most shares it looks at: once a second, so that a pool of any size costs the chain task next to nothing.
const SHARES_MAX: usize = 4_096;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RecentWork {
    /// Shares that were looked at.
    pub shares: usize,
    /// Their work, hashes.
    pub hashes: f64,
    /// Sum of the squares of their works: shares of different work tell less than as many equal ones.
    pub squares: f64,
    /// The time that they took, seconds.
    pub secs: f64,
}

impl RecentWork {
    /// What the chain has of the time before now.
    pub(super) fn of(chain: &ShareChain, now: UnixTime) -> Self {
        let now = u32::try_from(now).unwrap_or(u32::MAX);
        let recent = chain.recent_work(now.saturating_sub(WINDOW_SECS), SHARES_MAX);
        // A chain that is younger than the window has all its merged shares in it.
        let is_whole = u64::try_from(recent.len()).is_ok_and(|seen| seen >= chain.tip().count);
        Self::sum(&recent, now, recent.len() == SHARES_MAX || is_whole)
    }

    /// Sums shares, newest first; `is_cut` when the window began before the oldest of them.
    fn sum(recent: &[(u32, Work)], now: u32, is_cut: bool) -> Self {
        let Some((oldest, _)) = recent.last() else { return Self::default() };
        let secs = if is_cut { now.saturating_sub(*oldest).clamp(1, WINDOW_SECS) } else { WINDOW_SECS };
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let works = recent.iter().map(|(_, work)| work.hashes() as f64);
        let (hashes, squares) = works.fold((0.0, 0.0), |(sum, squares), work| (sum + work, squares + work * work));
        Self { shares: recent.len(), hashes, squares, secs: secs.into() }
    }

    /// How many equal shares would tell as much.
    pub fn samples(&self) -> f64 {
        if self.squares > 0.0 { self.hashes * self.hashes / self.squares } else { 0.0 }
    }

    /// Hashes per second.
    pub fn rate(&self) -> f64 {
        if self.secs > 0.0 { self.hashes / self.secs } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_work_over_the_time_it_took() {
        let work = |hashes| Work::from_hashes(hashes);
        let of = |recent: &[(u32, Work)], is_cut| RecentWork::sum(recent, 1_000, is_cut);
        assert_eq!(of(&[], true), RecentWork::default());
        let equal = of(&[(990, work(300)), (700, work(300)), (500, work(300))], false);
        assert_eq!((equal.shares, equal.rate(), equal.samples()), (3, 1.5, 3.0));
        let young = of(&[(990, work(300)), (910, work(300))], true);
        assert_eq!((young.secs, young.rate()), (90.0, 600.0 / 90.0));
        let uneven = of(&[(990, work(900)), (900, work(100))], false);
        assert!(uneven.samples() < 1.3, "one big share tells little more than itself: {}", uneven.samples());
        assert_eq!(of(&[(2_000, work(1))], true).secs, 1.0, "a time in the future takes none");
    }
}
