//! What an operator wants of the lanes, and at which risk.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What lanes are chosen for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// Most revenue by hash.
    #[default]
    OptimizeProfit,
    /// The operator's target for every lane.
    BalanceLoad,
    /// The steadiest income: no move but away from what fails.
    MaximizeStability,
    /// Peers and ads spread over regions; lanes stay as they are.
    GeographicDistribution,
    /// Most revenue, with parameters that the own history has proven.
    AdaptiveLearning,
}

/// No such mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown mode {0:?}; known are optimize-profit, balance-load, maximize-stability, geographic-distribution and adaptive-learning"
)]
pub struct UnknownMode(String);

/// How much certainty a move needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Profile {
    /// Few moves, for sure gains only.
    Conservative,
    /// What was tuned (docs/lanes.md).
    #[default]
    Balanced,
    /// Early moves for small gains.
    Aggressive,
}

/// No such profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown risk profile {0:?}; known are conservative, balanced and aggressive")]
pub struct UnknownProfile(String);

impl Mode {
    /// All modes.
    pub const ALL: [Self; 5] = [
        Self::OptimizeProfit,
        Self::BalanceLoad,
        Self::MaximizeStability,
        Self::GeographicDistribution,
        Self::AdaptiveLearning,
    ];

    /// Its name in the configuration, the API and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OptimizeProfit => "OPTIMIZE_PROFIT",
            Self::BalanceLoad => "BALANCE_LOAD",
            Self::MaximizeStability => "MAXIMIZE_STABILITY",
            Self::GeographicDistribution => "GEOGRAPHIC_DISTRIBUTION",
            Self::AdaptiveLearning => "ADAPTIVE_LEARNING",
        }
    }
}

impl Profile {
    /// All profiles.
    pub const ALL: [Self; 3] = [Self::Conservative, Self::Balanced, Self::Aggressive];

    /// Its name in the configuration, the API and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conservative => "conservative",
            Self::Balanced => "balanced",
            Self::Aggressive => "aggressive",
        }
    }
}

impl FromStr for Mode {
    type Err = UnknownMode;

    /// `OPTIMIZE_PROFIT` and `optimize-profit` are the same.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = text.to_ascii_uppercase().replace('-', "_");
        Self::ALL.into_iter().find(|mode| mode.as_str() == wanted).ok_or_else(|| UnknownMode(text.to_owned()))
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = text.to_ascii_lowercase();
        Self::ALL.into_iter().find(|profile| profile.as_str() == wanted).ok_or_else(|| UnknownProfile(text.to_owned()))
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Serialize for Profile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Profile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_name_a_mode_and_others_are_refused() {
        for mode in Mode::ALL {
            let kebab = mode.as_str().to_lowercase().replace('_', "-");
            assert_eq!([mode.as_str(), &kebab].map(str::parse), [Ok(mode), Ok(mode)]);
            let json = serde_json::to_string(&mode).unwrap();
            assert_eq!(serde_json::from_str::<Mode>(&json).unwrap(), mode);
        }
        assert!("optimise".parse::<Mode>().unwrap_err().to_string().contains("known are optimize-profit"));
        for profile in Profile::ALL {
            assert_eq!(profile.as_str().parse(), Ok(profile));
        }
        assert!("bold".parse::<Profile>().unwrap_err().to_string().contains("known are conservative"));
    }
}
