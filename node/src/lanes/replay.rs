//! The same policy over a history: what it would have earned, beside one lane for ever, the lane of the moment and the oracle.
//!
//! ```text
//! CSV or JSON lines --Rows--> Row (one at a time) --> Controller, LIVE --> Ledger --> Report
//! ```
//! A row holds until the next, an hour at most. The file is anybody's: lines are bounded, every number is checked, and a fault
//! names its line. Nothing of it is kept but sums.

use std::io::BufRead;

use serde::Serialize;

use super::{
    Controller, Mode, Params, Profile, Reason, RunState, Settings, Weights,
    adaptive::{Outcome, Study},
    jitter::Schedule,
    ledger::{Earned, Ledger},
    limits::{OBSERVATION_SECS_MAX, SWITCH_COST_MS_MAX},
};

mod rows;

pub use rows::{LineError, ReplayError, Row, Rows};

/// What is replayed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReplaySettings {
    /// The policy.
    pub mode: Mode,
    /// Its risk profile.
    pub profile: Profile,
    /// Its parameters; those of mode and profile when nothing is given.
    pub params: Option<Params>,
    /// What a move costs, milliseconds of mining; `None` for what the history says.
    pub switch_cost_ms: Option<u64>,
    /// When the node moves.
    pub schedule: Schedule,
}

/// What came of it. Gains are over the best single lane of the whole history, percent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The policy.
    pub policy: Mode,
    /// Its risk profile.
    pub profile: Profile,
    /// Milliseconds of mining that a move costs; `None` when the history says it.
    pub switch_cost_ms: Option<u64>,
    /// Rows that were read.
    pub rows: u64,
    /// Days that are counted.
    pub days: f64,
    /// Lanes.
    pub lanes: usize,
    /// The policy, after the cost of its moves.
    pub gain_percent: f64,
    /// The lane that pays most at every moment, known before and without cost.
    pub oracle_gain_percent: f64,
    /// What the policy keeps of the oracle's gain, percent; `None` when there is none.
    pub kept_percent: Option<f64>,
    /// The lane that seems to pay most at every moment, after the cost of its moves.
    pub argmax_gain_percent: f64,
    /// The best single lane.
    pub best_static: String,
    /// What that is over an even split between all lanes, percent.
    pub best_static_percent: f64,
    /// Moves of the policy.
    pub switches_per_day: f64,
    /// Moves to the lane that seems to pay most.
    pub argmax_switches_per_day: f64,
    /// Decisions that were refused.
    pub refusals: u64,
    /// Lanes that were left because they failed.
    pub fail_overs: u64,
    /// Times that other parameters were learned and used.
    pub lessons: u64,
    /// Seconds that are not counted, because the revenue of some lane is not known.
    pub unknown_secs: u64,
}

/// Runs a policy over a history.
///
/// # Errors
/// The first line that is none, or a history without time in it.
pub fn replay(rows: &mut Rows<impl BufRead>, settings: &ReplaySettings) -> Result<Report, ReplayError> {
    let Some(first) = rows.next_row()? else { return Err(rows.fault(LineError::Empty)) };
    let mut run = Run::new(&first, settings);
    run.step(first);
    while let Some(row) = rows.next_row()? {
        run.step(row);
    }
    run.report(settings).ok_or_else(|| rows.fault(LineError::Empty))
}

/// A replay under way.
struct Run {
    controller: Controller,
    switch_cost_ms: Option<u64>,
    ledger: Ledger,
    previous: Option<(u64, Option<Vec<Paid>>)>,
    weights: Weights,
    rows: u64,
    lanes: usize,
    refusals: u64,
    fail_overs: u64,
    lessons: u64,
}

/// What a lane seemed to pay, and paid, from a row to the next.
struct Paid {
    lane: String,
    seen: f64,
    paid: f64,
}

impl Run {
    fn new(first: &Row, settings: &ReplaySettings) -> Self {
        let lanes: Vec<String> = first.inputs.lanes.iter().map(|lane| lane.lane.clone()).collect();
        let mut targets = super::balance::Targets::default();
        targets.lanes.extend(lanes.iter().map(|lane| (lane.clone(), 1.0)));
        let controller = Controller::new(Settings {
            mode: settings.mode,
            profile: settings.profile,
            params: settings.params.unwrap_or_else(|| Params::of(settings.mode, settings.profile)),
            state: RunState::Live,
            lanes: lanes.clone(),
            targets,
            schedule: settings.schedule,
            ..Settings::default()
        });
        Self {
            controller,
            switch_cost_ms: settings.switch_cost_ms.map(|cost| cost.min(SWITCH_COST_MS_MAX)),
            ledger: Ledger::default(),
            previous: None,
            weights: Weights::default(),
            rows: 0,
            lanes: lanes.len(),
            refusals: 0,
            fail_overs: 0,
            lessons: 0,
        }
    }

    fn step(&mut self, row: Row) {
        let Row { time, mut inputs, paid } = row;
        inputs.switch_cost_ms = self.switch_cost_ms.unwrap_or(inputs.switch_cost_ms);
        let cost_secs = inputs.switch_cost_secs();
        self.earn(time, cost_secs);
        let decision = self.controller.tick(time, inputs);
        let lanes = self.controller.earned(&decision.inputs).map(|lanes| {
            let paid = paid.unwrap_or_else(|| lanes.iter().map(|lane| lane.paid).collect());
            let with_paid =
                |(lane, paid): (Earned<'_>, f64)| Paid { lane: lane.lane.to_owned(), seen: lane.seen, paid };
            lanes.into_iter().zip(paid).map(with_paid).collect::<Vec<Paid>>()
        });
        if let Some(lanes) = &lanes {
            self.ledger.choose(&self.weights, &decision.in_effect, &as_earned(lanes), cost_secs);
        }
        self.weights.clone_from(&decision.in_effect);
        self.previous = Some((time, lanes));
        self.rows += 1;
        self.refusals += u64::from(matches!(decision.reason, Reason::Refused(_)));
        self.fail_overs += u64::from(matches!(decision.reason, Reason::FailedOver { .. }));
        if let Some(study) = self.controller.study_due(time) {
            self.learn(&study, time);
        }
    }

    fn learn(&mut self, study: &Study, time: u64) {
        let lesson = study.run(time);
        self.lessons += u64::from(lesson.outcome == Outcome::Adopted);
        self.controller.learned(lesson);
    }

    /// Counts what was earned since the last row.
    fn earn(&mut self, time: u64, cost_secs: f64) {
        let Some((then, lanes)) = &self.previous else { return };
        let passed = time.saturating_sub(*then);
        let secs = passed.min(OBSERVATION_SECS_MAX);
        match lanes {
            Some(lanes) => {
                self.ledger.earn(secs, &as_earned(lanes), &self.weights, &self.weights, cost_secs);
                self.ledger.skip(passed.saturating_sub(secs));
            }
            None => self.ledger.skip(passed),
        }
    }

    fn report(&self, settings: &ReplaySettings) -> Option<Report> {
        let found = self.ledger.counterfactual()?;
        let oracle = found.oracle_gain_percent;
        Some(Report {
            policy: settings.mode,
            profile: settings.profile,
            switch_cost_ms: self.switch_cost_ms,
            rows: self.rows,
            days: found.secs as f64 / 86_400.0,
            lanes: self.lanes,
            gain_percent: found.chosen_gain_percent,
            oracle_gain_percent: oracle,
            kept_percent: (oracle > 0.0).then(|| found.chosen_gain_percent / oracle * 100.0),
            argmax_gain_percent: found.argmax_gain_percent,
            best_static: found.best_static,
            best_static_percent: found.best_static_percent,
            switches_per_day: found.switches_per_day,
            argmax_switches_per_day: found.argmax_switches_per_day,
            refusals: self.refusals,
            fail_overs: self.fail_overs,
            lessons: self.lessons,
            unknown_secs: found.unknown_secs,
        })
    }
}

fn as_earned(lanes: &[Paid]) -> Vec<Earned<'_>> {
    lanes.iter().map(|Paid { lane, seen, paid }| Earned { lane, seen: *seen, paid: *paid }).collect()
}

#[cfg(test)]
mod tests;
