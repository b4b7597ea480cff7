//! `BALANCE_LOAD` by single connections: who moves now, and where the next one to connect begins.

use std::collections::{BTreeMap, BTreeSet};

use stratum::{
    LaneId,
    lane::{Placing, group_of},
    server::{MinerSnapshot, StratumSnapshot},
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
        let names = |lanes: &BTreeSet<LaneId>| lanes.iter().copied().filter_map(name).map(str::to_owned).collect();
        let payable: Vec<BTreeSet<String>> = connections.values().map(|seen| names(&seen.payable)).collect();
        let mut loads = Vec::with_capacity(connections.len());
        for ((seen, id), payable) in connections.values().zip(ids.values()).zip(&payable) {
            let (first, hashrate) = (seen.first, seen.hashrate);
            let (group, lane, pin) = (group_of(&first.worker), name(first.lane), seen.pin.and_then(name));
            loads.push(Load { id, group, hashrate, lane, pin, eligible: Some(payable) });
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

/// A connection, which moves as a whole.
#[derive(Clone)]
struct Seen<'a> {
    /// Its first worker.
    first: &'a MinerSnapshot,
    /// Of all its workers.
    hashrate: f64,
    /// What one of them asked for.
    pin: Option<LaneId>,
    /// Where all of them can be paid.
    payable: BTreeSet<LaneId>,
}

fn by_connection(miners: &StratumSnapshot) -> BTreeMap<u64, Seen<'_>> {
    let mut connections = BTreeMap::<u64, Seen<'_>>::new();
    for miner in &miners.miners {
        let alone = || Seen { first: miner, hashrate: 0.0, pin: None, payable: miner.scripts.lanes().collect() };
        let seen = connections.entry(miner.id.0).or_insert_with(alone);
        seen.hashrate += miner.hashrate;
        seen.pin = seen.pin.or(miner.pin);
        seen.payable.retain(|lane| miner.scripts.on(*lane).is_some());
    }
    connections
}

#[cfg(test)]
mod tests;
