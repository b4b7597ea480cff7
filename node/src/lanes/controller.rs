//! The one that decides: a mode, what was observed, the operator's orders, and the record of decisions.
//!
//! ```text
//!          set_state            DRY-RUN --> LIVE <--> PAUSED          switch(lane, reason) / release
//!                                  policy decides    policy rests          |
//!                                          |              |                v
//! tick(now, Inputs) --> plan of the policy +--> base: LIVE the plan, else what it was; a manual switch before both
//!                                                |
//! on_health(now, ..) --> lanes that are out -----+--> in effect: base without lanes that are out
//! ```
//! A lane that fails is left in every state, in a pause and after a manual switch too: no order is worth miners that earn
//! nothing. Everything else only moves miners when it is LIVE. It never decides on a single tick, and the same inputs at the
//! same times always give the same decisions.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use sharechain::UnixTime;

use super::{
    Decision, Health, Inputs, Keep, Mode, Params, Profile, Reason, Refusal, RunState, Weights,
    balance::Targets,
    geographic::{self, RegionTargets},
    health::HealthGate,
    jitter::Schedule,
    ledger::{Earned, Ledger},
    limits::{DECISIONS_MAX, OBSERVATION_SECS_MAX},
    stability,
};

mod learning;
mod orders;
mod plan;

use plan::{Plan, Step};

/// What an operator sets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// What lanes are chosen for.
    pub mode: Mode,
    /// At which risk: only for the record, the parameters are what counts.
    pub profile: Profile,
    /// Parameters of the policies.
    pub params: Params,
    /// Whether decisions take effect.
    pub state: RunState,
    /// All lanes, the first of which is home: miners are there until something moves them.
    pub lanes: Vec<String>,
    /// For `BALANCE_LOAD`.
    pub targets: Targets,
    /// For `GEOGRAPHIC_DISTRIBUTION`.
    pub regions: RegionTargets,
    /// When this node may move.
    pub schedule: Schedule,
}

/// No such lane.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no lane {lane:?}; known are {known}")]
pub struct UnknownLane {
    lane: String,
    known: String,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Controller {
    settings: Settings,
    state: RunState,
    manual: Option<(String, String)>,
    gate: HealthGate,
    plan: Plan,
    /// What is mined in a dry run and in a pause, before lanes that are out are taken off.
    frozen: Weights,
    in_effect: Weights,
    ledger: Ledger,
    /// The newest inputs, and when they came.
    last: Option<(UnixTime, Inputs)>,
    moves_at: Option<UnixTime>,
    decisions: VecDeque<Arc<Decision>>,
    count: u64,
}

impl Controller {
    /// Everything on the first lane, and nothing observed.
    pub fn new(settings: Settings) -> Self {
        let home = settings.lanes.first().map(|home| Weights::all_on(home)).unwrap_or_default();
        Self {
            state: settings.state,
            manual: None,
            gate: HealthGate::new(settings.params.health),
            plan: Plan::new(&settings),
            frozen: home.clone(),
            in_effect: home,
            ledger: Ledger::default(),
            last: None,
            moves_at: None,
            decisions: VecDeque::new(),
            count: 0,
            settings,
        }
    }

    /// Goes on where a record ends: what was observed, where miners are and whether the operator switched by hand. The state
    /// is that of the settings.
    pub fn restore(settings: Settings, record: impl IntoIterator<Item = Decision>) -> Self {
        let mut controller = Self::new(settings);
        for decision in record {
            controller.replay(&decision);
            controller.push(Arc::new(decision));
        }
        controller
    }

    /// Takes in what a recorded decision was made of, and what it came to.
    fn replay(&mut self, decision: &Decision) {
        self.earn(decision.time, &decision.inputs);
        if decision.inputs.check().is_ok() {
            self.check_health(decision.time, &decision.inputs);
            self.plan.observe(&decision.inputs, decision.time);
        }
        if let Some(lesson) = &decision.lesson {
            self.plan.restore_lesson(lesson);
        }
        let is_known = |weights: &Weights| weights.iter().all(|(lane, _)| self.knows(lane));
        if is_known(&decision.chosen) && is_known(&decision.in_effect) && !decision.in_effect.is_empty() {
            let cost_secs = decision.inputs.switch_cost_secs();
            if let Some(lanes) = earned(&decision.inputs, &self.plan) {
                self.ledger.choose(self.plan.weights(), &decision.chosen, &lanes, cost_secs);
                self.ledger.take_effect(&self.in_effect, &decision.in_effect, &lanes, cost_secs);
            }
            self.plan.take(&decision.chosen, &decision.reason);
            // Where miners are away from a lane that failed, or by an order, is not where they are to stay.
            if decision.state == RunState::Live {
                self.frozen = decision.chosen.clone();
            }
            self.in_effect = decision.in_effect.clone();
        }
        self.manual = match &decision.reason {
            Reason::Manual { lane, because } if self.knows(lane) => Some((lane.clone(), because.clone())),
            // A lane that fails is left after an order too, and what cannot be decided on ends none: it holds all the same.
            Reason::FailedOver { .. } | Reason::Refused(Refusal::Inputs { .. }) => self.manual.take(),
            _ => None,
        };
    }

    /// Decides on what is seen now.
    pub fn tick(&mut self, now: UnixTime, inputs: Inputs) -> Arc<Decision> {
        if let Err(error) = inputs.check() {
            let reason = Reason::Refused(Refusal::Inputs { error: error.to_string() });
            return self.record(now, inputs, reason, self.in_effect.clone());
        }
        self.earn(now, &inputs);
        self.gate.keep(|lane| inputs.lane(lane).is_some());
        self.check_health(now, &inputs);
        self.plan.observe(&inputs, now);
        let may_move = self.is_moment(now);
        let before = self.plan.weights().clone();
        let step = Step { inputs: &inputs, gate: &self.gate, may_move, settings: &self.settings };
        let reason = match self.state {
            RunState::Paused => Reason::Paused,
            RunState::DryRun | RunState::Live => self.plan.step(&step),
        };
        let lanes = earned(&inputs, &self.plan);
        if let Some(lanes) = &lanes {
            self.ledger.choose(&before, self.plan.weights(), lanes, inputs.switch_cost_secs());
        }
        self.decide(now, inputs, reason)
    }

    /// Takes in how lanes are between two ticks, every second: a decision when one that is mined has to be left.
    pub fn on_health(&mut self, now: UnixTime, seen: &[(&str, Health)]) -> Option<Arc<Decision>> {
        let is_out_before = self.out();
        for (lane, health) in seen {
            if self.knows(lane) {
                self.gate.check(lane, health, now);
            }
        }
        let mined = |lane: &str| self.in_effect.of(lane) > 0 || self.plan.weights().of(lane) > 0;
        let lost = self.out().into_iter().any(|lane| !is_out_before.contains(&lane) && mined(&lane));
        if !lost {
            return None;
        }
        let mut inputs = self.last.as_ref().map(|(_, inputs)| inputs.clone()).unwrap_or_default();
        for lane in &mut inputs.lanes {
            lane.health = self.gate.health(&lane.lane).clone();
        }
        self.earn(now, &inputs);
        let step = Step { inputs: &inputs, gate: &self.gate, may_move: false, settings: &self.settings };
        let reason = self.plan.fail_over(&step).unwrap_or(Reason::Kept(Keep::Steady));
        Some(self.decide(now, inputs, reason))
    }

    /// Puts a decision of the policy into effect, as far as the state allows, and records it.
    fn decide(&mut self, now: UnixTime, inputs: Inputs, reason: Reason) -> Arc<Decision> {
        let base = match (&self.manual, self.state) {
            (Some((lane, _)), _) => Weights::all_on(lane),
            (None, RunState::Live) => self.plan.weights().clone(),
            (None, RunState::DryRun | RunState::Paused) => self.frozen.clone(),
        };
        let step = Step { inputs: &inputs, gate: &self.gate, may_move: false, settings: &self.settings };
        let fallback = self.plan.successor(&step);
        let wanted = base.without(|lane| self.gate.is_out(lane), fallback.as_deref());
        let in_effect = if wanted.is_empty() { base } else { wanted };
        let reason = self.said(&inputs, reason, &in_effect);
        if let Some(lanes) = earned(&inputs, &self.plan) {
            self.ledger.take_effect(&self.in_effect, &in_effect, &lanes, inputs.switch_cost_secs());
        }
        self.record(now, inputs, reason, in_effect)
    }

    /// What is said of a decision: that a lane that was mined failed comes before everything else, then the operator's order.
    fn said(&self, inputs: &Inputs, reason: Reason, in_effect: &Weights) -> Reason {
        let lost = self.in_effect.iter().map(|(lane, _)| lane).find(|lane| self.gate.is_out(lane));
        if let Some(from) = lost {
            let to = in_effect.main().filter(|to| !self.gate.is_out(to)).map(ToOwned::to_owned);
            let because = match self.gate.health(from) {
                Health::Failed { reason } => reason.clone(),
                Health::Healthy | Health::Degraded { .. } => "it has not been well for long enough".to_owned(),
            };
            return Reason::FailedOver { from: from.to_owned(), to, because };
        }
        let back = in_effect.iter().map(|(lane, _)| lane).find(|lane| self.in_effect.of(lane) == 0);
        match (&self.manual, back, &reason) {
            (Some((lane, because)), ..) => Reason::Manual { lane: lane.clone(), because: because.clone() },
            (None, Some(lane), reason) if !reason.is_move() && self.was_out(lane) => {
                Reason::Returned { lane: lane.to_owned() }
            }
            (None, ..) if self.count == 0 && !reason.is_move() && self.state != RunState::Paused => {
                let lane = in_effect.main().or_else(|| inputs.lanes.first().map(|lane| lane.lane.as_str()));
                Reason::Started { lane: lane.unwrap_or_default().to_owned() }
            }
            (None, ..) => reason,
        }
    }

    /// Whether the record says that a lane was left because it failed.
    fn was_out(&self, lane: &str) -> bool {
        let newest = self.decisions.iter().rev();
        newest
            .take(DECISIONS_MAX)
            .any(|decision| matches!(&decision.reason, Reason::FailedOver { from, .. } if from == lane))
    }

    fn record(&mut self, now: UnixTime, inputs: Inputs, reason: Reason, in_effect: Weights) -> Arc<Decision> {
        let advice = match (self.settings.mode, &inputs.spread) {
            (Mode::GeographicDistribution, Some(spread)) => geographic::advise(spread, &self.settings.regions),
            _ => Vec::new(),
        };
        let decision = Arc::new(Decision {
            number: self.count + 1,
            time: now,
            mode: self.settings.mode,
            profile: self.settings.profile,
            state: self.state,
            estimates: self.plan.estimates(&inputs),
            chosen: self.plan.weights().clone(),
            in_effect: in_effect.clone(),
            why: reason.to_string(),
            reason,
            counterfactual: self.ledger.counterfactual(),
            advice,
            lesson: self.plan.lesson().cloned(),
            inputs,
        });
        self.in_effect = in_effect;
        self.push(decision.clone());
        decision
    }

    fn push(&mut self, decision: Arc<Decision>) {
        if !decision.inputs.lanes.is_empty() {
            self.last = Some((decision.time, decision.inputs.clone()));
        }
        self.count = decision.number.max(self.count);
        self.decisions.push_back(decision);
        if self.decisions.len() > DECISIONS_MAX {
            self.decisions.pop_front();
        }
    }

    /// Counts what was earned since the last inputs.
    fn earn(&mut self, now: UnixTime, inputs: &Inputs) {
        let Some((then, last)) = &self.last else { return };
        let passed = now.saturating_sub(*then);
        let secs = passed.min(OBSERVATION_SECS_MAX);
        match earned(last, &self.plan) {
            Some(lanes) => {
                let cost_secs = inputs.switch_cost_secs();
                self.ledger.earn(secs, &lanes, self.plan.weights(), &self.in_effect, cost_secs);
                self.ledger.skip(passed.saturating_sub(secs));
            }
            None => self.ledger.skip(passed),
        }
    }

    fn check_health(&mut self, now: UnixTime, inputs: &Inputs) {
        for lane in &inputs.lanes {
            self.gate.check(&lane.lane, &lane.health, now);
        }
    }

    /// Whether one of this node's moments to move has come since the last tick.
    fn is_moment(&mut self, now: UnixTime) -> bool {
        let schedule = &self.settings.schedule;
        let at = *self.moves_at.get_or_insert_with(|| schedule.next_move(now));
        // A clock that went back would keep the node from moving until it has caught up.
        let is_far = at.saturating_sub(now) > 2 * schedule.tick_secs.saturating_add(schedule.jitter_secs).max(1);
        let is_due = now >= at;
        if is_due || is_far {
            self.moves_at = Some(schedule.next_move(now));
        }
        is_due
    }

    /// Where miners work.
    pub const fn in_effect(&self) -> &Weights {
        &self.in_effect
    }

    /// Whether decisions take effect.
    pub const fn state(&self) -> RunState {
        self.state
    }

    /// The lane and the reason of a manual switch.
    pub fn manual(&self) -> Option<(&str, &str)> {
        self.manual.as_ref().map(|(lane, because)| (lane.as_str(), because.as_str()))
    }

    /// Lanes that nobody mines now.
    pub fn out(&self) -> BTreeSet<String> {
        self.settings.lanes.iter().filter(|lane| self.gate.is_out(lane)).cloned().collect()
    }

    /// The newest decisions, at most [`DECISIONS_MAX`], oldest first.
    pub fn decisions(&self) -> impl DoubleEndedIterator<Item = &Arc<Decision>> {
        self.decisions.iter()
    }

    /// When this node may move miners for profit next; `None` before the first tick.
    pub const fn moves_at(&self) -> Option<UnixTime> {
        self.moves_at
    }

    /// What an operator set.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What every lane pays, as far as it is believed; `None` when it is not known of one of them. A lane that fails pays
    /// nothing.
    pub fn earned<'a>(&self, inputs: &'a Inputs) -> Option<Vec<Earned<'a>>> {
        earned(inputs, &self.plan)
    }

    fn knows(&self, lane: &str) -> bool {
        self.settings.lanes.iter().any(|known| known == lane)
    }
}

/// What every lane pays; `None` when it is not known of one of them. A lane that fails pays nothing.
fn earned<'a>(inputs: &'a Inputs, plan: &Plan) -> Option<Vec<Earned<'a>>> {
    let revenues = plan.believed(inputs);
    let pays = |(lane, revenue): (&'a super::Observation, Option<f64>)| {
        let is_failed = matches!(lane.health, Health::Failed { .. });
        let revenue = if is_failed { 0.0 } else { revenue? };
        Some(Earned { lane: &lane.lane, seen: revenue, paid: revenue })
    };
    let lanes: Option<Vec<Earned<'a>>> = inputs.lanes.iter().zip(revenues).map(pays).collect();
    lanes.filter(|lanes| !lanes.is_empty())
}

#[cfg(test)]
mod tests;
