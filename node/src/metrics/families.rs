//! Every family of metrics but those of single workers. Pure.

use std::collections::BTreeMap;

use sharechain::{CompactTarget, PowAlgorithm, sync::SyncState};
use stratum::{
    Difficulty,
    error::RejectReason,
    server::StratumSnapshot,
    timing::{HistogramCounts, Timings},
};

use super::{Family, Labels, Meters, Process, Samples};
use crate::{
    blocks::BlocksView,
    chain_task::ChainView,
    health::Component,
    p2p::{Direction, PeersView},
    parent::ParentState,
};

/// What a scrape looks at.
#[derive(Debug)]
pub struct Seen<'a> {
    /// Name of the lane.
    pub lane: &'a str,
    /// Name of its chain.
    pub network: &'a str,
    /// Proof of work of the parent chain.
    pub algorithm: PowAlgorithm,
    /// The share chain.
    pub chain: &'a ChainView,
    /// The parent chain.
    pub parent: &'a ParentState,
    /// Miners.
    pub miners: &'a StratumSnapshot,
    /// How long things take at their endpoint.
    pub timings: &'a Timings,
    /// Peers.
    pub peers: &'a PeersView,
    /// Blocks.
    pub blocks: &'a BlocksView,
    /// What only metrics want to know.
    pub meters: &'a Meters,
    /// Calls of daemons: method, times, failures.
    pub rpc: Vec<(&'static str, HistogramCounts, u64)>,
    /// What the next block would pay to miners of this node, coins.
    pub payout_estimate_coins: Option<f64>,
    /// Hashes since the newest block of the pool.
    pub round_work: Option<u128>,
    /// Readers of events.
    pub subscribers: usize,
    /// Size of the share store, bytes.
    pub db_bytes: Option<u64>,
    /// How well every part is.
    pub components: &'a [Component],
    /// The process.
    pub process: Process,
}

/// All families with a sample.
pub fn families(seen: &Seen<'_>) -> Vec<Family> {
    let mut families = node(seen);
    families.extend(stratum(seen));
    families.extend(share_chain(seen));
    families.extend(network(seen));
    families.extend(parent(seen));
    families.retain(|family| match &family.samples {
        Samples::Gauge(samples) | Samples::Counter(samples) => !samples.is_empty(),
        Samples::Histogram(samples) => !samples.is_empty(),
        Samples::Info(_) => true,
    });
    families
}

fn node(seen: &Seen<'_>) -> Vec<Family> {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let build = vec![("version", version), ("chain", seen.network.to_owned())];
    let is_ready = seen.chain.may_mine && seen.parent.is_fresh();
    let state = |name: &str, is_so: bool| (lane_and(seen, &[("state", name)]), f64::from(u8::from(is_so)));
    let sync = seen.chain.sync;
    let states = vec![
        state("synced", sync == SyncState::Synced),
        state("behind", matches!(sync, SyncState::Behind { .. })),
        state("alone", sync == SyncState::Alone),
    ];
    let is_upgrade_decided = seen.chain.upgrades.iter().any(|(_, state)| state.is_decided());
    let Process { started_at, resident_bytes, open_fds, tasks } = seen.process;
    vec![
        Family { name: "poolnode_build", help: "Version and chain of the node", samples: Samples::Info(build) },
        gauge("poolnode_node_ready", "Whether miners get work", bit(is_ready)),
        Family {
            name: "poolnode_sync_state",
            help: "State of the share chain's sync: 1 for the present one",
            samples: Samples::Gauge(states),
        },
        gauge(
            "poolnode_upgrade_pending",
            "Whether the network has agreed on rules that this version does not know",
            bit(is_upgrade_decided),
        ),
        gauge("poolnode_event_subscribers", "Clients that follow the live events", whole(seen.subscribers)),
        Family {
            name: "poolnode_component_health",
            help: "How well a part of the node is: 0 healthy, 1 degraded, 2 failed; the worst where there are several",
            samples: Samples::Gauge(component_health(seen.components)),
        },
        gauges("poolnode_db_size_bytes", "Size of the share store", seen.db_bytes.map(number)),
        gauge("process_start_time_seconds", "When the process started, Unix time", number(started_at)),
        gauges("process_resident_memory_bytes", "Memory that the process holds", resident_bytes.map(number)),
        gauges("process_open_fds", "Files and sockets that are open", open_fds.map(number)),
        gauges("poolnode_tasks", "Tasks of the runtime that have not ended", tasks.map(number)),
    ]
}

/// Several daemons of a lane are one series: the worst of them.
fn component_health(components: &[Component]) -> Vec<(Labels, f64)> {
    let mut worst = BTreeMap::<Labels, u8>::new();
    for Component { name, condition, .. } in components {
        let lane = name.lane.clone().unwrap_or_default();
        let labels = vec![("lane", lane), ("component", name.part.as_str().to_owned())];
        let known = worst.entry(labels).or_default();
        *known = (*known).max(condition.number());
    }
    worst.into_iter().map(|(labels, number)| (labels, f64::from(number))).collect()
}

fn stratum(seen: &Seen<'_>) -> Vec<Family> {
    let miners = seen.miners;
    let v1 = miners.connections.saturating_sub(miners.connections_v2);
    let by_proto = [("v1", v1), ("v2", miners.connections_v2)];
    let connections = by_proto.map(|(proto, count)| (lane_and(seen, &[("proto", proto)]), whole(count)));
    let accepted = (lane_and(seen, &[("result", "accepted"), ("reason", "")]), number(miners.accepted));
    let rejected = RejectReason::ALL.map(|reason| {
        let labels = lane_and(seen, &[("result", "rejected"), ("reason", reason.as_str())]);
        (labels, number(miners.rejects.of(reason)))
    });
    let per_difficulty = Difficulty::new(1.0).hashes(seen.algorithm);
    vec![
        Family {
            name: "poolnode_stratum_connections",
            help: "Connections of miners, authorized or not",
            samples: Samples::Gauge(connections.into()),
        },
        of_lane(seen, "poolnode_stratum_workers", "Authorized workers", whole(miners.miners.len())),
        Family {
            name: "poolnode_stratum_submits",
            help: "Submits by what became of them",
            samples: Samples::Counter(std::iter::once(accepted).chain(rejected).collect()),
        },
        counter(
            seen,
            "poolnode_stratum_difficulty_accepted",
            "Difficulty of accepted submits; times hashes_per_difficulty these are hashes",
            miners.hashes / per_difficulty,
        ),
        of_lane(seen, "poolnode_stratum_hashes_per_difficulty", "Hashes of difficulty 1", per_difficulty),
        of_lane(
            seen,
            "poolnode_stratum_banned_addresses",
            "Addresses that miners may not connect from",
            whole(miners.banned),
        ),
        times(
            seen,
            "poolnode_stratum_submit_validate_seconds",
            "From a submit's line to its verdict",
            seen.timings.submit.counts(),
        ),
        times(
            seen,
            "poolnode_stratum_job_broadcast_seconds",
            "From a new template to a miner's job at its socket",
            seen.timings.job_broadcast.counts(),
        ),
    ]
}

fn share_chain(seen: &Seen<'_>) -> Vec<Family> {
    let (chain, meters) = (seen.chain, seen.meters);
    let context = chain.context.as_deref();
    let window = context.map(|context| number(context.weights.shares()));
    let difficulty = context.and_then(|context| difficulty(context.base_bits, seen.algorithm));
    vec![
        of_lane(seen, "poolnode_sharechain_height", "Height of the best share", number(chain.tip.height)),
        gauges_of_lane(seen, "poolnode_sharechain_difficulty", "Least difficulty of a share", difficulty),
        gauges_of_lane(seen, "poolnode_sharechain_window_shares", "Shares that the next block pays", window),
        of_lane(seen, "poolnode_sharechain_shares", "Linked shares that are kept", whole(chain.shares)),
        of_lane(seen, "poolnode_sharechain_waiting_shares", "Shares that wait for ancestors", whole(chain.waiting)),
        counter(
            seen,
            "poolnode_sharechain_linked",
            "Shares that became part of the chain",
            number(meters.shares_linked.get()),
        ),
        counter(seen, "poolnode_sharechain_uncles", "Shares that others merged", number(meters.uncles.get())),
        counter(seen, "poolnode_sharechain_reorgs", "Moves to another branch", number(meters.reorgs.get())),
        times(
            seen,
            "poolnode_share_validate_seconds",
            "From a share at the chain task to its verdict",
            meters.share_validate.counts(),
        ),
        times(
            seen,
            "poolnode_share_propagation_seconds",
            "From the time in a share's header to its arrival by gossip: the age of its job, its way here, and what this clock \
             is ahead of its finder's",
            meters.share_ages.counts(),
        ),
        gauges(
            "poolnode_clock_skew_seconds",
            "Median of the same over the newest 65 shares: far above the age of a job this clock is ahead, below zero it is behind",
            meters.share_ages.median_secs(),
        ),
        gauges_of_lane(
            seen,
            "poolnode_round_work",
            "Hashes that the pool has worked since its newest block",
            seen.round_work.map(hashes),
        ),
        gauges_of_lane(
            seen,
            "poolnode_payout_estimate_coins",
            "What a block found now would pay to miners of this node",
            seen.payout_estimate_coins,
        ),
    ]
}

fn network(seen: &Seen<'_>) -> Vec<Family> {
    let mut peers = BTreeMap::<Labels, usize>::new();
    for peer in &seen.peers.peers {
        let direction = match peer.direction {
            Direction::Inbound => "inbound",
            Direction::Outbound => "outbound",
        };
        let region = peer.region.map_or_else(|| "unknown".to_owned(), |(region, _)| region.to_string());
        let transport = peer.transport.as_str().to_owned();
        let labels = vec![("direction", direction.to_owned()), ("transport", transport), ("region", region)];
        *peers.entry(labels).or_default() += 1;
    }
    let peers = peers.into_iter().map(|(labels, count)| (labels, whole(count))).collect();
    vec![
        Family { name: "poolnode_peers", help: "Connected peers", samples: Samples::Gauge(peers) },
        Family {
            name: "poolnode_peer_rtt_seconds",
            help: "Round trips to peers",
            samples: Samples::Histogram(vec![(Vec::new(), seen.meters.peer_rtt.counts())]),
        },
        Family {
            name: "poolnode_gossip_shares",
            help: "Shares taken from gossip",
            samples: Samples::Counter(vec![(Vec::new(), number(seen.chain.gossiped))]),
        },
        gauge(
            "poolnode_network_alarm",
            "Whether the peers look like those of an attacker",
            bit(seen.peers.alarm.is_some()),
        ),
    ]
}

fn parent(seen: &Seen<'_>) -> Vec<Family> {
    let (parent, template) = (seen.parent, seen.parent.template.as_deref());
    let by_method = |value: fn(&HistogramCounts, u64) -> f64| -> Vec<_> {
        let sample = |(method, times, failed): &(&'static str, HistogramCounts, u64)| {
            (lane_and(seen, &[("method", method)]), value(times, *failed))
        };
        seen.rpc.iter().map(sample).collect()
    };
    let rpc = seen.rpc.iter().map(|(method, times, _)| (lane_and(seen, &[("method", method)]), *times)).collect();
    let mut by_status = BTreeMap::<&str, usize>::new();
    for block in &seen.blocks.blocks {
        *by_status.entry(block.status.as_str()).or_default() += 1;
    }
    let by_status = by_status.into_iter().map(|(status, count)| (lane_and(seen, &[("status", status)]), whole(count)));
    let confirmed = (lane_and(seen, &[("status", "confirmed")]), number(seen.blocks.confirmed));
    let difficulty = template.and_then(|template| difficulty(template.bits, seen.algorithm));
    let height = parent.tip().map(|(_, height)| f64::from(height));
    let age = parent.confirmed.map(|confirmed| confirmed.elapsed().as_secs_f64());
    vec![
        gauges_of_lane(seen, "poolnode_parent_height", "Height of the parent chain's tip", height),
        gauges_of_lane(seen, "poolnode_parent_difficulty", "Difficulty of the parent chain", difficulty),
        gauges_of_lane(seen, "poolnode_template_age_seconds", "Since the daemon stood by its template", age),
        Family {
            name: "poolnode_rpc_seconds",
            help: "Calls of the daemons, without longpolls",
            samples: Samples::Histogram(rpc),
        },
        Family {
            name: "poolnode_rpc_errors",
            help: "Calls of the daemons that failed",
            samples: Samples::Counter(by_method(|_, failed| number(failed))),
        },
        Family {
            name: "poolnode_blocks",
            help: "Blocks of the pool that are listed, by what became of them",
            samples: Samples::Gauge(by_status.collect()),
        },
        Family {
            name: "poolnode_blocks_found",
            help: "Blocks of the pool on the main chain, those no longer listed included",
            samples: Samples::Counter(vec![confirmed]),
        },
    ]
}

fn difficulty(bits: CompactTarget, algorithm: PowAlgorithm) -> Option<f64> {
    Some(Difficulty::from_work(bits.to_target()?.work()?, algorithm).get())
}

fn lane_and(seen: &Seen<'_>, others: &[(&'static str, &str)]) -> Labels {
    let others = others.iter().map(|(name, value)| (*name, (*value).to_owned()));
    std::iter::once(("lane", seen.lane.to_owned())).chain(others).collect()
}

fn gauge(name: &'static str, help: &'static str, value: f64) -> Family {
    gauges(name, help, Some(value))
}

fn gauges(name: &'static str, help: &'static str, value: Option<f64>) -> Family {
    Family { name, help, samples: Samples::Gauge(value.map(|value| (Vec::new(), value)).into_iter().collect()) }
}

fn of_lane(seen: &Seen<'_>, name: &'static str, help: &'static str, value: f64) -> Family {
    gauges_of_lane(seen, name, help, Some(value))
}

fn gauges_of_lane(seen: &Seen<'_>, name: &'static str, help: &'static str, value: Option<f64>) -> Family {
    let sample = value.map(|value| (lane_and(seen, &[]), value));
    Family { name, help, samples: Samples::Gauge(sample.into_iter().collect()) }
}

fn counter(seen: &Seen<'_>, name: &'static str, help: &'static str, value: f64) -> Family {
    Family { name, help, samples: Samples::Counter(vec![(lane_and(seen, &[]), value)]) }
}

fn times(seen: &Seen<'_>, name: &'static str, help: &'static str, counts: HistogramCounts) -> Family {
    Family { name, help, samples: Samples::Histogram(vec![(lane_and(seen, &[]), counts)]) }
}

fn bit(is_so: bool) -> f64 {
    f64::from(u8::from(is_so))
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
pub(super) const fn number(value: u64) -> f64 {
    value as f64
}

#[expect(clippy::cast_precision_loss, reason = "a number for graphs")]
const fn hashes(work: u128) -> f64 {
    work as f64
}

fn whole(value: usize) -> f64 {
    number(u64::try_from(value).unwrap_or(u64::MAX))
}
