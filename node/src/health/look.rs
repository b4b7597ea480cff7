//! What the tasks publish, as what is judged: the only part that touches their types and the clock.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use sharechain::UnixTime;
use tokio::sync::watch;

use super::seen::{BlocksSeen, ChainSeen, LaneSeen, NodeSeen, PeersSeen, StoreSeen, StratumSeen, TemplatesSeen};
use super::task::HealthSources;
use crate::{
    blocks::{BlocksView, PoolBlock, PoolBlockStatus},
    chain_task::ChainView,
    p2p::PeersView,
    parent::{ParentHealth, ParentState},
    payouts::PayoutsHandle,
    problems::chain_problems,
    store::StoreHandle,
    switching::LaneView,
};

/// How long a slow write is told.
const SLOW_WRITE_SHOWN: Duration = Duration::from_secs(60);
/// How long a refused block is told.
const REFUSED_SHOWN_SECS: u64 = 86_400;
/// A proof is made when a block is confirmed; after so long it is late...
const PROOF_LATE_SECS: u64 = 300;
/// ... and after so long it cannot be made: the shares are not kept any more.
const PROOF_GONE_SECS: u64 = 3_600;
/// The clock and the time since the start may differ by so much between two looks.
const CLOCK_STEP_MILLIS: i64 = 2_000;
/// How long a step of the clock is told.
const CLOCK_STEP_SHOWN: Duration = Duration::from_secs(600);

/// What a lane publishes.
#[derive(Clone, Debug)]
pub struct LaneSources {
    /// Its chains, daemons and blocks.
    pub view: LaneView,
    /// Its peers.
    pub peers: watch::Receiver<Arc<PeersView>>,
    /// Whether it knows where peers should be.
    pub expects_peers: bool,
    /// Its shares.
    pub store: StoreHandle,
    /// What its blocks paid.
    pub paid: PayoutsHandle,
}

/// What is remembered between two looks.
#[derive(Debug, Default)]
pub(super) struct Memory {
    clock: ClockMemory,
    slow_writes: Vec<Option<(Instant, Duration)>>,
}

/// A moment, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) steady: Instant,
    pub(super) unix_millis: u64,
}

impl Now {
    pub(super) const fn unix(self) -> UnixTime {
        self.unix_millis / 1_000
    }
}

impl Memory {
    /// Looks at all of it.
    pub(super) fn look(&mut self, sources: &HealthSources, now: Now) -> NodeSeen {
        self.slow_writes.resize(sources.lanes.len(), None);
        let miners = sources.stratum.snapshot();
        let lanes = sources.lanes.iter().zip(&mut self.slow_writes).map(|(lane, slow)| look_at(lane, slow, now));
        NodeSeen {
            stratum: StratumSeen {
                connections: miners.connections,
                room: sources.stratum.room(),
                intake: sources.stratum.intake(),
                banned: miners.banned,
            },
            api: (*sources.api_connections.borrow(), crate::api::CONNECTIONS_MAX),
            geo: sources.geo.borrow().databases(&sources.geo_files.borrow(), now.unix()),
            clock_step_secs: self.clock.step(now),
            out: sources.board.board().out.clone(),
            lanes: lanes.collect(),
        }
    }
}

fn look_at(lane: &LaneSources, slow: &mut Option<(Instant, Duration)>, now: Now) -> LaneSeen {
    let (chain, parent) = (lane.view.chain.borrow().clone(), lane.view.parent.borrow().clone());
    let blocks = lane.view.blocks.borrow().clone();
    LaneSeen {
        name: lane.view.name.clone(),
        daemons: parent.daemons.to_vec(),
        templates: templates(&parent, lane.view.refused.borrow().as_ref().map(|refused| refused.reason.clone())),
        chain: share_chain(&chain),
        peers: peers(&lane.peers.borrow(), lane.expects_peers),
        store: store(&lane.store, slow, now.steady),
        blocks: own_blocks(&blocks, now.unix()),
        unproven: unproven(&blocks, &lane.paid, now.unix()),
    }
}

fn templates(parent: &ParentState, refused: Option<String>) -> TemplatesSeen {
    TemplatesSeen {
        height: parent.template.as_ref().map(|template| template.work.block_height),
        age: parent.confirmed.map(|confirmed| confirmed.elapsed()),
        is_starting: parent.health == ParentHealth::Starting,
        refused,
    }
}

fn share_chain(chain: &ChainView) -> ChainSeen {
    ChainSeen {
        height: chain.tip.height,
        sync: chain.sync,
        advances: chain.progress.is_some_and(|progress| progress.secs_left.is_some()),
        may_mine: chain.may_mine,
        problems: chain_problems(chain).collect(),
    }
}

fn peers(view: &PeersView, are_expected: bool) -> PeersSeen {
    let regions: BTreeSet<String> =
        view.peers.iter().filter_map(|peer| peer.region.map(|(region, _)| region.to_string())).collect();
    PeersSeen { count: view.peers.len(), regions: regions.len(), are_expected, alarm: view.alarm.clone() }
}

fn store(store: &StoreHandle, slow: &mut Option<(Instant, Duration)>, now: Instant) -> StoreSeen {
    let took = store.pace().take_slowest();
    let is_old = slow.is_none_or(|(seen, slowest)| now.duration_since(seen) > SLOW_WRITE_SHOWN || slowest <= took);
    if is_old {
        *slow = Some((now, took));
    }
    StoreSeen {
        has_failed: store.has_failed(),
        waits_for_room: store.pace().waits_for_room(),
        under_way: store.pace().under_way(),
        slowest: slow.map_or(took, |(_, slowest)| slowest),
    }
}

fn own_blocks(view: &BlocksView, now: UnixTime) -> BlocksSeen {
    let mut seen = BlocksSeen::default();
    for block in view.blocks.iter().filter(|block| block.own) {
        let age_secs = now.saturating_sub(block.found_at);
        match &block.status {
            PoolBlockStatus::Found => seen.waiting.push((block.height, age_secs)),
            PoolBlockStatus::Refused(reason) if age_secs < REFUSED_SHOWN_SECS => {
                seen.refused.push((block.hash.to_string(), block.height, reason.clone()));
            }
            PoolBlockStatus::Refused(_)
            | PoolBlockStatus::Submitted
            | PoolBlockStatus::Confirmed(_)
            | PoolBlockStatus::Matured(_)
            | PoolBlockStatus::Orphaned => {}
        }
    }
    seen
}

fn unproven(view: &BlocksView, paid: &PayoutsHandle, now: UnixTime) -> usize {
    let is_late = |block: &&PoolBlock| {
        block.is_confirmed() && (PROOF_LATE_SECS..PROOF_GONE_SECS).contains(&now.saturating_sub(block.found_at))
    };
    let mut late = view.blocks.iter().filter(is_late).peekable();
    if late.peek().is_none() {
        return 0;
    }
    let ledger = paid.ledger();
    late.filter(|block| !ledger.contains(block.height, &block.hash)).count()
}

/// Whether the clock goes as steadily as time does. Pure but for the two times that it is given.
#[derive(Debug, Default)]
struct ClockMemory {
    last: Option<Now>,
    step: Option<(Instant, i64)>,
}

impl ClockMemory {
    /// By how many seconds it was lately set.
    fn step(&mut self, now: Now) -> Option<i64> {
        if let Some(last) = self.last.replace(now) {
            let millis = |millis: u128| i64::try_from(millis).unwrap_or(i64::MAX);
            let steady = millis(now.steady.saturating_duration_since(last.steady).as_millis());
            let clock = millis(now.unix_millis.into()).saturating_sub(millis(last.unix_millis.into()));
            let step = clock.saturating_sub(steady);
            if step.abs() > CLOCK_STEP_MILLIS {
                self.step = Some((now.steady, step / 1_000));
            }
        }
        let is_shown = |(seen, _): &(Instant, i64)| now.steady.saturating_duration_since(*seen) < CLOCK_STEP_SHOWN;
        self.step.filter(is_shown).map(|(_, secs)| secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_clock_that_is_set_is_noticed_for_a_while() {
        let (start, mut memory) = (Instant::now(), ClockMemory::default());
        let mut step = |steady_secs: u64, unix_millis: u64| {
            memory.step(Now { steady: start + Duration::from_secs(steady_secs), unix_millis })
        };
        assert_eq!(step(0, 50_000), None);
        assert_eq!(step(1, 51_900), None, "the system may be late");
        assert_eq!(step(2, 49_000), Some(-3));
        assert_eq!(step(3, 50_000), Some(-3));
        assert_eq!(step(601, 648_000), Some(-3));
        assert_eq!(step(602, 649_000), None);
        assert_eq!(step(603, 3_650_000), Some(3_000));
    }

    #[test]
    fn own_blocks_that_wait_or_were_refused_are_seen() {
        let block = |own, found_at, status| PoolBlock { own, found_at, status, ..testing::block(1) };
        let refused = || PoolBlockStatus::Refused("bad-cb-amount".to_owned());
        let blocks = vec![
            block(true, 99_990, PoolBlockStatus::Found),
            block(false, 99_990, PoolBlockStatus::Found),
            block(true, 99_990, PoolBlockStatus::Submitted),
            block(true, 50_000, refused()),
            block(true, 5, refused()),
        ];
        let seen = own_blocks(&BlocksView { blocks, confirmed: 0 }, 100_000);
        assert_eq!(seen.waiting, [(7, 10)]);
        assert_eq!(seen.refused, [("01".repeat(32), 7, "bad-cb-amount".to_owned())]);
    }
}
