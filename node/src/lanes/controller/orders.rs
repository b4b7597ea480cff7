//! What an operator orders while the node runs: a lane, a state.

use std::sync::Arc;

use sharechain::UnixTime;

use super::{
    super::{Decision, Keep, Reason, RunState, limits::REASON_LEN_MAX},
    Controller, UnknownLane,
};

impl Controller {
    /// Moves all miners to a lane, and keeps them there until it is released; a lane that fails is left all the same. The
    /// reason is cut to [`REASON_LEN_MAX`] bytes. It takes effect with the next decision, which [`Self::enforce`] gives.
    ///
    /// # Errors
    /// There is no such lane.
    pub fn switch(&mut self, lane: &str, because: &str) -> Result<(), UnknownLane> {
        if !self.knows(lane) {
            return Err(UnknownLane { lane: lane.to_owned(), known: self.settings.lanes.join(", ") });
        }
        let end =
            because.char_indices().map(|(at, letter)| at + letter.len_utf8()).take_while(|end| *end <= REASON_LEN_MAX);
        let because = because.get(..end.last().unwrap_or(0)).unwrap_or_default();
        self.manual = Some((lane.to_owned(), because.to_owned()));
        Ok(())
    }

    /// Ends a manual switch.
    pub fn release(&mut self) {
        self.manual = None;
    }

    /// From now on the policy decides, takes effect, or rests. Miners stay where they are until the next decision; leaving
    /// LIVE leaves them there.
    pub fn set_state(&mut self, state: RunState) {
        if self.state == RunState::Live && state != RunState::Live && self.manual.is_none() {
            self.frozen = self.plan.weights().clone();
        }
        self.state = state;
    }

    /// Decides at once on what was seen last, after an order of the operator.
    pub fn enforce(&mut self, now: UnixTime) -> Arc<Decision> {
        let inputs = self.last.as_ref().map(|(_, inputs)| inputs.clone()).unwrap_or_default();
        self.earn(now, &inputs);
        let reason = if self.state == RunState::Paused { Reason::Paused } else { Reason::Kept(Keep::Steady) };
        self.decide(now, inputs, reason)
    }
}
