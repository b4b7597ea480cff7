//! What all lanes paid, every five minutes, for a month at most.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use sharechain::UnixTime;

/// Seconds between two points.
pub(super) const STEP_SECS: u64 = 300;

/// See the module. It may be kept over restarts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    lanes: Vec<String>,
    points: VecDeque<Point>,
    secs_max: u64,
}

/// What a hash earned on every lane, in their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Point {
    pub(super) time: UnixTime,
    pub(super) revenues: Vec<f64>,
}

impl History {
    /// Nothing, and never more than so many seconds.
    pub(super) const fn new(secs_max: u64) -> Self {
        Self { lanes: Vec::new(), points: VecDeque::new(), secs_max }
    }

    /// Takes in what all lanes pay, when a point is due. Other lanes begin another history.
    pub(super) fn observe<'a>(&mut self, seen: impl IntoIterator<Item = (&'a str, f64)>, now: UnixTime) {
        if self.points.back().is_some_and(|last| now < last.time.saturating_add(STEP_SECS)) {
            return;
        }
        let (lanes, revenues): (Vec<&str>, Vec<f64>) = seen.into_iter().unzip();
        if !self.lanes.iter().eq(lanes.iter()) {
            self.lanes = lanes.into_iter().map(ToOwned::to_owned).collect();
            self.points.clear();
        }
        self.points.push_back(Point { time: now, revenues });
        self.drop_old();
    }

    fn drop_old(&mut self) {
        let newest = self.points.back().map_or(0, |point| point.time);
        while self.points.front().is_some_and(|oldest| newest.saturating_sub(oldest.time) > self.secs_max) {
            self.points.pop_front();
        }
    }

    /// The same with a bound, and without points that are none: whoever wrote it.
    pub(super) fn bounded(mut self, secs_max: u64) -> Self {
        self.secs_max = secs_max;
        let mut newest = None;
        let lanes = self.lanes.len();
        self.points.retain(|point| {
            let is_next = newest.is_none_or(|newest: UnixTime| point.time >= newest.saturating_add(STEP_SECS));
            let is_point = point.revenues.len() == lanes
                && point.revenues.iter().all(|revenue| *revenue > 0.0 && revenue.is_finite());
            if is_next && is_point {
                newest = Some(point.time);
            }
            is_next && is_point
        });
        self.drop_old();
        self
    }

    /// Goes on with what came after it; with other lanes that is all.
    pub(super) fn append(&mut self, newer: Self) {
        if newer.points.is_empty() {
            return;
        }
        if newer.lanes != self.lanes {
            *self = newer;
            return;
        }
        for point in newer.points {
            if self.points.back().is_none_or(|last| point.time >= last.time.saturating_add(STEP_SECS)) {
                self.points.push_back(point);
            }
        }
        self.drop_old();
    }

    /// Lanes, in the order of the points' revenues.
    pub fn lanes(&self) -> &[String] {
        &self.lanes
    }

    pub(super) const fn points(&self) -> &VecDeque<Point> {
        &self.points
    }

    /// Days that it covers; holes do not count.
    pub fn days(&self) -> f64 {
        self.points.len() as f64 * STEP_SECS as f64 / 86_400.0
    }

    /// The older and the newer half.
    pub(super) fn halves(&self) -> (Self, Self) {
        let middle = self.points.len() / 2;
        let part = |points: VecDeque<Point>| Self { lanes: self.lanes.clone(), points, secs_max: self.secs_max };
        let older = part(self.points.iter().take(middle).cloned().collect());
        (older, part(self.points.iter().skip(middle).cloned().collect()))
    }

    /// What came after a time.
    pub(super) fn since(&self, time: UnixTime) -> Self {
        let points = self.points.iter().filter(|point| point.time >= time).cloned().collect();
        Self { lanes: self.lanes.clone(), points, secs_max: self.secs_max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_bounded_and_begins_anew_with_other_lanes() {
        let mut history = History::new(3_000);
        for second in (0..10_000).step_by(60) {
            history.observe([("a", 1.0), ("b", 2.0)], second);
        }
        assert_eq!(history.points().len(), 11);
        assert!((history.days() - 11.0 * 300.0 / 86_400.0).abs() < 1e-12);
        let (older, newer) = history.halves();
        assert_eq!((older.points().len(), newer.points().len()), (5, 6));
        assert!(older.points().back().unwrap().time < newer.points().front().unwrap().time);
        assert_eq!(history.since(9_000).points().len(), 4);
        history.observe([("a", 1.0)], 20_000);
        assert_eq!((history.points().len(), history.lanes().len()), (1, 1));
    }

    #[test]
    fn what_was_kept_comes_before_what_was_seen_since() {
        let seen = |times: &[UnixTime], lane: &str| {
            let mut history = History::new(86_400);
            times.iter().for_each(|time| history.observe([(lane, 1.0)], *time));
            history
        };
        let mut kept = seen(&[0, 300, 600], "a");
        kept.append(seen(&[], "b"));
        kept.append(seen(&[450, 1_000, 1_300], "a"));
        let times: Vec<UnixTime> = kept.points().iter().map(|point| point.time).collect();
        assert_eq!(times, [0, 300, 600, 1_000, 1_300]);
        kept.append(seen(&[100], "b"));
        assert_eq!((kept.points().len(), kept.lanes()), (1, &["b".to_owned()][..]));
    }

    #[test]
    fn a_kept_history_that_is_none_is_cleaned() {
        let point = |time, revenues: &[f64]| Point { time, revenues: revenues.to_vec() };
        let points = [
            point(0, &[1.0]),
            point(10, &[1.0]),
            point(600, &[f64::NAN]),
            point(900, &[1.0, 2.0]),
            point(1_200, &[-1.0]),
            point(1_500, &[2.0]),
            point(300, &[2.0]),
        ];
        let kept = History { lanes: vec!["a".to_owned()], points: points.into(), secs_max: u64::MAX }.bounded(86_400);
        let times: Vec<UnixTime> = kept.points().iter().map(|point| point.time).collect();
        assert_eq!(times, [0, 1_500]);
    }
}
