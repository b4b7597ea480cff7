//! One peer's turn to show the order of shares: the pages of ids that it has shown and what became of them.
//!
//! Pages are judged in order, each when its last share was handed to the chain. A turn ends when the peer has no more, when
//! its time is over, or with the first page that brings us nowhere.

use std::collections::VecDeque;

use super::Millis;
use crate::hash::ShareId;

/// What was handed to the chain, and from whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch<P, B> {
    /// Who showed the ids; the shares may be from anybody.
    pub shown_by: P,
    /// Shares in canonical order, at most 500.
    pub shares: Vec<B>,
    /// Whether these are the first of a turn.
    pub begins_turn: bool,
    /// At the end of a page: whether the peer has more after it.
    pub page_ends: Option<bool>,
}

/// What the chain made of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fed {
    /// How many of its shares were new and are linked.
    pub linked: usize,
    /// Greatest height of its shares that are linked.
    pub height: u64,
    /// The history that the peer shows is not looked at any further.
    pub is_refused: bool,
}

/// A page of ids.
#[derive(Debug)]
pub(super) struct Page {
    /// Shares that the chain has not had yet.
    pub(super) left: usize,
    pub(super) linked: usize,
    /// Greatest height of its shares that are linked, those that were before included.
    pub(super) height: u64,
    /// Its newest ids, newest first: where the peer's next page goes on.
    pub(super) cursor: Vec<ShareId>,
    /// Whether the peer has more.
    pub(super) more: bool,
    /// Shares that are with the chain now.
    pub(super) handed: usize,
}

/// The turn of a peer.
#[derive(Debug)]
pub(super) struct Turn<P> {
    pub(super) peer: P,
    /// Until when it has to answer the question for ids.
    pub(super) answer_until: Option<Millis>,
    /// Until when it may be asked for another page.
    pub(super) until: Millis,
    pub(super) pages: VecDeque<Page>,
    pub(super) has_begun: bool,
    /// Whether there is more after its newest page.
    more: bool,
    /// After what to ask.
    pub(super) cursor: Vec<ShareId>,
}

impl<P> Turn<P> {
    pub(super) const fn new(peer: P, cursor: Vec<ShareId>, answer_until: Millis, until: Millis) -> Self {
        Self {
            peer,
            answer_until: Some(answer_until),
            until,
            pages: VecDeque::new(),
            has_begun: false,
            more: false,
            cursor,
        }
    }

    pub(super) fn add(&mut self, page: Page) {
        self.answer_until = None;
        self.more = page.more;
        self.cursor.clone_from(&page.cursor);
        self.pages.push_back(page);
    }

    /// Whether the next page may be asked for.
    pub(super) const fn may_ask(&self, now: Millis) -> bool {
        self.answer_until.is_none() && self.more && now < self.until
    }

    /// Whether nothing is to come.
    pub(super) fn is_over(&self, now: Millis) -> bool {
        self.answer_until.is_none() && self.pages.is_empty() && !self.may_ask(now)
    }
}
