//! The task that looks, has the controller decide, and publishes the plan.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use sharechain::UnixTime;
use stratum::{LanePlan, StratumHandle, lane::PlannedLane};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    Board, CostSource, LaneView, Lanes, Obeyed, Order, SwitchingEnds, Wish,
    earnings::Earnings,
    observe::{self, Memory},
    placing::Placer,
    record::DecisionRecord,
    studies::Studies,
};
use crate::{
    clock::{every, unix_now},
    lanes::{
        Controller, Decision, Health, Mode, Reason, RunState, Settings, WHOLE, Weights,
        cost::{CostMeter, Mined},
        prices::Prices,
    },
    line_file::Keeper,
};

/// What a move costs until it is measured: a clean job is there within some milliseconds, and a miner works on the old one until
/// then.
const SWITCH_COST_MS: u64 = 1_000;
/// How often it is looked at whether lanes can be mined.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub struct SwitchingTask {
    lanes: Lanes,
    plan: watch::Sender<Arc<LanePlan>>,
    board: watch::Sender<Arc<Board>>,
    orders: mpsc::Receiver<Order>,
    stratum: StratumHandle,
    prices: watch::Receiver<Prices>,
    controller: Controller,
    studies: Studies,
    record: Keeper,
    memories: Vec<Memory>,
    placer: Placer,
    /// Where miners were by the last decision.
    in_effect: Weights,
    /// How each lane is.
    health: Vec<Health>,
    next_tick: UnixTime,
    /// The state before the pause, while there is one.
    before_pause: Option<RunState>,
    /// What the operator says that a move costs, and what it is measured to cost.
    switch_cost_ms: Option<u64>,
    cost: CostMeter,
    earnings: Earnings,
}

impl SwitchingTask {
    /// A task that goes on where the record ends.
    pub fn new(
        lanes: Lanes,
        SwitchingEnds { plan, board, orders }: SwitchingEnds,
        (stratum, prices): (StratumHandle, watch::Receiver<Prices>),
        (settings, switch_cost_ms): (Settings, Option<u64>),
        ((record, decisions), lanes_history): ((DecisionRecord, Vec<Decision>), PathBuf),
    ) -> Self {
        let count = lanes.views().len();
        let mut controller = Controller::restore(settings, decisions);
        let in_effect = controller.in_effect().clone();
        let studies = Studies::open(lanes_history, &mut controller, unix_now());
        Self {
            lanes,
            plan,
            board,
            orders,
            stratum,
            prices,
            controller,
            studies,
            record: Keeper::new(record.0),
            memories: vec![Memory::new(Instant::now()); count],
            placer: Placer::default(),
            in_effect,
            health: vec![Health::default(); count],
            next_tick: 0,
            before_pause: None,
            switch_cost_ms,
            cost: CostMeter::default(),
            earnings: Earnings::new(count, unix_now()),
        }
    }

    /// Runs until the token is cancelled.
    pub async fn run(mut self, token: CancellationToken) {
        let mut looks = every(LOOK_INTERVAL);
        loop {
            // A write, a channel and a tick lose nothing when another branch wins.
            tokio::select! {
                biased;
                () = token.cancelled() => break,
                () = self.record.written() => {}
                lesson = self.studies.learned() => self.controller.learned(lesson),
                Some(Order { wish, reply }) = self.orders.recv() => {
                    let obeyed = self.obey(&wish, unix_now());
                    // Who reads on the answer what is in effect has to find the order carried out.
                    self.publish();
                    // And it has to be there after a crash, or whoever asked has to know that it may not.
                    let is_recorded = self.record.flush().await;
                    let how = if is_recorded { Obeyed::Recorded } else { Obeyed::NotOnDisk };
                    // Whoever asked may have gone.
                    let _gone = reply.send(obeyed.map(|()| how));
                }
                _ = looks.tick() => {
                    self.look(unix_now());
                    self.publish();
                    self.record.begin();
                }
            }
        }
        self.record.flush().await;
        self.studies.finish(&self.controller).await;
    }

    fn look(&mut self, now: UnixTime) {
        if let Some(last) = self.controller.decisions().next_back() {
            self.earnings.estimate(self.lanes.views(), &last.inputs, &self.stratum);
        }
        self.cost.see(mined(&self.stratum));
        let (views, started) = (self.lanes.views(), Instant::now());
        self.health = views.iter().zip(&mut self.memories).map(|(view, memory)| memory.health(view, started)).collect();
        let seen: Vec<(&str, Health)> = views.iter().map(|view| view.name.as_str()).zip(self.health.clone()).collect();
        if let Some(decision) = self.controller.on_health(now, &seen) {
            self.keep(&decision);
        }
        let tick_secs = self.controller.settings().schedule.tick_secs;
        if is_tick(now, self.next_tick, tick_secs) {
            self.next_tick = now.saturating_add(tick_secs);
            let prices = self.prices.borrow().clone();
            let (cost, seen) = ((self.switch_cost().0, now), (&mut self.memories[..], &self.health[..]));
            let inputs = observe::inputs(self.lanes.views(), seen, &self.stratum, &prices, cost);
            let decision = self.controller.tick(now, inputs);
            self.keep(&decision);
            self.studies.begin(&mut self.controller, now);
            self.earnings.count_paid(self.lanes.views(), &self.stratum.snapshot());
        }
    }

    /// What a move costs, and how that is known.
    fn switch_cost(&self) -> (u64, CostSource) {
        match (self.switch_cost_ms, self.cost.cost()) {
            (Some(millis), _) => (millis, CostSource::Configured),
            (None, Some(cost)) => (cost.millis(), CostSource::Measured { moves: cost.moves }),
            (None, None) => (SWITCH_COST_MS, CostSource::Assumed),
        }
    }

    fn obey(&mut self, wish: &Wish, now: UnixTime) -> Result<(), String> {
        match wish {
            Wish::Switch { lane, reason } => self.controller.switch(lane, reason).map_err(|error| error.to_string())?,
            Wish::Release => self.controller.release(),
            Wish::State(state) => self.set_state(*state),
            Wish::Resume => {
                let nothing = "nothing was paused since the start; the state can be set to live or dry-run";
                self.set_state(self.before_pause.ok_or(nothing)?);
            }
        }
        info!(event = "lanes_order", ?wish, "an order about lanes");
        let decision = self.controller.enforce(now);
        self.keep(&decision);
        Ok(())
    }

    /// Remembers what a pause interrupts.
    fn set_state(&mut self, state: RunState) {
        let before = self.controller.state();
        self.before_pause = match state {
            RunState::Paused if before != RunState::Paused => Some(before),
            RunState::Paused => self.before_pause,
            RunState::DryRun | RunState::Live => None,
        };
        self.controller.set_state(state);
    }

    fn keep(&mut self, decision: &Arc<Decision>) {
        let moved = decision.in_effect.moved(&self.in_effect);
        if moved > 0 {
            // Miners of a lane that failed had nothing to lose.
            let is_fail_over = matches!(decision.reason, Reason::FailedOver { .. });
            let part = if is_fail_over { 0.0 } else { f64::from(moved) / f64::from(WHOLE) };
            self.cost.moved(part, mined(&self.stratum));
            self.in_effect = decision.in_effect.clone();
        }
        if self.lanes.views().len() > 1 {
            self.record.keep(&**decision);
        }
        match &decision.reason {
            Reason::FailedOver { .. } => warn!(event = "lane_failed", why = decision.why, "lanes"),
            reason if reason.is_move() => {
                info!(event = "lane_decision", state = %decision.state, why = decision.why, "lanes")
            }
            _ => {}
        }
    }

    fn publish(&mut self) {
        let plan = self.planned();
        self.plan.send_if_modified(|known| {
            let is_new = **known != plan;
            if is_new {
                *known = Arc::new(plan);
            }
            is_new
        });
        let board = Board {
            state: self.controller.state(),
            manual: self.controller.manual().map(|(lane, reason)| (lane.to_owned(), reason.to_owned())),
            health: self.health.clone(),
            out: self.controller.out().into_iter().collect(),
            next_tick: self.next_tick,
            next_move: self.controller.moves_at(),
            switch_cost: self.switch_cost(),
            earned: self.earnings.by_lane(),
            decisions: self.controller.decisions().cloned().collect(),
        };
        self.board.send_replace(Arc::new(board));
    }

    /// The plan that follows from what is in effect.
    fn planned(&mut self) -> LanePlan {
        let (weights, out) = (self.controller.in_effect().clone(), self.controller.out());
        let settings = self.controller.settings();
        let lanes = plan_of(self.lanes.views(), &weights, &out);
        let is_live = self.controller.state() == RunState::Live && self.controller.manual().is_none();
        if settings.mode != Mode::BalanceLoad || !is_live {
            return LanePlan::new(lanes);
        }
        let wanted = (&settings.targets, &settings.params);
        let placing = self.placer.place(self.lanes.views(), &self.stratum.snapshot(), wanted, &out);
        LanePlan::new(lanes).with_placing(placing)
    }
}

/// Whether lanes are to be decided on. A clock that went back would hold that up until it has caught up.
const fn is_tick(now: UnixTime, next_tick: UnixTime, tick_secs: u64) -> bool {
    now >= next_tick || next_tick.saturating_sub(now) > tick_secs
}

/// What all miners did until now.
fn mined(stratum: &StratumHandle) -> Mined {
    let all = stratum.snapshot();
    Mined { at: Instant::now(), hashes: all.hashes, submits: all.accepted, workers: all.miners.len() }
}

fn plan_of(views: &[LaneView], weights: &Weights, out: &BTreeSet<String>) -> Vec<PlannedLane> {
    let planned = |view: &LaneView| PlannedLane {
        weight: weights.of(&view.name),
        is_usable: view.jobs.borrow().is_some() && !out.contains(&view.name),
    };
    views.iter().map(planned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_decided_on_when_it_is_time_and_when_the_clock_was_set_back() {
        let (last, tick_secs) = (1_000_000, 60);
        let next = last + tick_secs;
        for (now, expected) in [(last, false), (next - 1, false), (next, true), (next + 9, true), (last - 3_600, true)]
        {
            assert_eq!(is_tick(now, next, tick_secs), expected, "{now}");
        }
        assert!(is_tick(last, 0, tick_secs), "the first time");
    }
}
