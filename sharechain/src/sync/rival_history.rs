//! Histories that do not meet: what a peer shows begins below everything we have, or beside it.
//!
//! Nobody keeps a share chain from its beginning, so a peer may answer our locator with a start from the middle. A node with
//! nothing begins there. A node with shares of its own downloads the other history beside its own, checks it in full, and
//! goes over to it when it has more work that cannot have been mined in advance ([`ShareChain::fresh_work`]): what a
//! history claims to weigh, nobody can check.

use std::sync::Arc;

use crate::{
    chain::{Origin, ParentBlock, ShareChain, UnixTime, Verdict},
    hash::ShareId,
    sync::{Batch, Fed},
    validate::CheckedShare,
};

/// Time for a peer to show its history. Stops a slow one from keeping the place, while others who are worth more wait; the
/// windows of a main network take minutes.
const SHOW_SECS_MAX: u64 = 1_800;
/// New shares of a page that promises more. Stops a peer from keeping the place with one share at a time; honest pages
/// are full.
const NEW_SHARES_MIN: usize = 32;

/// The history that is being downloaded beside our own: one at a time, and no longer than what a new node is shown, so
/// memory is bounded by two chains.
#[derive(Debug)]
pub struct RivalHistory<P> {
    candidate: Option<Candidate<P>>,
}

#[derive(Debug)]
struct Candidate<P> {
    shown_by: P,
    chain: Box<ShareChain>,
    /// Shares that were new in it so far.
    shown: usize,
    /// Those of the current page.
    shown_of_page: usize,
    /// When it has to be complete.
    until: UnixTime,
}

/// What became of a batch.
#[derive(Debug)]
pub struct Taken {
    /// For [`crate::sync::Sync::on_batch`].
    pub fed: Fed,
    /// The chain is another one now, and these shares of the old one are not part of it.
    pub replaced: Option<Vec<ShareId>>,
}

/// Shares in order, from one peer's turn.
type Shown<P> = Batch<P, Arc<CheckedShare>>;

const REFUSED: Taken = Taken { fed: Fed { linked: 0, height: 0, is_refused: true }, replaced: None };

impl<P> Default for RivalHistory<P> {
    fn default() -> Self {
        Self { candidate: None }
    }
}

impl<P: PartialEq + Clone> RivalHistory<P> {
    /// The locator for a question to this peer: in the history that it is showing.
    pub fn locator(&self, chain: &ShareChain, peer: &P, cursor: &[ShareId]) -> Vec<ShareId> {
        self.shown_to(chain, peer).locator(cursor)
    }

    /// Height of a share, if it is linked in the history that this peer is showing.
    pub fn height_of(&self, chain: &ShareChain, peer: &P, id: &ShareId) -> Option<u64> {
        self.shown_to(chain, peer).height_of(id)
    }

    /// Takes what a peer has shown into `chain`, or into the history that the peer is showing.
    pub fn take(&mut self, chain: &mut ShareChain, batch: &Shown<P>, now: UnixTime) -> Taken {
        let first = batch.shares.first().filter(|_| batch.begins_turn);
        if self.is_shown_by(&batch.shown_by) {
            return self.go_on(chain, batch, now);
        }
        let connects =
            |share: &Arc<CheckedShare>| [share.id(), share.share().data.parent].iter().any(|id| chain.is_linked(id));
        // Only at the beginning of a turn: later shares that do not connect follow one that was refused.
        let Some(first) = first.filter(|first| !connects(first)) else {
            return Taken { fed: feed(chain, &batch.shares, now), replaced: None };
        };
        if chain.is_empty() {
            *chain = chain.history_from(first.clone());
            return Taken { fed: feed(chain, &batch.shares, now), replaced: Some(Vec::new()) };
        }
        if self.candidate.as_ref().is_some_and(|candidate| now < candidate.until) {
            // Another history is being shown already: this peer is asked again later.
            return REFUSED;
        }
        self.candidate = Some(Candidate {
            shown_by: batch.shown_by.clone(),
            chain: Box::new(chain.history_from(first.clone())),
            shown: 0,
            shown_of_page: 0,
            until: now.saturating_add(SHOW_SECS_MAX),
        });
        self.go_on(chain, batch, now)
    }

    /// The peer left, or did not answer.
    pub fn on_gone(&mut self, peer: &P) {
        if self.is_shown_by(peer) {
            self.candidate = None;
        }
    }

    /// The own daemon has this block.
    pub fn on_parent_block(&mut self, block: ParentBlock, now: UnixTime) {
        if let Some(candidate) = &mut self.candidate {
            candidate.chain.on_parent_block(block, now);
        }
    }

    fn is_shown_by(&self, peer: &P) -> bool {
        self.candidate.as_ref().is_some_and(|candidate| candidate.shown_by == *peer)
    }

    fn shown_to<'a>(&'a self, chain: &'a ShareChain, peer: &P) -> &'a ShareChain {
        let candidate = self.candidate.as_ref().filter(|candidate| candidate.shown_by == *peer);
        candidate.map_or(chain, |candidate| &candidate.chain)
    }

    fn go_on(&mut self, chain: &mut ShareChain, batch: &Shown<P>, now: UnixTime) -> Taken {
        let Some(mut candidate) = self.candidate.take() else { return REFUSED };
        let fed = feed(&mut candidate.chain, &batch.shares, now);
        candidate.shown = candidate.shown.saturating_add(fed.linked);
        candidate.shown_of_page = candidate.shown_of_page.saturating_add(fed.linked);
        if batch.page_ends != Some(false) && candidate.shown < chain.shown_max() {
            if batch.page_ends == Some(true) && std::mem::take(&mut candidate.shown_of_page) < NEW_SHARES_MIN {
                return REFUSED;
            }
            self.candidate = Some(candidate);
            return Taken { fed, replaced: None };
        }
        let mut shown = *candidate.chain;
        if !shown.has_window() || shown.fresh_work() <= chain.fresh_work() {
            return REFUSED;
        }
        let old = std::mem::replace(chain, shown);
        Taken { fed, replaced: Some(old.linked_ids().filter(|id| !chain.is_linked(id)).collect()) }
    }
}

fn feed(chain: &mut ShareChain, shares: &[Arc<CheckedShare>], now: UnixTime) -> Fed {
    let mut fed = Fed::default();
    for share in shares {
        let verdict = chain.handle(share.clone(), Origin::Live, now);
        fed.linked = fed.linked.saturating_add(usize::from(matches!(verdict, Verdict::Valid | Verdict::NotYet(_))));
    }
    // What was known counts too: it may lead on.
    fed.height = shares.iter().filter_map(|share| chain.height_of(&share.id())).max().unwrap_or_default();
    fed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        hash::BlockHash,
        params::Params,
        sync::{Sync, SyncRequest, TipClaim},
        target::Work,
        testing::{self, GENESIS_TIME, Miner},
    };

    const NOW: UnixTime = 1_900_000_000;
    const PAGE: usize = 40;

    fn block(height: u8) -> ParentBlock {
        ParentBlock {
            hash: BlockHash::from_bytes([height; 32]),
            height: u32::from(height),
            next_bits: None,
            value_max: None,
        }
    }

    /// A chain whose daemon has blocks up to height 200.
    fn with_daemon(params: &Arc<Params>) -> ShareChain {
        let mut chain = ShareChain::new(params.clone());
        (1..=200).for_each(|height| chain.on_parent_block(block(height), NOW));
        chain
    }

    /// A chain of `shares` shares of so much work, mined on a parent block.
    fn history(
        params: &Arc<Params>,
        shares: u32,
        work: u128,
        on: u8,
        tag: u64,
    ) -> (ShareChain, Vec<Arc<CheckedShare>>) {
        let mut chain = with_daemon(params);
        chain.on_parent_block(block(on), NOW);
        let mut miner = Miner::new(params.clone(), tag);
        miner.share_work = Work::from_hashes(work);
        miner.work.prev_block = block(on).hash;
        miner.work.block_height = u32::from(on) + 1;
        let shares = (1..=shares).map(|second| {
            let share = miner.mine(&mut chain, GENESIS_TIME + second);
            assert_eq!(chain.handle(share.clone(), Origin::Live, NOW), Verdict::Valid);
            share
        });
        let shares = shares.collect();
        (chain, shares)
    }

    /// Lets `chain` fetch from `server` until it is not asked any more; whether it became another chain.
    fn fetch(chain: &mut ShareChain, server: &ShareChain, shares: &[Arc<CheckedShare>]) -> bool {
        let (mut rivals, mut sync) = (RivalHistory::default(), Sync::default());
        let tip = server.tip();
        // A history may claim whatever it likes.
        sync.on_tip('s', TipClaim { id: tip.id, height: tip.height, total_work: Work::MAX }, 0);
        let mut replaced = false;
        let mut now = 0;
        for _ in 0..30 {
            now += 400_000;
            while let Some(request) = sync.poll(&chain.tip(), now) {
                match request {
                    SyncRequest::Ids { peer, cursor } => {
                        let ids = server.order_after(&rivals.locator(chain, &peer, &cursor), PAGE);
                        sync.on_ids(&peer, &ids, ids.len() == PAGE, |id| rivals.height_of(chain, &peer, id));
                    }
                    SyncRequest::Shares { peer, ids } => {
                        let get = |id: &ShareId| shares.iter().find(|share| share.id() == *id).unwrap().clone();
                        let answer = ids.iter().map(|id| (*id, get(id))).collect();
                        sync.on_shares(&peer, &ids.into_iter().collect(), answer, now);
                    }
                }
                while let Some(batch) = sync.next_batch() {
                    let taken = rivals.take(chain, &batch, NOW);
                    replaced |= taken.replaced.is_some();
                    sync.on_batch(taken.fed, now);
                }
            }
        }
        replaced
    }

    #[test]
    fn an_empty_node_begins_in_the_middle() {
        let params = testing::short_params(30);
        let (server, shares) = history(&params, 400, 2, 200, 1);
        assert!(server.first_height() > 250);
        let mut chain = with_daemon(&params);
        assert!(fetch(&mut chain, &server, &shares));
        assert_eq!(chain.tip(), server.tip());
        assert!(chain.has_window() && chain.first_height() > 250);
        assert_eq!(
            chain.fresh_work(),
            server.fresh_work().map(|_| Work::from_hashes(2 * (chain.len() as u128 - 1))),
            "all but the first, whose claims are only believed"
        );
    }

    #[test]
    fn a_node_goes_over_to_the_history_with_more_fresh_work() {
        let params = testing::short_params(30);
        let (server, shares) = history(&params, 400, 2, 200, 1);
        let (mut chain, own) = history(&params, 20, 2, 200, 2);
        assert!(fetch(&mut chain, &server, &shares));
        assert_eq!(chain.tip(), server.tip());
        assert!(!chain.is_linked(&own[19].id()));
    }

    #[test]
    fn with_equal_fresh_work_a_node_stays_where_it_is() {
        let params = testing::short_params(30);
        let (server, shares) = history(&params, 400, 2, 200, 1);
        let mut new_node = with_daemon(&params);
        fetch(&mut new_node, &server, &shares);
        let shown = u32::try_from(new_node.fresh_work().unwrap().hashes() / 2).unwrap();
        for (own, goes_over) in [(shown, false), (shown - 1, true)] {
            let (mut chain, _) = history(&params, own, 2, 200, 2);
            assert_eq!(fetch(&mut chain, &server, &shares), goes_over, "{own} of {shown}");
        }
    }

    #[test]
    fn work_that_was_mined_in_advance_counts_nothing() {
        let params = testing::short_params(30);
        // 64 times the work of ours, on a block that was the newest one long ago.
        let (server, shares) = history(&params, 400, 128, 30, 1);
        let (mut chain, _) = history(&params, 20, 2, 200, 2);
        let ours = chain.tip();
        assert_eq!(server.fresh_work(), Some(Work::ZERO));
        assert!(!fetch(&mut chain, &server, &shares));
        assert_eq!(chain.tip(), ours);
    }

    /// A page that begins a turn.
    fn page(shown_by: char, shares: &[Arc<CheckedShare>], more: bool) -> Shown<char> {
        Batch { shown_by, shares: shares.to_vec(), begins_turn: true, page_ends: Some(more) }
    }

    /// A short chain, and what a node with a longer history shows it, in order.
    fn shown() -> (ShareChain, Vec<Arc<CheckedShare>>) {
        let params = testing::short_params(30);
        let (server, shares) = history(&params, 400, 2, 200, 1);
        let (chain, _) = history(&params, 20, 2, 200, 2);
        let ids = server.order_after(&chain.locator(&[]), usize::MAX);
        (chain, shares.into_iter().filter(|share| ids.contains(&share.id())).collect())
    }

    #[test]
    fn a_block_that_comes_while_a_history_is_shown_counts_for_it() {
        let params = testing::short_params(30);
        let (server, shares) = history(&params, 400, 2, 201, 1);
        let (mut chain, _) = history(&params, 20, 2, 200, 2);
        let ids = server.order_after(&chain.locator(&[]), usize::MAX);
        let shown: Vec<_> = shares.into_iter().filter(|share| ids.contains(&share.id())).collect();
        let mut rivals = RivalHistory::default();
        let (first, rest) = shown.split_at(PAGE);
        assert!(rivals.take(&mut chain, &page('a', first, true), NOW).replaced.is_none());
        rivals.on_parent_block(block(201), NOW);
        chain.on_parent_block(block(201), NOW);
        assert!(rivals.take(&mut chain, &page('a', rest, false), NOW).replaced.is_some());
        assert_eq!(chain.tip(), server.tip());
    }

    #[test]
    fn a_peer_that_leaves_frees_the_place_for_another() {
        let (mut chain, shown) = shown();
        let mut rivals = RivalHistory::default();
        let first = &shown[..PAGE];
        rivals.take(&mut chain, &page('a', first, true), NOW);
        rivals.take(&mut chain, &page('b', first, true), NOW);
        assert!(rivals.is_shown_by(&'a') && !rivals.is_shown_by(&'b'));
        // Each is asked to go on in what it shows.
        let locator = |peer| rivals.locator(&chain, &peer, &[]);
        assert_eq!(locator('b'), chain.locator(&[]));
        assert_eq!(locator('a')[0], first.iter().max_by_key(|share| share.share().data.height).unwrap().id());
        rivals.on_gone(&'b');
        assert!(rivals.is_shown_by(&'a'));
        rivals.on_gone(&'a');
        rivals.take(&mut chain, &page('b', first, true), NOW);
        assert!(rivals.is_shown_by(&'b'));
    }

    #[test]
    fn a_peer_that_dawdles_loses_the_place() {
        let (mut chain, shown) = shown();
        let mut rivals = RivalHistory::default();
        rivals.take(&mut chain, &page('a', &shown[..PAGE], true), NOW);
        rivals.take(&mut chain, &page('a', &shown[PAGE..PAGE + NEW_SHARES_MIN], true), NOW);
        assert!(rivals.is_shown_by(&'a'));
        rivals.take(&mut chain, &page('b', &shown[..PAGE], true), NOW + SHOW_SECS_MAX - 1);
        assert!(rivals.is_shown_by(&'a'));
        rivals.take(&mut chain, &page('b', &shown[..PAGE], true), NOW + SHOW_SECS_MAX);
        assert!(rivals.is_shown_by(&'b'), "it took too long");
        let few = &shown[PAGE..PAGE + NEW_SHARES_MIN - 1];
        rivals.take(&mut chain, &page('b', few, true), NOW + SHOW_SECS_MAX);
        assert!(!rivals.is_shown_by(&'b'), "it promised more and brought little");
    }

    #[test]
    fn a_history_without_an_end_is_judged_by_what_a_new_node_is_shown() {
        let params = testing::short_params(30);
        let (mut chain, _) = history(&params, 20, 2, 200, 2);
        let most = chain.shown_max();
        assert_eq!(most, 30 * 2 + (2 * 4 + 2 * 4) * 65 + 65);
        let (_, shares) = history(&params, u32::try_from(most).unwrap() + 60, 2, 200, 1);
        let mut rivals = RivalHistory::default();
        let mut judged_at = None;
        // From the middle, so that it does not connect.
        for (number, shown) in shares[20..].chunks(PAGE).enumerate() {
            rivals.take(&mut chain, &page('a', shown, true), NOW);
            if !rivals.is_shown_by(&'a') {
                judged_at = Some((number + 1) * PAGE);
                break;
            }
        }
        assert!(judged_at.is_some_and(|at| (most..most + PAGE).contains(&at)), "{judged_at:?}");
    }
}
