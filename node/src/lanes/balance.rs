//! `BALANCE_LOAD`: every lane gets the part of the hash rate that the operator wants, by worker group where groups are given.
//!
//! Who connects goes to the lane that lacks most; only when that does not do, and a lane is farther from its target than the
//! allowed deviation, workers that are connected move.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Weights, limits::MOVES_MAX, params::BalanceParams};

/// Wanted parts by lane, in any unit: they count in proportion.
pub type LaneTargets = BTreeMap<String, f64>;

/// What an operator wants.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Targets {
    /// Of all workers that are in no group.
    pub lanes: LaneTargets,
    /// Of the workers of a group.
    pub groups: BTreeMap<String, LaneTargets>,
}

/// One connected worker.
#[derive(Clone, Copy, Debug)]
pub struct Load<'a> {
    /// What it is called by, unique among the connected.
    pub id: &'a str,
    /// Its group, where it has one.
    pub group: Option<&'a str>,
    /// Hashes a second.
    pub hashrate: f64,
    /// Where it mines; `None` for one that just connects.
    pub lane: Option<&'a str>,
    /// The lane that it asked for: it is never moved.
    pub pin: Option<&'a str>,
    /// The lanes that it has a payout address for; `None` for all.
    pub eligible: Option<&'a BTreeSet<String>>,
}

/// One worker is to mine another lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Who.
    pub id: String,
    /// Where.
    pub lane: String,
}

impl Targets {
    /// Parts of the lanes that can be mined, for a group or for those in none; empty when nothing is wanted of any.
    pub fn of(&self, group: Option<&str>, is_out: impl Fn(&str) -> bool) -> Weights {
        let targets = group.and_then(|group| self.groups.get(group)).unwrap_or(&self.lanes);
        let open = targets.iter().filter(|(lane, _)| !is_out(lane));
        Weights::in_proportion(open.map(|(lane, part)| (lane.as_str(), *part)))
    }
}

/// Hash rate by lane, and in all, of workers that share a target.
#[derive(Clone, Debug, Default)]
struct Loads<'a> {
    lanes: BTreeMap<&'a str, f64>,
    total: f64,
}

impl<'a> Loads<'a> {
    fn of(workers: impl Iterator<Item = &'a Load<'a>>) -> Self {
        let mut loads = Self::default();
        for worker in workers {
            let rate = rate(worker);
            loads.total += rate;
            if let Some(lane) = worker.lane {
                *loads.lanes.entry(lane).or_default() += rate;
            }
        }
        loads
    }

    /// What a lane has more than it should, in parts of the whole.
    fn excess(&self, lane: &str, wanted: &Weights) -> f64 {
        let has = self.lanes.get(lane).copied().unwrap_or(0.0) / self.total.max(f64::MIN_POSITIVE);
        has - f64::from(wanted.of(lane)) / 10_000.0
    }
}

fn rate(worker: &Load<'_>) -> f64 {
    if worker.hashrate.is_finite() { worker.hashrate.max(0.0) } else { 0.0 }
}

/// Where a worker that connects goes: its pin, else the lane that lacks most among those that it can be paid on. `None` when
/// nothing is wanted of any: it goes where it would go anyhow.
pub fn place(
    worker: &Load<'_>,
    workers: &[Load<'_>],
    targets: &Targets,
    is_out: impl Fn(&str) -> bool,
) -> Option<String> {
    let can_mine = |lane: &str| !is_out(lane) && worker.eligible.is_none_or(|eligible| eligible.contains(lane));
    if let Some(pin) = worker.pin.filter(|pin| can_mine(pin)) {
        return Some(pin.to_owned());
    }
    let wanted = targets.of(worker.group, |lane| !can_mine(lane));
    let loads = Loads::of(workers.iter().filter(|other| other.group == worker.group));
    let lacks_most = wanted.iter().min_by(|a, b| loads.excess(a.0, &wanted).total_cmp(&loads.excess(b.0, &wanted)));
    lacks_most.map(|(lane, _)| lane.to_owned())
}

/// Who moves so that every lane of every group comes near its target: nobody while all are within the allowed deviation. Each
/// move brings the worst pair of lanes nearer, so moves end; there are at most [`MOVES_MAX`].
pub fn moves(
    workers: &[Load<'_>],
    targets: &Targets,
    params: &BalanceParams,
    is_out: impl Fn(&str) -> bool,
) -> Vec<Move> {
    let groups: BTreeSet<Option<&str>> = workers.iter().map(|worker| worker.group).collect();
    let mut moves = Vec::new();
    for group in groups {
        let wanted = targets.of(group, &is_out);
        let mut members: Vec<Load<'_>> = workers.iter().filter(|worker| worker.group == group).copied().collect();
        while moves.len() < MOVES_MAX {
            let Some((place, to)) = next_move(&members, &wanted, params) else { break };
            let Some(worker) = members.get_mut(place) else { break };
            let Some((to, _)) = wanted.iter().find(|(lane, _)| *lane == to) else { break };
            worker.lane = Some(to);
            moves.push(Move { id: worker.id.to_owned(), lane: to.to_owned() });
        }
    }
    moves
}

/// The move that takes most off the lane with the greatest excess, without giving the other one more than that.
fn next_move(members: &[Load<'_>], wanted: &Weights, params: &BalanceParams) -> Option<(usize, String)> {
    let loads = Loads::of(members.iter());
    let lanes: BTreeSet<&str> = wanted.iter().map(|(lane, _)| lane).chain(loads.lanes.keys().copied()).collect();
    let excess = |lane: &&str| loads.excess(lane, wanted);
    let from = *lanes.iter().max_by(|a, b| excess(a).total_cmp(&excess(b)))?;
    let deviation = params.deviation_min_percent / 100.0;
    let farthest = lanes.iter().map(|lane| excess(lane).abs()).fold(0.0, f64::max);
    // A deviation that is not a number moves nobody.
    let is_far = farthest >= deviation;
    if !is_far || wanted.is_empty() {
        return None;
    }
    let candidates = members.iter().enumerate().filter(|(_, worker)| worker.lane == Some(from) && worker.pin.is_none());
    let option = |(place, worker): (usize, &Load<'_>)| {
        let open = wanted.iter().map(|(lane, _)| lane).filter(|lane| *lane != from);
        let open = open.filter(|lane| worker.eligible.is_none_or(|eligible| eligible.contains(*lane)));
        let to = open.min_by(|a, b| loads.excess(a, wanted).total_cmp(&loads.excess(b, wanted)))?;
        let part = rate(worker) / loads.total.max(f64::MIN_POSITIVE);
        let (over, under) = (loads.excess(from, wanted), loads.excess(to, wanted));
        let before = over.abs().max(under.abs());
        let after = (over - part).abs().max((under + part).abs());
        (part > 0.0 && after < before).then(|| (after, place, to.to_owned()))
    };
    let best = candidates.filter_map(option).min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))?;
    Some((best.1, best.2))
}

#[cfg(test)]
mod tests;
