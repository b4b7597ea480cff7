//! What is known of every lane at one moment: the only inputs of the policies, recorded with every decision.

use serde::{Deserialize, Serialize};

use super::{
    Health,
    geographic::Spread,
    limits::{LANES_MAX, NAME_LEN_MAX, SWITCH_COST_MS_MAX},
    prices::{PriceError, Quote},
};

/// Base units of a coin with eight decimals, which every chain so far has.
pub const UNITS_PER_COIN: u64 = 100_000_000;

/// One lane at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Observation {
    /// Name of the lane.
    pub lane: String,
    /// What is earned on it. Lanes of one coin are compared without a price.
    pub coin: String,
    /// Base units that a block pays: subsidy and fees.
    pub block_value: u64,
    /// Base units of a whole coin.
    pub units_per_coin: u64,
    /// Hashes that a block of the parent chain takes in the mean.
    pub block_hashes: u128,
    /// Part of blocks that are lost to others, 0 to 1.
    pub orphan_rate: f64,
    /// Part of own shares that come too late, 0 to 1.
    pub stale_rate: f64,
    /// Part that the node's operator keeps, 0 to 1.
    pub fee: f64,
    /// How it is.
    pub health: Health,
    /// All that is mined on the parent chain, hashes a second, where it is known.
    pub network_hashrate: Option<f64>,
    /// What all peers of the share chain mine, hashes a second, where it is known.
    pub pool_hashrate: Option<f64>,
    /// What this node's miners do on it now, hashes a second.
    pub own_hashrate: f64,
    /// Hashes that a share of the share chain takes in the mean, where it is known.
    pub share_hashes: Option<u128>,
    /// Seconds that a share is paid for by every block.
    pub window_secs: Option<u64>,
    /// What a coin is worth.
    pub price: PriceSeen,
}

/// What is known of a coin's price.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceSeen {
    /// Nobody was asked, because all lanes earn the same coin.
    #[default]
    NotNeeded,
    /// Sources agree.
    Quote(Quote),
    /// There is none to rely on.
    Refused(PriceError),
}

/// Everything a decision is made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inputs {
    /// Every lane once.
    pub lanes: Vec<Observation>,
    /// What a move costs, as the operator says or as it was measured: milliseconds of mining that a miner loses.
    pub switch_cost_ms: u64,
    /// Where peers and ads are, for `GEOGRAPHIC_DISTRIBUTION`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread: Option<Spread>,
}

/// Why a lane's revenue cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Unusable {
    /// A block of the chain takes no hashes, or a coin has no units.
    #[error("lane {lane} has no difficulty yet")]
    NoDifficulty {
        /// Which lane.
        lane: String,
    },
    /// A rate is no part of a whole.
    #[error("the {what} of lane {lane} is not between 0 and 1")]
    BadRate {
        /// Which lane.
        lane: String,
        /// Which rate.
        what: String,
    },
    /// Blocks pay nothing.
    #[error("blocks of lane {lane} pay nothing")]
    NoReward {
        /// Which lane.
        lane: String,
    },
}

/// Why inputs are no inputs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputsError {
    /// Nothing to choose from.
    #[error("there is no lane")]
    NoLane,
    /// More than [`LANES_MAX`].
    #[error("{0} lanes; at most {LANES_MAX} are followed")]
    TooMany(usize),
    /// Empty, or longer than [`NAME_LEN_MAX`].
    #[error("the name {0:?} of a lane or coin is empty or longer than {NAME_LEN_MAX} bytes")]
    BadName(String),
    /// Two lanes with one name.
    #[error("lane {0} is there twice")]
    Twice(String),
}

impl Observation {
    /// Coins that a hash earns in the mean, after orphans, late shares and the fee.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn coins_per_hash(&self) -> Result<f64, Unusable> {
        let lane = || self.lane.clone();
        if self.block_hashes == 0 || self.units_per_coin == 0 {
            return Err(Unusable::NoDifficulty { lane: lane() });
        }
        let mut kept = 1.0;
        for (what, rate) in [("orphan rate", self.orphan_rate), ("stale rate", self.stale_rate), ("fee", self.fee)] {
            // A whole loss is no revenue, and has no logarithm.
            if !(0.0..1.0).contains(&rate) {
                return Err(Unusable::BadRate { lane: lane(), what: what.to_owned() });
            }
            kept *= 1.0 - rate;
        }
        if self.block_value == 0 {
            return Err(Unusable::NoReward { lane: lane() });
        }
        Ok(self.block_value as f64 / self.units_per_coin as f64 * kept / self.block_hashes as f64)
    }
}

impl Inputs {
    /// Whether these can be decided on.
    ///
    /// # Errors
    /// [`InputsError`].
    pub fn check(&self) -> Result<(), InputsError> {
        if self.lanes.is_empty() {
            return Err(InputsError::NoLane);
        }
        if self.lanes.len() > LANES_MAX {
            return Err(InputsError::TooMany(self.lanes.len()));
        }
        let mut seen = std::collections::BTreeSet::new();
        for Observation { lane, coin, .. } in &self.lanes {
            if let Some(bad) = [lane, coin].into_iter().find(|name| name.is_empty() || name.len() > NAME_LEN_MAX) {
                return Err(InputsError::BadName(bad.chars().take(NAME_LEN_MAX).collect()));
            }
            if !seen.insert(lane) {
                return Err(InputsError::Twice(lane.clone()));
            }
        }
        Ok(())
    }

    /// What a move costs, seconds of mining.
    pub fn switch_cost_secs(&self) -> f64 {
        self.switch_cost_ms.min(SWITCH_COST_MS_MAX) as f64 / 1_000.0
    }

    /// The lane of this name.
    pub fn lane(&self, name: &str) -> Option<&Observation> {
        self.lanes.iter().find(|lane| lane.lane == name)
    }

    /// What a hash earns on every lane, in their order, in the unit of the prices; `None` where it cannot be told. When all
    /// earn one coin, it is worth 1.
    pub fn revenues(&self) -> Vec<Option<f64>> {
        let is_one_coin = self.is_one_coin();
        let value = |lane: &Observation| {
            let price = if is_one_coin { 1.0 } else { lane.price.quote().ok()?.price };
            Some(lane.coins_per_hash().ok()? * price)
        };
        self.lanes.iter().map(value).collect()
    }

    /// All lanes earn the same.
    pub fn is_one_coin(&self) -> bool {
        self.lanes.iter().all(|lane| Some(&lane.coin) == self.lanes.first().map(|first| &first.coin))
    }
}

impl PriceSeen {
    /// The quote.
    ///
    /// # Errors
    /// Why there is none.
    pub fn quote(&self) -> Result<&Quote, PriceError> {
        match self {
            Self::Quote(quote) => quote.check().map(|()| quote),
            Self::Refused(error) => Err(error.clone()),
            Self::NotNeeded => Err(PriceError::NoSources),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane() -> Observation {
        Observation {
            lane: "a".to_owned(),
            coin: "x".to_owned(),
            block_value: 500_000_000,
            units_per_coin: UNITS_PER_COIN,
            block_hashes: 1_000,
            ..Observation::default()
        }
    }

    #[test]
    fn revenue_is_reward_by_hash_after_every_loss() {
        assert_eq!(lane().coins_per_hash(), Ok(0.005));
        let lossy = Observation { orphan_rate: 0.5, stale_rate: 0.2, fee: 0.1, ..lane() };
        assert!((lossy.coins_per_hash().unwrap() - 0.005 * 0.5 * 0.8 * 0.9).abs() < 1e-15);
    }

    #[test]
    fn what_is_no_number_of_revenue_is_refused_with_its_reason() {
        for (lane, words) in [
            (Observation { block_hashes: 0, ..lane() }, "no difficulty yet"),
            (Observation { units_per_coin: 0, ..lane() }, "no difficulty yet"),
            (Observation { fee: f64::NAN, ..lane() }, "the fee of lane a"),
            (Observation { stale_rate: -0.1, ..lane() }, "the stale rate of lane a"),
            (Observation { orphan_rate: 1.0, ..lane() }, "the orphan rate of lane a"),
            (Observation { block_value: 0, ..lane() }, "pay nothing"),
        ] {
            let error = lane.coins_per_hash().unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn lanes_are_bounded_and_named_once() {
        let of = |lanes: Vec<Observation>| Inputs { lanes, ..Inputs::default() }.check();
        assert_eq!(of(vec![lane()]), Ok(()));
        assert_eq!(of(Vec::new()), Err(InputsError::NoLane));
        assert_eq!(of(vec![lane(), lane()]), Err(InputsError::Twice("a".to_owned())));
        assert_eq!(of(vec![lane(); LANES_MAX + 1]), Err(InputsError::TooMany(65)));
        let long = Observation { lane: "x".repeat(65), ..lane() };
        assert!(matches!(of(vec![long]), Err(InputsError::BadName(_))));
        assert!(matches!(of(vec![Observation::default()]), Err(InputsError::BadName(_))));
    }

    #[test]
    fn hashes_of_a_block_survive_a_record_whole() {
        let inputs = Inputs { lanes: vec![Observation { block_hashes: u128::MAX, ..lane() }], ..Inputs::default() };
        let text = serde_json::to_string(&inputs).unwrap();
        assert_eq!(serde_json::from_str::<Inputs>(&text).unwrap(), inputs);
    }
}
