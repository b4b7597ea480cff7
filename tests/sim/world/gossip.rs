//! Messages between nodes: what a real node's chain task and network task do with them.

use std::sync::Arc;

use sharechain::{
    Admission, CheckedShare, Misbehaviour, Origin, ShareId, Verdict, Work,
    sync::{SYNC_IDS_MAX, SyncRequest, SyncState, TipClaim},
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
        let is_request = matches!(message, Message::Hello(_) | Message::Range(_) | Message::ByIds(..));
        if is_request && !self.nodes[to].may_ask(from, self.now) {
            self.blame(to, from);
        }
        match message {
            Message::Share(share) => self.on_gossip(from, to, share),
            Message::Hello(Claim(id, height, work)) => {
                let claim = TipClaim { id, height, total_work: Work::from_hashes(work) };
                self.nodes[to].sync.on_tip(from, claim, self.now);
                self.go_on_syncing(to);
            }
            Message::Range(locator) => self.on_range(from, to, &locator),
            Message::Ids(ids, more) => self.on_ids(from, to, &ids, more),
            Message::ByIds(ids, is_sync) => {
                let has = |id: &ShareId| self.nodes[to].chain.contains(id);
                let shares = ids.iter().filter(|id| has(id)).filter_map(|id| self.ledger.number(id)).collect();
                if !self.is_silent(to) {
                    self.send(to, from, Message::Fetched(ids, shares, is_sync));
                }
            }
            Message::Fetched(asked, shares, true) => self.on_synced(from, to, asked, &shares),
            Message::Fetched(_, shares, false) => {
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
                self.send(node, from, Message::ByIds(ids, false));
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
        let mut ids = self.nodes[to].chain.order_after(locator, SYNC_IDS_MAX + 1);
        let more = ids.len() > SYNC_IDS_MAX;
        ids.truncate(SYNC_IDS_MAX);
        self.send(to, from, Message::Ids(ids, more));
    }

    fn on_ids(&mut self, from: NodeId, to: NodeId, ids: &[ShareId], more: bool) {
        let node = &mut self.nodes[to];
        node.sync.on_ids(&from, ids, more, |id| node.histories.height_of(&node.chain, &from, id));
        self.go_on_syncing(to);
    }

    fn on_synced(&mut self, from: NodeId, to: NodeId, asked: Vec<ShareId>, shares: &[ShareNo]) {
        let shares: Vec<Arc<CheckedShare>> = shares.iter().map(|share| self.ledger.share(*share).clone()).collect();
        let shares = shares.into_iter().map(|share| (share.id(), share)).collect();
        self.nodes[to].sync.on_shares(&from, &asked.into_iter().collect(), shares, self.now);
        self.go_on_syncing(to);
    }

    /// Hands the chain what is here, and asks for what is not.
    pub(super) fn go_on_syncing(&mut self, node: NodeId) {
        let now = self.now;
        let asking = &mut self.nodes[node];
        let unix = asking.unix(now);
        while let Some(batch) = asking.sync.next_batch() {
            let taken = asking.histories.take(&mut asking.chain, &batch, unix);
            asking.sync.on_batch(taken.fed, now);
        }
        self.drain(node);
        let asking = &mut self.nodes[node];
        let mut messages = Vec::new();
        while let Some(request) = asking.sync.poll(&asking.chain.tip(), now) {
            messages.push(match request {
                SyncRequest::Ids { peer, cursor } => {
                    (peer, Message::Range(asking.histories.locator(&asking.chain, &peer, &cursor)))
                }
                SyncRequest::Shares { peer, ids } => (peer, Message::ByIds(ids, true)),
            });
        }
        if asking.sync.state() == SyncState::Synced {
            asking.chain.guard_deep_forks();
        }
        for (peer, message) in messages {
            self.send(node, peer, message);
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
            self.send(node, peer, Message::ByIds(ids, false));
        }
    }
}
