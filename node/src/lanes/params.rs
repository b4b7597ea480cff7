//! Parameters of the policies, and the sets of them that the risk profiles are.

use serde::{Deserialize, Serialize};

use super::{Mode, Profile};

/// When a lane is left and returned to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HealthParams {
    /// Failed checks in a row until it is left.
    pub failed_checks: u32,
    /// Seconds without a failed check until it is returned to.
    pub healthy_secs: u64,
}

/// When `OPTIMIZE_PROFIT` moves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProfitParams {
    /// Seconds after which an observation counts half.
    pub half_life_secs: u64,
    /// Least advantage of the new lane, percent.
    pub edge_min_percent: f64,
    /// Least advantage in standard errors of it.
    pub noise_factor: f64,
    /// What a move is expected to bring is at least this many times its cost: one for going, one for coming back.
    pub cost_factor: f64,
    /// Revenue above so many times the median of the lanes is not believed.
    pub bait_factor: f64,
    /// Most of a chain's network hash rate that this node mines with, percent.
    pub network_share_max_percent: f64,
    /// Ticks in a row that have to agree.
    pub ticks_min: u32,
}

/// When `BALANCE_LOAD` moves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BalanceParams {
    /// Distance from a target below which nobody is moved, percentage points.
    pub deviation_min_percent: f64,
}

/// When `MAXIMIZE_STABILITY` prefers one lane to another at the start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StabilityParams {
    /// Chance of at least one share in a window that is enough, percent; lanes that reach it differ by the steadiness of
    /// their income only.
    pub share_chance_percent: f64,
}

/// When `ADAPTIVE_LEARNING` takes other parameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdaptiveParams {
    /// Days of history that it needs, at least 7.
    pub history_days_min: u64,
    /// Days of history that it looks at, at most 30.
    pub history_days_max: u64,
    /// Days between two looks.
    pub every_days: u64,
    /// Confidence that the new parameters are better, percent.
    pub confidence_percent: f64,
    /// What the learned parameters may have cost, against the profile's own, until they are taken back, percent.
    pub loss_max_percent: f64,
}

/// Parameters of all policies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Of every mode.
    pub health: HealthParams,
    /// Of `OPTIMIZE_PROFIT`, and what `ADAPTIVE_LEARNING` begins with.
    pub profit: ProfitParams,
    /// Of `BALANCE_LOAD`.
    pub balance: BalanceParams,
    /// Of `MAXIMIZE_STABILITY`.
    pub stability: StabilityParams,
    /// Of `ADAPTIVE_LEARNING`.
    pub adaptive: AdaptiveParams,
}

impl Params {
    /// The parameters of a mode in a profile.
    pub fn of(mode: Mode, profile: Profile) -> Self {
        let health = match (mode, profile) {
            // Steadiness wants patience in both directions, at any risk.
            (Mode::MaximizeStability, _) => HealthParams { failed_checks: 3, healthy_secs: 600 },
            (_, Profile::Conservative) => HealthParams { failed_checks: 1, healthy_secs: 600 },
            (_, Profile::Balanced) => HealthParams { failed_checks: 1, healthy_secs: 120 },
            (_, Profile::Aggressive) => HealthParams { failed_checks: 1, healthy_secs: 60 },
        };
        Self { health, profit: ProfitParams::of(profile), ..Self::unprofiled() }
    }

    /// What no profile changes.
    const fn unprofiled() -> Self {
        Self {
            health: HealthParams { failed_checks: 1, healthy_secs: 120 },
            profit: ProfitParams::of(Profile::Balanced),
            balance: BalanceParams { deviation_min_percent: 5.0 },
            stability: StabilityParams { share_chance_percent: 95.0 },
            adaptive: AdaptiveParams {
                history_days_min: 7,
                history_days_max: 30,
                every_days: 7,
                confidence_percent: 95.0,
                loss_max_percent: 0.5,
            },
        }
    }
}

impl ProfitParams {
    /// The set of a profile.
    pub const fn of(profile: Profile) -> Self {
        match profile {
            Profile::Conservative => Self {
                half_life_secs: 1_200,
                edge_min_percent: 5.0,
                noise_factor: 3.0,
                cost_factor: 3.0,
                bait_factor: 2.0,
                network_share_max_percent: 5.0,
                ticks_min: 3,
            },
            Profile::Balanced => Self {
                half_life_secs: 600,
                edge_min_percent: 2.0,
                noise_factor: 1.5,
                cost_factor: 2.0,
                bait_factor: 3.0,
                network_share_max_percent: 10.0,
                ticks_min: 2,
            },
            Profile::Aggressive => Self {
                half_life_secs: 300,
                edge_min_percent: 1.0,
                noise_factor: 1.0,
                cost_factor: 2.0,
                bait_factor: 3.0,
                network_share_max_percent: 10.0,
                ticks_min: 2,
            },
        }
    }
}

impl Default for Params {
    fn default() -> Self {
        Self::unprofiled()
    }
}

impl Default for HealthParams {
    fn default() -> Self {
        Params::unprofiled().health
    }
}

impl Default for ProfitParams {
    fn default() -> Self {
        Self::of(Profile::Balanced)
    }
}

impl Default for BalanceParams {
    fn default() -> Self {
        Params::unprofiled().balance
    }
}

impl Default for StabilityParams {
    fn default() -> Self {
        Params::unprofiled().stability
    }
}

impl Default for AdaptiveParams {
    fn default() -> Self {
        Params::unprofiled().adaptive
    }
}
