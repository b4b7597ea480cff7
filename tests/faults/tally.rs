//! What all faults together came to.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::ledger::Ledger;

/// See the module.
#[derive(Debug)]
pub(crate) struct Tally {
    seed: u64,
    began: Instant,
    /// Rounds that were gone through.
    pub(crate) kills: u32,
    pub(crate) power_cuts: u32,
    acknowledged: usize,
    blocks: usize,
    lost: usize,
    worst_restart: Duration,
    /// Shares of the node with a full window, and the longest it took to be back with them; `None` when it was not killed.
    full_window: Option<(u32, Duration)>,
    /// Generations of stores that came and went; `None` when there were none to.
    generations_deleted: Option<u32>,
    /// Whether the control lost shares, as it has to; `None` when it did not run.
    pub(crate) control_lost: Option<bool>,
    faults: BTreeMap<String, Value>,
    has_failed: bool,
}

impl Tally {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            began: Instant::now(),
            kills: 0,
            power_cuts: 0,
            acknowledged: 0,
            blocks: 0,
            lost: 0,
            worst_restart: Duration::ZERO,
            full_window: None,
            generations_deleted: None,
            control_lost: None,
            faults: BTreeMap::new(),
            has_failed: false,
        }
    }

    /// A node was started again after a fault, and had work for a miner after this time.
    pub(crate) fn restarted(&mut self, took: Duration) {
        self.worst_restart = self.worst_restart.max(took);
    }

    /// The same of the node with this many shares: a figure of its own, for it says nothing beside restarts with a few.
    pub(crate) fn full_window_restarted(&mut self, shares: u32, took: Duration) {
        let longest = self.full_window.map_or(took, |(_, before)| before.max(took));
        self.full_window = Some((shares, longest));
    }

    /// A store deleted so many of its generations.
    pub(crate) fn generations_deleted(&mut self, count: u32) {
        self.generations_deleted = Some(self.generations_deleted.unwrap_or_default() + count);
    }

    /// A list of what one node acknowledged is complete.
    pub(crate) fn add(&mut self, ledger: &Ledger) {
        self.acknowledged += ledger.acknowledged();
        self.blocks += ledger.blocks();
        self.lost += ledger.lost();
    }

    pub(crate) fn held(&mut self, fault: &str) {
        self.faults.insert(fault.to_owned(), json!("held"));
    }

    pub(crate) fn skipped(&mut self, fault: &str, reason: String) {
        self.faults.insert(fault.to_owned(), json!({ "skipped": reason }));
    }

    pub(crate) fn failed(&mut self, fault: &str, cause: &anyhow::Error) {
        self.has_failed = true;
        self.faults.insert(fault.to_owned(), json!({ "failed": format!("{cause:#}") }));
    }

    /// Whether a promise was broken, or a fault that cannot show a broken one.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed || self.lost > 0 || self.control_lost == Some(false)
    }

    /// The result for people.
    pub(crate) fn text(&self) -> String {
        let faults = self.faults.iter().map(|(name, outcome)| format!("{name:18} {outcome}\n"));
        let counts = format!(
            "{} kills, {} power cuts: {} of {} acknowledged shares and blocks lost, at most {} ms to be back",
            self.kills,
            self.power_cuts,
            self.lost,
            self.acknowledged,
            self.worst_restart.as_millis()
        );
        let full_window = self.full_window.map(|(shares, took)| {
            format!("\nwith {shares} shares in its window: at most {} ms to be back", took.as_millis())
        });
        faults.chain([counts]).chain(full_window).collect()
    }

    /// The result for programs.
    pub(crate) fn json(&self) -> Value {
        json!({
            "kills": self.kills,
            "power_cuts": self.power_cuts,
            "acknowledged": self.acknowledged,
            "blocks": self.blocks,
            "lost": self.lost,
            "worst_restart_ms": millis(self.worst_restart),
            "full_window_restart_ms": self.full_window.map(|(_, took)| millis(took)),
            "full_window_shares": self.full_window.map(|(shares, _)| shares),
            "generations_deleted": self.generations_deleted,
            "negative_control_failed": self.control_lost,
            "faults": self.faults,
            "seconds": self.began.elapsed().as_secs(),
            "seed": self.seed,
        })
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
