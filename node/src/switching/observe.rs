//! What the policies are told of every lane: measured here, never guessed.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use sharechain::UnixTime;
use stratum::{StratumHandle, server::LaneSnapshot};

use super::LaneView;
use crate::{
    lanes::{
        Health, Inputs, Observation, PriceSeen, geographic::Spread, observation::UNITS_PER_COIN, prices::PriceError,
    },
    parent::{ParentHealth, ParentState, Template},
    problems::parent_problem,
    region::Region,
};

/// A daemon that is silent for longer is none to mine with, where there is another lane: some polls.
const SILENT_MAX: Duration = Duration::from_secs(3);
/// A lane that was never ready is given this long from the start of the node: daemons answer, and share chains sync.
const START_GRACE: Duration = Duration::from_secs(30);
/// Blocks of the pool until it is believed how many of them are lost.
const ORPHANS_KNOWN_FROM: usize = 20;
/// Submits until it is believed how many of them come late.
const STALE_KNOWN_FROM: u64 = 200;
/// Heights of the parent chain that its hash rate is measured over.
const HEIGHTS_MAX: usize = 144;
/// Fewer of them tell nothing.
const HEIGHTS_MIN: usize = 6;

/// What is remembered of a lane between two looks.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    /// Until when a lane that was never ready is thought to be starting.
    starting_until: Option<Instant>,
    /// Heights of the parent chain with the time when they were first seen.
    heights: VecDeque<(u32, UnixTime)>,
}

impl Memory {
    /// Of a lane that starts now.
    pub(super) fn new(now: Instant) -> Self {
        Self { starting_until: Some(now + START_GRACE), heights: VecDeque::new() }
    }

    /// How a lane is, where one that starts has not failed.
    pub(super) fn health(&mut self, view: &LaneView, now: Instant) -> Health {
        match health(view, &view.parent.borrow()) {
            Health::Failed { reason } if self.starting_until.is_some_and(|until| now < until) => {
                Health::Degraded { reason: format!("it is starting: {reason}") }
            }
            seen => {
                self.starting_until = None;
                seen
            }
        }
    }

    /// All that is mined on the parent chain, by the time that its last blocks took.
    fn network_hashrate(&self, block_hashes: u128) -> Option<f64> {
        let ((from, since), (to, until)) = (self.heights.front()?, self.heights.back()?);
        let (blocks, secs) = (to.checked_sub(*from)?, until.checked_sub(*since)?);
        let is_known = self.heights.len() >= HEIGHTS_MIN && secs > 0;
        is_known.then(|| f64::from(blocks) * block_hashes as f64 / secs as f64)
    }

    fn see(&mut self, height: u32, now: UnixTime) {
        match self.heights.back() {
            Some((last, _)) if *last == height => return,
            // A chain that went back is measured anew.
            Some((last, _)) if *last > height => self.heights.clear(),
            _ => {}
        }
        self.heights.push_back((height, now));
        if self.heights.len() > HEIGHTS_MAX {
            self.heights.pop_front();
        }
    }
}

/// Looks at every lane, whose `health` was looked at already.
pub(super) fn inputs(
    views: &[LaneView],
    (memories, health): (&mut [Memory], &[Health]),
    stratum: &StratumHandle,
    prices: &BTreeMap<String, PriceSeen>,
    (switch_cost_ms, now): (u64, UnixTime),
) -> Inputs {
    let is_one_coin = views.windows(2).all(|pair| pair[0].coin == pair[1].coin);
    let price = |coin: &str| match prices.get(coin) {
        _ if is_one_coin => PriceSeen::NotNeeded,
        Some(price) => price.clone(),
        None => PriceSeen::Refused(PriceError::NoSources),
    };
    let observe = |((view, memory), health): ((&LaneView, &mut Memory), &Health)| {
        let fee = stratum.on(view.id).fee().map_or(0.0, |fee| f64::from(fee.basis_points) / 10_000.0);
        let seen = observation(view, memory, stratum.lane(view.id), now);
        Observation { fee, price: price(&view.coin), health: health.clone(), ..seen }
    };
    let lanes = views.iter().zip(memories).zip(health).map(observe).collect();
    Inputs { lanes, switch_cost_ms, spread: Some(spread(views)) }
}

/// Where the peers and ads of all lanes are: every lane has its own network, and a node is in each by itself.
fn spread(views: &[LaneView]) -> Spread {
    let mut spread = Spread::default();
    for view in views {
        for peer in &view.peers.borrow().peers {
            count(&mut spread.peers, peer.region.map(|(region, _)| region));
        }
        for node in view.nodes.borrow().nodes.iter().filter(|node| !node.is_own) {
            count(&mut spread.ads, node.signed.ad.region);
        }
    }
    spread
}

fn count(counts: &mut BTreeMap<String, u32>, region: Option<Region>) {
    let count = counts.entry(region.map_or_else(String::new, |region| region.code().to_owned())).or_default();
    *count = count.saturating_add(1);
}

fn observation(view: &LaneView, memory: &mut Memory, mined: LaneSnapshot, now: UnixTime) -> Observation {
    let (chain, parent) = (view.chain.borrow().clone(), view.parent.borrow().clone());
    let template = parent.template.as_deref();
    if let Some(template) = template {
        memory.see(template.work.block_height, now);
    }
    let block_hashes = template.and_then(Template::block_work).map_or(0, |work| work.hashes());
    let params = view.profile.params.raw();
    let recent = chain.recent_work;
    Observation {
        lane: view.name.clone(),
        coin: view.coin.clone(),
        block_value: template.map_or(0, |template| template.work.coinbase_value.units()),
        units_per_coin: UNITS_PER_COIN,
        block_hashes,
        orphan_rate: orphan_rate(view),
        stale_rate: stale_rate(mined),
        fee: 0.0,
        health: Health::default(),
        network_hashrate: memory.network_hashrate(block_hashes),
        pool_hashrate: (recent.secs > 0.0).then(|| recent.hashes / recent.secs),
        own_hashrate: mined.hashrate,
        share_hashes: chain.context.as_ref().and_then(|context| Some(context.base_bits.to_target()?.work()?.hashes())),
        window_secs: Some(chain.shares as u64 * u64::from(params.share_interval_ms) / 1_000),
        price: PriceSeen::NotNeeded,
    }
}

/// How a lane is now: whether its miners would earn something.
fn health(view: &LaneView, parent: &ParentState) -> Health {
    let failed = |reason: &str| Health::Failed { reason: reason.to_owned() };
    if parent.health != ParentHealth::Ready {
        let problem = parent_problem(&parent.health);
        return failed(problem.as_deref().unwrap_or("its daemon is not ready"));
    }
    let silent = parent.confirmed.map(|confirmed| confirmed.elapsed());
    if silent.is_none_or(|silent| silent > SILENT_MAX) {
        let secs = silent.unwrap_or_default().as_secs();
        return failed(&format!("its daemon has not answered for {secs} s"));
    }
    if view.jobs.borrow().is_none() {
        return failed("its share chain is not synced");
    }
    match &*view.refused.borrow() {
        Some(_) => Health::Degraded { reason: "its daemon refuses the block that is mined".to_owned() },
        None => Health::Healthy,
    }
}

fn orphan_rate(view: &LaneView) -> f64 {
    let blocks = view.blocks.borrow().clone();
    let settled = || blocks.blocks.iter().filter(|block| block.is_confirmed() || block.is_lost());
    let all = settled().count();
    if all < ORPHANS_KNOWN_FROM {
        return 0.0;
    }
    settled().filter(|block| block.is_lost()).count() as f64 / all as f64
}

fn stale_rate(mined: LaneSnapshot) -> f64 {
    let all = mined.accepted.saturating_add(mined.stale);
    if all < STALE_KNOWN_FROM { 0.0 } else { mined.stale as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_is_as_fast_as_its_last_blocks_came() {
        let mut memory = Memory::new(Instant::now());
        for (height, time) in [(10, 1_000), (10, 1_005), (11, 1_010), (12, 1_020), (13, 1_030), (14, 1_040)] {
            memory.see(height, time);
            assert_eq!(memory.network_hashrate(500), None, "{height}");
        }
        memory.see(15, 1_050);
        assert_eq!(memory.network_hashrate(500), Some(50.0), "five blocks of 500 hashes in 50 s");
        memory.see(3, 1_060);
        assert_eq!(memory.network_hashrate(500), None, "another chain, or a deep reorganisation");
    }
}
