//! Catching up with peers, without I/O: whom to ask for what, when to give up, when to call it done.
//!
//! ```text
//! on_tip / on_gone / on_failure --> Sync --> poll(): ask this peer for ids after this cursor,
//! on_ids / on_shares            -->      -->         or that one for these shares
//!                     on_batch <-- chain <-- next_batch(): shares in order
//! ```
//! One peer at a time shows the order of shares, as ids; the shares come from several at once. A peer's tip is a claim: peers
//! that claim more work than we have show ids in turns, and one that shows nothing that holds is asked again ever later, as is
//! one that does not give shares. Contextual faults and silence are not punished. Time is milliseconds of any steady clock.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    chain::Tip, fork_choice::ForkRank, hash::ShareId, share::UNCLES_LIMIT, target::Work, validate::CheckedShare,
};

mod bodies;
mod progress;
mod rival_history;
mod source;
mod turn;

pub use bodies::{SHARES_PEERS_MAX, WANTED_MAX};
pub use progress::Progress;
pub use rival_history::{RivalHistory, Taken};
pub use source::SHARES_REQUESTS_MAX;
pub use turn::{Batch, Fed};

use bodies::Bodies;
use progress::Pace;
use turn::{Page, Turn};

/// Milliseconds of a steady clock; where it begins does not matter.
pub type Millis = u64;

/// Most ids of one answer: 64 kB, so that a round trip of 300 ms allows 6,000 shares a second.
pub const SYNC_IDS_MAX: usize = 2_000;
/// Most shares of one answer, and ids of a request for them: of the longest shares 0.8 MB.
pub const SYNC_SHARES_MAX: usize = 250;
/// Most ids of a cursor: among so many in canonical order is at least one that the peer has selected.
pub const CURSOR_MAX: usize = UNCLES_LIMIT + 1;
/// Most ids of a locator: a cursor, ten from the tip, one per power of two of a 64-bit height, and the virtual genesis.
pub const LOCATOR_MAX: usize = CURSOR_MAX + 10 + 64 + 1;
/// After this long without ids another peer is asked for them.
pub const IDS_TIMEOUT_MS: Millis = 5_000;
/// How long a peer may be asked for more ids before others have their turn. Stops one that shows little, or a long branch
/// that is not the best, from keeping the place.
pub const TURN_MS: Millis = 10_000;
/// Time for the first peers to tell their tips before we believe that nobody has more.
pub const SETTLE_MS: Millis = 2_000;
/// A peer that failed this often in a row does not keep us from calling it done: a liar cannot stop anybody's mining.
const FAILURES_MAX: u32 = 3;
/// Neither does a peer that keeps us busy: after this long without more work on our best chain we call it done.
const STALLED_MS: Millis = 120_000;
/// When a peer that showed nothing is asked again: after so long, doubled by each failure, at most...
const RETRY_MS: Millis = 5_000;
/// ...this long.
const RETRY_MS_MAX: Millis = 320_000;

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

/// Whom to ask for what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SyncRequest<P> {
    /// For the ids after this cursor.
    Ids {
        /// The peer.
        peer: P,
        /// For [`crate::ShareChain::locator`].
        cursor: Vec<ShareId>,
    },
    /// For shares.
    Shares {
        /// The peer.
        peer: P,
        /// Which ones.
        ids: Vec<ShareId>,
    },
}

#[derive(Debug)]
struct Peer {
    claim: TipClaim,
    /// Pages and requests in a row that brought us nowhere.
    failures: u32,
    retry_at: Millis,
    /// When it last had its turn, in turns.
    turn: u64,
    cursor: Vec<ShareId>,
    /// Greatest height it has shown since it last had no more.
    shown: u64,
}

/// See the module. `P` names peers, `B` is a share.
#[derive(Debug)]
pub struct Sync<P, B = Arc<CheckedShare>> {
    peers: BTreeMap<P, Peer>,
    turn: Option<Turn<P>>,
    bodies: Bodies<P, B>,
    turns: u64,
    first_tip: Option<Millis>,
    /// Our greatest work, and since when.
    gained: (Work, Millis),
    caught_up: bool,
    pace: Pace,
}

impl<P, B> Default for Sync<P, B> {
    fn default() -> Self {
        Self {
            peers: BTreeMap::new(),
            turn: None,
            bodies: Bodies::default(),
            turns: 0,
            first_tip: None,
            gained: (Work::ZERO, 0),
            caught_up: false,
            pace: Pace::default(),
        }
    }
}

impl<P: Ord + Clone, B> Sync<P, B> {
    /// A peer told its tip.
    pub fn on_tip(&mut self, peer: P, claim: TipClaim, now: Millis) {
        if self.first_tip.is_none() {
            (self.first_tip, self.gained.1) = (Some(now), now);
        }
        self.bodies.add_peer(peer.clone());
        let fresh = Peer { claim, failures: 0, retry_at: 0, turn: 0, cursor: Vec::new(), shown: 0 };
        self.peers.entry(peer).or_insert(fresh).claim = claim;
    }

    /// A peer left.
    pub fn on_gone(&mut self, peer: &P) {
        self.peers.remove(peer);
        self.bodies.remove_peer(peer);
        self.end_turn_of(peer);
    }

    /// A peer answered our locator with ids; `height_of` tells of those that are linked here.
    pub fn on_ids(&mut self, peer: &P, ids: &[ShareId], more: bool, height_of: impl Fn(&ShareId) -> Option<u64>) {
        let turn = self.turn.as_mut().filter(|turn| turn.peer == *peer && turn.answer_until.is_some());
        let Some(turn) = turn else { return };
        // A page that begins with something unknown may be of another history, which needs its own copy of everything.
        let is_whole = ids.first().is_some_and(|first| height_of(first).is_none());
        let new = ids.iter().take(SYNC_IDS_MAX).filter(|id| is_whole || height_of(id).is_none());
        turn.add(Page {
            left: self.bodies.want(new.copied()),
            linked: 0,
            height: ids.iter().filter_map(height_of).max().unwrap_or_default(),
            cursor: ids.iter().rev().take(CURSOR_MAX).copied().collect(),
            more,
            handed: 0,
        });
    }

    /// A peer answered a request for `asked`.
    pub fn on_shares(&mut self, peer: &P, asked: &BTreeSet<ShareId>, shares: Vec<(ShareId, B)>, now: Millis) {
        self.bodies.on_shares(peer, asked, shares, now);
    }

    /// A request for shares failed. It does not speak against the order that the peer shows.
    pub fn on_shares_failed(&mut self, peer: &P, asked: &BTreeSet<ShareId>, now: Millis) {
        self.bodies.on_failure(peer, asked, now);
    }

    /// A question for ids failed. One that was given up before is not counted twice.
    pub fn on_ids_failed(&mut self, peer: &P, now: Millis) {
        if self.turn.as_ref().is_some_and(|turn| turn.peer == *peer && turn.answer_until.is_some()) {
            self.on_failure(peer, now);
        }
    }

    /// A peer sent something that is no answer, or shows what leads nowhere.
    pub fn on_failure(&mut self, peer: &P, now: Millis) {
        self.end_turn_of(peer);
        self.bodies.give_up_on(peer, now);
        if let Some(known) = self.peers.get_mut(peer) {
            known.retry_at = now.saturating_add(pause_ms(known.failures));
            known.failures = known.failures.saturating_add(1);
            (known.cursor, known.shown) = (Vec::new(), 0);
        }
    }

    /// Whether there is something for the chain.
    pub fn has_batch(&self) -> bool {
        let page = self.turn.as_ref().and_then(|turn| turn.pages.front());
        page.is_some_and(|page| page.left == 0 || self.bodies.is_next_here())
    }

    /// The next shares for the chain, in order; [`Sync::on_batch`] tells what became of them.
    pub fn next_batch(&mut self) -> Option<Batch<P, B>> {
        let turn = self.turn.as_mut()?;
        let page = turn.pages.front_mut()?;
        let shares = self.bodies.take(page.left);
        if shares.is_empty() && page.left > 0 {
            return None;
        }
        page.handed = shares.len();
        let begins_turn = !std::mem::replace(&mut turn.has_begun, true);
        let page_ends = (page.left == shares.len()).then_some(page.more);
        Some(Batch { shown_by: turn.peer.clone(), shares, begins_turn, page_ends })
    }

    /// What the chain made of the last batch.
    pub fn on_batch(&mut self, fed: Fed, now: Millis) {
        self.pace.linked(fed.linked);
        let Some(turn) = &mut self.turn else { return };
        let peer = turn.peer.clone();
        if fed.is_refused {
            return self.on_failure(&peer, now);
        }
        let Some(page) = turn.pages.front_mut() else { return };
        page.linked = page.linked.saturating_add(fed.linked);
        page.height = page.height.max(fed.height);
        page.left = page.left.saturating_sub(std::mem::take(&mut page.handed));
        if page.left == 0
            && let Some(page) = turn.pages.pop_front()
        {
            self.judge(&peer, page, now);
        }
    }

    /// Whom to ask for what now, given our own tip; to be called until it says nothing. Nobody is behind for a tip of equal
    /// work, but asked for it: a last share that was held back when it was new would otherwise be missed until somebody builds
    /// on it.
    pub fn poll(&mut self, ours: &Tip, now: Millis) -> Option<SyncRequest<P>> {
        if ours.total_work > self.gained.0 {
            self.gained = (ours.total_work, now);
        }
        self.pace.sample(ours.height, now);
        self.caught_up |= self.is_caught_up(ours.total_work, now);
        self.bodies.expire(now);
        self.check_turn(ours, now);
        let ids = match &mut self.turn {
            Some(turn) if turn.may_ask(now) && self.bodies.has_room() => {
                turn.answer_until = Some(now.saturating_add(IDS_TIMEOUT_MS));
                Some(SyncRequest::Ids { peer: turn.peer.clone(), cursor: turn.cursor.clone() })
            }
            Some(_) => None,
            None => self.begin_turn(ours, now),
        };
        ids.or_else(|| {
            let shown_by = &self.turn.as_ref()?.peer;
            let request = self.bodies.next_request(shown_by, claims_more(&self.peers, ours), now);
            request.map(|(peer, ids)| SyncRequest::Shares { peer, ids })
        })
    }

    /// Somebody to ask for single shares, each peer in its turn.
    pub fn next_peer(&mut self) -> Option<P> {
        self.turns = self.turns.saturating_add(1);
        let len = u64::try_from(self.peers.len()).ok()?;
        let index = usize::try_from(self.turns.checked_rem(len)?).ok()?;
        self.peers.keys().nth(index).cloned()
    }

    /// When [`Sync::poll`] should be called again without an event.
    pub fn poll_timeout(&self, now: Millis) -> Option<Millis> {
        let settled = self.first_tip.filter(|_| !self.caught_up).map(|first| first.saturating_add(SETTLE_MS));
        let answer = self.turn.as_ref().and_then(|turn| turn.answer_until);
        let retries = self.peers.values().map(|peer| peer.retry_at).filter(|_| self.turn.is_none());
        let due = self.bodies.due().chain(retries).chain(settled).chain(answer);
        due.filter(|due| *due > now).min()
    }

    /// How far this node is.
    pub fn state(&self) -> SyncState {
        match self.target_height() {
            _ if self.caught_up => SyncState::Synced,
            Some(height) => SyncState::Behind { height },
            None => SyncState::Alone,
        }
    }

    /// The same in numbers.
    pub fn progress(&self, ours: &Tip, now: Millis) -> Progress {
        let elapsed = self.first_tip.map_or(0, |first| now.saturating_sub(first));
        self.pace.progress(ours.height, self.target_height().unwrap_or_default(), elapsed)
    }

    fn target_height(&self) -> Option<u64> {
        self.peers.values().map(|peer| peer.claim.height).max()
    }

    /// Whether no peer is left that could still show more.
    fn is_caught_up(&self, ours: Work, now: Millis) -> bool {
        let settled = self.first_tip.is_some_and(|first| now >= first.saturating_add(SETTLE_MS));
        let done = |peer: &Peer| peer.claim.total_work <= ours || peer.failures >= FAILURES_MAX;
        let stalled = now >= self.gained.1.saturating_add(STALLED_MS);
        settled && !self.peers.is_empty() && (stalled || self.peers.values().all(done))
    }

    /// Whether a page brought us further, now that all of it was handed to the chain.
    fn judge(&mut self, peer: &P, page: Page, now: Millis) {
        let Some(known) = self.peers.get_mut(peer) else { return };
        // Known shares are progress too while they lead on: the peer is showing a branch. At its end they are not, or a node
        // that holds back what its peers are on would ask them without a pause.
        let leads_on = page.more && page.height > known.shown;
        if page.linked == 0 && !leads_on {
            // What came by gossip meanwhile is nobody's failure.
            let is_even = known.claim.total_work <= self.gained.0;
            if !is_even {
                return self.on_failure(peer, now);
            }
            known.retry_at = now.saturating_add(RETRY_MS);
            (known.cursor, known.shown) = (Vec::new(), 0);
            return;
        }
        known.failures = 0;
        known.retry_at = now;
        (known.cursor, known.shown) = if page.more { (page.cursor, page.height) } else { (Vec::new(), 0) };
    }

    /// Ends a turn that is over, or that leads nowhere: no ids in time, or ids that nobody has shares for.
    fn check_turn(&mut self, ours: &Tip, now: Millis) {
        let Some(turn) = &self.turn else { return };
        let is_late = turn.answer_until.is_some_and(|until| now >= until);
        let peer = turn.peer.clone();
        if is_late || self.bodies.is_stuck(&peer, claims_more(&self.peers, ours), now) {
            self.on_failure(&peer, now);
        } else if turn.is_over(now) {
            self.turn = None;
        }
    }

    fn begin_turn(&mut self, ours: &Tip, now: Millis) -> Option<SyncRequest<P>> {
        let rank = ForkRank::new(ours.total_work, ours.id);
        let is_better = |peer: &Peer| ForkRank::new(peer.claim.total_work, peer.claim.id) > rank;
        let better = self.peers.iter_mut().filter(|(_, peer)| is_better(peer) && peer.retry_at <= now);
        let (peer, asked) = better.min_by_key(|(_, peer)| (peer.turn, Reverse(peer.claim.total_work)))?;
        self.turns = self.turns.saturating_add(1);
        asked.turn = self.turns;
        // The pause between turns is enough.
        self.bodies.readmit(peer, now);
        let (answer_until, until) = (now.saturating_add(IDS_TIMEOUT_MS), now.saturating_add(TURN_MS));
        self.turn = Some(Turn::new(peer.clone(), asked.cursor.clone(), answer_until, until));
        Some(SyncRequest::Ids { peer: peer.clone(), cursor: asked.cursor.clone() })
    }

    fn end_turn_of(&mut self, peer: &P) {
        if self.turn.take_if(|turn| turn.peer == *peer).is_some() {
            self.bodies.clear();
        }
    }
}

/// Who may have shares that we lack.
fn claims_more<P: Ord>(peers: &BTreeMap<P, Peer>, ours: &Tip) -> impl Fn(&P) -> bool {
    let ours = ours.total_work;
    move |peer| peers.get(peer).is_some_and(|known| known.claim.total_work > ours)
}

/// Pause after a failure with so many in a row before it.
fn pause_ms(failures_before: u32) -> Millis {
    2_u64.saturating_pow(failures_before).saturating_mul(RETRY_MS).min(RETRY_MS_MAX)
}

#[cfg(test)]
mod tests;
