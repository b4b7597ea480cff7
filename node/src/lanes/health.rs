//! Whether a lane can be mined, with hysteresis: left soon, returned to late.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sharechain::UnixTime;

use super::params::HealthParams;

/// How a lane is, as the node sees it at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Health {
    /// Nothing is wrong.
    #[default]
    Healthy,
    /// It is mined, but nobody is moved to it.
    Degraded {
        /// Why, in plain words.
        reason: String,
    },
    /// It cannot be mined.
    Failed {
        /// Why, in plain words.
        reason: String,
    },
}

/// One lane's record.
#[derive(Clone, Debug, Default)]
struct Record {
    now: Health,
    /// Checks in a row that failed.
    failed_checks: u32,
    healthy_since: Option<UnixTime>,
    /// It was left, and is not returned to yet.
    is_out: bool,
}

/// Which lanes are out.
#[derive(Clone, Debug)]
pub struct HealthGate {
    params: HealthParams,
    records: BTreeMap<String, Record>,
}

impl HealthGate {
    /// All lanes are in.
    pub fn new(params: HealthParams) -> Self {
        Self { params, records: BTreeMap::new() }
    }

    /// Takes in one check of a lane.
    pub fn check(&mut self, lane: &str, health: &Health, now: UnixTime) {
        let record = self.records.entry(lane.to_owned()).or_default();
        record.now = health.clone();
        if let Health::Failed { .. } = health {
            record.failed_checks = record.failed_checks.saturating_add(1);
            record.healthy_since = None;
            record.is_out |= record.failed_checks >= self.params.failed_checks;
            return;
        }
        record.failed_checks = 0;
        // A clock that went back must not keep a lane out for longer than it says.
        let since = record.healthy_since.filter(|since| *since <= now).unwrap_or(now);
        record.healthy_since = Some(since);
        record.is_out &= now.saturating_sub(since) < self.params.healthy_secs;
    }

    /// Forgets lanes that are no more.
    pub fn keep(&mut self, is_known: impl Fn(&str) -> bool) {
        self.records.retain(|lane, _| is_known(lane));
    }

    /// Nobody mines it now.
    pub fn is_out(&self, lane: &str) -> bool {
        self.records.get(lane).is_some_and(|record| record.is_out)
    }

    /// Miners may be moved to it: it is in, and nothing is wrong with it.
    pub fn takes_miners(&self, lane: &str) -> bool {
        !self.is_out(lane) && !matches!(self.health(lane), Health::Degraded { .. } | Health::Failed { .. })
    }

    /// The last that was said of a lane.
    pub fn health(&self, lane: &str) -> &Health {
        const UNKNOWN: &Health = &Health::Healthy;
        self.records.get(lane).map_or(UNKNOWN, |record| &record.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed() -> Health {
        Health::Failed { reason: "no daemon answers".to_owned() }
    }

    #[test]
    fn a_lane_is_left_after_its_checks_and_returned_to_after_a_healthy_time() {
        let mut gate = HealthGate::new(HealthParams { failed_checks: 3, healthy_secs: 600 });
        for (second, is_out) in [(1, false), (2, false), (3, true)] {
            gate.check("a", &failed(), second);
            assert_eq!(gate.is_out("a"), is_out, "{second}");
        }
        gate.check("a", &Health::Healthy, 10);
        gate.check("a", &Health::Healthy, 500);
        assert!(gate.is_out("a"));
        gate.check("a", &failed(), 550);
        for (second, is_out) in [(600, true), (1_199, true), (1_200, false)] {
            gate.check("a", &Health::Healthy, second);
            assert_eq!(gate.is_out("a"), is_out, "{second}: the healthy time begins anew after a failure");
        }
        gate.check("a", &failed(), 1_300);
        assert!(!gate.is_out("a") && !gate.takes_miners("a"), "one failure is not three, but nobody is moved there");
    }

    #[test]
    fn a_clock_that_goes_back_only_begins_the_healthy_time_anew() {
        let mut gate = HealthGate::new(HealthParams { failed_checks: 1, healthy_secs: 60 });
        gate.check("a", &failed(), 1_000);
        gate.check("a", &Health::Healthy, 1_001);
        gate.check("a", &Health::Healthy, 10);
        assert!(gate.is_out("a"));
        gate.check("a", &Health::Healthy, 70);
        assert!(!gate.is_out("a"));
    }

    #[test]
    fn a_degraded_lane_keeps_its_miners_and_gets_no_others() {
        let mut gate = HealthGate::new(HealthParams { failed_checks: 1, healthy_secs: 60 });
        gate.check("a", &Health::Degraded { reason: "the template is old".to_owned() }, 1);
        assert!(!gate.is_out("a") && !gate.takes_miners("a") && gate.takes_miners("b"));
    }
}
