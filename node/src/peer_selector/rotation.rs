//! Which near or far peer makes room for one that may be better, and which peers are anchors.
//!
//! By Perigee (arXiv 2006.14186): keep those that deliver soon, try others in place of the slowest. Random peers and
//! anchors stay whatever they deliver: they are what an attacker who delivers fast cannot replace.

use std::{cmp::Reverse, time::Duration};

use libp2p::PeerId;
use rand::Rng;

use super::{
    PeerSelector,
    connected::ConnectedPeer,
    limits::{HYSTERESIS_PERCENT, LAGS_MIN, ROTATION_INTERVAL, SILENT_AFTER, TENURE_MIN},
    slot::{RttClass, Slot},
};
use crate::{
    address_book::{AddressBook, Anchor, Endpoint, Millis},
    region::Region,
};

impl PeerSelector {
    /// The peer that makes room now, when a fitting candidate waits.
    pub(super) fn rotated(&mut self, now: Millis, book: &AddressBook, rng: &mut impl Rng) -> Option<PeerId> {
        if now < self.rotates_at {
            return None;
        }
        self.rotates_at = now.saturating_add(ROTATION_INTERVAL);
        let anchors = self.anchor_peers(now);
        let worst = [self.misfit(&anchors), self.silent(&anchors, now), self.laggard(&anchors, now)];
        worst.into_iter().flatten().find(|peer| {
            let slot = self.peers.get(peer).map(|peer| peer.slot);
            slot.is_some_and(|slot| self.fitting(slot, now, book, rng).is_some())
        })
    }

    /// Gives slots to the peers that fit them, without closing anything: open slots, and each other's.
    pub(super) fn reassign(&mut self) {
        for (from, to) in [(Slot::Far, Slot::Near), (Slot::Near, Slot::Far)] {
            while self.open(to) > 0
                && let Some(peer) = self.misplaced(from, to)
            {
                self.give(&peer, to);
            }
        }
        // A new node knows nothing of those that it dials first, so that often one holds the slot that is for the other.
        while let (Some(near), Some(far)) =
            (self.misplaced(Slot::Far, Slot::Near), self.misplaced(Slot::Near, Slot::Far))
        {
            self.give(&near, Slot::Near);
            self.give(&far, Slot::Far);
        }
    }

    /// A peer that does not fit its slot but another one.
    fn misplaced(&self, from: Slot, to: Slot) -> Option<PeerId> {
        let (own, taken) = (self.own_region, self.taken());
        let is_new = |region: Region| Some(region) != own && !taken.has_far(region);
        let fits = |peer: &ConnectedPeer| is_misfit(peer) && (to == Slot::Near || peer.region(own).is_some_and(is_new));
        self.peers.iter().find(|(_, peer)| peer.slot == from && fits(peer)).map(|(id, _)| *id)
    }

    fn give(&mut self, peer: &PeerId, slot: Slot) {
        if let Some(peer) = self.peers.get_mut(peer) {
            peer.slot = slot;
        }
    }

    /// One of each kind that is held long: the one that delivers soonest, of those that stayed.
    pub(super) fn anchor_peers(&self, now: Millis) -> Vec<PeerId> {
        let best = |slot| {
            let stayed = self.peers.iter().filter(|(_, peer)| peer.slot == slot && peer.tenure(now) >= TENURE_MIN);
            let lag = |peer: &ConnectedPeer| peer.lag_p90().unwrap_or(Duration::MAX);
            stayed.min_by_key(|(id, peer)| (lag(peer), peer.since, **id)).map(|(id, _)| *id)
        };
        [Slot::Random, Slot::Far, Slot::Near].into_iter().filter_map(best).collect()
    }

    /// The anchors as the book keeps them.
    pub(super) fn anchors(&self, now: Millis) -> Vec<Anchor> {
        let anchor = |id: PeerId| {
            let peer = self.peers.get(&id)?;
            Some(Anchor { peer: id, endpoint: Endpoint::parse(&peer.address, &id)?, slot: peer.slot })
        };
        self.anchor_peers(now).into_iter().filter_map(anchor).collect()
    }

    fn rotating(&self, anchors: &[PeerId]) -> impl Iterator<Item = (PeerId, &ConnectedPeer)> {
        let rotates = |peer: &ConnectedPeer| matches!(peer.slot, Slot::Near | Slot::Far);
        self.peers.iter().filter(move |(id, peer)| rotates(peer) && !anchors.contains(id)).map(|(id, peer)| (*id, peer))
    }

    /// A peer that is not what its slot is for; the newest, since it is missed least.
    fn misfit(&self, anchors: &[PeerId]) -> Option<PeerId> {
        self.rotating(anchors)
            .filter(|(_, peer)| is_misfit(peer))
            .max_by_key(|(id, peer)| (peer.since, *id))
            .map(|it| it.0)
    }

    /// A peer that told nothing new for long while another one did.
    fn silent(&self, anchors: &[PeerId], now: Millis) -> Option<PeerId> {
        let somebody_speaks = self.peers.values().any(|peer| peer.has_news(SILENT_AFTER, now));
        let is_silent = |peer: &ConnectedPeer| {
            peer.tenure(now) >= SILENT_AFTER.max(TENURE_MIN) && !peer.has_news(SILENT_AFTER, now)
        };
        let silent = self.rotating(anchors).filter(|(_, peer)| somebody_speaks && is_silent(peer));
        silent.min_by_key(|(id, peer)| (peer.since, *id)).map(|it| it.0)
    }

    /// The peer that delivers latest, compared with its own kind.
    fn laggard(&self, anchors: &[PeerId], now: Millis) -> Option<PeerId> {
        let worst_of = |slot| {
            let is_judged = |peer: &&ConnectedPeer| peer.slot == slot && peer.lags() >= LAGS_MIN;
            let median = median(self.peers.values().filter(is_judged).filter_map(lag_micros).collect())?;
            let judged = self.rotating(anchors).filter(|(_, peer)| is_judged(peer) && peer.tenure(now) >= TENURE_MIN);
            let excess = |lag: u64| lag.saturating_mul(100) / median.max(1);
            let rated = judged.filter_map(|(id, peer)| Some((excess(lag_micros(peer)?), Reverse(peer.since), id)));
            rated.filter(|(excess, ..)| *excess > 100 + HYSTERESIS_PERCENT).max()
        };
        [Slot::Near, Slot::Far].into_iter().filter_map(worst_of).max().map(|(_, _, id)| id)
    }
}

fn is_misfit(peer: &ConnectedPeer) -> bool {
    match peer.slot {
        Slot::Near => peer.class().is_some_and(|class| class != RttClass::Near),
        Slot::Far => peer.class() == Some(RttClass::Near),
        Slot::Random | Slot::Feeler | Slot::Unasked | Slot::Inbound | Slot::Pinned => false,
    }
}

fn lag_micros(peer: &ConnectedPeer) -> Option<u64> {
    peer.lag_p90().map(|lag| u64::try_from(lag.as_micros()).unwrap_or(u64::MAX))
}

/// The lower one of two in the middle.
fn median(mut values: Vec<u64>) -> Option<u64> {
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) / 2).copied()
}
