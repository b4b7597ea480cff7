//! `ADAPTIVE_LEARNING`: the half-life and the least edge of `OPTIMIZE_PROFIT`, chosen by replaying the own history.
//!
//! ```text
//! History, 7 to 30 days --older half--> the best pair of a small grid --newer half--> gain of every 6 hours over the own pair
//!                                                                                          | bootstrap
//!                                                                                          v
//!              a day after and on: taken back when it costs <-- adopted <-- only when the whole interval is above 0
//! ```
//! What a lane would have paid is known whether it was mined or not, so every pair can be replayed in full, and nothing has
//! to be tried out on miners. The pair is chosen on one half and judged on the other, because the best of twenty looks good
//! on the half that it was chosen on. Pairs are those of the grid and nothing between or beyond.

use serde::{Deserialize, Serialize};
use sharechain::UnixTime;

use super::params::{AdaptiveParams, ProfitParams};

mod bootstrap;
mod history;
mod walk;

pub use history::History;

use bootstrap::interval;
use walk::walk;

/// Half-lives that can be learned, seconds.
pub const HALF_LIVES_SECS: [u64; 4] = [300, 600, 1_200, 2_400];
/// Least edges that can be learned, percent.
pub const EDGES_PERCENT: [f64; 5] = [1.0, 2.0, 3.0, 5.0, 8.0];
/// Seconds of a block of the bootstrap: longer than most advantages last, so that blocks say something of their own.
const BLOCK_SECS: u64 = 21_600;
/// Blocks below which an interval says nothing.
const BLOCKS_MIN: usize = 8;
const DAY_SECS: u64 = 86_400;

/// What became of a lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The learned parameters are used.
    Adopted,
    /// What was learned is not sure enough: the parameters stay as they were.
    Refused,
    /// Learned parameters that are used have not cost anything.
    Confirmed,
    /// Learned parameters have cost too much: the profile's own are used again.
    RolledBack,
}

/// What was learned, and whether it is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lesson {
    /// When.
    pub time: UnixTime,
    /// Days of history that it is drawn from.
    pub days: f64,
    /// The half-life that it is about, seconds.
    pub half_life_secs: u64,
    /// The least edge that it is about, percent.
    pub edge_min_percent: f64,
    /// What both earn over the profile's own parameters, percent: in the newer half of the history, or since they are used.
    pub gain_percent: f64,
    /// Lower end of its confidence interval, percent.
    pub low_percent: f64,
    /// Upper end.
    pub high_percent: f64,
    /// What came of it.
    pub outcome: Outcome,
    /// In plain words.
    pub why: String,
}

/// Work to be done beside the decisions: a second or so with a month of fifty lanes.
#[derive(Clone, Debug)]
pub struct Study {
    /// What the lanes paid.
    pub history: History,
    /// The profile's own parameters.
    pub own: ProfitParams,
    /// How to learn.
    pub params: AdaptiveParams,
    /// What a move costs, seconds of mining.
    pub cost_secs: f64,
    /// For the bootstrap.
    pub seed: u64,
    /// Parameters that are used, to see what they have earned; `None` to look for others.
    pub review: Option<Lesson>,
}

impl Study {
    /// Learns, or looks at what was learned before.
    pub fn run(&self, now: UnixTime) -> Lesson {
        match &self.review {
            Some(lesson) => self.look_back(lesson, now),
            None => self.learn(now),
        }
    }

    fn learn(&self, now: UnixTime) -> Lesson {
        let (older, newer) = self.history.halves();
        let own = walk(&older, &self.own, self.cost_secs, BLOCK_SECS);
        let total = |params: &ProfitParams| mean(&gains(&walk(&older, params, self.cost_secs, BLOCK_SECS), &own));
        let scored = self.grid().map(|params| (total(&params), params));
        let Some((_, best)) = scored.max_by(|a, b| a.0.total_cmp(&b.0)) else { return self.refused(now) };
        let own = walk(&newer, &self.own, self.cost_secs, BLOCK_SECS);
        let gains = gains(&walk(&newer, &best, self.cost_secs, BLOCK_SECS), &own);
        let (low_percent, high_percent) = interval(&gains, self.params.confidence_percent, self.seed);
        let gain_percent = mean(&gains);
        let is_sure = gains.len() >= BLOCKS_MIN && low_percent > 0.0;
        let (half_life_secs, edge_min_percent) = (best.half_life_secs, best.edge_min_percent);
        let what = format!(
            "a half-life of {} min and a least edge of {edge_min_percent} % would have earned {gain_percent:+.2} % over \
             the profile's own parameters ({:.0} % interval {low_percent:+.2} to {high_percent:+.2})",
            half_life_secs / 60,
            self.params.confidence_percent,
        );
        let (outcome, why) = if is_sure {
            (Outcome::Adopted, format!("{what}: they are used"))
        } else {
            (Outcome::Refused, format!("{what}, which is not sure enough: nothing changes"))
        };
        let days = self.history.days();
        Lesson {
            time: now,
            days,
            half_life_secs,
            edge_min_percent,
            gain_percent,
            low_percent,
            high_percent,
            outcome,
            why,
        }
    }

    /// What learned parameters earned since they are used.
    fn look_back(&self, lesson: &Lesson, now: UnixTime) -> Lesson {
        let since = self.history.since(lesson.time);
        let used = self.with(lesson.half_life_secs, lesson.edge_min_percent);
        let [own, used] = [&self.own, &used].map(|params| walk(&since, params, self.cost_secs, BLOCK_SECS));
        let gains = gains(&used, &own);
        let (gain_percent, (low_percent, high_percent)) =
            (mean(&gains), interval(&gains, self.params.confidence_percent, self.seed));
        let is_loss = gain_percent < -self.params.loss_max_percent;
        let what =
            format!("since they are used, the learned parameters earned {gain_percent:+.2} % over the profile's own");
        let (outcome, why) = if is_loss {
            (Outcome::RolledBack, format!("{what}: they are taken back"))
        } else {
            (Outcome::Confirmed, what)
        };
        let days = since.days();
        Lesson { days, gain_percent, low_percent, high_percent, outcome, why, ..lesson.clone() }.at(now)
    }

    fn grid(&self) -> impl Iterator<Item = ProfitParams> {
        let pairs = HALF_LIVES_SECS.into_iter().flat_map(|secs| EDGES_PERCENT.map(|edge| (secs, edge)));
        pairs.map(|(secs, edge)| self.with(secs, edge)).filter(|params| *params != self.own)
    }

    fn with(&self, half_life_secs: u64, edge_min_percent: f64) -> ProfitParams {
        ProfitParams { half_life_secs, edge_min_percent, ..self.own }
    }

    fn refused(&self, now: UnixTime) -> Lesson {
        let ProfitParams { half_life_secs, edge_min_percent, .. } = self.own;
        Lesson {
            time: now,
            days: self.history.days(),
            half_life_secs,
            edge_min_percent,
            gain_percent: 0.0,
            low_percent: 0.0,
            high_percent: 0.0,
            outcome: Outcome::Refused,
            why: "there is nothing to choose from".to_owned(),
        }
    }
}

impl Lesson {
    /// A review is not a new adoption: what it is about counts from when it was adopted.
    fn at(mut self, now: UnixTime) -> Self {
        if self.outcome == Outcome::RolledBack {
            self.time = now;
        }
        self
    }
}

/// What is learned and when it is looked at again.
#[derive(Clone, Debug)]
pub struct Learner {
    params: AdaptiveParams,
    own: ProfitParams,
    history: History,
    /// The newest, whatever came of it.
    lesson: Option<Lesson>,
    /// The one that is used.
    used: Option<Lesson>,
    studied_at: Option<UnixTime>,
    reviewed_at: Option<UnixTime>,
}

impl Learner {
    /// Nothing is known.
    pub fn new(params: AdaptiveParams, own: ProfitParams) -> Self {
        let history = History::new(params.history_days_max.min(30) * DAY_SECS);
        Self { params, own, history, lesson: None, used: None, studied_at: None, reviewed_at: None }
    }

    /// Takes in what all lanes pay.
    pub fn observe<'a>(&mut self, lanes: impl IntoIterator<Item = (&'a str, f64)>, now: UnixTime) {
        self.history.observe(lanes, now);
    }

    /// What there is to learn or to look at now, if anything.
    pub fn due(&mut self, now: UnixTime, cost_secs: f64, seed: u64) -> Option<Study> {
        let is_past = |at: Option<UnixTime>, days: u64| at.is_none_or(|at| now.saturating_sub(at) >= days * DAY_SECS);
        let has_enough = self.history.days() >= self.params.history_days_min.max(7) as f64;
        let review = if has_enough && is_past(self.studied_at, self.params.every_days.max(1)) {
            self.studied_at = Some(now);
            None
        } else {
            let used = self.used.clone().filter(|used| now.saturating_sub(used.time) >= DAY_SECS)?;
            if !is_past(self.reviewed_at, 1) {
                return None;
            }
            self.reviewed_at = Some(now);
            Some(used)
        };
        let (history, own, params) = (self.history.clone(), self.own, self.params);
        Some(Study { history, own, params, cost_secs, seed, review })
    }

    /// Takes in what was learned, and gives the parameters to go on with.
    pub fn learned(&mut self, lesson: Lesson) -> ProfitParams {
        match lesson.outcome {
            Outcome::Adopted => self.used = Some(lesson.clone()),
            Outcome::RolledBack => self.used = None,
            Outcome::Refused | Outcome::Confirmed => {}
        }
        self.lesson = Some(lesson);
        let used = self.used.as_ref();
        used.map_or(self.own, |Lesson { half_life_secs, edge_min_percent, .. }| ProfitParams {
            half_life_secs: *half_life_secs,
            edge_min_percent: *edge_min_percent,
            ..self.own
        })
    }

    /// Goes on with the newest lesson of a record. What was adopted before a refusal is forgotten: the profile's own
    /// parameters do no harm until the next week.
    pub fn restore(&mut self, lesson: Lesson) -> ProfitParams {
        self.studied_at = Some(lesson.time);
        let is_used = matches!(lesson.outcome, Outcome::Adopted | Outcome::Confirmed);
        self.used = is_used.then(|| lesson.clone());
        self.learned(lesson)
    }

    /// The newest lesson.
    pub const fn lesson(&self) -> Option<&Lesson> {
        self.lesson.as_ref()
    }

    /// What is remembered of the lanes.
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// Takes in what was kept before, ahead of what was observed since.
    pub fn set_history(&mut self, kept: History) {
        let kept = kept.bounded(self.params.history_days_max.min(30) * DAY_SECS);
        let newer = std::mem::replace(&mut self.history, kept);
        self.history.append(newer);
    }
}

/// Percent by which each block earned more.
fn gains(blocks: &[f64], own: &[f64]) -> Vec<f64> {
    let pairs = blocks.iter().zip(own).filter(|(_, own)| **own > 0.0);
    pairs.map(|(block, own)| (block / own - 1.0) * 100.0).collect()
}

fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

#[cfg(test)]
mod tests;
