//! `BALANCE_LOAD` by single connections: who moves now, and where the next one to connect begins.

use std::collections::{BTreeMap, BTreeSet};

use stratum::{
    LaneId,
    lane::{Placing, group_of},
    server::StratumSnapshot,
};

use super::LaneView;
use crate::lanes::{
    Params,
    balance::{self, Load, Targets},
};

/// Places of the connections that were moved, kept while they are connected.
#[derive(Clone, Debug, Default)]
pub(super) struct Placer {
    placed: BTreeMap<u64, LaneId>,
}

impl Placer {
    /// Everybody where the operator's targets want them, with as few moves as that takes.
    pub(super) fn place(
        &mut self,
        views: &[LaneView],
        miners: &StratumSnapshot,
        (targets, params): (&Targets, &Params),
        out: &BTreeSet<String>,
    ) -> Placing {
        let name = |lane: LaneId| views.get(lane.place()).map(|view| view.name.as_str());
        let id_of = |lane: &str| views.iter().find(|view| view.name == lane).map(|view| view.id);
        let connections = by_connection(miners);
        let ids: BTreeMap<u64, String> = connections.keys().map(|id| (*id, id.to_string())).collect();
        let mut loads = Vec::with_capacity(connections.len());
        for ((worker, hashrate, lane), id) in connections.values().zip(ids.values()) {
            let group = group_of(worker);
            loads.push(Load { id, group, hashrate: *hashrate, lane: name(*lane), pin: None, eligible: None });
        }
        self.placed.retain(|id, _| connections.contains_key(id));
        for step in balance::moves(&loads, targets, &params.balance, |lane| out.contains(lane)) {
            if let (Ok(id), Some(lane)) = (step.id.parse(), id_of(&step.lane)) {
                self.placed.insert(id, lane);
            }
        }
        let newcomer = |group| {
            let load = Load { id: "", group, hashrate: 0.0, lane: None, pin: None, eligible: None };
            balance::place(&load, &loads, targets, |lane| out.contains(lane)).and_then(|lane| id_of(&lane))
        };
        let groups = targets.groups.keys();
        let newcomers = groups.filter_map(|group| Some((group.clone(), newcomer(Some(group))?))).collect();
        Placing { placed: self.placed.clone(), newcomers, newcomer: newcomer(None) }
    }
}

/// First worker, hash rate and lane of every connection: it moves as a whole.
fn by_connection(miners: &StratumSnapshot) -> BTreeMap<u64, (&str, f64, LaneId)> {
    let mut connections = BTreeMap::new();
    for miner in &miners.miners {
        let (_, hashrate, _) = connections.entry(miner.id.0).or_insert((miner.worker.as_str(), 0.0, miner.lane));
        *hashrate += miner.hashrate;
    }
    connections
}
