//! What a world is made of, drawn from a seed: who mines where, who is hostile, and what breaks when.

use std::sync::Arc;

use sharechain::{
    CompactTarget, ConsensusParams, Params, PowAlgorithm, Target, Work,
    testing::{self, GENESIS_TIME, Rng},
};

use super::{
    Attack, Millis, NodeId,
    chance::{between, unit},
    network::{Cut, CutKind},
};

/// Hashes per second of everybody together. Nobody searches for them, so any number does.
pub const POOL_HASHRATE: f64 = 1e12;
/// The pool finds a parent block this often on average.
pub const BLOCK_SECS: f64 = 120.0;
/// Miners beside the two whose fate is measured.
const MINERS_PER_NODE: usize = 5;
/// After the last planned share everybody gets this long to merge and agree.
pub const SETTLE_MS: Millis = 240_000;
/// Then nobody mines: the last share is told by peers alone. Longer than the worst clock is wrong and the longest pause
/// between two questions to one peer together.
pub const SILENCE_MS: Millis = 600_000;
/// How wrong clocks are, all but one.
pub const CLOCK_SKEW_MAX_SECS: i64 = 100;
/// How wrong that one is: more than the network lets pass.
const CLOCK_WRONG_SECS: i64 = 170;
/// Private branches of a world that is hostile all the time begin when this part of it is over.
const BRANCH_AFTER: u64 = 4;
/// Base difficulty at the beginning, as a part of what it will be.
const BASE_AT_START: f64 = 0.5;

/// Who mines.
#[derive(Clone, Debug)]
pub struct MinerPlan {
    /// Where.
    pub node: NodeId,
    /// Part of the pool's hash rate.
    pub part: f64,
    /// Time from a node's job to the miner's work on it, milliseconds.
    pub job_latency: Millis,
    /// Time from a find to the node, milliseconds.
    pub submit_latency: Millis,
    /// Why this miner is looked at.
    pub role: Role,
}

/// Miners whose revenue is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// One of many.
    Honest,
    /// 300 ms further away than anybody needs to be.
    Far,
    /// 0.1 % of the work.
    Small,
    /// Mines for itself.
    Hostile,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Everything follows from it.
    pub seed: u64,
    /// Nodes.
    pub nodes: usize,
    /// Simulated time of mining.
    pub minutes: u64,
    /// Wanted time between shares.
    pub interval_ms: u32,
    /// Least time between jobs on one parent block.
    pub refresh_ms: u64,
    /// PPLNS window in base shares.
    pub window_shares: u32,
    /// What hostile nodes do; several attacks are shared out over as many nodes.
    pub attacks: Vec<Attack>,
    /// Their part of the work.
    pub hostile_part: f64,
    /// When they begin and when they become honest, milliseconds; all the time without.
    pub attack_span: Option<(Millis, Millis)>,
    /// Partitions, loss, crashes, wrong clocks, slow miners.
    pub faults: bool,
    /// A partition of this length of a fifth of the work, and nothing else.
    pub partition_secs: Option<u64>,
}

/// A world before it begins.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What was asked for.
    pub request: Request,
    /// The share chain's rules.
    pub params: Arc<Params>,
    /// Miners.
    pub miners: Vec<MinerPlan>,
    /// Hostile nodes and what they do.
    pub hostile: Vec<(NodeId, Attack)>,
    /// Seconds that each node's clock is ahead.
    pub clocks: Vec<i64>,
    /// Partitions.
    pub cuts: Vec<Cut>,
    /// Part of messages that are lost.
    pub loss: f64,
    /// When nodes die and come back.
    pub crashes: Vec<(NodeId, Millis, Millis)>,
}

impl Request {
    /// Main-net rules at one share per second, everybody honest, nothing broken.
    pub fn honest(seed: u64, nodes: usize, minutes: u64) -> Self {
        Self {
            seed,
            nodes,
            minutes,
            interval_ms: 1_000,
            refresh_ms: 2_000,
            window_shares: 86_400,
            attacks: Vec::new(),
            hostile_part: 0.0,
            attack_span: None,
            faults: false,
            partition_secs: None,
        }
    }

    /// When mining for the record ends.
    pub const fn mining_ends(&self) -> Millis {
        self.minutes * 60_000
    }

    /// When hostile nodes are hostile.
    pub fn attack_span(&self) -> (Millis, Millis) {
        self.attack_span.unwrap_or_else(|| (0, self.mining_ends()))
    }

    /// When private branches begin: in a world that is hostile from the start there has to be something to leave first.
    pub fn branches_begin(&self) -> Millis {
        self.attack_span.map_or_else(|| self.mining_ends() / BRANCH_AFTER, |(from, _)| from)
    }

    /// The world of this request.
    pub fn scenario(self) -> Scenario {
        let mut rng = Rng::new(self.seed ^ 0x5eed);
        let hostile: Vec<(NodeId, Attack)> =
            self.attacks.iter().enumerate().map(|(number, attack)| (self.nodes - 1 - number, *attack)).collect();
        let miners = plan_miners(&self, &hostile, &mut rng);
        let params = plan_params(&self, &miners);
        let honest = self.nodes - hostile.len();
        let mut scenario = Scenario {
            params,
            miners,
            hostile,
            clocks: vec![0; self.nodes],
            cuts: Vec::new(),
            loss: 0.0,
            crashes: Vec::new(),
            request: self,
        };
        if let Some(secs) = scenario.request.partition_secs {
            scenario.cut_a_fifth(secs * 1_000);
        }
        if scenario.request.faults {
            scenario.break_things(honest, &mut rng);
        }
        scenario
    }
}

impl Scenario {
    /// Cuts off honest nodes with about a fifth of the work.
    fn cut_a_fifth(&mut self, length: Millis) {
        let mut group = Vec::new();
        let mut part = 0.0;
        for node in 0..self.request.nodes {
            let here: f64 = self.miners.iter().filter(|miner| miner.node == node).map(|miner| miner.part).sum();
            if part + here <= 0.22 && self.hostile.iter().all(|(hostile, _)| *hostile != node) {
                part += here;
                group.push(node);
            }
        }
        let from = self.request.mining_ends() / 2;
        self.cuts.push(Cut { from, to: from + length, kind: CutKind::Symmetric, group });
    }

    fn break_things(&mut self, honest: usize, rng: &mut Rng) {
        let end = self.request.mining_ends();
        self.loss = unit(rng) * 0.02;
        for kind in [CutKind::Symmetric, CutKind::OneWay, CutKind::Flapping(between(rng, 1_000, 10_000))] {
            let mut nodes: Vec<NodeId> = (0..self.request.nodes).collect();
            rng.shuffle(&mut nodes);
            nodes.truncate(self.request.nodes / 5);
            let from = between(rng, end / 10, end * 8 / 10);
            self.cuts.push(Cut { from, to: from + between(rng, 10_000, 120_000), kind, group: nodes });
        }
        for clock in &mut self.clocks {
            *clock = i64::try_from(between(rng, 0, 201)).unwrap_or(0) - CLOCK_SKEW_MAX_SECS;
        }
        self.clocks[rng.below(honest)] = if rng.below(2) == 0 { CLOCK_WRONG_SECS } else { -CLOCK_WRONG_SECS };
        for _ in 0..3 {
            let (node, at) = (rng.below(honest), between(rng, end / 10, end * 8 / 10));
            self.crashes.push((node, at, at + between(rng, 5_000, 300_000)));
        }
        for miner in self.miners.iter_mut().filter(|miner| miner.role == Role::Honest) {
            // From a new ASIC to an old one behind a proxy.
            miner.job_latency = between(rng, 100, 5_000);
        }
    }
}

fn plan_miners(request: &Request, hostile: &[(NodeId, Attack)], rng: &mut Rng) -> Vec<MinerPlan> {
    let honest_nodes = request.nodes - hostile.len();
    let hostile_part = if hostile.is_empty() { 0.0 } else { request.hostile_part };
    let plan =
        |node, part, latency, role| MinerPlan { node, part, job_latency: latency, submit_latency: latency, role };
    let (far, small) = (0.01, 0.001);
    let mut miners = vec![plan(0, small, 100, Role::Small), plan(1 % honest_nodes, far, 400, Role::Far)];
    let count = request.nodes * MINERS_PER_NODE;
    let weight = |rank: usize| (u32::try_from(rank + 1).map_or(1.0, f64::from)).powf(-0.8);
    let sum: f64 = (0..count).map(weight).sum();
    let left = 1.0 - far - small - hostile_part;
    for rank in 0..count {
        miners.push(plan(rng.below(honest_nodes), left * weight(rank) / sum, 100, Role::Honest));
    }
    let each = hostile_part / u32::try_from(hostile.len().max(1)).map_or(1.0, f64::from);
    miners.extend(hostile.iter().map(|(node, _)| plan(*node, each, 50, Role::Hostile)));
    miners
}

/// Parameters whose easiest base is a little easier than what these miners will need.
fn plan_params(request: &Request, miners: &[MinerPlan]) -> Arc<Params> {
    let rates: Vec<f64> = miners.iter().map(|miner| miner.part * POOL_HASHRATE).collect();
    let interval = f64::from(request.interval_ms) / 1_000.0;
    let shares_per_sec =
        |base: f64| -> f64 { rates.iter().map(|rate| rate / (rate * SHARE_SECS).clamp(base, base * 64.0)).sum() };
    let (mut low, mut high) = (1.0, POOL_HASHRATE * 1_000.0);
    for _ in 0..100 {
        let middle = (low * high).sqrt();
        if shares_per_sec(middle) * interval > 1.0 { low = middle } else { high = middle }
    }
    let base_target_max = target(low * BASE_AT_START);
    let raw =
        ConsensusParams::main("sim", testing::parent_profile(PowAlgorithm::Blake2s), base_target_max, GENESIS_TIME);
    testing::params(ConsensusParams {
        share_interval_ms: request.interval_ms,
        window_shares: request.window_shares,
        ..raw
    })
}

/// A payout script's shares are worth this many seconds of its hash rate.
pub const SHARE_SECS: f64 = 60.0;

/// Work as a number of hashes.
pub fn work(hashes: f64) -> Work {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "never negative, far below 2^128")]
    let hashes = hashes as u128;
    Work::from_hashes(hashes)
}

fn target(hashes: f64) -> CompactTarget {
    Target::from_work(work(hashes)).to_compact()
}
