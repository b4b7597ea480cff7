//! `MAXIMIZE_STABILITY`: the lane whose income is steadiest. It is chosen once; after that only a failure moves miners.
//!
//! Two things make the income of a PPLNS pool uneven: whether a miner has a share in the window at all, and how many blocks
//! the pool finds. Both are counts of rare events, so their relative variances are one over what is expected of them.

use super::{Inputs, Observation, params::StabilityParams};

/// Seconds over which income is compared.
const INCOME_SECS: f64 = 86_400.0;

/// How steady a lane is for this node's miners.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steadiness {
    /// Chance of at least one share in a window, 0 to 1, if all miners of the node were there.
    pub share_chance: f64,
    /// Expected income of a day over its standard deviation.
    pub income_ratio: f64,
}

/// How steady a lane is; `None` where its share difficulty, window or pool hash rate is not known.
pub fn steadiness(lane: &Observation, own_hashrate: f64) -> Option<Steadiness> {
    let shares = own_hashrate * lane.window_secs? as f64 / lane.share_hashes.filter(|hashes| *hashes > 0)? as f64;
    // A pool has at least our own hash rate once we are there.
    let pool = lane.pool_hashrate?.max(own_hashrate);
    let blocks = pool * INCOME_SECS / Some(lane.block_hashes).filter(|hashes| *hashes > 0)? as f64;
    let is_known = shares.is_finite() && blocks.is_finite() && shares >= 0.0;
    is_known.then(|| Steadiness {
        share_chance: -(-shares).exp_m1(),
        // 1 / sqrt(1 / shares + 1 / blocks), without dividing by nothing.
        income_ratio: (shares * blocks / (shares + blocks).max(f64::MIN_POSITIVE)).sqrt(),
    })
}

/// Hash rate of all miners of the node that can be counted.
pub fn own_hashrate(inputs: &Inputs) -> f64 {
    inputs.lanes.iter().map(|lane| lane.own_hashrate).filter(|rate| rate.is_finite() && *rate > 0.0).sum()
}

/// The steadiest lane among those that may be mined: first by the chance of a share, as far as more of it is worth anything,
/// then by income. `None` where nothing is known of any.
pub fn steadiest<'a>(inputs: &'a Inputs, params: &StabilityParams, may: impl Fn(&str) -> bool) -> Option<&'a str> {
    let own = own_hashrate(inputs);
    let enough = params.share_chance_percent / 100.0;
    let known = inputs.lanes.iter().filter(|lane| may(&lane.lane));
    let known = known.filter_map(|lane| Some((lane.lane.as_str(), steadiness(lane, own)?)));
    // Of equal ones the first of the configuration stays.
    let better = |best: (&'a str, Steadiness), next: (&'a str, Steadiness)| {
        let chances = [best, next].map(|(_, steady)| steady.share_chance.min(enough));
        let is_better = match chances[1].total_cmp(&chances[0]) {
            std::cmp::Ordering::Equal => next.1.income_ratio > best.1.income_ratio,
            order => order.is_gt(),
        };
        if is_better { next } else { best }
    };
    known.reduce(better).map(|(lane, _)| lane)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(name: &str, share_hashes: u128, block_hashes: u128, pool: f64) -> Observation {
        Observation {
            lane: name.to_owned(),
            share_hashes: Some(share_hashes),
            window_secs: Some(86_400),
            block_hashes,
            pool_hashrate: Some(pool),
            own_hashrate: 1.0,
            ..Observation::default()
        }
    }

    #[test]
    fn the_chance_of_a_share_is_that_of_a_poisson_count() {
        let steady = steadiness(&lane("a", 86_400, 86_400, 4.0), 1.0).unwrap();
        assert!((steady.share_chance - (1.0 - (-1.0_f64).exp())).abs() < 1e-12);
        assert!((steady.income_ratio - (1.0_f64 / (1.0 + 0.25)).sqrt()).abs() < 1e-12);
        assert_eq!(steadiness(&Observation::default(), 1.0), None);
        assert_eq!(steadiness(&lane("a", 0, 1, 1.0), 1.0), None);
        assert_eq!(steadiness(&lane("a", 1, 1, f64::NAN), f64::INFINITY), None);
    }

    #[test]
    fn a_likely_share_comes_before_frequent_blocks_and_these_before_nothing() {
        let of = |lanes: Vec<Observation>| {
            let inputs = Inputs { lanes, ..Inputs::default() };
            steadiest(&inputs, &StabilityParams::default(), |lane| lane != "out").map(ToOwned::to_owned)
        };
        // Too few shares on the chain with many blocks.
        let rare = lane("rare", 10_000_000, 100, 50.0);
        let small = lane("small", 10_000, 1_000_000, 50.0);
        assert_eq!(of(vec![rare.clone(), small.clone()]).as_deref(), Some("small"));
        // Enough shares on both.
        let busy = lane("busy", 12_000, 100_000, 50.0);
        assert_eq!(of(vec![small.clone(), busy.clone()]).as_deref(), Some("busy"));
        assert_eq!(of(vec![small.clone(), Observation { lane: "out".to_owned(), ..busy }]).as_deref(), Some("small"));
        assert_eq!(of(vec![Observation::default()]), None);
    }
}
