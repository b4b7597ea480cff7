//! The templates that are known here, own and peers': what a share's block can be put together from. A pure state machine.
//!
//! Transactions are shared between templates, because most of them are in most templates. What a peer may make us keep is
//! bounded in templates and in bytes.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::Instant,
};

use libp2p::PeerId;
use sharechain::{
    BlockHash, TemplateKey,
    hash::{Txid, sha256d},
    merkle,
};
use stratum::{
    BlockBody,
    bucket::{Allowance, TokenBucket},
};

use super::wire::{Announcement, SentTransaction, TRANSACTIONS_LEN_MAX, short_id};
use crate::parent::Template;

/// Own templates kept: miners may work on one for some minutes, and they come every few seconds.
const OWN_MAX: usize = 16;
/// Templates of one peer kept: that on the newest block, and the one before.
const PER_PEER_MAX: usize = 2;
/// Peers whose templates are kept.
const PEERS_MAX: usize = 64;
/// Bytes of transactions that peers made us fetch, in all. Stops peers from filling memory with invented ones.
const FETCHED_LEN_MAX: usize = 64 << 20;
/// The same of one template: more than any block's.
const FETCHED_PER_TEMPLATE_MAX: usize = 8 << 20;
/// Templates of one peer: one with each block of the fastest chains, and now and then another.
const ANNOUNCEMENTS: Allowance = Allowance { per_second: 0.2, burst: 8.0 };
/// Requests for the transactions of one template. Each brings at least one, or the template is given up.
const FETCHES_MAX: u32 = 32;

/// A transaction with its ids.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    txid: Txid,
    wtxid: Txid,
    bytes: Arc<[u8]>,
}

/// A whole template.
#[derive(Debug)]
pub struct HeldTemplate {
    /// What was told of it, without the transactions.
    pub announcement: Announcement,
    /// What its block has after the coinbase.
    pub body: Arc<BlockBody>,
    transactions: Vec<Known>,
    /// Bytes that a peer had to send for it.
    fetched_len: usize,
}

/// What to do next about a template of a peer.
#[derive(Debug)]
pub enum Step {
    /// It is complete.
    Complete(Arc<HeldTemplate>),
    /// These places of it are unknown.
    Fetch {
        /// The template.
        key: TemplateKey,
        /// Which ones.
        places: Vec<u16>,
        /// Whether the tail is missing too.
        tail: bool,
    },
    /// Nothing: it is known, or it is one too many.
    Nothing,
}

/// A template whose transactions are not all here.
#[derive(Debug)]
struct Pending {
    announcement: Announcement,
    transactions: Vec<Option<Known>>,
    tail: Option<Vec<u8>>,
    fetched_len: usize,
    fetches: u32,
}

#[derive(Debug)]
struct PeerTemplates {
    bucket: TokenBucket,
    held: VecDeque<Arc<HeldTemplate>>,
    pending: Option<Pending>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Templates {
    own: VecDeque<Arc<HeldTemplate>>,
    peers: BTreeMap<PeerId, PeerTemplates>,
}

impl HeldTemplate {
    /// Its identity.
    pub fn key(&self) -> TemplateKey {
        self.announcement.key()
    }

    /// The block that it extends.
    pub const fn prev_block(&self) -> BlockHash {
        self.announcement.work.prev_block
    }

    /// An own template; `None` when it is too large to be told of.
    pub fn of(template: &Template) -> Option<Self> {
        let mut announcement = Announcement {
            work: template.work.clone(),
            version: template.version,
            bits: template.bits,
            time_min: template.time_min,
            merkle_branch: template.merkle_branch.to_vec(),
            tail_len: u32::try_from(template.body.tail.len()).ok()?,
            short_ids: Vec::new(),
        };
        let key = announcement.key();
        announcement.short_ids = template.wtxids.iter().map(|wtxid| short_id(&key, wtxid)).collect();
        let ids = template.txids.iter().zip(template.wtxids.iter());
        let known = ids.zip(&template.body.transactions);
        let transactions =
            known.map(|((txid, wtxid), bytes)| Known { txid: *txid, wtxid: *wtxid, bytes: bytes.clone() });
        let is_tellable = announcement.short_ids.len() <= super::wire::TRANSACTIONS_MAX
            && template.body.tail.len() <= super::wire::TAIL_LEN_MAX;
        let transactions = transactions.collect();
        is_tellable.then(|| Self { announcement, body: template.body.clone(), transactions, fetched_len: 0 })
    }

    /// These transactions, as many as one answer has room for.
    pub fn sent(&self, places: &[u16]) -> Vec<SentTransaction> {
        let mut room = TRANSACTIONS_LEN_MAX;
        let known = places.iter().map_while(|place| self.transactions.get(usize::from(*place)));
        known
            .map_while(|known| {
                room = room.checked_sub(known.bytes.len())?;
                Some(SentTransaction { txid: known.txid, bytes: known.bytes.to_vec() })
            })
            .collect()
    }
}

impl Templates {
    /// An own template that miners may work on from now.
    pub fn on_own(&mut self, template: Arc<HeldTemplate>) {
        self.own.push_back(template);
        if self.own.len() > OWN_MAX {
            self.own.pop_front();
        }
    }

    /// What miners work on now.
    pub fn newest_own(&self) -> Option<&Arc<HeldTemplate>> {
        self.own.back()
    }

    /// The template with this key.
    pub fn find(&self, key: &TemplateKey) -> Option<&Arc<HeldTemplate>> {
        self.all().find(|template| template.key() == *key)
    }

    /// A peer tells of a template.
    pub fn on_announced(&mut self, peer: PeerId, announcement: Announcement, now: Instant) -> Step {
        if !self.peers.contains_key(&peer) && self.peers.len() >= PEERS_MAX {
            return Step::Nothing;
        }
        let bucket = || TokenBucket::full(ANNOUNCEMENTS, now);
        let entry = self.peers.entry(peer).or_insert_with(|| PeerTemplates {
            bucket: bucket(),
            held: VecDeque::new(),
            pending: None,
        });
        // Whoever tells of more than miners can work on is not listened to; others' blocks do not depend on it.
        if !entry.bucket.take(ANNOUNCEMENTS, now) {
            return Step::Nothing;
        }
        self.begin(peer, announcement)
    }

    /// A template that was asked for by its key.
    pub fn begin(&mut self, peer: PeerId, announcement: Announcement) -> Step {
        let key = announcement.key();
        if self.find(&key).is_some() {
            return Step::Nothing;
        }
        let known = self.known_by_short_id(&key, &peer);
        let transactions: Vec<Option<Known>> =
            announcement.short_ids.iter().map(|id| known.get(id).cloned().flatten()).collect();
        let tail = (announcement.tail_len == 0).then(Vec::new);
        let pending = Pending { announcement, transactions, tail, fetched_len: 0, fetches: 0 };
        let now = Instant::now();
        let entry = self.peers.entry(peer).or_insert_with(|| PeerTemplates {
            bucket: TokenBucket::full(ANNOUNCEMENTS, now),
            held: VecDeque::new(),
            pending: None,
        });
        entry.pending = Some(pending);
        self.step(peer)
    }

    /// A peer sent what was missing. `Err` when it is not what was asked for, which its sender alone can have done.
    ///
    /// # Errors
    /// [`WrongTransactions`].
    pub fn on_transactions(
        &mut self,
        peer: PeerId,
        key: &TemplateKey,
        sent: Vec<SentTransaction>,
        tail: Option<Vec<u8>>,
    ) -> Result<Step, WrongTransactions> {
        let in_all = self.fetched_len();
        let entry = self.peers.get_mut(&peer);
        let Some(pending) = entry.and_then(|entry| entry.pending.as_mut()).filter(|it| it.announcement.key() == *key)
        else {
            return Ok(Step::Nothing);
        };
        let brought = sent.iter().map(|sent| sent.bytes.len()).sum::<usize>();
        pending.fetched_len = pending.fetched_len.saturating_add(brought);
        if pending.fetched_len > FETCHED_PER_TEMPLATE_MAX || in_all.saturating_add(brought) > FETCHED_LEN_MAX {
            self.give_up(&peer);
            return Ok(Step::Nothing);
        }
        if sent.is_empty() && tail.is_none() {
            // It does not have them any more.
            self.give_up(&peer);
            return Ok(Step::Nothing);
        }
        if let Some(tail) = tail {
            if u32::try_from(tail.len()) != Ok(pending.announcement.tail_len) {
                return Err(WrongTransactions);
            }
            pending.tail = Some(tail);
        }
        let mut missing = pending.transactions.iter_mut().zip(&pending.announcement.short_ids);
        for SentTransaction { txid, bytes } in sent {
            let Some((place, id)) = missing.find(|(place, _)| place.is_none()) else { return Err(WrongTransactions) };
            let wtxid = Txid::from_bytes(sha256d(&bytes));
            // Transactions of Litecoin's HogEx kind have an id that is not the hash of their bytes.
            let wtxid = if short_id(key, &wtxid) == *id { wtxid } else { txid };
            if short_id(key, &wtxid) != *id {
                return Err(WrongTransactions);
            }
            *place = Some(Known { txid, wtxid, bytes: bytes.into() });
        }
        Ok(self.step(peer))
    }

    /// A peer left: its templates stay until others need the room, because its blocks may come by others.
    pub fn on_gone(&mut self, peer: &PeerId) {
        if let Some(entry) = self.peers.get_mut(peer) {
            entry.pending = None;
        }
        let is_old = |(_, entry): &(&PeerId, &PeerTemplates)| entry.held.is_empty() && entry.pending.is_none();
        let empty: Vec<PeerId> = self.peers.iter().filter(is_old).map(|(peer, _)| *peer).collect();
        for peer in empty {
            self.peers.remove(&peer);
        }
    }

    /// Forgets peers' templates that extend none of these blocks.
    pub fn keep_only(&mut self, blocks: &[BlockHash]) {
        for entry in self.peers.values_mut() {
            entry.held.retain(|template| blocks.contains(&template.prev_block()));
        }
        self.peers.retain(|_, entry| !entry.held.is_empty() || entry.pending.is_some());
    }

    fn give_up(&mut self, peer: &PeerId) {
        if let Some(entry) = self.peers.get_mut(peer) {
            entry.pending = None;
        }
    }

    fn step(&mut self, peer: PeerId) -> Step {
        let Some(entry) = self.peers.get_mut(&peer) else { return Step::Nothing };
        let Some(pending) = entry.pending.as_mut() else { return Step::Nothing };
        let missing = pending.transactions.iter().enumerate().filter(|(_, known)| known.is_none());
        let places: Vec<u16> = missing.filter_map(|(place, _)| u16::try_from(place).ok()).collect();
        if !places.is_empty() || pending.tail.is_none() {
            pending.fetches += 1;
            if pending.fetches > FETCHES_MAX {
                entry.pending = None;
                return Step::Nothing;
            }
            return Step::Fetch { key: pending.announcement.key(), places, tail: pending.tail.is_none() };
        }
        let Some(pending) = entry.pending.take() else { return Step::Nothing };
        let Some(template) = pending.complete() else { return Step::Nothing };
        let template = Arc::new(template);
        entry.held.push_back(template.clone());
        if entry.held.len() > PER_PEER_MAX {
            entry.held.pop_front();
        }
        Step::Complete(template)
    }

    fn all(&self) -> impl Iterator<Item = &Arc<HeldTemplate>> {
        self.own.iter().rev().chain(self.peers.values().flat_map(|entry| entry.held.iter().rev()))
    }

    /// Transactions of our templates and of this peer's, by their short ids in this one; `None` where two have the same. Those of other
    /// peers are left out: invented ones would make every announcement of everybody a hash more expensive.
    fn known_by_short_id(&self, key: &TemplateKey, peer: &PeerId) -> HashMap<super::wire::ShortId, Option<Known>> {
        let mut by_wtxid: HashMap<Txid, &Known> = HashMap::new();
        for template in self.own.iter().chain(self.peers.get(peer).into_iter().flat_map(|entry| &entry.held)) {
            by_wtxid.extend(template.transactions.iter().map(|known| (known.wtxid, known)));
        }
        let mut by_id = HashMap::with_capacity(by_wtxid.len());
        for (wtxid, known) in by_wtxid {
            by_id.entry(short_id(key, &wtxid)).and_modify(|known| *known = None).or_insert_with(|| Some(known.clone()));
        }
        by_id
    }

    /// Bytes that peers made us fetch.
    fn fetched_len(&self) -> usize {
        let in_held = self.peers.values().flat_map(|entry| &entry.held).map(|template| template.fetched_len);
        let pending = self.peers.values().filter_map(|entry| entry.pending.as_ref()).map(|pending| pending.fetched_len);
        in_held.chain(pending).fold(0, usize::saturating_add)
    }
}

/// Transactions that were not asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("sent transactions that were not asked for")]
pub struct WrongTransactions;

impl Pending {
    /// The whole template; `None` when its transactions do not lead to the branch that was told.
    fn complete(self) -> Option<HeldTemplate> {
        let transactions = self.transactions.into_iter().collect::<Option<Vec<Known>>>()?;
        let txids: Vec<Txid> = transactions.iter().map(|known| known.txid).collect();
        if merkle::left_path(&txids) != self.announcement.merkle_branch {
            return None;
        }
        let body = BlockBody {
            transactions: transactions.iter().map(|known| known.bytes.clone()).collect(),
            tail: self.tail.unwrap_or_default(),
        };
        let Self { announcement, fetched_len, .. } = self;
        Some(HeldTemplate { announcement, body: Arc::new(body), transactions, fetched_len })
    }
}

#[cfg(test)]
mod tests;
