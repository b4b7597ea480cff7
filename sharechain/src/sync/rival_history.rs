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
    sync::{Page, SyncRequest},
    validate::CheckedShare,
};

/// Time for a peer to show its history. Stops a slow one from keeping the place, while others who are worth more wait; the
/// windows of a main network take minutes.
const SHOW_SECS_MAX: u64 = 1_800;
/// New shares of an answer that promises more. Stops a peer from keeping the place with one share at a time; honest answers
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
    /// When it has to be complete.
    until: UnixTime,
}

/// What became of an answer.
#[derive(Debug)]
pub struct Taken {
    /// For [`crate::sync::Sync::on_page`].
    pub page: Page,
    /// The chain is another one now, and these shares of the old one are not part of it.
    pub replaced: Option<Vec<ShareId>>,
}

impl<P> Default for RivalHistory<P> {
    fn default() -> Self {
        Self { candidate: None }
    }
}

impl<P: PartialEq + Clone> RivalHistory<P> {
    /// The locator for a request: in the history that this peer is showing.
    pub fn locator(&self, chain: &ShareChain, request: &SyncRequest<P>) -> Vec<ShareId> {
        match &self.candidate {
            Some(candidate) if candidate.shown_by == request.peer => candidate.chain.locator(&request.cursor),
            _ => chain.locator(&request.cursor),
        }
    }

    /// Takes a peer's answer into `chain`, or into the history that the peer is showing.
    pub fn take(
        &mut self,
        chain: &mut ShareChain,
        peer: &P,
        shares: &[Arc<CheckedShare>],
        more: bool,
        now: UnixTime,
    ) -> Taken {
        let Some(first) = shares.first().filter(|_| !self.is_shown_by(peer)) else {
            return self.go_on(chain, peer, shares, more, now);
        };
        let connects = [first.id(), first.share().data.parent].iter().any(|id| chain.is_linked(id));
        if connects {
            return Taken { page: feed(chain, shares, more, now), replaced: None };
        }
        if chain.is_empty() {
            *chain = chain.history_from(first.clone());
            return Taken { page: feed(chain, shares, more, now), replaced: Some(Vec::new()) };
        }
        if self.candidate.as_ref().is_none_or(|candidate| now >= candidate.until) {
            let (beginning, until) = (chain.history_from(first.clone()), now.saturating_add(SHOW_SECS_MAX));
            self.candidate = Some(Candidate { shown_by: peer.clone(), chain: Box::new(beginning), shown: 0, until });
        }
        self.go_on(chain, peer, shares, more, now)
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

    fn go_on(
        &mut self,
        chain: &mut ShareChain,
        peer: &P,
        shares: &[Arc<CheckedShare>],
        more: bool,
        now: UnixTime,
    ) -> Taken {
        let Some(mut candidate) = self.candidate.take_if(|candidate| candidate.shown_by == *peer) else {
            // Another history is being shown already, or the peer has nothing: it is asked again later.
            return Taken { page: feed(chain, &[], more, now), replaced: None };
        };
        let page = feed(&mut candidate.chain, shares, more, now);
        candidate.shown = candidate.shown.saturating_add(page.linked);
        if more && candidate.shown < chain.shown_max() {
            if page.linked < NEW_SHARES_MIN {
                return Taken { page: feed(chain, &[], more, now), replaced: None };
            }
            self.candidate = Some(candidate);
            return Taken { page, replaced: None };
        }
        let mut shown = *candidate.chain;
        let is_better = shown.has_window() && shown.fresh_work() > chain.fresh_work();
        let replaced = is_better.then(|| {
            let old = std::mem::replace(chain, shown);
            old.linked_ids().filter(|id| !chain.is_linked(id)).collect()
        });
        Taken { page, replaced }
    }
}

fn feed(chain: &mut ShareChain, shares: &[Arc<CheckedShare>], more: bool, now: UnixTime) -> Page {
    let mut linked = 0_usize;
    for share in shares {
        let verdict = chain.handle(share.clone(), Origin::Live, now);
        linked = linked.saturating_add(usize::from(matches!(verdict, Verdict::Valid | Verdict::NotYet(_))));
    }
    Page::new(shares, linked, more, |id| chain.is_linked(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        hash::BlockHash,
        params::{ConsensusParams, Params},
        sync::{Sync, TipClaim},
        target::Work,
        testing::{self, GENESIS_TIME, Miner},
    };

    const NOW: UnixTime = 1_900_000_000;
    const PAGE: usize = 40;

    fn short_params() -> Arc<Params> {
        let raw = testing::devnet_params().raw().clone();
        testing::params(ConsensusParams { window_shares: 30, merge_depth: 4, ..raw })
    }

    fn block(height: u8) -> ParentBlock {
        ParentBlock { hash: BlockHash::from_bytes([height; 32]), height: u32::from(height), next_bits: None }
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
            now += 400;
            let Some(request) = sync.poll(&chain.tip(), now) else { continue };
            let ids = server.order_after(&rivals.locator(chain, &request), PAGE);
            let get = |id: &ShareId| shares.iter().find(|share| share.id() == *id).unwrap().clone();
            let answer: Vec<_> = ids.iter().map(get).collect();
            let taken = rivals.take(chain, &'s', &answer, answer.len() == PAGE, NOW);
            replaced |= taken.replaced.is_some();
            sync.on_page(&'s', taken.page, now);
        }
        replaced
    }

    #[test]
    fn an_empty_node_begins_in_the_middle() {
        let params = short_params();
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
        let params = short_params();
        let (server, shares) = history(&params, 400, 2, 200, 1);
        let (mut chain, own) = history(&params, 20, 2, 200, 2);
        assert!(fetch(&mut chain, &server, &shares));
        assert_eq!(chain.tip(), server.tip());
        assert!(!chain.is_linked(&own[19].id()));
    }

    #[test]
    fn with_equal_fresh_work_a_node_stays_where_it_is() {
        let params = short_params();
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
        let params = short_params();
        // 64 times the work of ours, on a block that was the newest one long ago.
        let (server, shares) = history(&params, 400, 128, 30, 1);
        let (mut chain, _) = history(&params, 20, 2, 200, 2);
        let ours = chain.tip();
        assert_eq!(server.fresh_work(), Some(Work::ZERO));
        assert!(!fetch(&mut chain, &server, &shares));
        assert_eq!(chain.tip(), ours);
    }

    /// A short chain, and what a node with a longer history shows it, in order.
    fn shown() -> (ShareChain, Vec<Arc<CheckedShare>>) {
        let params = short_params();
        let (server, shares) = history(&params, 400, 2, 200, 1);
        let (chain, _) = history(&params, 20, 2, 200, 2);
        let ids = server.order_after(&chain.locator(&[]), usize::MAX);
        (chain, shares.into_iter().filter(|share| ids.contains(&share.id())).collect())
    }

    #[test]
    fn a_block_that_comes_while_a_history_is_shown_counts_for_it() {
        let params = short_params();
        let (server, shares) = history(&params, 400, 2, 201, 1);
        let (mut chain, _) = history(&params, 20, 2, 200, 2);
        let ids = server.order_after(&chain.locator(&[]), usize::MAX);
        let shown: Vec<_> = shares.into_iter().filter(|share| ids.contains(&share.id())).collect();
        let mut rivals = RivalHistory::default();
        let (first, rest) = shown.split_at(PAGE);
        assert!(rivals.take(&mut chain, &'a', first, true, NOW).replaced.is_none());
        rivals.on_parent_block(block(201), NOW);
        chain.on_parent_block(block(201), NOW);
        assert!(rivals.take(&mut chain, &'a', rest, false, NOW).replaced.is_some());
        assert_eq!(chain.tip(), server.tip());
    }

    #[test]
    fn a_peer_that_leaves_frees_the_place_for_another() {
        let (mut chain, shown) = shown();
        let mut rivals = RivalHistory::default();
        let page = &shown[..PAGE];
        rivals.take(&mut chain, &'a', page, true, NOW);
        rivals.take(&mut chain, &'b', page, true, NOW);
        assert!(rivals.is_shown_by(&'a') && !rivals.is_shown_by(&'b'));
        // Each is asked to go on in what it shows.
        let locator = |peer| rivals.locator(&chain, &SyncRequest { peer, cursor: Vec::new() });
        assert_eq!(locator('b'), chain.locator(&[]));
        assert_eq!(locator('a')[0], page.iter().max_by_key(|share| share.share().data.height).unwrap().id());
        rivals.on_gone(&'b');
        assert!(rivals.is_shown_by(&'a'));
        rivals.on_gone(&'a');
        rivals.take(&mut chain, &'b', page, true, NOW);
        assert!(rivals.is_shown_by(&'b'));
    }

    #[test]
    fn a_peer_that_dawdles_loses_the_place() {
        let (mut chain, shown) = shown();
        let mut rivals = RivalHistory::default();
        rivals.take(&mut chain, &'a', &shown[..PAGE], true, NOW);
        rivals.take(&mut chain, &'a', &shown[PAGE..PAGE + NEW_SHARES_MIN], true, NOW);
        assert!(rivals.is_shown_by(&'a'));
        rivals.take(&mut chain, &'b', &shown[..PAGE], true, NOW + SHOW_SECS_MAX - 1);
        assert!(rivals.is_shown_by(&'a'));
        rivals.take(&mut chain, &'b', &shown[..PAGE], true, NOW + SHOW_SECS_MAX);
        assert!(rivals.is_shown_by(&'b'), "it took too long");
        let few = &shown[PAGE..PAGE + NEW_SHARES_MIN - 1];
        rivals.take(&mut chain, &'b', few, true, NOW + SHOW_SECS_MAX);
        assert!(!rivals.is_shown_by(&'b'), "it promised more and brought little");
    }

    #[test]
    fn a_history_without_an_end_is_judged_by_what_a_new_node_is_shown() {
        let params = short_params();
        let (mut chain, _) = history(&params, 20, 2, 200, 2);
        let most = chain.shown_max();
        assert_eq!(most, 30 * 2 + (2 * 4 + 2 * 4) * 65 + 65);
        let (_, shares) = history(&params, u32::try_from(most).unwrap() + 60, 2, 200, 1);
        let mut rivals = RivalHistory::default();
        let mut judged_at = None;
        // From the middle, so that it does not connect.
        for (number, page) in shares[20..].chunks(PAGE).enumerate() {
            rivals.take(&mut chain, &'a', page, true, NOW);
            if !rivals.is_shown_by(&'a') {
                judged_at = Some((number + 1) * PAGE);
                break;
            }
        }
        assert!(judged_at.is_some_and(|at| (most..most + PAGE).contains(&at)), "{judged_at:?}");
    }
}
