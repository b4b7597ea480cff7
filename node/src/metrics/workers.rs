//! Metrics of single workers, for operators who ask for them. Pure.
//!
//! A series each, so they have a bound: names cost a miner nothing and Prometheus a lot.

use std::collections::BTreeMap;

use stratum::{
    AddressFormat, Difficulty,
    server::{MinerSnapshot, StratumSnapshot},
};

use super::{Family, Labels, Samples, families::number};

/// Workers with metrics: those with the highest hash rates. Stops names without end from filling the operator's Prometheus.
pub const WORKERS_MAX: usize = 500;

#[derive(Default)]
struct Sum {
    hashrate: f64,
    hashes: f64,
    accepted: u64,
    rejected: u64,
    connections: u32,
}

impl Sum {
    fn add(&mut self, miner: &MinerSnapshot) {
        self.hashrate += miner.hashrate;
        self.hashes += miner.hashes;
        self.accepted = self.accepted.saturating_add(miner.accepted);
        self.rejected = self.rejected.saturating_add(miner.rejects.total());
        self.connections = self.connections.saturating_add(1);
    }
}

/// The present workers. Their counters begin anew with their connection.
pub fn workers(
    miners: &StratumSnapshot,
    addresses: &AddressFormat,
    algorithm: sharechain::PowAlgorithm,
) -> Vec<Family> {
    let mut sums = BTreeMap::<_, Sum>::new();
    for miner in &miners.miners {
        sums.entry((miner.script, miner.worker.as_str())).or_default().add(miner);
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by(|(_, one), (_, other)| other.hashrate.total_cmp(&one.hashrate));
    sums.truncate(WORKERS_MAX);
    let labels = |(script, worker): &(sharechain::PayoutScript, &str)| -> Labels {
        vec![("address", addresses.format(script).unwrap_or_default()), ("worker", (*worker).to_owned())]
    };
    let samples = |value: &dyn Fn(&Sum) -> f64| sums.iter().map(|(key, sum)| (labels(key), value(sum))).collect();
    let per_difficulty = Difficulty::new(1.0).hashes(algorithm);
    let submits = sums.iter().flat_map(|(key, sum)| {
        [("accepted", sum.accepted), ("rejected", sum.rejected)].map(|(result, count)| {
            let mut labels = labels(key);
            labels.push(("result", result.to_owned()));
            (labels, number(count))
        })
    });
    let families = vec![
        Family {
            name: "poolnode_worker_difficulty_accepted",
            help: "Difficulty of accepted submits",
            samples: Samples::Counter(samples(&|sum| sum.hashes / per_difficulty)),
        },
        Family {
            name: "poolnode_worker_submits",
            help: "Submits by what became of them",
            samples: Samples::Counter(submits.collect()),
        },
        Family {
            name: "poolnode_worker_connections",
            help: "Connections of the worker",
            samples: Samples::Gauge(samples(&|sum| f64::from(sum.connections))),
        },
    ];
    if sums.is_empty() { Vec::new() } else { families }
}
