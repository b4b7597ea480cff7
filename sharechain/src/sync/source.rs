//! A peer as a source of shares: how often and how much it is asked, and when it is left alone.
//!
//! Never here: which shares those are, and whether they are any good.

use std::collections::{BTreeSet, VecDeque};

use super::{Millis, pause_ms};
use crate::hash::ShareId;

/// Most requests for shares that one peer has before it, once it has shown some: one on its way there, one that is looked up,
/// one on its way back.
pub const SHARES_REQUESTS_MAX: usize = 3;
/// Requests to one peer in a second. A node disconnects who asks 400 times in 10 s.
pub(super) const ASKS_PER_SEC_MAX: u32 = 30;

/// A request that is not answered yet.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) ids: Vec<ShareId>,
    pub(super) asked_at: Millis,
}

/// What a peer was asked for, and how it answers.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) requests: VecDeque<Request>,
    /// When the oldest request was made that it let pass and has not answered since.
    pub(super) overdue: Option<Millis>,
    pub(super) failures: u32,
    pub(super) retry_at: Millis,
    /// Whether its last answer brought what was asked for.
    pub(super) is_proven: bool,
    /// When it was last asked, in requests to anybody.
    pub(super) turn: u64,
    /// The current second of the request rate, and the requests in it.
    window: (Millis, u32),
}

impl Source {
    /// A peer that has shown nothing yet has one request, so that a silent one holds up little.
    pub(super) fn has_room(&self, now: Millis) -> bool {
        let requests_max = if self.is_proven { SHARES_REQUESTS_MAX } else { 1 };
        let is_slow_enough = self.window.1 < ASKS_PER_SEC_MAX || now >= self.window.0.saturating_add(1_000);
        self.retry_at <= now && self.requests.len() < requests_max && is_slow_enough
    }

    pub(super) fn note_request(&mut self, ids: Vec<ShareId>, now: Millis) {
        if now >= self.window.0.saturating_add(1_000) {
            self.window = (now, 0);
        }
        self.window.1 = self.window.1.saturating_add(1);
        self.requests.push_back(Request { ids, asked_at: now });
    }

    /// The open request for exactly these shares: a late answer must not close another one.
    pub(super) fn take_request(&mut self, asked: &BTreeSet<ShareId>) -> Option<Request> {
        let is_it =
            |request: &Request| request.ids.len() == asked.len() && request.ids.iter().all(|id| asked.contains(id));
        let place = self.requests.iter().position(is_it)?;
        self.requests.remove(place)
    }

    /// It is asked for nothing for a while.
    pub(super) fn suspend(&mut self, now: Millis) {
        if self.retry_at <= now {
            self.retry_at = now.saturating_add(pause_ms(self.failures));
            self.failures = self.failures.saturating_add(1);
            self.is_proven = false;
        }
    }

    /// When it may be asked again, as far as its pause and its rate decide.
    pub(super) fn next_chances(&self) -> [Millis; 2] {
        [self.retry_at, self.window.0.saturating_add(1_000)]
    }
}
