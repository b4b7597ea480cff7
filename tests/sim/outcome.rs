//! What became of a world: figures, and every promise that was broken.

use std::collections::BTreeSet;

use sharechain::ShareId;

use super::{MinerId, ShareNo, World, checkers, scenario::Role};

/// The result of one world.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// Honest nodes that end on another tip than the first one, or compute other payouts.
    pub divergences: u64,
    /// Honest nodes that were blamed by honest nodes.
    pub honest_penalties: u64,
    /// Work that was acknowledged to honest miners, hashes.
    pub acknowledged: f64,
    /// The part of it that the final chain does not have.
    pub lost: f64,
    /// Work of honest miners that their own node's chain did not take although its clock was right enough, hashes.
    pub refused: f64,
    /// Shares of the final chain that are uncles, and all of them.
    pub uncles: (u64, u64),
    /// Most uncles of one share.
    pub uncles_most: usize,
    /// Seconds per height.
    pub generation_secs: f64,
    /// Credited and mined work by role.
    pub far: Credit,
    /// See `far`.
    pub small: Credit,
    /// Everybody honest.
    pub honest: Credit,
    /// Work mined inside a partition while it lasted.
    pub minority: Credit,
    /// What hostile miners earned, and what honest mining would have earned them.
    pub hostile: Earned,
    /// Pool blocks.
    pub blocks: usize,
    /// Promises that were broken, in words.
    pub violations: Vec<String>,
}

/// Work that was mined, and the part of it that the final chain pays.
#[derive(Clone, Copy, Debug, Default)]
pub struct Credit {
    /// Hashes.
    pub mined: f64,
    /// Hashes.
    pub credited: f64,
}

/// Expected revenue, in hashes whose blocks it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Earned {
    /// What they are paid.
    pub revenue: f64,
    /// What their work is worth.
    pub fair: f64,
    /// Work of the attack: what is gained or lost is told as a part of it.
    pub at_stake: f64,
}

impl Credit {
    /// The credited part; 1 when nothing was mined.
    pub fn part(self) -> f64 {
        if self.mined > 0.0 { self.credited / self.mined } else { 1.0 }
    }

    /// Adds a share.
    pub fn add(&mut self, hashes: f64, is_credited: bool) {
        self.mined += hashes;
        self.credited += if is_credited { hashes } else { 0.0 };
    }

    /// Adds another account.
    pub fn join(&mut self, other: Self) {
        self.mined += other.mined;
        self.credited += other.credited;
    }
}

impl Outcome {
    /// Runs every checker over a finished world.
    pub fn of(world: &mut World) -> Self {
        let mut outcome = Self { seed: world.scenario.request.seed, ..Self::default() };
        let reference = checkers::agreement::check(world, &mut outcome);
        checkers::payouts::check(world, &mut outcome);
        checkers::window::check(world, reference, &mut outcome);
        checkers::blame::check(world, &mut outcome);
        let past = Past::of(world, reference);
        checkers::losses::check(world, &past, &mut outcome);
        checkers::revenue::check(world, &past, &mut outcome);
        outcome
    }

    /// The lost part of what was acknowledged.
    pub fn lost_fraction(&self) -> f64 {
        if self.acknowledged > 0.0 { self.lost / self.acknowledged } else { 0.0 }
    }

    /// Writes a broken promise down.
    pub fn violated(&mut self, what: String) {
        self.violations.push(what);
    }
}

/// The final chain in canonical order.
#[derive(Debug)]
pub struct Past {
    /// Ids, the oldest first.
    pub order: Vec<ShareId>,
    /// Height of its tip.
    pub height: u64,
    members: BTreeSet<ShareNo>,
}

impl Past {
    fn of(world: &World, node: usize) -> Self {
        let chain = &world.nodes[node].chain;
        let order = chain.order_after(&[chain.params().genesis_id()], usize::MAX);
        let members = order.iter().filter_map(|id| world.ledger.number(id)).collect();
        Self { order, height: chain.tip().height, members }
    }

    /// Whether the final chain pays this share.
    pub fn contains(&self, share: ShareNo) -> bool {
        self.members.contains(&share)
    }
}

/// Role of the miner of a share.
pub fn role(world: &World, miner: MinerId) -> Role {
    world.miners[miner].role
}
