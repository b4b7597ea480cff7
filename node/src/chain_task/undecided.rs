//! Gossiped shares whose place is not known yet: the gossip layer waits a few seconds for our verdict, so a share that
//! overtook its parent is relayed when the parent is here instead of never.

use std::collections::VecDeque;

use sharechain::{ShareId, UnixTime};

use crate::p2p::{Acceptance, GossipTicket};

/// Verdicts kept open. Stops a flood of shares without parents; the oldest is given up first.
const UNDECIDED_MAX: usize = 256;
/// For how long: the gossip layer forgets a message after about eight seconds.
const UNDECIDED_SECS: u64 = 4;

/// Open verdicts, oldest first.
#[derive(Debug, Default)]
pub(super) struct Undecided {
    open: VecDeque<(ShareId, GossipTicket, UnixTime)>,
}

impl Undecided {
    /// Keeps a verdict open.
    pub(super) fn push(&mut self, share: ShareId, ticket: GossipTicket, now: UnixTime) {
        self.open.push_back((share, ticket, now));
    }

    /// The next verdict that can be given: accepted when linked, ignored when it took too long.
    pub(super) fn pop_decided(
        &mut self,
        now: UnixTime,
        is_linked: impl Fn(&ShareId) -> bool,
    ) -> Option<(GossipTicket, Acceptance)> {
        if let Some(linked) = self.open.iter().position(|(share, ..)| is_linked(share)) {
            return self.open.remove(linked).map(|(_, ticket, _)| (ticket, Acceptance::Accept));
        }
        let (.., since) = self.open.front()?;
        let over = self.open.len() > UNDECIDED_MAX || now.saturating_sub(*since) >= UNDECIDED_SECS;
        over.then(|| self.open.pop_front()).flatten().map(|(_, ticket, _)| (ticket, Acceptance::Ignore))
    }
}

#[cfg(test)]
mod tests {
    use libp2p::{PeerId, gossipsub::MessageId};

    use super::*;

    fn ticket(tag: u8) -> GossipTicket {
        GossipTicket { message: MessageId::new(&[tag]), source: PeerId::random() }
    }

    fn share(tag: u8) -> ShareId {
        ShareId::from_bytes([tag; 32])
    }

    #[test]
    fn linked_shares_are_accepted_and_late_ones_ignored() {
        let mut undecided = Undecided::default();
        undecided.push(share(1), ticket(1), 100);
        undecided.push(share(2), ticket(2), 100);
        let verdict = |undecided: &mut Undecided, now, linked: u8| {
            let decided = undecided.pop_decided(now, |id| *id == share(linked));
            decided.map(|(ticket, acceptance)| (ticket.message.0[0], acceptance))
        };
        assert_eq!(verdict(&mut undecided, 101, 9), None);
        assert_eq!(verdict(&mut undecided, 101, 2), Some((2, Acceptance::Accept)));
        assert_eq!(verdict(&mut undecided, 101, 9), None);
        assert_eq!(verdict(&mut undecided, 100 + UNDECIDED_SECS, 9), Some((1, Acceptance::Ignore)));
        assert_eq!(verdict(&mut undecided, 500, 1), None);
    }

    #[test]
    fn a_flood_gives_up_the_oldest() {
        let mut undecided = Undecided::default();
        for _ in 0..=UNDECIDED_MAX {
            undecided.push(share(1), ticket(1), 100);
        }
        assert!(undecided.pop_decided(100, |_| false).is_some());
        assert!(undecided.pop_decided(100, |_| false).is_none());
    }
}
