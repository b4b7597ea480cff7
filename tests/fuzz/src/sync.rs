//! Catching up with peers that say and show anything: requests go to known peers that claim more, one at a time.

use sharechain::{
    ShareId, Tip, UnixTime, Work,
    sync::{CURSOR_MAX, Page, REQUEST_TIMEOUT_SECS, Sync, SyncState, TipClaim},
};

/// Bytes of one event.
const EVENT_LEN: usize = 4;

/// Our own tip, with the smallest id: of equal work nobody's is better.
fn tip(total_work: u128) -> Tip {
    Tip { id: ShareId::ZERO, height: 1, count: 1, total_work: Work::from_hashes(total_work) }
}

/// Runs the events that `bytes` spell.
pub fn run(bytes: &[u8]) {
    let mut sync = Sync::<u8>::default();
    let mut claims = std::collections::BTreeMap::<u8, u128>::new();
    let (mut now, mut ours): (UnixTime, u128) = (0, 10);
    let mut asked: Option<(u8, UnixTime)> = None;
    let mut was_synced = false;
    for event in bytes.chunks_exact(EVENT_LEN).take(1_000) {
        let &[kind, peer, value, more] = event else { continue };
        let peer = peer % 5;
        match kind % 8 {
            0 | 1 => {
                let total_work = Work::from_hashes(u128::from(value));
                let claim = TipClaim { id: ShareId::from_bytes([value; 32]), height: u64::from(more), total_work };
                sync.on_tip(peer, claim, now);
                claims.insert(peer, u128::from(value));
            }
            2 => {
                sync.on_gone(&peer);
                claims.remove(&peer);
                asked = asked.filter(|(other, _)| *other != peer);
            }
            3 => {
                let page = Page::new(&[], usize::from(value % 3), more % 2 == 0, |_| true);
                sync.on_page(&peer, page, now);
                asked = asked.filter(|(other, _)| *other != peer);
            }
            4 => {
                sync.on_failure(&peer, now);
                asked = asked.filter(|(other, _)| *other != peer);
            }
            5 => now += UnixTime::from(value),
            6 => ours += u128::from(value),
            _ => assert!(sync.next_peer().is_none_or(|peer| claims.contains_key(&peer))),
        }
        let request = sync.poll(&tip(ours), now);
        if let Some(request) = request {
            assert!(asked.is_none_or(|(_, deadline)| now >= deadline), "two requests at once");
            assert!(claims.get(&request.peer).is_some_and(|work| *work > ours), "asked somebody who claims no more");
            assert!(request.cursor.len() <= CURSOR_MAX);
            asked = Some((request.peer, now + REQUEST_TIMEOUT_SECS));
            assert_eq!(sync.poll(&tip(ours), now), None, "one request at a time");
        }
        let state = sync.state();
        assert!(!was_synced || state == SyncState::Synced, "who was synced stays so");
        was_synced = state == SyncState::Synced;
        assert!(was_synced || (state == SyncState::Alone) == claims.is_empty());
    }
}
