//! Catching up with peers that say and show anything: requests go to known peers that claim more, ids are asked of one peer at
//! a time and shares of a few, and no more is wanted than there is room for.

use std::collections::{BTreeMap, BTreeSet};

use sharechain::{
    ShareId, Tip, Work,
    sync::{
        CURSOR_MAX, Fed, Millis, SHARES_PEERS_MAX, SHARES_REQUESTS_MAX, SYNC_SHARES_MAX, Sync, SyncRequest, SyncState,
        TipClaim, WANTED_MAX,
    },
};

/// Bytes of one event.
const EVENT_LEN: usize = 4;

/// What happened so far.
#[derive(Default)]
struct World {
    sync: Sync<u8, u64>,
    now: Millis,
    ours: u128,
    claims: BTreeMap<u8, u128>,
    /// Requests for shares without an answer.
    asked: BTreeMap<u8, Vec<BTreeSet<ShareId>>>,
}

/// Our own tip, with the smallest id: of equal work nobody's is better.
fn tip(total_work: u128) -> Tip {
    Tip { id: ShareId::ZERO, height: 1, count: 1, total_work: Work::from_hashes(total_work) }
}

fn id(number: u64) -> ShareId {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    ShareId::from_bytes(bytes)
}

impl World {
    fn happen(&mut self, kind: u8, peer: u8, value: u8, more: u8) {
        let (sync, now) = (&mut self.sync, self.now);
        match kind % 10 {
            0 | 1 => {
                let total_work = Work::from_hashes(u128::from(value));
                sync.on_tip(peer, TipClaim { id: id(value.into()), height: u64::from(more), total_work }, now);
                self.claims.insert(peer, u128::from(value));
            }
            2 => {
                sync.on_gone(&peer);
                self.claims.remove(&peer);
            }
            3 => {
                // Up to 510 ids, which repeat those of other pages in part.
                let first = 100 * u64::from(value);
                let ids: Vec<ShareId> = (first..first + 2 * u64::from(more)).map(id).collect();
                let known = |id: &ShareId| (id.as_bytes()[0] % 16 == value % 16).then_some(u64::from(value));
                sync.on_ids(&peer, &ids, more.is_multiple_of(2), known);
            }
            4 => {
                let Some(asked) = self.asked.get_mut(&peer).and_then(Vec::pop) else { return };
                let keep = usize::from(value);
                let shares = asked.iter().take(keep).map(|id| (*id, 0)).collect();
                sync.on_shares(&peer, &asked, shares, now);
            }
            5 => sync.on_failure(&peer, now),
            6 => {
                let Some(asked) = self.asked.get_mut(&peer).and_then(Vec::pop) else { return };
                sync.on_shares_failed(&peer, &asked, now);
            }
            7 => self.now += 50 * Millis::from(value),
            8 => self.ours += u128::from(value),
            _ => assert!(sync.next_peer().is_none_or(|peer| self.claims.contains_key(&peer))),
        }
    }

    fn feed(&mut self, value: u8) {
        while let Some(batch) = self.sync.next_batch() {
            assert!(batch.shares.len() <= WANTED_MAX && self.claims.contains_key(&batch.shown_by));
            let linked = batch.shares.len().min(usize::from(value));
            self.sync.on_batch(Fed { linked, height: u64::from(value), is_refused: value == 255 }, self.now);
        }
    }

    fn poll(&mut self) {
        let mut requests = 0;
        while let Some(request) = self.sync.poll(&tip(self.ours), self.now) {
            requests += 1;
            assert!(requests <= 1 + SHARES_PEERS_MAX * SHARES_REQUESTS_MAX, "it never ends");
            match request {
                SyncRequest::Ids { peer, cursor } => {
                    assert!(self.claims.contains_key(&peer) && cursor.len() <= CURSOR_MAX);
                }
                SyncRequest::Shares { peer, ids } => {
                    assert!(self.claims.contains_key(&peer), "asked somebody who is gone");
                    assert!((1..=SYNC_SHARES_MAX).contains(&ids.len()));
                    self.asked.entry(peer).or_default().push(ids.into_iter().collect());
                }
            }
        }
        assert!(self.sync.poll_timeout(self.now).is_none_or(|due| due > self.now), "due for ever");
    }
}

/// Runs the events that `bytes` spell.
pub fn run(bytes: &[u8]) {
    let mut world = World { ours: 10, ..World::default() };
    let mut was_synced = false;
    for event in bytes.chunks_exact(EVENT_LEN).take(1_000) {
        let &[kind, peer, value, more] = event else { continue };
        world.happen(kind, peer % 5, value, more);
        world.feed(value);
        world.poll();
        let state = world.sync.state();
        assert!(!was_synced || state == SyncState::Synced, "who was synced stays so");
        was_synced = state == SyncState::Synced;
        assert!(was_synced || (state == SyncState::Alone) == world.claims.is_empty());
    }
}
