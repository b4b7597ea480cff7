//! What `ADAPTIVE_LEARNING` has to learn, done by whoever drives the controller, beside the decisions.

use sharechain::UnixTime;

use super::{
    super::{
        Mode,
        adaptive::{History, Lesson, Study},
    },
    Controller,
};

impl Controller {
    /// What there is to learn now, if anything: [`Study::run`] takes a second or so, so it belongs on a thread of its own, and
    /// its lesson to [`Self::learned`]. A study is due once, and `None` in every other mode.
    pub fn study_due(&mut self, now: UnixTime) -> Option<Study> {
        if self.settings.mode != Mode::AdaptiveLearning {
            return None;
        }
        let cost_secs = self.last.as_ref().map(|(_, inputs)| inputs.switch_cost_secs())?;
        self.plan.study_due(now, cost_secs, self.settings.schedule.seed)
    }

    /// Takes in what was learned: from the next decision on it is used, if it is to be.
    pub fn learned(&mut self, lesson: Lesson) {
        self.plan.learned(lesson);
    }

    /// What is remembered of the lanes for `ADAPTIVE_LEARNING`, to be kept over restarts; `None` in every other mode.
    pub fn history(&self) -> Option<&History> {
        self.plan.history()
    }

    /// Takes in what was kept of it over a restart.
    pub fn set_history(&mut self, history: History) {
        self.plan.set_history(history);
    }
}
