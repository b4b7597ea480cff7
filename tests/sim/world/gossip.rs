//! Messages between nodes: what a real node's chain task and network task do with them.

use std::sync::Arc;

use sharechain::{
    Admission, CheckedShare, Misbehaviour, Origin, ShareId, Verdict, Work,
    sync::{SYNC_SHARES_MAX, SyncState, TipClaim},
};

use super::{HELLO_MS, World, tell};
use crate::sim::{
    Attack, NodeId, ShareNo,
    events::Event,
    network::{Claim, Message},
};

/// Shares asked for at once by id.
const MISSING_IDS_MAX: usize = 64;
/// Ticks between two requests for shares that others wait for.
const MISSING_TICKS: u64 = 3;

impl World {
    pub(super) fn on_message(&mut self, from: NodeId, to: NodeId, message: Message) {
        if !self.nodes[to].is_up {
            return;
        }
        let is_request = matches!(message, Message::Hello(_) | Message::Range(_) | Message::ByIds(_));
        if is_request && !self.nodes[to].may_ask(from, self.now) {
            self.blame(to, from);
        }
        match message {
            Message::Share(share) => self.on_gossip(from, to, share),
            Message::Hello(Claim(id, height, work)) => {
                let unix = self.nodes[to].unix(self.now);
                let claim = TipClaim { id, height, total_work: Work::from_hashes(work) };
                self.nodes[to].sync.on_tip(from, claim, unix);
                self.request_more(to);
            }
            Message::Range(locator) => self.on_range(from, to, &locator),
            Message::Answer(shares, more) => self.on_answer(from, to, &shares, more),
            Message::ByIds(ids) => {
                let has = |id: &ShareId| self.nodes[to].chain.contains(id);
                let shares = ids.iter().filter(|id| has(id)).filter_map(|id| self.ledger.number(id)).collect();
                if !self.is_silent(to) {
                    self.send(to, from, Message::Fetched(shares));
                }
            }
            Message::Fetched(shares) => {
                for share in shares {
                    self.link(to, from, share);
                }
            }
        }
        self.drain(to);
    }

    pub(super) fn on_hello_due(&mut self, node: NodeId) {
        self.events.push(self.now + HELLO_MS, Event::Hello(node));
        if !self.nodes[node].is_up || self.is_silent(node) {
            return;
        }
        let tip = self.nodes[node].chain.tip();
        let claim: Claim = TipClaim { id: tip.id, height: tip.height, total_work: tip.total_work }.into();
        for neighbour in self.network.neighbours(node).to_vec() {
            self.send(node, neighbour, Message::Hello(claim.clone()));
        }
    }

    fn on_gossip(&mut self, from: NodeId, to: NodeId, share: ShareNo) {
        if !self.nodes[to].sees(share) {
            return;
        }
        let unix = self.nodes[to].unix(self.now);
        match self.nodes[to].chain.admit(self.ledger.share(share), unix) {
            Admission::Relay => self.relay(to, share, Some(from)),
            Admission::Keep => self.nodes[to].undecided.push_back((share, self.now)),
            Admission::Ignore(_) => return,
        }
        self.link(to, from, share);
        self.release_lead(to, share);
    }

    /// A selfish miner shows its lead when a share of others comes near.
    fn release_lead(&mut self, node: NodeId, share: ShareNo) {
        if self.nodes[node].attack != Some(Attack::Selfish) || self.nodes[node].withheld.is_empty() {
            return;
        }
        let chain = &self.nodes[node].chain;
        let near = chain.next_base_work().saturating_mul(sharechain::difficulty::SHARE_WORK_MAX_IN_BASE);
        let theirs = self.ledger.share(share).share().data.total_work;
        if theirs.saturating_add(near) >= chain.tip().total_work {
            for share in std::mem::take(&mut self.nodes[node].withheld) {
                self.relay(node, share, None);
            }
        }
    }

    /// Hands a share to a node's chain.
    pub(super) fn link(&mut self, node: NodeId, from: NodeId, share: ShareNo) {
        let unix = self.nodes[node].unix(self.now);
        let share = self.ledger.share(share).clone();
        let id = share.id();
        let verdict = self.nodes[node].chain.handle(share, Origin::Live, unix);
        if self.is_loud {
            tell(&format!("{} node {node}: {id} from {from}: {verdict:?}", self.now));
        }
        match verdict {
            Verdict::Missing(ids) if !ids.is_empty() && self.nodes[node].sync.state() == SyncState::Synced => {
                self.send(node, from, Message::ByIds(ids));
            }
            // As in a node: what a relay could not check is nobody's fault but the miner's.
            Verdict::Invalid(error) if error.misbehaviour() != Misbehaviour::Blameless => self.blame(node, from),
            Verdict::Invalid(_) => {}
            Verdict::Valid | Verdict::Known | Verdict::Missing(_) | Verdict::NotYet(_) | Verdict::OutOfReach => {}
        }
        self.drain(node);
    }

    fn on_range(&mut self, from: NodeId, to: NodeId, locator: &[ShareId]) {
        if self.is_silent(to) {
            return;
        }
        let ids = self.nodes[to].chain.order_after(locator, SYNC_SHARES_MAX);
        let more = ids.len() == SYNC_SHARES_MAX;
        let shares = ids.iter().filter_map(|id| self.ledger.number(id)).collect();
        self.send(to, from, Message::Answer(shares, more));
    }

    fn on_answer(&mut self, from: NodeId, to: NodeId, shares: &[ShareNo], more: bool) {
        let shares: Vec<Arc<CheckedShare>> = shares.iter().map(|share| self.ledger.share(*share).clone()).collect();
        let node = &mut self.nodes[to];
        let unix = node.unix(self.now);
        let taken = node.histories.take(&mut node.chain, &from, &shares, more, unix);
        node.sync.on_page(&from, taken.page, unix);
        self.drain(to);
        self.request_more(to);
    }

    pub(super) fn request_more(&mut self, node: NodeId) {
        let now = self.now;
        let asking = &mut self.nodes[node];
        let unix = asking.unix(now);
        let request = asking.sync.poll(&asking.chain.tip(), unix);
        if asking.sync.state() == SyncState::Synced {
            asking.chain.guard_deep_forks();
        }
        if let Some(request) = request {
            let locator = asking.histories.locator(&asking.chain, &request);
            self.send(node, request.peer, Message::Range(locator));
        }
    }

    pub(super) fn request_missing(&mut self, node: NodeId) {
        let asking = &mut self.nodes[node];
        if asking.sync.state() != SyncState::Synced || !asking.ticks.is_multiple_of(MISSING_TICKS) {
            return;
        }
        let ids = asking.chain.missing(asking.missing_after, MISSING_IDS_MAX);
        if let (Some(last), Some(peer)) = (ids.last().copied(), asking.sync.next_peer()) {
            asking.missing_after = last;
            self.send(node, peer, Message::ByIds(ids));
        }
    }
}
