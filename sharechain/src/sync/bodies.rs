//! Shares behind the ids that a peer has shown: which are missing, whom to ask for them, and what can go to the chain.
//!
//! ```text
//! want(ids) --> [missing | asked of a peer | here], in order --> take(): those at the front that are here
//!                  next_request(): up to 8 peers at once, 3 requests each; expire(): a silent peer's go to another
//! ```
//! An id commits to every byte of its share, so anybody may show it. Never here: more than [`WANTED_MAX`] ids, an id that is
//! asked of two peers at a time, a verdict on a share.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Millis, SYNC_IDS_MAX, SYNC_SHARES_MAX, source::Source};
use crate::hash::ShareId;

/// Most ids that are wanted at once: while one page of them is fetched the next is asked for, so that no round trip is
/// waited for. Bounds the shares that wait for one before them: 13 MB of the longest.
pub const WANTED_MAX: usize = 2 * SYNC_IDS_MAX;
/// Most peers that are asked for shares at once. More would not be faster, and each that is silent delays what it was
/// asked for (attack S7).
pub const SHARES_PEERS_MAX: usize = 8;
/// Most shares that go to the chain at once: 50 ms, in which nothing else is done.
const BATCH_MAX: usize = 500;
/// Peers that may say that they do not have a share before the one that showed its id must. Stops invented ids from being
/// asked of everybody (attack S7).
const OTHERS_ASKED_MAX: usize = 2;
/// How long an answer may take before one was seen, and least and most of it: four times the usual time of an answer. The
/// least is what a silent peer costs when others are quick, the most is below the time-out of the network.
const PATIENCE_MS: Millis = 3_000;
const PATIENCE_MS_MIN: Millis = 1_000;
const PATIENCE_MS_MAX: Millis = 8_000;
#[derive(Debug)]
enum Body<P, B> {
    Missing,
    Asked(P),
    Here(B),
}

#[derive(Debug)]
struct Wanted<P, B> {
    id: ShareId,
    /// Who was asked and does not have it.
    lacked_by: Vec<P>,
    body: Body<P, B>,
}

/// See the module. `P` names peers, `B` is a share.
#[derive(Debug)]
pub(super) struct Bodies<P, B> {
    wanted: VecDeque<Wanted<P, B>>,
    /// Where an id is, counted from the first that was ever wanted.
    places: BTreeMap<ShareId, usize>,
    /// Ids that have left at the front.
    taken: usize,
    /// Wanted ids that nobody is asked for.
    missing: usize,
    sources: BTreeMap<P, Source>,
    turns: u64,
    patience: Millis,
}

impl<P, B> Default for Bodies<P, B> {
    fn default() -> Self {
        Self {
            wanted: VecDeque::new(),
            places: BTreeMap::new(),
            taken: 0,
            missing: 0,
            sources: BTreeMap::new(),
            turns: 0,
            patience: PATIENCE_MS,
        }
    }
}

impl<P: Ord + Clone, B> Bodies<P, B> {
    /// A peer is there.
    pub(super) fn add_peer(&mut self, peer: P) {
        self.sources.entry(peer).or_default();
    }

    /// A peer left.
    pub(super) fn remove_peer(&mut self, peer: &P) {
        self.free(peer, |_| true);
        self.sources.remove(peer);
    }

    /// Wants these ids after all others, as many of them as were not wanted yet; gives their number.
    pub(super) fn want(&mut self, ids: impl IntoIterator<Item = ShareId>) -> usize {
        let before = self.wanted.len();
        for id in ids {
            if self.wanted.len() < WANTED_MAX && !self.places.contains_key(&id) {
                self.places.insert(id, self.taken.saturating_add(self.wanted.len()));
                self.wanted.push_back(Wanted { id, lacked_by: Vec::new(), body: Body::Missing });
            }
        }
        let added = self.wanted.len().saturating_sub(before);
        self.missing = self.missing.saturating_add(added);
        added
    }

    /// Whether another page of ids may be asked for.
    pub(super) fn has_room(&self) -> bool {
        self.wanted.len().saturating_add(SYNC_IDS_MAX) <= WANTED_MAX
    }

    /// Wants nothing any more. What is on its way is not waited for.
    pub(super) fn clear(&mut self) {
        self.wanted.clear();
        self.places.clear();
        self.missing = 0;
        for source in self.sources.values_mut() {
            source.requests.clear();
        }
    }

    /// A peer answered a request for `asked` with `shares`; those that are still wanted are kept.
    pub(super) fn on_shares(&mut self, peer: &P, asked: &BTreeSet<ShareId>, shares: Vec<(ShareId, B)>, now: Millis) {
        let is_late = !self.close(peer, asked, now);
        let mut shown = BTreeSet::new();
        for (id, share) in shares.into_iter().filter(|(id, _)| asked.contains(id)) {
            shown.insert(id);
            self.keep(&id, share);
        }
        let lacks = |id: &ShareId| asked.contains(id) && !shown.contains(id);
        // What a later request to the same peer asks for again is still on its way.
        if !is_late {
            self.free(peer, lacks);
        }
        for id in asked.iter().filter(|id| lacks(id)) {
            if let Some(wanted) = self.find(id).filter(|wanted| !wanted.lacked_by.contains(peer)) {
                wanted.lacked_by.push(peer.clone());
            }
        }
        // A peer that has little of it costs more than it brings.
        let is_useful = shown.len() >= asked.len().div_ceil(2);
        match self.sources.get_mut(peer) {
            Some(source) if is_useful => (source.is_proven, source.failures, source.retry_at) = (true, 0, now),
            _ => self.suspend(peer, now),
        }
    }

    /// A request for these ids failed.
    pub(super) fn on_failure(&mut self, peer: &P, asked: &BTreeSet<ShareId>, now: Millis) {
        let Some(source) = self.sources.get_mut(peer) else { return };
        if source.take_request(asked).is_some() {
            self.free(peer, |id| asked.contains(id));
            self.suspend(peer, now);
        }
    }

    /// Everything that a peer was asked for is asked of others, and it is not asked for a while.
    pub(super) fn give_up_on(&mut self, peer: &P, now: Millis) {
        self.free(peer, |_| true);
        if let Some(source) = self.sources.get_mut(peer) {
            source.requests.clear();
            self.suspend(peer, now);
        }
    }

    /// A peer may be asked again at once.
    pub(super) fn readmit(&mut self, peer: &P, now: Millis) {
        if let Some(source) = self.sources.get_mut(peer) {
            source.retry_at = source.retry_at.min(now);
        }
    }

    /// Gives up on peers that have not answered in time.
    pub(super) fn expire(&mut self, now: Millis) {
        let patience = self.patience;
        let oldest = |source: &Source| source.requests.front().map(|request| request.asked_at);
        let is_late = |source: &Source| oldest(source).is_some_and(|asked| asked.saturating_add(patience) <= now);
        let late: Vec<P> =
            self.sources.iter().filter(|(_, source)| is_late(source)).map(|(peer, _)| peer.clone()).collect();
        for peer in late {
            if let Some(source) = self.sources.get_mut(&peer) {
                source.overdue = source.overdue.or_else(|| oldest(source));
            }
            self.give_up_on(&peer, now);
        }
    }

    /// The next request for shares, if there is one to be made. `is_eligible` says who may have them; the peer that showed
    /// the ids always may.
    pub(super) fn next_request(
        &mut self,
        shown_by: &P,
        is_eligible: impl Fn(&P) -> bool,
        now: Millis,
    ) -> Option<(P, Vec<ShareId>)> {
        if self.missing == 0 {
            return None;
        }
        let busy = self.sources.values().filter(|source| !source.requests.is_empty()).count();
        let may_ask =
            |source: &Source| source.has_room(now) && (busy < SHARES_PEERS_MAX || !source.requests.is_empty());
        let free =
            self.sources.iter().filter(|(peer, source)| may_ask(source) && (*peer == shown_by || is_eligible(peer)));
        let mut free: Vec<_> = free
            .map(|(peer, source)| (source.requests.len(), peer != shown_by, source.failures, source.turn, peer.clone()))
            .collect();
        free.sort_unstable();
        let (peer, ids) = free.into_iter().find_map(|(.., peer)| {
            let ids = self.missing_at(&peer, shown_by);
            (!ids.is_empty()).then_some((peer, ids))
        })?;
        for id in &ids {
            if let Some(wanted) = self.find(id) {
                wanted.body = Body::Asked(peer.clone());
            }
        }
        self.missing = self.missing.saturating_sub(ids.len());
        self.turns = self.turns.saturating_add(1);
        let source = self.sources.get_mut(&peer)?;
        source.turn = self.turns;
        source.note_request(ids.clone(), now);
        Some((peer, ids))
    }

    /// Whether nobody is left who could show the first missing share.
    pub(super) fn is_stuck(&self, shown_by: &P, is_eligible: impl Fn(&P) -> bool, now: Millis) -> bool {
        if self.missing == 0 {
            return false;
        }
        let first = self.wanted.iter().find(|wanted| matches!(wanted.body, Body::Missing));
        first.is_some_and(|wanted| {
            !self.sources.iter().any(|(peer, source)| {
                (peer == shown_by || is_eligible(peer)) && source.retry_at <= now && wanted.may_be_at(peer, shown_by)
            })
        })
    }

    /// Whether the first share is here.
    pub(super) fn is_next_here(&self) -> bool {
        self.wanted.front().is_some_and(|wanted| matches!(wanted.body, Body::Here(_)))
    }

    /// Shares at the front that are here, at most `len_max`.
    pub(super) fn take(&mut self, len_max: usize) -> Vec<B> {
        let mut shares = Vec::new();
        while shares.len() < len_max.min(BATCH_MAX) {
            let Some(first) = self.wanted.pop_front() else { break };
            match first.body {
                Body::Here(share) => {
                    self.places.remove(&first.id);
                    self.taken = self.taken.saturating_add(1);
                    shares.push(share);
                }
                Body::Missing | Body::Asked(_) => {
                    self.wanted.push_front(first);
                    break;
                }
            }
        }
        shares
    }

    /// When something is due without an event: a request is late, or a peer may be asked again.
    pub(super) fn due(&self) -> impl Iterator<Item = Millis> + '_ {
        let is_needed = self.missing > 0;
        self.sources.values().flat_map(move |source| {
            let late = source.requests.front().map(|request| request.asked_at.saturating_add(self.patience));
            late.into_iter().chain(source.next_chances().into_iter().filter(move |_| is_needed))
        })
    }

    /// The first missing ids, in order, that this peer may be asked for.
    fn missing_at(&self, peer: &P, shown_by: &P) -> Vec<ShareId> {
        let missing = self.wanted.iter().filter(|wanted| matches!(wanted.body, Body::Missing));
        missing
            .filter(|wanted| wanted.may_be_at(peer, shown_by))
            .take(SYNC_SHARES_MAX)
            .map(|wanted| wanted.id)
            .collect()
    }

    /// Closes the request that was answered, and learns how long an answer takes. False when there is none any more.
    fn close(&mut self, peer: &P, asked: &BTreeSet<ShareId>, now: Millis) -> bool {
        let Some(source) = self.sources.get_mut(peer) else { return false };
        let request = source.take_request(asked);
        // On a slow line everybody is late, and then all are given more time.
        let asked_at = request.as_ref().map(|request| request.asked_at).or_else(|| source.overdue.take());
        if let Some(asked_at) = asked_at {
            let usual = now.saturating_sub(asked_at).saturating_mul(4).clamp(PATIENCE_MS_MIN, PATIENCE_MS_MAX);
            self.patience = self.patience.saturating_mul(7).saturating_add(usual) >> 3_u32;
        }
        request.is_some()
    }

    fn keep(&mut self, id: &ShareId, share: B) {
        let Some(wanted) = self.find(id) else { return };
        let was_missing = matches!(wanted.body, Body::Missing);
        if !matches!(wanted.body, Body::Here(_)) {
            wanted.body = Body::Here(share);
        }
        self.missing = self.missing.saturating_sub(usize::from(was_missing));
    }

    /// What this peer was asked for is missing again, as far as `which` says.
    fn free(&mut self, peer: &P, which: impl Fn(&ShareId) -> bool) {
        for wanted in &mut self.wanted {
            if matches!(&wanted.body, Body::Asked(asked) if asked == peer) && which(&wanted.id) {
                wanted.body = Body::Missing;
                self.missing = self.missing.saturating_add(1);
            }
        }
    }

    fn suspend(&mut self, peer: &P, now: Millis) {
        if let Some(source) = self.sources.get_mut(peer) {
            source.suspend(now);
        }
    }

    fn find(&mut self, id: &ShareId) -> Option<&mut Wanted<P, B>> {
        let place = self.places.get(id)?.checked_sub(self.taken)?;
        self.wanted.get_mut(place)
    }
}

impl<P: PartialEq, B> Wanted<P, B> {
    fn may_be_at(&self, peer: &P, shown_by: &P) -> bool {
        !self.lacked_by.contains(peer) && (peer == shown_by || self.lacked_by.len() < OTHERS_ASKED_MAX)
    }
}

/// What tests look at.
#[cfg(test)]
impl<P: Ord + Clone + std::fmt::Debug, B> Bodies<P, B> {
    pub(super) fn len(&self) -> usize {
        self.wanted.len()
    }

    /// Every bound holds, and every id is asked of one peer, in one request, at a time.
    pub(super) fn assert_consistent(&self) {
        assert!(self.wanted.len() <= WANTED_MAX && self.places.len() == self.wanted.len());
        let busy = self.sources.values().filter(|source| !source.requests.is_empty());
        assert!(busy.count() <= SHARES_PEERS_MAX);
        let mut asked = BTreeMap::new();
        for (peer, source) in &self.sources {
            assert!(source.requests.len() <= super::SHARES_REQUESTS_MAX);
            for request in &source.requests {
                assert!((1..=SYNC_SHARES_MAX).contains(&request.ids.len()));
                for id in &request.ids {
                    assert_eq!(asked.insert(*id, peer.clone()), None, "asked twice");
                }
            }
        }
        for wanted in &self.wanted {
            if let Body::Asked(peer) = &wanted.body {
                assert_eq!(asked.get(&wanted.id), Some(peer), "asked of somebody who is not asked");
            }
        }
        let missing = self.wanted.iter().filter(|wanted| matches!(wanted.body, Body::Missing));
        assert_eq!(missing.count(), self.missing);
    }
}
