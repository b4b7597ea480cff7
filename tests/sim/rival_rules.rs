//! Two other share-chain rules on the same network and miners: a plain chain, and uncles of depth 3.
//!
//! A model, not an implementation: shares of one difficulty, everybody honest, views decided by latency and job refresh
//! alone. It answers what the structure costs, which is all that is compared here.

use sharechain::testing::Rng;

use super::{
    Millis, NodeId,
    chance::{unit, waiting_time},
    network::Network,
    scenario::{MinerPlan, Role, Scenario},
};

/// Which shares are paid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Only the longest chain.
    Linear,
    /// A share may name up to three uncles whose parent is one of its last three ancestors: an uncle is paid 90 %, the share
    /// that names it another 10 % of it.
    Depth3,
}

/// Generations up to which an uncle may be named.
const DEPTH: u64 = 3;
/// Uncles of one share.
const UNCLES_MAX: usize = 3;
/// What an uncle is paid, and what its nephew gets on top.
const UNCLE_PAID: f64 = 0.9;
const NEPHEW_PAID: f64 = 0.1;
/// Shares older than this are known to everybody.
const RECENT: usize = 400;

/// What a rule did with the miners' work.
#[derive(Clone, Copy, Debug, Default)]
pub struct Paid {
    /// Shares that nobody paid.
    pub lost: f64,
    /// Revenue per work of the far miner, everybody's being 1.
    pub far: f64,
    /// The same of the miner of 0.1 %.
    pub small: f64,
}

struct Share {
    miner: usize,
    found_at: Millis,
    parent: Option<usize>,
    height: u64,
    uncles: Vec<usize>,
}

struct Model<'a> {
    scenario: &'a Scenario,
    delays: Vec<Vec<Millis>>,
    shares: Vec<Share>,
}

/// Lets so many shares be found under a rule.
pub fn run(scenario: &Scenario, rule: Rule, shares: usize) -> Paid {
    let mut rng = Rng::new(scenario.request.seed);
    let network = Network::new(scenario.request.nodes, 0.0, Vec::new(), &mut rng);
    let mut model = Model { scenario, delays: network.delays(), shares: Vec::new() };
    let mut now = 0;
    for _ in 0..shares {
        now += waiting_time(&mut rng, f64::from(scenario.request.interval_ms));
        model.find(now, rule, &mut rng);
    }
    model.pay(rule)
}

impl Model<'_> {
    fn find(&mut self, now: Millis, rule: Rule, rng: &mut Rng) {
        let miner = self.draw_miner(rng);
        let plan = &self.scenario.miners[miner];
        // The newest job that has reached the miner was made at the node's last refresh before.
        let refresh = self.scenario.request.refresh_ms;
        let made_at = now.saturating_sub(plan.job_latency) / refresh * refresh;
        let first = self.shares.len().saturating_sub(RECENT);
        let visible: Vec<usize> =
            (first..self.shares.len()).filter(|share| self.arrival(*share, plan.node) <= made_at).collect();
        let parent = visible
            .iter()
            .copied()
            .max_by_key(|share| (self.shares[*share].height, std::cmp::Reverse(self.arrival(*share, plan.node))));
        let uncles = match (rule, parent) {
            (Rule::Depth3, Some(parent)) => self.uncles(parent, &visible),
            _ => Vec::new(),
        };
        let height = parent.map_or(1, |parent| self.shares[parent].height + 1);
        self.shares.push(Share { miner, found_at: now, parent, height, uncles });
    }

    fn draw_miner(&self, rng: &mut Rng) -> usize {
        let mut left = unit(rng);
        for (number, MinerPlan { part, .. }) in self.scenario.miners.iter().enumerate() {
            left -= part;
            if left < 0.0 {
                return number;
            }
        }
        self.scenario.miners.len() - 1
    }

    fn arrival(&self, share: usize, node: NodeId) -> Millis {
        let Share { miner, found_at, .. } = &self.shares[share];
        let finder = &self.scenario.miners[*miner];
        found_at + finder.submit_latency + self.delays[finder.node][node]
    }

    /// Visible shares beside the chain of `parent`, on its last ancestors and not named by them.
    fn uncles(&self, parent: usize, visible: &[usize]) -> Vec<usize> {
        let height = self.shares[parent].height + 1;
        let chain: Vec<usize> =
            std::iter::successors(Some(parent), |share| self.shares[*share].parent).take(8).collect();
        let named: Vec<usize> = chain.iter().flat_map(|share| self.shares[*share].uncles.iter().copied()).collect();
        let is_uncle = |share: &usize| {
            let uncle = &self.shares[*share];
            let on_chain = uncle.parent.is_none_or(|parent| chain.contains(&parent));
            on_chain && uncle.height + DEPTH >= height && !chain.contains(share) && !named.contains(share)
        };
        visible.iter().copied().filter(is_uncle).take(UNCLES_MAX).collect()
    }

    fn pay(&self, rule: Rule) -> Paid {
        let mut paid = vec![0.0; self.shares.len()];
        let tip = (0..self.shares.len()).max_by_key(|share| self.shares[*share].height);
        for share in std::iter::successors(tip, |share| self.shares[*share].parent) {
            paid[share] += 1.0;
            for uncle in self.shares[share].uncles.iter().filter(|_| rule == Rule::Depth3) {
                paid[*uncle] += UNCLE_PAID;
                paid[share] += NEPHEW_PAID;
            }
        }
        // What the newest shares become is not known yet.
        let judged = self.shares.len().saturating_sub(RECENT);
        let of = |role: Option<Role>| {
            let mine =
                |share: &usize| role.is_none_or(|role| self.scenario.miners[self.shares[*share].miner].role == role);
            let (mut count, mut sum) = (0.0, 0.0);
            for share in (0..judged).filter(mine) {
                count += 1.0;
                sum += paid[share];
            }
            if count > 0.0 { sum / count } else { 1.0 }
        };
        let lost = paid.iter().take(judged).filter(|paid| **paid == 0.0).count();
        let all = of(None);
        let parts = f64::from(u32::try_from(judged.max(1)).unwrap_or(u32::MAX));
        Paid {
            lost: f64::from(u32::try_from(lost).unwrap_or(u32::MAX)) / parts,
            far: of(Some(Role::Far)) / all,
            small: of(Some(Role::Small)) / all,
        }
    }
}
