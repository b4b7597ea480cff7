//! Many worlds in one line.

use serde_json::{Value, json};

use super::outcome::{Credit, Earned, Outcome};

/// Most that may be lost of what was acknowledged.
const LOST_MAX: f64 = 0.000_1;
/// How far the revenue per work of a far or small miner may be from everybody's.
const REVENUE_TOLERANCE: f64 = 0.005;

/// Figures over all seeds.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Worlds.
    pub seeds: u64,
    /// See [`Outcome`].
    pub divergences: u64,
    /// See [`Outcome`].
    pub honest_penalties: u64,
    /// Worlds in which a promise was broken.
    pub broken: u64,
    acknowledged: f64,
    lost: f64,
    refused: f64,
    uncles: (u64, u64),
    uncles_most: usize,
    blocks: usize,
    far: Credit,
    small: Credit,
    honest: Credit,
    /// Work of the smaller side of a partition.
    pub minority: Credit,
    generation_secs: f64,
    /// Each seed's hostile revenue over fair revenue.
    pub gains: Vec<f64>,
}

impl Summary {
    /// Adds a world.
    pub fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.divergences += outcome.divergences;
        self.honest_penalties += outcome.honest_penalties;
        self.broken += u64::from(!outcome.violations.is_empty());
        self.acknowledged += outcome.acknowledged;
        self.lost += outcome.lost;
        self.refused += outcome.refused;
        self.uncles = (self.uncles.0 + outcome.uncles.0, self.uncles.1 + outcome.uncles.1);
        self.uncles_most = self.uncles_most.max(outcome.uncles_most);
        self.blocks += outcome.blocks;
        self.far.join(outcome.far);
        self.small.join(outcome.small);
        self.honest.join(outcome.honest);
        self.minority.join(outcome.minority);
        self.generation_secs += outcome.generation_secs;
        let Earned { revenue, fair, at_stake } = outcome.hostile;
        if at_stake > 0.0 {
            self.gains.push(1.0 + (revenue - fair) / at_stake);
        }
    }

    /// The lost part of what was acknowledged.
    pub fn lost_fraction(&self) -> f64 {
        if self.acknowledged > 0.0 { self.lost / self.acknowledged } else { 0.0 }
    }

    /// Work that nodes refused to their own miners, by what they acknowledged.
    pub fn refused_fraction(&self) -> f64 {
        if self.acknowledged > 0.0 { self.refused / self.acknowledged } else { 0.0 }
    }

    /// Merged shares by shares.
    pub fn uncles_per_share(&self) -> f64 {
        float(self.uncles.0) / float(self.uncles.1.max(1))
    }

    /// Most uncles of one share.
    pub const fn uncles_most(&self) -> usize {
        self.uncles_most
    }

    /// Mean time per height.
    pub fn generation_secs(&self) -> f64 {
        self.generation_secs / float(self.seeds.max(1))
    }

    /// Revenue per work of the far miner, everybody's being 1.
    pub fn far_miner_revenue(&self) -> f64 {
        self.far.part() / self.honest.part()
    }

    /// Revenue per work of the miner of 0.1 %.
    pub fn small_miner_revenue(&self) -> f64 {
        self.small.part() / self.honest.part()
    }

    /// Mean of hostile revenue over fair revenue, and its standard error.
    pub fn gain(&self) -> (f64, f64) {
        let len = float(u64::try_from(self.gains.len()).unwrap_or(0)).max(1.0);
        let mean = self.gains.iter().sum::<f64>() / len;
        let variance = self.gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / (len - 1.0).max(1.0);
        (mean, (variance / len).sqrt())
    }

    /// Mean over seeds of hostile revenue, the same seeds' honest revenue being 1, and its standard error.
    pub fn gain_over(&self, honest: &[f64]) -> (f64, f64) {
        let base = Self { gains: honest.to_vec(), ..Self::default() }.gain();
        let (mean, error) = self.gain();
        let relative = |error: f64, mean: f64| if mean > 0.0 { error / mean } else { 0.0 };
        let error = relative(error, mean).hypot(relative(base.1, base.0)) * mean / base.0;
        (mean / base.0, error)
    }

    /// Promises that all worlds together break.
    pub fn broken_promises(&self) -> Vec<String> {
        let mut broken = Vec::new();
        if self.lost_fraction() >= LOST_MAX {
            broken.push(format!("{:.5} % of the acknowledged work is lost", self.lost_fraction() * 100.0));
        }
        if self.refused_fraction() >= LOST_MAX {
            broken.push(format!("nodes refuse their own miners {:.5} % of the work", self.refused_fraction() * 100.0));
        }
        for (name, revenue) in [("far", self.far_miner_revenue()), ("small", self.small_miner_revenue())] {
            if (revenue - 1.0).abs() > REVENUE_TOLERANCE {
                broken.push(format!("the {name} miner earns {revenue:.5} per work"));
            }
        }
        broken
    }

    /// The line for scripts.
    pub fn json(&self) -> Value {
        let (gain, error) = self.gain();
        let hostile = if self.gains.is_empty() { Value::Null } else { json!(gain) };
        json!({
            "seeds": self.seeds,
            "divergences": self.divergences,
            "honest_penalties": self.honest_penalties,
            "lost_fraction": self.lost_fraction(),
            "refused_fraction": self.refused_fraction(),
            "uncles_per_share": self.uncles_per_share(),
            "far_miner_revenue": self.far_miner_revenue(),
            "small_miner_revenue": self.small_miner_revenue(),
            "hostile_revenue": hostile,
            "hostile_revenue_error": if self.gains.len() > 1 { json!(error) } else { Value::Null },
            "uncles_most": self.uncles_most,
            "secs_per_height": self.generation_secs(),
            "blocks": self.blocks,
            "broken_seeds": self.broken,
        })
    }
}

fn float(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
