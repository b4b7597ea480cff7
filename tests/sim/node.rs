//! A node: the real share chain, sync and admission, with a clock of its own and a store that survives it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use node::defaults::{ALONE_GRACE, REQUEST_WINDOW, REQUESTS_PER_WINDOW_MAX};

use sharechain::{
    Params, ShareChain, ShareId,
    sync::{RivalHistory, Sync, SyncState},
    testing::GENESIS_TIME,
};

use super::{Attack, Millis, NodeId, ShareNo, job::Job};

/// Gossip whose place is not known is relayed if it becomes known within this time.
pub const UNDECIDED_MS: Millis = 4_000;
/// Jobs that a miner may still be on.
const JOBS_MAX: usize = 256;

/// One node.
#[derive(Debug)]
pub struct Node {
    /// Its share chain.
    pub chain: ShareChain,
    /// How it catches up.
    pub sync: Sync<NodeId>,
    /// Another history, while a peer shows one.
    pub histories: RivalHistory<NodeId>,
    /// Seconds its clock is ahead.
    pub clock: i64,
    /// Whether it runs.
    pub is_up: bool,
    /// Since when.
    pub up_since: Millis,
    /// What it does beside mining honestly.
    pub attack: Option<Attack>,
    /// Shares in the order they were linked: what a restart has.
    pub store: Vec<ShareNo>,
    /// The tip that the store notes: up to a tick older than the shares.
    pub mark: ShareId,
    /// Gossip it has seen.
    pub seen: Vec<bool>,
    /// Gossip whose place was not known, and since when.
    pub undecided: VecDeque<(ShareNo, Millis)>,
    /// Jobs, the newest last.
    pub jobs: VecDeque<Arc<Job>>,
    /// When the last job was made.
    pub job_at: Millis,
    /// Whether the chain has moved since.
    pub is_dirty: bool,
    /// When the next look at jobs is planned.
    pub check_at: Option<Millis>,
    /// Newest block its daemon has.
    pub daemon_tip: usize,
    /// What peers have asked lately: since when, and how often.
    asked: BTreeMap<NodeId, (Millis, u32)>,
    /// Housekeeping so far.
    pub ticks: u64,
    /// The last share that was asked for again.
    pub missing_after: ShareId,
    /// Own shares that nobody has seen yet.
    pub withheld: Vec<ShareNo>,
    /// The chain that a hostile node mines on, when that is not the one it shows.
    pub private: Option<Box<ShareChain>>,
}

impl Node {
    /// An empty node.
    pub fn new(params: &Arc<Params>, clock: i64, attack: Option<Attack>, daemon_tip: usize) -> Self {
        Self {
            chain: ShareChain::new(params.clone()),
            sync: Sync::default(),
            histories: RivalHistory::default(),
            clock,
            is_up: true,
            up_since: 0,
            attack,
            store: Vec::new(),
            mark: params.genesis_id(),
            seen: Vec::new(),
            undecided: VecDeque::new(),
            jobs: VecDeque::new(),
            job_at: 0,
            is_dirty: true,
            check_at: None,
            daemon_tip,
            asked: BTreeMap::new(),
            ticks: 0,
            missing_after: ShareId::ZERO,
            withheld: Vec::new(),
            private: None,
        }
    }

    /// What its clock shows, Unix seconds.
    pub fn unix(&self, now: Millis) -> u64 {
        (u64::from(GENESIS_TIME) + now / 1_000).saturating_add_signed(self.clock)
    }

    /// Whether this is the first time that it sees this gossip.
    pub fn sees(&mut self, share: ShareNo) -> bool {
        if self.seen.len() <= share {
            self.seen.resize(share + 256, false);
        }
        !std::mem::replace(&mut self.seen[share], true)
    }

    /// Whether its miners may get work: a share mined before the sync could end up on a branch of its own.
    pub fn may_mine(&self, now: Millis) -> bool {
        match self.sync.state() {
            SyncState::Synced => true,
            SyncState::Behind { .. } => false,
            SyncState::Alone => !self.store.is_empty() && u128::from(now - self.up_since) >= ALONE_GRACE.as_millis(),
        }
    }

    /// Notes a request of a peer; whether it is within what a node lets a peer ask.
    pub fn may_ask(&mut self, peer: NodeId, now: Millis) -> bool {
        let (since, count) = self.asked.entry(peer).or_insert((now, 0));
        if u128::from(now - *since) >= REQUEST_WINDOW.as_millis() {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= REQUESTS_PER_WINDOW_MAX
    }

    /// Gives its miners a job.
    pub fn give(&mut self, job: Arc<Job>) {
        self.job_at = job.made_at;
        self.is_dirty = false;
        if self.jobs.len() >= JOBS_MAX {
            self.jobs.pop_front();
        }
        self.jobs.push_back(job);
    }

    /// Dies: only the store stays.
    pub fn crash(&mut self, params: &Arc<Params>) {
        let (store, mark) = (std::mem::take(&mut self.store), self.mark);
        *self = Self { store, mark, is_up: false, ..Self::new(params, self.clock, self.attack, self.daemon_tip) };
    }
}
