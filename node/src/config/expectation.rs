//! What a miner can expect of a pool: how soon a share, and how soon a block that pays it.
//!
//! Averages: the true times are spread like those of any lottery.

use sharechain::difficulty::SHARE_WORK_MAX_IN_BASE;

use crate::chain_profile::ChainProfile;

/// A miner in a pool.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Outlook {
    /// The miner's hashes per second.
    pub hashrate: f64,
    /// The hashes per second of the whole pool, the miner included.
    pub pool_hashrate: f64,
    /// Hashes that a block takes, where a daemon said so.
    pub block_hashes: Option<f64>,
}

/// What comes of it, on average.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Expectation {
    /// Seconds between two shares of the miner.
    pub share_secs: f64,
    /// Seconds between two blocks of the pool, each of which pays the miner its part.
    pub block_secs: Option<f64>,
    /// The miner's part of a block, 0 to 1.
    pub part: f64,
}

impl Outlook {
    /// What a pool on this chain gives.
    pub fn expectation(&self, chain: &ChainProfile) -> Expectation {
        let interval_secs = f64::from(chain.params.raw().share_interval_ms) / 1_000.0;
        let easiest = chain.params.base_target_max().work().map_or(1.0, |work| work.hashes() as f64);
        let base = (self.pool_hashrate * interval_secs).max(easiest);
        // A node gives its miners shares that take them about this long, within what the rules allow.
        let wanted = self.hashrate * chain.share_period.as_secs_f64();
        let share_hashes = wanted.clamp(base, base * f64::from(SHARE_WORK_MAX_IN_BASE));
        Expectation {
            share_secs: share_hashes / self.hashrate,
            block_secs: self.block_hashes.map(|hashes| hashes / self.pool_hashrate),
            part: self.hashrate / self.pool_hashrate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_miners_wait_for_their_slot_and_great_ones_for_a_minute() {
        let bitcoin = ChainProfile::find("bitcoin", None).unwrap();
        let (one, pool) = (1e12, 1e15);
        let outlook = |hashrate| Outlook { hashrate, pool_hashrate: pool, block_hashes: Some(6e23) };
        let of = |hashrate| outlook(hashrate).expectation(&bitcoin);
        // A thousandth of the pool has a thousandth of its shares, which come once a second.
        assert!((of(one).share_secs - 1_000.0).abs() < 1e-6, "{:?}", of(one));
        assert!((of(one).block_secs.unwrap() - 6e8).abs() < 1.0 && (of(one).part - 0.001).abs() < 1e-12);
        // Half of the pool does not take half of the slots.
        assert!((of(pool / 2.0).share_secs - 60.0).abs() < 1e-6, "{:?}", of(pool / 2.0));
        // Nobody's shares are easier than the chain allows.
        let tiny = Outlook { hashrate: 1.0, pool_hashrate: 1.0, block_hashes: None }.expectation(&bitcoin);
        assert!(tiny.share_secs > 1e9 && tiny.block_secs.is_none());
    }
}
