//! Since when each component is as it is. Pure.

use std::collections::BTreeMap;

use sharechain::UnixTime;

use super::{Component, Condition, Finding, Name};

/// A failure that is over within so many seconds is none: a daemon hangs up now and then.
pub(super) const PATIENCE_SECS: u64 = 2;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Tracker {
    known: BTreeMap<Name, Known>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    condition: Condition,
    since: UnixTime,
    /// Since when it was found failed.
    failing_since: Option<UnixTime>,
}

impl Tracker {
    /// Takes in what was found now; components that were not found are forgotten.
    pub(super) fn update(&mut self, findings: Vec<Finding>, now: UnixTime) -> Vec<Component> {
        let mut known = BTreeMap::new();
        let components = findings.into_iter().map(|finding| {
            let before = self.known.get(&finding.name);
            let next = Known::after(before, &finding, now);
            known.insert(finding.name.clone(), next);
            let Finding { name, reason, action, .. } = finding;
            Component { name, condition: next.condition, reason, action, since: next.since }
        });
        let components = components.collect();
        self.known = known;
        components
    }
}

impl Known {
    fn after(before: Option<&Self>, finding: &Finding, now: UnixTime) -> Self {
        let is_failing = finding.condition == Condition::Failed;
        let failing_since = is_failing.then(|| before.and_then(|before| before.failing_since).unwrap_or(now));
        let has_held = failing_since.is_some_and(|since| now.saturating_sub(since) >= finding.patience_secs);
        let was_failed = before.is_some_and(|before| before.condition == Condition::Failed);
        let condition = if is_failing && !has_held && !was_failed { Condition::Degraded } else { finding.condition };
        let since = before.filter(|before| before.condition == condition).map_or(now, |before| before.since);
        Self { condition, since, failing_since }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Condition::{Degraded, Failed, Healthy},
            Judge, Part,
        },
        *,
    };

    #[test]
    fn a_failure_has_to_hold_and_the_condition_keeps_its_begin() {
        let mut tracker = Tracker::default();
        let mut see = |failed: bool, reason: &str, now| {
            let judge = Judge::of_node(Part::Api);
            let finding = if failed { judge.failed(reason, "x") } else { judge.healthy(reason) };
            let component = tracker.update(vec![finding], now).remove(0);
            (component.condition, component.since, component.reason)
        };
        assert_eq!(see(false, "well", 10), (Healthy, 10, "well".to_owned()));
        assert_eq!(see(false, "still well", 12), (Healthy, 10, "still well".to_owned()));
        assert_eq!(see(true, "down", 13), (Degraded, 13, "down".to_owned()));
        assert_eq!(see(false, "well", 14), (Healthy, 14, "well".to_owned()), "it was a moment");
        assert_eq!(see(true, "down", 15).0, Degraded);
        assert_eq!(see(true, "down for 1 s", 16).0, Degraded);
        assert_eq!(see(true, "down for 2 s", 17), (Failed, 17, "down for 2 s".to_owned()));
        assert_eq!(see(true, "down for 9 s", 24), (Failed, 17, "down for 9 s".to_owned()));
        assert_eq!(see(true, "a clock that was set back", 3).0, Failed, "it stays failed");
        assert_eq!(see(false, "well", 30), (Healthy, 30, "well".to_owned()));
    }

    #[test]
    fn what_is_not_found_any_more_is_forgotten() {
        let mut tracker = Tracker::default();
        let finding = || Judge::of_node(Part::Api).failed("down", "x").after(0);
        assert_eq!(tracker.update(vec![finding()], 10)[0].since, 10);
        assert!(tracker.update(Vec::new(), 11).is_empty());
        assert_eq!(tracker.update(vec![finding()], 12)[0].since, 12);
    }
}
