//! `ADAPTIVE_LEARNING`: the parameters of `OPTIMIZE_PROFIT`, chosen by replaying the own history.

use serde::{Deserialize, Serialize};
use sharechain::UnixTime;

/// What was learned, and whether it is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    /// When.
    pub time: UnixTime,
    /// Days of history that it is drawn from.
    pub days: f64,
    /// The half-life that did best in the older half of them.
    pub half_life_secs: u64,
    /// The least edge that did best there.
    pub edge_min_percent: f64,
    /// What both would have earned in the newer half, over the profile's own parameters, percent.
    pub gain_percent: f64,
    /// Confidence interval of that, percent.
    pub low_percent: f64,
    /// Its upper end.
    pub high_percent: f64,
    /// Whether they are used.
    pub is_adopted: bool,
    /// What they have earned since they are used, over the profile's own, percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_gain_percent: Option<f64>,
    /// In plain words.
    pub why: String,
}
