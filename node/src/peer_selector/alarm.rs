//! Signs that somebody has surrounded this node. Signs only: what follows is the operator's decision.

use std::{collections::BTreeSet, fmt};

use super::{
    PeerSelector,
    connected::ConnectedPeer,
    limits::{ALARM_GROUPS_MAX, ALARM_OUTBOUND_MIN, ALARM_SILENCE},
    slot::Slot,
};
use crate::{address_book::Millis, netgroup::Netgroup};

/// A sign of an eclipse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EclipseAlarm {
    /// All outbound peers, the operator's included, are in very few netgroups.
    FewNetgroups {
        /// How many.
        groups: usize,
        /// Outbound peers.
        outbound: usize,
    },
    /// Peers chosen by chance tell nothing new while near ones do: either those are cut off, or these make it up.
    RandomPeersSilent,
}

impl PeerSelector {
    /// The first sign that holds now.
    pub fn alarm(&self, now: Millis) -> Option<EclipseAlarm> {
        self.few_netgroups().or_else(|| self.random_silent(now).then_some(EclipseAlarm::RandomPeersSilent))
    }

    fn few_netgroups(&self) -> Option<EclipseAlarm> {
        let outbound = self.peers.values().filter(|peer| peer.slot.is_held() || peer.is_pinned_outbound());
        // An exempt peer is on this machine or in its LAN: that says nothing about the rest.
        let groups: Vec<Netgroup> = outbound.filter_map(|peer| peer.group).collect();
        let distinct = groups.iter().collect::<BTreeSet<_>>().len();
        let is_alarm = groups.len() >= ALARM_OUTBOUND_MIN && distinct <= ALARM_GROUPS_MAX;
        is_alarm.then_some(EclipseAlarm::FewNetgroups { groups: distinct, outbound: groups.len() })
    }

    fn random_silent(&self, now: Millis) -> bool {
        let of = |slot| self.peers.values().filter(move |peer| peer.slot == slot && peer.tenure(now) >= ALARM_SILENCE);
        let has_news = |peer: &ConnectedPeer| peer.has_news(ALARM_SILENCE, now);
        of(Slot::Random).count() > 0 && !of(Slot::Random).any(has_news) && of(Slot::Near).any(has_news)
    }
}

impl fmt::Display for EclipseAlarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewNetgroups { groups, outbound } => {
                write!(f, "all {outbound} outbound peers are in {groups} networks")
            }
            Self::RandomPeersSilent => f.write_str("peers chosen by chance tell nothing new while near ones do"),
        }
    }
}
