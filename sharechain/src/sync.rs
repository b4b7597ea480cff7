//! Catching up with peers, without I/O: whom to ask, when to give up, when to call it done.
//!
//! ```text
//! on_tip / on_gone / on_page / on_failure --> Sync --> poll(): ask this peer for what follows this cursor
//! ```
//! A peer's tip is a claim. Peers that claim more work than we have are asked in turns, one page each, so that one that
//! shows nothing costs the others little; it is asked again ever later. Contextual faults and silence are not punished.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use crate::{
    chain::{Tip, UnixTime},
    fork_choice::ForkRank,
    hash::ShareId,
    share::UNCLES_LIMIT,
    target::Work,
    validate::CheckedShare,
};

mod rival_history;

pub use rival_history::{RivalHistory, Taken};

/// Most shares of one answer.
pub const SYNC_SHARES_MAX: usize = 500;
/// Most bytes of one answer, unless its first share alone is longer.
pub const SYNC_BYTES_MAX: usize = 1 << 20;
/// Most ids of a cursor: among so many in canonical order is at least one that the peer has selected.
pub const CURSOR_MAX: usize = UNCLES_LIMIT + 1;
/// Most ids of a locator: a cursor, ten from the tip, one per power of two of a 64-bit height, and the virtual genesis.
pub const LOCATOR_MAX: usize = CURSOR_MAX + 10 + 64 + 1;
/// After this long without an answer another peer is asked, seconds.
pub const REQUEST_TIMEOUT_SECS: u64 = 10;
/// Time for the first peers to tell their tips before we believe that nobody has more, seconds.
pub const SETTLE_SECS: u64 = 2;
/// A peer that failed this often in a row does not keep us from calling it done: a liar cannot stop anybody's mining.
const FAILURES_MAX: u32 = 3;
/// Neither does a peer that keeps us busy: after this long without more work on our best chain we call it done, seconds.
const STALLED_SECS: u64 = 120;
/// When a peer that showed nothing is asked again: after so many seconds, doubled by each failure, at most...
const RETRY_SECS: u64 = 5;
/// ...this many.
const RETRY_SECS_MAX: u64 = 320;

/// What a peer says of its best share.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TipClaim {
    /// Its id.
    pub id: ShareId,
    /// Its height.
    pub height: u64,
    /// Work in its past.
    pub total_work: Work,
}

/// How far this node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SyncState {
    /// No peer has told its tip yet.
    Alone,
    /// A peer has more work, or may have; shares are being fetched.
    Behind {
        /// The best claim.
        height: u64,
    },
    /// Every peer has been caught up with, or has failed to show what it claims. It stays so: a peer that claims more
    /// later is asked in the background.
    Synced,
}

/// Whom to ask, and after what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyncRequest<P> {
    /// The peer.
    pub peer: P,
    /// For [`crate::ShareChain::locator`].
    pub cursor: Vec<ShareId>,
}

/// An answer that was handed to the chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// How many of its shares were new and are linked.
    linked: usize,
    /// Greatest height of its shares that are linked.
    height: u64,
    /// Its newest shares, newest first: where the peer's next answer goes on.
    cursor: Vec<ShareId>,
    /// Whether the peer has more.
    more: bool,
}

#[derive(Debug)]
struct Peer {
    claim: TipClaim,
    /// Answers in a row that brought us nowhere.
    failures: u32,
    retry_at: UnixTime,
    /// When it was last asked, in requests.
    turn: u64,
    cursor: Vec<ShareId>,
    /// Greatest height it has shown since it last had no more.
    shown: u64,
}

/// See the module. `P` names peers.
#[derive(Debug)]
pub struct Sync<P> {
    peers: BTreeMap<P, Peer>,
    in_flight: Option<(P, UnixTime)>,
    turns: u64,
    first_tip: Option<UnixTime>,
    /// Our greatest work, and since when.
    gained: (Work, UnixTime),
    caught_up: bool,
}

impl<P> Default for Sync<P> {
    fn default() -> Self {
        Self {
            peers: BTreeMap::new(),
            in_flight: None,
            turns: 0,
            first_tip: None,
            gained: (Work::ZERO, 0),
            caught_up: false,
        }
    }
}

impl Page {
    /// What the chain made of an answer: `linked` of its shares were new, `is_linked` tells which are in the chain now.
    pub fn new(shares: &[Arc<CheckedShare>], linked: usize, more: bool, is_linked: impl Fn(&ShareId) -> bool) -> Self {
        let shown = || shares.iter().rev().filter(|share| is_linked(&share.id()));
        Self {
            linked,
            height: shown().map(|share| share.share().data.height).max().unwrap_or_default(),
            cursor: shown().take(CURSOR_MAX).map(|share| share.id()).collect(),
            more,
        }
    }
}

impl<P: Ord + Clone> Sync<P> {
    /// A peer told its tip.
    pub fn on_tip(&mut self, peer: P, claim: TipClaim, now: UnixTime) {
        if self.first_tip.is_none() {
            (self.first_tip, self.gained.1) = (Some(now), now);
        }
        let fresh = Peer { claim, failures: 0, retry_at: 0, turn: 0, cursor: Vec::new(), shown: 0 };
        self.peers.entry(peer).or_insert(fresh).claim = claim;
    }

    /// A peer left.
    pub fn on_gone(&mut self, peer: &P) {
        self.peers.remove(peer);
        self.release(peer);
    }

    /// A peer's answer was handed to the chain.
    pub fn on_page(&mut self, peer: &P, page: Page, now: UnixTime) {
        self.release(peer);
        let Some(known) = self.peers.get_mut(peer) else { return };
        // Known shares are progress too while they lead on: the peer is showing a branch. At its end they are not, or a node
        // that holds back what its peers are on would ask them without a pause.
        let leads_on = page.more && page.height > known.shown;
        if page.linked == 0 && !leads_on {
            return self.on_failure(peer, now);
        }
        known.failures = 0;
        known.retry_at = now;
        (known.cursor, known.shown) = if page.more { (page.cursor, page.height) } else { (Vec::new(), 0) };
    }

    /// A request failed or was answered with something that is no answer.
    pub fn on_failure(&mut self, peer: &P, now: UnixTime) {
        self.release(peer);
        if let Some(known) = self.peers.get_mut(peer) {
            let pause = RETRY_SECS.checked_shl(known.failures).unwrap_or(RETRY_SECS_MAX).min(RETRY_SECS_MAX);
            known.failures = known.failures.saturating_add(1);
            known.retry_at = now.saturating_add(pause);
            (known.cursor, known.shown) = (Vec::new(), 0);
        }
    }

    /// Whom to ask now, given our own tip. Nobody is behind for a tip of equal work, but asked for it: a last share that was
    /// held back when it was new would otherwise be missed until somebody builds on it.
    pub fn poll(&mut self, ours: &Tip, now: UnixTime) -> Option<SyncRequest<P>> {
        if ours.total_work > self.gained.0 {
            self.gained = (ours.total_work, now);
        }
        self.caught_up |= self.is_caught_up(ours.total_work, now);
        if let Some((peer, deadline)) = self.in_flight.clone() {
            if now < deadline {
                return None;
            }
            self.on_failure(&peer, now);
        }
        let rank = ForkRank::new(ours.total_work, ours.id);
        let is_better = |peer: &Peer| ForkRank::new(peer.claim.total_work, peer.claim.id) > rank;
        let better = self.peers.iter_mut().filter(|(_, peer)| is_better(peer) && peer.retry_at <= now);
        let (peer, asked) = better.min_by_key(|(_, peer)| (peer.turn, Reverse(peer.claim.total_work)))?;
        self.turns = self.turns.saturating_add(1);
        asked.turn = self.turns;
        self.in_flight = Some((peer.clone(), now.saturating_add(REQUEST_TIMEOUT_SECS)));
        Some(SyncRequest { peer: peer.clone(), cursor: asked.cursor.clone() })
    }

    /// Somebody to ask for single shares, each peer in its turn.
    pub fn next_peer(&mut self) -> Option<P> {
        self.turns = self.turns.saturating_add(1);
        let len = u64::try_from(self.peers.len()).ok()?;
        let index = usize::try_from(self.turns.checked_rem(len)?).ok()?;
        self.peers.keys().nth(index).cloned()
    }

    /// When [`Sync::poll`] should be called again without an event.
    pub fn poll_timeout(&self) -> Option<UnixTime> {
        let settled = self.first_tip.filter(|_| !self.caught_up).map(|first| first.saturating_add(SETTLE_SECS));
        match &self.in_flight {
            Some((_, deadline)) => Some(*deadline),
            None => self.peers.values().map(|peer| peer.retry_at).filter(|at| *at > 0).chain(settled).min(),
        }
    }

    /// How far this node is.
    pub fn state(&self) -> SyncState {
        match self.peers.values().map(|peer| peer.claim.height).max() {
            _ if self.caught_up => SyncState::Synced,
            Some(height) => SyncState::Behind { height },
            None => SyncState::Alone,
        }
    }

    /// Whether no peer is left that could still show more.
    fn is_caught_up(&self, ours: Work, now: UnixTime) -> bool {
        let settled = self.first_tip.is_some_and(|first| now >= first.saturating_add(SETTLE_SECS));
        let done = |peer: &Peer| peer.claim.total_work <= ours || peer.failures >= FAILURES_MAX;
        let stalled = now >= self.gained.1.saturating_add(STALLED_SECS);
        settled && !self.peers.is_empty() && (stalled || self.peers.values().all(done))
    }

    fn release(&mut self, peer: &P) {
        if self.in_flight.as_ref().is_some_and(|(asked, _)| asked == peer) {
            self.in_flight = None;
        }
    }
}

#[cfg(test)]
mod tests;
