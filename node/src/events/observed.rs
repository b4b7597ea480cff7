//! What changed between two looks at what other tasks publish. Pure.
//!
//! A node starts without miners and peers, so everything that is seen of them is news. Blocks of earlier runs are none.

use std::collections::{BTreeMap, BTreeSet};

use libp2p::PeerId;
use sharechain::{BlockHash, PayoutScript, UnixTime};
use stratum::{AddressFormat, server::StratumSnapshot};

use super::Happening;
use crate::{
    blocks::{BlocksView, PoolBlock, PoolBlockStatus},
    p2p::{Direction, PeersView},
    parent::Template,
};

/// A block that was found longer ago than this, seconds, is history that the share chain told while it was caught up with.
const NEW_BLOCK_AGE_MAX: u64 = 3_600;

/// Workers by whom they mine for and their name; one with several connections is one worker.
#[derive(Debug, Default)]
pub(super) struct Workers {
    /// What connections there were. Most looks change nothing, and comparing these is cheap.
    ids: Vec<(u64, usize)>,
    present: BTreeSet<(PayoutScript, String)>,
}

impl Workers {
    pub(super) fn look(&mut self, seen: &StratumSnapshot, addresses: &AddressFormat) -> Vec<Happening> {
        let ids: Vec<_> = seen.miners.iter().map(|miner| miner.id).collect();
        if self.ids == ids {
            return Vec::new();
        }
        self.ids = ids;
        let address = |script| addresses.format(script).unwrap_or_default();
        let mut present = BTreeSet::new();
        let mut happened = Vec::new();
        for miner in &seen.miners {
            let worker = (miner.script, miner.worker.clone());
            if !self.present.contains(&worker) && !present.contains(&worker) {
                let (address, worker) = (address(&miner.script), miner.worker.clone());
                happened.push(Happening::WorkerOn { address, worker, agent: miner.agent.clone() });
            }
            present.insert(worker);
        }
        let gone = self.present.difference(&present);
        happened.extend(
            gone.map(|(script, worker)| Happening::WorkerOff { address: address(script), worker: worker.clone() }),
        );
        self.present = present;
        happened
    }
}

/// Peers by identity.
#[derive(Debug, Default)]
pub(super) struct Peers {
    present: BTreeSet<PeerId>,
}

impl Peers {
    pub(super) fn look(&mut self, seen: &PeersView) -> Vec<Happening> {
        let new = seen.peers.iter().filter(|peer| !self.present.contains(&peer.peer_id));
        let mut happened: Vec<_> = new
            .map(|peer| Happening::PeerOn {
                peer_id: peer.peer_id.to_string(),
                region: peer.region.map(|(region, _)| region.to_string()),
                direction: match peer.direction {
                    Direction::Inbound => "inbound",
                    Direction::Outbound => "outbound",
                },
            })
            .collect();
        let present: BTreeSet<_> = seen.peers.iter().map(|peer| peer.peer_id).collect();
        let gone = self.present.difference(&present);
        happened.extend(gone.map(|peer| Happening::PeerOff { peer_id: peer.to_string() }));
        self.present = present;
        happened
    }
}

/// Where a block stands, as far as events go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    Found,
    Confirmed,
    Orphaned,
}

impl Standing {
    const fn of(status: &PoolBlockStatus) -> Self {
        match status {
            PoolBlockStatus::Found | PoolBlockStatus::Submitted | PoolBlockStatus::Refused(_) => Self::Found,
            PoolBlockStatus::Confirmed(_) | PoolBlockStatus::Matured(_) => Self::Confirmed,
            PoolBlockStatus::Orphaned => Self::Orphaned,
        }
    }
}

/// The pool's blocks.
#[derive(Debug)]
pub(super) struct Blocks {
    /// Nothing of one that is history.
    known: BTreeMap<BlockHash, Option<Standing>>,
}

impl Blocks {
    /// Those of earlier runs.
    pub(super) fn new(history: &BlocksView) -> Self {
        let standing = |block: &PoolBlock| (block.hash, Some(Standing::of(&block.status)));
        Self { known: history.blocks.iter().map(standing).collect() }
    }

    /// What happened, and which blocks were confirmed.
    pub(super) fn look(&mut self, seen: &BlocksView, now: UnixTime) -> (Vec<Happening>, Vec<BlockHash>) {
        let (mut happened, mut confirmed, mut known) = (Vec::new(), Vec::new(), BTreeMap::new());
        // Oldest first.
        for block in seen.blocks.iter().rev() {
            let standing = Standing::of(&block.status);
            let is_history = !block.own && now.saturating_sub(block.found_at) > NEW_BLOCK_AGE_MAX;
            let before = match self.known.get(&block.hash) {
                Some(before) => *before,
                None if is_history => None,
                None => {
                    let (hash, height) = (block.hash.to_string(), block.height);
                    happened.push(Happening::BlockFound { hash, height, own: block.own });
                    Some(Standing::Found)
                }
            };
            if before.is_some_and(|before| before != standing) {
                happened.push(became(block));
                confirmed.extend((standing == Standing::Confirmed).then_some(block.hash));
            }
            known.insert(block.hash, before.map(|_| standing));
        }
        self.known = known;
        (happened, confirmed)
    }
}

/// The event of a block that stands where it did not stand before. A block that no daemon knows any more left the main chain.
fn became(block: &PoolBlock) -> Happening {
    let (hash, height) = (block.hash.to_string(), block.height);
    match block.status {
        PoolBlockStatus::Confirmed(confirmations) | PoolBlockStatus::Matured(confirmations) => {
            Happening::BlockConfirmed { hash, height, confirmations }
        }
        PoolBlockStatus::Found
        | PoolBlockStatus::Submitted
        | PoolBlockStatus::Refused(_)
        | PoolBlockStatus::Orphaned => Happening::BlockOrphaned { hash, height },
    }
}

/// The parent daemon's template, as far as people see it.
#[derive(Debug, Default)]
pub(super) struct Templates {
    last: Option<(u32, usize, u64)>,
}

impl Templates {
    pub(super) fn look(&mut self, template: &Template) -> Option<Happening> {
        let height = template.work.block_height;
        let (transactions, coinbase_value) = (template.txids.len(), template.work.coinbase_value.units());
        let seen = (height, transactions, coinbase_value);
        (self.last.replace(seen) != Some(seen)).then_some(Happening::Template { height, transactions, coinbase_value })
    }
}

/// What is wrong at the moment.
#[derive(Debug, Default)]
pub(super) struct Problems {
    known: BTreeSet<String>,
}

impl Problems {
    pub(super) fn look(&mut self, seen: Vec<String>) -> Vec<Happening> {
        let seen: BTreeSet<_> = seen.into_iter().collect();
        let new = seen.difference(&self.known).map(|text| Happening::Warning { text: text.clone() }).collect();
        self.known = seen;
        new
    }
}

#[cfg(test)]
mod tests;
