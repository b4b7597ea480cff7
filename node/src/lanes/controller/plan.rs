//! What the policy of a mode wants, wherever miners are: the same in a dry run and live.

use sharechain::UnixTime;

use super::{
    super::{
        Estimate, Health, Inputs, Keep, Mode, Reason, Refusal, Weights,
        adaptive::{History, Learner, Lesson, Study},
        cap::capped,
        health::HealthGate,
        profit::{Moment, Profit},
    },
    Settings, stability,
};

/// What a step is made of.
pub(super) struct Step<'a> {
    pub(super) inputs: &'a Inputs,
    pub(super) gate: &'a HealthGate,
    /// One of this node's moments.
    pub(super) may_move: bool,
    pub(super) settings: &'a Settings,
}

/// The wanted weights and what they come from.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    profit: Profit,
    learner: Option<Learner>,
    /// The lane that is wanted, but for what its chain cannot take.
    main: String,
    /// The lane that was left because it failed, and is returned to.
    left: Option<String>,
    weights: Weights,
    /// The steadiest lane was looked for.
    is_settled: bool,
}

impl Plan {
    pub(super) fn new(settings: &Settings) -> Self {
        let main = settings.lanes.first().cloned().unwrap_or_default();
        Self {
            profit: Profit::new(settings.params.profit),
            learner: (settings.mode == Mode::AdaptiveLearning)
                .then(|| Learner::new(settings.params.adaptive, settings.params.profit)),
            weights: Weights::all_on(&main),
            main,
            left: None,
            is_settled: false,
        }
    }

    pub(super) const fn weights(&self) -> &Weights {
        &self.weights
    }

    pub(super) fn lesson(&self) -> Option<&Lesson> {
        self.learner.as_ref()?.lesson()
    }

    pub(super) fn study_due(&mut self, now: UnixTime, cost_secs: f64, seed: u64) -> Option<Study> {
        self.learner.as_mut()?.due(now, cost_secs, seed)
    }

    pub(super) fn learned(&mut self, lesson: Lesson) {
        if let Some(learner) = &mut self.learner {
            self.profit.set_params(learner.learned(lesson));
        }
    }

    pub(super) fn restore_lesson(&mut self, lesson: &Lesson) {
        if let Some(learner) = self.learner.as_mut().filter(|learner| learner.lesson() != Some(lesson)) {
            self.profit.set_params(learner.restore(lesson.clone()));
        }
    }

    pub(super) fn history(&self) -> Option<&History> {
        self.learner.as_ref().map(Learner::history)
    }

    pub(super) fn set_history(&mut self, history: History) {
        if let Some(learner) = &mut self.learner {
            learner.set_history(history);
        }
    }

    #[cfg(test)]
    pub(super) const fn profit_params(&self) -> &super::super::params::ProfitParams {
        self.profit.params()
    }

    pub(super) fn observe(&mut self, inputs: &Inputs, now: UnixTime) {
        self.profit.observe(inputs, now);
        let Some(learner) = &mut self.learner else { return };
        let revenues: Option<Vec<f64>> = self.profit.believed_revenues(inputs).into_iter().collect();
        // Moments at which a lane is not known are left out, or every comparison would be.
        if let Some(revenues) = revenues {
            learner.observe(inputs.lanes.iter().map(|lane| lane.lane.as_str()).zip(revenues), now);
        }
    }

    pub(super) fn estimates(&self, inputs: &Inputs) -> Vec<Estimate> {
        let mut estimates = self.profit.estimates(inputs, &self.main);
        let own = stability::own_hashrate(inputs);
        for (estimate, lane) in estimates.iter_mut().zip(&inputs.lanes) {
            estimate.share_chance_percent = stability::steadiness(lane, own).map(|steady| steady.share_chance * 100.0);
        }
        estimates
    }

    pub(super) fn believed(&self, inputs: &Inputs) -> Vec<Option<f64>> {
        self.profit.believed_revenues(inputs)
    }

    /// Takes over what a record says.
    pub(super) fn take(&mut self, chosen: &Weights, reason: &Reason) {
        if let Some(main) = chosen.main() {
            match reason {
                Reason::FailedOver { from, .. } if *from == self.main && main != from => {
                    self.left.get_or_insert_with(|| from.clone());
                }
                _ if main != self.main => self.left = None,
                _ => {}
            }
            main.clone_into(&mut self.main);
            self.weights = chosen.clone();
            self.is_settled = true;
        }
    }

    /// What the mode wants now, and why.
    pub(super) fn step(&mut self, step: &Step<'_>) -> Reason {
        if let Some(reason) = self.fail_over(step) {
            return reason;
        }
        let reason = self.come_back(step).unwrap_or_else(|| match step.settings.mode {
            Mode::OptimizeProfit | Mode::AdaptiveLearning => self.profit_step(step),
            Mode::BalanceLoad | Mode::GeographicDistribution => Reason::Kept(Keep::Steady),
            Mode::MaximizeStability => self.stability_step(step),
        });
        self.spread(step, reason)
    }

    /// Leaves the main lane if it is out.
    pub(super) fn fail_over(&mut self, step: &Step<'_>) -> Option<Reason> {
        if !step.gate.is_out(&self.main) {
            return None;
        }
        let because = match step.gate.health(&self.main) {
            Health::Failed { reason } => reason.clone(),
            Health::Healthy | Health::Degraded { .. } => "it has not been well for long enough".to_owned(),
        };
        let from = self.main.clone();
        let Some(to) = self.successor(step) else {
            return Some(Reason::Refused(Refusal::AllFailed));
        };
        self.left.get_or_insert_with(|| from.clone());
        self.main.clone_from(&to);
        let reason = Reason::FailedOver { from, to: Some(to), because };
        Some(self.spread(step, reason))
    }

    /// The best lane to go to when the main one fails.
    pub(super) fn successor(&self, step: &Step<'_>) -> Option<String> {
        if !step.gate.is_out(&self.main) {
            return Some(self.main.clone());
        }
        let (inputs, gate) = (step.inputs, step.gate);
        if step.settings.mode == Mode::MaximizeStability {
            let steadiest =
                stability::steadiest(inputs, &step.settings.params.stability, |lane| gate.takes_miners(lane));
            if let Some(lane) = steadiest {
                return Some(lane.to_owned());
            }
        }
        // A degraded lane is better than none.
        let best = self.profit.best(inputs, &self.main, |lane| gate.takes_miners(lane));
        let best = best.or_else(|| self.profit.best(inputs, &self.main, |lane| !gate.is_out(lane)));
        // Before anything is seen, the next in the order of the configuration.
        let next = || step.settings.lanes.iter().find(|lane| inputs.lanes.is_empty() && !gate.is_out(lane)).cloned();
        best.map(ToOwned::to_owned).or_else(next)
    }

    /// Returns to the lane that was left, once it is well; for profit only while it does not pay clearly less.
    fn come_back(&mut self, step: &Step<'_>) -> Option<Reason> {
        let left = self.left.clone().filter(|left| step.gate.takes_miners(left))?;
        self.left = None;
        let is_for_profit = matches!(step.settings.mode, Mode::OptimizeProfit | Mode::AdaptiveLearning);
        let pays_less = is_for_profit && self.profit.pays_less(step.inputs, &left, &self.main);
        if pays_less || left == self.main {
            return None;
        }
        self.main.clone_from(&left);
        Some(Reason::Returned { lane: left })
    }

    fn profit_step(&mut self, step: &Step<'_>) -> Reason {
        let moment = Moment { gate: step.gate, may_move: step.may_move };
        let reason = self.profit.decide(step.inputs, &self.main, moment);
        if let Reason::Switched { to, .. } = &reason {
            self.main.clone_from(to);
            // Profit decided anew: there is nothing to return to.
            self.left = None;
        }
        reason
    }

    /// Looks for the steadiest lane until something is known of one, and stays there.
    fn stability_step(&mut self, step: &Step<'_>) -> Reason {
        if !self.is_settled
            && let Some(lane) =
                stability::steadiest(step.inputs, &step.settings.params.stability, |lane| step.gate.takes_miners(lane))
        {
            self.is_settled = true;
            lane.clone_into(&mut self.main);
        }
        Reason::Kept(Keep::Steady)
    }

    /// The weights around the main lane; a move that no other reason has is one of balance.
    fn spread(&mut self, step: &Step<'_>, reason: Reason) -> Reason {
        let wanted = match step.settings.mode {
            Mode::BalanceLoad => {
                let targets = step.settings.targets.of(None, |lane| step.gate.is_out(lane));
                if targets.is_empty() && !reason.is_move() {
                    let missing = "no lane that can be mined has a target".to_owned();
                    return Reason::Refused(Refusal::Unconfigured { missing });
                }
                if targets.is_empty() { Weights::all_on(&self.main) } else { targets }
            }
            Mode::OptimizeProfit | Mode::AdaptiveLearning => {
                let order = self.profit.ranking(step.inputs);
                let share_max = self.profit.params().network_share_max_percent;
                capped(step.inputs, &self.main, &order, step.gate, (share_max, &self.weights))
            }
            Mode::MaximizeStability | Mode::GeographicDistribution => Weights::all_on(&self.main),
        };
        let moved = f64::from(wanted.moved(&self.weights)) / 100.0;
        self.weights = wanted;
        match reason {
            Reason::Kept(_) if moved > 0.0 => Reason::Rebalanced { moved_percent: moved },
            Reason::Kept(Keep::Steady) if step.settings.mode == Mode::BalanceLoad => Reason::Kept(Keep::OnTarget),
            reason => reason,
        }
    }
}
