//! `[lanes]`: how miners are moved between the lanes of the node.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::Deserialize;

use super::ConfigError;
use crate::{
    lanes::{
        Mode, Params, Profile, RunState, Settings,
        balance::{LaneTargets, Targets},
        geographic::RegionTargets,
        jitter::Schedule,
        limits::{JITTER_SECS_MAX, SWITCH_COST_MS_MAX},
        prices::Source,
    },
    region::{Region, UnknownRegion},
};

/// Seconds between two looks, at least and at most.
const TICK_SECS: (u64, u64) = (1, 3_600);

/// `[lanes]` as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawSwitching {
    /// What lanes are chosen for.
    pub mode: Option<String>,
    /// At which risk.
    pub profile: Option<String>,
    /// Whether decisions take effect.
    pub state: Option<String>,
    /// Wanted parts.
    pub targets: Option<Vec<String>>,
    /// Wanted parts of groups of workers.
    pub group_targets: Option<Vec<String>>,
    /// Wanted regions of peers.
    pub peer_regions: Option<Vec<String>>,
    /// Wanted regions of other nodes' ads.
    pub ad_regions: Option<Vec<String>>,
    /// What is earned on a lane.
    pub coins: Option<Vec<String>>,
    /// Seconds between two decisions.
    pub tick_secs: Option<u64>,
    /// Seconds over which nodes are spread.
    pub jitter_secs: Option<u64>,
    /// What a move costs; measured without it.
    pub switch_cost_ms: Option<u64>,
}

/// `[lanes]`, resolved.
#[derive(Clone, Debug, Default)]
pub struct SwitchingConfig {
    /// Of the policies; the seed of their moments is drawn when a node starts.
    pub settings: Settings,
    /// What a move costs, milliseconds of mining; measured when the operator does not say.
    pub switch_cost_ms: Option<u64>,
    /// What is earned on a lane, where it is not the coin of its chain.
    pub coins: BTreeMap<String, String>,
    /// Where prices are read, by coin.
    pub prices: BTreeMap<String, Vec<Source>>,
}

/// Why the section is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SwitchingError {
    /// A word that is none of those that there are.
    #[error("{key}: {problem}")]
    Word {
        /// The key.
        key: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// Not a name and a value.
    #[error("{key}: {value:?} is not like {example}")]
    Pair {
        /// The key.
        key: &'static str,
        /// What was given.
        value: String,
        /// What it should look like.
        example: &'static str,
    },
    /// Out of range.
    #[error("{key}: must be {least} to {most}")]
    Range {
        /// The key.
        key: &'static str,
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// No such lane.
    #[error("{key}: there is no lane {lane:?}; known are {known}")]
    UnknownLane {
        /// The key.
        key: &'static str,
        /// What was given.
        lane: String,
        /// The lanes.
        known: String,
    },
}

impl SwitchingError {
    /// The key that it is about.
    pub(super) const fn key(&self) -> &'static str {
        match self {
            Self::Word { key, .. }
            | Self::Pair { key, .. }
            | Self::Range { key, .. }
            | Self::UnknownLane { key, .. } => key,
        }
    }
}

impl RawSwitching {
    /// Fills in defaults and checks every value.
    pub(super) fn resolve(self) -> Result<SwitchingConfig, SwitchingError> {
        let mode: Mode = word("lanes.mode", self.mode)?;
        let profile: Profile = word("lanes.profile", self.profile)?;
        let state: RunState = word("lanes.state", self.state)?;
        let parts = |key, values: Option<Vec<String>>| {
            let pairs = values.unwrap_or_default().into_iter().map(|value| part(key, &value, "main=70"));
            pairs.collect::<Result<BTreeMap<String, f64>, _>>()
        };
        let mut groups = BTreeMap::<String, LaneTargets>::new();
        for value in self.group_targets.unwrap_or_default() {
            let pair = || SwitchingError::Pair { key: GROUPS, value: value.clone(), example: "farm1:main=70" };
            let (group, target) = value.split_once(':').filter(|(group, _)| !group.is_empty()).ok_or_else(pair)?;
            let (lane, wanted) = part(GROUPS, target, "farm1:main=70")?;
            groups.entry(group.to_owned()).or_default().insert(lane, wanted);
        }
        let coins = self.coins.unwrap_or_default().into_iter().map(|value| {
            let pair = value.split_once('=').filter(|(lane, coin)| !lane.is_empty() && !coin.is_empty());
            let pair = pair.map(|(lane, coin)| (lane.to_owned(), coin.to_owned()));
            pair.ok_or_else(|| SwitchingError::Pair { key: COINS, value: value.clone(), example: "main=BTC" })
        });
        let usual = Schedule::default();
        let schedule = Schedule {
            tick_secs: within("lanes.tick_secs", self.tick_secs.unwrap_or(usual.tick_secs), TICK_SECS)?,
            jitter_secs: within(
                "lanes.jitter_secs",
                self.jitter_secs.unwrap_or(usual.jitter_secs),
                (0, JITTER_SECS_MAX),
            )?,
            ..usual
        };
        let cost = |millis| within("lanes.switch_cost_ms", millis, (0, SWITCH_COST_MS_MAX));
        Ok(SwitchingConfig {
            switch_cost_ms: self.switch_cost_ms.map(cost).transpose()?,
            coins: coins.collect::<Result<_, _>>()?,
            prices: BTreeMap::new(),
            settings: Settings {
                mode,
                profile,
                params: Params::of(mode, profile),
                state,
                lanes: Vec::new(),
                targets: Targets { lanes: parts(TARGETS, self.targets)?, groups },
                regions: RegionTargets {
                    peers: regions("lanes.peer_regions", self.peer_regions)?,
                    ads: regions("lanes.ad_regions", self.ad_regions)?,
                },
                schedule,
            },
        })
    }
}

impl SwitchingConfig {
    /// The same with the lanes that there are.
    pub(super) fn among(self, lanes: Vec<String>) -> Result<Self, ConfigError> {
        let Targets { lanes: parts, groups } = &self.settings.targets;
        let of_groups = groups.values().flat_map(BTreeMap::keys).map(|lane| (GROUPS, lane));
        let named = parts.keys().map(|lane| (TARGETS, lane)).chain(of_groups);
        let mut named = named.chain(self.coins.keys().map(|lane| (COINS, lane)));
        if let Some((key, lane)) = named.find(|(_, lane)| !lanes.contains(lane)) {
            let known = lanes.join(", ");
            return Err(SwitchingError::UnknownLane { key, lane: lane.clone(), known }.into());
        }
        Ok(Self { settings: Settings { lanes, ..self.settings }, ..self })
    }
}

const TARGETS: &str = "lanes.targets";
const GROUPS: &str = "lanes.group_targets";
const COINS: &str = "lanes.coins";

/// A word, or the default.
fn word<T: std::str::FromStr<Err: fmt::Display> + Default>(
    key: &'static str,
    text: Option<String>,
) -> Result<T, SwitchingError> {
    let parsed =
        text.map(|text| text.parse().map_err(|error: T::Err| SwitchingError::Word { key, problem: error.to_string() }));
    parsed.transpose().map(Option::unwrap_or_default)
}

/// `NAME=NUMBER`.
fn part(key: &'static str, value: &str, example: &'static str) -> Result<(String, f64), SwitchingError> {
    let number = |text: &str| text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
    let pair = value.split_once('=').filter(|(name, _)| !name.is_empty());
    let pair = pair.and_then(|(name, text)| Some((name.to_owned(), number(text)?)));
    pair.ok_or_else(|| SwitchingError::Pair { key, value: value.to_owned(), example })
}

/// `REGION=PERCENT`.
fn regions(key: &'static str, values: Option<Vec<String>>) -> Result<BTreeMap<String, f64>, SwitchingError> {
    let wanted = values.unwrap_or_default().into_iter().map(|value| {
        let (name, percent) = part(key, &value, "EU=40")?;
        let region: Region =
            name.parse().map_err(|error: UnknownRegion| SwitchingError::Word { key, problem: error.to_string() })?;
        Ok((region.code().to_owned(), percent))
    });
    wanted.collect()
}

fn within(key: &'static str, value: u64, (least, most): (u64, u64)) -> Result<u64, SwitchingError> {
    if (least..=most).contains(&value) { Ok(value) } else { Err(SwitchingError::Range { key, least, most }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_with_its_key() {
        let words = |raw: RawSwitching| raw.resolve().unwrap_err().to_string();
        let list = |value: &str| Some(vec![value.to_owned()]);
        let usual = RawSwitching::default;
        for (raw, expected) in [
            (RawSwitching { mode: Some("GREED".to_owned()), ..usual() }, "lanes.mode: "),
            (RawSwitching { profile: Some("reckless".to_owned()), ..usual() }, "lanes.profile: "),
            (RawSwitching { state: Some("ON".to_owned()), ..usual() }, "lanes.state: "),
            (RawSwitching { targets: list("main"), ..usual() }, "lanes.targets: \"main\" is not like main=70"),
            (RawSwitching { targets: list("main=NaN"), ..usual() }, "lanes.targets: \"main=NaN\" is not like main=70"),
            (RawSwitching { targets: list("main=-1"), ..usual() }, "lanes.targets: \"main=-1\" is not like main=70"),
            (RawSwitching { group_targets: list("main=1"), ..usual() }, "lanes.group_targets: \"main=1\" is not like"),
            (RawSwitching { coins: list("main="), ..usual() }, "lanes.coins: \"main=\" is not like main=BTC"),
            (RawSwitching { peer_regions: list("EU"), ..usual() }, "lanes.peer_regions: \"EU\" is not like EU=40"),
            (
                RawSwitching { ad_regions: list("XX=9"), ..usual() },
                "lanes.ad_regions: unknown region \"XX\", expected one",
            ),
            (RawSwitching { tick_secs: Some(0), ..usual() }, "lanes.tick_secs: must be 1 to 3600"),
            (RawSwitching { jitter_secs: Some(121), ..usual() }, "lanes.jitter_secs: must be 0 to 120"),
            (RawSwitching { switch_cost_ms: Some(u64::MAX), ..usual() }, "lanes.switch_cost_ms: must be 0 to"),
        ] {
            let refusal = words(raw);
            assert!(refusal.starts_with(expected), "{refusal}");
        }
        let resolved = RawSwitching { targets: list("nobody=1"), ..usual() }.resolve().unwrap();
        let refusal = resolved.among(vec!["main".to_owned()]).unwrap_err().to_string();
        assert_eq!(refusal, "lanes.targets: there is no lane \"nobody\"; known are main");
    }

    #[test]
    fn nothing_said_moves_nobody() {
        let resolved = RawSwitching::default().resolve().unwrap().settings;
        assert_eq!((resolved.state, resolved.params), (RunState::DryRun, Params::of(resolved.mode, resolved.profile)));
    }
}
